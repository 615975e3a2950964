//! Damage byte by byte: whatever a file holds, opening it is an error or a queue, never a panic, a crash or a hang.

use crate::common::{PATIENCE, payload, scrambled, within};
use crate::segment_file::{
    CAPACITY, CHECKSUM, DESCRIPTORS, HEADER_END, PARTICIPANTS, SegmentFile, items, seal,
};
use ringpost::{Options, PutError};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// Where the participants start, after the control lines.
const CONTROL_END: u64 = 1024;

/// Flips these bits of the byte at `at`.
fn flip(segment: &SegmentFile, at: u64, bits: u8) {
    let mut byte = [0];
    segment.file.read_exact_at(&mut byte, at).unwrap();
    segment.file.write_all_at(&[byte[0] ^ bits], at).unwrap();
}

/// Uses a queue in every way, whatever it answers.
fn use_it(segment: &SegmentFile) -> bool {
    let Ok(queue) = segment.open() else {
        segment.is_alone();
        return false;
    };
    let soon = || Instant::now() + Duration::from_millis(1);
    let _ = (
        queue.len(),
        queue.is_empty(),
        queue.is_full(),
        queue.capacity(),
    );
    let _ = queue.stats();
    let _ = queue.recover();
    let _ = queue.try_put(b"short");
    let _ = queue.try_put(&payload(3, 9000));
    let _ = queue.put_deadline(b"short", soon());
    let _ = queue
        .try_loan(5000)
        .map(|loan| loan.try_commit().map_err(|(_, error)| error));
    let _ = queue.try_get_ref().map(|message| message.to_vec());
    let _ = queue.get_deadline(soon());
    let _ = queue.try_get_many(20);
    let _ = queue.join_timeout(Duration::from_millis(1));
    let _ = queue.readiness();
    queue.shutdown();
    queue.shutdown_now();
    true
}

#[test]
fn each_byte_of_the_header_and_each_bit_of_it() {
    within("opening damaged headers", || {
        let segment = SegmentFile::new();
        for at in 0..HEADER_END {
            for bits in [0xff, 1, 2, 4, 8, 16, 32, 64, 128] {
                flip(&segment, at, bits);
                assert!(!use_it(&segment), "byte {at}, bits {bits:#x}");
                segment.mend();
            }
        }
        segment.is_intact();
    });
}

/// The same by somebody who makes the checksum right: an error or a queue, whatever the field then says.
#[test]
fn each_byte_of_a_sealed_header() {
    let opened = within("opening forged headers", || {
        let segment = SegmentFile::new();
        let mut opened = Vec::new();
        for at in 8..CHECKSUM.1 {
            for bits in [0xff, 1, 2, 4, 8, 16, 32, 64, 128] {
                flip(&segment, at, bits);
                seal(&segment.file);
                if use_it(&segment) {
                    opened.push(at);
                }
                segment.mend();
            }
        }
        segment.is_intact();
        opened
    });
    // Of the sizes, those pass that fit the file: a capacity within the same slots, and tables that end in the same page.
    for at in opened {
        let fits = [CAPACITY.1, DESCRIPTORS.1, PARTICIPANTS.1].contains(&at);
        let anyones = (80..84).contains(&at) || (96..112).contains(&at);
        assert!(fits || anyones, "byte {at}");
    }
}

#[test]
fn each_byte_of_the_control_lines() {
    within("using damaged control lines", || {
        let segment = SegmentFile::new();
        for at in HEADER_END..CONTROL_END {
            for bits in [0xff, 1 << (at % 8)] {
                flip(&segment, at, bits);
                assert!(use_it(&segment), "no header field is at {at}");
                segment.mend();
            }
        }
        segment.is_intact();
    });
}

#[test]
fn bytes_of_the_participants_descriptors_and_chunk_words() {
    let started = Instant::now();
    within("using damaged words", move || {
        let segment = SegmentFile::new();
        // Ahead of the arena, whose bytes mean nothing to the queue.
        let end = segment.len() - 16 * 4096;
        let places = (0..20_000).map(|n| n * 37 % (end - CONTROL_END) + CONTROL_END);
        for (at, word) in places.zip(scrambled(5)).take(1500) {
            flip(&segment, at, (word as u8).max(1));
            use_it(&segment);
            segment.mend();
            if started.elapsed() > PATIENCE / 2 {
                break; // a slow machine sees fewer of them
            }
        }
        segment.is_intact();
    });
}

#[test]
fn a_wrong_hint_costs_time_but_no_item() {
    // The tail's hint and the head's hint: behind, a little ahead, or far off.
    let segment = SegmentFile::new();
    for at in [256, 384] {
        let mut bytes = [0; 8];
        segment.file.read_exact_at(&mut bytes, at).unwrap();
        let right = u64::from_ne_bytes(bytes);
        for wrong in [
            0,
            1,
            right - 1,
            right - 2,
            right + 1,
            right + 2,
            right + 7,
            right + 8,
            right + 1000,
            right + (1 << 43),
            u64::MAX,
        ] {
            segment.file.write_all_at(&wrong.to_ne_bytes(), at).unwrap();
            let queue = segment.open().unwrap();
            queue.try_put(b"third").unwrap();
            let mut expected = items().to_vec();
            expected.push(b"third".to_vec());
            assert!(
                queue.try_get_many(9).unwrap() == expected,
                "hint at {at} = {wrong}"
            );
            drop(queue);
            segment.mend();
        }
    }
    segment.is_intact();
}

#[test]
fn files_of_chance() {
    within("opening files of chance", || {
        let segment = SegmentFile::new();
        let mut words = scrambled(9);
        for _ in 0..300 {
            let start = (words.next().unwrap() % segment.len()) & !7;
            let bytes: Vec<u8> = words
                .by_ref()
                .take(200)
                .flat_map(|word| word.to_ne_bytes())
                .collect();
            segment.file.write_all_at(&bytes, start).unwrap();
            segment.file.set_len(segment.len()).unwrap();
            use_it(&segment);
            segment.mend();
        }
        segment.is_intact();
    });
}

/// A search that meets the damage again and again must not walk through all slots each time.
#[test]
fn a_damaged_slot_of_a_large_queue_makes_no_search_long() {
    const N: u64 = 1 << 16;
    let options = Options::new().capacity(N as usize).in_flight(8).arena(0);
    let segment = SegmentFile::with(&options, &[b"first".to_vec(), b"second".to_vec()]);
    let queue = segment.open().unwrap();
    // Where the next item goes, and where the oldest one is: now the position of another slot.
    for position in [N + 2, N] {
        let index = position * ((N * 618_034 / 1_000_000) | 1) % N;
        segment.set_word(index, 0, segment.word(index, 0) + (1 << 20));
    }
    within("using a large queue with damaged slots", move || {
        let put = queue.try_put(b"third");
        assert!(matches!(put, Err(PutError::Corrupt(_))), "{put:?}");
        let _ = (queue.try_get(), queue.len(), queue.is_empty());
    });
}
