//! One process drives one scenario and tells what it has shown; the test program adds it up.

use crate::all;
use crate::common::child::{self, Child, say};
use crate::common::{PATIENCE, directory};
use crate::run::{Figures, run};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// What the driver of one scenario has told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) kills: u64,
    pub(crate) stops: u64,
    pub(crate) places: BTreeSet<(String, u32)>,
    lines: Vec<String>,
}

fn is_long() -> bool {
    std::env::var_os("RINGPOST_SOAK").is_some_and(|value| value == "1")
}

// ---- the driver ----

static DIRECTORY: OnceLock<String> = OnceLock::new();
static PROCESSORS: OnceLock<CpuSet> = OnceLock::new();

/// Where the driver's files are; the test program removes it.
pub(crate) fn place_for_files() -> &'static str {
    DIRECTORY.get().expect("a driver has a directory")
}

/// Undoes what keeps the driver and those that it kills on one processor.
pub(crate) fn on_any_processor() {
    let every = PROCESSORS.get().expect("set at the start");
    sched_setaffinity(None, every).unwrap();
}

/// The driver and its processes share one processor, so that none of them spins, and each step comes in the same order.
fn on_one_processor(number: usize) {
    let every = PROCESSORS.get().expect("set at the start");
    let allowed: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|&cpu| every.is_set(cpu))
        .collect();
    let mut one = CpuSet::new();
    one.set(allowed[number % allowed.len()]);
    sched_setaffinity(None, &one).unwrap();
}

/// Arguments: the scenario, a directory.
pub(crate) fn drive(arguments: &[&str]) {
    let found = all().enumerate().find(|(_, s)| s.name == arguments[0]);
    let (number, scenario) = found.expect("a scenario of this name");
    DIRECTORY.set(arguments[1].to_owned()).expect("set once");
    let processors = sched_getaffinity(None).unwrap();
    PROCESSORS.set(processors).expect("set once");
    if !scenario.spins {
        on_one_processor(number);
    }
    let figures = run(scenario, is_long());
    tell(scenario.name, &figures);
}

fn tell(name: &str, figures: &Figures) {
    for (file, line) in &figures.places {
        say(&format!("place {file} {line}"));
    }
    say(&format!(
        "line {name}: {} kills, {} stops, at {} places; {} put, {} delivered, {} of them again, {} had by the dead; \
         0 lost, 0 leaked; {:.1} s",
        figures.kills,
        figures.stops,
        figures.places.len(),
        figures.put,
        figures.delivered,
        figures.redelivered,
        figures.had_by_the_dead,
        figures.seconds
    ));
    for (outcome, step) in &figures.turns {
        if let Some(step) = step {
            say(&format!("line     [{outcome}] from {step} on"));
        }
    }
    say(&format!("total {} {}", figures.kills, figures.stops));
}

/// Tells the test program now and then that this process works.
pub(crate) fn still_there() {
    static LAST: AtomicU64 = AtomicU64::new(0);
    static STARTED: OnceLock<Instant> = OnceLock::new();
    let now = STARTED.get_or_init(Instant::now).elapsed().as_secs();
    if LAST.swap(now, Relaxed) != now {
        say("working");
    }
}

// ---- the test program ----

/// Runs the scenario, unless that has happened already, and says what it has shown.
pub(crate) fn passes(name: &str) {
    let told = outcome(name);
    let told = told.as_ref().unwrap_or_else(|| panic!("{name}: see above"));
    // Not by `eprintln`, which a test that passes does not show.
    let mut shown = told.lines.join("\n");
    shown.push('\n');
    let _ = std::io::stderr().lock().write_all(shown.as_bytes());
}

/// What the scenario has shown; `None`: it failed.
pub(crate) fn outcome(name: &str) -> &'static Option<Told> {
    static OUTCOMES: OnceLock<Vec<OnceLock<Option<Told>>>> = OnceLock::new();
    let outcomes = OUTCOMES.get_or_init(|| all().map(|_| OnceLock::new()).collect());
    let number = all().position(|s| s.name == name).expect("there is");
    outcomes[number].get_or_init(|| std::panic::catch_unwind(|| listen(name)).ok().flatten())
}

fn listen(name: &str) -> Option<Told> {
    let directory = directory();
    let path = directory.path().to_str().expect("an ASCII path");
    let child = Child::start("crash: drive", &[name, path]);
    let mut told = Told::default();
    let mut is_over = false;
    while !is_over {
        let said = child.try_hear()?;
        child::die_after(10 * PATIENCE);
        let (word, rest) = said.split_once(' ').unwrap_or((&said, ""));
        match word {
            "place" => {
                let (file, line) = rest.split_once(' ').expect("a file and a line");
                told.places.insert((file.to_owned(), line.parse().unwrap()));
            }
            "line" => told.lines.push(rest.to_owned()),
            "total" => {
                let (kills, stops) = rest.split_once(' ').expect("two numbers");
                (told.kills, told.stops) = (kills.parse().unwrap(), stops.parse().unwrap());
                is_over = true;
            }
            _ => {}
        }
    }
    child.succeed();
    Some(told)
}
