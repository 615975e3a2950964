//! An item that Python reads, and writes, where it lies: kept until the last view of it is gone.

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use ringpost::{Lease, Message};
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// What this process keeps of one queue.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    bytes: AtomicUsize,
    items: AtomicUsize,
}

impl Kept {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    pub(crate) fn items(&self) -> usize {
        self.items.load(Relaxed)
    }
}

/// What keeps the bytes in place.
enum Guard {
    /// Being unpickled: if the process dies now, the item is delivered again.
    Leased(Lease),
    Delivered {
        _message: Message,
    },
    Failed,
}

/// The memory of one item.
#[pyclass(frozen, module = "ringpost._ringpost")]
pub(crate) struct Held {
    start: *mut u8,
    length: usize,
    guard: Mutex<Guard>,
    /// Delivered: it is the consumer's own now.
    writable: AtomicBool,
    kept: Arc<Kept>,
}

// SAFETY: the bytes are this process's alone as long as the guard lives, and the interpreter decides who touches them.
unsafe impl Send for Held {}
// SAFETY: as above.
unsafe impl Sync for Held {}

impl Held {
    /// Keeps a leased item.
    pub(crate) fn new(lease: Lease, kept: Arc<Kept>) -> Held {
        kept.bytes.fetch_add(lease.len(), Relaxed);
        kept.items.fetch_add(1, Relaxed);
        Held {
            start: lease.as_ptr().cast_mut(),
            length: lease.len(),
            guard: Mutex::new(Guard::Leased(lease)),
            writable: AtomicBool::new(false),
            kept,
        }
    }

    /// Views from now on may be written to.
    pub(crate) fn make_writable(&self) {
        self.writable.store(true, Relaxed);
    }

    /// The lease, if the item is not delivered.
    pub(crate) fn take_lease(&self) -> Option<Lease> {
        let mut guard = self.guard.lock().expect("nobody panics with it");
        match std::mem::replace(&mut *guard, Guard::Failed) {
            Guard::Leased(lease) => Some(lease),
            other => {
                *guard = other;
                None
            }
        }
    }

    /// The item is delivered; its memory stays.
    pub(crate) fn deliver(&self) -> Result<(), ringpost::GetError> {
        let mut guard = self.guard.lock().expect("nobody panics with it");
        if let Guard::Leased(lease) = std::mem::replace(&mut *guard, Guard::Failed) {
            *guard = Guard::Delivered {
                _message: lease.into_message()?,
            };
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.kept.bytes.fetch_sub(self.length, Relaxed);
        self.kept.items.fetch_sub(1, Relaxed);
    }
}

#[pymethods]
impl Held {
    /// Lends all bytes.
    ///
    /// # Safety
    ///
    /// Called by the interpreter with a view to be filled.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("no view to fill"));
        }
        let held = slf.get();
        let (start, length) = (held.start, held.length);
        // SAFETY: the interpreter gives a view to fill; the bytes stay where they are as long as `slf`, which the view keeps.
        let filled = unsafe {
            ffi::PyBuffer_FillInfo(
                view,
                slf.as_ptr(),
                start.cast(),
                length as ffi::Py_ssize_t,
                c_int::from(!held.writable.load(Relaxed)),
                flags,
            )
        };
        match filled {
            0 => Ok(()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }
}
