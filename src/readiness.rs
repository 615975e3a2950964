//! Readiness: a file descriptor for `poll`, `epoll` and event loops.
//!
//! A futex word cannot be polled, so a thread of this process sleeps on it and drives a pipe of this process. A pipe
//! shared with the producers would miss one that died between its commit and its write. The thread has a view of the
//! segment of its own, so it keeps no handle alive; it is one for each queue whose readiness is asked for, since a registry
//! of the whole process would be a lock that a fork could leave locked. A forked child that asks gets its own.

use crate::error::OpenError;
use crate::kept_fd::KeptFd;
use crate::layout::state;
use crate::participant::look_for_the_dead;
use crate::ring::Ring;
use crate::segment::{Segment, io};
use crate::shared::Shared;
use crate::sync::AtomicU32;
use crate::sync::Ordering::*;
use crate::sync::futex::{self, Woken};
use crate::{sys, wait};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use rustix::pipe::{PipeFlags, pipe_with};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often the thread looks again without being woken.
const SLICE: Duration = Duration::from_millis(50);

/// A file descriptor that is readable when the next get will probably not wait: there is an item, or the queue was shut
/// down. For `poll`, `epoll`, `select`; never read from it.
///
/// It follows this process's own gets at once, and those of other processes within 50 ms: so after it was readable, use
/// [`try_get`](crate::BytesQueue::try_get), which may still find that another consumer was faster. It stays valid as long
/// as it is kept, but changes no more once every handle of the queue in this process is gone.
///
/// ```
/// use rustix::event::{PollFd, PollFlags, poll};
/// let queue = ringpost::Options::new().anonymous()?;
/// let readiness = queue.readiness()?;
/// queue.put(b"item")?;
/// let mut fds = [PollFd::new(&readiness, PollFlags::IN)];
/// assert_eq!(poll(&mut fds, None)?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Readiness {
    fd: OwnedFd,
}

impl AsFd for Readiness {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Readiness {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// What the thread and this process's getters share.
#[derive(Debug)]
pub(crate) struct Signal {
    /// A pipe that holds one byte, or none.
    reader: KeptFd,
    writer: KeptFd,
    /// Does it hold one? Whoever changes it holds the lock.
    raised: Mutex<bool>,
    stopped: AtomicBool,
    /// Changes when the thread should look again although no item came.
    again: AtomicU32,
}

impl Signal {
    /// Fills or empties the pipe so that it tells what `ring` holds.
    fn update(&self, ring: &Ring) -> bool {
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = ring.state() != state::OPEN || !ring.is_empty();
        if ready != *raised {
            // A process that has closed these descriptors polls them no more.
            let done = match (self.reader.get(), self.writer.get()) {
                (Some(reader), _) if !ready => rustix::io::read(reader, &mut [0]),
                (_, Some(writer)) if ready => rustix::io::write(writer, &[1]),
                _ => return ready,
            };
            *raised = if done.is_ok() { ready } else { *raised };
        }
        ready
    }

    /// This process has got something, or found nothing: is there more?
    #[cold]
    pub(crate) fn after_get(&self, ring: &Ring) {
        self.update(ring);
        self.look_again();
    }

    fn look_again(&self) {
        self.again.fetch_add(1, SeqCst); // ORDERING W (SeqCst): changes the word before the wake; the thread reads it first
        futex::wake(&self.again, 1);
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Release); // ORDERING I (Release): pairs with the load in `run`
        self.look_again();
    }
}

impl Shared {
    /// This process's readiness descriptor, whose thread is started at the first call.
    pub(crate) fn readiness(&self) -> Result<Readiness, OpenError> {
        self.me().map_err(|error| *error)?;
        let failed = |errno| io("making a pipe", errno);
        let signal = match self.membership.signal() {
            Some(signal) => signal,
            None => {
                let (reader, writer) =
                    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(failed)?;
                let new = Arc::new(Signal {
                    reader: KeptFd::new(reader).map_err(failed)?,
                    writer: KeptFd::new(writer).map_err(failed)?,
                    raised: Mutex::new(false),
                    stopped: AtomicBool::new(false),
                    again: AtomicU32::new(0),
                });
                let segment = Segment::open_fd(self.segment.reopen()?, None)?;
                let thread = Arc::clone(&new);
                std::thread::Builder::new()
                    .name("ringpost-ready".into())
                    .spawn(move || run(&segment, &thread))
                    .map_err(|source| OpenError::Io {
                        what: "starting a thread",
                        source,
                    })?;
                let signal = self.membership.set_signal(Arc::clone(&new));
                if !std::ptr::eq(signal, Arc::as_ptr(&new)) {
                    new.stop(); // another thread of this process was faster
                }
                signal
            }
        };
        signal.update(&self.ring);
        let fd = rustix::io::fcntl_dupfd_cloexec(
            signal.reader.get().ok_or(OpenError::DescriptorLost)?,
            3,
        )
        .map_err(failed)?;
        Ok(Readiness { fd })
    }

    /// To be called after each get of this process, whatever it found.
    #[inline(always)]
    pub(crate) fn got(&self) {
        if let Some(signal) = self.membership.signal() {
            signal.after_get(&self.ring);
        }
    }
}

/// The thread.
fn run(segment: &Segment, signal: &Signal) {
    let ring = Ring::new(segment.memory(), segment.header.max_deliveries);
    let event = ring.memory.ev_get();
    // ORDERING I (Acquire): pairs with the store in `stop`.
    while !signal.stopped.load(Acquire) {
        let again = signal.again.load(SeqCst); // ORDERING W (SeqCst): before the look; pairs with `look_again`
        let slice = sys::after(SLICE);
        let woken = if signal.update(&ring) {
            // Readable until this process gets something, or another one does, which only looking again will tell.
            futex::wait(&signal.again, again, Some(&slice))
        } else {
            let seen = wait::announce(event);
            if signal.update(&ring) {
                continue;
            }
            let woken = futex::wait(event.word, seen, Some(&slice));
            if woken == Woken::Perhaps && signal.update(&ring) {
                // This thread takes nothing: the wake belongs to whoever else waits.
                wait::notify_one(event);
            }
            woken
        };
        if woken == Woken::TimedOut {
            // A failed look (no descriptors left, say) is made up for by the next.
            let _ = look_for_the_dead(segment, &ring, None);
        }
    }
}
