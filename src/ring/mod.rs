//! The ring: positions, slots and descriptors, and how an item passes through them.
//!
//! # Words
//!
//! * **position**: the number of an item since the queue was created, modulo 2^44. It only grows.
//! * **slot**: position p lives in slot p × spread mod N (`layout/geometry.rs`), written "slot p mod N" below. Its word says which position was filled last, and by which descriptor.
//! * **descriptor**: the holder of one item: who has it, where its payload is, how long it is. Descriptor `i < N` is the
//!   *home* of slot `i`; the others are *spill* descriptors.
//! * **extent**: a run of contiguous **chunks** of the arena that belongs to a descriptor.
//! * **participant**: one attachment of one process. **Owner**: a participant and its incarnation, as descriptors name it.
//! * **loan**: an item that is written or read in place. **lease**: one that is held until it is acknowledged.
//! * **commit** makes an item visible; **release** frees what it used. The **head** is the consumers' side, the **tail**
//!   the producers'.
//!
//! # States of a descriptor
//!
//! | state | who may change it | to what |
//! |---|---|---|
//! | FREE | anyone | OWN(me), to fill it; RECL(me), to take the extent that it kept |
//! | OWN(P) | P | PEND(P,p), RECL(P) |
//! | PEND(P,p), named by no slot | P | PEND(P,p'), OWN(P), RECL(P) |
//! | PEND(P,p), named by slot p mod N | anyone | LOAN(C,p); P itself: RECL(P), when the queue was shut down |
//! | LOAN(C,p) | C | FREE, HELD(C,p), RECL(C), RETRY(p), QUAR(p) |
//! | HELD(C,p) | C | FREE, RECL(C) |
//! | RETRY(p) | anyone | LOAN(C,p) |
//! | QUAR(p) | anyone | LOAN(me,p), to read it or offer it again; RECL(me), to discard it |
//! | RECL(P) | P | FREE |
//!
//! Of a dead participant, whoever holds its liveness lock may do what that participant may do (`recover.rs`).
//!
//! # Invariants
//!
//! * **I1** filled positions are contiguous: a producer fills p only after it saw p − 1 filled.
//! * **I2** a producer fills p only after it saw p − N consumed (and p − capacity, where the capacity is less than N).
//! * **I3** p is committed and unconsumed exactly while slot p mod N holds (p,h) and D\[h\] is PEND(·,p). Once consumed,
//!   always consumed.
//! * **I4** a producer loads the slot word, from which it commits, after it owns its descriptor. Otherwise one with a stale
//!   position could offer a consumed position anew, and a stale consumer could take a half-written payload.
//! * **I5** hints, shared or private, may be wrong in any way. The truth is in the slots: a slot is accepted only if its
//!   position is exactly the expected one. Every loop is bounded.
//! * **I6** the extent of a FREE descriptor is exact: none, or a run whose words all hold its index + 1. A word that is
//!   not 0 lies in the extent of the descriptor that it names.
//! * **I7** payload bytes are touched, and the item word is written, only by the participant that OWN, LOAN or HELD names; others
//!   may read the item word as a guess. The lead word is nobody's: anyone may store to it at any time.
//!
//! # Orderings
//!
//! | label | at one end | at the other |
//! |---|---|---|
//! | C | commit: the CAS of the slot word | every load of a slot word: a position that is seen was filled, and its descriptor is offered |
//! | P | D = PEND(me,p) | the load of D by a consumer, and its CAS: the payload is complete |
//! | L | the CAS PEND → LOAN | the load of D by a producer: the position is consumed |
//! | F | D = FREE, and every other way to give a descriptor away | the CAS FREE → OWN or RECL: extent and payload are nobody else's (I4, I6, I7) |
//! | K | chunk word = 0 | the CAS 0 → h + 1: nobody reads the chunk any more |
//! | X | extent word before its chunk words, chunk words before the extent word | a recoverer's load of the extent word (I6) |
//! | H | a hint's store | its load: the slots up to there are filled |
//! | R | the retry flag, after D = RETRY | its load before the scan for RETRY |
//! | W | a waiter's bit, before it tries once more | the waker's load, after its own change (see `wait.rs`) |
//! | S | the queue's state | its load before looking, and after a commit |
//! | E | the word of a participant's entry | its load, before and under the lock of its byte (`participant.rs`) |
//! | G | the end of an attach | a fork, and the next attach (`fork.rs`) |
//! | I | who this process is, and its bridge to event loops | their loads at every call (`participant.rs`) |
//! | M | the magic of a new segment, its last word | the header's read by who opens it (`segment.rs`) |
//! | A | the high-water mark of reserved memory, after the reservation | its load before a payload is written |

