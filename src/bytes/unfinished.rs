//! Work that goes on after its item was acknowledged: a count in the segment, for which `join` waits as well.

use super::BytesQueue;
use crate::fences::full_fence_after_rmw;
use crate::shared::Shared;
use crate::sync::Ordering::*;
use crate::wait;

impl Shared {
    pub(crate) fn unfinished(&self) -> i64 {
        // ORDERING W (SeqCst): after the joiner's bit; pairs with the changes below.
        self.ring.memory.unfinished().load(SeqCst) as i64
    }
}

impl BytesQueue {
    /// How much work is unfinished although its items were acknowledged: what was added, less what was taken. It may be
    /// negative for a while, if work is called done before it is added. 0 in a new queue; it lies in the segment.
    ///
    /// ```
    /// assert_eq!(ringpost::Options::new().anonymous()?.unfinished(), 0);
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[must_use]
    pub fn unfinished(&self) -> i64 {
        self.shared.unfinished()
    }

    /// So much work more goes on without an item. [`join`](Self::join) waits until it is
    /// [taken](Self::take_unfinished) again; the death of whoever does it takes nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"work")?;
    /// queue.get()?; // acknowledged, but only now the work begins
    /// queue.add_unfinished(1);
    /// assert!(!queue.join_timeout(Duration::from_millis(1)));
    /// assert!(queue.take_unfinished(0));
    /// queue.join();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_unfinished(&self, more: u32) {
        let word = self.shared.ring.memory.unfinished();
        word.fetch_add(u64::from(more), SeqCst); // ORDERING W (SeqCst): pairs with the load in `unfinished`
    }

    /// One piece of work is done: takes it away, and wakes who joins. False, if there are not more than `least`: 0 usually;
    /// less, if work may be called done whose item is still leased.
    ///
    /// ```
    /// assert!(!ringpost::Options::new().anonymous()?.take_unfinished(0));
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[must_use = "false: nothing was taken"]
    pub fn take_unfinished(&self, least: i64) -> bool {
        let memory = &self.shared.ring.memory;
        let word = memory.unfinished();
        let mut now = word.load(Relaxed);
        while now as i64 > least {
            // ORDERING W (SeqCst): before the look at the waiters' bit; pairs with the load in `unfinished`.
            match word.compare_exchange(now, now.wrapping_sub(1), SeqCst, Relaxed) {
                Ok(_) => {
                    full_fence_after_rmw();
                    wait::notify_all(memory.ev_done());
                    return true;
                }
                Err(other) => now = other,
            }
        }
        false
    }
}
