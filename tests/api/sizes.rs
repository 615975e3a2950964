//! len, is_empty, is_full and capacity, for capacities that are powers of two and others.

use crate::common::small;
use ringpost::{GetError, PutError, Shortage};

const CAPACITIES: [usize; 9] = [1, 2, 3, 4, 5, 7, 8, 17, 1000];

#[test]
fn the_length_is_exact_at_every_step() {
    for capacity in CAPACITIES {
        let queue = small().capacity(capacity).anonymous().unwrap();
        assert_eq!(queue.capacity(), capacity);
        // Several laps, so that positions leave the first one.
        for lap in 0..4 {
            for n in 0..capacity {
                assert_eq!(queue.len(), n, "capacity {capacity}, lap {lap}");
                assert_eq!((queue.is_empty(), queue.is_full()), (n == 0, false));
                queue.try_put(&n.to_le_bytes()).unwrap();
            }
            assert_eq!(queue.len(), capacity);
            assert!(queue.is_full() && !queue.is_empty());
            let error = queue.try_put(b"one too many").unwrap_err();
            assert!(matches!(error, PutError::Full(Shortage::Slots)), "{error}");
            for n in 0..capacity {
                assert_eq!(queue.len(), capacity - n);
                assert_eq!(queue.try_get().unwrap(), n.to_le_bytes());
            }
            assert!(queue.is_empty() && !queue.is_full());
            assert!(matches!(queue.try_get(), Err(GetError::Empty)));
        }
    }
}

#[test]
fn order_and_capacity_hold_at_every_fill_level() {
    for capacity in CAPACITIES {
        let queue = small().capacity(capacity).anonymous().unwrap();
        let (mut put, mut got) = (0_u64, 0_u64);
        for level in (1..=capacity).step_by((capacity / 8).max(1)) {
            for _ in 0..3 * capacity {
                while put - got < level as u64 {
                    queue.try_put(&put.to_le_bytes()).unwrap();
                    put += 1;
                }
                assert_eq!(queue.is_full(), level == capacity);
                assert_eq!(queue.try_get().unwrap(), got.to_le_bytes());
                got += 1;
                assert_eq!(queue.len() as u64, put - got);
            }
        }
        assert_eq!(queue.stats().total_put, put);
    }
}

#[test]
fn what_is_held_does_not_count() {
    for capacity in CAPACITIES {
        let queue = small().capacity(capacity).anonymous().unwrap();
        for _ in 0..3 {
            queue.put(b"held").unwrap();
            let message = queue.get_ref().unwrap();
            let loan = queue.loan(3).unwrap();
            assert_eq!((queue.len(), queue.is_empty()), (0, true));
            for _ in 0..capacity {
                queue.try_put(b"queued").unwrap();
            }
            assert!(queue.is_full());
            while queue.try_get().is_ok() {}
            drop((message, loan));
            assert!(queue.is_empty());
        }
    }
}

#[test]
fn other_handles_see_the_same() {
    let queue = small().capacity(5).anonymous().unwrap();
    let fd = std::os::fd::AsFd::as_fd(&queue);
    let other = ringpost::from_fd(fd.try_clone_to_owned().unwrap()).unwrap();
    // Handles look from where they themselves were last: let one of them fall behind by many laps.
    for n in 0..1000_u32 {
        queue.put(&n.to_le_bytes()).unwrap();
        assert_eq!(queue.get().unwrap(), n.to_le_bytes());
    }
    assert_eq!((other.len(), other.is_empty()), (0, true));
    assert!(matches!(other.try_get(), Err(GetError::Empty)));
    for n in 0..5 {
        queue.put(&[n]).unwrap();
        assert_eq!(other.len(), n as usize + 1);
    }
    assert!(other.is_full() && other.try_put(b"full").is_err());
    for n in 0..5 {
        assert_eq!(other.get().unwrap(), [n]);
        assert_eq!(queue.len(), 4 - n as usize);
    }
}

#[test]
fn sizes_that_were_not_asked_for_have_their_defaults() {
    let stats = ringpost::Options::new().anonymous().unwrap().stats();
    assert_eq!((stats.capacity, stats.descriptors), (1024, 2048));
    assert_eq!((stats.in_flight, stats.inline_bytes), (1024, 88));
    assert_eq!((stats.arena_bytes, stats.chunk_bytes), (64 << 20, 4096));
    assert_eq!((stats.places, stats.max_deliveries), (64, 16));
}

#[test]
fn an_existing_queue_keeps_its_sizes() {
    let name = crate::common::name("sizes");
    let queue = small()
        .capacity(5)
        .unlink_on_drop(true)
        .create(&name)
        .unwrap();
    let same = ringpost::Options::new()
        .capacity(99)
        .open_or_create(&name)
        .unwrap();
    assert_eq!((same.capacity(), same.max_payload()), (5, 65536));
    assert_eq!(queue.stats().participants.len(), 2);
}
