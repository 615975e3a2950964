//! The hot line: which few FREE descriptors keep a large extent, and whose turn it is.
//!
//! Its words are hints: I6 does not rest on them, and ownership is taken before an extent is trusted.

use super::{Owner, Ring, tag};
use crate::layout::{HOT_HINTS, descriptor, extent};
use crate::memory::Index;
use crate::sync::Ordering::*;

/// At most so many large extents are taken in turn before those in use are counted again: sooner if the next one is taken, or
/// does not fit.
const RECOUNT: u32 = 16;

/// A descriptor that is not free.
struct Taken;

/// Whose turn it is among the descriptors that the hot line names: private to a process.
struct Turn {
    /// The place on the hot line to look at first.
    next: usize,
    /// How many places are used in turn.
    round: usize,
    /// How often they are, until those in use are counted.
    left: u32,
}

impl Turn {
    fn unpack(word: u32) -> Turn {
        Turn {
            next: (word & 0xff) as usize % HOT_HINTS,
            round: (word >> 8 & 0xff) as usize,
            left: word >> 16,
        }
    }

    fn pack(&self) -> u32 {
        self.next as u32 | (self.round as u32) << 8 | self.left << 16
    }

    /// After the one at `hint` was taken.
    fn after(hint: usize, round: usize, left: u32) -> Turn {
        let next = hint + 1;
        Turn {
            next: if next < round { next } else { 0 },
            round,
            left,
        }
    }
}

impl Ring {
    /// Is the descriptor on the hot line, or is there room for it?
    #[inline(never)]
    pub(super) fn is_hot(&self, index: Index) -> bool {
        for hint in 0..HOT_HINTS {
            let word = self.memory.hot(hint);
            match word.load(Relaxed) {
                // Only a hint: Relaxed is enough.
                0 => match word.compare_exchange(0, tag(index), Relaxed, Relaxed) {
                    Ok(_) => return true,
                    Err(other) if other == tag(index) => return true,
                    Err(_) => {}
                },
                other if other == tag(index) => return true,
                _ => {}
            }
        }
        false
    }

    /// Owns a free descriptor that keeps a large extent which fits.
    ///
    /// The one that has been free for longest is best, since its lines have left the caches of whoever read it; but few
    /// should be used in turn, since what is in no cache at all is slower still. So the choice goes round among as many as
    /// are in use and two more; these are counted now and then.
    #[inline(never)]
    pub(super) fn own_hot(&self, me: Owner, chunks: u32) -> Option<Index> {
        let turn = Turn::unpack(self.hot_turn.load(Relaxed));
        if turn.left > 0
            && let named = self.memory.hot(turn.next).load(Relaxed)
            && let Some(index) = self.fits(named, chunks).ok().flatten()
            && self.try_own(index, me)
        {
            let after = Turn::after(turn.next, turn.round, turn.left - 1);
            self.hot_turn.store(after.pack(), Relaxed);
            return Some(index);
        }
        self.own_any_hot(me, chunks, turn.next)
    }

    /// The same, with a look at all that the hot line names.
    #[inline(never)]
    fn own_any_hot(&self, me: Owner, chunks: u32, next: usize) -> Option<Index> {
        let mut fitting: [Option<Index>; HOT_HINTS] = [None; HOT_HINTS];
        let (mut busy, mut named) = (0, 0);
        for (hint, place) in fitting.iter_mut().enumerate() {
            let name = self.memory.hot(hint).load(Relaxed);
            if name == 0 {
                break;
            }
            named += 1;
            match self.fits(name, chunks) {
                Ok(fits) => *place = fits,
                Err(Taken) => busy += 1,
            }
        }
        let round = (busy + 2).min(named);
        if round == 0 {
            return None;
        }
        let next = next % round;
        let order = (next..round).chain(0..next).chain(round..named);
        for hint in order {
            if let Some(index) = fitting[hint]
                && self.try_own(index, me)
            {
                self.hot_turn
                    .store(Turn::after(hint, round, RECOUNT - 1).pack(), Relaxed);
                return Some(index);
            }
        }
        None
    }

    /// The descriptor that a word of the hot line names, if it is free and its extent fits.
    #[inline(always)]
    fn fits(&self, named: u32, chunks: u32) -> Result<Option<Index>, Taken> {
        let Some(index) = named.checked_sub(1).and_then(|h| self.memory.index(h)) else {
            return Ok(None);
        };
        let record = self.memory.record(index);
        if record.word().load(Relaxed) != descriptor::FREE {
            return Err(Taken);
        }
        // Ownership is taken before the extent is trusted; this only skips what would not fit, or be cut to half.
        let has = extent::count(record.extent().load(Relaxed));
        Ok((chunks..=chunks.saturating_mul(2))
            .contains(&has)
            .then_some(index))
    }
}
