//! Processes that are no children of the test: found by their parents, and killed without a mistake.

use super::{Running, Signal, eventually};
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

/// A process, as `/proc` has shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
    /// With its number, this is nobody else's.
    pub started: u64,
    /// Its arguments, separated by NUL.
    pub arguments: String,
}

impl Process {
    /// The process of this number; ended ones count as gone.
    pub fn find(pid: i32) -> Option<Process> {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let end = stat.iter().rposition(|&byte| byte == b')')?;
        let rest = std::str::from_utf8(&stat[end + 1..]).ok()?;
        let mut fields = rest.split_whitespace();
        let alive = !matches!(fields.next()?, "Z" | "X");
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let started = fields.nth(16)?.parse().ok()?;
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        alive.then_some(Process {
            pid,
            parent,
            group,
            started,
            arguments,
        })
    }

    pub fn children(pid: i32) -> Vec<Process> {
        children(&Process::all(), pid)
    }

    pub fn all() -> Vec<Process> {
        let all = std::fs::read_dir("/proc").expect("it is there");
        let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter_map(Process::find).collect()
    }

    /// Sends it a signal, unless it is gone: its number may be another one's by now.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid).expect("not 0");
        if let Ok(fd) = pidfd_open(pid, PidfdFlags::empty())
            && !self.is_gone()
        {
            let _ = pidfd_send_signal(fd, signal);
        }
    }

    pub fn is_gone(&self) -> bool {
        Process::find(self.pid).is_none_or(|now| now.started != self.started)
    }

    /// A launcher that has no job yet.
    pub fn is_launcher(&self) -> bool {
        self.arguments.contains("\0work-launch\0")
    }

    pub fn is_guard(&self) -> bool {
        self.arguments.contains("\0work-guard\0")
    }
}

/// Those of `all` with this parent.
pub fn children(all: &[Process], pid: i32) -> Vec<Process> {
    let children = all.iter().filter(|process| process.parent == pid);
    children.cloned().collect()
}

/// What runs under a guard.
pub fn commands(guard: &Process) -> Vec<Process> {
    let mut children = Process::children(guard.pid);
    children.retain(|process| !process.is_launcher());
    children
}

/// Waits until a worker's only guard is there.
pub fn guard(worker: &Running) -> Process {
    let mut found = Vec::new();
    eventually("a guard is there", || {
        found = Process::children(worker.0.id() as i32);
        found.retain(Process::is_guard);
        found.len() == 1
    });
    found.remove(0)
}
