//! Python's queues and the Python package: measured by a program of Python, whose figures are added to the others.

use crate::results::{Contestant, Figure, LeftOut, Place, Role};
use crate::rounds::{Measured, Watcher};
use anyhow::{Context, Result, ensure};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::time::Timespec;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// The interpreter that has the packages.
pub const INTERPRETER: &str = "RINGPOST_SUITE_PYTHON";
/// Why there is none.
pub const REASON: &str = "RINGPOST_SUITE_NO_PYTHON";
/// How the names of its measurements begin.
pub const PREFIX: &str = "python";

/// What the program prints.
#[derive(Debug, Deserialize)]
struct Found {
    figures: Vec<Figure>,
    left_out: Vec<LeftOut>,
    /// By contestant, and `Python` itself.
    versions: BTreeMap<String, String>,
}

/// How long so many rounds take, about.
pub fn time(quick: bool, rounds: usize) -> Duration {
    let round = Duration::from_millis(if quick { 12_000 } else { 24_000 });
    round * rounds as u32
}

/// Measures in this many rounds, only what has `pattern` in its name, and adds what was found.
///
/// # Errors
///
/// Why there is nothing.
pub fn run(
    quick: bool,
    rounds: usize,
    pattern: &str,
    interrupted: &AtomicBool,
    watcher: &mut impl Watcher,
    measured: &mut Measured,
) -> Result<Vec<Contestant>> {
    let interpreter = std::env::var_os(INTERPRETER).with_context(|| {
        let reason = std::env::var(REASON)
            .ok()
            .filter(|reason| !reason.is_empty());
        reason.unwrap_or_else(|| format!("no interpreter was named by {INTERPRETER}"))
    })?;
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/peers.py");
    let mut command = Command::new(interpreter);
    command
        .arg(program)
        .args(["--rounds", &rounds.to_string(), "--only", pattern])
        .args(quick.then_some("--quick"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = command.spawn().context("Python could not be started")?;
    let said = follow(child, interrupted, watcher)?;
    let found: Found = serde_json::from_str(&said).context("the program of Python has failed")?;
    let role = |name: &str| match name {
        "ringpost" | "ringpost Pipe" => Role::Ours,
        _ => Role::Peer,
    };
    let versions = found.versions.iter();
    let contestants = versions
        .filter(|(name, _)| found.figures.iter().any(|figure| figure.peer == **name))
        .map(|(name, version)| Contestant {
            name: name.clone(),
            version: version.clone(),
            role: role(name),
            place: Place::Python,
            note: String::new(),
            claims_before_writing: false,
            locks: false,
        });
    let contestants = contestants.collect();
    measured.figures.extend(found.figures);
    measured.left_out.extend(found.left_out);
    Ok(contestants)
}

/// The program and its children; dropping kills them.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.0.id() as i32);
        let _ = kill_process_group(group.expect("a child has a number"), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// Shows what the program says it does, and returns what it prints at its end.
fn follow(child: Child, interrupted: &AtomicBool, watcher: &mut impl Watcher) -> Result<String> {
    let mut group = Group(child);
    let mut errors = group.0.stderr.take().context("it has no stderr")?;
    let mut output = group.0.stdout.take().context("it has no stdout")?;
    let mut said = Vec::new();
    let half = Timespec::try_from(Duration::from_millis(500)).expect("short");
    loop {
        ensure!(!interrupted.load(Relaxed), "the suite was ended");
        match poll(&mut [PollFd::new(&errors, PollFlags::IN)], Some(&half)) {
            Ok(0) | Err(Errno::INTR) => continue,
            result => result.context("waiting for Python")?,
        };
        let mut bytes = [0; 4096];
        let got = errors
            .read(&mut bytes)
            .context("reading what Python says")?;
        if got == 0 {
            break;
        }
        said.extend_from_slice(&bytes[..got]);
        while let Some(end) = said.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = said.drain(..=end).collect();
            tell(String::from_utf8_lossy(&line).trim_end(), watcher);
        }
    }
    let mut text = String::new();
    output
        .read_to_string(&mut text)
        .context("reading what Python found")?;
    Ok(text)
}

/// `python/NAME: CONTESTANT, round 1 of 7`; what is indented is a failure, which the results have as well.
fn tell(line: &str, watcher: &mut impl Watcher) {
    let parts = line.split_once(": ").and_then(|(name, rest)| {
        let (contestant, round) = rest.rsplit_once(", round ")?;
        let number = round.split(' ').next()?.parse::<usize>().ok()?;
        Some((number.checked_sub(1)?, name, contestant))
    });
    match parts {
        Some((round, name, contestant)) if name.starts_with(PREFIX) => {
            watcher.begins(round, name, contestant);
        }
        _ => watcher.says(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Lines(Vec<String>);

    impl Watcher for Lines {
        fn begins(&mut self, round: usize, measurement: &str, contestant: &str) {
            self.0.push(format!("{round} {measurement} {contestant}"));
        }
        fn ended(&mut self, _: Duration) {}
        fn says(&mut self, line: &str) {
            self.0.push(line.into());
        }
    }

    fn shell(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).process_group(0);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    #[test]
    fn what_it_does_is_shown_and_what_it_found_comes_back() {
        let mut lines = Lines::default();
        let script = "echo 'python/batches/tuple: faster-fifo, round 2 of 7' >&2; echo '  it hung' >&2; echo '{}'";
        let said = follow(shell(script), &AtomicBool::new(false), &mut lines);
        assert_eq!(said.unwrap(), "{}\n");
        let expected = ["1 python/batches/tuple faster-fifo", "  it hung"];
        assert_eq!(lines.0, expected);
    }

    #[test]
    fn the_user_ends_it() {
        let ended = follow(
            shell("sleep 60"),
            &AtomicBool::new(true),
            &mut Lines::default(),
        );
        assert!(ended.unwrap_err().to_string().contains("ended"));
    }
}
