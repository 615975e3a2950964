//! Looking at all descriptors: how many are in which state, and whether all work is done.

use super::Ring;
use crate::layout::{descriptor, slot};
use crate::sync::Ordering::*;

/// How many descriptors are in which state; each was looked at once, at some moment during the scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) free: u64,
    pub(crate) filling: u64,
    pub(crate) queued: u64,
    pub(crate) loaned: u64,
    pub(crate) held: u64,
    pub(crate) retry: u64,
    pub(crate) quarantined: u64,
    pub(crate) reclaiming: u64,
}

impl Census {
    /// How many items were put and not acknowledged.
    pub(crate) fn unacknowledged(&self) -> i64 {
        (self.queued + self.loaned + self.retry) as i64
    }
}

/// An answer of [`Ring::finished`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    Yes,
    NotYet,
}

impl Ring {
    /// Counts the descriptors by state.
    pub(crate) fn census(&self) -> Census {
        let mut census = Census::default();
        for index in self.memory.indices() {
            let d = self.memory.record(index).word().load(Acquire); // ORDERING F (Acquire): pairs with D = FREE
            let count = match d & descriptor::STATE {
                descriptor::OWN => &mut census.filling,
                descriptor::PEND if self.named(d, index.get()) => &mut census.queued,
                descriptor::PEND => &mut census.filling,
                descriptor::LOAN => &mut census.loaned,
                descriptor::HELD => &mut census.held,
                descriptor::RETRY => &mut census.retry,
                descriptor::QUAR => &mut census.quarantined,
                descriptor::RECL => &mut census.reclaiming,
                _ => &mut census.free,
            };
            *count += 1;
        }
        census
    }

    /// Does a slot name this PEND descriptor: is it committed?
    pub(super) fn named(&self, d: u64, index: u32) -> bool {
        let p = descriptor::position(d);
        // ORDERING C (Acquire): pairs with the commit.
        self.memory.slot(p).load(Acquire) == slot::pack(p, index)
    }

    /// Is everything that was put, acknowledged? Two reads of the tail must agree, and no item be on its way between them.
    pub(crate) fn finished(&self) -> Finished {
        let before = self.find_tail();
        let census = self.census();
        let idle = census.unacknowledged() == 0;
        if idle && self.find_tail() == before {
            Finished::Yes
        } else {
            Finished::NotYet
        }
    }

    /// How many chunks belong to a descriptor.
    pub(crate) fn chunks_in_use(&self) -> u64 {
        (0..self.memory.geometry.chunks as u32)
            .filter(|&chunk| self.memory.chunk(chunk).load(Relaxed) != 0)
            .count() as u64
    }
}
