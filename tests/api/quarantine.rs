//! The quarantine: what was delivered too often, or put there, until somebody looks after it.

use super::leases::again;
use crate::common::{Background, payload, small};
use ringpost::{BytesQueue, GetError, Lease, PutError, Shortage};
use std::time::Duration;

/// A queue with these items in the quarantine, and their positions.
fn aside(items: &[Vec<u8>]) -> (BytesQueue, Vec<u64>) {
    let queue = small().anonymous().unwrap();
    queue.put_many(items).unwrap();
    let positions = items
        .iter()
        .map(|_| {
            let lease = queue.lease().unwrap();
            let position = lease.position();
            lease.quarantine().unwrap();
            position
        })
        .collect();
    (queue, positions)
}

#[test]
fn an_item_has_just_so_many_deliveries() {
    for most in [1, 2, 3, 16, 100] {
        let queue = small().max_deliveries(most).anonymous().unwrap();
        queue.put_many(&["bad", "good"]).unwrap();
        let position = queue.lease().map(|lease| lease.position()).unwrap();
        for n in 2..=most {
            assert!(queue.quarantined().is_empty(), "before delivery {n}");
            assert!(!queue.is_empty());
            let good = queue.try_lease().unwrap();
            let bad = again(&queue).try_lease().unwrap();
            let (good, bad) = if bad.len() == 3 {
                (good, bad)
            } else {
                (bad, good)
            };
            assert_eq!((&*bad, bad.deliveries()), (&b"bad"[..], n));
            if good.deliveries() == most {
                good.ack().unwrap();
                queue.put(b"good").unwrap();
            }
            bad.refuse();
        }
        let aside = queue.quarantined();
        assert_eq!(aside.len(), 1, "after {most} deliveries: {aside:?}");
        assert_eq!(
            (aside[0].position, aside[0].len, aside[0].deliveries),
            (position, 3, most)
        );
        while let Ok(item) = queue.try_get() {
            assert_eq!(item, b"good");
        }
        assert!(queue.is_empty() && queue.join_timeout(Duration::ZERO));
    }
}

#[test]
fn sixteen_deliveries_are_the_default() {
    let queue = small().anonymous().unwrap();
    queue.put(b"bad").unwrap();
    let refused = std::iter::from_fn(|| queue.try_lease().ok().map(Lease::refuse));
    assert_eq!(refused.count(), 16);
    assert_eq!(queue.stats().quarantined, 1);
}

#[test]
fn the_last_delivery_can_be_acknowledged() {
    let queue = small().max_deliveries(2).anonymous().unwrap();
    queue.put_many(&["a", "b"]).unwrap();
    drop([queue.lease().unwrap(), queue.lease().unwrap()]);
    let last = again(&queue).lease().unwrap();
    assert_eq!(last.deliveries(), 2);
    last.ack().unwrap();
    assert_eq!(queue.try_get().unwrap(), b"b");
    assert!(queue.quarantined().is_empty());
}

#[test]
fn items_are_listed_in_the_order_of_their_positions_with_their_lengths() {
    let items = [
        payload(1, 9000),
        payload(2, 0),
        payload(3, 88),
        payload(4, 89),
    ];
    let (queue, positions) = aside(&items);
    let listed = again(&queue).quarantined();
    let found: Vec<_> = listed
        .iter()
        .map(|item| (item.position, item.len as usize, item.deliveries))
        .collect();
    let expected: Vec<_> = positions
        .iter()
        .zip(&items)
        .map(|(&position, item)| (position, item.len(), 1))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(queue.stats().quarantined, 4);
    assert!(queue.is_empty() && queue.join_timeout(Duration::ZERO));
}

#[test]
fn a_look_changes_nothing() {
    let items = [payload(1, 9000), payload(2, 0), payload(3, 50)];
    let (queue, positions) = aside(&items);
    let before = queue.quarantined();
    for _ in 0..20 {
        for (position, item) in positions.iter().zip(&items) {
            let seen = again(&queue).inspect(*position).unwrap();
            assert!(seen.as_ref() == Some(item));
        }
        assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    }
    assert_eq!(queue.quarantined(), before);
}

