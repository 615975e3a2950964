//! The check at the end of a round: of the queue, of all that was entered, and of what is left in `/dev/shm`.

use crate::ledger::{
    ACKNOWLEDGING, AGAIN, DONE, FAILED, Ledger, RECEIVED, RETURNED, STARTED, count,
};
use crate::totals::Totals;
use ringpost::{BytesQueue, PutError, Shortage};

/// All is empty, free and nobody's, but for this process's place.
pub(crate) fn of_the_queue(queue: &BytesQueue, totals: &mut Totals) {
    assert_eq!(queue.recover().expect("the dead can be looked for"), 0);
    let stats = queue.stats();
    let busy = stats.queued + stats.retry + stats.quarantined + stats.filling + stats.loaned;
    totals.leaked_descriptors += (stats.descriptors - stats.free).max(busy + stats.held);
    totals.leaked_places += stats.participants.len() as u64 - 1;
    totals.leaked_chunks += audit(queue, totals).max(leaked_chunks(queue));
}

/// Looks at every word of a queue, in use or not. Says how many chunks are lost.
pub(crate) fn audit(queue: &BytesQueue, totals: &mut Totals) -> u64 {
    let findings = queue.audit().expect("the dead can be looked for").findings;
    for finding in &findings {
        eprintln!("storm: audit: {finding:?}");
    }
    totals.findings += findings.len() as u64;
    let chunks = findings.iter().filter(|finding| finding.place == "chunk");
    chunks.count() as u64
}

/// What a payload as long as the arena cannot have: free descriptors give up what they keep.
fn leaked_chunks(queue: &BytesQueue) -> u64 {
    let longest = vec![7; queue.max_payload()];
    match queue.try_put(&longest) {
        Ok(()) => {
            assert!(queue.try_get().is_ok_and(|got| got == longest));
            0
        }
        Err(PutError::Full(Shortage::Arena)) => {
            let stats = queue.stats();
            stats.arena_used_bytes / stats.chunk_bytes
        }
        // After a shutdown nobody can put.
        Err(PutError::Closed) => 0,
        Err(error) => panic!("a put into an empty queue: {error}"),
    }
}

/// Everything that was put was received, once, and in order.
pub(crate) fn of_the_ledger(ledger: &Ledger, producers: usize, totals: &mut Totals) {
    for producer in 0..producers {
        let mut last = 0;
        for [word, position] in ledger.entries(producer) {
            let (received, done) = (count(word, RECEIVED), count(word, DONE));
            totals.redelivered += count(word, AGAIN);
            totals.duplicated += done.saturating_sub(1);
            if position != 0 {
                totals.misplaced += u64::from(position <= last);
                last = position;
            }
            if word & RETURNED != 0 {
                totals.put += 1;
                if done == 0 && count(word, ACKNOWLEDGING) > 0 {
                    totals.acknowledged_at_death += 1;
                } else if done == 0 {
                    totals.unseen += 1;
                }
            } else if word & FAILED != 0 {
                // Also if it was received before the put failed.
                totals.duplicated += received;
            } else if word & STARTED != 0 {
                totals.cut_off += 1;
                totals.cut_off_whole += u64::from(received > 0);
            }
        }
    }
    for (counted, fault) in totals.faults.iter_mut().zip(ledger.faults()) {
        *counted += fault;
    }
    // At most what the calls can have had that a kill cut off; an item under lease is never lost.
    totals.lost += totals.unseen.saturating_sub(totals.may_be_unseen);
    totals.lost += totals
        .acknowledged_at_death
        .saturating_sub(totals.kills_in_an_ack);
}

/// Nothing of this queue is left, whoever was killed.
pub(crate) fn of_the_folder(name: &str) {
    let left: Vec<_> = std::fs::read_dir("/dev/shm")
        .expect("the folder of all queues")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|file| file.contains(name))
        .collect();
    assert_eq!(left, [""; 0], "in /dev/shm");
}
