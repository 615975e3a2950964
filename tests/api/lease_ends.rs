//! The end of a lease, and who waits for it: join, shutdown, producers, event loops.

use super::leases::again;
use crate::common::{Background, PATIENCE, eventually, payload, small};
use ringpost::{BytesQueue, GetError, Lease, PutError};
use std::time::Duration;

/// What ends the use of a leased item, so that it will not be delivered again.
const ENDS: [fn(Lease); 3] = [
    |lease| lease.ack().unwrap(),
    |lease| drop(lease.into_message().unwrap()),
    |lease| lease.quarantine().unwrap(),
];

/// A queue whose only item is leased.
fn leased() -> (BytesQueue, Lease) {
    let queue = small().anonymous().unwrap();
    queue.put(b"item").unwrap();
    let lease = queue.lease().unwrap();
    (queue, lease)
}

fn joining(queue: &BytesQueue) -> Background<()> {
    let queue = again(queue);
    Background::blocked(move || queue.join())
}

#[test]
fn a_join_waits_for_every_end_of_a_lease() {
    for end in ENDS {
        let (queue, lease) = leased();
        assert!(!queue.join_timeout(Duration::ZERO));
        let joiner = joining(&queue);
        lease.refuse();
        assert!(!queue.join_timeout(Duration::ZERO), "it waits again");
        let lease = queue.lease().unwrap();
        assert!(!joiner.has_ended());
        end(lease);
        joiner.end("a join when all is done");
    }
}

#[test]
fn a_join_waits_for_the_last_of_many_leases() {
    let queue = small().anonymous().unwrap();
    queue.put_many(&["a", "b", "c"]).unwrap();
    let joiner = joining(&queue);
    let [a, b, c] = [(); 3].map(|()| queue.lease().unwrap());
    c.ack().unwrap();
    a.ack().unwrap();
    assert!(!queue.join_timeout(Duration::ZERO));
    assert!(!joiner.has_ended());
    b.ack().unwrap();
    joiner.end("a join when all is done");
}

#[test]
fn a_draining_queue_is_closed_by_the_last_acknowledgement() {
    for end in ENDS {
        let (queue, lease) = leased();
        queue.shutdown();
        assert!(matches!(queue.try_get(), Err(GetError::Empty)));
        assert!(matches!(
            queue.lease_timeout(Duration::ZERO),
            Err(GetError::TimedOut)
        ));
        let getter = Background::blocked({
            let queue = again(&queue);
            move || queue.lease().map(drop)
        });
        end(lease);
        let ended = getter.end("a lease when nothing will come any more");
        assert!(matches!(ended, Err(GetError::Closed)));
        assert!(matches!(queue.try_lease(), Err(GetError::Closed)));
    }
}

#[test]
fn a_getter_that_slept_before_the_shutdown_is_told_as_well() {
    let (queue, lease) = leased();
    let getter = Background::blocked({
        let queue = again(&queue);
        move || queue.get()
    });
    queue.shutdown();
    assert!(matches!(queue.put(b"more"), Err(PutError::Closed)));
    lease.refuse();
    assert_eq!(
        getter.end("a get when an item is refused").unwrap(),
        b"item"
    );
    assert!(matches!(queue.get(), Err(GetError::Closed)));
}

#[test]
fn after_shutdown_now_a_lease_is_valid_and_every_end_of_it_succeeds() {
    for end in ENDS {
        let (queue, lease) = leased();
        queue.shutdown_now();
        assert_eq!(&*lease, b"item");
        end(lease);
        assert!(matches!(queue.try_get(), Err(GetError::Closed)));
        assert!(queue.join_timeout(Duration::ZERO) && queue.is_empty());
        for aside in queue.quarantined() {
            assert_eq!(queue.inspect(aside.position).unwrap().unwrap(), b"item");
            assert!(queue.discard(aside.position).unwrap());
        }
        let stats = queue.stats();
        assert_eq!(stats.free, stats.descriptors);
    }
}

