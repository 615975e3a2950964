//! Leases: held until they are acknowledged; dropped, refused, or lost in a panic, they are delivered again.

use crate::common::{payload, small};
use ringpost::{BytesQueue, GetError, Lease, Options, Queue};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

type Form = fn(&BytesQueue) -> Result<Lease, GetError>;

/// Every way to lease; none waits long.
const FORMS: [Form; 5] = [
    |queue| queue.try_lease(),
    |queue| queue.lease_timeout(SHORT),
    |queue| queue.lease_deadline(Instant::now() + SHORT),
    |queue| queue.lease_interruptible(Some(Instant::now() + SHORT), || false),
    |queue| queue.lease_interruptible(None, || true),
];

const SHORT: Duration = Duration::from_millis(20);

/// Another participant of the same queue.
pub(crate) fn again(queue: &BytesQueue) -> BytesQueue {
    ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap()).unwrap()
}

pub(crate) fn with(items: &[&str]) -> BytesQueue {
    let queue = small().anonymous().unwrap();
    queue.put_many(items).unwrap();
    queue
}

/// What is leased next, as text; it stays leased as long as the lease is kept.
pub(crate) fn text(lease: &Lease) -> &str {
    std::str::from_utf8(lease).unwrap()
}

fn all_free(queue: &BytesQueue) {
    let stats = queue.stats();
    assert_eq!(stats.free, stats.descriptors, "{stats:?}");
}

#[test]
fn every_form_leases_the_oldest_item() {
    for form in FORMS {
        let queue = with(&["a", "b"]);
        let (a, b) = (form(&queue).unwrap(), form(&queue).unwrap());
        assert_eq!((text(&a), text(&b)), ("a", "b"));
        assert_eq!(a.position() + 1, b.position());
        b.ack().unwrap();
        a.ack().unwrap();
        all_free(&queue);
    }
    let queue = Queue::<String>::from(small().anonymous().unwrap());
    queue.put(&"value".to_owned()).unwrap();
    let lease = queue.lease().unwrap();
    assert_eq!(lease.decode::<&str>().unwrap(), "value");
    assert!(lease.decode::<[u64; 9]>().is_err());
    lease.ack().unwrap();
}

#[test]
fn every_form_says_why_there_is_none() {
    let queue = with(&[]);
    let errors = FORMS.map(|form| form(&queue).unwrap_err());
    assert!(matches!(
        errors,
        [
            GetError::Empty,
            GetError::TimedOut,
            GetError::TimedOut,
            GetError::TimedOut,
            GetError::Interrupted
        ]
    ));
    queue.shutdown();
    for form in FORMS {
        assert!(matches!(form(&queue), Err(GetError::Closed)));
    }
    assert!(matches!(queue.lease(), Err(GetError::Closed)));
}

#[test]
fn a_refused_item_is_delivered_again_and_counted() {
    let refusals: [fn(Lease); 2] = [drop, Lease::refuse];
    for refuse in refusals {
        for length in [0, 88, 5000, 65_536] {
            let queue = small().anonymous().unwrap();
            queue.put(&payload(1, length)).unwrap();
            let position = queue.lease().unwrap().position();
            for n in 2..16 {
                let lease = queue.try_lease().unwrap();
                assert!(*lease == *payload(1, length));
                assert_eq!(
                    (lease.deliveries(), lease.is_redelivered(), lease.position()),
                    (n, true, position)
                );
                refuse(lease);
            }
            let message = queue.try_get_ref().unwrap();
            assert_eq!((message.deliveries(), message.position()), (16, position));
            assert!(message.is_redelivered() && *message == *payload(1, length));
            drop(message);
            assert!(matches!(queue.try_get(), Err(GetError::Empty)));
            all_free(&queue);
        }
    }
}

#[test]
fn a_first_delivery_is_counted_as_one_whatever_came_before() {
    let queue = with(&["a"]);
    drop(queue.lease().unwrap());
    queue.lease().unwrap().ack().unwrap();
    for _ in 0..50 {
        queue.put(b"b").unwrap();
        let lease = queue.lease().unwrap();
        assert_eq!((lease.deliveries(), lease.is_redelivered()), (1, false));
        lease.ack().unwrap();
    }
}

#[test]
fn a_leased_item_is_nobody_elses() {
    let queue = with(&["a"]);
    let lease = queue.lease().unwrap();
    let other = again(&queue);
    assert!(matches!(other.try_get(), Err(GetError::Empty)));
    assert_eq!(other.recover().unwrap(), 0);
    assert!(matches!(other.try_lease(), Err(GetError::Empty)));
    lease.ack().unwrap();
    assert!(matches!(other.try_get(), Err(GetError::Empty)));
}

#[test]
fn a_panic_refuses() {
    let queue = with(&["a"]);
    let worker = queue.clone();
    let ended = std::thread::spawn(move || {
        let _lease = worker.lease().unwrap();
        std::panic::resume_unwind(Box::new("the work fails"));
    })
    .join();
    assert!(ended.is_err());
    assert_eq!(queue.try_lease().unwrap().deliveries(), 2);
}

