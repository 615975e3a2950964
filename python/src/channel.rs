//! A queue as Python sees it: objects in, objects out.

use crate::engine::Engine;
use crate::errors;
use crate::leased::Leased;
use crate::loan::Loan;
use crate::pickler::Payload;
use crate::room::Room;
use crate::tasks::Tasks;
use crate::waiting::{Wait, detached};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use ringpost::Options;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;

/// Puts and gets objects through a queue in shared memory. The classes of the package derive from it.
#[pyclass(subclass, frozen, weakref, module = "ringpost._ringpost")]
pub(crate) struct Channel {
    /// Set by the subclass's `__init__`, which decides what the queue is.
    engine: OnceLock<Engine>,
}

/// How many processes and handles may have a queue open at once.
const PARTICIPANTS: usize = 1023;

impl Channel {
    fn engine(&self) -> PyResult<&Engine> {
        match self.engine.get() {
            Some(engine) => Ok(engine),
            None => Err(PyRuntimeError::new_err(
                "__init__ of the queue has not been called",
            )),
        }
    }

    /// The engine of a handle that is not closed.
    pub(crate) fn open_engine(&self, _py: Python<'_>) -> PyResult<&Engine> {
        let engine = self.engine()?;
        match engine.closed.load(Relaxed) {
            false => Ok(engine),
            true => Err(PyValueError::new_err("the queue is closed in this process")),
        }
    }

    /// The object, pickled; `None`: it could not be, and the queue's own method has been told.
    #[inline]
    fn pickled<'py>(
        slf: &Bound<'py, Self>,
        engine: &Engine,
        obj: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Payload<'py>>> {
        match Payload::new(obj, &engine.loans) {
            Ok(payload) => Ok(Some(payload)),
            Err(error) if engine.hook => {
                let error = error.into_value(slf.py());
                slf.call_method1("_on_queue_feeder_error", (error, obj))?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn put_object(slf: &Bound<'_, Self>, obj: &Bound<'_, PyAny>, wait: Wait) -> PyResult<()> {
        let engine = slf.get().open_engine(slf.py())?;
        match Self::pickled(slf, engine, obj)? {
            Some(payload) => engine.put(slf.py(), &payload, wait),
            None => Ok(()),
        }
    }

    fn get_object<'py>(
        &self,
        py: Python<'py>,
        wait: Wait,
        coroutine: u64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let engine = self.open_engine(py)?;
        let lease = engine.take(py, wait)?;
        let opened = engine.object(py, lease, engine.access())?;
        engine.deliver(py, opened.item, opened.object.is_ok(), coroutine)?;
        opened.object
    }
}

/// `block` may be anything that is true or false, as in the standard library.
fn truth(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    value.is_truthy()
}

/// A descriptor that the caller hands over.
fn owned(fd: i32) -> OwnedFd {
    // SAFETY: the package passes descriptors that it has just got for this purpose.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

#[pymethods]
impl Channel {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Channel {
        Channel {
            engine: OnceLock::new(),
        }
    }

    /// Creates or opens the queue.
    #[pyo3(signature = (capacity, unbounded, joinable, hook, *, name = None, arena = None, fd = None, must_exist = false))]
    #[expect(
        clippy::too_many_arguments,
        reason = "one call from the package, all by name"
    )]
    fn _setup(
        &self,
        py: Python<'_>,
        capacity: usize,
        unbounded: bool,
        joinable: bool,
        hook: bool,
        name: Option<&str>,
        arena: Option<u64>,
        fd: Option<i32>,
        must_exist: bool,
    ) -> PyResult<()> {
        let mut options = Options::new().capacity(capacity).participants(PARTICIPANTS);
        if let Some(arena) = arena {
            options = options.arena(arena);
        }
        let made = py.detach(|| match (fd, name, must_exist) {
            (Some(fd), _, _) => ringpost::from_fd(owned(fd)),
            (None, Some(name), true) => options.open(name),
            (None, Some(name), false) => options.open_or_create(name),
            (None, None, _) => options.anonymous(),
        });
        let queue = made.map_err(|error| errors::of_open(&error))?;
        let tasks = joinable.then(|| Tasks::new(&queue));
        let engine = Engine::new(queue, unbounded, tasks, hook);
        match self.engine.set(engine) {
            Ok(()) => Ok(()),
            Err(_) => Err(PyRuntimeError::new_err("the queue was made already")),
        }
    }

