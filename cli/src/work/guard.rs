//! The guard: starts the command of one job after the other, and never leaves one behind.
//!
//! It is a process of its own, because the worker may be killed. The channel ends then, and the guard kills the command and
//! all that it has started before it ends itself; so long it holds the lock of the item, and nobody else runs that. If the
//! guard is killed, the worker does the same. If both are, the kernel kills the command ([`launch`](super::launch)), and
//! what that has started keeps the lock.

use super::channel::{Channel, End, Job, Order};
use super::orphans;
use crate::args::CommandArgs;
use crate::exit::Outcome;
use crate::signals;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, wait};
use signal_hook::consts::SIGCHLD;
use signal_hook::low_level::pipe;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// This same program, whatever has become of its file.
const THIS: &str = "/proc/self/exe";

pub(crate) fn run(args: &CommandArgs) -> Outcome {
    // So that `pkill ringpost` kills the worker, and this one can do what it is for.
    rustix::thread::set_name(c"work-guard").map_err(io::Error::from)?;
    orphans::adopt()?;
    let channel = Channel::inherited()?;
    let (wake, write) = UnixStream::pair()?;
    wake.set_nonblocking(true)?;
    // Only the worker ends it: the other signals just wake it up.
    for signal in signals::not_ignored()?.into_iter().chain([SIGCHLD]) {
        pipe::register(signal, write.try_clone()?)?;
    }
    let guard = Guard {
        command: &args.command,
        channel,
        wake,
    };
    match guard.serve()? {
        Last::Left => Ok(()),
        Last::Alone => Ok(orphans::end_all(|| orphans::round(&[]))?),
    }
}

/// How a guard's work comes to its end.
enum Last {
    /// It was told so.
    Left,
    /// The worker is gone.
    Alone,
}

struct Guard<'a> {
    command: &'a [OsString],
    channel: Channel,
    wake: UnixStream,
}

/// A process that waits for its job, and then becomes the command.
struct Launcher {
    pid: Pid,
    channel: Channel,
}

/// What can happen while a guard waits.
enum Event {
    Ended(WaitStatus),
    /// There is an order, or the worker has gone.
    Order,
}

impl Guard<'_> {
    fn serve(&self) -> io::Result<Last> {
        let mut next = None;
        loop {
            if next.is_none() {
                // Ready before the next job is, or while the last one runs. A failure shows when it is needed.
                next = self.launcher().ok();
            }
            self.wait_for(None)?;
            let job = match self.channel.order()? {
                Order::Run(job) => job,
                Order::Leave => return Ok(Last::Left),
                Order::Gone => return Ok(Last::Alone),
            };
            let end = match self.launch(&job, next.take()) {
                Ok(launcher) => {
                    next = self.launcher().ok();
                    let Event::Ended(status) = self.wait_for(Some(launcher.pid))? else {
                        self.stay(&job)?;
                        return Ok(Last::Alone);
                    };
                    let not_run = launcher.channel.end(false)?;
                    not_run.unwrap_or_else(|| ended(status))
                }
                Err(error) => End::NotRun(Errno::from_io_error(&error).unwrap_or(Errno::INVAL)),
            };
            drop(job); // before the worker offers the item to anyone
            if self.channel.report(end).is_err() {
                return Ok(Last::Alone);
            }
        }
    }

    /// Has the launcher that is ready run the job; or a new one, if somebody has killed it.
    fn launch(&self, job: &Job, ready: Option<Launcher>) -> io::Result<Launcher> {
        if let Some(launcher) = ready
            && launcher.channel.run(job).is_ok()
        {
            return Ok(launcher);
        }
        let launcher = self.launcher()?;
        launcher.channel.run(job)?;
        Ok(launcher)
    }

    /// Without the worker: ends all, with the item still locked.
    fn stay(&self, _job: &Job) -> io::Result<()> {
        orphans::end_all(|| orphans::round(&[]))
    }

    fn launcher(&self) -> io::Result<Launcher> {
        let (channel, theirs) = Channel::pair()?;
        let child = start("work-launch", self.command, theirs)?;
        Ok(Launcher {
            pid: child,
            channel,
        })
    }

    /// Waits until the child of this number has ended, or there is an order. Other children that end are waited for as well:
    /// what commands have left in the background, and launchers that somebody has killed.
    fn wait_for(&self, child: Option<Pid>) -> io::Result<Event> {
        loop {
            while let Some((pid, status)) = next_end()? {
                if Some(pid) == child {
                    return Ok(Event::Ended(status));
                }
            }
            let mut fds = [
                PollFd::new(self.channel.fd(), PollFlags::IN),
                PollFd::new(&self.wake, PollFlags::IN),
            ];
            match poll(&mut fds, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            if !fds[0].revents().is_empty() {
                return Ok(Event::Order);
            }
            // Emptied before the next look at the children, so none is missed.
            let _ = (&self.wake).read(&mut [0; 64]);
        }
    }
}

/// Starts this program as `role` for `command`, at the other end of a channel, and in a process group of its own: Ctrl-C is
/// the worker's alone, and a command's `kill 0` hits nobody else.
pub(super) fn start(role: &str, command: &[OsString], theirs: Channel) -> io::Result<Pid> {
    let child = Command::new(THIS)
        .arg0("ringpost")
        .args([role, "--parent", &getpid().to_string(), "--"])
        .args(command)
        .process_group(0)
        .stdin(Stdio::from(theirs.into_fd()))
        .spawn()?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// A child that has ended, if there is one.
fn next_end() -> io::Result<Option<(Pid, WaitStatus)>> {
    match wait(WaitOptions::NOHANG) {
        Ok(ended) => Ok(ended),
        Err(Errno::CHILD) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn ended(status: WaitStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Exited(code),
        (_, signal) => End::Killed(signal.unwrap_or(0)),
    }
}
