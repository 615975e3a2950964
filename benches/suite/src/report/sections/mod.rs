//! The report from top to bottom.

use super::document::Block;
use crate::compare::Comparison;
use crate::targets::Outcome;
use crate::view::View;

mod changes;
mod distributions;
mod growth;
mod machine;
mod measured;
mod standing;
mod summary;
mod targets;

/// All that the sections speak of.
#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) view: View<'a>,
    pub(super) outcomes: Vec<Outcome<'a>>,
    pub(super) comparison: Option<Comparison<'a>>,
}

/// Measurements that belong together.
struct Group {
    title: &'static str,
    /// What their names begin with.
    prefix: &'static str,
    /// What was done.
    intro: &'static str,
}

const GROUPS: &[Group] = &[
    Group {
        title: "Round trip",
        prefix: "round-trip/",
        intro: "A message goes to the other side and comes back. Spinning: both sides poll. Blocking, both busy: the calls \
                that a user would write, without a pause. Blocking, after idling: the other side has slept for some \
                milliseconds, so that a system call and a wake-up are part of it. Each round's figure is its median; the \
                curves hold all rounds.",
    },
    Group {
        title: "Latency under a fixed rate",
        prefix: "latency/",
        intro: "One way, at a fixed share of each contestant's own peak of throughput in this run. The clock starts when the \
                message should have been sent, not when the sender came to it (open loop): what waits behind a delay counts, \
                which is the correction for coordinated omission. Each round's figure is its 99th percentile. A contestant \
                with a higher peak is asked for a higher rate.",
    },
    Group {
        title: "Throughput",
        prefix: "throughput/",
        intro: "Payloads are written and read in full, and sequence numbers are checked. Copied: into the queue and out of \
                it. In place: written and read where they lie. Untouched: handed over, only a sequence number is written \
                and read.",
    },
    Group {
        title: "Batches",
        prefix: "batches/",
        intro: "64 messages of 64 B in a call, one to one. Who has no such call loops.",
    },
    Group {
        title: "A participant that is stopped",
        prefix: "pause/",
        intro: "One participant is stopped for 100 ms in the middle of an operation, again and again. What is measured is how \
                long the others wait for a message at the longest, less the same of a run in which nobody is stopped.",
    },
    Group {
        title: "A participant that is killed",
        prefix: "kill/",
        intro: "One participant is killed in the middle of an operation: how long do the others stand still? For good means \
                until the end of the observation, without a sign of recovery.",
    },
    Group {
        title: "When nothing happens",
        prefix: "idle/",
        intro: "Processor time that a blocked reader uses, in percent of one processor.",
    },
    Group {
        title: "Memory",
        prefix: "memory/",
        intro: "Memory that is really touched, not what is reserved.",
    },
    Group {
        title: "Growth",
        prefix: "growth/",
        intro: "The same work with deeper queues, with more participants and with longer payloads.",
    },
    Group {
        title: "Python",
        prefix: "python/",
        intro: "Between processes that run Python: ringpost's package and what else passes objects. Pickling is part of it.",
    },
];

impl Content<'_> {
    /// The report's pieces in their order.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = summary::blocks(self);
        blocks.extend(changes::blocks(self));
        blocks.extend(standing::blocks(self));
        blocks.extend(targets::blocks(self));
        for group in GROUPS {
            blocks.extend(measured::blocks(self, group.title, group.intro, |name| {
                name.starts_with(group.prefix)
            }));
        }
        blocks.extend(measured::blocks(self, "Other measurements", "", |name| {
            !GROUPS.iter().any(|group| name.starts_with(group.prefix))
        }));
        blocks.extend(machine::blocks(self));
        blocks
    }
}
