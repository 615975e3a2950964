//! Sleeping and waking: no waiter sleeps for ever while there is something for it. loom reports a lost wake-up as a deadlock.

use super::support::place::Place;
use super::support::*;
use crate::fences::full_fence_after_rmw;
use crate::ring::{GetFailure, PutFailure, Ring};
use crate::sync::futex::Woken;
use crate::sync::{AtomicU32, Ordering::*, futex};
use crate::wait::{self, Event};
use loom::sync::Arc;
use loom::thread;

/// The bare protocol over a counter of items, which is taken from by CAS.
#[derive(Default)]
struct Items {
    count: loom::sync::atomic::AtomicU32,
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
            let seen = wait::announce(Event::usual(&self.event));
            if self.take() {
                return;
            }
            futex::wait(&self.event, seen);
        }
    }

    fn add(&self) {
        self.count.fetch_add(1, SeqCst);
        full_fence_after_rmw();
        wait::notify_one(Event::usual(&self.event));
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

/// One waiter may be asleep, and the other just about to be.
#[test]
fn two_waiters_and_a_waker_of_both() {
    explore(3, || {
        let items = Arc::new(Items::default());
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let items = items.clone();
                thread::spawn(move || items.take_or_sleep())
            })
            .collect();
        items.count.fetch_add(2, SeqCst);
        full_fence_after_rmw();
        wait::notify_some(Event::usual(&items.event), 2);
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
            Err(GetFailure::Empty) => {
                futex::wait(ring.memory.ev_get().word, seen);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn blocking_put(ring: &Ring, me: u32, value: u64) {
    loop {
        let seen = wait::announce(ring.memory.ev_put());
        match put(ring, me, 8, value) {
            Ok(()) => return,
            Err(PutFailure::Full) => {
                futex::wait(ring.memory.ev_put().word, seen);
            }
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
            Err(PutFailure::NoMemory) => {
                futex::wait(ring.memory.ev_mem().word, seen);
            }
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
                futex::wait(consumer.memory.ev_get().word, seen);
            }
        });
        ring.set_state(crate::layout::state::DRAINING);
        consumer.join().unwrap();
    });
}

/// Takes one item, and acknowledges it; at the end of a slice it looks for the dead.
fn get_with_slices(ring: &Ring, me: u32, place: &Place) -> u64 {
    loop {
        let seen = wait::announce(ring.memory.ev_get());
        match get(ring, me) {
            Ok(value) => return value,
            Err(GetFailure::Empty) => {}
            Err(other) => panic!("{other:?}"),
        }
        if futex::wait(ring.memory.ev_get().word, seen) == Woken::TimedOut {
            place.look(ring, usize::MAX);
        }
    }
}

/// One of two waiters is killed: after it announced itself, when it was woken and had not taken anything yet, with an item
/// that it has not acknowledged, after it. The wake that it took along is lost, the items are not: the other has one at the
/// end of a slice.
#[test]
fn a_waiter_that_dies_strands_nobody_for_longer_than_a_slice() {
    for accesses in 0.. {
        let outlived = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let lived = outlived.clone();
        explore(2, move || {
            let memory = segment(2, 2, 0);
            let [ring, its, one] = [(); 3].map(|()| view(&memory));
            let place = std::sync::Arc::new(Place::new());
            let (here, there, lived) = (place.clone(), place, lived.clone());
            let its = thread::spawn(move || {
                let byte = there.lock();
                let died = dies_after(accesses, || _ = blocking_get(&its, 3));
                if !died {
                    its.recover(owner(3)); // it detaches
                    lived.store(true, Relaxed);
                }
                drop(byte); // the kernel
            });
            let one = thread::spawn(move || get_with_slices(&one, 1, &here));
            put(&ring, 0, 8, 7).unwrap();
            put(&ring, 0, 8, 7).unwrap();
            its.join().unwrap();
            futex::let_slices_end(ring.memory.ev_get().word);
            assert_eq!(one.join().unwrap(), 7);
        });
        if outlived.load(Relaxed) {
            break;
        }
    }
}

/// `Shared::sleep` of a put: woken for a slot it may find that it lacks memory, and passes the wake on.
fn put_and_pass_on(ring: &Ring, me: u32, length: u64) {
    let mut woken = None;
    let mut event = ring.memory.ev_put();
    loop {
        let seen = wait::announce(event);
        let lacks = match put(ring, me, length, me.into()) {
            Ok(()) => return,
            Err(PutFailure::Full) => ring.memory.ev_put(),
            Err(PutFailure::NoMemory) => ring.memory.ev_mem(),
            Err(other) => panic!("{other:?}"),
        };
        if !std::ptr::eq(lacks.word, event.word) {
            if let Some(event) = woken.take() {
                wait::notify_one(event);
            }
            event = lacks;
            continue;
        }
        futex::wait(event.word, seen);
        woken = Some(event);
    }
}

/// Two wait for a slot, and one of them lacks memory as well, which comes back only when the other has put.
#[test]
fn who_is_woken_for_a_slot_and_lacks_memory_passes_the_wake_on() {
    explore(2, || {
        let memory = segment(1, 4, 1);
        fill_hot_line(&memory);
        let [ring, one, two] = [(); 3].map(|()| view(&memory));
        put(&ring, 0, 64, 0).unwrap();
        let long = thread::spawn(move || put_and_pass_on(&one, 1, 64));
        let short = thread::spawn(move || put_and_pass_on(&two, 2, 8));
        let held = ring.claim(owner(0)).unwrap(); // the slot is free, its memory is not
        assert_eq!(read(&ring, &held), 0);
        short.join().unwrap();
        assert!(ring.release(held));
        assert_eq!(blocking_get(&ring, 0), 2);
        assert_eq!(blocking_get(&ring, 0), 1);
        long.join().unwrap();
    });
}
