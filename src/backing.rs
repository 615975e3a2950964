//! Memory behind the arena: reserved piece by piece when it is first used, so that a full file system is an error of the
//! put and never a bus error.

use crate::failure::PutStop;
use crate::ring::{Filling, PutFailure};
use crate::shared::Shared;
use crate::sync::Ordering::*;

/// Reserved beyond what is needed, in bytes: growing by short payloads must not cost a system call each.
const AHEAD: u64 = 1 << 18;

impl Shared {
    /// Puts memory behind an extent that reaches beyond what was ever used; if there is none, looks for another extent
    /// within what is reserved already.
    #[cold]
    #[inline(never)]
    pub(crate) fn back(&self, filling: Filling, apart: bool) -> Result<Filling, PutStop> {
        match self.reserve_up_to(filling.arena_end()) {
            Ok(()) => Ok(filling),
            Err(needed) => {
                self.ring.abandon_with_extent(filling.index, filling.owner);
                self.reserve_again(filling, apart)
                    .map_err(|stop| match stop {
                        PutStop::Ring(PutFailure::NoMemory) => PutStop::NoSpace(needed),
                        other => other,
                    })
            }
        }
    }

    /// Reserves the arena up to the chunk `end`, or says how many bytes could not be had.
    fn reserve_up_to(&self, end: u64) -> Result<(), u64> {
        let memory = &self.ring.memory;
        let geometry = &self.segment.geometry;
        let reserved = self.reserved();
        if end <= reserved {
            return Ok(()); // another one was faster
        }
        let from = memory.chunk_offset(reserved);
        let reach = |to| {
            self.segment
                .reserve(from, memory.chunk_offset(to))
                .map(|()| to)
        };
        let ahead = (end + (AHEAD / geometry.chunk).max(1)).min(geometry.chunks);
        let to = reach(ahead)
            .or_else(|_| reach(end))
            .map_err(|_| memory.chunk_offset(end) - from)?;
        // ORDERING A (Release): pairs with the loads in shared.rs and stats.rs, in this and in other processes.
        memory.reserved().fetch_max(to, Release);
        Ok(())
    }

    /// The file system is full: what free descriptors keep is given up, and the extent must lie where there is memory.
    fn reserve_again(&self, filling: Filling, apart: bool) -> Result<Filling, PutStop> {
        self.ring.reclaim(filling.owner);
        let reserved = self.reserved();
        self.ring.limit_arena(Some(reserved));
        let again = self.ring.reserve(filling.owner, filling.length, apart);
        self.ring.limit_arena(None);
        let again = again?;
        if again.arena_end() <= reserved {
            return Ok(again);
        }
        self.ring.abandon_with_extent(again.index, again.owner);
        Err(PutFailure::NoMemory.into())
    }

    /// How many chunks have memory behind them.
    fn reserved(&self) -> u64 {
        // ORDERING A (Acquire): pairs with the change in `reserve_up_to`.
        self.ring
            .memory
            .reserved()
            .load(Acquire)
            .min(self.segment.geometry.chunks)
    }
}
