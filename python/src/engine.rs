//! A queue and what this process knows of it.

use crate::batch::Next;
use crate::errors;
use crate::fork::generation;
use crate::held::{Held, Kept};
use crate::item::{PAGE, Parts, parts};
use crate::loan::Loans;
use crate::overflow::{self, Overflow};
use crate::pickler::Payload;
use crate::plain;
use crate::tasks::Tasks;
use crate::waiting::{Wait, attached, detached};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyMemoryView, PySlice};
use ringpost::{BytesQueue, GetError, Lease, Readiness};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

pub(crate) struct Engine {
    pub(crate) queue: BytesQueue,
    /// A put that finds no room keeps the item in this process.
    pub(crate) unbounded: bool,
    pub(crate) tasks: Option<Tasks>,
    /// Pickling errors go to `_on_queue_feeder_error`.
    pub(crate) hook: bool,
    pub(crate) closed: AtomicBool,
    cancelled: AtomicBool,
    /// It is being shut down: nothing more may wait in this process.
    closing: AtomicBool,
    /// There has been an overflow in this process.
    overflowed: AtomicBool,
    overflow: Mutex<Option<Arc<Overflow>>>,
    readiness: Mutex<Option<(u32, Readiness)>>,
    kept: Arc<Kept>,
    pub(crate) loans: Arc<Loans>,
    in_flight: AtomicUsize,
    pub(crate) next: Next,
}

impl Engine {
    pub(crate) fn new(
        queue: BytesQueue,
        unbounded: bool,
        tasks: Option<Tasks>,
        hook: bool,
    ) -> Engine {
        Engine {
            queue,
            unbounded,
            tasks,
            hook,
            closed: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            overflowed: AtomicBool::new(false),
            overflow: Mutex::new(None),
            readiness: Mutex::new(None),
            kept: Arc::default(),
            loans: Arc::default(),
            in_flight: AtomicUsize::new(0),
            next: Next::default(),
        }
    }

    /// The overflow of this process, if there is one with something in it.
    pub(crate) fn overflowing(&self) -> Option<Arc<Overflow>> {
        if !self.overflowed.load(Relaxed) {
            return None;
        }
        self.own_overflow().filter(|overflow| overflow.len() > 0)
    }