#[test]
fn what_is_not_in_the_quarantine_is_not_found() {
    let queue = small().anonymous().unwrap();
    queue.put_many(&["queued", "leased"]).unwrap();
    let leased = queue.lease().unwrap();
    let (other, refused) = (leased.position() + 1, queue.lease().unwrap());
    refused.refuse();
    for position in [0, leased.position(), other, u64::MAX] {
        assert_eq!(queue.inspect(position).unwrap(), None);
        assert!(!queue.requeue(position).unwrap());
        assert!(!queue.discard(position).unwrap());
    }
    let position = leased.position();
    leased.quarantine().unwrap();
    assert!(queue.discard(position).unwrap());
    assert!(!queue.discard(position).unwrap());
    assert!(!queue.requeue(position).unwrap());
    assert_eq!(queue.get().unwrap(), b"leased");
}

#[test]
fn an_item_that_is_put_back_comes_first_and_is_counted_anew() {
    let (queue, positions) = aside(&[payload(1, 10), payload(2, 9000), payload(3, 20)]);
    queue.put(b"first delivery").unwrap();
    for position in [positions[2], positions[0]] {
        assert!(again(&queue).requeue(position).unwrap());
    }
    for n in [0, 2] {
        let lease = queue.try_lease().unwrap();
        assert!(*lease == *payload(n as u64 + 1, [10, 0, 20][n]));
        assert_eq!(
            (lease.position(), lease.deliveries(), lease.is_redelivered()),
            (positions[n], 1, true)
        );
        lease.ack().unwrap();
    }
    let next = queue.try_get_ref().unwrap();
    assert_eq!(&*next, b"first delivery");
    assert!(!next.is_redelivered());
    assert_eq!(queue.quarantined().len(), 1);
}

#[test]
fn what_was_put_back_has_all_its_deliveries_again() {
    let queue = small().max_deliveries(3).anonymous().unwrap();
    queue.put(b"bad").unwrap();
    for _ in 0..4 {
        for n in 1..=3 {
            let lease = queue.try_lease().unwrap();
            assert_eq!(lease.deliveries(), n);
        }
        let aside = queue.quarantined();
        assert_eq!((aside.len(), aside[0].deliveries), (1, 3));
        assert!(queue.requeue(aside[0].position).unwrap());
    }
    // The next item in the same place is a new one.
    queue.get().unwrap();
    for _ in 0..40 {
        queue.put(b"new").unwrap();
        assert!(!queue.get_ref().unwrap().is_redelivered());
    }
}

#[test]
fn whoever_waits_gets_what_is_put_back() {
    for draining in [false, true] {
        let (queue, positions) = aside(&[payload(1, 10)]);
        let held = match draining {
            true => {
                queue.put(b"keeps the queue from closing").unwrap();
                Some(queue.lease().unwrap())
            }
            false => None,
        };
        if draining {
            queue.shutdown();
        }
        let getter = Background::blocked({
            let queue = again(&queue);
            move || queue.get()
        });
        assert!(queue.requeue(positions[0]).unwrap());
        let got = getter.end("a get when an item is put back").unwrap();
        assert!(got == payload(1, 10));
        drop(held);
    }
}

#[test]
fn a_join_waits_for_what_was_put_back() {
    let (queue, positions) = aside(&[payload(1, 10)]);
    queue.join();
    assert!(queue.requeue(positions[0]).unwrap());
    let joiner = Background::blocked({
        let queue = again(&queue);
        move || queue.join()
    });
    queue.lease().unwrap().ack().unwrap();
    joiner.end("a join when all is done");
}

#[test]
fn a_discarded_item_frees_its_descriptor_and_wakes_who_waits_for_one() {
    let queue = small().capacity(2).in_flight(1).anonymous().unwrap();
    for _ in 0..3 {
        queue.put(b"bad").unwrap();
        queue.lease().unwrap().quarantine().unwrap();
    }
    // Nothing is queued, but what is set aside has every descriptor.
    let full = queue.try_put(b"next").unwrap_err();
    assert!(matches!(full, PutError::Full(Shortage::Descriptors)));
    let putter = Background::blocked({
        let queue = again(&queue);
        move || queue.put(b"next")
    });
    let aside = queue.quarantined();
    assert!(queue.discard(aside[1].position).unwrap());
    putter.end("a put when an item is discarded").unwrap();
    assert_eq!(queue.get().unwrap(), b"next");
}

