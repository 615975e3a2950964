//! Looking for what no correct process leaves: the invariants of this module's head, word by word, on a queue in use.
//!
//! Others change words while this reads them. So each flaw carries the words that it was seen in, and counts only if it is
//! seen again, with the same words (`doctor.rs`). What a living process is in the middle of is no flaw: the invariants hold
//! between any two steps.

use super::{Ring, tag};
use crate::layout::{descriptor, entry, extent, item, participant, position, slot, state};
use crate::memory::Index;
use crate::sync::Ordering::*;
use std::collections::HashMap;

/// Something that is wrong, and the words that say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The queue's state is none of the three.
    State { word: u32 },
    /// A slot names a descriptor that does not exist.
    SlotNamesNothing { slot: u64, word: u64 },
    /// Most slots contradict each other, so nobody can say where the queue ends.
    NoTail,
    /// A slot's position is not the one that follows from the others (I1).
    SlotPosition { slot: u64, word: u64, expected: u64 },
    /// Two descriptors stand for one position.
    Twice {
        position: u64,
        first: u32,
        second: u32,
    },
    /// A descriptor stands for a position that was never filled.
    NeverPut { descriptor: u32, word: u64 },
    /// A descriptor is held by a participant that is not there.
    Orphan { descriptor: u32, word: u64 },
    /// An extent reaches beyond the arena.
    Extent { descriptor: u32, extent: u64 },
    /// A payload is longer than its memory.
    Payload { descriptor: u32, item: u64 },
    /// A descriptor's extent names a chunk that is not its own (I6).
    NotItsChunk {
        descriptor: u32,
        extent: u64,
        chunk: u32,
        free: bool,
    },
    /// A chunk belongs to a descriptor that does not know it (I6): it is lost.
    LostChunk { chunk: u32, word: u32 },
    /// An item is to be delivered again, and no consumer is told.
    NotAnnounced { descriptor: u32, word: u64 },
    /// The hint to the tail leads beyond it (I5).
    TailHint { hint: u64 },
    /// The hint to the head leads beyond it (I5).
    HeadHint { hint: u64 },
    /// More of the arena is said to have memory than there is.
    Reserved { chunks: u64 },
}

