//! Runs: several items at consecutive positions, put or claimed one after the other, with one look at the waiters and at the
//! queue's state for all of them.
//!
//! A run takes the straight way only (`straight.rs`), and ends at whatever else comes up: the caller goes on with a single put
//! or get, which knows what to do. Every item is committed, or claimed, for itself, so that nothing is held back and a kill in the middle
//! leaves what the same kill between two single operations would leave.

use super::{Claim, Filling, HINT_EVERY, Owner, Ring};
use crate::fences::full_fence_after_rmw;
use crate::layout::{position, state};
use crate::sync::Ordering::*;
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
            if payload.len() as u64 > self.memory.geometry.inline {
                break;
            }
            let Ok(filling) = self.fill_at(me, p, self.memory.home(p), payload, &copy_in) else {
                break;
            };
            if !self.commit_at(&filling) {
                self.abandon(filling.index, me);
                break;
            }
            if p.is_multiple_of(HINT_EVERY) {
                self.tail_moved(p);
            }
            self.fetch_free(p, filling.length);
            p = position::add(p, 1);
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
            && let Ok(index) = self.claim_at(me, c)
        {
            let claim = self.counted(index, me, c);
            if c.is_multiple_of(HINT_EVERY) {
                self.head_moved(c);
            }
            self.fetch_filled(c, claim.item);
            c = position::add(c, 1);
            if !self.is_sound(&claim) {
                self.damaged(index, me, claim.position, claim.item); // set aside; its slot is free all the same
                break;
            }
            count += 1;
            take(claim);
        }
        let slots = position::sub(c, first) as usize;
        if slots > 0 {
            full_fence_after_rmw(); // after the last claim
            self.head.0.next.store(c, Release); // ORDERING H (Release): pairs with the load in `head_guess`
            wait::notify_some(self.memory.ev_put(), slots);
        }
        count
    }
}
