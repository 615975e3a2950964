//! `cargo xtask test`: every test of the project, step by step.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::bench;
use crate::fuzz;
use crate::project;
use crate::python;
use crate::tally::Tally;
use crate::tidy;

/// One step: its name in the summary, what it stands for, and how it is done.
struct Step {
    name: &'static str,
    heading: String,
    action: Action,
}

enum Action {
    Tidy,
    Cargo(Command),
    Fuzz,
    Python,
}

/// How long each fuzz target looks for something new.
const FUZZ_SECONDS: u32 = 10;

/// How a step ended.
pub(crate) enum Outcome {
    Passed(Duration),
    Failed(Duration),
    /// Ended before its time, as it was told to.
    Stopped(Duration),
    NotRun,
}

/// The steps, cheapest first, so that what can fail early does.
fn steps() -> Vec<Step> {
    let loom_target = project::target().join("loom");
    let mut loom = project::cargo(["test", "--release", "--package", "ringpost"]);
    loom.args(["--test", "loom", "--no-fail-fast", "--target-dir"])
        .arg(loom_target)
        .env(
            "RUSTFLAGS",
            with_flags(env::var_os("RUSTFLAGS"), "--cfg loom"),
        );
    let crash_target = project::target().join("crash");
    let mut crash = project::cargo(["test", "--package", "ringpost", "--test", "crash"]);
    crash
        .args(["--no-fail-fast", "--target-dir"])
        .arg(crash_target)
        .env(
            "RUSTFLAGS",
            with_flags(env::var_os("RUSTFLAGS"), "--cfg kill_points"),
        );
    vec![
        Step {
            name: "tidy",
            heading: "code, comments and documents agree".into(),
            action: Action::Tidy,
        },
        Step::cargo(
            "features",
            "everything builds without optional features",
            project::cargo(["check", "--workspace", "--all-targets"]),
        ),
        Step::cargo(
            "tests",
            "unit, integration and doc tests with all features",
            project::cargo(["test", "--workspace", "--all-features", "--no-fail-fast"]),
        ),
        Step {
            name: "python",
            heading: "the Python package, built, installed and tested on each Python from 3.9 to 3.13 in target/venv".into(),
            action: Action::Python,
        },
        Step::cargo(
            "suite",
            "the benchmark suite catches peers that lose, repeat, change or hang; without the peers that cost a build",
            bench::suite(&["test", "--no-fail-fast"]),
        ),
        Step::cargo(
            "exhaustive",
            "every interleaving of a model of the protocol, and its mutants",
            released("exhaustive"),
        ),
        Step::cargo(
            "single-step",
            "the optimised code, killed after each machine instruction",
            released("single_step"),
        ),
        Step::cargo(
            "loom",
            "the protocols under every interleaving (--cfg loom)",
            loom,
        ),
        Step {
            name: "fuzz",
            heading: format!("inputs found before, then {FUZZ_SECONDS} s for each fuzz target"),
            action: Action::Fuzz,
        },
        Step::cargo(
            "crash",
            "a kill and a stop at every step (--cfg kill_points)",
            crash,
        ),
        Step::cargo(
            "storm",
            "processes are killed at any moment while a ledger runs",
            project::storm(60, None),
        ),
    ]
}

/// A test program of the library, optimised. Its figures are shown.
fn released(test: &str) -> Command {
    let mut command = project::cargo(["test", "--release", "--package", "ringpost"]);
    command.args(["--no-fail-fast", "--test", test, "--", "--nocapture"]);
    command
}

/// The caller's compiler flags and `more`.
pub(crate) fn with_flags(flags: Option<OsString>, more: &str) -> OsString {
    let mut flags = flags.unwrap_or_default();
    if !flags.is_empty() {
        flags.push(" ");
    }
    flags.push(more);
    flags
}

impl Step {
    fn cargo(name: &'static str, what: &str, command: Command) -> Self {
        let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy()).collect();
        Self {
            name,
            heading: format!("{what}: cargo {}", arguments.join(" ")),
            action: Action::Cargo(command),
        }
    }

    /// Does the step and adds its tests to `sum`; true when it succeeded.
    fn run(self, sum: &mut Tally, shown: &mut (impl Write + Send)) -> Result<bool> {
        let (ok, mut tally) = match self.action {
            Action::Tidy => (tidy::run()?, Tally::default()),
            Action::Cargo(command) => stream(command, shown)?,
            Action::Fuzz => fuzz::run(FUZZ_SECONDS, &[], shown)?,
            Action::Python => python::test(shown)?,
        };
        if !ok && tally.failed == 0 {
            tally.failed = 1;
            writeln!(
                shown,
                "step {} failed, though none of its tests did: it counts as one failed",
                self.name
            )?;
        }
        *sum += tally;
        Ok(ok)
    }
}

