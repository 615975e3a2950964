//! Items whose consumer died, or stands still, in the middle of its get: they are delivered again, or waited for by those who
//! must, and nobody else.

use crate::actors::{TRAP, nothing_is_left, options, scene, stopped_in_get};
use crate::common::child::Child;
use crate::common::{Background, PATIENCE, eventually, name, payload};
use ringpost::GetError;

#[test]
fn an_item_whose_consumer_died_in_its_get_is_delivered_again_and_first() {
    let (queue, child) = stopped_in_get(options());
    queue.put(&payload(2, 50)).unwrap();
    child.kill();
    assert_eq!(queue.recover().unwrap(), 1);
    assert_eq!((queue.stats().retry, queue.is_empty()), (1, false));
    let message = queue.try_get_ref().unwrap();
    assert!(*message == *payload(1, TRAP));
    assert_eq!(message.deliveries(), 2);
    drop(message);
    let next = queue.try_get_ref().unwrap();
    assert!(*next == *payload(2, 50));
    assert_eq!(next.deliveries(), 1);
    drop(next);
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    nothing_is_left(&queue);
}

#[test]
fn a_blocked_get_receives_it_without_anybodys_doing() {
    let (queue, child) = stopped_in_get(options());
    let getter = Background::blocked({
        let queue = queue.clone();
        move || queue.get()
    });
    child.kill();
    assert!(getter.end("a get when a consumer has died").unwrap() == payload(1, TRAP));
    nothing_is_left(&queue);
}

#[test]
fn a_polling_get_receives_it_without_anybodys_doing() {
    let (queue, child) = stopped_in_get(options());
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    child.kill();
    let mut got = None;
    eventually("it is delivered again", || {
        got = queue.try_get().ok();
        got.is_some()
    });
    assert!(got.unwrap() == payload(1, TRAP));
    nothing_is_left(&queue);
}

#[test]
fn an_event_loop_receives_it_without_anybodys_doing() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let (queue, child) = stopped_in_get(options());
    let readiness = queue.readiness().unwrap();
    let ready = |patience| {
        let patience = Timespec::try_from(patience).unwrap();
        poll(
            &mut [PollFd::new(&readiness, PollFlags::IN)],
            Some(&patience),
        )
        .unwrap()
            == 1
    };
    assert!(!ready(std::time::Duration::ZERO), "somebody has claimed it");
    child.kill();
    assert!(ready(PATIENCE));
    assert!(queue.try_get().unwrap() == payload(1, TRAP));
}

#[test]
fn who_opens_the_queue_finds_it() {
    let name = name("deaths");
    let queue = options().unlink_on_drop(true).create(&name).unwrap();
    queue.put(&payload(1, TRAP)).unwrap();
    let child = Child::start("deaths: get", &[&name]);
    child.expect_stopped();
    child.kill();
    let other = ringpost::open(&name).unwrap();
    assert!(other.try_get().unwrap() == payload(1, TRAP));
    assert_eq!(queue.recover().unwrap(), 0, "opening has done it");
}

#[test]
fn an_item_that_kills_its_consumers_is_set_aside() {
    let (name, queue) = scene(options().max_deliveries(2));
    queue.put_many(&[payload(1, TRAP), payload(2, 50)]).unwrap();
    for _ in 0..2 {
        let child = Child::start("deaths: get", &[&name]);
        child.expect_stopped();
        child.kill();
        assert_eq!(queue.recover().unwrap(), 1);
    }
    let stats = queue.stats();
    assert_eq!((stats.quarantined, stats.retry, stats.queued), (1, 0, 1));
    assert!(queue.get().unwrap() == payload(2, 50));
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    queue.join();
}

#[test]
fn join_waits_for_an_item_that_may_come_back() {
    let (queue, child) = stopped_in_get(options());
    let joiner = Background::blocked({
        let queue = queue.clone();
        move || queue.join()
    });
    child.kill();
    eventually("the dead one is found by who waits", || {
        queue.stats().retry == 1
    });
    assert!(!joiner.has_ended());
    queue.get().unwrap();
    joiner.end("a join when all is delivered");
}

#[test]
fn a_draining_queue_waits_for_an_item_that_may_come_back() {
    let (queue, child) = stopped_in_get(options());
    queue.shutdown();
    assert!(
        matches!(queue.try_get(), Err(GetError::Empty)),
        "not yet closed"
    );
    let getter = Background::blocked({
        let queue = queue.clone();
        move || queue.get()
    });
    child.kill();
    assert!(getter.end("a get when a consumer has died").unwrap() == payload(1, TRAP));
    assert!(matches!(queue.get(), Err(GetError::Closed)));
}

#[test]
fn a_draining_queue_closes_when_the_last_get_is_done() {
    let (queue, child) = stopped_in_get(options());
    queue.shutdown();
    let getter = Background::blocked({
        let queue = queue.clone();
        move || queue.get()
    });
    child.signal(libc::SIGCONT);
    child.expect("true");
    let ended = getter.end("a get when another one has got the last item");
    assert!(matches!(ended, Err(GetError::Closed)));
}

#[test]
fn a_closed_queue_drops_an_item_that_comes_back() {
    let (queue, child) = stopped_in_get(options());
    queue.shutdown_now();
    child.kill();
    queue.recover().unwrap();
    assert!(matches!(queue.try_get(), Err(GetError::Closed)));
    assert!(queue.join_timeout(PATIENCE / 10), "nobody will ever get it");
    assert!(queue.is_empty());
}

#[test]
fn a_consumer_that_stands_still_in_its_get_stops_nobody() {
    let (queue, child) = stopped_in_get(options().capacity(1).in_flight(2));
    for n in 0..500 {
        queue.put_timeout(&payload(n, 20_000), PATIENCE).unwrap();
        assert!(queue.get_timeout(PATIENCE).unwrap() == payload(n, 20_000));
    }
    assert_eq!(queue.recover().unwrap(), 0);
    child.signal(libc::SIGCONT);
    child.expect("true");
    child.succeed();
    nothing_is_left(&queue);
}

#[test]
fn a_batch_whose_consumer_died_is_delivered_again_whole_and_in_order() {
    let (name, queue) = scene(options());
    let items = [payload(1, 50), payload(2, TRAP), payload(3, 60)];
    queue.put_many(&items).unwrap();
    let child = Child::start("deaths: get_many", &[&name]);
    child.expect_stopped();
    child.kill();
    assert_eq!(queue.recover().unwrap(), 1);
    for (n, item) in items.iter().enumerate() {
        let got = queue.try_get();
        assert!(
            got.is_ok_and(|got| got == *item),
            "item {n}: the call had not returned"
        );
    }
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    nothing_is_left(&queue);
}
