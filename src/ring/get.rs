//! get: find the next item, claim it, and end its use.

use super::straight::Bend;
use super::{Fault, HINT_EVERY, Owner, RESTARTS, Ring};
use crate::fences::{full_fence_after_rmw, light_fence};
use crate::layout::{descriptor, extent, item, position, slot};
use crate::memory::Index;
use crate::sync::Ordering::*;
use crate::wait;
use std::num::NonZeroU64;

const LOAN: NonZeroU64 = NonZeroU64::new(descriptor::LOAN).expect("a state that is not FREE");
const HELD: NonZeroU64 = NonZeroU64::new(descriptor::HELD).expect("a state that is not FREE");

/// Why nothing was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GetFailure {
    /// Nothing was queued at one instant during the call.
    Empty,
    Corrupt(Fault),
}

impl From<Fault> for GetFailure {
    #[inline(always)]
    fn from(fault: Fault) -> Self {
        GetFailure::Corrupt(fault)
    }
}

/// An item that this participant has claimed: LOAN(me,p), later HELD(me,p).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) index: Index,
    pub(crate) owner: Owner,
    pub(crate) position: u64,
    /// Length, deliveries and flags: a private copy that was checked.
    pub(super) item: u64,
    /// The extent, whether or not the payload lies there: a private copy that was checked.
    extent: u64,
    /// The state that the descriptor is in: LOAN or HELD. That it is not zero leaves `Option` and `Result` of a claim
    /// without a tag of their own: with one, they go through memory on the way of every get.
    state: NonZeroU64,
}

impl Claim {
    /// The payload's length in bytes: at most the inline room, or the extent.
    #[inline(always)]
    pub(crate) fn length(&self) -> u64 {
        item::length(self.item)
    }

    /// How often the item has been delivered, this time included.
    pub(crate) fn deliveries(&self) -> u32 {
        item::deliveries(self.item)
    }

    /// Has anyone had it before?
    pub(crate) fn is_redelivered(&self) -> bool {
        self.deliveries() > 1 || self.item & item::AGAIN != 0
    }

    /// The first chunk of the payload, if it lies in the arena.
    #[inline(always)]
    pub(crate) fn first_chunk(&self) -> Option<u32> {
        (self.item & item::IN_EXTENT != 0).then(|| extent::start(self.extent))
    }

    /// The descriptor's word while this claim stands.
    pub(super) fn word(&self) -> u64 {
        self.state.get() | self.owner.0 | self.position
    }
}

