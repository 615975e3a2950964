//! What one exploration covers: the sizes, what each thread does, how often whom a kill may strike.

use super::mutants::Mutant;
use super::words::{Index, Payload, Position, State};

/// What a consumer does with an item.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Then {
    /// Copies it out, or acknowledges its lease.
    Acknowledge,
    /// Reads and overwrites it where it lies, delivered (HELD).
    Hold,
    Refuse,
    /// Refuses it when it comes for the first time.
    RefuseOnce,
    Quarantine,
    /// Never ends its lease.
    Keep,
}

/// One call of the library.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Op {
    /// A payload of so many chunks; 0: inline.
    Put(u8),
    /// A loan of the first size that is cut to the second before its commit.
    PutTruncated(u8, u8),
    Get(Then),
    /// Again and again, until the queue says that it is closed.
    GetUntilClosed(Then),
    /// To `Draining` or `Closed`.
    ShutDown(State),
    Join,
    /// The first item found in the quarantine: reads it and puts it back there.
    Inspect,
    Requeue,
    Discard,
    Detach,
    Attach,
}

/// A thread: its process, what it does, and what it does in the process's second life, after a kill.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    pub(crate) process: u8,
    pub(crate) first: &'static [Op],
    pub(crate) second: &'static [Op],
}

/// A thread of a process of its own that stays dead once killed.
pub(crate) const fn once(process: u8, first: &'static [Op]) -> Script {
    Script {
        process,
        first,
        second: &[],
    }
}

/// A thread of a process that does something else in its second life.
pub(crate) const fn twice(process: u8, first: &'static [Op], second: &'static [Op]) -> Script {
    Script {
        process,
        first,
        second,
    }
}

/// One exploration.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) slots: u8,
    pub(crate) capacity: u8,
    pub(crate) descriptors: u8,
    pub(crate) chunks: u8,
    /// The most chunks that a FREE descriptor may keep.
    pub(crate) sticky: u8,
    pub(crate) max_deliveries: u8,
    pub(crate) scripts: &'static [Script],
    pub(crate) kills: u8,
    /// How many of the killed live again.
    pub(crate) lives: u8,
    /// How often a hint may be overwritten with any value.
    pub(crate) scribbles: u8,
    /// Every thread must come to an end alone, from every state.
    pub(crate) alone: bool,
    /// The search gives up, and says so, beyond this many states.
    pub(crate) most_states: u64,
    pub(crate) mutant: Option<Mutant>,
}

impl Setup {
    /// A queue of two, with one spill descriptor, inline payloads, nobody in it and nobody killed.
    pub(crate) const SMALL: Setup = Setup {
        slots: 2,
        capacity: 2,
        descriptors: 3,
        chunks: 0,
        sticky: 1,
        max_deliveries: 9,
        scripts: &[],
        kills: 0,
        lives: 0,
        scribbles: 0,
        alone: false,
        most_states: 29_000_000,
        mutant: None,
    };

    pub(crate) fn with(self, mutant: Mutant) -> Setup {
        Setup {
            mutant: Some(mutant),
            ..self
        }
    }

    pub(crate) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    pub(crate) fn processes(&self) -> u8 {
        let last = self.scripts.iter().map(|script| script.process).max();
        last.map_or(0, |last| last + 1)
    }

    /// The first position that is filled. A lap later than in the code, so that none is below zero.
    pub(crate) fn first_position(&self) -> Position {
        2 * self.slots
    }

    /// The slot in which a position lives.
    pub(crate) fn slot_of(&self, position: Position) -> usize {
        usize::from(position % self.slots)
    }

    pub(crate) fn all_descriptors(&self) -> std::ops::Range<Index> {
        0..self.descriptors
    }

    /// Does any thread ever change the queue's state? If not, loading it is not worth a step.
    pub(crate) fn is_shut_down(&self) -> bool {
        let shuts = |op: &Op| matches!(op, Op::ShutDown(_));
        let scripts = self.scripts.iter();
        scripts
            .flat_map(|script| script.first.iter().chain(script.second))
            .any(shuts)
    }

    /// The threads that get until the queue is closed.
    pub(crate) fn until_closed(&self) -> impl Iterator<Item = &'static Script> {
        let until_closed = |op: &Op| matches!(op, Op::GetUntilClosed(_));
        let scripts = self.scripts.iter();
        scripts.filter(move |script| script.first.iter().any(until_closed))
    }

    /// The ops of a thread in the given life of its process.
    pub(crate) fn script(&self, thread: usize, life: u8) -> &'static [Op] {
        match (self.scripts.get(thread), life) {
            (None, _) => &[],
            (Some(script), 0) => script.first,
            (Some(script), _) => script.second,
        }
    }

    /// The payload of the put that is operation `op` of a thread: every put has its own.
    pub(crate) fn payload(&self, thread: usize, life: u8, op: usize) -> Payload {
        let puts = |ops: &[Op]| {
            let is_put = |op: &&Op| matches!(op, Op::Put(_) | Op::PutTruncated(..));
            ops.iter().filter(is_put).count()
        };
        let before: usize = self.scripts[..thread]
            .iter()
            .map(|script| puts(script.first) + puts(script.second))
            .sum();
        let script = self.scripts[thread];
        let own = match life {
            0 => puts(&script.first[..op]),
            _ => puts(script.first) + puts(&script.second[..op]),
        };
        (before + own + 1) as Payload
    }

    /// How many payloads there are at most.
    pub(crate) fn payloads(&self) -> usize {
        let last = self.scripts.len() - 1;
        let life = u8::from(!self.scripts[last].second.is_empty());
        let end = self.script(last, life).len();
        usize::from(self.payload(last, life, end)) - 1
    }
}