mod ahead;
mod arena;
mod audit;
#[cfg(not(loom))]
mod check;
mod fault;
mod get;
mod hot;
mod put;
mod recover;
mod refuse;
mod run;
mod straight;

#[cfg(not(loom))]
pub(crate) use ahead::vain_looks;
pub(crate) use audit::Finished;
#[cfg(not(loom))]
pub(crate) use check::Flaw;
pub(crate) use fault::Fault;
pub(crate) use get::{Claim, GetFailure};
pub(crate) use put::{Filling, PutFailure};
#[cfg(not(loom))]
pub(crate) use recover::Recovered;

use crate::fences::full_fence_after_rmw;
use crate::layout::{descriptor, position, slot, state};
use crate::memory::{Index, Memory};
use crate::sync::{AtomicU32, AtomicU64, CachePadded, Ordering::*, fence};
use crate::wait;

/// A participant and its incarnation, in the bits where descriptor words name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(pub(crate) u64);

impl Owner {
    pub(crate) fn new(participant: u32, incarnation: u32) -> Owner {
        Owner(descriptor::owner(participant, incarnation))
    }

    pub(crate) fn participant(self) -> u32 {
        descriptor::participant(self.0)
    }
}

/// One process's view of the queue: the shared words, and private hints.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) memory: Memory,
    /// The producers' side of this process.
    tail: CachePadded<Side>,
    /// The consumers' side of this process.
    head: CachePadded<Side>,
    /// Where the next search for a spill descriptor starts.
    spill: AtomicU32,
    /// New extents end below this chunk: usually the end of the arena.
    arena_limit: AtomicU32,
    /// Whose turn it is among the large extents of the hot line (`hot.rs`).
    hot_turn: AtomicU32,
    /// How many puts do not look for a home descriptor that is on loan.
    skip_home: AtomicU32,
    /// The position after the one that this process refused last, until it looks again; 0: none.
    refused: AtomicU64,
    /// Deliveries after which an item is set aside.
    max_deliveries: u32,
    /// The most chunks that an extent may have to stay in any descriptor.
    sticky: u32,
    /// How often a loop may go round before the segment is called damaged. Each round of a healthy queue is another
    /// participant's success, or a step of a walk over at most N slots. A new start, which looks at all slots, counts as N.
    bound: u64,
}

/// What a process remembers of one side of the queue.
#[derive(Debug, Default)]
struct Side {
    /// The next position that it would fill or consume. Never further than the truth: it comes from this process's own
    /// steps, or from a shared hint that was verified.
    next: AtomicU64,
    /// 1: the last put found the queue full.
    obstructed: AtomicU32,
    /// 1: some operations have passed since the clock was read.
    clock_due: AtomicU32,
    /// The positions before this one are ready for this side, as far as is known (`ahead.rs`). Only for fetching their lines.
    ready: AtomicU64,
    /// How often a get of this thread had found nothing when that was looked at last (`ahead.rs`).
    vain_looks: AtomicU32,
}

/// The rounds of a loop that are allowed beyond those of a walk. Fewer where tests damage the segment on purpose: they would
/// spend their time in nothing else.
const ROUNDS: u64 = if cfg!(kill_points) { 1 << 12 } else { 1 << 16 };
/// How often one search may start again from the largest position: each time it looks at all slots.
const RESTARTS: u32 = 64;

/// An operation that has moved one side of the queue on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Put,
    Get,
}

/// Hints are stored for one position in so many: a process that starts from an older one walks a few slots.
const HINT_EVERY: u64 = 16;

