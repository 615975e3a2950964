//! The guards that a worker has, as the worker sees them.

use super::channel::{Channel, End, Job};
use super::{guard, orphans};
use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, waitid, waitpid};
use std::ffi::OsString;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All guards of this worker.
#[derive(Debug)]
pub(super) struct Guards {
    command: Vec<OsString>,
    /// Also keeps a new guard from being taken for a process that a dead one has left.
    living: Mutex<Living>,
}

#[derive(Debug, Default)]
struct Living {
    guards: Vec<Guard>,
    /// No more are started.
    ended: bool,
}

/// One guard, which has one job at a time.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pid: Pid,
    channel: Arc<Channel>,
}

impl Guards {
    pub(super) fn new(command: Vec<OsString>) -> Guards {
        let living = Mutex::default();
        Guards { command, living }
    }

    /// Starts one; `None` after [`end_all`](Self::end_all).
    pub(super) fn start(&self) -> io::Result<Option<Guard>> {
        let mut living = self.living();
        if living.ended {
            return Ok(None);
        }
        let (ours, theirs) = Channel::pair()?;
        let guard = Guard {
            pid: guard::start("work-guard", &self.command, theirs)?,
            channel: Arc::new(ours),
        };
        living.guards.push(guard.clone());
        Ok(Some(guard))
    }

    /// There is no more work for this one. What its commands have left in the background goes on.
    pub(super) fn dismiss(&self, guard: Guard) -> io::Result<()> {
        // One that is gone needs no leave.
        let _ = guard.channel.leave();
        self.reap(&guard)
    }

    /// Waits for the end of one whose channel has ended, and kills all that it has left.
    pub(super) fn bury(&self, guard: Guard) -> io::Result<()> {
        self.reap(&guard)?;
        orphans::end_all(|| {
            let living = self.living();
            let keep: Vec<Pid> = living.guards.iter().map(|guard| guard.pid).collect();
            orphans::round(&keep)
        })
    }

    /// Has every guard kill its command, and end; no new one starts.
    pub(super) fn end_all(&self) {
        let mut living = self.living();
        living.ended = true;
        for guard in &living.guards {
            // One that is gone has ended already.
            let _ = shutdown(guard.channel.fd(), Shutdown::Both);
        }
    }

    pub(super) fn have_ended(&self) -> bool {
        self.living().ended
    }

    fn reap(&self, guard: &Guard) -> io::Result<()> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(errno) = waitid(WaitId::Pid(guard.pid), options) {
            if errno != Errno::INTR {
                return Err(errno.into());
            }
        }
        // Off the list before its number is free for another process.
        let mut living = self.living();
        living.guards.retain(|other| other.pid != guard.pid);
        waitpid(Some(guard.pid), WaitOptions::empty())?;
        Ok(())
    }

    fn living(&self) -> MutexGuard<'_, Living> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guard {
    /// Gives it a job; an error if it is gone.
    pub(super) fn begin(&self, job: &Job) -> io::Result<()> {
        self.channel.run(job)
    }

    /// Waits for the end of the job; `None` if the guard is gone.
    pub(super) fn end(&self) -> io::Result<Option<End>> {
        self.channel.end(true)
    }
}
