//! Signals that end a command cleanly: SIGINT (Ctrl-C), SIGTERM and SIGHUP, unless they are ignored.
//!
//! The handlers only store the signal's number and write a byte into a socket, so whoever waits in
//! `poll` wakes up at once. A second signal of the kind ends the process as if nobody had asked for
//! the first one, so nothing that hangs can keep Ctrl-C from working; or the signals are counted,
//! for a command that has something to do at the second one as well.

use crate::exit::{Code, Stop};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The signals that have arrived.
#[derive(Debug)]
pub(crate) struct Signals {
    number: Arc<AtomicUsize>,
    wake: UnixStream,
    counted: usize,
}

/// Those of the signals that whoever started this process did not ignore: `nohup` means it.
pub(crate) fn not_ignored() -> io::Result<Vec<i32>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    let ignored = ignored.unwrap_or(0);
    let mut signals = vec![SIGINT, SIGTERM, SIGHUP];
    signals.retain(|signal| ignored & (1 << (signal - 1)) == 0);
    Ok(signals)
}

impl Signals {
    /// Installs the handlers; a second signal ends this process.
    pub(crate) fn install() -> io::Result<Self> {
        let seen = Arc::new(AtomicBool::new(false));
        for signal in not_ignored()? {
            // In this order: the first signal finds `seen` false, and only the second one ends us.
            flag::register_conditional_default(signal, Arc::clone(&seen))?;
            flag::register(signal, Arc::clone(&seen))?;
        }
        Self::install_counting()
    }

    /// Installs the handlers; no signal ends this process.
    pub(crate) fn install_counting() -> io::Result<Self> {
        let number = Arc::new(AtomicUsize::new(0));
        let (wake, write) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        for signal in not_ignored()? {
            let value = usize::try_from(signal).unwrap_or(0);
            flag::register_usize(signal, Arc::clone(&number), value)?;
            low_level::pipe::register(signal, write.try_clone()?)?;
        }
        Ok(Signals {
            number,
            wake,
            counted: 0,
        })
    }

    /// How many signals have arrived.
    pub(crate) fn count(&mut self) -> usize {
        // Each handler has written a byte. No error but that there is none now.
        self.counted += (&self.wake).read(&mut [0; 64]).unwrap_or(0);
        self.counted
    }

    /// Whether a signal has asked this process to end.
    pub(crate) fn arrived(&self) -> bool {
        self.number.load(Ordering::Relaxed) != 0
    }

    /// What to return once a signal has arrived.
    pub(crate) fn stop(&self) -> Stop {
        Stop::quiet(self.code())
    }

    /// The exit code of the signal that has arrived.
    pub(crate) fn code(&self) -> Code {
        let number = self.number.load(Ordering::Relaxed);
        Code::Signal(u8::try_from(number).unwrap_or(0))
    }

    /// Waits until `fd` can be read (or has ended), or fails because a signal has arrived.
    pub(crate) fn wait_readable(&self, fd: BorrowedFd<'_>) -> Result<(), Stop> {
        loop {
            if self.arrived() {
                return Err(self.stop());
            }
            let mut fds = [
                PollFd::from_borrowed_fd(fd, PollFlags::IN),
                PollFd::new(&self.wake, PollFlags::IN),
            ];
            match poll(&mut fds, None) {
                Ok(_) if !fds[0].revents().is_empty() => return Ok(()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }

    /// Sleeps for `time`, or until a signal arrives.
    pub(crate) fn sleep(&self, time: Duration) {
        let mut fds = [PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN)];
        let _ = poll(&mut fds, Timespec::try_from(time).ok().as_ref());
    }
}
