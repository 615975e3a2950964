//! One end of a pipe: a ring for each direction, and a socket that tells when something has come, and when nothing will.

use crate::bell::{Bell, Settled};
use crate::engine::Engine;
use crate::errors;
use crate::message::Partials;
use crate::page::Page;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use ringpost::{BytesQueue, Options};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The messages that may be under way, and those that may be kept. A small ring: its memory is taken when it is made.
const CAPACITY: usize = 1024;
const IN_FLIGHT: usize = 64;
const PARTICIPANTS: usize = 255;
/// Address space for messages beyond 88 bytes. Memory is taken when it is first used.
const ARENA: u64 = 32 << 20;
/// A longer message goes in chunks: so that a reader that keeps some of them does not stall the writer.
pub(crate) const WHOLE: usize = ARENA as usize / 4;
/// A sleep ends after this long, to look for the dead, and at signals that came just before it.
const SLICE: Duration = Duration::from_millis(100);
/// Between two looks where there is nothing to sleep on.
const NAP: Duration = Duration::from_millis(1);

pub(crate) struct Lane {
    engine: Engine,
    pub(crate) bell: Bell,
}

impl Lane {
    fn new(queue: BytesQueue, page: &Arc<Page>, direction: usize) -> Lane {
        Lane {
            engine: Engine::new(queue, false, None, false),
            bell: Bell::new(Arc::clone(page), direction),
        }
    }

    pub(crate) fn queue(&self) -> &BytesQueue {
        &self.engine.queue
    }
}

/// The descriptors of an end: the socket, the shared page, the rings to read from and to write to.
pub(crate) type Fds<T> = (T, T, Option<T>, Option<T>);

pub(crate) struct Wire {
    /// Only a drop takes it.
    socket: Option<OwnedFd>,
    page: Arc<Page>,
    incoming: Option<Lane>,
    outgoing: Option<Lane>,
    /// Copies of the descriptors that both ends share, once they are wanted: a spawned child may get both ends, and closes
    /// what it gets with each.
    shared: OnceLock<(OwnedFd, Option<OwnedFd>, Option<OwnedFd>)>,
    pub(crate) partials: Partials,
    pub(crate) closed: AtomicBool,
    /// All copies of the other end are gone.
    pub(crate) gone: AtomicBool,
    pub(crate) made: Instant,
    /// When the kernel was asked last whether anybody reads, in nanoseconds since `made`; 0: never.
    pub(crate) looked: AtomicU64,
    pub(crate) readers_closed: AtomicU32,
}

/// How a wait for something to read has ended.
pub(crate) enum Awaited<T> {
    Got(T),
    /// Nothing will come.
    End,
    TimedOut,
    /// Closed meanwhile, by another thread.
    Closed,
    Interrupted,
}

/// An item that this package has not put there.
pub(crate) fn broken() -> PyErr {
    PyOSError::new_err("a message contradicts itself: another program put it")
}

impl Wire {
    /// Both ends of a new pipe; if it is not duplex, the first one reads, and the second one writes.
    pub(crate) fn pair(duplex: bool) -> PyResult<(Wire, Wire)> {
        let (one, two) = socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .map_err(std::io::Error::from)?;
        let page = Arc::new(Page::new()?);
        let options = Options::new()
            .capacity(CAPACITY)
            .in_flight(IN_FLIGHT)
            .participants(PARTICIPANTS)
            .arena(ARENA);
        let ring = || options.anonymous().map_err(|error| errors::of_open(&error));
        let there = ring()?;
        let back = duplex.then(ring).transpose()?;
        Ok((
            Wire::new(
                one,
                &page,
                Some((there.clone(), 0)),
                back.clone().map(|back| (back, 1)),
            ),
            Wire::new(two, &page, back.map(|back| (back, 1)), Some((there, 0))),
        ))
    }

    fn new(
        socket: OwnedFd,
        page: &Arc<Page>,
        incoming: Option<(BytesQueue, usize)>,
        outgoing: Option<(BytesQueue, usize)>,
    ) -> Wire {
        let lane = |(queue, direction)| Lane::new(queue, page, direction);
        Wire {
            socket: Some(socket),
            page: Arc::clone(page),
            incoming: incoming.map(lane),
            outgoing: outgoing.map(lane),
            shared: OnceLock::new(),
            partials: Partials::default(),
            closed: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            made: Instant::now(),
            looked: AtomicU64::new(0),
            readers_closed: AtomicU32::new(0),
        }
    }

    /// An end that another process has passed on; `first`: it reads what goes in the first direction.
    pub(crate) fn from_fds(fds: Fds<OwnedFd>, first: bool) -> PyResult<Wire> {
        let (socket, page, incoming, outgoing) = fds;
        let page = Arc::new(Page::from_fd(page)?);
        let open = |fd: Option<OwnedFd>, direction| {
            fd.map(|fd| ringpost::from_fd(fd).map(|queue| (queue, direction)))
                .transpose()
                .map_err(|error| errors::of_open(&error))
        };
        let incoming = open(incoming, usize::from(!first))?;
        let outgoing = open(outgoing, usize::from(first))?;
        Ok(Wire::new(socket, &page, incoming, outgoing))
    }

    /// Is this the end that reads what goes in the first direction?
    pub(crate) fn is_first(&self) -> bool {
        match (&self.incoming, &self.outgoing) {
            (Some(lane), _) => lane.bell.direction() == 0,
            (None, Some(lane)) => lane.bell.direction() == 1,
            (None, None) => true,
        }
    }

