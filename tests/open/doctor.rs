//! The doctor finds each kind of flaw in a queue in use, names the place, and mends what it says it can.

use crate::common::{Background, payload, small};
use crate::segment_file::{
    DESCRIPTORS, FILE_BYTES, Field, PARTICIPANTS, SLOTS, STRIDE, SegmentFile, items,
};
use ringpost::{BytesQueue, Finding, GetError};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Words of a descriptor; the first belongs to the slot.
const SLOT: u64 = 0;
const DESCRIPTOR: u64 = 8;
const EXTENT: u64 = 16;
const ITEM: u64 = 24;

const STATE: u64 = 7 << 61;
const PEND: u64 = 2 << 61;
const LOAN: u64 = 3 << 61;
const RETRY: u64 = 4 << 61;
const POSITION: u64 = (1 << 44) - 1;
const NO_DESCRIPTOR: u64 = (1 << 20) - 1;
/// Participant 40, incarnation 5: nobody.
const NOBODY: u64 = 40 << 51 | 5 << 44;

const TAIL_HINT: Field = ("tail hint", 256, 8);
const HEAD_HINT: Field = ("head hint", 384, 8);
const QUEUE_STATE: Field = ("state", 532, 4);
const RESERVED: Field = ("reserved", 640, 8);

/// The second participant, or a place nobody has taken.
const ENTRY_5: Field = ("participant 5", 1024 + 5 * 64, 8);

struct Patient {
    segment: SegmentFile,
    queue: BytesQueue,
    /// The descriptors of the two items, in their order: one beside its slot, one with two chunks.
    items: [u64; 2],
    /// A descriptor that is free.
    free: u64,
}

impl Patient {
    fn new() -> Patient {
        let segment = SegmentFile::new();
        let queue = segment.open().unwrap();
        let all = 0..segment.value(DESCRIPTORS);
        let (mut items, free): (Vec<_>, Vec<_>) =
            all.partition(|&d| segment.word(d, DESCRIPTOR) & STATE == PEND);
        items.sort_by_key(|&d| segment.word(d, DESCRIPTOR) & POSITION);
        let items = items.try_into().unwrap();
        let free = free[free.len() - 1];
        let patient = Patient {
            segment,
            queue,
            items,
            free,
        };
        patient.is_healthy();
        patient
    }

    fn findings(&self) -> Vec<Finding> {
        self.queue.audit().unwrap().findings
    }

    #[track_caller]
    fn is_healthy(&self) {
        assert_eq!(self.findings(), []);
    }

    /// The word of chunk `chunk`.
    fn chunk(&self, chunk: u64) -> Field {
        let words = self.segment.descriptor_at(self.segment.value(DESCRIPTORS));
        ("chunk", words.next_multiple_of(64) + 4 * chunk, 4)
    }

    /// Exactly one thing is wrong, here, and it says so.
    #[track_caller]
    fn is_ill(&self, place: &str, index: u64, says: &str) -> Finding {
        let mut findings = self.findings();
        assert_eq!(findings.len(), 1, "{findings:?}");
        let finding = findings.remove(0);
        assert_eq!((finding.place, finding.index), (place, index));
        assert!(finding.what.contains(says), "{says:?}: {}", finding.what);
        finding
    }

    /// The same, and it can be mended; then the queue works, with both items.
    #[track_caller]
    fn is_mended(&self, place: &str, index: u64, says: &str) {
        assert!(self.is_ill(place, index, says).repairable);
        assert_eq!(self.queue.repair().unwrap(), 1);
        self.is_healthy();
        self.works();
    }

    #[track_caller]
    fn works(&self) {
        for item in items() {
            assert!(self.queue.try_get().unwrap() == item);
        }
        for length in [10, 5000, 65_536] {
            self.queue.try_put(&payload(9, length)).unwrap();
            assert!(self.queue.try_get().unwrap() == payload(9, length));
        }
        assert!(matches!(self.queue.try_get(), Err(GetError::Empty)));
        let stats = self.queue.stats();
        assert_eq!(stats.free, stats.descriptors);
        self.is_healthy();
    }
}

