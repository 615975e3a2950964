//! Runs: several items at consecutive positions, put or claimed one after the other, with one look at the waiters and at the
//! queue's state for all of them.
//!
//! A run takes the straight way only, and ends at whatever else comes up: the caller goes on with a single put or get, which
//! knows what to do. Every item is committed, or claimed, for itself, so that nothing is held back and a kill in the middle
//! leaves what the same kill between two single operations would leave.

use super::{Filling, HINT_EVERY, Owner, Ring};
use crate::layout::{descriptor, position, slot, state};
use crate::ring::Claim;
use crate::sync::{Ordering::*, full_fence_after_rmw};
use crate::wait;

impl Ring {
    /// Puts payloads that fit into the inline room, each with the home descriptor of its position. `copy_in` writes one.
    /// Says how many were put.
    #[inline(always)]
    pub(crate) fn put_run<'p>(
        &self,
        me: Owner,
        payloads: impl Iterator<Item = &'p [u8]>,
        copy_in: impl Fn(Filling, &[u8]),
    ) -> usize {
        let first = self.tail_guess();
        let mut p = first;
        for payload in payloads {
            if !self.put_at(me, p, payload, &copy_in) {
                break;
            }
            let next = position::add(p, 1);
            if p.is_multiple_of(HINT_EVERY) {
                self.memory.tail_hint().store(next, Release); // ORDERING H (Release): pairs with `tail_guess`
                self.tail.0.clock_due.store(1, Relaxed);
            }
            p = next;
        }
        let count = position::sub(p, first) as usize;
        if count == 0 {
            return 0;
        }
        full_fence_after_rmw(); // after the last commit
        self.tail.0.next.store(p, Release); // ORDERING H (Release): pairs with the load in `tail_guess`
        self.tail.0.obstructed.store(0, Relaxed);
        wait::notify_some(self.memory.ev_get(), count);
        if self.state() != state::OPEN {
            return self.retract_run(me, first, count);
        }
        count
    }

    /// Steps 1 to 6 of a put at position `p`, if each works at once.
    #[inline(always)]
    fn put_at(&self, me: Owner, p: u64, payload: &[u8], copy_in: &impl Fn(Filling, &[u8])) -> bool {
        if self.state() != state::OPEN {
            return false;
        }
        let index = self.memory.home(p);
        let length = payload.len() as u64;
        let Ok((free, word)) = self.room_at(p) else {
            return false;
        };
        if !free || length > self.memory.geometry.inline() || !self.try_own(index, me) {
            return false;
        }
        if self.provide(index, me, 0).is_err() {
            self.abandon(index, me);
            return false;
        }
        let filling = Filling {
            index,
            owner: me,
            position: p,
            word,
            extent: 0,
            length,
        };
        copy_in(filling, payload);
        let record = self.memory.record(index);
        record.item().store(length, Relaxed); // published by P below
        // I4: as in `commit`.
        // ORDERING C (Acquire): pairs with the commit.
        if self.memory.slot(p).load(Acquire) == word {
            // ORDERING P (Release): pairs with the load and the CAS in get.rs; the payload is complete.
            record.word().store(descriptor::PEND | me.0 | p, Release);
            // ORDERING C (SeqCst): the commit, as in put.rs.
            let packed = slot::pack(p, index.get());
            let committed = self
                .memory
                .slot(p)
                .compare_exchange(word, packed, SeqCst, Relaxed);
            if committed.is_ok() {
                return true;
            }
            // ORDERING F (Release): no slot names this descriptor, it is OWN(me) again.
            record.word().store(descriptor::OWN | me.0, Release);
        }
        self.abandon(index, me);
        false
    }

    /// The queue was shut down: takes back what no consumer has yet, the last one first. So what stays put is the run's
    /// beginning, since consumers claim in order.
    #[cold]
    #[inline(never)]
    fn retract_run(&self, me: Owner, first: u64, count: usize) -> usize {
        for left in (1..=count).rev() {
            let p = position::add(first, left as u64 - 1);
            if self.retract(self.memory.home(p), me, p).is_ok() {
                return left;
            }
        }
        0
    }

    /// Claims up to `most` items of the ring; `take` gets each. Says how many.
    #[inline(always)]
    pub(crate) fn claim_run(&self, me: Owner, most: usize, mut take: impl FnMut(Claim)) -> usize {
        let first = self.head_guess();
        let mut c = first;
        let mut count = 0;
        while count < most
            && let Some(claim) = self.claim_at(me, c)
        {
            count += 1;
            let next = position::add(c, 1);
            if c.is_multiple_of(HINT_EVERY) {
                self.memory.head_hint().store(next, Release); // ORDERING H (Release): pairs with `head_guess`
                self.head.0.clock_due.store(1, Relaxed);
            }
            c = next;
            take(claim);
        }
        if count > 0 {
            full_fence_after_rmw(); // after the last claim
            self.head.0.next.store(c, Release); // ORDERING H (Release): pairs with the load in `head_guess`
            wait::notify_some(self.memory.ev_put(), count);
        }
        count
    }

    /// Claims the item at position `c`, if it is there and nothing is to be delivered again before it.
    #[inline(always)]
    fn claim_at(&self, me: Owner, c: u64) -> Option<Claim> {
        // ORDERING R (Acquire): pairs with the flag's change after D = RETRY in recover.rs.
        if self.memory.retry().load(Acquire) & 1 != 0 {
            return None;
        }
        let w = self.memory.slot(c).load(Acquire); // ORDERING C (Acquire): pairs with the commit
        if slot::position(w) != c {
            return None;
        }
        let index = self.memory.index(slot::descriptor(w))?;
        let word = self.memory.record(index).word();
        let d = word.load(Acquire); // ORDERING P (Acquire): pairs with D = PEND
        if !descriptor::is_pending(d, c) {
            return None;
        }
        // ORDERING P, L (SeqCst): as in `claim_next`.
        let loan = descriptor::LOAN | me.0 | c;
        word.compare_exchange(d, loan, SeqCst, Relaxed).ok()?;
        self.take_up(index, me, c).ok()
    }
}
