//! The arena: extents of contiguous chunks, which belong to descriptors.
//!
//! The record of an extent is stored *before* its chunk words are taken, and the words are given back *before* the record
//! is cleared (I6). So whatever a killed process leaves, the words that it took lie within the record that it wrote, and
//! recovery frees exactly those that name the descriptor.
//!
//! A FREE descriptor may keep its extent for the next payload: traffic of one steady size then does no arena work. Small
//! extents (up to `Ring::sticky` chunks) stay anywhere. Large ones would soon settle in every descriptor, so only the few
//! that the hot line names keep theirs, and are used in turn.

use super::{Fault, Owner, PutFailure, Ring, tag};
use crate::fences::{full_fence_after_rmw, light_fence};
use crate::layout::{descriptor, extent};
use crate::memory::{Chunk, Index};
use crate::sync::{Ordering::*, fence};
use crate::wait;

impl Ring {
    /// Makes the extent of `index`, which `me` owns, fit a payload of `chunks` chunks (0: inline), and returns it.
    #[inline(always)]
    pub(super) fn provide(&self, index: Index, me: Owner, chunks: u32) -> Result<u64, PutFailure> {
        let kept = self.memory.record(index).extent().load(Relaxed); // ours since the CAS FREE → OWN (F)
        if kept == 0 && chunks == 0 {
            return Ok(0);
        }
        self.refit(index, me, chunks, kept)
    }

    #[inline(never)]
    fn refit(&self, index: Index, me: Owner, chunks: u32, kept: u64) -> Result<u64, PutFailure> {
        let has = self.checked_extent(index, kept)?;
        if chunks > 0 && has >= chunks {
            return Ok(self.trim(index, kept, chunks));
        }
        if has > 0 {
            self.give_back(index, kept);
        }
        if chunks == 0 {
            return Ok(0);
        }
        if let Some(found) = self.allocate(index, chunks) {
            return Ok(found);
        }
        if self.reclaim(me)
            && let Some(found) = self.allocate(index, chunks)
        {
            return Ok(found);
        }
        Err(PutFailure::NoMemory)
    }

    /// The number of chunks of an extent word, if it lies within the arena.
    fn checked_extent(&self, index: Index, word: u64) -> Result<u32, Fault> {
        let (start, count) = (extent::start(word), extent::count(word));
        if u64::from(start) + u64::from(count) <= self.memory.geometry.chunks {
            return Ok(count);
        }
        // Nothing of it can be used: it is cut off, so that the descriptor can go on.
        self.memory.record(index).extent().store(0, Release); // ORDERING X (Release): an empty record is always exact
        Err(Fault::ExtentBeyondArena {
            descriptor: index.get(),
        })
    }

    /// Takes a free run of `count` chunks for `index`, whose record is empty.
    fn allocate(&self, index: Index, count: u32) -> Option<u64> {
        let chunks = self.arena_limit.load(Relaxed);
        if count > chunks {
            return None;
        }
        let hint = (self.memory.free_hint().load(Relaxed)).min(chunks.into()) as u32;
        // From the lowest chunk that is probably free; then what lies below it.
        self.search(index, count, hint, chunks, true).or_else(|| {
            self.search(
                index,
                count,
                0,
                hint.saturating_add(count - 1).min(chunks),
                false,
            )
        })
    }

    fn search(&self, index: Index, count: u32, from: u32, to: u32, from_hint: bool) -> Option<u64> {
        let mut start = from;
        let mut chunk = from;
        let mut lowest_free = None;
        while chunk < to {
            if self.memory.chunk(chunk).load(Relaxed) != 0 {
                start = chunk + 1;
            } else {
                lowest_free.get_or_insert(chunk);
                if chunk + 1 - start == count {
                    match self.take(index, start, count) {
                        Ok(found) => {
                            if from_hint && lowest_free == Some(start) {
                                self.memory
                                    .free_hint()
                                    .store(u64::from(start + count), Relaxed);
                            }
                            return Some(found);
                        }
                        Err(taken) => {
                            start = taken + 1;
                            chunk = taken;
                        }
                    }
                }
            }
            chunk += 1;
        }
        None
    }

    /// Takes the run from left to right; on a conflict gives back what was taken and says where it was.
    fn take(&self, index: Index, start: Chunk, count: u32) -> Result<u64, Chunk> {
        let record = self.memory.record(index);
        let word = extent::pack(start, count);
        record.extent().store(word, Release); // ORDERING X (Release): before the chunk words below
        for chunk in start..start + count {
            // ORDERING K (AcqRel): pairs with the store of 0 in `clear`: nobody reads this chunk any more.
            // ORDERING X (AcqRel): after the record above.
            if self
                .memory
                .chunk(chunk)
                .compare_exchange(0, tag(index), AcqRel, Relaxed)
                .is_err()
            {
                self.clear(index, start, chunk);
                record.extent().store(0, Release); // ORDERING X (Release): after the words
                return Err(chunk);
            }
        }
        Ok(word)
    }

    /// Frees the words of `start..end` that belong to `index`.
    fn clear(&self, index: Index, start: Chunk, end: Chunk) {
        if start == end {
            return;
        }
        for chunk in start..end {
            let word = self.memory.chunk(chunk);
            if word.load(Relaxed) == tag(index) {
                word.store(0, Release); // ORDERING K (Release): pairs with the CAS in `take`
            }
        }
        // A hint that is too high costs the next search a second pass, no more.
        if u64::from(start) < self.memory.free_hint().load(Relaxed) {
            self.memory.free_hint().store(start.into(), Relaxed);
        }
        // Whoever waits for chunks may have found these taken, if only for the moment of a conflict.
        fence(SeqCst); // ORDERING W (SeqCst): the words above, before the look at the waiters' bit
        wait::notify_all(self.memory.ev_mem());
    }