#[test]
fn a_slot_that_names_no_descriptor_is_mended() {
    let patient = Patient::new();
    let [first, _] = patient.items;
    let right = patient.segment.word(first, SLOT);
    let wrong = right & !NO_DESCRIPTOR | patient.segment.value(DESCRIPTORS);
    patient.segment.set_word(first, SLOT, wrong);
    patient.is_mended("slot", first, "does not exist");
    assert_eq!(patient.segment.value(SLOTS), 8);
}

#[test]
fn a_slot_with_a_wrong_position_is_mended() {
    for wrong in [0, 5 << 20 | NO_DESCRIPTOR, 1 << 63, u64::MAX] {
        let patient = Patient::new();
        for slot in patient.items {
            let right = patient.segment.word(slot, SLOT);
            patient.segment.set_word(slot, SLOT, wrong);
            let finding = patient.is_ill("slot", slot, "expected");
            assert!(finding.repairable);
            assert_eq!(patient.queue.repair().unwrap(), 1, "{wrong:#x}");
            assert_eq!(patient.segment.word(slot, SLOT), right);
            patient.is_healthy();
        }
        patient.works();
    }
}

/// With the slot also the hint is wrong, which only shows when the slot is right again.
#[test]
fn a_flaw_behind_another_is_mended_too() {
    let patient = Patient::new();
    let [first, _] = patient.items;
    patient.segment.set_word(first, SLOT, 77 << 30);
    patient.segment.damage(TAIL_HINT, (77 << 10) + 1);
    patient.is_ill("slot", first, "expected");
    assert_eq!(patient.queue.repair().unwrap(), 2);
    patient.is_healthy();
    patient.works();
}

#[test]
fn slots_that_contradict_each_other_are_reported() {
    let patient = Patient::new();
    for slot in 0..5 {
        patient.segment.set_word(slot, SLOT, 77 << 40);
    }
    let findings = patient.findings();
    let found = findings
        .iter()
        .find(|finding| finding.what.contains("contradict"));
    assert!(!found.expect("it says so").repairable, "{findings:?}");
}

#[test]
fn a_descriptor_that_nobody_holds_is_freed() {
    for state in [1_u64 << 61, LOAN | 3, 5 << 61, 7 << 61 | 3, PEND | 10] {
        let patient = Patient::new();
        let d = patient.free;
        patient.segment.set_word(d, DESCRIPTOR, state | NOBODY);
        let findings = patient.findings();
        let finding = &findings[0];
        assert_eq!((finding.place, finding.index), ("descriptor", d));
        assert!(finding.what.contains("participant 40"), "{}", finding.what);
        assert!(finding.repairable && patient.queue.repair().unwrap() > 0);
        // A loan of nobody's is an item that will be delivered again.
        if state & STATE == LOAN {
            assert!(patient.queue.try_get().unwrap().is_empty());
        }
        patient.is_healthy();
        patient.works();
    }
}

#[test]
fn a_dead_participant_is_reported_and_recovered() {
    let patient = Patient::new();
    patient.segment.damage(ENTRY_5, 3 << 1 | 1);
    patient.is_mended("participant", 5, "has died");
}

#[test]
fn a_chunk_that_its_descriptor_does_not_know_is_freed() {
    for tag in [1, 1 << 30] {
        let patient = Patient::new();
        patient.segment.damage(patient.chunk(9), tag);
        patient.is_mended("chunk", 9, "lost");
    }
}

#[test]
fn a_free_descriptor_with_a_wrong_extent_is_mended() {
    let patient = Patient::new();
    patient.segment.set_word(patient.free, EXTENT, 9 << 32 | 2);
    patient.is_mended("descriptor", patient.free, "does not belong to it");
    let patient = Patient::new();
    patient.segment.set_word(patient.free, EXTENT, u64::MAX);
    patient.is_mended("descriptor", patient.free, "beyond the arena");
}

#[test]
fn an_item_that_lost_a_chunk_is_reported() {
    let patient = Patient::new();
    patient.segment.damage(patient.chunk(1), 0);
    let [_, second] = patient.items;
    let finding = patient.is_ill("descriptor", second, "chunk 1 of its extent");
    assert!(!finding.repairable);
}

