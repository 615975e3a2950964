//! put: find room, own a descriptor, fill it, commit it.

use super::straight::Bend;
use super::{Fault, HINT_EVERY, Owner, RESTARTS, Ring};
use crate::fences::full_fence_after_rmw;
use crate::layout::{descriptor, extent, item, position, slot, state};
use crate::memory::Index;
use crate::sync::{Ordering::*, spin_loop};
use crate::wait;

/// Why nothing was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PutFailure {
    /// As many items as the capacity were queued at one instant during the call.
    Full,
    /// No descriptor was free; may be spurious for a moment under contention.
    NoDescriptor,
    /// No free run of chunks was found; may be spurious for a moment under contention.
    NoMemory,
    /// The queue was shut down.
    Closed,
    Corrupt(Fault),
}

impl From<Fault> for PutFailure {
    #[inline(always)]
    fn from(fault: Fault) -> Self {
        PutFailure::Corrupt(fault)
    }
}

/// A descriptor that this participant owns and fills: OWN(me).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filling {
    pub(crate) index: Index,
    pub(crate) owner: Owner,
    /// Where it will probably go.
    pub(super) position: u64,
    /// The home of that position.
    pub(super) home: Index,
    /// The slot word that was seen there: its position was free.
    pub(super) word: u64,
    /// The extent, if the payload goes there: a private copy that was checked.
    pub(crate) extent: u64,
    /// The payload's length in bytes.
    pub(crate) length: u64,
}

/// A free position.
#[derive(Clone, Copy)]
struct Room {
    position: u64,
    /// The home descriptor, beside which the slot word lies.
    home: Index,
    /// The slot word that was seen there, which the commit must replace.
    word: u64,
}

/// The run of free slots that a producer waits for after it has found the queue full, how often it looks, and the turns of a
/// spin loop between two looks.
const RUN: u64 = 64;
const RUN_LOOKS: u32 = 16;
const RUN_PAUSE: u32 = 16;
/// How often to look for a home descriptor that a consumer is about to release: some microseconds.
const HOME_LOOKS: u32 = if cfg!(loom) { 1 } else { 32 };
/// Turns of a spin loop between two of these looks.
const HOME_PAUSE: u32 = if cfg!(loom) { 1 } else { 8 };
/// After looking in vain, so many puts go to a spill descriptor at once.
const HOME_SKIPS: u32 = 256;

impl Ring {
    /// Steps 1 to 3: looks for room, owns a descriptor and finds memory for `length` bytes. Nothing is visible yet.
    ///
    /// `apart` sends even a short payload into the arena, for the sake of its alignment.
    #[inline(always)]
    pub(crate) fn reserve(
        &self,
        me: Owner,
        length: u64,
        apart: bool,
    ) -> Result<Filling, PutFailure> {
        let inline = length <= self.memory.geometry.inline && !apart;
        let guess = self.tail_guess();
        let beside_it = if inline { length } else { 0 };
        self.fetch_lines(self.memory.home(guess), beside_it);
        let room = self.room(guess)?;
        let chunks = if inline {
            0
        } else {
            self.memory.geometry.chunks_for(length).max(1) as u32
        };
        let index = self.own(me, room.home, chunks);
        let index = index.ok_or(PutFailure::NoDescriptor)?;
        match self.provide(index, me, chunks) {
            Ok(extent) => Ok(Filling {
                index,
                owner: me,
                position: room.position,
                home: room.home,
                word: room.word,
                extent,
                length,
            }),
            Err(failure) => {
                self.abandon(index, me);
                Err(failure)
            }
        }
    }

    /// Puts a payload on the straight way, if it fits into the inline room; `copy_in` writes it.
    ///
    /// `None`: there is no straight way for it, or not now. Nothing was put.
    #[inline(always)]
    pub(crate) fn put_short(
        &self,
        me: Owner,
        payload: &[u8],
        copy_in: impl Fn(Filling, &[u8]),
    ) -> Option<Result<(), PutFailure>> {
        let length = payload.len() as u64;
        if length > self.memory.geometry.inline {
            return None;
        }
        let p = self.tail_guess();
        let home = self.memory.home(p);
        self.fetch_lines(home, length);
        match self.fill_at(me, p, home, payload, copy_in) {
            Ok(filling) if self.commit_at(&filling) => Some(self.committed(&filling)),
            Ok(filling) => {
                let done = self.commit_with_care(filling);
                Some(done.inspect_err(|&failure| self.abandon_after(failure, filling)))
            }
            Err(Bend::Nothing) => {
                self.tail.0.obstructed.store(1, Relaxed);
                Some(Err(PutFailure::Full))
            }
            Err(Bend::Damaged(fault)) => Some(Err(fault.into())),
            Err(Bend::Other) => None,
        }
    }

