//! Lines that are needed soon are asked for now, so that operations that come one after the other do not wait for one cache
//! line each.
//!
//! A locked instruction ends only when all before it has, so a processor by itself never works on the lines of two
//! operations at once. But a line that is asked for too early is taken from the other side in the middle of its work, which
//! costs both more than it saves. So a line is fetched ahead only if the other side is known to be done with it: its hint,
//! which it stores for one position in so many, says how far it is. That hint is read when what is known of it is used up,
//! and at one position in so many only: who finds the queue nearly empty, or full, fetches nothing ahead.
//!
//! Nor does a thread that waits between its operations, say for an answer to each item. Its consumer looks at every position
//! before it is filled, so that line must be fetched again anyway, and what was fetched ahead is in the way of the answer.

use super::{Ring, Side};
use crate::layout::{item, position};
use crate::sync::{AtomicU64, Ordering::Relaxed};

/// So many positions ahead: what one operation takes, so often, is about what a line takes from a far processor.
const AHEAD: u64 = 8;

impl Ring {
    /// Is position `p` of this side known to be ready? Then its lines were fetched when it was still ahead, nearly always.
    #[inline(always)]
    pub(super) fn is_ready(&self, side: &Side, p: u64) -> bool {
        // One to N positions ahead; whatever else it is, no hint that is right says so.
        position::sub(side.ready.load(Relaxed), p).wrapping_sub(1) < self.slots()
    }

    /// At position `p`, one in so many: looks how far the other side is, which is `lead` positions beyond its `hint`.
    #[inline(always)]
    pub(super) fn look_ahead(&self, side: &Side, p: u64, hint: &AtomicU64, lead: u64) {
        if vain_looks::many_since(&side.vain_looks) {
            side.ready.store(p, Relaxed);
        } else if !self.is_ready(side, position::add(p, AHEAD)) {
            // Only for fetches: it may be wrong in any way.
            let ready = position::add(hint.load(Relaxed), lead);
            side.ready.store(ready, Relaxed);
        }
    }

    /// For a producer that has just filled position `p` with `length` bytes inline: what comes next is probably as long.
    #[inline(always)]
    pub(super) fn fetch_free(&self, p: u64, length: u64) {
        let later = position::add(p, AHEAD);
        if self.is_ready(&self.tail.0, later) {
            self.memory.fetch_later(self.memory.home(later), length);
        }
    }

    /// For a consumer that has just claimed the item at position `c`, whose item word this is.
    #[inline(always)]
    pub(super) fn fetch_filled(&self, c: u64, item: u64) {
        let later = position::add(c, AHEAD);
        if self.is_ready(&self.head.0, later) {
            let inline = item & item::IN_EXTENT == 0;
            let length = if inline { item::length(item) } else { 0 };
            self.memory.fetch_later(self.memory.home(later), length);
        }
    }
}

pub(crate) mod vain_looks {
    //! How often a get of this thread has found nothing, in whatever queue: a thread that waits between its puts.

    use crate::ring::HINT_EVERY;
    use crate::sync::{AtomicU32, Ordering::Relaxed};
    use std::cell::Cell;

    thread_local! {
        static COUNT: Cell<u32> = const { Cell::new(0) };
    }

    /// A get has found nothing.
    #[inline(always)]
    pub(crate) fn count() {
        COUNT.set(COUNT.get().wrapping_add(1));
    }

    /// Were there many since this was asked last, `HINT_EVERY` positions ago?
    #[inline(always)]
    pub(super) fn many_since(last: &AtomicU32) -> bool {
        // loom's threads are none, and a killed process's steps are counted: no fetch is left out there.
        if cfg!(any(loom, kill_points)) {
            return false;
        }
        let now = COUNT.get();
        let since = now.wrapping_sub(last.load(Relaxed));
        last.store(now, Relaxed);
        since >= HINT_EVERY as u32 / 2
    }
}
