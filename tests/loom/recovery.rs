//! Recovery of whatever a kill leaves, against others that put, get and recover meanwhile.
//!
//! Participant 3 is killed at every step that changes a shared word. Each view is a process of its own, with hints of its
//! own. That the dead one comes before its recoverer is the liveness lock's doing; nothing orders it before the others but
//! the ring's own words.

use super::support::place::Place;
use super::support::*;
use crate::memory::Memory;
use crate::ring::{Finished, GetFailure, PutFailure, Ring};
use loom::thread;
use std::cell::Cell;
use std::sync::Arc;

const SHORT: u64 = 8;
const ONE_CHUNK: u64 = 64;
const TWO_CHUNKS: u64 = 128;

/// What participant 3 puts, what was there before, and what others put.
const ITS: u64 = 7;
const OLD: u64 = 5;
const NEW: u64 = 9;

/// What participant 3 does until it is killed.
#[derive(Clone, Copy, Debug)]
enum Life {
    Put { length: u64 },
    Get,
    Message,
    Refuse,
    Requeue,
    Discard,
    Inspect,
}

/// A queue in which a life can begin.
#[derive(Clone, Copy, Debug)]
struct Start {
    life: Life,
    /// The length of the item that lies there, unless the life is a put.
    old: u64,
    max_deliveries: u32,
}

const fn start(life: Life, old: u64, max_deliveries: u32) -> Start {
    Start {
        life,
        old,
        max_deliveries,
    }
}

impl Start {
    fn segment(self) -> Memory {
        let memory = segment(2, 2, 2);
        fill_hot_line(&memory); // extents are given back, so that there is something half done to find
        if !matches!(self.life, Life::Put { .. }) {
            let ring = self.view(&memory);
            put(&ring, 0, self.old, OLD).unwrap();
            if matches!(self.life, Life::Requeue | Life::Discard | Life::Inspect) {
                let claim = ring.claim(owner(0)).unwrap();
                assert!(ring.set_aside(claim));
            }
        }
        memory
    }

    fn view(self, memory: &Memory) -> Ring {
        Ring::new(memory.clone(), self.max_deliveries)
    }

    fn moments(self) -> Vec<usize> {
        let moments = moments(
            move || self.view(&self.segment()),
            move |ring| self.live(ring, &Cell::default()),
        );
        assert!(moments.len() >= 2, "{self:?} has steps: {moments:?}");
        moments
    }

    /// `claimed`: the claim of a consumer was over.
    fn live(self, ring: &Ring, claimed: &Cell<bool>) {
        let claim = |ring: &Ring| {
            let claim = ring.claim(owner(3));
            claimed.set(claim.is_ok());
            claim
                .ok()
                .inspect(|claim| assert_eq!(read(ring, claim), OLD))
        };
        match self.life {
            Life::Put { length } => _ = put(ring, 3, length, ITS),
            Life::Get => _ = claim(ring).map(|claim| ring.release(claim)),
            Life::Message => {
                if let Some(mut claim) = claim(ring) {
                    ring.hold(&mut claim);
                    ring.release(claim);
                }
            }
            Life::Refuse => _ = claim(ring).map(|claim| ring.refuse(claim)),
            Life::Requeue => _ = ring.requeue(owner(3), self.position(ring)),
            Life::Discard => _ = ring.discard(owner(3), self.position(ring)),
            Life::Inspect => {
                if let Some(claim) = ring.claim_set_aside(owner(3), self.position(ring)) {
                    ring.set_aside(claim.unwrap());
                }
            }
        }
    }

    /// The first position of all.
    fn position(self, ring: &Ring) -> u64 {
        ring.memory.geometry.slots
    }
}

/// What another participant does meanwhile, once.
#[derive(Clone, Copy, Debug)]
enum Other {
    Puts { length: u64 },
    Gets,
    Refuses,
}

/// How that went.
#[derive(Debug, Default)]
struct Seen {
    put: bool,
    got: Option<u64>,
}