    /// Asks for the lines of the next position, also if they were fetched when it was ahead: its consumer may have looked there
    /// since then. Not for a producer that finds the queue full again and again: it would take the line from the consumer.
    #[inline(always)]
    fn fetch_lines(&self, home: Index, length: u64) {
        if self.tail.0.obstructed.load(Relaxed) == 0 {
            self.memory.fetch_home(home, length);
        }
    }

    /// Steps 4 to 7: offers the filled descriptor at the first free position.
    ///
    /// On `Full` the descriptor is still OWN(me) and may be committed later; on `Closed` it is gone.
    #[inline(always)]
    pub(crate) fn commit(&self, filling: Filling) -> Result<(), PutFailure> {
        let in_extent = if filling.extent != 0 {
            item::IN_EXTENT
        } else {
            0
        };
        let item = self.memory.record(filling.index).item();
        item.store(filling.length | in_extent, Relaxed); // published by P, when it is committed
        if self.commit_at(&filling) {
            self.committed(&filling)
        } else {
            self.commit_with_care(filling)
        }
    }

    /// The same, since the position that was found is no longer free.
    #[cold]
    #[inline(never)]
    fn commit_with_care(&self, mut filling: Filling) -> Result<(), PutFailure> {
        for _ in 0..self.bound {
            let Room {
                position,
                home,
                word,
            } = self.room(position::later(filling.position, self.tail_guess()))?;
            filling = Filling {
                position,
                home,
                word,
                ..filling
            };
            if self.commit_at(&filling) {
                return self.committed(&filling);
            }
        }
        Err(self.endless(filling.position).into())
    }

    /// Step 7: hints, wake-ups, and the look at the queue's state that keeps a shutdown from stranding the item.
    #[inline(always)]
    fn committed(&self, filling: &Filling) -> Result<(), PutFailure> {
        full_fence_after_rmw();
        let p = filling.position;
        let next = position::add(p, 1);
        self.tail.0.next.store(next, Release); // ORDERING H (Release): pairs with the load in `tail_guess`
        self.tail.0.obstructed.store(0, Relaxed);
        if p.is_multiple_of(HINT_EVERY) {
            self.tail_moved(p);
        }
        wait::notify_one(self.memory.ev_get());
        if self.state() != state::OPEN {
            return self.retract(filling.index, filling.owner, p);
        }
        let inline = filling.extent == 0;
        self.fetch_free(p, if inline { filling.length } else { 0 });
        Ok(())
    }

    /// At one position in so many: the shared hint, the clock, and a look at how far the consumers are.
    #[inline(never)]
    pub(super) fn tail_moved(&self, p: u64) {
        let next = position::add(p, 1);
        self.memory.tail_hint().store(next, Release); // ORDERING H (Release): pairs with `tail_guess`
        self.tail.0.clock_due.store(1, Relaxed);
        let consumed = self.memory.head_hint();
        self.look_ahead(&self.tail.0, p, consumed, self.slots());
    }

    /// The queue was shut down: takes the item back, unless a consumer has it already.
    #[cold]
    #[inline(never)]
    pub(super) fn retract(&self, index: Index, owner: Owner, p: u64) -> Result<(), PutFailure> {
        let word = self.memory.record(index).word();
        let me = owner.0;
        // ORDERING L (SeqCst): like a consumer's claim, it makes the position consumed.
        match word.compare_exchange(
            descriptor::PEND | me | p,
            descriptor::RECL | me,
            SeqCst,
            Relaxed,
        ) {
            Ok(_) => {
                self.free(index, owner);
                Err(PutFailure::Closed)
            }
            Err(_) => Ok(()),
        }
    }

