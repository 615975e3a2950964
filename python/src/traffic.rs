//! Messages through a pipe: sent whole or in chunks, received, waited for.

use crate::errors;
use crate::item::begins_as_object;
use crate::message::{self, Chunk, Item};
use crate::received::Received;
use crate::waiting::detached;
use crate::wire::{Awaited, Lane, WHOLE, Wire, broken};
use pyo3::exceptions::{PyBrokenPipeError, PyEOFError, PyOSError};
use pyo3::prelude::*;
use ringpost::{GetError, Lease, PutError};
use std::sync::atomic::Ordering::*;
use std::time::{Duration, Instant};

/// So long the library's own wait spins, and perhaps sleeps, before this end sleeps on its socket.
const SPIN: Duration = Duration::from_micros(300);
/// A writer asks the kernel this often whether anybody reads; also when a reader was closed.
const LOOK: Duration = Duration::from_micros(50);

fn handle_is_closed() -> PyErr {
    PyOSError::new_err("handle is closed")
}

fn broken_pipe() -> PyErr {
    PyBrokenPipeError::new_err((32, "Broken pipe"))
}

impl Wire {
    /// The next item, leased.
    fn take(&self, py: Python<'_>, lane: &Lane) -> PyResult<Lease> {
        let lease = match lane.queue().try_lease() {
            Ok(lease) => lease,
            Err(GetError::Empty) => self.await_item(py, lane)?,
            Err(error) => return Err(errors::of_get(py, &error)),
        };
        if lane.bell.is_watched() {
            lane.bell.settle(self.socket(), || lane.queue().is_empty());
        }
        Ok(lease)
    }

    #[cold]
    fn await_item(&self, py: Python<'_>, lane: &Lane) -> PyResult<Lease> {
        let queue = lane.queue();
        let awaited = detached(py, |asked| -> Result<_, GetError> {
            if !self.gone.load(Relaxed) {
                match queue.lease_interruptible(Instant::now().checked_add(SPIN), &mut *asked) {
                    Err(GetError::TimedOut) => {}
                    other => return other.map(Awaited::Got),
                }
            }
            let awaited = self.sleep(lane, None, asked, &mut || match queue.try_lease() {
                Err(GetError::Empty) => None,
                other => Some(other),
            });
            Ok(match awaited {
                Awaited::Got(lease) => Awaited::Got(lease?),
                Awaited::End => Awaited::End,
                Awaited::TimedOut => Awaited::TimedOut,
                Awaited::Closed => Awaited::Closed,
                Awaited::Interrupted => Awaited::Interrupted,
            })
        })?;
        match awaited {
            Ok(Awaited::Got(lease)) => Ok(lease),
            Ok(Awaited::End) if self.partials.give_up() => {
                Err(PyOSError::new_err("got end of file during message"))
            }
            Ok(Awaited::End) => Err(PyEOFError::new_err(())),
            Ok(_) => Err(handle_is_closed()),
            Err(error) => Err(errors::of_get(py, &error)),
        }
    }

    /// The next message, of at most so many bytes.
    pub(crate) fn receive(&self, py: Python<'_>, max: Option<usize>) -> PyResult<Received> {
        let lane = self.reading()?;
        loop {
            let lease = self.take(py, lane)?;
            let long = match message::item(&lease) {
                Some(Item::Plain) if max.is_some_and(|max| lease.len() > max) => Received::TooLong,
                Some(Item::Plain | Item::Object) => return Ok(Received::Item(lease)),
                Some(Item::Chunk(Chunk { total, .. })) if max.is_some_and(|max| total > max) => {
                    Received::TooLong
                }
                Some(Item::Chunk(chunk)) => match self.partials.add(py, chunk) {
                    Ok(Some(long)) => Received::Long(long),
                    Ok(None) => {
                        lease.ack().map_err(|error| errors::of_get(py, &error))?;
                        continue;
                    }
                    Err(error) => {
                        lease.ack().map_err(|error| errors::of_get(py, &error))?;
                        return Err(error);
                    }
                },
                None => {
                    lease.ack().map_err(|error| errors::of_get(py, &error))?;
                    return Err(broken());
                }
            };
            lease.ack().map_err(|error| errors::of_get(py, &error))?;
            return Ok(long);
        }
    }

