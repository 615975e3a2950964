//! join: it returns when everything is acknowledged, not before, and is woken for it.

use super::support::place::Place;
use super::support::*;
use crate::ring::{Finished, Ring};
use crate::sync::futex::{self, Woken};
use crate::wait;
use loom::cell::UnsafeCell;
use loom::thread;
use std::sync::Arc;

/// The work that an item stands for: done before its acknowledgement. loom sees it if a join returns without that.
#[derive(Default)]
struct Work(UnsafeCell<u32>);

// SAFETY: loom checks every access.
unsafe impl Sync for Work {}

impl Work {
    fn did(&self) {
        // SAFETY: loom checks the access.
        self.0.with_mut(|done| unsafe { *done += 1 });
    }

    fn done(&self) -> u32 {
        // SAFETY: loom checks the access.
        self.0.with(|done| unsafe { *done })
    }
}

/// `Shared::join`.
fn join(ring: &Ring, look: impl Fn()) {
    loop {
        let seen = wait::announce(ring.memory.ev_done());
        if ring.finished() == Finished::Yes {
            return;
        }
        if futex::wait(ring.memory.ev_done().word, seen) == Woken::TimedOut {
            look();
        }
    }
}

/// Gets one item, does the work, and ends it.
fn work_on_one(ring: &Ring, me: u32, work: &Work, end: impl FnOnce(&Ring, crate::ring::Claim)) {
    let claim = ring.claim(owner(me)).unwrap();
    assert_eq!(read(ring, &claim), 7);
    work.did();
    end(ring, claim);
}

fn one_item() -> [Ring; 3] {
    let memory = segment(2, 2, 0);
    let views = [(); 3].map(|()| view(&memory));
    put(&views[0], 0, 8, 7).unwrap();
    views
}

#[test]
fn it_returns_after_the_last_acknowledgement() {
    let ends: [fn(&Ring, crate::ring::Claim); 4] = [
        |ring, claim| assert!(ring.release(claim)),
        |ring, mut claim| assert!(ring.hold(&mut claim)),
        |ring, claim| ring.release_all(&[claim]),
        |ring, claim| assert!(ring.set_aside(claim)),
    ];
    for end in ends {
        explore(3, move || {
            let [ring, one, _] = one_item();
            let work = Arc::new(Work::default());
            let its = work.clone();
            let one = thread::spawn(move || work_on_one(&one, 1, &its, end));
            join(&ring, || {});
            assert_eq!(work.done(), 1);
            one.join().unwrap();
        });
    }
}

/// The item is refused, and acknowledged by the next that gets it.
#[test]
fn it_waits_for_an_item_that_comes_back() {
    explore(2, || {
        let [ring, one, two] = one_item();
        let claim = one.claim(owner(1)).unwrap();
        let work = Arc::new(Work::default());
        let its = work.clone();
        let one = thread::spawn(move || {
            assert!(one.refuse(claim));
            work_on_one(&two, 2, &its, |ring, claim| assert!(ring.release(claim)));
        });
        join(&ring, || {});
        assert_eq!(work.done(), 1);
        one.join().unwrap();
    });
}

/// A look at the quarantine takes an item out for a moment, and it counts as delivered before and after.
#[test]
fn it_is_not_held_up_by_a_look_at_the_quarantine() {
    explore(3, || {
        let [ring, one, _] = one_item();
        let claim = ring.claim(owner(0)).unwrap();
        assert!(ring.set_aside(claim));
        let one = thread::spawn(move || {
            let claim = one.claim_set_aside(owner(1), claim.position).unwrap();
            assert!(one.set_aside(claim.unwrap()));
        });
        join(&ring, || {});
        one.join().unwrap();
        assert_eq!(ring.quarantine().len(), 1);
    });
}

/// The consumer dies with the item; the recoverer gets it and acknowledges it.
#[test]
fn it_waits_for_an_item_of_one_that_died() {
    explore(2, || {
        let [its, one, ring] = one_item();
        let claim = its.claim(owner(3)).unwrap();
        let _ = claim; // participant 3 is killed here: its LOAN stays
        let place = Arc::new(Place::new());
        let work = Arc::new(Work::default());
        let its = work.clone();
        let one = thread::spawn(move || {
            assert!(place.look(&one, usize::MAX).recovered);
            work_on_one(&one, 1, &its, |ring, claim| assert!(ring.release(claim)));
        });
        join(&ring, || {});
        assert_eq!(work.done(), 1);
        one.join().unwrap();
    });
}

/// What the dead one had is set aside, and nobody is there to say so but who waits: the end of a slice looks for the dead.
#[test]
fn it_looks_for_the_dead_itself_at_the_end_of_a_slice() {
    explore(2, || {
        let memory = segment(2, 2, 0);
        let [its, one, ring] = [(); 3].map(|()| Ring::new(memory.clone(), 1));
        put(&its, 0, 8, 7).unwrap();
        let claim = its.claim(owner(3)).unwrap();
        let _ = claim; // participant 3 is killed here, and this was the last delivery
        let place = Arc::new(Place::new());
        futex::let_slices_end(ring.memory.ev_done().word);
        let theirs = place.clone();
        let one = thread::spawn(move || join(&one, || _ = theirs.look(&one, usize::MAX)));
        join(&ring, || _ = place.look(&ring, usize::MAX));
        one.join().unwrap();
        assert_eq!(ring.quarantine().len(), 1);
        assert!(place.is_free());
    });
}