impl Other {
    fn act(self, ring: &Ring) -> Seen {
        let mut seen = Seen::default();
        match self {
            Other::Puts { length } => {
                seen.put = match put(ring, 1, length, NEW) {
                    Ok(()) => true,
                    Err(PutFailure::Full | PutFailure::NoMemory | PutFailure::NoDescriptor) => {
                        false
                    }
                    Err(other) => panic!("{other:?}"),
                };
            }
            Other::Gets => match get(ring, 1) {
                Ok(value) => seen.got = Some(value),
                Err(GetFailure::Empty) => {}
                Err(other) => panic!("{other:?}"),
            },
            Other::Refuses => {
                if let Ok(claim) = ring.claim(owner(1)) {
                    read(ring, &claim);
                    assert!(ring.refuse(claim));
                }
            }
        }
        seen
    }
}

/// How often the old item must be seen, among what was got and what is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Once,
    Gone,
    AtMostOnce,
}

impl Start {
    /// What must become of the old item, now that participant 3 is dead and not recovered.
    fn fate(self, ring: &Ring, died: bool, claimed: bool) -> Fate {
        match self.life {
            Life::Put { .. } => Fate::Gone,
            Life::Get | Life::Message if claimed && !holds_a_loan(ring, 3) => Fate::Gone, // it was acknowledged
            Life::Discard if died => Fate::AtMostOnce,
            Life::Discard => Fate::Gone,
            _ => Fate::Once,
        }
    }

    /// Nobody is at work, and participant 3 is recovered: all is accounted for, and the queue is as good as new.
    fn check(self, ring: &Ring, fate: Fate, died: bool, seen: Seen) {
        let mut got = drain(ring, 0);
        let set_aside = ring.quarantine();
        for item in &set_aside {
            assert_eq!(ring.requeue(owner(0), item.position), Some(Ok(())));
        }
        let again = drain(ring, 0);
        assert_eq!(again.len(), set_aside.len());
        got.extend(again);
        got.extend(seen.got);
        let count = |value| got.iter().filter(|&&got| got == value).count();
        assert_eq!(count(NEW), usize::from(seen.put), "{got:?}");
        match fate {
            Fate::Once => assert_eq!(count(OLD), 1, "{got:?}"),
            Fate::Gone => assert_eq!(count(OLD), 0, "{got:?}"),
            Fate::AtMostOnce => assert!(count(OLD) <= 1, "{got:?}"),
        }
        assert!(count(ITS) <= 1, "{got:?}");
        assert_eq!(got.len(), count(NEW) + count(OLD) + count(ITS), "{got:?}");
        if let (Life::Put { length: SHORT }, false) = (self.life, died) {
            assert_eq!(count(ITS), 1, "{got:?}"); // no shortage can have stopped it
        }
        assert_eq!(ring.finished(), Finished::Yes);
        assert_eq!(ring.census().free, ring.memory.geometry.descriptors);
        assert_consistent(ring);
        assert_eq!(ring.chunks_in_use(), 0);
        for value in 0..2 {
            put(ring, 0, ONE_CHUNK, value).unwrap();
        }
        assert_eq!(drain(ring, 0), [0, 1]);
    }
}

/// Participant 3 lives, dies and is recovered while another does one thing.
fn dies_and_is_recovered(preemptions: usize, starts: &[Start], others: &[Other]) {
    for &start in starts {
        for accesses in start.moments() {
            for &other in others {
                explore(preemptions, move || {
                    let memory = start.segment();
                    let [its, one, two] = [(); 3].map(|()| start.view(&memory));
                    let one = thread::spawn(move || other.act(&one));
                    let claimed = Cell::new(false);
                    let died = dies_after(accesses, || start.live(&its, &claimed));
                    let fate = start.fate(&two, died, claimed.get());
                    two.recover(owner(3)); // also if it lives: then it has left nothing
                    let seen = one.join().unwrap();
                    start.check(&two, fate, died, seen);
                });
            }
        }
    }
}

#[test]
fn a_put_that_died_is_undone_or_delivered_while_others_put_and_get() {
    dies_and_is_recovered(
        2,
        &[start(Life::Put { length: SHORT }, 0, 16)],
        &[Other::Puts { length: SHORT }, Other::Gets],
    );
}

#[test]
fn the_chunks_of_a_put_that_died_come_back_while_others_put_and_get() {
    dies_and_is_recovered(
        2,
        &[start(Life::Put { length: TWO_CHUNKS }, 0, 16)],
        &[Other::Puts { length: ONE_CHUNK }, Other::Gets],
    );
}

