//! Items that a consumer does not want now: refused, set aside, and taken from the quarantine again.

use super::{Claim, Fault, Owner, Ring};
use crate::fences::full_fence_after_rmw;
use crate::layout::{descriptor, item, position, state};
use crate::memory::Index;
use crate::sync::Ordering::*;
use crate::wait;

/// An item in the quarantine, as its words said when they were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetAside {
    pub(crate) position: u64,
    pub(crate) length: u64,
    pub(crate) deliveries: u32,
}

impl Ring {
    /// Gives a claimed item back: LOAN → RETRY, or → QUAR once it was delivered often enough. It is never put back at the
    /// tail: a death between the two would lose it.
    ///
    /// False, as of the calls below: the descriptor is not what this process made it (see `release`).
    pub(crate) fn refuse(&self, claim: Claim) -> bool {
        if self.state() == state::CLOSED {
            return self.release(claim); // `shutdown_now` drops what would be delivered again
        }
        if claim.deliveries() < self.max_deliveries {
            // Before anyone else can have it: this process takes other items first.
            self.refused
                .store(position::add(claim.position, 1).max(1), Relaxed);
            let offered = self.offer(claim);
            if self.state() == state::CLOSED {
                // `shutdown_now` may have dropped the rest before this was offered: one of the two sees the other (S).
                let _: Result<u64, Fault> = self.drain(claim.owner);
            }
            offered
        } else {
            self.set_aside(claim)
        }
    }

    /// The same, for one who has not looked at the item: this delivery does not count.
    pub(crate) fn refuse_uncounted(&self, mut claim: Claim) -> bool {
        claim.item = item::uncounted(claim.item);
        let item = self.memory.record(claim.index).item();
        item.store(claim.item, Relaxed); // ours until the CAS (P, I7)
        self.refuse(claim)
    }

    /// LOAN(me,p) → RETRY(p): anyone may have it, at once.
    fn offer(&self, claim: Claim) -> bool {
        let offered = self.give(claim, descriptor::RETRY);
        if offered {
            self.flag_retry();
            wait::notify_one(self.memory.ev_get());
            wait::notify_all(self.memory.ev_done()); // while draining, consumers wait there
        }
        offered
    }

    /// LOAN(me,p) → QUAR(p): nobody gets it until somebody asks for it.
    pub(crate) fn set_aside(&self, claim: Claim) -> bool {
        let item = self.memory.record(claim.index).item();
        item.store(claim.item | item::ASIDE, Relaxed); // ours until the CAS (P, I7); recovery reads it
        let aside = self.give(claim, descriptor::QUAR);
        full_fence_after_rmw();
        wait::notify_all(self.memory.ev_done());
        aside
    }

    fn give(&self, claim: Claim, to: u64) -> bool {
        let word = self.memory.record(claim.index).word();
        // ORDERING P (SeqCst): offers the item anew; its payload was complete since the first time. SeqCst: the wakes that
        // follow must not come before it (W).
        word.compare_exchange(claim.word(), to | claim.position, SeqCst, Relaxed)
            .is_ok()
    }

    /// What is in the quarantine, in the order of the positions.
    pub(crate) fn quarantine(&self) -> Vec<SetAside> {
        let mut found = Vec::new();
        for index in self.memory.indices() {
            let record = self.memory.record(index);
            let d = record.word().load(Acquire); // ORDERING P (Acquire): the item word is complete
            if d & descriptor::STATE == descriptor::QUAR {
                let item = record.item().load(Relaxed);
                // Somebody else may have taken it meanwhile: then these words say nothing. Only for a list: who acts on an
                // item takes it first.
                if record.word().load(Relaxed) == d {
                    found.push(SetAside {
                        position: descriptor::position(d),
                        length: item::length(item),
                        deliveries: item::deliveries(item),
                    });
                }
            }
        }
        found.sort_unstable_by_key(|item| item.position);
        found
    }

    /// Offers an item from the quarantine again, its deliveries counted anew. `None`, as of the two below: it is not in the
    /// quarantine (any more).
    pub(crate) fn requeue(&self, me: Owner, p: u64) -> Option<Result<(), Fault>> {
        Some(self.claim_set_aside(me, p)?.map(|claim| {
            let item = self.memory.record(claim.index).item();
            item.store(item::requeued(item.load(Relaxed)), Relaxed); // ours since the CAS (P, I7)
            self.offer(claim);
        }))
    }

    /// Frees an item from the quarantine, damaged or not.
    pub(crate) fn discard(&self, me: Owner, p: u64) -> Option<()> {
        let index = self.take_set_aside(p, descriptor::RECL | me.0)?;
        self.free(index, me);
        Some(())
    }

    /// QUAR(p) → LOAN(me,p), not counted as a delivery; to be set aside again after a look at its payload.
    ///
    /// If this process dies with it, recovery sets it aside again.
    pub(crate) fn claim_set_aside(&self, me: Owner, p: u64) -> Option<Result<Claim, Fault>> {
        let index = self.take_set_aside(p, descriptor::LOAN | me.0 | p)?;
        let item = self.memory.record(index).item().load(Relaxed); // ours since the CAS (P, I7)
        let claim = self.claim_of(index, me, p, item);
        Some(if self.is_sound(&claim) {
            Ok(claim)
        } else {
            Err(self.damaged(index, me, p, item))
        })
    }

    fn take_set_aside(&self, p: u64, to: u64) -> Option<Index> {
        if p > position::MASK {
            return None; // no position: its upper bits would name an owner
        }
        let aside = descriptor::QUAR | p;
        self.memory.indices().find(|&index| {
            let word = self.memory.record(index).word();
            // ORDERING P (SeqCst): pairs with D = QUAR: the payload is complete, and it is nobody else's.
            word.load(Relaxed) == aside && word.compare_exchange(aside, to, SeqCst, Relaxed).is_ok()
        })
    }
}
