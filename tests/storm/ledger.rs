//! The ledger: what every process was about to do, and what it has done, in memory that no kill can take away.
//!
//! Each entry is one atomic operation, made before or after the call that it tells of. So whatever a killed process had
//! entered happened, and what it was in the middle of stands there as well.

use crate::item::Item;
use crate::words::Words;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

/// How many items a producer's place can put in one round.
pub(crate) const ITEMS: usize = 1 << 21;

// An item's first word: bits, then counts of twelve bits each. Its second word: its position + 1, once that is known.
pub(crate) const STARTED: u64 = 1;
pub(crate) const RETURNED: u64 = 1 << 1;
pub(crate) const FAILED: u64 = 1 << 2;
pub(crate) const RECEIVED: u64 = 1 << 8;
pub(crate) const AGAIN: u64 = 1 << 20;
pub(crate) const ACKNOWLEDGING: u64 = 1 << 32;
pub(crate) const DONE: u64 = 1 << 44;

/// A count of an item's word.
pub(crate) fn count(word: u64, unit: u64) -> u64 {
    (word / unit) & 0xfff
}

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Fault {
    /// A payload is not what was put.
    Damaged,
    /// An item was received that nobody has put.
    NeverPut,
    /// An item was received again after it was delivered for good.
    AfterDelivery,
    /// An item was received again and does not say so.
    NotFlagged,
    /// A first delivery came after that of a later item of the same producer.
    Disorder,
    /// An item has not the position that it had before.
    Moved,
}

pub(crate) const FAULTS: usize = 6;

/// The part of the round, by which pauses are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Outside,
    Calm,
    Storm,
}

/// What a consumer is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Nothing, or it has a lease that it has not begun to acknowledge.
    Nothing,
    /// A call whose items count as delivered before it has returned; at most so many.
    Plain(u64),
    Acknowledging,
}

// Words of the whole, then eight of each process, then two of each item.
const PHASE: usize = 0;
const ENDING: usize = 1;
const EXHAUSTED: usize = 2;
const FAULT: usize = 8;
const HEAD: usize = 16;
const DOING: usize = 0;
const NEXT: usize = 1;
const INCARNATION: usize = 2;
const SUCCESSES: usize = 3;
const PROCESS: usize = 8;

pub(crate) struct Ledger {
    words: Words,
    producers: usize,
    processes: usize,
}

impl Ledger {
    /// Producers are the processes with the lowest numbers.
    pub(crate) fn new(producers: usize, processes: usize) -> Ledger {
        Ledger {
            words: Words::new(HEAD + PROCESS * processes + 2 * ITEMS * producers),
            producers,
            processes,
        }
    }

    fn process(&self, number: usize, word: usize) -> &AtomicU64 {
        &self.words[HEAD + PROCESS * number + word]
    }

    fn item(&self, producer: usize, index: usize) -> &[AtomicU64] {
        let first = HEAD + PROCESS * self.processes + 2 * (ITEMS * producer + index);
        &self.words[first..first + 2]
    }

    // ---- the whole ----

    pub(crate) fn set_phase(&self, phase: Phase) {
        self.words[PHASE].store(phase as u64, SeqCst);
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.words[PHASE].load(SeqCst) {
            1 => Phase::Calm,
            2 => Phase::Storm,
            _ => Phase::Outside,
        }
    }

    /// 1: producers come to their end. 2: consumers do.
    pub(crate) fn end(&self, step: u64) {
        self.words[ENDING].store(step, SeqCst);
    }

    pub(crate) fn ending(&self) -> u64 {
        self.words[ENDING].load(SeqCst)
    }

