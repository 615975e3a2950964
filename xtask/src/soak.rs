//! `cargo xtask soak`: the long forms of the tests, one after the other.

use std::env;
use std::io::stdout;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::project;
use crate::tally::Tally;
use crate::test::{Outcome, stream, summary, with_flags};

/// What the tests look at to take their long forms.
const SOAK: &str = "RINGPOST_SOAK";

/// A storm of so many minutes, then the tests of every step. One that fails does not stop the others; true when none did.
pub(crate) fn run(minutes: u64, seed: Option<u64>) -> Result<bool> {
    // The programs that run get the terminal's Ctrl-C as well and come to their ends; this one waits for them.
    let stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second signal ends this program at once.
        flag::register_conditional_default(signal, Arc::clone(&stopped))
            .and_then(|_| flag::register(signal, Arc::clone(&stopped)))
            .context("a signal handler could not be set")?;
    }
    let mut sum = Tally::default();
    let mut rows = Vec::new();
    for (name, command) in programs(minutes, seed) {
        if stopped.load(Ordering::Relaxed) {
            rows.push((name, Outcome::NotRun));
            continue;
        }
        println!("\n== {name}");
        let start = Instant::now();
        let (ok, mut tally) = stream(command, &mut stdout())?;
        let took = start.elapsed();
        let outcome = if stopped.load(Ordering::Relaxed) && tally.failed == 0 {
            Outcome::Stopped(took)
        } else if ok {
            Outcome::Passed(took)
        } else {
            // One that dies without a word counts as well.
            tally.failed = tally.failed.max(1);
            Outcome::Failed(took)
        };
        sum += tally;
        rows.push((name, outcome));
    }
    println!("\n{}\n{sum}", summary(&rows));
    Ok(sum.failed == 0)
}

/// The test programs that there are, the one with a given time first.
fn programs(minutes: u64, seed: Option<u64>) -> Vec<(&'static str, Command)> {
    let test = |name, profile: &[&str]| {
        let mut command = project::cargo(["test", "--package", "ringpost", "--no-fail-fast"]);
        command.args(profile).args(["--test", name]);
        command
    };
    let mut crash = test("crash", &[]);
    let flags = with_flags(env::var_os("RUSTFLAGS"), "--cfg kill_points");
    crash
        .arg("--target-dir")
        .arg(project::target().join("crash"))
        .env("RUSTFLAGS", flags);
    let all = [
        ("storm", project::storm(60 * minutes, seed)),
        ("crash", crash),
        ("single_step", test("single_step", &["--release"])),
        ("exhaustive", test("exhaustive", &["--release"])),
    ];
    all.into_iter()
        .filter(|(name, _)| exists(name))
        .map(|(name, mut command)| {
            command.env(SOAK, "1");
            (name, command)
        })
        .collect()
}

fn exists(test: &str) -> bool {
    let tests = project::root().join("tests");
    tests.join(test).join("main.rs").exists() || tests.join(format!("{test}.rs")).exists()
}