    /// Shortens the payload before it is committed, and gives back the chunks of which it would use less than half.
    pub(crate) fn truncate(&self, filling: &mut Filling, length: u64) {
        filling.length = filling.length.min(length);
        if filling.extent != 0 {
            let chunks = self.memory.geometry.chunks_for(filling.length).max(1) as u32;
            filling.extent = self.trim(filling.index, filling.extent, chunks);
        }
    }

    /// Gives back the descriptor of a commit that has failed in this way.
    #[cold]
    pub(crate) fn abandon_after(&self, failure: PutFailure, filling: Filling) {
        if failure != PutFailure::Closed {
            self.abandon(filling.index, filling.owner);
        }
    }

    /// Gives back a descriptor that was never committed.
    #[cold]
    #[inline(never)]
    pub(crate) fn abandon(&self, index: Index, owner: Owner) {
        if self.take_back(index, owner) {
            self.settle(index, owner);
        }
    }

    /// The same, when there is no memory behind the extent: nobody must find it and try again.
    #[cold]
    pub(crate) fn abandon_with_extent(&self, index: Index, owner: Owner) {
        if self.take_back(index, owner) {
            self.free(index, owner);
        }
    }

    /// OWN(me) → RECL(me); anything else is not ours to free.
    fn take_back(&self, index: Index, owner: Owner) -> bool {
        let word = self.memory.record(index).word();
        let (own, reclaim) = (descriptor::OWN | owner.0, descriptor::RECL | owner.0);
        // ORDERING F (AcqRel): what was written is nobody's.
        word.compare_exchange(own, reclaim, AcqRel, Relaxed).is_ok()
    }

    /// Where to start looking for a free position.
    #[inline(always)]
    pub(super) fn tail_guess(&self) -> u64 {
        // ORDERING H (Acquire): pairs with the stores after a commit.
        let own = self.tail.0.next.load(Acquire);
        let shared = self.memory.tail_hint().load(Acquire) & position::MASK; // ORDERING H (Acquire): as above
        if position::distance(shared, own) > 0 {
            self.adopt_tail()
        } else {
            own
        }
    }

    /// Other producers have gone on: takes over their hint, if it holds water.
    #[inline(never)]
    fn adopt_tail(&self) -> u64 {
        let p = self.verified_tail().unwrap_or_else(|| self.restart_tail());
        self.tail.0.next.store(p, Release); // ORDERING H (Release): pairs with the load above
        p
    }

    /// Step 1: the first free position from `p` on.
    #[inline(always)]
    fn room(&self, mut p: u64) -> Result<Room, PutFailure> {
        let mut restarts = 0;
        for _ in 0..self.bound {
            let home = self.memory.home(p);
            let word = self.memory.slot_at(home).load(Acquire); // ORDERING C (Acquire): pairs with the commit
            let q = slot::position(word);
            if q == position::sub(p, self.slots()) {
                if !self.consumed(home, word)? {
                    self.tail.0.obstructed.store(1, Relaxed);
                    return Err(PutFailure::Full); // I2
                }
                if self.memory.geometry.capacity < self.slots() && !self.below_capacity(p)? {
                    return Err(PutFailure::Full);
                }
                return Ok(Room {
                    position: p,
                    home,
                    word,
                });
            }
            p = self.walk_tail(p, q, &mut restarts)?;
        }
        Err(self.endless(p).into())
    }

    /// Position `p` is not free, and its slot holds position `q`: where to look next.
    #[cold]
    #[inline(never)]
    fn walk_tail(&self, p: u64, q: u64, restarts: &mut u32) -> Result<u64, Fault> {
        if position::distance(q, p) >= 0 && self.slot_index(q) == self.slot_index(p) {
            return Ok(position::add(q, 1));
        }
        *restarts += 1;
        if *restarts > RESTARTS {
            return Err(self.endless(p));
        }
        Ok(self.restart_tail())
    }

    /// I5: the hint was wrong; starts again from the truth.
    #[cold]
    #[inline(never)]
    pub(super) fn restart_tail(&self) -> u64 {
        let p = position::add(self.largest_position(), 1);
        self.tail.0.next.store(p, Release); // ORDERING H (Release): pairs with `tail_guess`
        self.memory.tail_hint().store(p, Release); // ORDERING H (Release): pairs with `tail_guess`
        p
    }

