//! What `Pipe()` returns, as Python sees it: the class beneath `ringpost.Connection`.

use crate::engine;
use crate::message::{Item, Long, item};
use crate::pickler::Payload;
use crate::received::{Received, bytes_of, bytes_taken, unpickle, unpickle_long};
use crate::wire::{Fds, Wire};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyBufferError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyTuple, PyType};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// An end of a pipe, and whether it may still be used.
#[pyclass(subclass, frozen, weakref, module = "ringpost._ringpost")]
pub(crate) struct Connection {
    // Its lock is only taken with the interpreter's, and not kept, so no fork meets it locked.
    wire: Mutex<Option<Arc<Wire>>>,
    readable: AtomicBool,
    writable: AtomicBool,
}

/// Makes the ends of a pipe.
#[pyfunction]
pub(crate) fn pipe<'py>(
    class: &Bound<'py, PyType>,
    duplex: bool,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let (one, two) = class.py().detach(|| Wire::pair(duplex))?;
    Ok((
        Connection::make(class, one, true, duplex)?,
        Connection::make(class, two, duplex, true)?,
    ))
}

/// Makes an end that another process has passed on, from its descriptors.
#[pyfunction]
pub(crate) fn connection_from_fds<'py>(
    class: &Bound<'py, PyType>,
    fds: Fds<i32>,
    first: bool,
    readable: bool,
    writable: bool,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the package passes descriptors that it has just got for this purpose.
    let owned = |fd| unsafe { OwnedFd::from_raw_fd(fd) };
    let (socket, page, incoming, outgoing) = fds;
    let fds = (
        owned(socket),
        owned(page),
        incoming.map(owned),
        outgoing.map(owned),
    );
    let wire = class.py().detach(|| Wire::from_fds(fds, first))?;
    Connection::make(class, wire, readable, writable)
}

impl Connection {
    fn make<'py>(
        class: &Bound<'py, PyType>,
        wire: Wire,
        readable: bool,
        writable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = class.call_method1("__new__", (class,))?;
        let connection = made.cast::<Connection>()?.get();
        *connection.place() = Some(Arc::new(wire));
        connection.readable.store(readable, Relaxed);
        connection.writable.store(writable, Relaxed);
        Ok(made)
    }

    fn place(&self) -> MutexGuard<'_, Option<Arc<Wire>>> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wire(&self) -> PyResult<Arc<Wire>> {
        let wire = self.place().clone();
        wire.ok_or_else(|| PyOSError::new_err("handle is closed"))
    }

    fn to_read(&self) -> PyResult<Arc<Wire>> {
        let wire = self.wire()?;
        match self.readable.load(Relaxed) {
            true => Ok(wire),
            false => Err(PyOSError::new_err("connection is write-only")),
        }
    }

    fn to_write(&self) -> PyResult<Arc<Wire>> {
        let wire = self.wire()?;
        match self.writable.load(Relaxed) {
            true => Ok(wire),
            false => Err(PyOSError::new_err("connection is read-only")),
        }
    }

    /// As the standard library: what cannot be received makes the connection useless.
    fn bad_message_length(&self) -> PyErr {
        match self.writable.load(Relaxed) {
            true => self.readable.store(false, Relaxed),
            false => self.close(),
        }
        PyOSError::new_err("bad message length")
    }
}

#[pymethods]
impl Connection {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Connection {
        Connection {
            wire: Mutex::new(None),
            readable: AtomicBool::new(false),
            writable: AtomicBool::new(false),
        }
    }

    /// Sends an object, pickled.
    fn send(&self, py: Python<'_>, obj: &Bound<'_, PyAny>) -> PyResult<()> {
        let wire = self.to_write()?;
        let payload = Payload::pickled(obj, None)?;
        match &payload {
            // The bare pickle stream, as `recv_bytes` on the other side expects it.
            Payload::Object {
                chunks, buffers, ..
            } if buffers.is_empty() => match &chunks[..] {
                [one] => wire.send(py, &[one.as_bytes()], 1, false),
                several => {
                    let parts: Vec<_> = several.iter().map(|chunk| chunk.as_bytes()).collect();
                    wire.send(py, &parts, 1, false)
                }
            },
            payload => payload.with_parts(|parts, align| wire.send(py, parts, align, true)),
        }
    }

