//! The rounds: every contestant once in each, in rotated order; what they measured, and who failed why.

use crate::contestants::{Entry, Fit};
use crate::controller;
use crate::failure::{Failure, Kind};
use crate::histogram;
use crate::measure::{self, Outcome, Task};
use crate::plan::{Measurement, Plan, rotated};
use crate::results::{Curve, Figure, LeftOut};
use hdrhistogram::Histogram;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Is told what runs. Remaining time is counted in the planned times of what has not run.
pub trait Watcher {
    /// A run begins.
    fn begins(&mut self, round: usize, measurement: &str, contestant: &str);
    /// A run that was planned to take so long has ended, or will not be made.
    fn ended(&mut self, planned: Duration);
    /// Something that the user should know now.
    fn says(&mut self, line: &str);
}

/// What all rounds have led to.
#[derive(Debug, Default)]
pub struct Measured {
    /// The figures.
    pub figures: Vec<Figure>,
    /// The distributions.
    pub curves: Vec<Curve>,
    /// Who did not take part in what.
    pub left_out: Vec<LeftOut>,
    /// The user ended it before its end.
    pub interrupted: bool,
}

/// So many failures, and a contestant is not tried again.
const FAILURES: usize = 2;
/// A run that takes so much longer than planned hangs.
const GRACE: Duration = Duration::from_secs(10);

/// One contestant in one measurement.
struct Cell {
    entry: usize,
    rounds: Vec<Option<Outcome>>,
    failures: Vec<(usize, Failure)>,
}

impl Cell {
    fn out(&self) -> bool {
        let last = self.failures.last().map(|(_, failure)| failure.kind);
        matches!(last, Some(Kind::Unfit | Kind::Faulty)) || self.failures.len() >= FAILURES
    }

    fn faulty(&self) -> bool {
        let mut all = self.failures.iter();
        all.any(|(_, failure)| failure.kind == Kind::Faulty)
    }
}

/// Runs the plan.
pub fn run(
    plan: &Plan,
    entries: &[Entry],
    interrupted: &AtomicBool,
    watcher: &mut impl Watcher,
) -> Measured {
    crate::clock::ns_per_tick(); // before anything is forked
    let mut table: Vec<Vec<Cell>> = plan
        .measurements
        .iter()
        .map(|measurement| cells(measurement, entries))
        .collect();
    let mut ended = false;
    'rounds: for round in 0..plan.rounds {
        for (measurement, cells) in plan.measurements.iter().zip(&mut table) {
            if round >= measurement.rounds {
                continue;
            }
            let planned = plan.time_of(measurement);
            for index in rotated(cells.len(), round, measurement.rounds) {
                let cell = &mut cells[index];
                let entry = &entries[cell.entry];
                let outcome = if cell.out() {
                    None
                } else {
                    watcher.begins(round, &measurement.names[0], entry.name());
                    let limit = planned + GRACE;
                    let outcome = controller::run(limit, interrupted, |control| {
                        entry.run(control, &measurement.task, &plan.pace)
                    });
                    match outcome {
                        Ok(outcome) => Some(outcome),
                        Err(failure) if failure.kind == Kind::Interrupted => {
                            ended = true;
                            break 'rounds;
                        }
                        Err(failure) => {
                            let name = entry.name();
                            let what = &measurement.names[0];
                            watcher.says(&format!("{name}, {what}: {failure}"));
                            cell.failures.push((round, failure));
                            None
                        }
                    }
                };
                cell.rounds.push(outcome);
                watcher.ended(planned);
            }
        }
    }
    let mut measured = Measured {
        interrupted: ended,
        ..Measured::default()
    };
    for (measurement, cells) in plan.measurements.iter().zip(&table) {
        for cell in cells {
            let name = entries[cell.entry].name();
            add(&mut measured, measurement, cell, name);
        }
    }
    measured.left_out.extend(cannot(plan, entries));
    measured
}

fn cells(measurement: &Measurement, entries: &[Entry]) -> Vec<Cell> {
    let does = |entry: &Entry| entry.fit(&measurement.task) == Fit::Does;
    let those = (0..entries.len()).filter(|&entry| does(&entries[entry]));
    those
        .map(|entry| Cell {
            entry,
            rounds: Vec::new(),
            failures: Vec::new(),
        })
        .collect()
}

