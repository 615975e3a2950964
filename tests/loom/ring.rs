//! put and get against each other: nothing lost, nothing twice, no payload seen before it is complete.

use super::support::*;
use crate::layout::state;
use crate::ring::{Finished, GetFailure, PutFailure};
use loom::thread;

#[test]
fn two_producers_commit_in_either_order() {
    explore(3, || {
        let ring = queue(2, 2, 0);
        let (one, two) = (ring.clone(), ring.clone());
        let one = thread::spawn(move || put(&one, 1, 8, 1).unwrap());
        let two = thread::spawn(move || put(&two, 2, 8, 2).unwrap());
        one.join().unwrap();
        two.join().unwrap();
        let mut got = drain(&ring, 0);
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
    });
}

#[test]
fn a_consumer_sees_a_complete_payload_or_none() {
    explore(3, || {
        let ring = queue(1, 1, 0);
        let producer = ring.clone();
        let producer = thread::spawn(move || put(&producer, 1, 8, 7).unwrap());
        let early = get(&ring, 0);
        producer.join().unwrap();
        match early {
            Ok(value) => assert_eq!(value, 7),
            Err(GetFailure::Empty) => assert_eq!(drain(&ring, 0), [7]),
            Err(other) => panic!("{other:?}"),
        }
    });
}

#[test]
fn two_consumers_share_one_item() {
    explore(3, || {
        let ring = queue(2, 2, 0);
        put(&ring, 0, 8, 7).unwrap();
        let (one, two) = (ring.clone(), ring.clone());
        let one = thread::spawn(move || get(&one, 1).is_ok());
        let two = thread::spawn(move || get(&two, 2).is_ok());
        let got = [one.join().unwrap(), two.join().unwrap()];
        assert_eq!(got.iter().filter(|&&got| got).count(), 1);
        assert_eq!(drain(&ring, 0), []);
    });
}

/// The slot, and in half of the runs the descriptor too, is used again while the first consumer is still at it.
#[test]
fn a_slot_is_used_again_while_its_last_item_is_read() {
    explore(3, || {
        let ring = queue(1, 1, 0);
        put(&ring, 0, 8, 1).unwrap();
        let (producer, consumer) = (ring.clone(), ring.clone());
        let producer = thread::spawn(move || put(&producer, 1, 8, 2));
        let consumer = thread::spawn(move || get(&consumer, 2));
        let put = producer.join().unwrap();
        let mut got: Vec<u64> = consumer.join().unwrap().into_iter().collect();
        got.extend(drain(&ring, 0));
        match put {
            Ok(()) => assert_eq!(got, [1, 2]),
            Err(PutFailure::Full) => assert_eq!(got, [1]),
            Err(other) => panic!("{other:?}"),
        }
    });
}

/// I4: a producer with a stale position must not offer a consumed one anew.
#[test]
fn a_stale_producer_meets_a_busy_pair() {
    explore(2, || {
        let ring = queue(1, 2, 0);
        let (slow, busy) = (ring.clone(), ring.clone());
        let slow = thread::spawn(move || put(&slow, 1, 8, 10).is_ok());
        let busy = thread::spawn(move || {
            let mut got = Vec::new();
            for value in 1..3 {
                let _ = put(&busy, 2, 8, value);
                got.extend(get(&busy, 2));
            }
            got
        });
        let slow = slow.join().unwrap();
        let mut got = busy.join().unwrap();
        got.extend(drain(&ring, 0));
        let before = got.len();
        got.sort_unstable();
        got.dedup();
        assert_eq!(got.len(), before, "an item was delivered twice");
        assert_eq!(got.contains(&10), slow);
    });
}

/// A capacity below N: the fourth slot of a queue of three is never used.
#[test]
fn a_capacity_below_the_slots_is_kept() {
    explore(2, || {
        let ring = queue(3, 3, 0);
        put(&ring, 0, 8, 1).unwrap();
        put(&ring, 0, 8, 2).unwrap();
        let (one, two) = (ring.clone(), ring.clone());
        let one = thread::spawn(move || put(&one, 1, 8, 3).is_ok());
        let two = thread::spawn(move || put(&two, 2, 8, 4).is_ok());
        let put = [one.join().unwrap(), two.join().unwrap()];
        assert_eq!(put.iter().filter(|&&put| put).count(), 1);
        assert_eq!(drain(&ring, 0).len(), 3);
    });
}