    /// Sends the bytes of a buffer.
    #[pyo3(signature = (buf, offset = 0, size = None))]
    fn send_bytes(
        &self,
        py: Python<'_>,
        buf: &Bound<'_, PyAny>,
        offset: isize,
        size: Option<isize>,
    ) -> PyResult<()> {
        let wire = self.to_write()?;
        let buffer = contiguous(buf)?;
        let length = buffer.len_bytes();
        let wrong = |what: &'static str| Err(PyValueError::new_err(what));
        let Ok(offset) = usize::try_from(offset) else {
            return wrong("offset is negative");
        };
        if length < offset {
            return wrong("buffer length < offset");
        }
        let size = match size.map(usize::try_from) {
            None => length - offset,
            Some(Err(_)) => return wrong("size is negative"),
            Some(Ok(size)) if size > length - offset => {
                return wrong("buffer length < offset + size");
            }
            Some(Ok(size)) => size,
        };
        // SAFETY: the exporter keeps its contiguous bytes in place as long as `buffer` lives. Another thread of the
        // interpreter may write to them: it then changes which bytes are sent, and nothing else.
        let bytes = unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), length) };
        wire.send(py, &[&bytes[offset..offset + size]], 1, false)
    }

    /// Receives an object.
    fn recv<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let wire = self.to_read()?;
        match wire.receive(py, None)? {
            Received::Item(lease) => unpickle(py, &wire, lease),
            Received::Long(Long::Bytes(bytes)) => engine::loads(py)?.call1((bytes,)),
            Received::Long(Long::Object(array)) => unpickle_long(array.bind(py)),
            Received::TooLong => Err(self.bad_message_length()),
        }
    }

    /// Receives the bytes of a message.
    #[pyo3(signature = (maxlength = None))]
    fn recv_bytes<'py>(
        &self,
        py: Python<'py>,
        maxlength: Option<isize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let wire = self.to_read()?;
        let max = match maxlength.map(usize::try_from).transpose() {
            Ok(max) => max,
            Err(_) => return Err(PyValueError::new_err("negative maxlength")),
        };
        let bytes = bytes_of(py, wire.receive(py, max)?)?;
        match bytes {
            Some(bytes) if max.is_none_or(|max| bytes.as_bytes().len() <= max) => {
                Ok(bytes.into_any())
            }
            _ => Err(self.bad_message_length()),
        }
    }

    /// Receives the bytes of a message into a buffer, and says how many there are.
    #[pyo3(signature = (buf, offset = 0))]
    fn recv_bytes_into(
        &self,
        py: Python<'_>,
        buf: &Bound<'_, PyAny>,
        offset: isize,
    ) -> PyResult<usize> {
        let wire = self.to_read()?;
        let buffer = contiguous(buf)?;
        if buffer.readonly() {
            return Err(PyBufferError::new_err("the buffer is read-only"));
        }
        let Ok(offset) = usize::try_from(offset) else {
            return Err(PyValueError::new_err("negative offset"));
        };
        let Some(room) = buffer.len_bytes().checked_sub(offset) else {
            return Err(PyValueError::new_err("offset too large"));
        };
        let place = buffer.buf_ptr().cast::<u8>().wrapping_add(offset);
        let received = wire.receive(py, None)?;
        if let Received::Item(lease) = &received
            && item(lease) == Some(Item::Plain)
            && lease.len() <= room
        {
            let size = lease.len();
            // SAFETY: so many bytes are there, of a buffer that is `buffer`'s as long as it lives, and may be written to.
            unsafe { place.copy_from(lease.as_ptr(), size) };
            bytes_taken(py, received)?;
            return Ok(size);
        }
        let Some(bytes) = bytes_of(py, received)? else {
            return Err(self.bad_message_length());
        };
        let size = bytes.as_bytes().len();
        if size > room {
            return Err(buffer_too_short(py, bytes));
        }
        // SAFETY: as above.
        unsafe { place.copy_from(bytes.as_bytes().as_ptr(), size) };
        Ok(size)
    }

    /// Is there something to receive, or the end? Waits for it up to `timeout` seconds; None: as long as it takes.
    #[pyo3(signature = (timeout = Some(0.0)))]
    fn poll(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let wire = self.to_read()?;
        let timeout = match timeout {
            None => None,
            Some(seconds) if seconds <= 0.0 => Some(None),
            // More than a clock can say: no deadline.
            Some(seconds) => Duration::try_from_secs_f64(seconds).ok().map(Some),
        };
        wire.poll(py, timeout)
    }

    /// A descriptor that is readable exactly when there is something to receive, or the end.
    fn fileno(&self) -> PyResult<i32> {
        Ok(self.wire()?.watch())
    }

    fn close(&self) {
        let wire = self.place().take();
        if let Some(wire) = wire {
            wire.close();
        }
    }

    #[getter]
    fn closed(&self) -> bool {
        self.place().is_none()
    }

    #[getter]
    fn readable(&self) -> bool {
        self.readable.load(Relaxed)
    }

    #[getter]
    fn writable(&self) -> bool {
        self.writable.load(Relaxed)
    }

    /// How many messages have come.
    fn _waiting(&self) -> PyResult<usize> {
        Ok(self.wire()?.waiting())
    }

    /// The descriptors that another process needs.
    fn _fds(&self) -> PyResult<Fds<i32>> {
        Ok(self.wire()?.fds()?)
    }

    /// The socket, if it is open.
    #[getter]
    fn _handle(&self) -> Option<i32> {
        self.wire().ok().map(|wire| wire.socket().as_raw_fd())
    }

    /// Is this the end that reads what goes in the first direction?
    #[getter]
    fn _first(&self) -> PyResult<bool> {
        Ok(self.wire()?.is_first())
    }
}

/// The memory of a buffer, in one piece.
fn contiguous(buf: &Bound<'_, PyAny>) -> PyResult<PyUntypedBuffer> {
    let buffer = PyUntypedBuffer::get(buf)?;
    match buffer.is_c_contiguous() {
        true => Ok(buffer),
        false => Err(PyBufferError::new_err("the buffer is not contiguous")),
    }
}

fn buffer_too_short(py: Python<'_>, bytes: Bound<'_, PyBytes>) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    match CLASS.import(py, "multiprocessing", "BufferTooShort") {
        Ok(class) => PyErr::from_type(class.clone(), (bytes.unbind(),)),
        Err(error) => error,
    }
}
