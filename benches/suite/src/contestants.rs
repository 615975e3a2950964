//! Everyone who takes part: the adapters that were built, and the physical limits.

use crate::controller::Control;
use crate::failure::Failure;
use crate::measure::{LIMITS, Limit, Outcome, Pace, Task};
use crate::results::{self, Contestant, Role};
use ringpost_peers::{About, Peer, Place, Visitor};

/// One who takes part. The type of its adapter is gone: what is left is a function that does a whole run.
#[derive(Clone, Debug)]
pub struct Entry {
    /// For the report.
    pub contestant: Contestant,
    kind: Kind,
}

type Run = fn(&Task, &Control, &Pace) -> Result<Outcome, Failure>;

#[derive(Clone, Debug)]
enum Kind {
    Queue(About, Run),
    Limit(Limit),
}

/// Whether a contestant does a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Does,
    /// It cannot, for this reason.
    Cannot(&'static str),
    /// Nobody expects it to.
    Apart,
}

impl Entry {
    /// The entry of an adapter.
    pub fn of<P: Peer>() -> Entry {
        let about = P::ABOUT;
        let role = match about.name {
            "ringpost" => Role::Ours,
            "Vyukov ring" | "SPSC ring" => Role::Yardstick,
            _ => Role::Peer,
        };
        let place = match about.place {
            Place::Threads => results::Place::Threads,
            Place::Processes => results::Place::Processes,
        };
        Entry {
            contestant: Contestant {
                name: about.name.into(),
                version: about.version.into(),
                role,
                place,
                note: about.note.into(),
                claims_before_writing: about.claims_before_writing,
                locks: about.locks,
            },
            kind: Kind::Queue(about, Task::run::<P>),
        }
    }

    fn limit(limit: Limit) -> Entry {
        Entry {
            contestant: Contestant {
                name: limit.name.into(),
                version: String::new(),
                role: Role::Limit,
                place: results::Place::Processes,
                note: limit.note.into(),
                claims_before_writing: false,
                locks: false,
            },
            kind: Kind::Limit(limit),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.contestant.name
    }

    /// Whether it does this task.
    pub fn fit(&self, task: &Task) -> Fit {
        match &self.kind {
            Kind::Queue(about, _) => {
                let yardstick = self.contestant.role == Role::Yardstick;
                match task.fits(about, yardstick) {
                    Ok(()) => Fit::Does,
                    Err(reason) => Fit::Cannot(reason),
                }
            }
            Kind::Limit(limit) if limit.bounds(task) => Fit::Does,
            Kind::Limit(_) => Fit::Apart,
        }
    }

    /// Does the task once. For the process that drives a run.
    ///
    /// # Errors
    ///
    /// Why there is no figure.
    pub fn run(&self, control: &Control, task: &Task, pace: &Pace) -> Result<Outcome, Failure> {
        match &self.kind {
            Kind::Queue(_, run) => run(task, control, pace),
            Kind::Limit(limit) => limit.run(control, task, pace),
        }
    }
}

/// Everyone, ringpost first, the limits last.
pub fn all() -> Vec<Entry> {
    struct List(Vec<Entry>);
    impl Visitor for List {
        fn visit<P: Peer>(&mut self) {
            self.0.push(Entry::of::<P>());
        }
    }
    let mut list = List(Vec::new());
    ringpost_peers::each(&mut list);
    list.0.extend(LIMITS.map(Entry::limit));
    list.0
}
