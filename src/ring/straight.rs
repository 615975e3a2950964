//! The straight way: what a put and a get do when nothing else comes up, in as few instructions as it takes.
//!
//! The payload is short, its position is the expected one, the slot's home descriptor is free, nothing is to be delivered
//! again. Whatever is otherwise ends it with nothing done, and the same operation goes on *with care*, by the code of `put.rs`
//! and `get.rs` that knows every case. The two are apart since the compiler would keep all that care needs at hand on the way
//! of every operation: half as many instructions again.

use super::{Fault, Filling, Owner, PutFailure, Ring};
use crate::layout::{descriptor, position, slot, state};
use crate::memory::Index;
use crate::sync::Ordering::*;

/// Why it was not the straight way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bend {
    /// The position is not free, or not filled, and it is this operation's turn: the queue is full, or empty.
    Nothing,
    /// What was found cannot be: it was mended, and is to be reported.
    Damaged(Fault),
    /// Something that needs care.
    Other,
}

impl Ring {
    /// Steps 1 to 3 of a put at position `p`, with its home descriptor: `copy_in` writes the payload, which fits into the inline
    /// room.
    #[inline(always)]
    pub(super) fn fill_at(
        &self,
        me: Owner,
        p: u64,
        home: Index,
        payload: &[u8],
        copy_in: impl Fn(Filling, &[u8]),
    ) -> Result<Filling, Bend> {
        if self.state() != state::OPEN {
            return Err(Bend::Other);
        }
        let word = self.room_at(p, home)?;
        if !self.try_own(home, me) {
            return Err(Bend::Other);
        }
        if let Err(failure) = self.provide(home, me, 0) {
            self.abandon(home, me);
            return Err(match failure {
                PutFailure::Corrupt(fault) => Bend::Damaged(fault),
                _ => Bend::Other,
            });
        }
        let length = payload.len() as u64;
        let filling = Filling {
            index: home,
            owner: me,
            position: p,
            home,
            word,
            extent: 0,
            length,
        };
        copy_in(filling, payload);
        let item = self.memory.record(home).item();
        item.store(length, Relaxed); // published by P, when it is committed
        Ok(filling)
    }

    /// The slot word of position `p`, if that is free.
    #[inline(always)]
    fn room_at(&self, p: u64, home: Index) -> Result<u64, Bend> {
        let word = self.memory.slot_at(home).load(Acquire); // ORDERING C (Acquire): pairs with the commit
        if slot::position(word) != position::sub(p, self.slots()) {
            return Err(Bend::Other);
        }
        let mut free = self.consumed(home, word); // I2
        if free == Ok(true) && self.memory.geometry.capacity < self.slots() {
            free = self.below_capacity(p);
        }
        match free {
            Ok(true) => Ok(word),
            Ok(false) => Err(Bend::Nothing),
            Err(_) => Err(Bend::Other),
        }
    }

    /// Steps 4 to 6: offers the filled descriptor at the position that was found free, if it still is. False: it is OWN(me)
    /// as before.
    #[inline(always)]
    pub(super) fn commit_at(&self, filling: &Filling) -> bool {
        let (p, me) = (filling.position, filling.owner.0);
        let slot = self.memory.slot_at(filling.home);
        // I4: the slot word is loaded here, after the descriptor was owned. If it is the one that was seen before, what was
        // consumed then is consumed still (I3), and the position before it is filled still (I1).
        // ORDERING C (Acquire): pairs with the commit.
        if slot.load(Acquire) != filling.word {
            return false;
        }
        let word = self.memory.record(filling.index).word();
        // ORDERING P (Release): pairs with the load and the CAS of a consumer; the payload is complete.
        word.store(descriptor::PEND | me | p, Release);
        // ORDERING C (SeqCst): the commit; pairs with every load of a slot word. Strong: a spurious failure would
        // skip p and break I1. SeqCst: the wake that follows must not be reordered before it (W).
        let packed = slot::pack(p, filling.index.get());
        let committed = slot.compare_exchange(filling.word, packed, SeqCst, Relaxed);
        if committed.is_err() {
            // ORDERING F (Release): no slot names this descriptor, it is OWN(me) again.
            word.store(descriptor::OWN | me, Release);
        }
        committed.is_ok()
    }

    /// Steps 1 to 3 of a get at position `c`: the descriptor is LOAN(me,c).
    #[inline(always)]
    pub(super) fn claim_at(&self, me: Owner, c: u64) -> Result<Index, Bend> {
        // ORDERING R (Acquire): pairs with the flag's change after D = RETRY in recover.rs.
        let retry = self.memory.retry().load(Acquire);
        if retry & 1 != 0 {
            return Err(Bend::Other);
        }
        let home = self.memory.home(c);
        let w = self.memory.slot_at(home).load(Acquire); // ORDERING C (Acquire): pairs with the commit
        if slot::position(w) != c {
            let behind = slot::position(w) == position::sub(c, self.slots());
            return Err(if behind && !self.offered_again_since(retry) {
                Bend::Nothing
            } else {
                Bend::Other
            });
        }
        let index = self.memory.index_near(home, slot::descriptor(w));
        let index = index.ok_or(Bend::Other)?;
        if !self.is_ready(&self.head.0, c) {
            self.memory.fetch_payload(index);
        }
        if self.claim_pending(index, me, c) {
            Ok(index)
        } else {
            Err(Bend::Other)
        }
    }

    /// PEND(·,c) → LOAN(me,c), if it is that.
    #[inline(always)]
    pub(super) fn claim_pending(&self, index: Index, me: Owner, c: u64) -> bool {
        let word = self.memory.record(index).word();
        let d = word.load(Acquire); // ORDERING P (Acquire): pairs with D = PEND
        descriptor::is_pending(d, c) && {
            let loan = descriptor::LOAN | me.0 | c;
            // ORDERING P, L (SeqCst): pairs with D = PEND: the payload is complete; and with the producers' load of D: the
            // position is consumed. SeqCst: the wake that follows must not come before it (W).
            word.compare_exchange(d, loan, SeqCst, Relaxed).is_ok()
        }
    }
}