/// A put that returned Ok is delivered, whenever the queue is shut down; one that said closed is not.
#[test]
fn shutdown_strands_nothing() {
    explore(3, || {
        let ring = queue(2, 2, 0);
        let (producer, consumer) = (ring.clone(), ring.clone());
        let producer = thread::spawn(move || put(&producer, 1, 8, 7));
        let consumer = thread::spawn(move || {
            // As `Shared::claim` does: the state first, then the look.
            let before = consumer.state_before_looking();
            match get(&consumer, 2) {
                Ok(value) => (Some(value), false),
                Err(_) => (None, before != state::OPEN),
            }
        });
        ring.set_state(state::DRAINING);
        let put = producer.join().unwrap();
        let (got, closed) = consumer.join().unwrap();
        let rest = drain(&ring, 0);
        match put {
            Ok(()) => {
                assert_eq!(got.into_iter().chain(rest).collect::<Vec<_>>(), [7]);
                assert!(
                    !closed || got.is_some(),
                    "closed was said before a put that returned was delivered"
                );
            }
            Err(PutFailure::Closed) => assert_eq!((got, rest), (None, vec![])),
            Err(other) => panic!("{other:?}"),
        }
    });
}

/// What a dead consumer had claimed is delivered exactly once more, however recovery and a get interleave.
#[test]
fn recovery_offers_a_dead_consumers_item_again() {
    explore(3, || {
        let ring = queue(2, 2, 0);
        put(&ring, 0, 8, 7).unwrap();
        let claim = ring.claim(owner(3)).unwrap();
        let _ = claim; // participant 3 is killed here: its LOAN stays
        let (recoverer, consumer) = (ring.clone(), ring.clone());
        let recoverer = thread::spawn(move || recoverer.recover(owner(3)));
        let consumer = thread::spawn(move || get(&consumer, 1).ok());
        let recovered = recoverer.join().unwrap();
        assert_eq!(recovered.retried, 1);
        let mut got: Vec<u64> = consumer.join().unwrap().into_iter().collect();
        got.extend(drain(&ring, 0));
        assert_eq!(got, [7]);
        assert_eq!(ring.finished(), Finished::Yes);
    });
}

/// A producer that died before its commit leaves nothing; others put meanwhile.
#[test]
fn recovery_frees_what_was_never_committed() {
    explore(3, || {
        let ring = queue(1, 1, 2);
        let filling = ring.reserve(owner(3), 100, false).unwrap();
        let _ = filling; // participant 3 is killed here: OWN(3), with two chunks
        let (recoverer, producer) = (ring.clone(), ring.clone());
        let recoverer = thread::spawn(move || recoverer.recover(owner(3)));
        let producer = thread::spawn(move || put(&producer, 1, 8, 9).unwrap());
        assert_eq!(recoverer.join().unwrap().freed, 1);
        producer.join().unwrap();
        assert_eq!(drain(&ring, 0), [9]);
        let census = ring.census();
        assert_eq!(census.free, ring.memory.geometry.descriptors);
        assert_eq!(ring.chunks_in_use(), 0);
    });
}

/// The flag is left over from an earlier item, and a get that finds nothing clears it just when a new item is offered again.
#[test]
fn clearing_the_retry_flag_does_not_miss_a_new_item() {
    explore(3, || {
        let ring = queue(2, 2, 0);
        put(&ring, 0, 8, 7).unwrap();
        let claim = ring.claim(owner(3)).unwrap();
        let _ = claim; // participant 3 is killed here: its LOAN stays
        ring.memory.retry().store(1, crate::sync::Ordering::SeqCst);
        let (recoverer, consumer) = (ring.clone(), ring.clone());
        let recoverer = thread::spawn(move || recoverer.recover(owner(3)));
        let consumer = thread::spawn(move || get(&consumer, 1).ok());
        recoverer.join().unwrap();
        let mut got: Vec<u64> = consumer.join().unwrap().into_iter().collect();
        got.extend(drain(&ring, 0));
        assert_eq!(got, [7]);
    });
}
