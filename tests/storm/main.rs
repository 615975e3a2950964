//! The storm: processes put and get, and are killed at any moment, while a ledger runs that no kill can change.
//!
//! Without arguments it is short. `--seconds N` or `--kills N` make it as long as wanted, and `--seed N` repeats the choices
//! of an earlier one: who is killed, when, and what everybody does; not how the kernel lets them run.
//!
//! It has a harness of its own (`harness = false`), which runs everything in the main thread: a process with several
//! threads cannot be forked and go on as if nothing had happened.

#[path = "../common/mod.rs"]
mod common;

mod consumer;
mod crew;
mod item;
mod latency;
mod ledger;
mod pauses;
mod player;
mod producer;
mod round;
mod shape;
mod storm;
mod totals;
mod verdict;
mod words;

use libtest_mimic::{Arguments, Completion, Trial};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// No role: all children are forks.
const ROLES: &[&[common::child::Role]] = &[];

/// What the tests have measured: shown at the end.
static FIGURES: Mutex<String> = Mutex::new(String::new());

fn figures() -> MutexGuard<'static, String> {
    FIGURES.lock().unwrap_or_else(|broken| broken.into_inner())
}

fn show(text: &str) {
    figures().push_str(text);
}

/// How long the tests are to be.
#[derive(Clone, Copy, Default)]
struct Length {
    seconds: Option<u64>,
    kills: Option<u64>,
}

fn main() {
    let mut length = Length::default();
    let mut seed = None;
    let mut others = Vec::new();
    let mut arguments = std::env::args();
    while let Some(argument) = arguments.next() {
        let own = match argument.as_str() {
            "--seconds" => &mut length.seconds,
            "--kills" => &mut length.kills,
            "--seed" => &mut seed,
            _ => {
                others.push(argument);
                continue;
            }
        };
        let value = arguments.next().and_then(|value| value.parse().ok());
        *own = Some(value.unwrap_or_else(|| panic!("{argument} takes a number")));
    }
    let mut arguments = Arguments::from_iter(others);
    arguments.test_threads = Some(1);
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 20 ^ clock() >> 10);
    if !arguments.list {
        println!("storm: seed {seed}; the same choices again: --seed {seed}");
    }
    // Ctrl-C ends it as if the time were over, and cleanly; the second one at once.
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let again = Arc::clone(&interrupted);
        signal_hook::flag::register_conditional_default(signal, again).expect("a handler");
        let first = Arc::clone(&interrupted);
        signal_hook::flag::register(signal, first).expect("a handler");
    }
    let stopped = Arc::clone(&interrupted);
    let storm = move || {
        storm::play(length, seed, &stopped);
        Ok(())
    };
    let mut tests = vec![Trial::test("a_storm_of_kills_loses_nothing", storm)];
    let samples = match (length.seconds, length.kills) {
        (None, None) => 8,
        _ => 60,
    };
    for (name, test) in latency::TESTS {
        let stopped = Arc::clone(&interrupted);
        let test = move || {
            if stopped.load(Ordering::Relaxed) {
                return Ok(Completion::ignored_with("interrupted"));
            }
            test(samples);
            Ok(Completion::Completed)
        };
        tests.push(Trial::ignorable_test(*name, test));
    }
    let conclusion = libtest_mimic::run(&arguments, tests);
    print!("{}", figures());
    conclusion.exit();
}

/// The monotonic clock in nanoseconds, the same for all processes.
fn clock() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