    /// Is there something to receive, or the end, by then? `None`: no deadline; `Some(None)`: now.
    pub(crate) fn poll(&self, py: Python<'_>, timeout: Option<Option<Duration>>) -> PyResult<bool> {
        let lane = self.reading()?;
        if !lane.queue().is_empty() || self.is_at_end(lane) {
            return Ok(true);
        }
        let deadline = match timeout {
            Some(None) => return Ok(false),
            Some(Some(timeout)) => Instant::now().checked_add(timeout),
            None => None,
        };
        let awaited = detached(py, |asked| {
            let mut attempt = || (!lane.queue().is_empty()).then_some(());
            let until = Instant::now() + SPIN / 10;
            while Instant::now() < until {
                if attempt().is_some() {
                    return Ok::<_, ()>(Awaited::Got(()));
                }
                std::hint::spin_loop();
            }
            Ok(self.sleep(lane, deadline, asked, &mut attempt))
        })?;
        match awaited {
            Ok(Awaited::Got(()) | Awaited::End) => Ok(true),
            Ok(Awaited::Closed) => Err(handle_is_closed()),
            _ => Ok(false),
        }
    }

    /// Fails if nobody reads any more. The kernel is asked when a reader was closed, and now and then, since one may have been
    /// killed.
    fn check_readers(&self, lane: &Lane) -> PyResult<()> {
        let closed = lane.bell.readers_closed();
        let now = self.made.elapsed().as_nanos() as u64 + 1;
        let looked = self.looked.load(Relaxed);
        let long_ago = looked == 0 || now.saturating_sub(looked) > LOOK.as_nanos() as u64;
        if long_ago || closed != self.readers_closed.load(Relaxed) {
            self.looked.store(now, Relaxed);
            self.readers_closed.store(closed, Relaxed);
            self.is_gone();
        }
        match self.gone.load(Relaxed) {
            true => Err(broken_pipe()),
            false => Ok(()),
        }
    }

    /// Sends a message: bytes, or an object with buffers.
    pub(crate) fn send(
        &self,
        py: Python<'_>,
        parts: &[&[u8]],
        align: usize,
        of_object: bool,
    ) -> PyResult<()> {
        let lane = self.writing()?;
        self.check_readers(lane)?;
        let length: usize = parts.iter().map(|part| part.len() + align - 1).sum();
        let ambiguous = !of_object && parts.first().is_some_and(|part| begins_as_object(part));
        match length > WHOLE || ambiguous {
            false => self.put(py, lane, parts, align),
            true => message::cut(parts, align, of_object, |chunk| {
                self.put(py, lane, chunk, 1)
            }),
        }
    }

    fn put(&self, py: Python<'_>, lane: &Lane, parts: &[&[u8]], align: usize) -> PyResult<()> {
        match lane.queue().try_put_parts(parts, align) {
            Ok(()) => {}
            Err(error) if error.is_shortage() => self.await_room(py, lane, parts, align)?,
            Err(error) => return Err(errors::of_put(py, &error)),
        }
        let rung = lane.bell.ring(self.socket(), || lane.queue().is_empty());
        if rung.is_err() {
            self.gone.store(true, SeqCst);
            // A reader that has closed its end after it has got this is no error of this call.
            if !lane.queue().is_empty() {
                return Err(broken_pipe());
            }
        }
        Ok(())
    }

    #[cold]
    fn await_room(
        &self,
        py: Python<'_>,
        lane: &Lane,
        parts: &[&[u8]],
        align: usize,
    ) -> PyResult<()> {
        let put = detached(py, |asked| {
            let stop = || asked() || self.closed.load(SeqCst) || self.is_gone();
            lane.queue()
                .put_parts_interruptible(parts, align, None, stop)
        })?;
        match put {
            Ok(()) => Ok(()),
            Err(PutError::Interrupted) if self.gone.load(SeqCst) => Err(broken_pipe()),
            Err(PutError::Interrupted) => Err(handle_is_closed()),
            Err(error) => Err(errors::of_put(py, &error)),
        }
    }
}