/// A cell's figures, curves, and reasons why some are missing.
fn add(measured: &mut Measured, measurement: &Measurement, cell: &Cell, name: &str) {
    let (unit, better) = measurement.task.unit();
    let counts = |outcome: &&Option<Outcome>| outcome.is_some() && !cell.faulty();
    let rounds = || {
        cell.rounds
            .iter()
            .map(|outcome| Some(outcome).filter(counts)?.as_ref())
    };
    for (index, what) in measurement.names.iter().enumerate() {
        let values: Vec<_> = rounds()
            .map(|outcome| outcome.and_then(|o| o.figures.get(index).copied()))
            .collect();
        if values.iter().any(Option::is_some) {
            let observed = measure::OBSERVATION.as_secs_f64() * 1e3;
            measured.figures.push(Figure {
                measurement: what.clone(),
                peer: name.into(),
                unit: unit.into(),
                better,
                rounds: values,
                observed: (measurement.task == Task::Kill).then_some(observed),
            });
        }
        let mut whole: Option<Histogram<u64>> = None;
        for curve in rounds().filter_map(|outcome| outcome?.curves.get(index)) {
            histogram::add(whole.get_or_insert_with(histogram::empty), curve);
        }
        let curve = whole.filter(|whole| !whole.is_empty());
        let curve = curve.map(|whole| histogram::curve(what, name, &whole));
        measured.curves.extend(curve);
    }
    let mut said: Vec<&str> = Vec::new();
    for (round, failure) in &cell.failures {
        if said.contains(&failure.reason.as_str()) {
            continue;
        }
        said.push(&failure.reason);
        let reason = match failure.kind {
            Kind::Unfit => failure.reason.clone(),
            _ => format!("round {}: {}", round + 1, failure.reason),
        };
        for what in &measurement.names {
            measured.left_out.push(LeftOut {
                peer: name.into(),
                measurement: what.clone(),
                reason: reason.clone(),
            });
        }
    }
}

/// Who cannot do what: one line for all measurements of a reason whose names begin alike, if no other begins so.
fn cannot(plan: &Plan, entries: &[Entry]) -> Vec<LeftOut> {
    let mut left_out = Vec::new();
    for entry in entries {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for measurement in &plan.measurements {
            if let Fit::Cannot(reason) = entry.fit(&measurement.task) {
                let names = measurement.names.iter().map(String::as_str);
                match reasons.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, of)) => of.extend(names),
                    None => reasons.push((reason, names.collect())),
                }
            }
        }
        let all: Vec<_> = plan
            .measurements
            .iter()
            .flat_map(|measurement| &measurement.names)
            .map(String::as_str)
            .collect();
        for (reason, names) in reasons {
            left_out.extend(beginnings(&names, &all).into_iter().map(|start| LeftOut {
                peer: entry.name().into(),
                measurement: start.into(),
                reason: reason.into(),
            }));
        }
    }
    left_out
}

/// The shortest beginnings, of whole parts, that these names have and no other of `all` has.
fn beginnings<'a>(names: &[&'a str], all: &[&'a str]) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for name in names {
        let ends = name.match_indices('/').map(|(at, _)| &name[..at]);
        let begins = |of: &str, start: &str| {
            let rest = of.strip_prefix(start);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let shortest = ends.chain([*name]).find(|start| {
            let mut those = all.iter().filter(|other| begins(other, start));
            those.all(|other| names.contains(other))
        });
        let start = shortest.unwrap_or(name);
        if !found.contains(&start) {
            found.push(start);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_named_once() {
        let all = ["a/x/1", "a/x/2", "a/y/1", "b/1", "b/2", "c"];
        let of = |names: &[&'static str]| beginnings(names, &all);
        assert_eq!(of(&["a/x/1", "a/x/2"]), ["a/x"]);
        assert_eq!(of(&["a/x/1", "a/x/2", "a/y/1", "c"]), ["a", "c"]);
        assert_eq!(of(&["b/2", "a/x/2"]), ["b/2", "a/x/2"]);
    }
}