    fn own_overflow(&self) -> Option<Arc<Overflow>> {
        let mut overflow = self.overflow.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inherited) = overflow.take_if(|overflow| !overflow.is_own()) {
            std::mem::forget(inherited);
            self.overflowed.store(false, Relaxed);
        }
        overflow.clone()
    }

    pub(crate) fn spill(&self, py: Python<'_>, parts: &[&[u8]], align: usize) -> PyResult<()> {
        if self.closing.load(Relaxed) {
            return Err(errors::shut_down(py));
        }
        let overflow = self.own_overflow().unwrap_or_else(|| {
            let new = Overflow::new(self.cancelled.load(Relaxed));
            let mut place = self.overflow.lock().unwrap_or_else(PoisonError::into_inner);
            *place = Some(Arc::clone(&new));
            new
        });
        self.overflowed.store(true, Relaxed);
        overflow.push(&self.queue, parts, align);
        Ok(())
    }

    /// How many objects wait in this process to be put. After a shutdown they are lost.
    pub(crate) fn waiting_here(&self) -> usize {
        match self.overflowing() {
            Some(overflow) if !self.queue.is_shutdown() => overflow.len(),
            _ => 0,
        }
    }

    /// No more puts, here and elsewhere. What waits in this process goes into the queue first, and nothing follows it there:
    /// what `put` has taken is not lost.
    pub(crate) fn shut_down(&self, py: Python<'_>) -> PyResult<()> {
        self.closing.store(true, Relaxed);
        let flushed = self.flush(py);
        match &flushed {
            Ok(()) => self.queue.shutdown(),
            Err(_) => self.closing.store(false, Relaxed),
        }
        flushed
    }

    pub(crate) fn cancel_join(&self) {
        self.cancelled.store(true, Relaxed);
        if let Some(overflow) = self.own_overflow() {
            overflow.cancel();
        }
    }

    /// Waits until nothing waits in this process.
    pub(crate) fn flush(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(overflow) = self.overflowing() {
            detached(py, |asked| {
                overflow.join(asked);
                Ok::<(), ()>(())
            })?
            .ok();
        }
        Ok(())
    }

    pub(crate) fn put(&self, py: Python<'_>, payload: &Payload<'_>, wait: Wait) -> PyResult<()> {
        if let Some(lent) = payload.lent() {
            return self.hand_over(py, payload, lent, wait);
        }
        payload.with_parts(|parts, align| {
            if self.overflowing().is_some() && !self.queue.is_shutdown() {
                return self.spill(py, parts, align);
            }
            let tried = match (parts, align) {
                ([all], 1) => self.queue.try_put(all),
                _ => self.queue.try_put_parts(parts, align),
            };
            let Err(error) = tried else { return Ok(()) };
            if self.unbounded && error.is_shortage() {
                return self.spill(py, parts, align);
            }
            let (Wait::Until(deadline), true) = (wait, error.is_shortage()) else {
                return Err(errors::of_put(py, &error));
            };
            let put = detached(py, |asked| {
                self.queue
                    .put_parts_interruptible(parts, align, deadline, asked)
            })?;
            put.map_err(|error| errors::of_put(py, &error))
        })
    }

    /// Leases the next item.
    pub(crate) fn take(&self, py: Python<'_>, wait: Wait) -> PyResult<Lease> {
        if let Some(lease) = self.next.take() {
            return Ok(lease);
        }
        loop {
            let error = match self.queue.try_lease() {
                Ok(lease) => return Ok(lease),
                Err(error) => error,
            };
            if !matches!(error, GetError::Empty) {
                return Err(errors::of_get(py, &error));
            }
            if self.waits_for_itself(py) {
                // It looked at one thing after the other: something may have come back meanwhile.
                return self.queue.try_lease().map_err(|_| errors::shut_down(py));
            }
            // What was put by this process is there, if not in the segment yet.
            let on_its_way = self.overflowing().is_some();
            let deadline = match (wait, on_its_way) {
                (Wait::Not, false) => return Err(errors::of_get(py, &error)),
                (Wait::Until(deadline), false) => deadline,
                (_, true) => overflow::soon(),
            };
            let got = detached(py, |asked| {
                let shut = || self.queue.is_shutdown() && attached(|py| self.waits_for_itself(py));
                let mut asked = || asked() || shut();
                self.queue.lease_interruptible(deadline, &mut asked)
            })?;
            match got {
                Ok(lease) => return Ok(lease),
                // No signal's handler has raised: it waits for itself.
                Err(GetError::Interrupted) => {}
                Err(GetError::TimedOut) if on_its_way => {
                    if let Wait::Until(Some(end)) = wait
                        && Instant::now() >= end
                    {
                        return Err(errors::empty(py));
                    }
                }
                Err(error) => return Err(errors::of_get(py, &error)),
            }
        }
    }

    /// After a shutdown: could an object only come from this thread, or this process? With the interpreter's lock: what it
    /// locks must not be locked when another thread forks.
    fn waits_for_itself(&self, _py: Python<'_>) -> bool {
        let tasks = self.tasks.as_ref();
        tasks.is_some_and(|tasks| tasks.waits_for_itself())
    }

    /// The object in an item, and the item where its buffers lie, if they were not copied.
    pub(crate) fn object<'py>(
        &self,
        py: Python<'py>,
        lease: Lease,
        access: Access,
    ) -> PyResult<Opened<'py>> {
        let broken = || {
            Err(PyValueError::new_err(format!(
                "an item of {} bytes begins as an object and is none: another program put it",
                lease.len()
            )))
        };
        let object = match parts(&lease) {
            Parts::Raw => Ok(PyBytes::new(py, &lease).into_any()),
            Parts::Plain(value) => plain::read(py, value).unwrap_or_else(broken),
            Parts::Broken => broken(),
            Parts::Object { pickle, buffers } if buffers.is_empty() => {
                loads(py)?.call1((PyBytes::new(py, pickle),))
            }
            Parts::Object { buffers, .. }
                if access != Access::Copy && self.may_keep(lease.len()) =>
            {
                return self.hold(py, lease, &buffers, access);
            }
            Parts::Object { pickle, buffers } => {
                let copies = PyList::empty(py);
                for (start, length) in buffers {
                    copies.append(PyByteArray::new(py, &lease[start..start + length]))?;
                }
                load_with(py, PyBytes::new(py, pickle).into_any(), &copies)
            }
        };
        Ok(Opened {
            object,
            item: Item::Lease(lease),
        })
    }

    /// May this process keep so many bytes more where they lie? More would stall the producers.
    fn may_keep(&self, bytes: usize) -> bool {
        bytes >= PAGE
            && self.kept.items() < (self.in_flight() / 4).max(1)
            && self.kept.bytes() + bytes <= self.queue.max_payload() / 4
    }

    /// How many items may be on their way beside those that are queued.
    pub(crate) fn in_flight(&self) -> usize {
        let mut most = self.in_flight.load(Relaxed);
        if most == 0 {
            most = self.queue.stats().in_flight as usize;
            self.in_flight.store(most, Relaxed);
        }
        most
    }

    /// What becomes of the buffers of what is got.
    pub(crate) fn access(&self) -> Access {
        match self.tasks {
            Some(_) => Access::Copy,
            None => Access::Own,
        }
    }

    /// Unpickles an item whose buffers stay where they are.
    fn hold<'py>(
        &self,
        py: Python<'py>,
        lease: Lease,
        buffers: &[(usize, usize)],
        access: Access,
    ) -> PyResult<Opened<'py>> {
        let Parts::Object { pickle, .. } = parts(&lease) else {
            return Err(PyValueError::new_err("an item has changed"));
        };
        let pickle = PyBytes::new(py, pickle).into_any();
        let held = Bound::new(py, Held::new(lease, Arc::clone(&self.kept)))?;
        if access == Access::Own {
            held.get().make_writable();
        }
        let all = PyMemoryView::from(held.as_any())?;
        let views = PyList::empty(py);
        for &(start, length) in buffers {
            let part = PySlice::new(py, start as isize, (start + length) as isize, 1);
            views.append(all.get_item(part)?)?;
        }
        Ok(Opened {
            object: load_with(py, pickle, &views),
            item: Item::Held(held.unbind()),
        })
    }

    /// The descriptor that is readable when there is an item, in this process.
    pub(crate) fn readiness(&self) -> PyResult<i32> {
        let mut place = self
            .readiness
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((made, readiness)) = &*place
            && *made == generation()
        {
            return Ok(readiness.as_raw_fd());
        }
        let new = self.queue.readiness().map_err(|e| errors::of_open(&e))?;
        Ok(place.insert((generation(), new)).1.as_raw_fd())
    }
}

