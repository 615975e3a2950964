//! Sleeping and waking: no waiter sleeps for ever while there is something for it. loom reports a lost wake-up as a deadlock.

use super::support::*;
use crate::ring::{GetFailure, PutFailure, Ring};
use crate::sync::{AtomicU32, Ordering::*, full_fence_after_rmw, futex};
use crate::wait;
use loom::sync::Arc;
use loom::thread;

/// The bare protocol over a counter of items, which is taken from by CAS.
#[derive(Default)]
struct Items {
    count: AtomicU32,
    event: AtomicU32,
}

impl Items {
    fn take(&self) -> bool {
        self.count
            .fetch_update(AcqRel, Acquire, |count| count.checked_sub(1))
            .is_ok()
    }

    fn take_or_sleep(&self) {
        loop {
            if self.take() {
                return;
            }
            let seen = wait::announce(&self.event);
            if self.take() {
                return;
            }
            futex::wait(&self.event, seen);
        }
    }

    fn add(&self) {
        self.count.fetch_add(1, SeqCst);
        full_fence_after_rmw();
        wait::notify_one(&self.event);
    }
}

#[test]
fn one_waiter_and_two_wakers() {
    explore(3, || {
        let items = Arc::new(Items::default());
        let waiter = items.clone();
        let waiter = thread::spawn(move || {
            waiter.take_or_sleep();
            waiter.take_or_sleep();
        });
        let waker = items.clone();
        let waker = thread::spawn(move || waker.add());
        items.add();
        waker.join().unwrap();
        waiter.join().unwrap();
    });
}

#[test]
fn two_waiters_and_one_waker() {
    explore(2, || {
        let items = Arc::new(Items::default());
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let items = items.clone();
                thread::spawn(move || items.take_or_sleep())
            })
            .collect();
        items.add();
        items.add();
        for waiter in waiters {
            waiter.join().unwrap();
        }
    });
}

fn blocking_get(ring: &Ring, me: u32) -> u64 {
    loop {
        let seen = wait::announce(ring.memory.ev_get());
        match get(ring, me) {
            Ok(value) => return value,
            Err(GetFailure::Empty) => futex::wait(ring.memory.ev_get(), seen),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn blocking_put(ring: &Ring, me: u32, value: u64) {
    loop {
        let seen = wait::announce(ring.memory.ev_put());
        match put(ring, me, 8, value) {
            Ok(()) => return,
            Err(PutFailure::Full) => futex::wait(ring.memory.ev_put(), seen),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_put_wakes_a_consumer() {
    explore(2, || {
        let ring = queue(1, 1, 0);
        let consumer = ring.clone();
        let consumer = thread::spawn(move || blocking_get(&consumer, 1));
        put(&ring, 0, 8, 7).unwrap();
        assert_eq!(consumer.join().unwrap(), 7);
    });
}

#[test]
fn a_get_wakes_a_producer() {
    explore(2, || {
        let ring = queue(1, 2, 0);
        put(&ring, 0, 8, 1).unwrap();
        let producer = ring.clone();
        let producer = thread::spawn(move || blocking_put(&producer, 1, 2));
        assert_eq!(get(&ring, 0), Ok(1));
        producer.join().unwrap();
        assert_eq!(get(&ring, 0), Ok(2));
    });
}

#[test]
fn a_release_wakes_who_waits_for_memory() {
    explore(2, || {
        let ring = queue(2, 2, 1);
        put(&ring, 0, 64, 1).unwrap();
        let producer = ring.clone();
        let producer = thread::spawn(move || blocking_put_of_a_chunk(&producer, 2));
        assert_eq!(get(&ring, 0), Ok(1));
        producer.join().unwrap();
        assert_eq!(get(&ring, 0), Ok(2));
    });
}

/// Two that wait for chunks own a descriptor for a moment at each try: giving it back must not wake the other, or the two
/// would keep each other awake for ever (loom would run out of branches).
#[test]
fn two_that_wait_for_memory_let_each_other_sleep() {
    explore(1, || {
        let ring = queue(2, 4, 1);
        put(&ring, 0, 64, 0).unwrap();
        let producers: Vec<_> = [1, 2]
            .map(|me| {
                let ring = ring.clone();
                thread::spawn(move || blocking_put_of_a_chunk(&ring, me))
            })
            .into();
        assert_eq!(get(&ring, 0), Ok(0));
        let mut got = vec![blocking_get(&ring, 0)];
        got.push(blocking_get(&ring, 0));
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
        for producer in producers {
            producer.join().unwrap();
        }
    });
}

fn blocking_put_of_a_chunk(ring: &Ring, me: u32) {
    loop {
        let seen = wait::announce(ring.memory.ev_mem());
        match put(ring, me, 64, me.into()) {
            Ok(()) => return,
            Err(PutFailure::NoMemory) => futex::wait(ring.memory.ev_mem(), seen),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn shutdown_wakes_a_consumer() {
    explore(3, || {
        let ring = queue(1, 1, 0);
        let consumer = ring.clone();
        let consumer = thread::spawn(move || {
            loop {
                let seen = wait::announce(consumer.memory.ev_get());
                if consumer.state() != crate::layout::state::OPEN {
                    return;
                }
                futex::wait(consumer.memory.ev_get(), seen);
            }
        });
        ring.set_state(crate::layout::state::DRAINING);
        consumer.join().unwrap();
    });
}
