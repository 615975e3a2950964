//! `cargo xtask fuzz`: replays what fuzzing has found before, then lets each target look for more.
//!
//! The targets are built as cargo-fuzz builds them, by this cargo alone: nothing is installed, and the first build takes half
//! as long. cargo-fuzz works too, for what is done by hand (`cargo fuzz tmin`, `cmin`, `coverage`).

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::project;
use crate::tally::Tally;
use crate::test::stream;

/// Coverage that libFuzzer can read, AddressSanitizer, debug assertions, and the steps at which the targets kill and scribble.
const FLAGS: &str = "--cfg fuzzing --cfg kill_points -Zsanitizer=address -Cdebug-assertions \
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// An input that takes so long hangs, even on a busy machine. Endless loops are found sooner, by their steps.
const HANG_SECONDS: u32 = 30;

/// What a target has done.
#[derive(Debug, PartialEq, Eq)]
struct Figures {
    executions: u64,
    coverage: u64,
}

/// Runs `wanted`, or every target if that is empty, for `seconds` each. Says whether all was good, and counts each target as
/// one test.
pub(crate) fn run(
    seconds: u32,
    wanted: &[String],
    shown: &mut impl Write,
) -> Result<(bool, Tally)> {
    let targets = choose(targets()?, wanted)?;
    let (good, mut tally) = stream(replay(), shown)?;
    if !good {
        return Ok((false, tally));
    }
    let host = host()?;
    let mut build = build(&host);
    let status = build.status().context("cargo could not be started")?;
    ensure!(
        status.success(),
        "the targets do not build: libFuzzer needs a C++ compiler"
    );
    let mut table = format!(
        "{:<12} {:>12} {:>10} {:>8}\n",
        "target", "executions", "coverage", "result"
    );
    for target in &targets {
        writeln!(shown, "{target}: {seconds} s")?;
        let (good, output) = fuzz(target, &host, seconds)?;
        if good {
            tally.passed += 1;
        } else {
            tally.failed += 1;
            // Without the news of its progress, of which there are thousands.
            for line in output.lines().filter(|line| !line.starts_with('#')) {
                writeln!(shown, "{line}")?;
            }
        }
        let Figures {
            executions,
            coverage,
        } = figures(&output);
        let result = if good { "passed" } else { "FAILED" };
        table += &format!("{target:<12} {executions:>12} {coverage:>10} {result:>8}\n");
    }
    write!(shown, "\n{table}")?;
    if tally.failed > 0 {
        let advice = "a failed input lies in fuzz/artifacts: fix the cause, make it small (cargo fuzz tmin), and keep it in \
                      fuzz/regressions";
        writeln!(shown, "{advice}")?;
    }
    Ok((tally.failed == 0, tally))
}

/// The targets there are.
fn targets() -> Result<Vec<String>> {
    let folder = project::root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("{} is missing", folder.display()))?
    {
        let path = entry?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into()));
    }
    names.sort();
    Ok(names)
}

fn choose(targets: Vec<String>, wanted: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = wanted.iter().find(|name| !targets.contains(name)) {
        bail!(
            "there is no target {unknown}: there are {}",
            targets.join(", ")
        );
    }
    Ok(if wanted.is_empty() {
        targets
    } else {
        wanted.to_vec()
    })
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = project::cargo(arguments);
    command
        .args(["--manifest-path", "fuzz/Cargo.toml", "--target-dir"])
        .arg(project::target().join("fuzz"));
    command
}

/// The committed inputs, without the fuzzer.
fn replay() -> Command {
    let mut command = cargo(&["test", "--no-default-features"]);
    command.env("RUSTFLAGS", "--cfg kill_points");
    command
}

fn build(host: &str) -> Command {
    let mut command = cargo(&["build", "--release", "--bins", "--target", host]);
    // The sanitizer is behind an unstable flag, of this compiler or any other.
    command.env("RUSTFLAGS", FLAGS).env("RUSTC_BOOTSTRAP", "1");
    command
}

/// The machine that the compiler runs on, as it calls it.
fn host() -> Result<String> {
    let program = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("-vV").output();
    let output = output.context("rustc could not be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

/// One target's run, and what it has printed.
fn fuzz(target: &str, host: &str, seconds: u32) -> Result<(bool, String)> {
    let folder = project::root().join("fuzz");
    let within = |kind: &str| -> Result<_> {
        let path = folder.join(kind).join(target);
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(path)
    };
    let mut artifacts = OsString::from("-artifact_prefix=");
    artifacts.push(within("artifacts")?.join(""));
    let program = project::target().join("fuzz").join(host);
    let mut command = Command::new(program.join("release").join(target));
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={HANG_SECONDS}"))
        .arg("-print_final_stats=1")
        .arg(artifacts)
        .arg(within("corpus")?);
    // New inputs go into the first folder; these are only read.
    let more = ["seeds", "regressions"].map(|kind| folder.join(kind).join(target));
    command.args(more.iter().filter(|path| Path::is_dir(path)));
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{target} could not be started"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status.success(), said))
}

/// What libFuzzer says of its run: `#8192 NEW cov: 3264 ft: …` and `stat::number_of_executed_units: 30234`.
fn figures(output: &str) -> Figures {
    let number = |text: &str| {
        let word = text.split_whitespace().next();
        word.and_then(|word| word.parse().ok()).unwrap_or(0)
    };
    let after = |mark: &str| {
        let last = output.lines().rev();
        last.filter_map(|line| line.split_once(mark))
            .map(|(_, rest)| number(rest))
            .next()
            .unwrap_or(0)
    };
    Figures {
        executions: after("stat::number_of_executed_units:"),
        coverage: after(" cov: "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_libfuzzer_says() {
        let output = "#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 40Mb\n\
                      #999\tNEW    cov: 3264 ft: 7944 corp: 587/7649b lim: 21 exec/s: 603\n\
                      #35477\tDONE   cov: 3270 ft: 7957\nDone 35477 runs in 62 second(s)\n\
                      stat::number_of_executed_units: 35477\nstat::average_exec_per_sec:     572\n";
        let expected = Figures {
            executions: 35477,
            coverage: 3270,
        };
        assert_eq!(figures(output), expected);
        let nothing = Figures {
            executions: 0,
            coverage: 0,
        };
        assert_eq!(figures("it died\n"), nothing);
    }

    #[test]
    fn runs_what_is_wanted() {
        let all = || vec!["decode".to_owned(), "ops".to_owned()];
        assert_eq!(choose(all(), &[]).unwrap(), all());
        assert_eq!(choose(all(), &["ops".to_owned()]).unwrap(), ["ops"]);
        let error = choose(all(), &["opps".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no target opps: there are decode, ops"
        );
    }
}
