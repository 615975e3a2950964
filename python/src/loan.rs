//! Memory of a queue that Python fills in place, and that a put then hands over without a copy.
//!
//! ```text
//! one page: the object's magic, counts, table and pickle stream │ the bytes that Python fills
//! ```

use crate::fork::generation;
use crate::item::PAGE;
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use ringpost::{BytesQueue, WriteLoan};
use std::ffi::c_int;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// How many loans of one queue Python has; also tells whose a loan is.
#[derive(Debug, Default)]
pub(crate) struct Loans(AtomicUsize);

impl Loans {
    pub(crate) fn any(&self) -> bool {
        self.0.load(Relaxed) > 0
    }
}

/// What an array of `empty_array` lies in. Dropped before it was put, nothing has happened.
#[pyclass(frozen, module = "ringpost._ringpost")]
pub(crate) struct Loan {
    start: *mut u8,
    length: usize,
    /// `None`: it was put, and the memory is somebody else's.
    loan: Mutex<Option<WriteLoan>>,
    generation: u32,
    loans: Arc<Loans>,
    /// Keeps the memory mapped, also when the loan is gone.
    _queue: BytesQueue,
}

// SAFETY: `start` is only lent to the interpreter, which decides who touches the bytes; they stay mapped as long as `_queue`.
unsafe impl Send for Loan {}
// SAFETY: as above.
unsafe impl Sync for Loan {}

impl Loan {
    /// Of a loan that begins with room for the head.
    pub(crate) fn new(queue: &BytesQueue, mut loan: WriteLoan, loans: &Arc<Loans>) -> Loan {
        loans.0.fetch_add(1, Relaxed);
        let bytes = &mut loan[PAGE..];
        Loan {
            start: bytes.as_mut_ptr(),
            length: bytes.len(),
            loan: Mutex::new(Some(loan)),
            generation: generation(),
            loans: Arc::clone(loans),
            _queue: queue.clone(),
        }
    }

    fn place(&self) -> std::sync::MutexGuard<'_, Option<WriteLoan>> {
        self.loan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes it, to put it.
    pub(crate) fn take(&self) -> PyResult<WriteLoan> {
        self.place().take().ok_or_else(spent)
    }

    /// Nothing was put, and it is the caller's as before.
    pub(crate) fn put_back(&self, loan: WriteLoan) {
        // A put that met the end of the queue may have used it up.
        if loan.len() == PAGE + self.length {
            *self.place() = Some(loan);
        }
    }
}

fn spent() -> PyErr {
    PyValueError::new_err("this array was put already: its memory belongs to whoever gets it")
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.loans.0.fetch_sub(1, Relaxed);
    }
}

/// The loan of these `loans` that is just what `view` shows: a `memoryview` of an array, or of a reshaped one. It fails if
/// the array was put already.
pub(crate) fn shown_by<'py>(
    view: &Bound<'py, PyAny>,
    (start, length): (usize, usize),
    loans: &Arc<Loans>,
) -> PyResult<Option<Bound<'py, Loan>>> {
    let mut owner = view.getattr("obj")?;
    let loan = loop {
        match owner.cast_into::<Loan>() {
            Ok(loan) => break loan,
            Err(other) => match other.into_inner().getattr_opt("base")? {
                Some(base) if !base.is_none() => owner = base,
                _ => return Ok(None),
            },
        }
    };
    let own = loan.get();
    // What a forked child inherits is its parent's to put.
    if !Arc::ptr_eq(&own.loans, loans) || own.generation != generation() {
        return Ok(None);
    }
    if own.place().is_none() {
        return Err(spent());
    }
    Ok((own.start as usize == start && own.length == length).then_some(loan))
}

/// Makes the array that was put, and those that it is a view of, read-only.
pub(crate) fn close(view: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut owner = view.getattr("obj")?;
    while let Some(setflags) = owner.getattr_opt("setflags")? {
        setflags.call1((false,))?;
        owner = owner.getattr("base")?;
    }
    Ok(())
}

#[pymethods]
impl Loan {
    /// Lends the bytes, to be filled.
    ///
    /// # Safety
    ///
    /// Called by the interpreter with a view to be filled.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let loan = slf.get();
        if view.is_null() || loan.place().is_none() {
            return Err(PyBufferError::new_err("this array was put"));
        }
        let length = loan.length as ffi::Py_ssize_t;
        // SAFETY: the interpreter gives a view to fill; the bytes stay mapped as long as `slf`, which the view keeps.
        let filled = unsafe {
            ffi::PyBuffer_FillInfo(view, slf.as_ptr(), loan.start.cast(), length, 0, flags)
        };
        match filled {
            0 => Ok(()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }
}