#[test]
fn leases_are_held_up_to_every_descriptor_and_acknowledged_in_any_order() {
    let options = Options::new().capacity(4).in_flight(3).arena(7 * 4096);
    let queue = options.anonymous().unwrap();
    for seed in 0..20 {
        let mut leases = Vec::new();
        for n in 0..7 {
            queue.try_put(&payload(n, 2000)).unwrap();
            leases.push((n, queue.try_lease().unwrap()));
        }
        assert!(queue.is_empty() && !queue.is_full());
        assert!(queue.try_put(b"one too many").unwrap_err().is_shortage());
        let order = crate::common::scrambled(seed);
        for random in order.take(7) {
            let (n, lease) = leases.swap_remove(random as usize % leases.len());
            assert!(*lease == *payload(n, 2000));
            lease.ack().unwrap();
        }
        all_free(&queue);
    }
}

#[test]
fn a_lease_is_acknowledged_in_another_thread() {
    let queue = with(&["a", "b"]);
    let (a, b) = (queue.lease().unwrap(), queue.lease().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!((&*a, &*b), (&b"a"[..], &b"b"[..])));
        assert_eq!(text(&a), "a");
    });
    std::thread::spawn(move || a.ack().unwrap()).join().unwrap();
    std::thread::spawn(move || b.refuse()).join().unwrap();
    assert_eq!(queue.try_get().unwrap(), b"b");
    all_free(&queue);
}

#[test]
fn a_lease_outlives_the_handle() {
    let queue = with(&["a", "b", "c"]);
    let other = again(&queue);
    let leases = [(); 3].map(|()| queue.lease().unwrap());
    drop(queue);
    assert_eq!(other.recover().unwrap(), 0, "the leases still take part");
    assert_eq!(
        (other.stats().loaned, other.stats().participants.len()),
        (3, 2)
    );
    let [a, b, c] = leases;
    a.ack().unwrap();
    b.refuse();
    assert_eq!(text(&c), "c");
    let message = c.into_message().unwrap();
    assert_eq!(other.try_get().unwrap(), b"b");
    assert!(other.join_timeout(Duration::ZERO));
    assert_eq!(&*message, b"c");
    drop(message);
    all_free(&other);
    assert_eq!(
        other.stats().participants.len(),
        1,
        "the last of them has left"
    );
}

#[test]
fn into_message_delivers_and_keeps_the_bytes() {
    for length in [0, 50, 9000] {
        let queue = small().anonymous().unwrap();
        queue.put(&payload(1, length)).unwrap();
        drop(queue.lease().unwrap());
        let lease = queue.lease().unwrap();
        let position = lease.position();
        let mut message = lease.into_message().unwrap();
        assert!(queue.join_timeout(Duration::ZERO));
        assert_eq!((message.deliveries(), message.position()), (2, position));
        assert!(message.is_redelivered() && *message == *payload(1, length));
        message.fill(7);
        assert_eq!((queue.stats().held, queue.stats().loaned), (1, 0));
        drop(message);
        all_free(&queue);
        assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    }
}

#[test]
fn a_held_lease_keeps_its_bytes_while_thousands_pass() {
    let queue = small().in_flight(8).anonymous().unwrap();
    queue.put(&payload(1, 90)).unwrap();
    queue.put(&payload(2, 9000)).unwrap();
    let leases = [queue.lease().unwrap(), queue.lease().unwrap()];
    for n in 100..2000 {
        let sent = payload(n, (n as usize * 37) % 6000);
        queue.put(&sent).unwrap();
        assert!(queue.get().unwrap() == sent);
    }
    assert!(*leases[0] == *payload(1, 90) && *leases[1] == *payload(2, 9000));
}

#[test]
fn the_figures_tell_leased_and_waiting_items_apart() {
    let queue = with(&["a", "b", "c"]);
    let look = |queue: &BytesQueue| {
        let stats = queue.stats();
        (
            (queue.len(), queue.is_empty()),
            (stats.queued, stats.loaned, stats.retry, stats.held),
        )
    };
    let (a, b) = (queue.lease().unwrap(), queue.lease().unwrap());
    assert_eq!(look(&queue), ((1, false), (1, 2, 0, 0)));
    let c = queue.lease().unwrap();
    assert_eq!(look(&queue), ((0, true), (0, 3, 0, 0)));
    a.refuse();
    assert_eq!(look(&queue), ((0, false), (0, 2, 1, 0)), "something waits");
    let b = b.into_message().unwrap();
    c.ack().unwrap();
    assert_eq!(look(&queue), ((0, false), (0, 0, 1, 1)));
    queue.lease().unwrap().ack().unwrap();
    assert_eq!(look(&queue), ((0, true), (0, 0, 0, 1)));
    assert_eq!(queue.stats().total_put, 3);
    drop(b);
    all_free(&queue);
}
