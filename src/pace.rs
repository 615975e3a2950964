//! How a consumer that has found nothing paces its looking.
//!
//! A consumer that is faster than its producers finds the queue empty after every item. If it looks again at once, it takes
//! the slot's cache line away from the producer in the middle of the next put, and both go at half the speed. If it
//! pauses for some hundred nanoseconds or a few microseconds, several items are there when it looks. But a consumer that
//! waits for an answer must not pause: it would add the pause to each round trip.
//!
//! The two are told apart by what happens. An item that comes within a few looks *may* be part of a stream: then pausing is
//! tried. It is kept up, and lengthened, as long as each pause is followed by a run of several items; else it ends, and
//! is not tried again for a while. All this is a guess, and only ever costs or saves some microseconds.

use crate::layout::position;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// An item that comes within so many looks came quickly.
const QUICK_LOOKS: u32 = 16;
/// So many items between two waits are a run.
const RUN: i64 = 4;
/// The pauses, in turns of a spin loop: the first, and the longest.
const FIRST_PAUSE: u32 = 32;
const LONGEST_PAUSE: u32 = 256;
/// After a pause that was of no use, so many waits go by without one.
const COOLDOWN: u32 = 256;

/// What a process remembers of its last waits. Threads that share it confuse the guess, and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// The turns to pause at the start of the next wait; 0: none.
    pause: AtomicU32,
    /// The waits left without a pause.
    cooldown: AtomicU32,
    /// The position at which the last wait ended.
    last: AtomicU64,
}

impl Pace {
    /// A wait starts at `head`: pauses, if that seems to be of use.
    pub(crate) fn pause(&self, head: u64) {
        let mut pause = self.pause.load(Relaxed);
        if pause == 0 {
            return;
        }
        let run = position::distance(head, self.last.load(Relaxed));
        if (0..RUN).contains(&run) && pause > FIRST_PAUSE {
            self.pause.store(0, Relaxed);
            self.cooldown.store(COOLDOWN, Relaxed);
            return;
        }
        for _ in 0..pause {
            std::hint::spin_loop();
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        self.pause.store(pause, Relaxed);
    }

    /// The wait that has ended with the item before `head` took so many looks.
    pub(crate) fn ended(&self, head: u64, looks: u32) {
        self.last.store(head, Relaxed);
        let cooldown = self.cooldown.load(Relaxed);
        if cooldown > 0 {
            self.cooldown.store(cooldown - 1, Relaxed);
        } else if looks <= QUICK_LOOKS && self.pause.load(Relaxed) == 0 {
            self.pause.store(FIRST_PAUSE, Relaxed);
        }
    }
}
