//! What to make of a received message: an object, or bytes.

use crate::engine::{self, Access};
use crate::errors;
use crate::held::Held;
use crate::item::{PAGE, Parts, parts};
use crate::message::{Item, Long, item};
use crate::wire::{Wire, broken};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyMemoryView, PySlice};
use ringpost::Lease;
use std::sync::Arc;

/// What was received.
pub(crate) enum Received {
    Item(Lease),
    Long(Long),
    /// Longer than allowed.
    TooLong,
}

/// The object in an item.
pub(crate) fn unpickle<'py>(
    py: Python<'py>,
    wire: &Wire,
    lease: Lease,
) -> PyResult<Bound<'py, PyAny>> {
    let of_get = |error| errors::of_get(py, &error);
    if item(&lease) == Some(Item::Object) {
        let opened = wire.engine()?.object(py, lease, Access::Own)?;
        opened.item.acknowledge().map_err(of_get)?;
        return opened.object;
    }
    if lease.len() < PAGE {
        let object = engine::loads(py)?.call1((PyBytes::new(py, &lease),));
        lease.ack().map_err(of_get)?;
        return object;
    }
    // Read where it lies: unpickling copies what it needs.
    let held = Bound::new(py, Held::new(lease, Arc::default()))?;
    let object = engine::loads(py)?.call1((&held,));
    held.get().deliver().map_err(of_get)?;
    object
}

/// The object with buffers in a bytearray of its own.
pub(crate) fn unpickle_long<'py>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = array.py();
    let all = PyMemoryView::from(array)?;
    let slice = |(start, length): (usize, usize)| {
        all.get_item(PySlice::new(
            py,
            start as isize,
            (start + length) as isize,
            1,
        ))
    };
    let (pickle, buffers) = {
        let array = array.cast::<PyByteArray>()?;
        // SAFETY: nobody else knows the object yet, and nothing of Python runs while its bytes are looked at.
        let bytes = unsafe { array.as_bytes() };
        let Parts::Object { pickle, buffers } = parts(bytes) else {
            return Err(broken());
        };
        (
            (
                pickle.as_ptr() as usize - bytes.as_ptr() as usize,
                pickle.len(),
            ),
            buffers,
        )
    };
    let views = buffers
        .into_iter()
        .map(slice)
        .collect::<PyResult<Vec<_>>>()?;
    engine::load_with(py, slice(pickle)?, &PyList::new(py, views)?)
}

/// The bytes of a message; `None`: it is longer than allowed.
pub(crate) fn bytes_of<'py>(
    py: Python<'py>,
    received: Received,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let bytes = match &received {
        Received::TooLong => return Ok(None),
        Received::Long(Long::Bytes(bytes)) => bytes.bind(py).clone().cast_into()?,
        Received::Long(Long::Object(array)) => {
            let array = array.bind(py).cast::<PyByteArray>()?;
            in_band(py, &array.to_vec())?
        }
        Received::Item(lease) if item(lease) == Some(Item::Object) => in_band(py, lease)?,
        Received::Item(lease) => PyBytes::new(py, lease),
    };
    bytes_taken(py, received)?;
    Ok(Some(bytes))
}

/// The bytes of a message are where they should be.
pub(crate) fn bytes_taken(py: Python<'_>, received: Received) -> PyResult<()> {
    match received {
        Received::Item(lease) => lease.ack().map_err(|error| errors::of_get(py, &error)),
        _ => Ok(()),
    }
}

/// The one pickle stream that says the same as this one and its buffers.
fn in_band<'py>(py: Python<'py>, payload: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let Parts::Object { pickle, buffers } = parts(payload) else {
        return Err(broken());
    };
    let buffers = buffers
        .into_iter()
        .map(|(start, length)| PyBytes::new(py, &payload[start..start + length]));
    let arguments = (PyBytes::new(py, pickle), PyList::new(py, buffers)?);
    let stream = py
        .import("ringpost._reduce")?
        .call_method1("in_band", arguments)?;
    stream
        .cast_into()
        .map_err(|_| PyRuntimeError::new_err("a pickle stream is bytes"))
}