impl Ring {
    /// One look at everything. What it finds may be somebody's work in progress.
    pub(crate) fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        self.check_control(&mut flaws);
        let tail = self.check_slots(&mut flaws);
        self.check_descriptors(tail, &mut flaws);
        self.check_chunks(&mut flaws);
        flaws
    }

    fn check_control(&self, flaws: &mut Vec<Flaw>) {
        let word = self.state();
        if word > state::CLOSED {
            flaws.push(Flaw::State { word });
        }
        // ORDERING H (Acquire): pairs with the stores of the hints.
        if self.verified_tail().is_none() {
            let hint = self.memory.tail_hint().load(Acquire); // ORDERING H (Acquire): as above
            flaws.push(Flaw::TailHint { hint });
        }
        if self.verified_head().is_none() {
            let hint = self.memory.head_hint().load(Acquire); // ORDERING H (Acquire): as above
            flaws.push(Flaw::HeadHint { hint });
        }
        let chunks = self.memory.reserved().load(Relaxed);
        if chunks > self.memory.geometry.chunks {
            flaws.push(Flaw::Reserved { chunks });
        }
    }

    /// Returns the tail, if most slots agree on one.
    fn check_slots(&self, flaws: &mut Vec<Flaw>) -> Option<u64> {
        let slots = self.slots();
        // By the positions of the first lap, in which slot `i` is that of position `i`.
        let words: Vec<(u64, u64)> = (0..slots)
            .map(|first| {
                let word = self.memory.slot(first).load(Acquire); // ORDERING C (Acquire): pairs with the commit
                (first, word)
            })
            .collect();
        let tail = agreed_tail(&words, slots);
        if tail.is_none() {
            flaws.push(Flaw::NoTail);
        }
        for &(first, word) in &words {
            let slot = self.memory.slot_of(first);
            let h = slot::descriptor(word);
            if h != slot::NONE && self.memory.index(h).is_none() {
                flaws.push(Flaw::SlotNamesNothing { slot, word });
            }
            if let Some(tail) = tail {
                let expected = expected_position(first, tail, slots);
                if slot::position(word) != expected {
                    flaws.push(Flaw::SlotPosition {
                        slot,
                        word,
                        expected,
                    });
                }
            }
        }
        tail
    }

    fn check_descriptors(&self, tail: Option<u64>, flaws: &mut Vec<Flaw>) {
        // ORDERING R (Acquire): pairs with the change of the flag.
        let announced = self.memory.retry().load(Acquire) & 1 != 0;
        let mut holders: HashMap<u64, u32> = HashMap::new();
        for index in self.memory.indices() {
            let record = self.memory.record(index);
            let word = record.word().load(Acquire); // ORDERING F (Acquire): pairs with every change of D
            let descriptor = index.get();
            let p = descriptor::position(word);
            let stated = word & descriptor::STATE;
            let offered = stated == descriptor::PEND && self.named(word, descriptor);
            // An item is offered by its slot; where that is flawed, nobody can say whether it is.
            let doubtful =
                stated == descriptor::PEND && self.is_flawed(self.memory.slot_of(p), flaws);
            let has_owner = matches!(
                stated,
                descriptor::OWN | descriptor::LOAN | descriptor::HELD | descriptor::RECL
            ) || (stated == descriptor::PEND && !offered && !doubtful);
            if has_owner && !self.is_attached(word) {
                flaws.push(Flaw::Orphan { descriptor, word });
            }
            let is_item = offered
                || matches!(
                    stated,
                    descriptor::LOAN | descriptor::RETRY | descriptor::QUAR | descriptor::HELD
                );
            if is_item {
                if tail.is_some_and(|tail| position::distance(p, tail) >= 0) {
                    flaws.push(Flaw::NeverPut { descriptor, word });
                }
                if let Some(first) = holders.insert(p, descriptor) {
                    flaws.push(Flaw::Twice {
                        position: p,
                        first,
                        second: descriptor,
                    });
                }
            }
            if stated == descriptor::RETRY && !announced {
                flaws.push(Flaw::NotAnnounced { descriptor, word });
            }
            let free = word == descriptor::FREE;
            self.check_memory(index, is_item, free, flaws);
        }
    }

    /// Was something wrong found with this slot?
    fn is_flawed(&self, of: u64, flaws: &[Flaw]) -> bool {
        flaws.iter().any(|flaw| match flaw {
            Flaw::NoTail => true,
            Flaw::SlotNamesNothing { slot, .. } | Flaw::SlotPosition { slot, .. } => *slot == of,
            _ => false,
        })
    }

    fn check_memory(&self, index: Index, is_item: bool, free: bool, flaws: &mut Vec<Flaw>) {
        let record = self.memory.record(index);
        let geometry = &self.memory.geometry;
        let descriptor = index.get();
        let word = record.extent().load(Acquire); // ORDERING X (Acquire): before the chunk words
        let (start, count) = (extent::start(word), extent::count(word));
        if u64::from(start) + u64::from(count) > geometry.chunks {
            flaws.push(Flaw::Extent {
                descriptor,
                extent: word,
            });
            return;
        }
        if is_item || free {
            let foreign = (start..start + count)
                .find(|&chunk| self.memory.chunk(chunk).load(Relaxed) != tag(index));
            if let Some(chunk) = foreign {
                flaws.push(Flaw::NotItsChunk {
                    descriptor,
                    extent: word,
                    chunk,
                    free,
                });
            }
        }
        let item = record.item().load(Relaxed);
        let room = match item & item::IN_EXTENT {
            0 => geometry.inline,
            _ => u64::from(count) * geometry.chunk,
        };
        if is_item && item::length(item) > room {
            flaws.push(Flaw::Payload { descriptor, item });
        }
    }

    fn check_chunks(&self, flaws: &mut Vec<Flaw>) {
        for chunk in 0..self.memory.geometry.chunks as u32 {
            let word = self.memory.chunk(chunk).load(Acquire); // ORDERING K (Acquire): taken after the record was written
            if word != 0 && !self.knows(word, chunk) {
                flaws.push(Flaw::LostChunk { chunk, word });
            }
        }
    }

    /// Does the descriptor that a chunk word names know of the chunk?
    fn knows(&self, word: u32, chunk: u32) -> bool {
        self.memory.index(word - 1).is_some_and(|index| {
            // ORDERING X (Acquire): pairs with the record's store, which comes before the chunk word's.
            let word = self.memory.record(index).extent().load(Acquire);
            let end = u64::from(extent::start(word)) + u64::from(extent::count(word));
            (u64::from(extent::start(word))..end).contains(&u64::from(chunk))
        })
    }

    /// Is the participant that a descriptor names there, alive or not yet recovered?
    pub(crate) fn is_attached(&self, word: u64) -> bool {
        let i = descriptor::participant(word);
        if u64::from(i) >= self.memory.geometry.participants {
            return false;
        }
        let entry = self.memory.participant(i, participant::WORD);
        let entry = entry.load(Acquire); // ORDERING E (Acquire): pairs with the stores in participant.rs
        entry == entry::pack(descriptor::incarnation(word), true)
    }

    /// Mends one flaw, if its words are still there. Says whether anything was changed.
    ///
    /// Orphans are not mended here: that takes the lock of their place (`doctor.rs`).
    pub(crate) fn mend(&self, flaw: Flaw, me: super::Owner) -> bool {
        match flaw {
            Flaw::SlotPosition { word, expected, .. } => self.mend_slot(word, expected),
            Flaw::SlotNamesNothing { word, .. } => self.mend_slot(word, slot::position(word)),
            Flaw::LostChunk { chunk, word } => {
                // ORDERING K (AcqRel): as in `clear`. Nobody else frees it: its descriptor does not know it.
                let mended = self
                    .memory
                    .chunk(chunk)
                    .compare_exchange(word, 0, AcqRel, Relaxed);
                mended.is_ok()
            }
            Flaw::NotItsChunk {
                descriptor,
                free: true,
                ..
            }
            | Flaw::Extent { descriptor, .. } => self.mend_free(descriptor, me),
            Flaw::NotAnnounced { .. } => {
                self.flag_retry();
                true
            }
            Flaw::TailHint { .. } => {
                self.restart_tail();
                true
            }
            Flaw::HeadHint { .. } => {
                self.restart_head();
                true
            }
            Flaw::Reserved { .. } => {
                // What has memory is asked for again when it is used: reserving twice does no harm.
                self.memory.reserved().store(0, Release); // ORDERING A (Release): less than there is
                true
            }
            _ => false,
        }
    }

    /// Gives a slot the position that follows from the others, with the item of that position, if there is one.
    fn mend_slot(&self, word: u64, expected: u64) -> bool {
        let holder = self.memory.indices().find(|&index| {
            let d = self.memory.record(index).word().load(Acquire); // ORDERING P (Acquire): as in get.rs
            descriptor::is_pending(d, expected)
        });
        let right = slot::pack(expected, holder.map_or(slot::NONE, Index::get));
        // ORDERING C (SeqCst): like a commit.
        let mended = self
            .memory
            .slot(expected)
            .compare_exchange(word, right, SeqCst, Relaxed);
        mended.is_ok()
    }

    /// A free descriptor's record is wrong: takes the descriptor, gives back what is its own, and frees it without extent.
    fn mend_free(&self, descriptor: u32, me: super::Owner) -> bool {
        let Some(index) = self.memory.index(descriptor) else {
            return false;
        };
        let word = self.memory.record(index).word();
        let taken = descriptor::RECL | me.0;
        // ORDERING F (Acquire): as in `reclaim`.
        let ours = word
            .compare_exchange(descriptor::FREE, taken, Acquire, Relaxed)
            .is_ok();
        if ours {
            self.free(index, me);
        }
        ours
    }
}