#[test]
fn an_item_of_a_consumer_that_died_is_delivered_once_while_others_put_and_get() {
    dies_and_is_recovered(
        2,
        &[start(Life::Get, SHORT, 16), start(Life::Message, SHORT, 16)],
        &[Other::Puts { length: SHORT }, Other::Gets],
    );
}

#[test]
fn the_chunks_of_a_consumer_that_died_come_back_while_others_put_and_get() {
    dies_and_is_recovered(
        2,
        &[start(Life::Get, TWO_CHUNKS, 16)],
        &[Other::Puts { length: ONE_CHUNK }, Other::Gets],
    );
}

#[test]
fn an_item_that_died_with_its_last_delivery_is_set_aside_while_others_get() {
    dies_and_is_recovered(
        2,
        &[start(Life::Get, SHORT, 1), start(Life::Refuse, SHORT, 1)],
        &[Other::Gets],
    );
}

#[test]
fn an_item_that_is_refused_is_not_lost_when_its_consumer_dies() {
    dies_and_is_recovered(
        2,
        &[start(Life::Refuse, SHORT, 16)],
        &[Other::Gets, Other::Refuses],
    );
}

#[test]
fn an_item_of_the_quarantine_is_not_lost_when_who_looks_at_it_dies() {
    dies_and_is_recovered(
        2,
        &[
            start(Life::Requeue, SHORT, 16),
            start(Life::Discard, SHORT, 16),
            start(Life::Inspect, SHORT, 16),
        ],
        &[Other::Gets],
    );
}

/// Both may see that the place is held by a dead one; the lock lets one of them in, or both, one after the other.
#[test]
fn of_two_that_recover_one_participant_one_finds_it() {
    for start in [
        start(Life::Put { length: TWO_CHUNKS }, 0, 16),
        start(Life::Get, TWO_CHUNKS, 16),
    ] {
        for accesses in start.moments() {
            explore(2, move || {
                let memory = start.segment();
                let [its, one, two] = [(); 3].map(|()| start.view(&memory));
                let place = Arc::new(Place::new());
                let byte = place.lock();
                let theirs = place.clone();
                let one = thread::spawn(move || theirs.look(&one, usize::MAX).recovered);
                let claimed = Cell::new(false);
                let died = dies_after(accesses, || start.live(&its, &claimed));
                let fate = start.fate(&two, died, claimed.get());
                drop(byte); // the kernel
                let here = place.look(&two, usize::MAX).recovered;
                let there = one.join().unwrap();
                assert!(here ^ there, "here: {here}, there: {there}");
                assert!(place.is_free());
                start.check(&two, fate, died, Seen::default());
            });
        }
    }
}

/// The first recoverer is killed at each of its steps too, and the second finishes what both dead ones have left.
#[test]
fn a_recoverer_that_dies_leaves_what_the_next_one_can_finish() {
    for (start, other) in [
        (
            start(Life::Put { length: TWO_CHUNKS }, 0, 16),
            Other::Puts { length: ONE_CHUNK },
        ),
        (
            start(Life::Get, TWO_CHUNKS, 16),
            Other::Puts { length: ONE_CHUNK },
        ),
        (start(Life::Get, SHORT, 16), Other::Gets),
        (start(Life::Get, SHORT, 1), Other::Gets),
    ] {
        for accesses in start.moments() {
            let dead = move || {
                let ring = start.view(&start.segment());
                dies_after(accesses, || start.live(&ring, &Cell::default()));
                ring
            };
            for recovery in moments(dead, |ring| _ = ring.recover(owner(3))) {
                explore(1, move || {
                    let memory = start.segment();
                    let [its, first, second, one] = [(); 4].map(|()| start.view(&memory));
                    let one = thread::spawn(move || other.act(&one));
                    let place = Place::new();
                    let claimed = Cell::new(false);
                    let died = dies_after(accesses, || start.live(&its, &claimed));
                    let fate = start.fate(&second, died, claimed.get());
                    // One more for the word of the place, which it looks at first.
                    place.look(&first, recovery + 1);
                    place.look(&second, usize::MAX);
                    assert!(place.is_free());
                    let seen = one.join().unwrap();
                    start.check(&second, fate, died, seen);
                });
            }
        }
    }
}
