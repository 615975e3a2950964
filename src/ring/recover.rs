//! Recovery: what a participant that is gone has left is finished in its name.
//!
//! Whoever calls this holds the participant's liveness lock, so nobody else acts for it, and it does not act itself. Each
//! step leaves a state from which the next caller can go on: a recoverer may be killed too.

use super::{Owner, Ring};
use crate::fences::full_fence_after_rmw;
use crate::layout::{descriptor, item, position, slot, state};
use crate::memory::Index;
use crate::sync::Ordering::*;

/// What a recovery found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// Descriptors that are free again.
    pub(crate) freed: u32,
    /// Items that will be delivered again.
    pub(crate) retried: u32,
    /// Items that were delivered too often, and were set aside.
    pub(crate) quarantined: u32,
}

impl Ring {
    /// Frees, or offers again, everything that `gone` has left. Others put and get meanwhile.
    pub(crate) fn recover(&self, gone: Owner) -> Recovered {
        let mut found = Recovered::default();
        let mut any_retry = false;
        for index in self.memory.indices() {
            let word = self.memory.record(index).word();
            let d = word.load(Acquire); // ORDERING F (Acquire): what the gone one wrote before it
            let state = d & descriptor::STATE;
            any_retry |= state == descriptor::RETRY;
            if d & descriptor::OWNER != gone.0 {
                continue;
            }
            match state {
                descriptor::OWN | descriptor::RECL | descriptor::HELD => {
                    found.freed += u32::from(self.free_for(index, d, gone));
                }
                descriptor::PEND => {
                    let p = descriptor::position(d);
                    // ORDERING C (Acquire): pairs with the commit. A slot that names it: committed, and not ours.
                    let committed = self.memory.slot(p).load(Acquire) == slot::pack(p, index.get());
                    if !committed {
                        // If it was committed and consumed meanwhile, this fails.
                        found.freed += u32::from(self.free_for(index, d, gone));
                    }
                }
                // `shutdown_now` drops what would be delivered again.
                descriptor::LOAN if self.state() == state::CLOSED => {
                    found.freed += u32::from(self.free_for(index, d, gone));
                }
                descriptor::LOAN => {
                    if self.offer_again(index, d) {
                        any_retry = true;
                        found.retried += 1;
                    } else {
                        found.quarantined += 1;
                    }
                }
                _ => {}
            }
        }
        if any_retry {
            self.flag_retry();
        }
        if any_retry || found != Recovered::default() {
            self.wake_everyone();
        }
        found
    }

    fn free_for(&self, index: Index, d: u64, gone: Owner) -> bool {
        let word = self.memory.record(index).word();
        // ORDERING F (AcqRel): from exactly what was seen.
        let ours = word
            .compare_exchange(d, descriptor::RECL | gone.0, AcqRel, Relaxed)
            .is_ok();
        if ours {
            self.free(index, gone);
        }
        ours
    }

    /// LOAN → RETRY, or → QUAR once it was delivered often enough, or if it comes from there. Says whether it will be
    /// delivered again.
    fn offer_again(&self, index: Index, d: u64) -> bool {
        let record = self.memory.record(index);
        let p = descriptor::position(d) & position::MASK;
        let item = record.item().load(Relaxed);
        // It may have died before it counted the delivery, and later items been delivered since: this one says so.
        record.item().store(item | item::AGAIN, Relaxed); // the gone one's, so ours (I7); published by the CAS
        let again = item::deliveries(item) < self.max_deliveries && item & item::ASIDE == 0;
        let to = if again {
            descriptor::RETRY
        } else {
            descriptor::QUAR
        };
        // ORDERING P (SeqCst): offers the item anew; its payload was complete since the first time.
        record
            .word()
            .compare_exchange(d, to | p, SeqCst, Relaxed)
            .is_ok()
            && again
    }

    /// Some descriptor is RETRY: consumers must look. After D = RETRY, never before.
    pub(super) fn flag_retry(&self) {
        let flag = self.memory.retry();
        let mut v = flag.load(Relaxed);
        // ORDERING R (SeqCst): pairs with the load in `claim`, and with the CAS that clears it, which must fail now.
        while let Err(now) = flag.compare_exchange_weak(v, (v | 1).wrapping_add(2), SeqCst, Relaxed)
        {
            v = now;
        }
        full_fence_after_rmw();
    }
}