/// The tail on which most of the slots agree. Slot words are given in the order of the positions of one lap: those before the
/// tail hold positions of its lap, those from it on of the lap before.
fn agreed_tail(words: &[(u64, u64)], slots: u64) -> Option<u64> {
    let laps: Vec<Option<u64>> = words
        .iter()
        .map(|&(first, word)| {
            let q = slot::position(word);
            (q & (slots - 1) == first).then_some(q / slots)
        })
        .collect();
    let mut votes: HashMap<u64, u64> = HashMap::new();
    for &lap in laps.iter().flatten() {
        *votes.entry(lap).or_default() += 1;
    }
    let (&most, _) = votes.iter().max_by_key(|&(&lap, &count)| (count, lap))?;
    let mut best = (0, 0);
    for lap in [most, most + 1] {
        let before = lap.checked_sub(1);
        let is_before = |l: Option<u64>| l.is_some() && l == before;
        let mut agreed = laps.iter().filter(|&&l| is_before(l)).count() as u64;
        for (i, &l) in laps.iter().enumerate() {
            agreed += u64::from(l == Some(lap));
            agreed -= u64::from(is_before(l));
            best = best.max((agreed, lap * slots + i as u64 + 1));
        }
    }
    let (agreed, tail) = best;
    (2 * agreed > slots).then_some(tail & position::MASK)
}

/// The last position before `tail` in the slot of position `first`.
fn expected_position(first: u64, tail: u64, slots: u64) -> u64 {
    let last = position::sub(tail, 1);
    position::sub(last, position::sub(last, first) & (slots - 1))
}