/// Runs every step until one fails; true when none did.
pub(crate) fn run() -> Result<bool> {
    let mut sum = Tally::default();
    let mut rows = Vec::new();
    let mut good = true;
    for step in steps() {
        let name = step.name;
        if !good {
            rows.push((name, Outcome::NotRun));
            continue;
        }
        println!("\n== {name}: {}", step.heading);
        let start = Instant::now();
        good = step.run(&mut sum, &mut stdout())?;
        let took = start.elapsed();
        println!("== {name}: {:.1} s", took.as_secs_f64());
        let outcome = if good {
            Outcome::Passed(took)
        } else {
            Outcome::Failed(took)
        };
        rows.push((name, outcome));
    }
    print!("\n{}\n{sum}\n", summary(&rows));
    stdout().flush()?;
    Ok(good)
}

/// Runs a command, passes its output on to `shown` as it comes, and sums up the result lines in it.
pub(crate) fn stream(mut command: Command, shown: &mut impl Write) -> Result<(bool, Tally)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{:?} could not be started", command.get_program()))?;
    let output = child.stdout.take().context("the child has no output")?;
    let mut reader = BufReader::new(output);
    let mut tally = Tally::default();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        shown.write_all(&line)?;
        shown.flush()?;
        if let Some(result) = Tally::of_line(String::from_utf8_lossy(&line).trim_end()) {
            tally += result;
        }
        line.clear();
    }
    Ok((child.wait()?.success(), tally))
}

/// The table of steps, results and seconds.
pub(crate) fn summary(rows: &[(&str, Outcome)]) -> String {
    let mut table = format!("{:<12} {:<8} {:>8}\n", "step", "result", "seconds");
    for (name, outcome) in rows {
        let (result, seconds) = match outcome {
            Outcome::Passed(took) => ("passed", format!("{:.1}", took.as_secs_f64())),
            Outcome::Failed(took) => ("FAILED", format!("{:.1}", took.as_secs_f64())),
            Outcome::Stopped(took) => ("stopped", format!("{:.1}", took.as_secs_f64())),
            Outcome::NotRun => ("not run", "-".into()),
        };
        table.push_str(&format!("{name:<12} {result:<8} {seconds:>8}\n"));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    // What these commands print goes to a buffer: on the real output it would be counted.

    #[test]
    fn sums_up_what_a_command_prints_and_passes_it_on() {
        let line = "test result: ok. 2 passed; 0 failed; 0 ignored";
        let script = format!("echo '{line}'; echo other; echo '{line}'");
        let mut shown = Vec::new();
        let (ok, tally) = stream(shell(&script), &mut shown).unwrap();
        assert!(ok);
        assert_eq!(tally.to_string(), "4 passed, 0 failed");
        let shown = String::from_utf8(shown).unwrap();
        assert_eq!(shown, format!("{line}\nother\n{line}\n"));
    }

    #[test]
    fn a_step_that_dies_counts_as_one_failed() {
        let script = "echo 'test result: ok. 2 passed; 0 failed'; exit 3";
        let (mut sum, mut shown) = (Tally::default(), Vec::new());
        let step = Step::cargo("loom", "", shell(script));
        assert!(!step.run(&mut sum, &mut shown).unwrap());
        assert_eq!(sum.to_string(), "2 passed, 1 failed");
        assert!(
            String::from_utf8(shown)
                .unwrap()
                .contains("step loom failed")
        );
    }

    #[test]
    fn a_step_that_names_its_failures_counts_them_only() {
        let script = "echo 'test result: FAILED. 2 passed; 3 failed'; exit 101";
        let mut sum = Tally::default();
        let step = Step::cargo("tests", "", shell(script));
        assert!(!step.run(&mut sum, &mut Vec::new()).unwrap());
        assert_eq!(sum.to_string(), "2 passed, 3 failed");
    }

    #[test]
    fn keeps_the_callers_compiler_flags() {
        assert_eq!(with_flags(None, "--cfg loom"), "--cfg loom");
        assert_eq!(
            with_flags(Some("-C debuginfo=1".into()), "--cfg loom"),
            "-C debuginfo=1 --cfg loom"
        );
    }

    #[test]
    fn the_summary_names_what_was_not_run() {
        let rows = [
            ("tests", Outcome::Failed(Duration::from_millis(1250))),
            ("loom", Outcome::NotRun),
        ];
        let table = summary(&rows);
        assert!(
            table.contains("tests        FAILED        1.2\n"),
            "{table}"
        );
        assert!(
            table.contains("loom         not run         -\n"),
            "{table}"
        );
    }
}
