//! The library's errors as Python's exceptions.

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use ringpost::{GetError, OpenError, PutError, Shortage};

static FULL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static EMPTY: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static SHUT_DOWN: PyOnceLock<Py<PyType>> = PyOnceLock::new();

fn raise(
    py: Python<'_>,
    class: &'static PyOnceLock<Py<PyType>>,
    module: &str,
    name: &str,
) -> PyErr {
    match class.import(py, module, name) {
        Ok(class) => PyErr::from_type(class.clone(), ()),
        Err(error) => error,
    }
}

pub(crate) fn full(py: Python<'_>) -> PyErr {
    raise(py, &FULL, "queue", "Full")
}

pub(crate) fn empty(py: Python<'_>) -> PyErr {
    raise(py, &EMPTY, "queue", "Empty")
}

pub(crate) fn shut_down(py: Python<'_>) -> PyErr {
    raise(py, &SHUT_DOWN, "ringpost._errors", "ShutDown")
}

/// Was there just no room?
pub(crate) fn is_full(py: Python<'_>, error: &PyErr) -> bool {
    let full = FULL.import(py, "queue", "Full");
    full.is_ok_and(|full| error.is_instance(py, full.as_any()))
}

/// Why nothing was put.
pub(crate) fn of_put(py: Python<'_>, error: &PutError) -> PyErr {
    match error {
        PutError::Full(Shortage::Slots) | PutError::TimedOut(_) | PutError::Full(_) => full(py),
        PutError::Closed => shut_down(py),
        PutError::TooLarge { len, max } => PyValueError::new_err(format!(
            "a payload of {} is larger than the arena of {}; pass arena= to the queue",
            size(*len),
            size(*max)
        )),
        PutError::NoSpace { .. } => PyOSError::new_err((28, error.to_string())), // ENOSPC
        _ => PyRuntimeError::new_err(error.to_string()),
    }
}

/// Why nothing was got.
pub(crate) fn of_get(py: Python<'_>, error: &GetError) -> PyErr {
    match error {
        GetError::Empty | GetError::TimedOut => empty(py),
        GetError::Closed => shut_down(py),
        _ => PyRuntimeError::new_err(error.to_string()),
    }
}

/// Why a queue could not be made or opened.
pub(crate) fn of_open(error: &OpenError) -> PyErr {
    let said = error.to_string();
    let code = match error {
        OpenError::NotFound { .. } => 2,
        OpenError::Exists { .. } => 17,
        OpenError::Permission { .. } => 13,
        OpenError::NoSpace { .. } => 28,
        OpenError::Io { source, .. } => source.raw_os_error().unwrap_or(5),
        OpenError::Options(_) | OpenError::Name { .. } => return PyValueError::new_err(said),
        _ => return PyOSError::new_err(said),
    };
    PyOSError::new_err((code, said))
}

/// Bytes, for people.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = "bytes";
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    match unit {
        "bytes" => format!("{bytes} bytes"),
        unit => format!("{value:.1} {unit}"),
    }
}