/// What becomes of an item's buffers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Views that may be written to.
    Own,
    /// Views that may be read.
    Look,
    /// Copies, since the item may be delivered again as it was.
    Copy,
}

/// An item that was unpickled, or not.
pub(crate) struct Opened<'py> {
    pub(crate) object: PyResult<Bound<'py, PyAny>>,
    pub(crate) item: Item,
}

pub(crate) enum Item {
    Lease(Lease),
    Held(Py<Held>),
}

impl Item {
    /// The item is delivered. Memory of which there are views stays.
    pub(crate) fn acknowledge(self) -> Result<(), GetError> {
        match self {
            Item::Lease(lease) => lease.ack(),
            Item::Held(held) => held.get().deliver(),
        }
    }

    /// The lease, if it has not ended.
    pub(crate) fn into_lease(self) -> Option<Lease> {
        match self {
            Item::Lease(lease) => Some(lease),
            Item::Held(held) => held.get().take_lease(),
        }
    }
}

static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

pub(crate) fn loads(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    let loads = LOADS.get_or_try_init(py, || {
        PyResult::Ok(py.import("_pickle")?.getattr("loads")?.unbind())
    })?;
    Ok(loads.bind(py))
}

pub(crate) fn load_with<'py>(
    py: Python<'py>,
    pickle: Bound<'py, PyAny>,
    buffers: &Bound<'py, PyList>,
) -> PyResult<Bound<'py, PyAny>> {
    let keywords = PyDict::new(py);
    keywords.set_item("buffers", buffers)?;
    loads(py)?.call((pickle,), Some(&keywords))
}
