//! Atomics, fences and futexes: the machine's own, or loom's when its tests run, or ones with kill points (`steps.rs`).
//!
//! Everything above this file is written once. The lines of the ring that loom explores are the lines that ship.

#[cfg(not(any(loom, kill_points)))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{Ordering, fence};

/// The same atomics, or loom's, each access of which is a kill point.
#[cfg(any(loom, kill_points))]
pub(crate) use crate::steps::{AtomicU32, AtomicU64};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{Ordering, fence};

#[cfg(not(loom))]
pub(crate) use std::hint::spin_loop;

/// Under loom a thread that looks again must let the others go on.
#[cfg(loom)]
pub(crate) fn spin_loop() {
    loom::thread::yield_now();
}

/// A value on a cache line (and its prefetched neighbour) of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(crate) T);

/// A kill point that is no access to an atomic word: before a system call, or a copy. Without kill points it is nothing.
macro_rules! step {
    ($name:literal) => {
        #[cfg(kill_points)]
        $crate::steps::reached(Some($name));
    };
}
pub(crate) use step;

#[cfg(loom)]
pub(crate) mod futex {
    //! The kernel's futex as loom can explore it: the comparison and going to sleep are one step, as in the kernel.

    use super::{AtomicU32, Ordering};
    use loom::sync::{Condvar, Mutex};
    use std::collections::HashMap;
    use std::sync::Arc;

    #[derive(Default)]
    struct Queue {
        sleepers: usize,
        tickets: usize,
        slices_end: bool,
    }

    type Bucket = Arc<(Mutex<Queue>, Condvar)>;

    loom::lazy_static! {
        // Std's lock: that the kernel finds a bucket orders nothing between two calls.
        static ref BUCKETS: std::sync::Mutex<HashMap<usize, Bucket>> = Default::default();
    }

    fn bucket(word: &AtomicU32) -> Bucket {
        let key = std::ptr::from_ref(word) as usize;
        let mut buckets = BUCKETS.lock().unwrap();
        buckets
            .entry(key)
            .or_insert_with(|| Arc::new((Mutex::new(Queue::default()), Condvar::new())))
            .clone()
    }

    /// Why a sleep ended.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Woken {
        /// By a wake, or because the word had already changed.
        Perhaps,
        /// The slice was over.
        TimedOut,
    }

    /// Sleeps while the word holds `seen`, until woken, or until slices end.
    pub(crate) fn wait(word: &AtomicU32, seen: u32) -> Woken {
        let bucket = bucket(word);
        let mut queue = bucket.0.lock().unwrap();
        if word.0.load(Ordering::SeqCst) != seen {
            return Woken::Perhaps;
        }
        queue.sleepers += 1;
        while queue.tickets == 0 {
            if queue.slices_end {
                queue.sleepers -= 1;
                drop(queue);
                super::spin_loop(); // a slice is long: whoever can go on does
                return Woken::TimedOut;
            }
            queue = bucket.1.wait(queue).unwrap();
        }
        queue.tickets -= 1;
        Woken::Perhaps
    }

    /// Wakes up to `count` sleepers and says how many.
    pub(crate) fn wake(word: &AtomicU32, count: u32) -> usize {
        let bucket = bucket(word);
        let mut queue = bucket.0.lock().unwrap();
        let woken = queue.sleepers.min(count as usize);
        queue.sleepers -= woken;
        queue.tickets += woken;
        for _ in 0..woken {
            bucket.1.notify_one();
        }
        woken
    }

    /// From now on every sleep at this word ends after its slice. Before, time stands still: what a wake does must not be
    /// left to a slice's end.
    pub(crate) fn let_slices_end(word: &AtomicU32) {
        let bucket = bucket(word);
        bucket.0.lock().unwrap().slices_end = true;
        bucket.1.notify_all();
    }
}

#[cfg(not(loom))]
pub(crate) mod futex {
    //! The kernel's futex, always shared: the private flag would never find a waiter in another process.

    use super::AtomicU32;
    use rustix::io::Errno;
    use rustix::thread::futex::{Flags, wait_bitset, wake as futex_wake};
    use std::num::NonZeroU32;

    /// Why a sleep ended.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Woken {
        /// By a wake, or because the word had already changed.
        Perhaps,
        /// The time was up.
        TimedOut,
        /// A signal handler has run in this thread.
        Interrupted,
    }

    /// Sleeps while the word holds `seen`, at the latest until `until`, a time on `CLOCK_MONOTONIC`.
    pub(crate) fn wait(
        word: &AtomicU32,
        seen: u32,
        until: Option<&rustix::thread::futex::Timespec>,
    ) -> Woken {
        super::step!("futex: wait");
        match wait_bitset(
            kernel_word(word),
            Flags::empty(),
            seen,
            until,
            NonZeroU32::MAX,
        ) {
            Err(Errno::TIMEDOUT) => Woken::TimedOut,
            Err(Errno::INTR) => Woken::Interrupted,
            // AGAIN: the word had changed. Anything else (a kernel without futexes, an unmapped page) must not
            // become a panic in a destructor; the caller tries again and its deadline still holds.
            Ok(()) | Err(_) => Woken::Perhaps,
        }
    }

    /// Wakes up to `count` sleepers and says how many.
    pub(crate) fn wake(word: &AtomicU32, count: u32) -> usize {
        super::step!("futex: wake");
        // The kernel reads the count as an int.
        futex_wake(
            kernel_word(word),
            Flags::empty(),
            count.min(i32::MAX as u32),
        )
        .unwrap_or(0)
    }

    #[cfg(not(kill_points))]
    fn kernel_word(word: &AtomicU32) -> &AtomicU32 {
        word
    }

    #[cfg(kill_points)]
    fn kernel_word(word: &AtomicU32) -> &std::sync::atomic::AtomicU32 {
        &word.0
    }
}
