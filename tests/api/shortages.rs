//! What a put can be short of: slots, descriptors, memory; and that all of it comes back.

use crate::common::{Background, payload, small};
use ringpost::{BytesQueue, PutError, Shortage};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(20);

/// Every way to put `length` bytes, none of which waits long.
fn all_fail_for(queue: &BytesQueue, length: usize, missing: Shortage) {
    let bytes = vec![0; length];
    let soon = Instant::now() + SHORT;
    let at_once = [
        queue.try_put(&bytes),
        queue.try_put_parts(&[&bytes], 1),
        queue.try_loan(length).map(drop),
        queue.try_put_many(&[&bytes]).map(drop),
    ];
    for tried in at_once {
        match tried.unwrap_err() {
            PutError::Full(what) if what == missing => {}
            other => panic!("expected {missing:?}, found {other:?}"),
        }
    }
    let in_time = [
        queue.put_timeout(&bytes, SHORT),
        queue.put_deadline(&bytes, soon),
        queue.put_interruptible(&bytes, Some(soon), || false),
        queue.put_parts_interruptible(&[&bytes], 1, Some(soon), || false),
        queue.loan_timeout(length, SHORT).map(drop),
        queue.loan_deadline(length, soon).map(drop),
        queue
            .loan_interruptible(length, Some(soon), || false)
            .map(drop),
        queue.wait_for_room(length, Some(soon), || false),
    ];
    for tried in in_time {
        match tried.unwrap_err() {
            PutError::TimedOut(what) if what == missing => {}
            other => panic!("expected {missing:?}, found {other:?}"),
        }
    }
}

#[test]
fn each_shortage_says_what_to_do() {
    for (shortage, word) in [
        (Shortage::Slots, "get something"),
        (Shortage::Descriptors, "in_flight"),
        (Shortage::Arena, "larger arena"),
    ] {
        assert!(shortage.to_string().contains(word), "{shortage}");
        assert_eq!(PutError::Full(shortage).to_string(), shortage.to_string());
        let timed_out = PutError::TimedOut(shortage).to_string();
        assert_eq!(timed_out, format!("timed out: {shortage}"));
    }
}

#[test]
fn descriptors_are_the_slots_and_those_in_flight_and_no_more() {
    for (capacity, in_flight) in [(1, 1), (2, 1), (3, 2), (4, 3), (8, 64)] {
        let queue = small()
            .capacity(capacity)
            .in_flight(in_flight)
            .anonymous()
            .unwrap();
        let all = capacity.next_power_of_two() + in_flight;
        let mut held = Vec::new();
        for n in 0..all as u64 {
            queue.try_put(&payload(n, 9)).unwrap();
            held.push(queue.get_ref().unwrap());
        }
        all_fail_for(&queue, 1, Shortage::Descriptors);
        assert!(queue.is_empty(), "held items are not queued");
        held.remove(all / 2);
        queue.try_put(b"room again").unwrap();
        assert_eq!(queue.get().unwrap(), b"room again");
        drop(held);
        let stats = queue.stats();
        assert_eq!((stats.free, stats.descriptors), (all as u64, all as u64));
        assert_eq!(stats.in_flight, in_flight as u64);
    }
}

#[test]
fn with_some_items_held_all_slots_can_still_be_used() {
    // "With L items held, min(N, M - L) can be queued."
    let queue = small().capacity(8).in_flight(3).anonymous().unwrap();
    for held in 0..=11 {
        let messages: Vec<_> = (0..held)
            .map(|_| {
                queue.put(b"held").unwrap();
                queue.get_ref().unwrap()
            })
            .collect();
        let mut queued = 0;
        while queue.try_put(b"queued").is_ok() {
            queued += 1;
        }
        assert_eq!(queued, 8.min(11 - held), "{held} held");
        while queue.try_get().is_ok() {}
        drop(messages);
    }
}

#[test]
fn loans_count_as_in_flight() {
    let queue = small().capacity(2).in_flight(1).anonymous().unwrap();
    let loans: Vec<_> = (0..3).map(|_| queue.loan(1).unwrap()).collect();
    all_fail_for(&queue, 1, Shortage::Descriptors);
    drop(loans);
    queue.try_put(b"room again").unwrap();
}

#[test]
fn a_put_that_waits_for_a_descriptor_gets_the_first_that_is_free() {
    let queue = small().capacity(1).in_flight(1).anonymous().unwrap();
    let mut held = Vec::new();
    for _ in 0..2 {
        queue.put(b"held").unwrap();
        held.push(queue.get_ref().unwrap());
    }
    let putter = Background::blocked({
        let queue = queue.clone();
        move || queue.put(b"waited")
    });
    held.pop();
    putter.end("a put when a message is released").unwrap();
    assert_eq!(queue.get().unwrap(), b"waited");
}

