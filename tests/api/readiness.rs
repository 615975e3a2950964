//! Readiness: a descriptor that poll(2) finds readable just when there is something to get.

use crate::common::{Background, PATIENCE, payload, small};
use ringpost::{BytesQueue, GetError, Readiness};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// Is it readable within this time?
fn readable(readiness: &Readiness, timeout: Duration) -> bool {
    let mut fds = [PollFd::new(readiness, PollFlags::IN)];
    let timeout = Timespec::try_from(timeout).unwrap();
    let ready = poll(&mut fds, Some(&timeout)).unwrap();
    assert!(fds[0].revents().difference(PollFlags::IN).is_empty());
    ready == 1
}

fn now(readiness: &Readiness) -> bool {
    readable(readiness, Duration::ZERO)
}

fn again(queue: &BytesQueue) -> BytesQueue {
    ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap()).unwrap()
}

#[test]
fn it_follows_this_process_at_once() {
    let queue = small().anonymous().unwrap();
    let readiness = queue.readiness().unwrap();
    assert!(!now(&readiness));
    for _ in 0..3 {
        queue.put_many(&["a", "b"]).unwrap();
        assert!(readable(&readiness, PATIENCE));
        queue.get().unwrap();
        assert!(now(&readiness), "one is left");
        drop(queue.try_get_ref().unwrap());
        assert!(!now(&readiness), "none is left");
        assert!(queue.try_get().is_err());
        assert!(!now(&readiness));
    }
}

#[test]
fn it_is_readable_at_once_when_there_is_something() {
    let queue = small().anonymous().unwrap();
    queue.put(b"before").unwrap();
    assert!(now(&queue.readiness().unwrap()));
    queue.shutdown();
    queue.get().unwrap();
    assert!(
        now(&queue.readiness().unwrap()),
        "the next get will not wait"
    );
}

#[test]
fn a_sleeping_poll_wakes_for_an_item_of_another_participant() {
    let queue = small().anonymous().unwrap();
    let readiness = queue.readiness().unwrap();
    let poller = Background::blocked(move || readable(&readiness, PATIENCE));
    again(&queue).put(b"item").unwrap();
    assert!(poller.end("a poll when an item comes"));
    assert_eq!(queue.try_get().unwrap(), b"item");
}

#[test]
fn a_sleeping_poll_wakes_for_both_shutdowns_and_they_stay_visible() {
    let endings: [fn(&BytesQueue); 2] = [|queue| queue.shutdown(), |queue| queue.shutdown_now()];
    for ending in endings {
        let queue = small().anonymous().unwrap();
        let readiness = queue.readiness().unwrap();
        let poller = Background::blocked(move || {
            assert!(readable(&readiness, PATIENCE));
            readiness
        });
        ending(&again(&queue));
        let readiness = poller.end("a poll when the queue is shut down");
        for _ in 0..2 {
            assert!(matches!(queue.try_get(), Err(GetError::Closed)));
            assert!(now(&readiness));
        }
    }
}

#[test]
fn it_follows_gets_of_other_participants_soon() {
    let queue = small().anonymous().unwrap();
    let readiness = queue.readiness().unwrap();
    let other = again(&queue);
    queue.put(b"item").unwrap();
    assert!(readable(&readiness, PATIENCE));
    other.get().unwrap();
    crate::common::eventually("not readable any more", || !now(&readiness));
    other.put(b"next").unwrap();
    assert!(readable(&readiness, PATIENCE));
}

#[test]
fn every_descriptor_of_a_queue_tells_the_same() {
    let queue = small().anonymous().unwrap();
    let (one, two) = (
        queue.readiness().unwrap(),
        queue.clone().readiness().unwrap(),
    );
    assert_ne!(one.as_raw_fd(), two.as_raw_fd());
    assert_eq!(one.as_fd().as_raw_fd(), one.as_raw_fd());
    queue.put(b"item").unwrap();
    assert!(readable(&one, PATIENCE) && readable(&two, PATIENCE));
    drop(one);
    queue.get().unwrap();
    assert!(!now(&two));
}

#[test]
fn queues_of_one_process_have_their_own() {
    let (left, right) = (small().anonymous().unwrap(), small().anonymous().unwrap());
    let ready = [left.readiness().unwrap(), right.readiness().unwrap()];
    right.put(b"item").unwrap();
    assert!(readable(&ready[1], PATIENCE));
    assert!(!now(&ready[0]));
}

#[test]
fn it_takes_no_wake_up_from_a_blocked_get() {
    let queue = small().anonymous().unwrap();
    let _readiness = queue.readiness().unwrap();
    let other = again(&queue);
    for n in 0..100 {
        let getter = Background::start({
            let queue = queue.clone();
            move || queue.get()
        });
        other.put(&payload(n, 20)).unwrap();
        assert!(getter.end("a get beside a poll").unwrap() == payload(n, 20));
    }
}

#[test]
fn it_outlives_the_queue_and_keeps_no_participant() {
    let queue = small().anonymous().unwrap();
    let other = again(&queue);
    let readiness = queue.readiness().unwrap();
    assert_eq!(other.stats().participants.len(), 2);
    drop(queue);
    assert_eq!(other.stats().participants.len(), 1);
    now(&readiness);
}

#[test]
fn an_event_loop_gets_everything_without_a_blocking_call() {
    let queue = small().anonymous().unwrap();
    let readiness = queue.readiness().unwrap();
    let producer = Background::start({
        let other = again(&queue);
        move || {
            for n in 0..2000 {
                other.put(&payload(n, (n as usize * 31) % 500)).unwrap();
            }
            other.shutdown();
        }
    });
    let mut got = 0;
    'closed: loop {
        assert!(readable(&readiness, PATIENCE), "after {got} items");
        loop {
            match queue.try_get() {
                Ok(item) => assert!(item == payload(got, (got as usize * 31) % 500)),
                Err(GetError::Empty) => break,
                Err(GetError::Closed) => break 'closed,
                Err(other) => panic!("{other}"),
            }
            got += 1;
        }
    }
    producer.end("the producer");
    assert_eq!(got, 2000);
}
