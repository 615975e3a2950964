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
