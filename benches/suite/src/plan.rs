//! What is measured in a run of the suite, how often, and for how long.

use crate::contestants::{Entry, Fit};
use crate::ends::Way;
use crate::measure::{self, KIB, LINE, MIB, Mode, Pace, Task};
use crate::python;
use anyhow::{Result, ensure};
use std::time::Duration;

/// One thing to measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// What is done.
    pub task: Task,
    /// The names of its figures.
    pub names: Vec<String>,
    /// In how many rounds.
    pub rounds: usize,
}

/// A run of the suite.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// All that is measured, in this order in each round.
    pub measurements: Vec<Measurement>,
    /// Every contestant once in each.
    pub rounds: usize,
    /// How long the parts of a run take.
    pub pace: Pace,
}

/// What a run costs beside its measuring: processes, set-up, a queue that is emptied.
const OVERHEAD: Duration = Duration::from_millis(35);
/// The longest and the shortest that is measured in a run.
const LONGEST: Duration = Duration::from_millis(250);
const SHORTEST: Duration = Duration::from_millis(30);

/// How thorough a run is.
struct Thoroughness {
    rounds: usize,
    /// Rounds of what takes seconds: stops, kills, idling, memory.
    few: usize,
    stops: u32,
    budget: Duration,
}

const QUICK: Thoroughness = Thoroughness {
    rounds: 3,
    few: 1,
    stops: 12,
    budget: Duration::from_secs(190),
};

const FULL: Thoroughness = Thoroughness {
    rounds: 9,
    few: 3,
    stops: 24,
    budget: Duration::from_secs(1700),
};

fn throughput(width: usize, size: usize, way: Way) -> Task {
    Task::Throughput {
        width,
        size,
        way,
        depth: measure::depth(size),
    }
}

/// Everything, with names of their own for the tasks of growth.
fn tasks(quick: bool) -> Vec<(Task, Vec<String>)> {
    let mut tasks = Vec::new();
    let sizes: &[usize] = if quick {
        &[LINE]
    } else {
        &[LINE, KIB, 64 * KIB]
    };
    for size in [LINE, KIB, 64 * KIB] {
        let mode = Mode::Spinning;
        tasks.push(Task::RoundTrip { mode, size });
    }
    for mode in [Mode::Busy, Mode::Idle] {
        tasks.extend(sizes.iter().map(|&size| Task::RoundTrip { mode, size }));
    }
    tasks.push(Task::Latency);
    for size in [8, LINE, KIB, 64 * KIB, MIB] {
        tasks.push(throughput(1, size, Way::Blocking));
    }
    tasks.push(throughput(1, LINE, Way::Polling));
    for size in [64 * KIB, MIB] {
        tasks.push(throughput(1, size, Way::InPlace));
    }
    tasks.push(throughput(1, MIB, Way::Untouched));
    for width in [2, 4] {
        tasks.push(throughput(width, LINE, Way::Blocking));
        tasks.push(throughput(width, LINE, Way::Polling));
    }
    tasks.extend([Task::Batches, Task::Idle, Task::Memory]);
    tasks.extend([Task::Pause, Task::Kill]);
    let mut tasks: Vec<_> = tasks
        .into_iter()
        .map(|task| (task, task.figures()))
        .collect();
    let depths: &[usize] = if quick {
        &[16, 65536]
    } else {
        &[16, 256, 4096, 65536]
    };
    for &depth in depths {
        let task = Task::Throughput {
            width: 1,
            size: LINE,
            way: Way::Blocking,
            depth,
        };
        tasks.push((task, vec![format!("growth/depth/{depth}")]));
    }
    let widths: &[usize] = if quick { &[1, 8] } else { &[1, 2, 4, 8] };
    for &width in widths {
        let task = throughput(width, LINE, Way::Blocking);
        tasks.push((task, vec![format!("growth/participants/{width}")]));
    }
    tasks
}

impl Plan {
    /// Everything that these can do.
    pub fn new(quick: bool, entries: &[Entry]) -> Plan {
        let how = if quick { QUICK } else { FULL };
        let rounds = |task: &Task| match task {
            Task::Idle | Task::Memory | Task::Pause | Task::Kill => how.few,
            _ => how.rounds,
        };
        let measurements = tasks(quick)
            .into_iter()
            .map(|(task, names)| Measurement {
                rounds: rounds(&task),
                task,
                names,
            })
            .collect();
        let mut plan = Plan {
            measurements,
            rounds: how.rounds,
            pace: pace(LONGEST, how.stops),
        };
        plan.fit(how.budget, entries);
        plan
    }

    /// Measures for shorter, until all of it takes no longer than `budget`.
    fn fit(&mut self, budget: Duration, entries: &[Entry]) {
        while self.time(entries) > budget && self.pace.measure > SHORTEST {
            let shorter = self.pace.measure - Duration::from_millis(5);
            self.pace = pace(shorter.max(SHORTEST), self.pace.stops);
        }
    }

    /// How long it takes, about.
    pub fn time(&self, entries: &[Entry]) -> Duration {
        let times = self.measurements.iter().map(|measurement| {
            let all = entries.iter();
            let those = all.filter(|entry| entry.fit(&measurement.task) == Fit::Does);
            let runs = (those.count() * measurement.rounds) as u32;
            runs * self.time_of(measurement)
        });
        times.sum()
    }

    /// How long one run takes, about.
    pub fn time_of(&self, measurement: &Measurement) -> Duration {
        measurement.task.time(&self.pace) + OVERHEAD
    }
}

