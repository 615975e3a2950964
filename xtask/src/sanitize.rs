//! `cargo xtask sanitize`: the tests of one process under AddressSanitizer (with leaks) and ThreadSanitizer.
//!
//! The stable compiler has both behind `RUSTC_BOOTSTRAP=1`. The standard library stays as it comes, without their
//! instrumentation: rebuilding it would need its sources. So
//!
//! * ThreadSanitizer takes some of the standard library's own hand-overs for races. Each kind has a line with its
//!   reason in `suppressions/thread.supp`, as narrow as it can be; none is about the ring.
//! * It neither understands fences nor sees that two mappings are the same memory. What it checks is therefore the
//!   threads that share one handle, and what their payloads rest on: the orderings of the words. Fences are loom's.
//!
//! Reports go to files, so that those of child processes are found as well. A finding is a report; a test that fails
//! counts as one that failed.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::stdout;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::project;
use crate::tally::Tally;
use crate::test::{stream, with_flags};

/// A sanitizer: as the compiler calls it, its runtime in the toolchain, the compiler's flags, the variable with its
/// options, and the tests that it runs.
struct Sanitizer {
    name: &'static str,
    runtime: &'static str,
    flags: &'static str,
    options: &'static str,
    tests: &'static [&'static str],
}

const SANITIZERS: [Sanitizer; 2] = [
    Sanitizer {
        name: "address",
        runtime: "asan",
        flags: "-Zsanitizer=address",
        options: "ASAN_OPTIONS",
        tests: &["api", "open"],
    },
    Sanitizer {
        name: "thread",
        runtime: "tsan",
        flags: "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer",
        options: "TSAN_OPTIONS",
        // In the tests of opening no two threads use one handle, and their time limits are not made for this.
        tests: &["api"],
    },
];

/// Runs the tests under each sanitizer; true when there was no finding, no failed test, and a toolchain that can.
pub(crate) fn run() -> Result<bool> {
    let host = host()?;
    let mut lines = Vec::new();
    let mut good = true;
    for sanitizer in &SANITIZERS {
        println!("\n== {}: {}", sanitizer.name, sanitizer.flags);
        if !sanitizer.is_in(&host)? {
            lines.push(format!(
                "{:<8} NOT RUN: this toolchain has no {} for {host}",
                sanitizer.name, sanitizer.runtime
            ));
            good = false;
            continue;
        }
        let (ok, tally, reports) = sanitizer.test(&host)?;
        for report in &reports {
            println!("{report}");
        }
        good &= ok && reports.is_empty();
        lines.push(format!(
            "{:<8} {tally}, {} findings{}",
            sanitizer.name,
            reports.len(),
            if ok || !reports.is_empty() || tally.failed > 0 {
                ""
            } else {
                ": BROKEN, see above"
            }
        ));
    }
    println!("\n{}", lines.join("\n"));
    Ok(good)
}

impl Sanitizer {
    /// Does the toolchain have this sanitizer's runtime?
    fn is_in(&self, host: &str) -> Result<bool> {
        let libraries = PathBuf::from(output(rustc().args([
            "--print",
            "target-libdir",
            "--target",
            host,
        ]))?);
        let suffix = format!("_rt.{}.a", self.runtime);
        let mut names = fs::read_dir(&libraries)
            .with_context(|| format!("{} cannot be read", libraries.display()))?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.any(|name| name.ends_with(&suffix)))
    }

    /// Builds and runs the tests. Says whether that succeeded, what they counted, and what the sanitizer reported.
    fn test(&self, host: &str) -> Result<(bool, Tally, Vec<String>)> {
        let target = project::target().join("sanitize").join(self.name);
        let reports = target.join("reports");
        if reports.exists() {
            fs::remove_dir_all(&reports).context("the last reports cannot be removed")?;
        }
        fs::create_dir_all(&reports).context("no folder for the reports")?;
        let mut command = project::cargo(["test", "--package", "ringpost", "--no-fail-fast"]);
        for test in self.tests {
            command.args(["--test", test]);
        }
        // With a target, even if it is the host's own, build scripts and macros are built without the sanitizer.
        command
            .args(["--target", host, "--target-dir"])
            .arg(&target)
            .env("RUSTC_BOOTSTRAP", "1")
            .env(
                "RUSTFLAGS",
                with_flags(env::var_os("RUSTFLAGS"), self.flags),
            )
            .env(self.options, self.runtime_options(&reports));
        let (ok, tally) = stream(command, &mut stdout())?;
        Ok((ok, tally, read_reports(&reports)?))
    }

    fn runtime_options(&self, reports: &Path) -> OsString {
        let mut options: OsString =
            format!("log_path='{}'", reports.join("report").display()).into();
        if self.name == "thread" {
            let suppressions = project::root().join("xtask/suppressions/thread.supp");
            options.push(format!(":suppressions='{}'", suppressions.display()));
        }
        options
    }
}

/// The reports in the files of all processes. One file may hold several.
fn read_reports(folder: &Path) -> Result<Vec<String>> {
    let mut reports = Vec::new();
    for entry in fs::read_dir(folder).context("the reports cannot be read")? {
        let bytes = fs::read(entry?.path()).context("a report cannot be read")?;
        reports.extend(split(&String::from_utf8_lossy(&bytes)));
    }
    Ok(reports)
}

/// Every report of a log, from the line that names its sanitizer on.
fn split(log: &str) -> Vec<String> {
    let mut reports: Vec<String> = Vec::new();
    for line in log.lines() {
        let begins = [
            "WARNING: ThreadSanitizer:",
            "ERROR: AddressSanitizer:",
            "ERROR: LeakSanitizer:",
        ];
        if begins.iter().any(|begin| line.contains(begin)) {
            reports.push(String::new());
        }
        if let Some(report) = reports.last_mut() {
            report.push_str(line);
            report.push('\n');
        }
    }
    reports
}

fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// The target that this toolchain builds for by itself.
fn host() -> Result<String> {
    let version = output(rustc().arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.into())
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().context("rustc could not be started")?;
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_report_of_a_log_counts() {
        let log = "==================\nWARNING: ThreadSanitizer: data race (pid=1)\n  Write\n\
                   ==================\nWARNING: ThreadSanitizer: data race (pid=1)\n  Read\n";
        assert_eq!(split(log).len(), 2);
        assert!(split(log)[1].ends_with("  Read\n"));
        assert_eq!(
            split("==7==ERROR: LeakSanitizer: detected memory leaks\n").len(),
            1
        );
        assert_eq!(split("ThreadSanitizer: reported 0 warnings\n").len(), 0);
    }

    #[test]
    fn every_suppression_has_its_reason_above_it() {
        let text =
            fs::read_to_string(project::root().join("xtask/suppressions/thread.supp")).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for (above, line) in lines.iter().zip(&lines[1..]) {
            let suppresses = !line.is_empty() && !line.starts_with('#');
            assert!(!suppresses || !above.is_empty(), "{line}");
        }
    }
}