impl Ring {
    /// The view of a process that has just opened the segment.
    pub(crate) fn new(memory: Memory, max_deliveries: u32) -> Ring {
        let geometry = memory.geometry;
        let sticky = (geometry.chunks / (4 * geometry.descriptors)).min(65536 / geometry.chunk);
        let ring = Ring {
            tail: CachePadded::default(),
            head: CachePadded::default(),
            spill: AtomicU32::new(0),
            hot_turn: AtomicU32::new(0),
            skip_home: AtomicU32::new(0),
            refused: AtomicU64::new(0),
            arena_limit: AtomicU32::new(geometry.chunks as u32), // at most u32::MAX − 1 (layout.rs)
            max_deliveries,
            sticky: sticky as u32,
            bound: 4 * geometry.slots + ROUNDS,
            memory,
        };
        // Positions start at N, so these are behind every hint, until a hint that holds water replaces them.
        ring.tail.0.next.store(
            ring.verified_tail().unwrap_or_else(|| ring.restart_tail()),
            Relaxed,
        );
        ring.head.0.next.store(
            ring.verified_head().unwrap_or_else(|| ring.restart_head()),
            Relaxed,
        );
        ring
    }

    /// The shared hint to the tail, if the position before it is filled indeed (I1, I5).
    #[inline(never)]
    fn verified_tail(&self) -> Option<u64> {
        // ORDERING H (Acquire): pairs with the stores of the hint in put.rs.
        let hint = self.memory.tail_hint().load(Acquire) & position::MASK;
        let last = position::sub(hint, 1);
        // ORDERING C (Acquire): pairs with the commit.
        let q = slot::position(self.memory.slot(last).load(Acquire));
        (position::distance(q, last) >= 0 && self.slot_index(q) == self.slot_index(last))
            .then_some(hint)
    }

    /// The shared hint to the head, if the position before it is consumed indeed (I3, I5).
    #[inline(never)]
    fn verified_head(&self) -> Option<u64> {
        // ORDERING H (Acquire): pairs with the stores of the hint in get.rs.
        let hint = self.memory.head_hint().load(Acquire) & position::MASK;
        let last = position::sub(hint, 1);
        let home = self.memory.home(last);
        let w = self.memory.slot_at(home).load(Acquire); // ORDERING C (Acquire): pairs with the commit
        let q = slot::position(w);
        let sound = self.slot_index(q) == self.slot_index(last)
            && match position::distance(q, last) {
                0 => self.consumed(home, w).unwrap_or(true),
                distance => distance > 0,
            };
        sound.then_some(hint)
    }

    #[inline(always)]
    fn side(&self, of: Of) -> &Side {
        match of {
            Of::Put => &self.tail.0,
            Of::Get => &self.head.0,
        }
    }

    /// Have so many operations passed that the clock should be read? Whoever is always busy looks for the dead by it.
    #[inline(always)]
    pub(crate) fn clock_is_due(&self, of: Of) -> bool {
        self.side(of).clock_due.load(Relaxed) != 0
    }

    /// It was read, and need not be for a while.
    pub(crate) fn clock_was_read(&self, of: Of) {
        self.side(of).clock_due.store(0, Relaxed);
    }

    /// N.
    #[inline(always)]
    fn slots(&self) -> u64 {
        self.memory.geometry.slots
    }

    /// The index of the slot in which `position` lives, for reports.
    fn slot_index(&self, position: u64) -> u32 {
        self.memory.slot_of(position) as u32
    }

    /// A loop came back to `position` more often than any healthy queue makes it.
    #[cold]
    fn endless(&self, position: u64) -> Fault {
        Fault::Endless {
            slot: self.slot_index(position),
        }
    }

    /// Is the position that slot word `w` says was filled last in the slot of `home`, consumed (I3)?
    #[inline(always)]
    fn consumed(&self, home: Index, w: u64) -> Result<bool, Fault> {
        let h = slot::descriptor(w);
        if h == slot::NONE {
            return Ok(true);
        }
        let index = self.memory.index_near(home, h);
        let index = index.ok_or(Fault::NoSuchDescriptor { slot: home.get() })?;
        // ORDERING L (Acquire): pairs with the CAS PEND → LOAN in get.rs.
        let d = self.memory.record(index).word().load(Acquire);
        Ok(!descriptor::is_pending(d, slot::position(w)))
    }

    /// The largest position that any slot holds: where to start again when a hint has turned out to be wrong (I5).
    #[cold]
    fn largest_position(&self) -> u64 {
        let mut largest = None;
        for i in 0..self.slots() {
            // ORDERING C (Acquire): pairs with the commit in put.rs.
            let q = slot::position(self.memory.slot(i).load(Acquire));
            largest = Some(largest.map_or(q, |best| position::later(q, best)));
        }
        largest.expect("there is at least one slot")
    }