fn pace(measure: Duration, stops: u32) -> Pace {
    Pace {
        warm: measure * 2 / 5,
        measure,
        stops,
    }
}

/// Keeps what the user asked for: patterns are parts of the names of measurements and of contestants. Those that name a
/// measurement choose among these, those that name a contestant among those.
///
/// # Errors
///
/// If a pattern names nothing.
pub fn only(patterns: &[String], plan: &mut Plan, entries: &mut Vec<Entry>) -> Result<()> {
    let has = |name: &str, pattern: &str| name.to_lowercase().contains(&pattern.to_lowercase());
    let names_measurement = |pattern: &&String| {
        let names = || plan.measurements.iter().flat_map(|m| &m.names);
        names().any(|name| has(name, pattern))
    };
    let names_entry = |pattern: &&String| entries.iter().any(|entry| has(entry.name(), pattern));
    for pattern in patterns {
        ensure!(
            names_measurement(&pattern) || names_entry(&pattern),
            "--only {pattern}: no measurement and no contestant has this in its name"
        );
    }
    let measured: Vec<&String> = patterns.iter().filter(names_measurement).collect();
    let taking_part: Vec<&String> = patterns.iter().filter(names_entry).collect();
    let any = |patterns: &[&String], name: &str| {
        patterns.is_empty() || patterns.iter().any(|pattern| has(name, pattern))
    };
    plan.measurements
        .retain(|m| m.names.iter().any(|name| any(&measured, name)));
    entries.retain(|entry| any(&taking_part, entry.name()));
    Ok(())
}

/// The patterns for the measurements of Python, which a program of its own makes, and the others.
pub fn split(patterns: &[String]) -> (Vec<String>, Vec<String>) {
    let all = patterns.iter().cloned();
    all.partition(|pattern| pattern.starts_with(python::PREFIX))
}

/// The order of a round: everybody moves on, so that over all rounds each has been early and late.
pub fn rotated(count: usize, round: usize, rounds: usize) -> impl Iterator<Item = usize> {
    let step = (count / rounds.max(1)).max(1);
    (0..count).map(move |index| (index + round * step) % count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants;

    fn names(plan: &Plan) -> Vec<&str> {
        let names = plan.measurements.iter().flat_map(|m| &m.names);
        names.map(String::as_str).collect()
    }

    #[test]
    fn every_place_in_a_round_is_taken_by_all() {
        for (count, rounds) in [(3, 3), (5, 3), (17, 3), (17, 9), (2, 9), (1, 3)] {
            let mut first = Vec::new();
            for round in 0..rounds {
                let order: Vec<_> = rotated(count, round, rounds).collect();
                let mut sorted = order.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, (0..count).collect::<Vec<_>>(), "everybody once");
                first.push(order[0]);
            }
            first.sort_unstable();
            first.dedup();
            assert_eq!(first.len(), rounds.min(count), "{count}, {rounds}");
        }
    }

    #[test]
    fn the_plan_takes_its_time_and_no_more() {
        let entries = contestants::all();
        for (quick, most) in [(true, 300), (false, 2400)] {
            let plan = Plan::new(quick, &entries);
            let time = plan.time(&entries).as_secs();
            assert!(time < most, "{time} s");
        }
        // Many more contestants: shorter runs.
        let many = vec![entries.clone(); 6].concat();
        let (few, more) = (Plan::new(true, &entries), Plan::new(true, &many));
        assert!(more.pace.measure < few.pace.measure);
    }

    #[test]
    fn no_figure_has_two_measurements() {
        for quick in [true, false] {
            let plan = Plan::new(quick, &[]);
            let mut all = names(&plan);
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count);
        }
    }

    #[test]
    fn patterns_of_python_are_told_from_the_others() {
        let patterns = ["python/batches", "pause", "python"].map(str::to_owned);
        let (of_python, others) = split(&patterns);
        assert_eq!(of_python, ["python/batches", "python"]);
        assert_eq!(others, ["pause"]);
    }

    #[test]
    fn only_what_is_asked_for_is_kept() {
        let select = |patterns: &[&str]| {
            let mut entries = contestants::all();
            let mut plan = Plan::new(true, &entries);
            let patterns: Vec<_> = patterns.iter().map(|&p| p.to_owned()).collect();
            only(&patterns, &mut plan, &mut entries).map(|()| {
                let names: Vec<_> = names(&plan).iter().map(|&n| n.to_owned()).collect();
                let entries = entries.iter().map(|e| e.name().to_owned()).collect();
                (names, entries)
            })
        };
        let all = contestants::all().len();
        let (names, entries): (_, Vec<String>) = select(&["batches"]).unwrap();
        assert_eq!(names, ["batches/64 B"]);
        assert_eq!(entries.len(), all, "no pattern names a contestant");
        let (names, entries) = select(&["VYUKOV", "ringpost"]).unwrap();
        assert!(names.len() > 20, "no pattern names a measurement");
        assert_eq!(entries, ["ringpost", "Vyukov ring"]);
        let (names, entries) = select(&["memory", "pause", "SPSC"]).unwrap();
        assert_eq!(names, ["memory/touched", "pause/longest", "pause/p99.9"]);
        assert_eq!(entries, ["SPSC ring"]);
        let error = select(&["batches", "kafka"]).unwrap_err().to_string();
        assert!(error.contains("--only kafka"), "{error}");
    }
}
