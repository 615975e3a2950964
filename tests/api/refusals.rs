//! What is refused: who gets it, in which order, and that it keeps nothing from anybody.

use super::leases::{again, text, with};
use crate::common::{Background, PATIENCE, small};
use ringpost::{BytesQueue, GetError, Lease};
use std::time::Duration;

#[test]
fn whoever_waits_gets_what_is_refused() {
    type Wait = fn(&BytesQueue) -> Vec<u8>;
    let waits: [Wait; 5] = [
        |queue| queue.get().unwrap(),
        |queue| queue.get_ref().unwrap().to_vec(),
        |queue| queue.get_many(3).unwrap().concat(),
        |queue| {
            let lease = queue.lease().unwrap();
            let bytes = lease.to_vec();
            lease.ack().unwrap();
            bytes
        },
        |queue| queue.get_timeout(PATIENCE).unwrap(),
    ];
    for wait in waits {
        for draining in [false, true] {
            for other_participant in [false, true] {
                let queue = with(&["a"]);
                let lease = queue.lease().unwrap();
                if draining {
                    queue.shutdown();
                }
                let waiter = if other_participant {
                    again(&queue)
                } else {
                    queue.clone()
                };
                let waiter = Background::blocked(move || wait(&waiter));
                lease.refuse();
                assert_eq!(waiter.end("a get when an item is refused"), b"a");
                assert!(queue.join_timeout(Duration::ZERO));
            }
        }
    }
}

#[test]
fn as_many_waiters_as_items_are_woken_by_refusals() {
    let queue = with(&["a", "b", "c"]);
    let leases = [(); 3].map(|()| queue.lease().unwrap());
    let waiters = [(); 3].map(|()| {
        let other = again(&queue);
        Background::blocked(move || other.get().unwrap())
    });
    drop(leases);
    let mut got = waiters.map(|waiter| waiter.end("a get when an item is refused"));
    got.sort();
    assert_eq!(got, [b"a", b"b", b"c"]);
}

#[test]
fn after_a_refusal_other_items_come_first() {
    let queue = with(&["bad", "b", "c"]);
    queue.lease().unwrap().refuse();
    let b = queue.lease().unwrap();
    assert_eq!(text(&b), "b");
    // The next look is like any other: what was delivered before comes first.
    let bad = queue.lease().unwrap();
    assert_eq!((text(&bad), bad.deliveries()), ("bad", 2));
    bad.refuse();
    b.refuse();
    // The last that was refused comes last of all.
    let next = [(); 3].map(|()| queue.try_lease().unwrap());
    assert_eq!(next.each_ref().map(text), ["c", "bad", "b"]);
    assert!(matches!(queue.try_lease(), Err(GetError::Empty)));
}

#[test]
fn another_participant_gets_what_was_refused_first_and_lowest_first() {
    let queue = with(&["a", "b", "c", "d"]);
    let leases = [(); 3].map(|()| queue.lease().unwrap());
    let other = again(&queue);
    for lease in leases.into_iter().rev() {
        lease.refuse();
    }
    let order = [(); 4].map(|()| other.get().unwrap());
    assert_eq!(order, [b"a", b"b", b"c", b"d"]);
}

#[test]
fn an_item_that_is_always_refused_keeps_no_other_from_anybody() {
    let queue = small().max_deliveries(1000).anonymous().unwrap();
    let other = again(&queue);
    queue.put_many(&["bad", "worse"]).unwrap();
    drop([queue.lease().unwrap(), queue.lease().unwrap()]);
    let mut next = 0_u64;
    let mut put = 0_u64;
    for _ in 0..200 {
        while queue.try_put(&put.to_le_bytes()).is_ok() {
            put += 1;
        }
        // In two calls the refusing process gets at least one that is new; first deliveries stay in order.
        let before = next;
        for _ in 0..2 {
            let lease = queue.lease().unwrap();
            match &*lease {
                b"bad" | b"worse" => lease.refuse(),
                number => {
                    assert_eq!(number, next.to_le_bytes());
                    next += 1;
                    lease.ack().unwrap();
                }
            }
        }
        assert!(next > before, "only refused items since {before}");
    }
    let mut deliveries = [0, 0];
    while let Ok(message) = other.try_get_ref() {
        match &*message {
            b"bad" => deliveries[0] = message.deliveries(),
            b"worse" => deliveries[1] = message.deliveries(),
            number => {
                assert_eq!(number, next.to_le_bytes());
                next += 1;
            }
        }
    }
    assert_eq!(next, put);
    assert!(
        deliveries.iter().all(|&n| n > 0),
        "one got lost: {deliveries:?}"
    );
}

#[test]
fn two_that_are_always_refused_take_turns() {
    let queue = with(&["a", "b", "c"]);
    let mut seen = Vec::new();
    for _ in 0..9 {
        let lease = queue.lease().unwrap();
        seen.push(text(&lease).to_owned());
        lease.refuse();
    }
    assert_eq!(seen.concat(), "abcabcabc");
}

#[test]
fn refused_items_take_no_room_from_producers() {
    let queue = small().capacity(2).in_flight(4).anonymous().unwrap();
    queue.put_many(&["a", "b"]).unwrap();
    let leases = [queue.lease().unwrap(), queue.lease().unwrap()];
    queue.put_many(&["c", "d"]).unwrap();
    drop(leases);
    assert!(queue.is_full());
    let order = [(); 4].map(|()| again(&queue).get().unwrap());
    assert_eq!(order, [b"a", b"b", b"c", b"d"]);
}

/// What a refusal and a claim do together in the refusing process, seen from another one.
#[test]
fn nobody_is_told_empty_while_one_of_two_items_always_waits() {
    use std::sync::{Arc, Barrier};
    let queue = small().max_deliveries(4095).anonymous().unwrap();
    let barrier = Arc::new(Barrier::new(2));
    const ROUNDS: usize = 50_000;
    let looker = Background::start({
        let (queue, barrier) = (again(&queue), barrier.clone());
        move || {
            let mut empty = 0;
            for _ in 0..ROUNDS {
                barrier.wait();
                let got = queue.try_get();
                empty += u32::from(matches!(got, Err(GetError::Empty)));
                barrier.wait();
            }
            empty
        }
    });
    for _ in 0..ROUNDS {
        queue.put(b"leased").unwrap();
        let lease = queue.try_lease().unwrap();
        queue.put(b"queued").unwrap();
        barrier.wait();
        // First this one waits again, only then the other is taken: there is something all the time.
        lease.refuse();
        let other = queue.try_lease();
        barrier.wait();
        other.map(Lease::ack).unwrap_or(Ok(())).unwrap();
        while queue.try_get().is_ok() {}
    }
    assert_eq!(looker.end("looking"), 0, "of {ROUNDS} looks");
}