    /// The next position to be filled, as of some moment during this call.
    pub(crate) fn find_tail(&self) -> u64 {
        let mut p = self.tail_guess();
        for _ in 0..self.bound {
            // ORDERING C (Acquire): pairs with the commit in put.rs.
            let q = slot::position(self.memory.slot(p).load(Acquire));
            match position::distance(q, p) {
                ahead if ahead >= 0 => p = position::add(q, 1),
                behind if behind == -(self.slots() as i64) => return p,
                _ => return position::add(self.largest_position(), 1),
            }
        }
        p
    }

    /// The position after the last one that this process consumed, as far as it remembers.
    pub(crate) fn own_head(&self) -> u64 {
        self.head.0.next.load(Relaxed)
    }

    /// The next position to be consumed, as of some moment during this call.
    pub(crate) fn find_head(&self) -> u64 {
        let mut c = self.head_guess();
        let mut rounds = 0;
        while rounds < self.bound {
            rounds += 1;
            let home = self.memory.home(c);
            let w = self.memory.slot_at(home).load(Acquire); // ORDERING C (Acquire): pairs with the commit in put.rs
            let q = slot::position(w);
            match position::distance(q, c) {
                0 => match self.consumed(home, w) {
                    Ok(true) => c = position::add(c, 1),
                    Ok(false) | Err(_) => return c,
                },
                ahead if ahead > 0 => c = position::add(position::sub(q, self.slots()), 1),
                behind if behind == -(self.slots() as i64) => return c,
                _ => {
                    rounds += self.slots();
                    c = position::add(position::sub(self.largest_position(), self.slots()), 1);
                }
            }
        }
        c
    }

    /// How many items are queued, those to be delivered again not counted; stale when it returns.
    pub(crate) fn len(&self) -> u64 {
        if self.state() != state::OPEN {
            // Puts that met the shutdown have taken their items back, so the positions between have holes.
            return self.census().queued;
        }
        // The head first: an item that is put and got in between must not make the length negative.
        let head = self.find_head();
        let tail = self.find_tail();
        (position::distance(tail, head).max(0) as u64).min(self.memory.geometry.capacity)
    }

    /// Does the next get probably find nothing? Stale when it returns.
    pub(crate) fn is_empty(&self) -> bool {
        // ORDERING R (Acquire): pairs with the flag's change in recover.rs.
        if self.memory.retry().load(Acquire) & 1 != 0 && self.census().retry > 0 {
            return false;
        }
        self.len() == 0
    }

    /// The queue's state as it is now.
    #[inline(always)]
    pub(crate) fn state(&self) -> u32 {
        // ORDERING S (SeqCst): pairs with the change in `set_state`.
        self.memory.state().load(SeqCst)
    }

    /// The queue's state, for a consumer that is about to look for an item: if it finds none, it may say closed only if
    /// this state was.
    #[inline(always)]
    pub(crate) fn state_before_looking(&self) -> u32 {
        let state = self.state();
        if state != state::OPEN {
            // ORDERING S (SeqCst): a put that still saw the queue open has its commit before its fence in `committed`;
            // with this one, the look that follows sees that commit.
            fence(SeqCst);
        }
        state
    }

    /// Shuts the queue down, as far as it was not further already, and wakes everyone.
    pub(crate) fn set_state(&self, to: u32) {
        // ORDERING S (SeqCst): pairs with the loads in `state`, before a look and after a commit.
        self.memory.state().fetch_max(to.min(state::CLOSED), SeqCst);
        full_fence_after_rmw();
        self.wake_everyone();
    }

    /// Makes every waiter of every process look again.
    pub(crate) fn wake_everyone(&self) {
        let memory = &self.memory;
        for word in [
            memory.ev_get(),
            memory.ev_put(),
            memory.ev_mem(),
            memory.ev_desc(),
            memory.ev_done(),
        ] {
            wait::bump(word);
        }
    }
}

/// A descriptor's index as chunk words name it.
#[inline(always)]
fn tag(index: Index) -> u32 {
    index.get() + 1
}
