//! One face for both contestants, and how they wait.
//!
//! # Waiting
//!
//! The Vyukov ring knows no waiting, so a user of it writes a loop. The fair contest gives the queue the very same loop
//! around `try_put` and `try_get_into` ([`Trying`]), and there are two of them. [`Waiting::AsItDoes`] tries, pauses, and
//! offers the processor to others now and then ([`until`]): what one writes who expects more processes than processors,
//! and kind to the ring, whose stopped claimant stops everyone. [`Waiting::Spinning`] only pauses: what one writes for
//! latency. With two or four processes on each processor the two loops lead to quite different ratios, so both are shown.
//!
//! What most users of the queue would write instead is `put` and `get_into`, which spin a little and then sleep
//! ([`Blocking`]); those are shown beside it, so that no choice hides anything.

use super::payload::BYTES;
use super::vyukov::Vyukov;
use ringpost::{BytesQueue, GetError, Options, PutError};

/// The capacity of both contestants in all contests of 64 bytes.
pub(crate) const CAPACITY: usize = 1024;

/// How both sides wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// They spin, and do nothing else.
    Spinning,
    /// As the contestant's `put` and `get` do.
    AsItDoes,
}

/// A queue between processes, to be used by any number of producers and consumers.
pub(crate) trait Transport {
    /// Where an item is copied to.
    type Buffer: AsRef<[u8]>;
    fn buffer() -> Self::Buffer;
    fn try_put(&self, bytes: &[u8; BYTES]) -> bool;
    fn try_get(&self, out: &mut Self::Buffer) -> bool;

    /// Puts, waiting in this way.
    #[inline(always)]
    fn put_waiting(&self, bytes: &[u8; BYTES], waiting: Waiting) {
        match waiting {
            Waiting::Spinning => spin(|| self.try_put(bytes)),
            Waiting::AsItDoes => self.put(bytes),
        }
    }

    /// Gets, waiting in this way.
    #[inline(always)]
    fn get_waiting(&self, out: &mut Self::Buffer, waiting: Waiting) {
        match waiting {
            Waiting::Spinning => spin(|| self.try_get(out)),
            Waiting::AsItDoes => self.get(out),
        }
    }

    /// Puts, waiting as this contestant waits.
    #[inline(always)]
    fn put(&self, bytes: &[u8; BYTES]) {
        until(|| self.try_put(bytes));
    }

    /// Gets, waiting as this contestant waits.
    #[inline(always)]
    fn get(&self, out: &mut Self::Buffer) {
        until(|| self.try_get(out));
    }
}

/// After so many tries the processor is offered to others, as the queue's own blocking calls do.
const YIELD_EVERY: u32 = 32;

/// Tries until it works, and lets nobody else run.
#[inline(always)]
fn spin(mut attempt: impl FnMut() -> bool) {
    while !attempt() {
        std::hint::spin_loop();
    }
}

/// Tries until it works.
#[inline(always)]
pub(crate) fn until(mut attempt: impl FnMut() -> bool) {
    let mut round = 0_u32;
    while !attempt() {
        round = round.wrapping_add(1);
        if round.is_multiple_of(YIELD_EVERY) {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

impl Transport for Vyukov {
    type Buffer = [u8; BYTES];

    fn buffer() -> Self::Buffer {
        [0; BYTES]
    }

    #[inline(always)]
    fn try_put(&self, bytes: &[u8; BYTES]) -> bool {
        Vyukov::try_put(self, bytes)
    }

    #[inline(always)]
    fn try_get(&self, out: &mut Self::Buffer) -> bool {
        Vyukov::try_get(self, out)
    }
}

/// The queue, with the waiting loop of the yardstick.
pub(crate) struct Trying(pub(crate) BytesQueue);

impl Trying {
    pub(crate) fn new() -> Trying {
        Trying(queue())
    }
}

impl Transport for Trying {
    type Buffer = Vec<u8>;

    fn buffer() -> Self::Buffer {
        Vec::with_capacity(BYTES)
    }

    #[inline(always)]
    fn try_put(&self, bytes: &[u8; BYTES]) -> bool {
        match self.0.try_put(bytes) {
            Ok(()) => true,
            Err(PutError::Full(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    #[inline(always)]
    fn try_get(&self, out: &mut Self::Buffer) -> bool {
        match self.0.try_get_into(out) {
            Ok(()) => true,
            Err(GetError::Empty) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The queue, with its own blocking calls.
pub(crate) struct Blocking(pub(crate) Trying);

impl Blocking {
    pub(crate) fn new() -> Blocking {
        Blocking(Trying::new())
    }
}

impl Transport for Blocking {
    type Buffer = Vec<u8>;

    fn buffer() -> Self::Buffer {
        Trying::buffer()
    }

    #[inline(always)]
    fn try_put(&self, bytes: &[u8; BYTES]) -> bool {
        self.0.try_put(bytes)
    }

    #[inline(always)]
    fn try_get(&self, out: &mut Self::Buffer) -> bool {
        self.0.try_get(out)
    }

    #[inline(always)]
    fn put(&self, bytes: &[u8; BYTES]) {
        self.0.0.put(bytes).expect("an open queue");
    }

    #[inline(always)]
    fn get(&self, out: &mut Self::Buffer) {
        self.0.0.get_into(out).expect("an open queue");
    }
}

/// A queue in a memfd, as the yardstick's ring; children inherit it and attach at first use.
fn queue() -> BytesQueue {
    Options::new()
        .capacity(CAPACITY)
        .anonymous()
        .expect("creating a queue")
}
