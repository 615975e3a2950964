//! Sleeping and waking: futex words that processes share.
//!
//! A futex word holds an epoch in bits 1 to 31, and in bit 0 "there may be waiters".
//!
//! * A **waiter** sets bit 0 (`announce`), tries its operation once more, and sleeps while the word is unchanged.
//! * A **waker** changes the queue, then looks at the word. Bit 0 clear: nobody waits, and no system call is made. Set: it
//!   wakes one, or as many as there is something for. If the kernel found fewer, the bit is stale, or somebody is not yet
//!   asleep: it clears the bit and moves the epoch on in one CAS, and if that succeeded wakes *all*, since somebody may have
//!   gone to sleep in between and would now sleep with the bit clear.
//!
//! # Why no wake-up is lost
//!
//! Both sides change one thing and then read the other, with a full fence between (label W). So either the waiter's second
//! try sees the change, or the waker sees bit 0. In the second case the waiter is asleep and is woken; or it is not yet
//! asleep, the wake finds too few, and the CAS changes the word, so that the kernel's comparison keeps it awake; or it fell
//! asleep just before the CAS, and the wake of all finds it. The CAS fails only if another waker has just done the same
//! (setting a set bit changes nothing).
//!
//! A waiter that dies takes nothing along but, at worst, one wake; every sleep therefore ends after a slice, and whoever is
//! woken and takes nothing passes the wake on. There is no count of waiters that a killed one could leave too high.
//! `tests/loom/wait.rs` explores this file's functions: one waiter and two wakers, two waiters and one.

use crate::fences::{full_fence_after_rmw, heavy_fence};
use crate::sync::{AtomicU32, Ordering::*, futex};

const WAITERS: u32 = 1;
const EPOCH: u32 = 2;

/// Something to wait for: its futex word, and what its wakers do before they look at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) word: &'a AtomicU32,
    /// They have a light fence only.
    rare: bool,
}

impl<'a> Event<'a> {
    /// One whose wakers have just changed the queue by a SeqCst read-modify-write, or have a full fence: for what is
    /// waited for often.
    #[inline(always)]
    pub(crate) fn usual(word: &'a AtomicU32) -> Event<'a> {
        Event { word, rare: false }
    }

    /// One whose wakers have a light fence at least: for what is seldom waited for.
    #[inline(always)]
    pub(crate) fn rare(word: &'a AtomicU32) -> Event<'a> {
        Event { word, rare: true }
    }

    /// The most that a sleep may last in which no wake-up must be lost; `slice`, if none can be.
    #[cfg(not(loom))]
    pub(crate) fn slice(self, slice: std::time::Duration) -> std::time::Duration {
        if self.rare && !crate::fences::heavy_fence_works() {
            slice.min(SHORT_SLICE)
        } else {
            slice
        }
    }
}

/// How long whoever has no heavy fence sleeps at a rare event: a wake-up could be lost.
#[cfg(not(loom))]
const SHORT_SLICE: std::time::Duration = std::time::Duration::from_millis(1);

/// Says that the caller is about to sleep, and returns the value to sleep on. Try once more before sleeping!
#[inline]
pub(crate) fn announce(event: Event<'_>) -> u32 {
    // ORDERING W (SeqCst): a read-modify-write even if the bit is set, then a full fence: the caller's next try comes
    // after it. Pairs with the waker's load in `notify_one` and `notify_all`.
    let before = event.word.fetch_or(WAITERS, SeqCst);
    full_fence_after_rmw();
    if event.rare {
        heavy_fence(); // ORDERING W (heavy): as above, for wakers who have a light fence only
    }
    before | WAITERS
}

/// Wakes one waiter, if there is any. The caller has just changed the queue by a SeqCst read-modify-write, or by stores and a
/// fence: a light one will do where the event is rare.
#[inline(always)]
pub(crate) fn notify_one(event: Event<'_>) {
    // ORDERING W (SeqCst): after the caller's change and fence; pairs with `announce`.
    let seen = event.word.load(SeqCst);
    if seen & WAITERS != 0 {
        wake_some(event.word, seen, 1);
    }
}

/// Wakes up to `count` waiters, if there are any. The caller has just changed the queue so many times, by SeqCst
/// read-modify-writes.
#[inline(always)]
pub(crate) fn notify_some(event: Event<'_>, count: usize) {
    // ORDERING W (SeqCst): after the caller's changes and fence; pairs with `announce`.
    let seen = event.word.load(SeqCst);
    if seen & WAITERS != 0 {
        wake_some(event.word, seen, u32::try_from(count).unwrap_or(u32::MAX));
    }
}

/// Wakes all waiters, if there are any. The caller has just changed the queue as for [`notify_one`].
#[inline(always)]
pub(crate) fn notify_all(event: Event<'_>) {
    // ORDERING W (SeqCst): after the caller's change and fence; pairs with `announce`.
    let seen = event.word.load(SeqCst);
    if seen & WAITERS != 0 {
        wake_all(event.word, seen);
    }
}

#[cold]
#[inline(never)]
fn wake_some(word: &AtomicU32, seen: u32, count: u32) {
    if futex::wake(word, count) < count as usize {
        wake_all(word, seen);
    }
}

#[cold]
#[inline(never)]
fn wake_all(word: &AtomicU32, seen: u32) {
    let next = (seen & !WAITERS).wrapping_add(EPOCH);
    // ORDERING W (SeqCst): changes the word before the wake, so that nobody falls asleep on the old value after it.
    if word.compare_exchange(seen, next, SeqCst, Relaxed).is_ok() {
        futex::wake(word, u32::MAX);
    }
}

/// Makes every waiter look again, whether or not the bit says that there is one.
pub(crate) fn bump(event: Event<'_>) {
    let word = event.word;
    let mut seen = word.load(Relaxed);
    // ORDERING W (SeqCst): as in `wake_all`.
    while let Err(now) =
        word.compare_exchange_weak(seen, (seen & !WAITERS).wrapping_add(EPOCH), SeqCst, Relaxed)
    {
        seen = now;
    }
    futex::wake(word, u32::MAX);
}
