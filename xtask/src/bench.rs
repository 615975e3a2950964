//! `cargo xtask bench`: builds the benchmark suite with every peer that can be built, and becomes it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{project, python};

/// What the suite is told of peers that could not be built: lines of a feature, a tab and a reason.
const LEFT_OUT: &str = "RINGPOST_PEERS_LEFT_OUT";

/// The interpreter that measures Python's queues, or why there is none.
const PYTHON: &str = "RINGPOST_SUITE_PYTHON";
const NO_PYTHON: &str = "RINGPOST_SUITE_NO_PYTHON";

/// Builds the suite and runs it. Returns only if that fails.
pub(crate) fn run(arguments: &[OsString]) -> Result<bool> {
    let wanted = peers()?;
    if !build(&wanted, "").status().is_ok_and(|s| s.success()) {
        without_broken(&wanted)?;
    }
    let program = project::target().join("suite/release/ringpost-suite");
    let mut suite = Command::new(&program);
    suite.args(arguments);
    match python::with_peers() {
        Ok(interpreter) => suite.env(PYTHON, interpreter),
        Err(error) => suite.env(NO_PYTHON, format!("{error:#}")),
    };
    // In the place of this process: Ctrl-C is the suite's.
    let error = suite.exec();
    Err(error).with_context(|| format!("{} could not be started", program.display()))
}

/// Builds the suite with the peers that can be built, of which some cannot.
fn without_broken(wanted: &[String]) -> Result<()> {
    let mut good = Vec::new();
    let mut reasons = String::new();
    for peer in wanted {
        eprintln!("trying {peer} alone");
        let output = build(std::slice::from_ref(peer), "")
            .stderr(Stdio::piped())
            .output()
            .context("cargo could not be started")?;
        if output.status.success() {
            good.push(peer.clone());
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            let reason = reason(&said);
            eprintln!("{peer} is left out: {reason}");
            reasons += &format!("{peer}\tit does not build: {reason}\n");
        }
    }
    let status = build(&good, &reasons).status();
    if !status.context("cargo could not be started")?.success() {
        bail!("the suite does not build");
    }
    Ok(())
}

/// The first error that a build names.
fn reason(said: &str) -> &str {
    let errors = said.lines().filter(|line| line.starts_with("error"));
    let first = errors.map(|line| line.split_once(": ").map_or(line, |(_, text)| text));
    first.map(str::trim).next().unwrap_or("without a word")
}

/// The cargo command that builds the suite with these peers, in a build folder of its own.
fn build(peers: &[String], left_out: &str) -> Command {
    let mut command = suite(&["build", "--release", "--package", "ringpost-suite"]);
    if !peers.is_empty() {
        let peers = peers.iter().map(|peer| format!("ringpost-peers/{peer}"));
        let features: Vec<_> = peers.collect();
        command.arg("--features").arg(features.join(","));
    }
    command.env(LEFT_OUT, left_out);
    command
}

/// A cargo command of the suite's workspace.
pub(crate) fn suite(arguments: &[&str]) -> Command {
    let mut command = project::cargo(arguments);
    command
        .args(["--manifest-path", "benches/Cargo.toml", "--target-dir"])
        .arg(project::target().join("suite"));
    command
}

/// The features that stand for peers: what the feature `all` of the adapters' package consists of.
fn peers() -> Result<Vec<String>> {
    let path = project::root().join("benches/peers/Cargo.toml");
    let manifest = fs::read_to_string(&path);
    let manifest = manifest.with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(all(&manifest))
}

fn all(manifest: &str) -> Vec<String> {
    let list = manifest.split("\nall = [").nth(1).unwrap_or_default();
    let list = list.split(']').next().unwrap_or_default();
    let names = list.split('"').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peers_are_what_all_consists_of() {
        let manifest =
            "[features]\nall = [\n  \"flume\",\n  \"shaq\",\n]\nflume = [\"dep:flume\"]\n";
        assert_eq!(all(manifest), ["flume", "shaq"]);
        assert!(all("[features]\n").is_empty());
    }

    #[test]
    fn a_build_that_fails_has_a_reason() {
        let said =
            "   Compiling x\nwarning: y\nerror[E0308]: mismatched types\n  --> z\nerror: other\n";
        assert_eq!(reason(said), "mismatched types");
        assert_eq!(reason(""), "without a word");
    }
}
