//! Words that no correct process writes, met while the queue is in use: an error that says where, and life goes on.

use crate::common::payload;
use crate::segment_file::{DESCRIPTORS, SLOTS, SegmentFile, items};
use ringpost::{BytesQueue, Corrupt, GetError, PutError};

/// Words of a descriptor; the first belongs to the slot.
const SLOT: u64 = 0;
const DESCRIPTOR: u64 = 8;
const EXTENT: u64 = 16;
const ITEM: u64 = 24;

/// Of the item word: the payload lies in the arena.
const IN_EXTENT: u64 = 1 << 56;

/// Of the descriptor word: the state, and the one of an item that is offered.
const STATE: u64 = 7 << 61;
const PEND: u64 = 2 << 61;

/// The descriptors of the two items, in their order, and all others.
fn descriptors(segment: &SegmentFile) -> ([u64; 2], Vec<u64>) {
    let word = |&index: &u64| segment.word(index, DESCRIPTOR);
    let all = 0..segment.value(DESCRIPTORS);
    let (mut items, others): (Vec<_>, Vec<_>) = all.partition(|d| word(d) & STATE == PEND);
    items.sort_by_key(|d| word(d) & ((1 << 44) - 1));
    (items.try_into().unwrap(), others)
}

fn get_is_corrupt(queue: &BytesQueue) -> Corrupt {
    match queue.try_get().unwrap_err() {
        GetError::Corrupt(corrupt) => {
            let said = corrupt.to_string();
            assert!(said.contains("the segment is damaged") && said.contains(corrupt.what));
            let place = format!("{} {}", corrupt.place, corrupt.index);
            assert!(said.contains(&place), "{place} is not in: {said}");
            corrupt
        }
        other => panic!("{other}"),
    }
}

fn works(queue: &BytesQueue) {
    for length in [10, 5000, 65_536] {
        queue.try_put(&payload(9, length)).unwrap();
        assert!(queue.try_get().unwrap() == payload(9, length));
    }
}

#[test]
fn an_item_longer_than_its_memory_is_set_aside() {
    // The second item has two chunks; the first none.
    let wrong = [
        (ITEM, IN_EXTENT | 8193),
        (ITEM, IN_EXTENT | ((1 << 44) - 1)),
        (ITEM, 97),
        (EXTENT, 1),
        (EXTENT, 15 << 32 | 2),
        (EXTENT, u64::MAX),
        (EXTENT, 0),
    ];
    for (word, value) in wrong {
        let segment = SegmentFile::new();
        let queue = segment.open().unwrap();
        let second = descriptors(&segment).0[1];
        segment.set_word(second, word, value);
        assert!(queue.try_get().unwrap() == items()[0]);
        let corrupt = get_is_corrupt(&queue);
        assert_eq!(
            (corrupt.place, corrupt.index),
            ("descriptor", second),
            "{value:#x}"
        );
        assert!(matches!(queue.try_get(), Err(GetError::Empty)));
        assert_eq!(queue.stats().quarantined, 1);
        queue.join();
        queue.try_put(&payload(3, 100)).unwrap();
        assert!(queue.try_get().unwrap() == payload(3, 100));
    }
}

#[test]
fn an_item_beside_its_slot_that_is_longer_than_the_room_is_set_aside() {
    let segment = SegmentFile::new();
    let queue = segment.open().unwrap();
    let first = descriptors(&segment).0[0];
    segment.set_word(first, ITEM, 97);
    assert_eq!(get_is_corrupt(&queue).index, first);
    assert!(queue.try_get().unwrap() == items()[1]);
    works(&queue);
}

#[test]
fn a_slot_that_names_no_descriptor_is_an_error_and_no_hang() {
    let segment = SegmentFile::new();
    let queue = segment.open().unwrap();
    // An item's slot is that of its own descriptor when nothing else is in flight.
    let slot = descriptors(&segment).0[0];
    let right = segment.word(slot, SLOT);
    segment.set_word(slot, SLOT, (right >> 20) << 20 | segment.value(DESCRIPTORS));
    for _ in 0..3 {
        let corrupt = get_is_corrupt(&queue);
        assert_eq!((corrupt.place, corrupt.index), ("slot", slot));
    }
    assert!(
        matches!(queue.get(), Err(GetError::Corrupt(_))),
        "a get that may wait"
    );
    assert!(matches!(queue.get_ref(), Err(GetError::Corrupt(_))));
    // Repaired, nothing is lost.
    segment.set_word(slot, SLOT, right);
    assert!(queue.try_get_many(9).unwrap() == items());
    works(&queue);
}

#[test]
fn memory_beyond_the_arena_is_met_by_a_put_and_then_given_up() {
    for length in [10, 5000] {
        let segment = SegmentFile::new();
        let queue = segment.open().unwrap();
        // All the others are free, and kept such memory from an earlier payload.
        let (_, free) = descriptors(&segment);
        for &descriptor in &free {
            segment.set_word(descriptor, EXTENT, 10 << 32 | 7);
        }
        let mut met = 0;
        for n in 0..200 {
            match queue.try_put(&payload(n, length)) {
                Ok(()) => drop(queue.try_get().unwrap()),
                Err(PutError::Corrupt(corrupt)) => {
                    assert_eq!(corrupt.place, "descriptor");
                    assert!(free.contains(&corrupt.index), "{corrupt}");
                    met += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        // A short payload goes to the home of its slot, so each of these was met; one that needs memory takes that of others.
        let homes = free.iter().filter(|&&d| d < segment.value(SLOTS)).count();
        let least = if length == 10 { homes } else { 1 };
        assert!(met >= least, "{met} by puts of {length} bytes");
        assert_eq!(queue.stats().filling, 0);
        while queue.try_get().is_ok() {}
        queue.try_put(&payload(3, 5000)).unwrap();
        assert!(queue.try_get().unwrap() == payload(3, 5000));
    }
}
