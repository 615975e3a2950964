//! put_many and get_many.

use crate::common::{Background, payload, small};
use ringpost::{GetError, PutError, Shortage};
use std::time::Instant;

#[test]
fn a_batch_arrives_in_order() {
    let queue = small().anonymous().unwrap();
    let sent: Vec<_> = (0..8).map(|n| payload(n, n as usize * 900)).collect();
    queue.put_many(&sent).unwrap();
    assert!(queue.get_many(100).unwrap() == sent);
    assert_eq!(queue.try_put_many(&sent).unwrap(), 8);
    assert!(queue.try_get_many(8).unwrap() == sent);
    queue.put_many_interruptible(&sent, None, || true).unwrap();
    assert!(queue.get_many_interruptible(8, None, || true).unwrap() == sent);
}

#[test]
fn empty_batches_are_nothing() {
    let queue = small().capacity(1).anonymous().unwrap();
    let none: [&[u8]; 0] = [];
    queue.put(b"full").unwrap();
    queue.put_many(&none).unwrap();
    assert_eq!(queue.try_put_many(&none).unwrap(), 0);
    queue.put_many_interruptible(&none, None, || true).unwrap();
    assert_eq!(queue.get_many(0).unwrap(), none);
    assert_eq!(queue.try_get_many(0).unwrap(), none);
    assert_eq!(queue.get().unwrap(), b"full");
    assert_eq!(queue.get_many(0).unwrap(), none);
}

#[test]
fn get_many_takes_no_more_than_asked_for() {
    let queue = small().anonymous().unwrap();
    queue.put_many(&["a", "b", "c", "d", "e"]).unwrap();
    assert_eq!(queue.get_many(2).unwrap(), [b"a", b"b"]);
    assert_eq!(queue.try_get_many(1).unwrap(), [b"c"]);
    assert_eq!(queue.get_many(usize::MAX).unwrap(), [b"d", b"e"]);
    assert!(matches!(queue.try_get_many(1), Err(GetError::Empty)));
}

#[test]
fn get_many_waits_for_the_first_only() {
    let queue = small().anonymous().unwrap();
    let getter = Background::blocked({
        let queue = queue.clone();
        move || queue.get_many(100)
    });
    queue.put(b"only").unwrap();
    assert_eq!(getter.end("a batch of one").unwrap(), [b"only"]);
}

#[test]
fn try_put_many_puts_what_there_is_room_for() {
    let queue = small().capacity(3).anonymous().unwrap();
    let items = ["a", "b", "c", "d", "e"];
    assert_eq!(queue.try_put_many(&items).unwrap(), 3);
    let error = queue.try_put_many(&items).unwrap_err();
    assert!(matches!(error, PutError::Full(Shortage::Slots)), "{error}");
    assert_eq!(queue.get_many(9).unwrap(), [b"a", b"b", b"c"]);
}

#[test]
fn a_batch_longer_than_the_queue_goes_through_it() {
    let queue = small().capacity(3).anonymous().unwrap();
    let sent: Vec<_> = (0..500)
        .map(|n| payload(n, (n as usize * 7) % 300))
        .collect();
    let putter = Background::start({
        let (queue, sent) = (queue.clone(), sent.clone());
        move || queue.put_many(&sent)
    });
    let mut got = Vec::new();
    while got.len() < sent.len() {
        got.extend(queue.get_many(2).unwrap());
    }
    putter.end("a batch of 500").unwrap();
    assert!(got == sent && queue.is_empty());
}

#[test]
fn an_item_that_can_never_fit_ends_the_batch_and_says_where() {
    let queue = small().anonymous().unwrap();
    let items = [vec![1], vec![2], vec![0; 65537], vec![3]];
    let error = queue.put_many(&items).unwrap_err();
    assert_eq!(error.done, 2);
    assert!(matches!(error.error, PutError::TooLarge { len: 65537, .. }));
    assert!(error.to_string().starts_with("2 items"), "{error}");
    assert_eq!(queue.get_many(9).unwrap(), [[1], [2]]);
    assert_eq!(queue.try_put_many(&items).unwrap(), 2);
    let rest = queue.try_put_many(&items[2..]).unwrap_err();
    assert!(matches!(rest, PutError::TooLarge { .. }), "{rest}");
    assert_eq!(queue.get_many(9).unwrap(), [[1], [2]]);
}

#[test]
fn a_batch_that_is_stopped_says_how_many_are_in() {
    let queue = small().capacity(2).anonymous().unwrap();
    let items = ["a", "b", "c"];
    let error = queue
        .put_many_interruptible(&items, None, || true)
        .unwrap_err();
    assert_eq!(error.done, 2);
    assert!(matches!(error.error, PutError::Interrupted));
    let late = queue.put_many_interruptible(&items, Some(Instant::now()), || false);
    let error = late.unwrap_err();
    assert_eq!(error.done, 0);
    assert!(matches!(error.error, PutError::TimedOut(Shortage::Slots)));
    assert_eq!(queue.get_many(9).unwrap(), [b"a", b"b"]);
}

#[test]
fn shutdown_ends_a_batch_in_the_middle() {
    let queue = small().capacity(2).anonymous().unwrap();
    let putter = Background::blocked({
        let queue = queue.clone();
        move || queue.put_many(&["a", "b", "c"])
    });
    queue.shutdown();
    let error = putter
        .end("a batch when the queue is shut down")
        .unwrap_err();
    assert_eq!(error.done, 2);
    assert!(matches!(error.error, PutError::Closed));
    assert_eq!(queue.get_many(9).unwrap(), [b"a", b"b"]);
    assert!(matches!(queue.get_many(9), Err(GetError::Closed)));
    assert!(matches!(queue.try_put_many(&["x"]), Err(PutError::Closed)));
}