    /// Some producer has no more room for items.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.words[EXHAUSTED].load(SeqCst) != 0
    }

    pub(crate) fn fault(&self, fault: Fault, what: impl std::fmt::Debug) {
        if self.words[FAULT + fault as usize].fetch_add(1, SeqCst) < 3 {
            eprintln!("storm: {fault:?}: {what:?}");
        }
    }

    pub(crate) fn faults(&self) -> [u64; FAULTS] {
        std::array::from_fn(|i| self.words[FAULT + i].load(SeqCst))
    }

    // ---- processes ----

    pub(crate) fn set_incarnation(&self, process: usize, incarnation: u64) {
        self.process(process, INCARNATION)
            .store(incarnation, SeqCst);
    }

    pub(crate) fn doing(&self, process: usize, doing: Doing) {
        let word = match doing {
            Doing::Nothing => 0,
            Doing::Acknowledging => 1,
            Doing::Plain(items) => 1 + items,
        };
        self.process(process, DOING).store(word, SeqCst);
    }

    /// What a process was doing when it was killed; its successor starts with nothing.
    pub(crate) fn last_deed(&self, process: usize) -> Doing {
        match self.process(process, DOING).swap(0, SeqCst) {
            0 => Doing::Nothing,
            1 => Doing::Acknowledging,
            items => Doing::Plain(items - 1),
        }
    }

    pub(crate) fn success(&self, process: usize) {
        self.process(process, SUCCESSES).fetch_add(1, SeqCst);
    }

    /// How many calls of all processes have succeeded.
    pub(crate) fn successes(&self) -> u64 {
        (0..self.processes)
            .map(|number| self.process(number, SUCCESSES).load(SeqCst))
            .sum()
    }

    // ---- items ----

    /// A producer is about to put its next item; `None` if the round has no room for it.
    pub(crate) fn begin(&self, producer: usize, incarnation: u64) -> Option<Item> {
        let index = self.process(producer, NEXT).load(SeqCst) as usize;
        if index == ITEMS {
            self.words[EXHAUSTED].store(1, SeqCst);
            return None;
        }
        self.process(producer, NEXT).store(index as u64 + 1, SeqCst);
        self.item(producer, index)[0].fetch_or(STARTED, SeqCst);
        Some(Item {
            producer,
            incarnation,
            index,
        })
    }

    /// Its put has returned.
    pub(crate) fn put(&self, item: Item, succeeded: bool) {
        let bit = if succeeded { RETURNED } else { FAILED };
        self.item(item.producer, item.index)[0].fetch_or(bit, SeqCst);
        if succeeded {
            self.success(item.producer);
        }
    }

    /// A consumer has it. `again`: what it says about earlier deliveries, if it can; `done`: it is delivered for good.
    pub(crate) fn received(
        &self,
        item: Item,
        again: Option<bool>,
        position: Option<u64>,
        done: bool,
    ) {
        let possible = item.producer < self.producers
            && item.index < ITEMS
            && item.incarnation <= self.process(item.producer, INCARNATION).load(SeqCst);
        if !possible {
            return self.fault(Fault::NeverPut, item);
        }
        let words = self.item(item.producer, item.index);
        let flagged = if again == Some(true) { AGAIN } else { 0 };
        let entry = RECEIVED + flagged + if done { DONE } else { 0 };
        let before = words[0].fetch_add(entry, SeqCst);
        if before & STARTED == 0 || before & FAILED != 0 {
            self.fault(Fault::NeverPut, item);
        }
        if count(before, DONE) > 0 {
            self.fault(Fault::AfterDelivery, item);
        }
        if count(before, RECEIVED) > 0 && again == Some(false) {
            self.fault(Fault::NotFlagged, item);
        }
        if let Some(position) = position {
            let before = words[1].swap(position + 1, SeqCst);
            if before != 0 && before != position + 1 {
                self.fault(Fault::Moved, item);
            }
        }
    }

    pub(crate) fn acknowledging(&self, item: Item) {
        self.item(item.producer, item.index)[0].fetch_add(ACKNOWLEDGING, SeqCst);
    }

    pub(crate) fn acknowledged(&self, item: Item) {
        let before = self.item(item.producer, item.index)[0].fetch_add(DONE, SeqCst);
        if count(before, DONE) > 0 {
            self.fault(Fault::AfterDelivery, item);
        }
    }

    /// The words of everything that a producer's place has begun to put, in this order.
    pub(crate) fn entries(&self, producer: usize) -> impl Iterator<Item = [u64; 2]> {
        let begun = self.process(producer, NEXT).load(SeqCst) as usize;
        (0..begun).map(move |index| {
            let words = self.item(producer, index);
            [words[0].load(SeqCst), words[1].load(SeqCst)]
        })
    }
}