#[test]
fn a_discarded_item_frees_its_memory_and_wakes_who_waits_for_it() {
    let (queue, positions) = aside(&[payload(1, 40_000)]);
    let putter = Background::blocked({
        let queue = again(&queue);
        move || queue.put(&payload(2, 60_000))
    });
    assert!(queue.discard(positions[0]).unwrap());
    putter.end("a put when an item is discarded").unwrap();
    assert!(queue.get().unwrap() == payload(2, 60_000));
    let stats = queue.stats();
    assert_eq!(stats.free, stats.descriptors);
}

#[test]
fn many_look_after_the_quarantine_at_once_and_nothing_is_lost_or_doubled() {
    let items: Vec<Vec<u8>> = (0..8).map(|n| payload(n, n as usize * 700)).collect();
    let (queue, positions) = aside(&items);
    let lookers: Vec<_> = (0..3)
        .map(|seed| {
            let (queue, positions, items) = (again(&queue), positions.clone(), items.clone());
            Background::start(move || {
                let mut put_back = 0;
                for random in crate::common::scrambled(seed).take(3000) {
                    let n = random as usize % 8;
                    if let Some(seen) = queue.inspect(positions[n]).unwrap() {
                        assert!(seen == items[n], "item {n}");
                    }
                    if random >> 60 == 0 {
                        put_back += u32::from(queue.requeue(positions[n]).unwrap());
                    }
                    if let Ok(lease) = queue.try_lease() {
                        let n = lease.position() - positions[0];
                        assert!(*lease == *items[n as usize]);
                        lease.quarantine().unwrap();
                    }
                }
                put_back
            })
        })
        .collect();
    let put_back: u32 = lookers
        .into_iter()
        .map(|looker| looker.end("looking"))
        .sum();
    assert!(put_back > 0);
    assert_eq!(queue.quarantined().len(), 8);
    assert!(queue.audit().unwrap().findings.is_empty());
    for &position in &positions {
        assert!(queue.discard(position).unwrap());
    }
    let stats = queue.stats();
    assert_eq!(stats.free, stats.descriptors);
}

#[test]
fn an_item_is_put_back_or_discarded_once() {
    for _ in 0..300 {
        let (queue, positions) = aside(&[payload(1, 5000)]);
        let (other, position) = (again(&queue), positions[0]);
        let discarder = Background::start(move || other.discard(position).unwrap());
        let put_back = queue.requeue(position).unwrap();
        let discarded = discarder.end("a discard");
        assert!(put_back ^ discarded);
        assert_eq!(queue.try_get().is_ok(), put_back);
        let stats = queue.stats();
        assert_eq!(stats.free, stats.descriptors);
    }
}

#[test]
fn the_quarantine_outlives_both_shutdowns() {
    let endings: [fn(&BytesQueue); 2] = [|queue| queue.shutdown(), |queue| queue.shutdown_now()];
    for ending in endings {
        let (queue, positions) = aside(&[payload(1, 5000)]);
        ending(&queue);
        assert!(matches!(queue.try_get(), Err(GetError::Closed)));
        queue.join();
        assert!(queue.inspect(positions[0]).unwrap() == Some(payload(1, 5000)));
        assert!(queue.discard(positions[0]).unwrap());
    }
}

#[test]
fn a_number_that_is_no_position_touches_nothing() {
    let queue = small().anonymous().unwrap();
    queue.put(b"bad").unwrap();
    queue.lease().unwrap().quarantine().unwrap();
    let position = queue.quarantined()[0].position;
    for beyond in [position + (1 << 44), position | 1 << 63, u64::MAX] {
        assert_eq!(queue.inspect(beyond).unwrap(), None);
        assert!(!queue.requeue(beyond).unwrap());
        assert!(!queue.discard(beyond).unwrap());
    }
    assert_eq!(queue.inspect(position).unwrap().unwrap(), b"bad");
    assert_eq!(queue.audit().unwrap().findings, []);
}
