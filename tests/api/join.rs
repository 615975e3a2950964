//! join: until everything that was put is delivered.

use crate::common::{Background, small};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

#[test]
fn an_empty_queue_is_done_at_once() {
    let queue = small().anonymous().unwrap();
    queue.join();
    assert!(queue.join_timeout(Duration::ZERO));
    assert!(queue.join_interruptible(Some(Instant::now()), || true));
    queue.put(b"done").unwrap();
    queue.get().unwrap();
    queue.join();
}

#[test]
fn a_queued_item_is_not_done() {
    let queue = small().anonymous().unwrap();
    queue.put(b"queued").unwrap();
    assert!(!queue.join_timeout(Duration::ZERO));
    assert!(!queue.join_timeout(SHORT));
    assert!(!queue.join_interruptible(Some(Instant::now() + SHORT), || false));
    assert!(!queue.join_interruptible(None, || true));
    assert_eq!(queue.get().unwrap(), b"queued");
    assert!(queue.join_timeout(LONG));
}

#[test]
fn what_is_held_or_only_lent_is_no_work_left() {
    let queue = small().anonymous().unwrap();
    queue.put(b"held").unwrap();
    let message = queue.get_ref().unwrap();
    let loan = queue.loan(3).unwrap();
    assert!(queue.join_timeout(Duration::ZERO));
    drop(message);
    loan.commit().unwrap();
    assert!(!queue.join_timeout(Duration::ZERO));
}

#[test]
fn a_blocked_join_ends_with_the_last_item() {
    type Form = fn(&ringpost::BytesQueue) -> bool;
    let forms: [Form; 3] = [
        |queue| {
            queue.join();
            true
        },
        |queue| queue.join_timeout(LONG),
        |queue| queue.join_interruptible(None, || false),
    ];
    for form in forms {
        let queue = small().anonymous().unwrap();
        queue.put_many(&["a", "b", "c"]).unwrap();
        let joiner = Background::blocked({
            let queue = queue.clone();
            move || form(&queue)
        });
        queue.get().unwrap();
        queue.put(b"meanwhile").unwrap();
        queue.get_ref().unwrap();
        queue.get().unwrap();
        assert!(!joiner.has_ended());
        queue.get().unwrap();
        assert!(joiner.end("a join when all is delivered"));
    }
}

#[test]
fn shutdown_now_ends_a_join() {
    let queue = small().anonymous().unwrap();
    queue.put_many(&["a", "b"]).unwrap();
    let joiner = Background::blocked({
        let queue = queue.clone();
        move || queue.join()
    });
    queue.shutdown();
    assert!(!joiner.has_ended());
    queue.shutdown_now();
    joiner.end("a join when the queue is closed");
}

#[test]
fn unfinished_work_keeps_join_waiting_and_its_end_wakes_it() {
    let queue = small().anonymous().unwrap();
    queue.add_unfinished(2);
    assert!(!queue.join_timeout(Duration::ZERO));
    let joiner = queue.clone();
    let joined = Background::blocked(move || joiner.join_timeout(LONG));
    assert!(queue.take_unfinished(0));
    assert_eq!(queue.unfinished(), 1);
    assert!(!queue.join_timeout(SHORT));
    assert!(queue.take_unfinished(0));
    assert!(joined.end("join"));
    assert!(!queue.take_unfinished(0), "there is no more");
}

#[test]
fn what_is_called_done_while_its_item_is_leased_is_done() {
    let queue = small().anonymous().unwrap();
    queue.put(b"one").unwrap();
    queue.put(b"two").unwrap();
    let lease = queue.lease().unwrap();
    assert!(queue.take_unfinished(-2));
    assert!(!queue.join_timeout(Duration::ZERO), "one of two");
    assert!(queue.take_unfinished(-2));
    assert!(!queue.take_unfinished(-2), "there are but two");
    assert!(queue.join_timeout(Duration::ZERO));
    drop(lease);
}