#[test]
fn an_exhausted_arena_is_a_shortage_and_short_payloads_still_pass() {
    let queue = small().anonymous().unwrap();
    queue.put(&payload(1, 40_000)).unwrap();
    all_fail_for(&queue, 30_000, Shortage::Arena);
    queue.put(&payload(2, 88)).unwrap();
    queue.put(&payload(3, 65_536 - 40_960)).unwrap();
    all_fail_for(&queue, 89, Shortage::Arena);
    queue.put(&payload(4, 88)).unwrap();
    for (n, length) in [(1, 40_000), (2, 88), (3, 24_576), (4, 88)] {
        assert!(queue.get().unwrap() == payload(n, length), "item {n}");
    }
    queue.try_put(&payload(5, 65_536)).unwrap();
    assert!(queue.get().unwrap() == payload(5, 65_536));
}

#[test]
fn a_put_that_waits_for_memory_gets_it_when_it_is_free() {
    let queue = small().anonymous().unwrap();
    queue.put(&payload(1, 65_536)).unwrap();
    let message = queue.get_ref().unwrap();
    let putter = Background::blocked({
        let queue = queue.clone();
        move || queue.put(&payload(2, 5000))
    });
    drop(message);
    putter.end("a put when memory is free").unwrap();
    assert!(queue.get().unwrap() == payload(2, 5000));
}

#[test]
fn freed_memory_is_found_again_whatever_its_pieces_were() {
    let queue = small().capacity(32).in_flight(32).anonymous().unwrap();
    for sizes in [
        &[4096; 16][..],
        &[100; 16],
        &[8192; 8],
        &[12_288; 5],
        &[65_536],
        &[40_960, 20_480, 4096],
    ] {
        for (n, &size) in sizes.iter().enumerate() {
            queue.try_put(&payload(n as u64, size)).unwrap();
        }
        let mut held: Vec<_> = sizes.iter().map(|_| queue.get_ref().unwrap()).collect();
        // Every second one first, so that the free runs are in pieces.
        let mut at = 0;
        held.retain(|_| {
            at += 1;
            at % 2 == 0
        });
        drop(held);
        queue.try_put(&payload(99, 65_536)).unwrap();
        assert!(queue.get().unwrap() == payload(99, 65_536));
    }
}

#[test]
fn memory_between_held_items_is_used() {
    let queue = small().capacity(16).in_flight(16).anonymous().unwrap();
    for n in 0..16 {
        queue.put(&payload(n, 4096)).unwrap();
    }
    let mut held: Vec<_> = (0..16).map(|_| queue.get_ref().unwrap()).collect();
    // Chunks 0 to 15 are held; three runs of 1, 2 and 4 become free.
    for n in [12, 11, 10, 9, 6, 5, 2] {
        held.remove(n);
    }
    queue.try_put(&payload(20, 4 * 4096)).unwrap();
    queue.try_put(&payload(21, 2 * 4096)).unwrap();
    let error = queue.try_put(&payload(22, 2 * 4096)).unwrap_err();
    assert!(matches!(error, PutError::Full(Shortage::Arena)), "{error}");
    queue.try_put(&payload(23, 4096)).unwrap();
    for (n, chunks) in [(20, 4), (21, 2), (23, 1)] {
        assert!(queue.get().unwrap() == payload(n, chunks * 4096));
    }
}

#[test]
fn a_few_short_payloads_do_not_keep_the_arena() {
    // Descriptors keep their memory for the next payload, but not for one that uses less than half of it.
    let queue = small().capacity(4).in_flight(4).anonymous().unwrap();
    for _ in 0..20 {
        queue.try_put(&payload(1, 65_536)).unwrap();
        assert!(queue.get().unwrap() == payload(1, 65_536));
        for n in 0..4 {
            queue.try_put(&payload(n, 5000)).unwrap();
        }
        for n in 0..4 {
            assert!(queue.get().unwrap() == payload(n, 5000));
        }
    }
}

#[test]
fn who_waits_for_room_is_woken_and_takes_nothing() {
    let queue = small().capacity(1).anonymous().unwrap();
    queue.wait_for_room(5, None, || false).unwrap();
    assert!(queue.is_empty() && queue.stats().filling == 0);
    queue.put(b"first").unwrap();
    let soon = Some(Instant::now() + SHORT);
    let timed_out = queue.wait_for_room(5, soon, || false).unwrap_err();
    assert!(matches!(timed_out, PutError::TimedOut(Shortage::Slots)));
    let waiter = queue.clone();
    let waits = Background::blocked(move || waiter.wait_for_room(5, None, || false));
    queue.get().unwrap();
    waits.end("the wait for room").unwrap();
    queue.try_put(b"second").unwrap();
    let waiter = queue.clone();
    let waits = Background::blocked(move || waiter.wait_for_room(5, None, || false));
    queue.shutdown();
    assert!(matches!(
        waits.end("the wait for room"),
        Err(PutError::Closed)
    ));
    let too_large = queue.max_payload() + 1;
    assert!(queue.wait_for_room(too_large, None, || false).is_err());
}