    /// Frees what `count` chunks do not need of an extent that has so many, unless they need half of it: less, and a few
    /// small items could hold the whole arena.
    pub(super) fn trim(&self, index: Index, word: u64, count: u32) -> u64 {
        let (start, has) = (extent::start(word), extent::count(word));
        if has <= count.saturating_mul(2) {
            return word;
        }
        self.clear(index, start + count, start + has);
        let trimmed = extent::pack(start, count);
        self.memory.record(index).extent().store(trimmed, Release); // ORDERING X (Release): after the words
        trimmed
    }

    /// Frees a checked extent.
    fn give_back(&self, index: Index, word: u64) {
        let start = extent::start(word);
        self.clear(index, start, start + extent::count(word));
        self.memory.record(index).extent().store(0, Release); // ORDERING X (Release): after the words
    }

    /// Memory is short: frees the extents that FREE descriptors keep. Says whether there were any.
    #[cold]
    pub(crate) fn reclaim(&self, me: Owner) -> bool {
        let mut any = false;
        for index in self.memory.indices() {
            let record = self.memory.record(index);
            if record.extent().load(Relaxed) == 0 || record.word().load(Relaxed) != descriptor::FREE
            {
                continue;
            }
            // ORDERING F (Acquire): pairs with D = FREE; the extent word is read again below, now that it is ours (I6).
            let ours = record.word().compare_exchange(
                descriptor::FREE,
                descriptor::RECL | me.0,
                Acquire,
                Relaxed,
            );
            if ours.is_ok() {
                self.free(index, me);
                any = true;
            }
        }
        any
    }

    /// New extents of this process end below `chunks` from now on; `None`: they may lie anywhere again.
    pub(crate) fn limit_arena(&self, chunks: Option<u64>) {
        let all = self.memory.geometry.chunks;
        self.arena_limit
            .store(chunks.unwrap_or(all).min(all) as u32, Relaxed);
    }

    /// RECL(me) → FREE without an extent.
    #[inline(never)]
    pub(super) fn free(&self, index: Index, me: Owner) {
        let word = self.memory.record(index).extent().load(Relaxed); // ours since D = RECL(me)
        if word != 0 && self.checked_extent(index, word).is_ok() {
            self.give_back(index, word);
        }
        self.set_free(index, me, false);
    }

    /// RECL(me) → FREE, with its extent if that is worth keeping.
    pub(super) fn settle(&self, index: Index, me: Owner) {
        let word = self.memory.record(index).extent().load(Relaxed); // ours since D = RECL(me)
        match self.checked_extent(index, word) {
            Ok(chunks) if self.keeps(index, chunks) => {
                self.set_free(index, me, chunks > 0);
            }
            _ => self.free(index, me),
        }
    }

    /// Ends the use of a descriptor whose word is `from`, which names this process; `chunks` is its checked extent's size.
    #[inline(always)]
    pub(super) fn release_descriptor(
        &self,
        index: Index,
        me: Owner,
        from: u64,
        chunks: u32,
    ) -> bool {
        let word = self.memory.record(index).word();
        if chunks == 0 || self.keeps(index, chunks) {
            // This process lives, so nobody else changes the word: a load and a store will do.
            let ours = word.load(Relaxed) == from;
            if ours {
                word.store(descriptor::FREE, Release); // ORDERING F (Release): pairs with the CAS FREE → OWN or RECL
            }
            light_fence(); // ORDERING W (light): the word above, before the look at the waiters' bits
            self.notify_of_free(chunks > 0);
            return ours;
        }
        // ORDERING F (AcqRel): from exactly the word that names us; anything else is not ours to free.
        let ours = word
            .compare_exchange(from, descriptor::RECL | me.0, AcqRel, Relaxed)
            .is_ok();
        if ours {
            self.free(index, me);
        }
        ours
    }

    /// RECL(me) → FREE. By CAS, since `me` may be a dead one, for whom somebody else may act as well by now, if this process has
    /// closed the descriptor that holds the lock meanwhile.
    fn set_free(&self, index: Index, me: Owner, keeps_chunks: bool) {
        let word = self.memory.record(index).word();
        // ORDERING F (SeqCst): pairs with the CAS FREE → OWN or RECL. SeqCst: the wakes below must not come before it (W).
        let _ = word.compare_exchange(descriptor::RECL | me.0, descriptor::FREE, SeqCst, Relaxed);
        full_fence_after_rmw();
        self.notify_of_free(keeps_chunks);
    }

    /// Wakes who waits for a descriptor, for the end of all work, or for chunks: if it keeps some, these can be reclaimed now.
    #[inline(always)]
    fn notify_of_free(&self, keeps_chunks: bool) {
        wait::notify_all(self.memory.ev_desc());
        wait::notify_all(self.memory.ev_done());
        if keeps_chunks {
            wait::notify_all(self.memory.ev_mem());
        }
    }

    /// May this descriptor keep an extent of so many chunks while it is free?
    #[inline(always)]
    fn keeps(&self, index: Index, chunks: u32) -> bool {
        chunks <= self.sticky || self.is_hot(index)
    }
}