impl Ring {
    /// Claims the next item: first one that is to be delivered again, then the oldest in the ring.
    #[inline(always)]
    pub(crate) fn claim(&self, me: Owner) -> Result<Claim, GetFailure> {
        let c = self.head_guess();
        match self.claim_at(me, c) {
            Ok(index) => self.claimed(index, me, c),
            Err(Bend::Nothing) => Err(GetFailure::Empty),
            Err(Bend::Damaged(fault)) => Err(fault.into()),
            Err(Bend::Other) => {
                let found = self.claim_with_care(me)?;
                // Field by field: as a whole, the claims of the straight way would be written to the memory in which this
                // one was returned, and read from there again.
                Ok(Claim {
                    index: found.index,
                    owner: found.owner,
                    position: found.position,
                    item: found.item,
                    extent: found.extent,
                    state: found.state,
                })
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn claim_with_care(&self, me: Owner) -> Result<Claim, GetFailure> {
        for _ in 0..RESTARTS {
            // ORDERING R (Acquire): pairs with the flag's change after D = RETRY in recover.rs.
            let retry = self.memory.retry().load(Acquire);
            if retry & 1 != 0
                && let Some(claim) = self.claim_again(me, retry)
            {
                return claim;
            }
            match self.claim_next(me) {
                // An item that was offered again since then may have been there all the time.
                Err(GetFailure::Empty) if self.offered_again_since(retry) => {}
                found => return found,
            }
        }
        Err(GetFailure::Empty)
    }

    /// Has any item been offered again since the flag had this value?
    #[inline(always)]
    pub(super) fn offered_again_since(&self, retry: u64) -> bool {
        let now = self.memory.retry().load(Acquire); // ORDERING R (Acquire): as in `claim`
        now & !1 != retry & !1
    }

    fn claim_next(&self, me: Owner) -> Result<Claim, GetFailure> {
        let mut c = self.head_guess();
        let mut restarts = 0;
        for _ in 0..self.bound {
            let home = self.memory.home(c);
            let w = self.memory.slot_at(home).load(Acquire); // ORDERING C (Acquire): pairs with the commit
            let q = slot::position(w);
            if q == position::sub(c, self.slots()) {
                self.head.0.next.store(c, Release); // ORDERING H (Release): pairs with the load in `head_guess`
                return Err(GetFailure::Empty);
            }
            if q == c
                && let Some(index) = self.memory.index_near(home, slot::descriptor(w))
            {
                if self.claim_pending(index, me, c) {
                    return self.claimed(index, me, c);
                }
                c = position::add(c, 1);
            } else {
                c = self.walk_head(c, w, &mut restarts)?;
            }
        }
        Err(self.endless(c).into())
    }

    /// Position `c` was not to be had, and its slot holds `w`: where to look next.
    #[cold]
    #[inline(never)]
    fn walk_head(&self, c: u64, w: u64, restarts: &mut u32) -> Result<u64, Fault> {
        let q = slot::position(w);
        if q == c {
            return match slot::descriptor(w) {
                slot::NONE => Ok(position::add(c, 1)), // never filled: a hint from before the first item
                _ => Err(Fault::NoSuchDescriptor {
                    slot: self.slot_index(c),
                }),
            };
        }
        if position::distance(q, c) > 0 && self.slot_index(q) == self.slot_index(c) {
            return Ok(position::add(position::sub(q, self.slots()), 1));
        }
        *restarts += 1;
        if *restarts > RESTARTS {
            return Err(self.endless(c));
        }
        Ok(self.restart_head())
    }

    /// Where to start looking for an item.
    #[inline(always)]
    pub(super) fn head_guess(&self) -> u64 {
        // ORDERING H (Acquire): pairs with the stores after a claim.
        let own = self.head.0.next.load(Acquire);
        let shared = self.memory.head_hint().load(Acquire) & position::MASK; // ORDERING H (Acquire): as above
        if position::distance(shared, own) > 0 {
            self.adopt_head()
        } else {
            own
        }
    }

    /// Other consumers have gone on: takes over their hint, if it holds water.
    #[inline(never)]
    fn adopt_head(&self) -> u64 {
        let c = self.verified_head().unwrap_or_else(|| self.restart_head());
        self.head.0.next.store(c, Release); // ORDERING H (Release): pairs with the load above
        c
    }

    /// I5: the hint was wrong; starts again from the truth.
    #[cold]
    #[inline(never)]
    pub(super) fn restart_head(&self) -> u64 {
        let c = position::add(position::sub(self.largest_position(), self.slots()), 1);
        self.head.0.next.store(c, Release); // ORDERING H (Release): pairs with the load in `head_guess`
        self.memory.head_hint().store(c, Release); // ORDERING H (Release): pairs with the load in `head_guess`
        c
    }

    /// Step 4: hints, and whoever waits for room, since the slot of position `c` is free for its next lap; then the item.
    #[inline(always)]
    fn claimed(&self, index: Index, me: Owner, c: u64) -> Result<Claim, GetFailure> {
        full_fence_after_rmw();
        let next = position::add(c, 1);
        self.head.0.next.store(next, Release); // ORDERING H (Release): pairs with the load in `head_guess`
        if c.is_multiple_of(HINT_EVERY) {
            self.head_moved(c);
        }
        wait::notify_one(self.memory.ev_put());
        let claim = self.counted(index, me, c);
        self.fetch_filled(c, claim.item);
        self.checked(claim)
    }

    /// At one position in so many: the shared hint, the clock, and a look at how far the producers are.
    #[inline(never)]
    pub(super) fn head_moved(&self, c: u64) {
        let next = position::add(c, 1);
        self.memory.head_hint().store(next, Release); // ORDERING H (Release): pairs with `head_guess`
        self.head.0.clock_due.store(1, Relaxed);
        self.look_ahead(&self.head.0, c, self.memory.tail_hint(), 0);
    }

    /// Claims the RETRY item of the lowest position, if there is one; otherwise clears the flag.
    ///
    /// A process that has just refused an item first takes whatever else there is, and that item last: or the one that it
    /// always refuses would starve all others.
    #[cold]
    #[inline(never)]
    fn claim_again(&self, me: Owner, retry: u64) -> Option<Result<Claim, GetFailure>> {
        let refused = self.refused.swap(0, Relaxed);
        if refused != 0 {
            match self.claim_next(me) {
                Err(GetFailure::Empty) => {}
                found => return Some(found),
            }
        }
        // Positions in their order, or from the one after the refused on.
        let before = |a: u64, b: u64| match refused {
            0 => position::distance(a, b) < 0,
            first => position::sub(a, first) < position::sub(b, first),
        };
        for _ in 0..self.bound {
            let mut best: Option<(Index, u64)> = None;
            for index in self.memory.indices() {
                let d = self.memory.record(index).word().load(Acquire); // ORDERING P (Acquire): D = RETRY offers anew
                if d & descriptor::STATE == descriptor::RETRY {
                    let p = descriptor::position(d);
                    if best.is_none_or(|(_, b)| before(p, descriptor::position(b))) {
                        best = Some((index, d));
                    }
                }
            }
            let Some((index, d)) = best else {
                // ORDERING R (AcqRel): by CAS of the value that was read before the scan: a RETRY that came since then
                // has changed it, and the flag stays.
                let _ = self
                    .memory
                    .retry()
                    .compare_exchange(retry, retry & !1, AcqRel, Relaxed);
                return None;
            };
            let p = descriptor::position(d);
            let word = self.memory.record(index).word();
            // ORDERING P (SeqCst): as in `claim_next`.
            if word
                .compare_exchange(d, descriptor::LOAN | me.0 | p, SeqCst, Relaxed)
                .is_ok()
            {
                return Some(self.take_up(index, me, p));
            }
            // Somebody else has it, and that is progress.
        }
        None
    }

    /// Counts the delivery before anyone sees the payload, and checks where that lies.
    #[inline(always)]
    fn take_up(&self, index: Index, owner: Owner, p: u64) -> Result<Claim, GetFailure> {
        self.checked(self.counted(index, owner, p))
    }

    /// The claim, unless its payload does not lie within its memory.
    #[inline(always)]
    fn checked(&self, claim: Claim) -> Result<Claim, GetFailure> {
        if self.is_sound(&claim) {
            Ok(claim)
        } else {
            let Claim {
                index,
                owner,
                position,
                item,
                ..
            } = claim;
            Err(self.damaged(index, owner, position, item).into())
        }
    }

    /// Counts the delivery of what has just become LOAN(owner,p).
    #[inline(always)]
    pub(super) fn counted(&self, index: Index, owner: Owner, p: u64) -> Claim {
        let item = self.memory.record(index).item();
        let counted = item::delivered(item.load(Relaxed)); // ours since the CAS (P, I7)
        item.store(counted, Relaxed);
        self.claim_of(index, owner, p, counted)
    }

    /// A descriptor that has just become LOAN(owner,p).
    #[inline(always)]
    pub(super) fn claim_of(&self, index: Index, owner: Owner, p: u64, item: u64) -> Claim {
        Claim {
            index,
            owner,
            position: p,
            item,
            extent: self.memory.record(index).extent().load(Relaxed),
            state: LOAN,
        }
    }

    /// Does the payload lie within its memory?
    #[inline(always)]
    pub(super) fn is_sound(&self, claim: &Claim) -> bool {
        let geometry = &self.memory.geometry;
        let chunks = u64::from(extent::count(claim.extent));
        let end = u64::from(extent::start(claim.extent)) + chunks;
        let room = if claim.item & item::IN_EXTENT != 0 {
            chunks * geometry.chunk
        } else {
            geometry.inline
        };
        claim.length() <= room && end <= geometry.chunks
    }

    /// The descriptor, which is LOAN(owner,p), is damaged: nothing of it is used, and it is quarantined.
    #[cold]
    #[inline(never)]
    pub(super) fn damaged(&self, index: Index, owner: Owner, p: u64, item: u64) -> Fault {
        self.set_aside(self.claim_of(index, owner, p, item));
        Fault::PayloadBeyondMemory {
            descriptor: index.get(),
        }
    }

    /// The item is delivered while its memory stays in use: LOAN → HELD.
    ///
    /// False: as of [`release`](Self::release).
    #[inline(always)]
    pub(crate) fn hold(&self, claim: &mut Claim) -> bool {
        let word = self.memory.record(claim.index).word();
        // As in `release_descriptor`: nobody else changes it.
        let ours = word.load(Relaxed) == claim.word();
        if ours {
            let held = descriptor::HELD | claim.owner.0 | claim.position;
            word.store(held, Release); // ORDERING F (Release): no new holder
            light_fence(); // ORDERING W (light): the word above, before the look at the waiters' bit
            wait::notify_all(self.memory.ev_done());
        }
        claim.state = HELD;
        ours
    }

    /// Ends the use of an item, delivered or not: its descriptor and memory are free.
    ///
    /// False: the descriptor's word is not what this process made it, so somebody has written where he should not.
    #[inline(always)]
    pub(crate) fn release(&self, claim: Claim) -> bool {
        self.release_descriptor(
            claim.index,
            claim.owner,
            claim.word(),
            extent::count(claim.extent),
        )
    }

    /// [`release`](Self::release) of a batch that was just claimed: one fence and one look at the waiters for all of it.
    pub(crate) fn release_all(&self, claims: &[Claim]) {
        for &claim in claims {
            if extent::count(claim.extent) > 0 {
                self.release(claim);
                continue;
            }
            let word = self.memory.record(claim.index).word();
            // ORDERING F (Release): pairs with the CAS FREE → OWN or RECL. A store will do: the word names this process,
            // which lives, so nobody else changes it (I7).
            word.store(descriptor::FREE, Release);
        }
        light_fence(); // ORDERING W (light): the words above, before the look at the waiters' bits
        wait::notify_all(self.memory.ev_desc());
        wait::notify_all(self.memory.ev_done());
    }

    /// Takes and frees everything that is queued, or as much as a queue can hold: somebody who goes on offering items where
    /// nobody may does not keep this process here. Says how many items that were.
    pub(crate) fn drain(&self, me: Owner) -> Result<u64, Fault> {
        let most = self.memory.geometry.descriptors + self.bound;
        for drained in 0..most {
            match self.claim(me) {
                Ok(claim) => _ = self.release(claim),
                Err(GetFailure::Empty) => return Ok(drained),
                Err(GetFailure::Corrupt(fault)) => return Err(fault),
            }
        }
        Ok(most)
    }
}