    /// The descriptors that another process needs.
    pub(crate) fn fds(&self) -> std::io::Result<Fds<i32>> {
        let shared = match self.shared.get() {
            Some(shared) => shared,
            None => {
                let ring = |lane: &Option<Lane>| {
                    let fd = lane.as_ref().map(|lane| lane.queue().as_fd());
                    fd.map(|fd| fd.try_clone_to_owned()).transpose()
                };
                let page = self.page.fd().try_clone_to_owned()?;
                let copies = (page, ring(&self.incoming)?, ring(&self.outgoing)?);
                self.shared.get_or_init(|| copies)
            }
        };
        let (page, incoming, outgoing) = shared;
        let raw = |fd: &Option<OwnedFd>| fd.as_ref().map(AsRawFd::as_raw_fd);
        let socket = self.socket().as_raw_fd();
        Ok((socket, page.as_raw_fd(), raw(incoming), raw(outgoing)))
    }

    pub(crate) fn socket(&self) -> &OwnedFd {
        self.socket.as_ref().expect("only a drop takes it")
    }

    pub(crate) fn reading(&self) -> PyResult<&Lane> {
        let lane = self.incoming.as_ref();
        lane.ok_or_else(|| PyOSError::new_err("connection is write-only"))
    }

    pub(crate) fn writing(&self) -> PyResult<&Lane> {
        let lane = self.outgoing.as_ref();
        lane.ok_or_else(|| PyOSError::new_err("connection is read-only"))
    }

    /// What to unpickle an item by.
    pub(crate) fn engine(&self) -> PyResult<&Engine> {
        Ok(&self.reading()?.engine)
    }

    /// How many messages have come.
    pub(crate) fn waiting(&self) -> usize {
        self.incoming.as_ref().map_or(0, |lane| lane.queue().len())
    }

    /// Threads that wait in it notice it soon, and let it go.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
    }

    /// A descriptor that is readable when there is something to receive, and at end of file.
    pub(crate) fn watch(&self) -> i32 {
        if let Some(lane) = &self.incoming {
            lane.bell.watch();
            self.put_right(lane);
        }
        self.socket().as_raw_fd()
    }

    /// Makes the socket tell what the ring holds, whatever has happened to it.
    fn put_right(&self, lane: &Lane) {
        if lane.bell.settle(self.socket(), || lane.queue().is_empty()) == Settled::Armed {
            lane.bell.mend(self.socket());
        }
    }

    /// Sleeps on the socket. Is it readable? At end of file, nothing has to be read.
    fn doze(&self, flags: PollFlags, timeout: Duration) -> bool {
        let mut fds = [PollFd::new(self.socket(), flags)];
        let timeout = Timespec::try_from(timeout).ok();
        if poll(&mut fds, timeout.as_ref()).is_err() {
            return false; // a signal, which the caller asks for
        }
        let found = fds[0].revents();
        if found.intersects(PollFlags::HUP | PollFlags::ERR) {
            self.gone.store(true, SeqCst);
        }
        found.contains(PollFlags::IN)
    }

    /// Has the other end been closed by all who had it?
    pub(crate) fn is_gone(&self) -> bool {
        if !self.gone.load(Relaxed) {
            self.doze(PollFlags::empty(), Duration::ZERO);
        }
        self.gone.load(Relaxed)
    }

    /// The same where the ring was found empty: if the socket says otherwise, and somebody looks at it, that is put right.
    pub(crate) fn is_at_end(&self, lane: &Lane) -> bool {
        if !self.gone.load(Relaxed)
            && self.doze(PollFlags::IN, Duration::ZERO)
            && lane.bell.is_watched()
        {
            self.put_right(lane);
        }
        self.gone.load(Relaxed)
    }

    /// Tries until it works, nothing can come any more, or the deadline has passed.
    pub(crate) fn sleep<T>(
        &self,
        lane: &Lane,
        deadline: Option<Instant>,
        asked: &mut dyn FnMut() -> bool,
        attempt: &mut dyn FnMut() -> Option<T>,
    ) -> Awaited<T> {
        let mut was_readable = false;
        loop {
            let settled = lane.bell.settle(self.socket(), || lane.queue().is_empty());
            let gone = self.gone.load(SeqCst);
            if gone {
                let _ = lane.queue().recover();
            }
            if let Some(got) = attempt() {
                return Awaited::Got(got);
            }
            let left = deadline.map_or(SLICE, |end| end.saturating_duration_since(Instant::now()));
            match settled {
                _ if self.closed.load(SeqCst) => return Awaited::Closed,
                Settled::Armed if gone => return Awaited::End,
                _ if left.is_zero() => return Awaited::TimedOut,
                Settled::Armed => {
                    if was_readable {
                        lane.bell.mend(self.socket());
                    }
                    was_readable = self.doze(PollFlags::IN, left.min(SLICE));
                    if was_readable || self.gone.load(SeqCst) {
                        continue;
                    }
                }
                // Another reader has taken it, or a writer was killed over it.
                Settled::Ready => std::thread::sleep(NAP),
            }
            // A failed look (no descriptors left, say) is made up for by the next.
            let _ = lane.queue().recover();
            if asked() {
                return Awaited::Interrupted;
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // In this order: a writer that sees it asks the kernel.
        drop(self.socket.take());
        if let Some(lane) = &self.incoming {
            lane.bell.reader_closed();
        }
    }
}
