//! A queue that has counted almost as far as it can: positions begin again at 0, and nobody notices.

use crate::common::{Background, payload, small};
use crate::segment_file::{SLOTS, SegmentFile};
use ringpost::{BytesQueue, Options};
use std::os::unix::fs::FileExt;

/// Positions are counted modulo this.
const WRAP: u64 = 1 << 44;
/// What a slot word says of the descriptor when nothing was ever put there.
const NONE: u64 = (1 << 20) - 1;

/// An empty queue of which `left` more items can be put before positions begin again: all its slot words and both hints,
/// as that many puts and gets would have left them.
fn almost_wrapped(options: &Options, left: u64) -> (SegmentFile, BytesQueue) {
    let segment = SegmentFile::with(options, &[]);
    let slots = segment.value(SLOTS);
    let tail = WRAP - left;
    for slot in 0..slots {
        // Whichever slot this position has, those a multiple of the slots away have the same.
        let first = segment.word(slot, 0) >> 20;
        let last = (tail - slots..tail).find(|position| position % slots == first % slots);
        segment.set_word(slot, 0, last.unwrap() << 20 | NONE);
    }
    for hint_at in [256, 384] {
        segment
            .file
            .write_all_at(&tail.to_ne_bytes(), hint_at)
            .unwrap();
    }
    let queue = segment.open().unwrap();
    assert_eq!(
        (queue.len(), queue.is_empty(), queue.is_full()),
        (0, true, false)
    );
    (segment, queue)
}

#[test]
fn order_length_and_capacity_hold_across_the_wrap() {
    for capacity in [1, 2, 3, 5, 8] {
        for left in 0..2 * capacity as u64 + 2 {
            let (segment, queue) = almost_wrapped(&small().capacity(capacity), left);
            let other = segment.open().unwrap();
            for lap in 0..4 {
                for n in 0..capacity as u64 {
                    queue.try_put(&payload(n, 500)).unwrap();
                    assert_eq!(
                        other.len() as u64,
                        n + 1,
                        "capacity {capacity}, {left} left, lap {lap}"
                    );
                }
                assert!(queue.is_full() && other.is_full());
                assert!(other.try_put(b"one too many").is_err());
                // Who comes now starts from the hints.
                let late = segment.open().unwrap();
                assert_eq!(late.len(), capacity);
                for n in 0..capacity as u64 {
                    let getter = [&queue, &other, &late][n as usize % 3];
                    assert!(getter.try_get().unwrap() == payload(n, 500));
                }
                assert!(queue.is_empty() && other.is_empty() && late.is_empty());
                assert!(late.try_get().is_err());
                assert!(queue.join_timeout(std::time::Duration::ZERO));
            }
        }
    }
}

#[test]
fn a_held_message_and_a_late_process_survive_the_wrap() {
    let (segment, queue) = almost_wrapped(&small().capacity(4), 6);
    let late = segment.open().unwrap();
    queue.put(&payload(1, 5000)).unwrap();
    let held = queue.get_ref().unwrap();
    assert_eq!(held.position(), WRAP - 6);
    // `late` has looked before the wrap, and not since.
    for n in 0..40 {
        queue.put(&payload(n, 100)).unwrap();
        let message = queue.get_ref().unwrap();
        assert_eq!(message.position(), (WRAP - 5 + n) % WRAP);
        assert!(*message == *payload(n, 100));
    }
    late.put(b"late").unwrap();
    assert_eq!((queue.len(), late.len()), (1, 1));
    assert_eq!(late.get().unwrap(), b"late");
    assert!(*held == *payload(1, 5000));
}

#[test]
fn threads_pass_the_wrap_together() {
    for capacity in [1, 3, 8] {
        let (segment, queue) = almost_wrapped(&small().capacity(capacity), 500);
        let producers: Vec<_> = (0..2_u64)
            .map(|producer| {
                let queue = segment.open().unwrap();
                Background::start(move || {
                    for n in 0..800 {
                        queue.put(&(producer << 32 | n).to_le_bytes()).unwrap();
                    }
                })
            })
            .collect();
        let mut next = [0; 2];
        for _ in 0..1600 {
            let item = u64::from_le_bytes(queue.get().unwrap().try_into().unwrap());
            let producer = (item >> 32) as usize;
            assert_eq!(item as u32, next[producer]);
            next[producer] += 1;
        }
        for producer in producers {
            producer.end("a producer");
        }
        assert!(queue.is_empty());
    }
}