#[test]
fn an_item_longer_than_its_memory_is_reported_and_can_be_discarded() {
    let patient = Patient::new();
    let [first, second] = patient.items;
    patient.segment.set_word(first, ITEM, 97);
    patient.is_ill("descriptor", first, "97 bytes");
    assert!(matches!(patient.queue.try_get(), Err(GetError::Corrupt(_))));
    let aside = patient.queue.quarantined()[0];
    assert!(matches!(
        patient.queue.inspect(aside.position),
        Err(GetError::Corrupt(_))
    ));
    assert!(matches!(
        patient.queue.requeue(aside.position),
        Err(GetError::Corrupt(_))
    ));
    assert!(patient.queue.discard(aside.position).unwrap());
    patient.is_healthy();
    assert_ne!(first, second);
    assert!(patient.queue.try_get().unwrap() == items()[1]);
}

#[test]
fn an_item_that_is_not_announced_is_mended() {
    let patient = Patient::new();
    let [first, _] = patient.items;
    let position = patient.segment.word(first, DESCRIPTOR) & POSITION;
    patient
        .segment
        .set_word(first, DESCRIPTOR, RETRY | position);
    patient.is_mended("descriptor", first, "flag");
}

#[test]
fn two_descriptors_of_one_position_are_reported() {
    let patient = Patient::new();
    let [first, second] = patient.items;
    let position = patient.segment.word(first, DESCRIPTOR) & POSITION;
    patient
        .segment
        .set_word(second, DESCRIPTOR, 6 << 61 | position);
    let finding = patient.is_ill("descriptor", first.max(second), "as descriptor");
    assert!(!finding.repairable);
}

#[test]
fn an_item_of_the_future_is_reported() {
    let patient = Patient::new();
    patient
        .segment
        .set_word(patient.free, DESCRIPTOR, 6 << 61 | 1000);
    patient.is_ill("descriptor", patient.free, "nothing was ever put");
}

#[test]
fn control_words_are_mended() {
    let patient = Patient::new();
    patient.segment.damage(TAIL_HINT, 1 << 40);
    patient.is_mended("control word", 0, "hint to the tail");
    let patient = Patient::new();
    patient.segment.damage(HEAD_HINT, 1 << 40);
    patient.is_mended("control word", 0, "hint to the head");
    let patient = Patient::new();
    patient.segment.damage(RESERVED, 1 << 40);
    patient.is_mended("control word", 0, "chunks");
    let patient = Patient::new();
    patient.segment.damage(QUEUE_STATE, 9);
    assert!(!patient.is_ill("control word", 0, "state is 9").repairable);
}

#[test]
fn a_changed_header_is_reported() {
    for field in [FILE_BYTES, PARTICIPANTS, STRIDE] {
        let patient = Patient::new();
        patient.segment.damage(field, 1);
        assert!(!patient.is_ill("header", 0, "nobody can open it").repairable);
    }
}

#[test]
fn a_queue_in_full_use_has_no_flaws() {
    for (capacity, in_flight) in [(1, 2), (2, 4), (8, 8)] {
        let queue = small()
            .capacity(capacity)
            .in_flight(in_flight)
            .max_deliveries(2)
            .anonymous()
            .unwrap();
        let again = || ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap()).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let producer = Background::start({
            let (queue, stop) = (again(), stop.clone());
            move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let _ = queue.try_put(&payload(n, (n % 3 * 5000) as usize));
                }
            }
        });
        let consumer = Background::start({
            let (queue, stop) = (again(), stop.clone());
            move || {
                let mut held = None;
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(lease) = queue.try_lease()
                        && !lease.len().is_multiple_of(4)
                    {
                        held = lease.into_message().ok();
                    }
                    for aside in queue.quarantined() {
                        assert!(queue.discard(aside.position).unwrap());
                    }
                }
                drop(held);
            }
        });
        for _ in 0..40 {
            assert_eq!(queue.audit().unwrap().findings, []);
        }
        assert_eq!(queue.repair().unwrap(), 0);
        stop.store(true, Ordering::Relaxed);
        producer.end("the producer");
        consumer.end("the consumer");
        while queue.try_get().is_ok() {}
        assert_eq!(queue.audit().unwrap().findings, []);
        let stats = queue.stats();
        assert_eq!(stats.free, stats.descriptors);
    }
}
