//! Every run of a contestant has a process of its own that drives it, so that whatever hangs or crashes in it ends with it.
//!
//! That process leads a process group of its own, in which its workers are. When its time is over, or the user ends the suite,
//! the whole group is killed. What it has to say comes back in a memfd, which never fills up and never blocks.

use crate::failure::{Failure, Kind};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, kill_process_group, pidfd_open, set_child_subreaper,
    set_parent_process_death_signal, setpgid, waitpgid, waitpid,
};
use rustix::time::Timespec;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The process that drives a run, seen from inside.
#[derive(Debug)]
pub struct Control {
    answer: File,
}

impl Control {
    /// Ends this process, and with it all threads that hang in it, with this failure as its answer.
    pub fn give_up(&self, failure: &Failure) -> ! {
        self.say(&Err::<(), _>(failure));
        exit(0)
    }

    fn say<T: Serialize>(&self, answer: &T) {
        // Without an answer the parent reports a crash.
        let mut file = BufWriter::new(&self.answer);
        let _ = serde_json::to_writer(&mut file, answer);
        let _ = file.flush();
    }
}

/// Ends the process at once, without the destructors of what it has inherited.
pub(crate) fn exit(status: i32) -> ! {
    // SAFETY: has no preconditions.
    unsafe { libc::_exit(status) }
}

/// A file in memory.
pub(crate) fn memory_file() -> File {
    File::from(memfd_create("ringpost-suite-answer", MemfdFlags::CLOEXEC).expect("memfd_create"))
}

/// Forks; `None` in the child.
pub(crate) fn fork() -> Option<Pid> {
    // SAFETY: the child runs only what its caller gives it and ends by `_exit`. glibc makes memory allocation work after a
    // fork of a process with threads, and nothing else is locked by another thread when the suite forks.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
    Pid::from_raw(pid)
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".into())
}

/// Runs `work` in a process of its own, for no longer than `limit`.
///
/// # Errors
///
/// The work's own, that it crashed or hung, or that `interrupted` was set.
pub fn run<T: Serialize + DeserializeOwned>(
    limit: Duration,
    interrupted: &AtomicBool,
    work: impl FnOnce(&Control) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // Workers whose parent was killed come to this process, which waits for them.
    set_child_subreaper(Some(rustix::process::getpid())).expect("prctl");
    let control = Control {
        answer: memory_file(),
    };
    let mut said = memory_file();
    let Some(child) = fork() else {
        play(&control, &said, work)
    };
    let group = Group(child);
    let _ = setpgid(Some(child), Some(child)); // the child does it too; whoever is first
    let ended = wait(child, Instant::now() + limit, interrupted);
    drop(group);
    ended.map_err(|kind| {
        let reason = match kind {
            Kind::Interrupted => "the suite was ended".into(),
            _ => format!("it did not end within {} s", limit.as_secs_f64()),
        };
        Failure::new(kind, reason)
    })?;
    let mut answer = control.answer;
    match serde_json::from_str(&text(&mut answer)) {
        Ok(answer) => answer,
        Err(_) => {
            let said = text(&mut said);
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            let reason = format!("it crashed: {}", last.unwrap_or("without a word"));
            Err(Failure::new(Kind::Crashed, reason))
        }
    }
}

fn play<T: Serialize>(
    control: &Control,
    said: &File,
    work: impl FnOnce(&Control) -> Result<T, Failure>,
) -> ! {
    let _ = setpgid(None, None);
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    // What libraries print is no part of the suite's output; its last line explains a crash.
    let _ = rustix::stdio::dup2_stdout(said);
    let _ = rustix::stdio::dup2_stderr(said);
    // Without a backtrace, which may take longer to make than anybody waits.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let done = catch_unwind(AssertUnwindSafe(|| work(control)));
    let answer = done.unwrap_or_else(|panic| {
        let reason = format!("it panicked: {}", panic_text(&*panic));
        Err(Failure::new(Kind::Crashed, reason))
    });
    control.say(&answer);
    exit(0)
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_end(&mut bytes));
    read.expect("a memfd can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for the end of the process, without polling: the processors belong to the workers.
fn wait(child: Pid, deadline: Instant, interrupted: &AtomicBool) -> Result<(), Kind> {
    let fd = pidfd_open(child, PidfdFlags::empty()).expect("pidfd_open");
    loop {
        if interrupted.load(Relaxed) {
            return Err(Kind::Interrupted);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Kind::Hung);
        }
        // A signal that comes between the look at the flag and the poll is seen a little later.
        let left = Timespec::try_from(left.min(Duration::from_millis(500))).expect("short");
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&left)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => panic!("poll: {error}"),
        }
    }
}

/// All processes of a run; dropping kills them and waits for them.
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = kill_process_group(self.0, Signal::KILL);
        let _ = waitpid(Some(self.0), WaitOptions::empty());
        // Its workers are this process's children now.
        while let Ok(Some(_)) = waitpgid(self.0, WaitOptions::empty()) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_it(work: impl FnOnce(&Control) -> Result<u32, Failure>) -> Result<u32, Failure> {
        run(Duration::from_millis(1500), &AtomicBool::new(false), work)
    }

    #[test]
    fn an_answer_comes_back() {
        assert_eq!(try_it(|_| Ok(7)), Ok(7));
        let failure = Failure::new(Kind::Unfit, "no room");
        assert_eq!(try_it(|_| Err(failure.clone())), Err(failure.clone()));
        assert_eq!(
            try_it(|control| control.give_up(&failure)),
            Err(failure.clone())
        );
    }

    #[test]
    fn what_hangs_is_killed_with_its_children() {
        let started = Instant::now();
        let failure = try_it(|_| {
            if fork().is_none() {
                std::thread::sleep(Duration::from_secs(60));
                exit(0)
            }
            loop {
                std::thread::sleep(Duration::from_secs(60));
            }
        })
        .unwrap_err();
        assert_eq!(failure.kind, Kind::Hung);
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "it was waited for"
        );
    }

    #[test]
    fn what_crashes_is_named() {
        let failure = try_it(|_| {
            // Not by a macro, whose output a test keeps to itself.
            let _ = std::io::stderr().write_all(b"its last words\n");
            std::process::abort()
        });
        assert_eq!(
            failure,
            Err(Failure::new(Kind::Crashed, "it crashed: its last words"))
        );
        let failure = try_it(|_| panic!("number {}", 3));
        assert_eq!(
            failure,
            Err(Failure::new(Kind::Crashed, "it panicked: number 3"))
        );
    }

    #[test]
    fn the_user_ends_it() {
        let failure = run(Duration::from_secs(60), &AtomicBool::new(true), |_| {
            std::thread::sleep(Duration::from_secs(60));
            Ok(())
        });
        assert_eq!(failure.unwrap_err().kind, Kind::Interrupted);
    }
}