    /// Puts an object.
    ///
    /// Without room it waits up to ``timeout`` seconds (``None``: as long as it takes; 0 or less: not at all), or not at all
    /// if ``block`` is false, and then raises ``queue.Full``. After a ``shutdown``: ``ShutDown``.
    #[pyo3(signature = (obj, block = true, timeout = None))]
    fn put(
        slf: &Bound<'_, Self>,
        obj: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = truth)] block: bool,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        Self::put_object(slf, obj, Wait::new(block, timeout))
    }

    /// Puts an object if there is room now, else raises ``queue.Full``.
    fn put_nowait(slf: &Bound<'_, Self>, obj: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::put_object(slf, obj, Wait::Not)
    }

    /// Puts all objects of an iterable, in their order.
    ///
    /// ``block`` and ``timeout`` are as in ``put``, the timeout for all of them together. When it raises, those before the one
    /// that failed are in the queue.
    #[pyo3(signature = (objs, block = true, timeout = None))]
    fn put_many(
        slf: &Bound<'_, Self>,
        objs: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = truth)] block: bool,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let wait = Wait::new(block, timeout);
        for obj in objs.try_iter()? {
            Self::put_object(slf, &obj?, wait)?;
        }
        Ok(())
    }

    /// Gets the oldest object.
    ///
    /// Without one it waits up to ``timeout`` seconds (``None``: as long as it takes; 0 or less: not at all), or not at all
    /// if ``block`` is false, and then raises ``queue.Empty``. When the queue was shut
    /// down and is empty: ``ShutDown``.
    #[pyo3(signature = (block = true, timeout = None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = truth)] block: bool,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.get_object(py, Wait::new(block, timeout), 0)
    }

    /// Gets the oldest object if there is one now, else raises ``queue.Empty``.
    fn get_nowait<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.get_object(py, Wait::Not, 0)
    }

    /// Gets up to ``max`` objects: waits for the first, as ``get`` does, and takes what else is there.
    #[pyo3(signature = (max, block = true, timeout = None))]
    fn get_many<'py>(
        &self,
        py: Python<'py>,
        max: usize,
        #[pyo3(from_py_with = truth)] block: bool,
        timeout: Option<f64>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let engine = self.open_engine(py)?;
        engine.get_many(py, max, Wait::new(block, timeout), 0)
    }

    /// Gets the oldest object if there is one now; it is this coroutine's task.
    fn _get_now<'py>(&self, py: Python<'py>, coroutine: u64) -> PyResult<Bound<'py, PyAny>> {
        self.get_object(py, Wait::Not, coroutine)
    }

    /// Puts an object if there is room now; else says how long its payload is.
    fn _put_now(slf: &Bound<'_, Self>, obj: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
        let py = slf.py();
        let engine = slf.get().open_engine(py)?;
        let Some(payload) = Self::pickled(slf, engine, obj)? else {
            return Ok(None);
        };
        match engine.put(py, &payload, Wait::Not) {
            Ok(()) => Ok(None),
            Err(error) if errors::is_full(py, &error) => Ok(Some(payload.length())),
            Err(error) => Err(error),
        }
    }

    /// What tells an event loop that there is room.
    fn _room(&self) -> PyResult<Room> {
        Room::new(&self.engine()?.queue)
    }

    /// So many bytes of the queue, to be filled; `None`: an unbounded queue has no room now.
    fn _loan(
        &self,
        py: Python<'_>,
        bytes: usize,
        block: bool,
        timeout: Option<f64>,
    ) -> PyResult<Option<Loan>> {
        let engine = self.open_engine(py)?;
        engine.lend(py, bytes, Wait::new(block, timeout))
    }

    /// ``with queue.lease() as item:`` acknowledges the object at the end of the block; if that raises, or this process dies,
    /// it is delivered again. ``block`` and ``timeout`` are as in ``get``.
    #[pyo3(signature = (block = true, timeout = None))]
    fn lease(
        slf: &Bound<'_, Self>,
        #[pyo3(from_py_with = truth)] block: bool,
        timeout: Option<f64>,
    ) -> PyResult<Leased> {
        if slf.get().engine()?.tasks.is_some() {
            return Err(PyTypeError::new_err(
                "a JoinableQueue leases by get() and task_done()",
            ));
        }
        Ok(Leased::new(slf.clone().unbind(), block, timeout))
    }

    /// One task that was got is done.
    fn _task_done(&self, coroutine: u64) -> PyResult<bool> {
        let engine = self.engine()?;
        let tasks = engine.tasks.as_ref();
        Ok(tasks.is_some_and(|tasks| tasks.done(coroutine, engine.waiting_here())))
    }

    /// Tasks that were put and are not done.
    fn _unfinished(&self) -> PyResult<usize> {
        let engine = self.engine()?;
        let waiting = engine.waiting_here();
        let tasks = engine.tasks.as_ref();
        Ok(tasks.map_or(0, |tasks| tasks.unfinished(waiting)))
    }

    /// Waits until every task is done.
    fn _join(&self, py: Python<'_>) -> PyResult<()> {
        let engine = self.engine()?;
        engine.flush(py)?;
        detached(py, |asked| {
            Ok::<bool, ()>(engine.queue.join_interruptible(None, asked))
        })?
        .ok();
        Ok(())
    }

    /// At exit: what this process has got stays consumed.
    fn _leave(&self) {
        if let Some(tasks) = self.engine.get().and_then(|engine| engine.tasks.as_ref()) {
            tasks.let_all_go();
        }
    }

    /// How many objects are queued, those that wait in this process included.
    fn qsize(&self) -> PyResult<usize> {
        let engine = self.engine()?;
        Ok(engine.queue.len() + engine.waiting_here())
    }

    fn _is_empty(&self) -> PyResult<bool> {
        let engine = self.engine()?;
        Ok(engine.queue.is_empty() && engine.waiting_here() == 0)
    }

    /// Is there no room for another object? Never so without a maxsize.
    fn full(&self) -> PyResult<bool> {
        let engine = self.engine()?;
        Ok(!engine.unbounded && engine.queue.is_full())
    }

    #[getter]
    fn _capacity(&self) -> PyResult<usize> {
        Ok(self.engine()?.queue.capacity())
    }

    #[getter]
    fn _closed(&self) -> PyResult<bool> {
        Ok(self.engine()?.closed.load(Relaxed))
    }

    #[setter(_closed)]
    fn set_closed(&self, closed: bool) -> PyResult<()> {
        self.engine()?.closed.store(closed, Relaxed);
        Ok(())
    }

    /// Ends the queue for all processes: no more puts; gets go on until it is drained, or, if immediate, end as well.
    #[pyo3(signature = (immediate = false))]
    fn shutdown(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = truth)] immediate: bool,
    ) -> PyResult<()> {
        let engine = self.engine()?;
        if immediate {
            engine.queue.shutdown_now();
        } else {
            engine.shut_down(py)?;
        }
        Ok(())
    }

    /// Was the queue shut down?
    #[getter]
    fn is_shutdown(&self) -> PyResult<bool> {
        Ok(self.engine()?.queue.is_shutdown())
    }

    /// What is in the queue, and who takes part.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.engine()?.stats(py)
    }

    /// Removes the queue's name. Processes that have it open keep it.
    fn unlink(&self) -> PyResult<()> {
        let unlinked = self.engine()?.queue.unlink();
        unlinked.map_err(|error| errors::of_open(&error))
    }

    /// Waits until all objects that wait in this process are in the queue, unless that was cancelled.
    fn _flush(&self, py: Python<'_>) -> PyResult<()> {
        self.engine()?.flush(py)
    }

    /// At exit, do not wait for what waits in this process: it may be lost.
    fn cancel_join_thread(&self) -> PyResult<()> {
        self.engine()?.cancel_join();
        Ok(())
    }

    /// A descriptor that is readable when an object is there.
    fn _readiness(&self) -> PyResult<i32> {
        self.engine()?.readiness()
    }

    /// The descriptor that another process needs.
    fn _fd(&self) -> PyResult<i32> {
        Ok(self.engine()?.queue.as_fd().as_raw_fd())
    }
}