#[test]
fn after_shutdown_now_a_refused_item_is_dropped() {
    let (queue, lease) = leased();
    queue.shutdown_now();
    let joiner = joining(&queue);
    lease.refuse();
    joiner.end("a join when the last item is dropped");
    let stats = queue.stats();
    assert_eq!((stats.free, stats.quarantined), (stats.descriptors, 0));
    assert!(queue.is_empty());
    assert!(matches!(queue.try_lease(), Err(GetError::Closed)));
}

#[test]
fn a_refusal_during_shutdown_now_leaves_nothing_in_the_closed_queue() {
    for _ in 0..3000 {
        let (queue, lease) = leased();
        let closer = Background::start({
            let queue = queue.clone();
            move || queue.shutdown_now()
        });
        lease.refuse();
        closer.end("shutdown_now");
        let stats = queue.stats();
        assert_eq!((stats.retry, stats.free), (0, stats.descriptors));
    }
}

#[test]
fn shutdown_now_drops_what_waits_to_be_delivered_again() {
    let (queue, lease) = leased();
    lease.refuse();
    queue.shutdown_now();
    let stats = queue.stats();
    assert_eq!((stats.free, stats.retry), (stats.descriptors, 0));
    assert!(queue.is_empty() && queue.join_timeout(Duration::ZERO));
}

#[test]
fn an_acknowledgement_wakes_who_waits_for_a_descriptor() {
    for end in &ENDS[..2] {
        let queue = small().capacity(2).in_flight(1).anonymous().unwrap();
        let leases = [(); 3].map(|()| {
            queue.put(b"item").unwrap();
            queue.lease().unwrap()
        });
        let putter = Background::blocked({
            let queue = again(&queue);
            move || queue.put(b"next")
        });
        let [first, second, third] = leases;
        first.refuse();
        assert!(!putter.has_ended(), "a refused item keeps its descriptor");
        end(second);
        putter.end("a put when a descriptor is free").unwrap();
        drop(third);
    }
}

#[test]
fn an_acknowledgement_wakes_who_waits_for_memory() {
    for end in &ENDS[..2] {
        let queue = small().anonymous().unwrap();
        queue.put(&payload(1, 40_000)).unwrap();
        let lease = queue.lease().unwrap();
        let putter = Background::blocked({
            let queue = again(&queue);
            move || queue.put(&payload(2, 40_000))
        });
        lease.refuse();
        let lease = queue.lease().unwrap();
        assert!(!putter.has_ended(), "a refused item keeps its memory");
        end(lease);
        putter.end("a put when memory is free").unwrap();
        assert!(queue.get().unwrap() == payload(2, 40_000));
    }
}

#[test]
fn a_lease_wakes_who_waits_for_room() {
    let queue = small().capacity(1).anonymous().unwrap();
    queue.put(b"item").unwrap();
    let putter = Background::blocked({
        let queue = again(&queue);
        move || queue.put(b"next")
    });
    let lease = queue.lease().unwrap();
    putter.end("a put when an item is leased").unwrap();
    lease.ack().unwrap();
}

#[test]
fn an_event_loop_sees_what_is_refused_and_put_back() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    fn ready(readiness: &ringpost::Readiness, patience: Duration) -> bool {
        let patience = Timespec::try_from(patience).unwrap();
        let mut fds = [PollFd::new(readiness, PollFlags::IN)];
        poll(&mut fds, Some(&patience)).unwrap() == 1
    }
    let watchers: [fn(&BytesQueue) -> BytesQueue; 2] = [BytesQueue::clone, again];
    for watcher in watchers {
        let (queue, lease) = leased();
        let position = lease.position();
        let watcher = watcher(&queue);
        let polling = || {
            let readiness = watcher.readiness().unwrap();
            assert!(!ready(&readiness, Duration::ZERO), "nothing to get");
            Background::blocked(move || ready(&readiness, PATIENCE))
        };
        let poller = polling();
        lease.refuse();
        assert!(poller.end("a poll when an item is refused"));
        queue.lease().unwrap().quarantine().unwrap();
        let readiness = watcher.readiness().unwrap();
        eventually("not readable", || !ready(&readiness, Duration::ZERO));
        let poller = polling();
        assert!(queue.requeue(position).unwrap());
        assert!(poller.end("a poll when an item is put back"));
        assert_eq!(watcher.try_get().unwrap(), b"item");
    }
}