    /// For a producer that has found the queue full: waits, some microseconds at most, until a run of slots is free. One that
    /// goes on as soon as one slot is free meets its consumer at every slot, and both go at half the speed.
    #[inline(never)]
    pub(crate) fn await_a_run(&self) {
        let run = (self.memory.geometry.capacity / 8).min(RUN);
        let p = position::add(self.tail_guess(), run);
        for _ in 0..RUN_LOOKS {
            for _ in 0..RUN_PAUSE {
                spin_loop();
            }
            // Only a guess: its home is neither queued nor just being copied out, so the slots before it are free too.
            let d = self.memory.record(self.memory.home(p)).word().load(Relaxed);
            let state = d & descriptor::STATE;
            if run == 0 || (state != descriptor::PEND && state != descriptor::LOAN) {
                return;
            }
        }
    }

    /// I2 for a capacity below N: is p − capacity consumed?
    #[inline(never)]
    pub(super) fn below_capacity(&self, p: u64) -> Result<bool, Fault> {
        let oldest = position::sub(p, self.memory.geometry.capacity);
        if position::distance(self.head_guess(), oldest) > 0 {
            return Ok(true); // verified (I5): what lies before it is consumed
        }
        let home = self.memory.home(oldest);
        let w = self.memory.slot_at(home).load(Acquire); // ORDERING C (Acquire): pairs with the commit
        if slot::position(w) == oldest {
            self.consumed(home, w)
        } else {
            Ok(true)
        }
    }

    /// Step 2: owns the home descriptor of the position, or a spill descriptor, or any free one at all.
    #[inline(always)]
    fn own(&self, me: Owner, home: Index, chunks: u32) -> Option<Index> {
        if chunks > self.sticky
            && let Some(index) = self.own_hot(me, chunks)
        {
            return Some(index);
        }
        if self.try_own(home, me) || self.own_home_soon(home, me) {
            return Some(home);
        }
        self.own_elsewhere(me)
    }

    /// A consumer is just copying out the item that the home descriptor held a lap ago: its release is nearer than a spill
    /// descriptor, whose lines are far. Looks a few times, and not for a while after that was of no use: the item may be
    /// leased.
    #[inline(never)]
    fn own_home_soon(&self, home: Index, me: Owner) -> bool {
        let skip = self.skip_home.load(Relaxed);
        if skip > 0 {
            self.skip_home.store(skip - 1, Relaxed);
            return false;
        }
        let word = self.memory.record(home).word();
        for _ in 0..HOME_LOOKS {
            if word.load(Relaxed) & descriptor::STATE != descriptor::LOAN {
                return self.try_own(home, me);
            }
            for _ in 0..HOME_PAUSE {
                spin_loop();
            }
        }
        self.skip_home.store(HOME_SKIPS, Relaxed);
        false
    }

    #[inline(never)]
    fn own_elsewhere(&self, me: Owner) -> Option<Index> {
        let slots = self.slots() as u32;
        let spill = (self.memory.geometry.descriptors as u32) - slots;
        let start = self.spill.load(Relaxed) % spill;
        for i in (start..spill).chain(0..start) {
            let index = self.memory.index(slots + i)?;
            if self.try_own(index, me) {
                self.spill.store(i + 1, Relaxed);
                return Some(index);
            }
        }
        // The last resort: without it one held item could stop an empty queue.
        (0..slots)
            .filter_map(|i| self.memory.index(i))
            .find(|&index| self.try_own(index, me))
    }

    #[inline(always)]
    pub(super) fn try_own(&self, index: Index, me: Owner) -> bool {
        let word = self.memory.record(index).word();
        word.load(Relaxed) == descriptor::FREE
            // ORDERING F (Acquire): pairs with every D = FREE (I4, I6, I7).
            && word.compare_exchange(descriptor::FREE, descriptor::OWN | me.0, Acquire, Relaxed).is_ok()
    }
}

impl Filling {
    /// The end of its extent in the arena, in chunks; 0 if it has none.
    pub(crate) fn arena_end(&self) -> u64 {
        match self.extent {
            0 => 0,
            e => u64::from(extent::start(e)) + u64::from(extent::count(e)),
        }
    }
}
