//! `with queue.lease() as item:` The item is acknowledged at the end of the block, and delivered again on an exception.

use crate::channel::Channel;
use crate::engine::{Access, Item};
use crate::errors;
use crate::waiting::Wait;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};

/// What `lease()` returns.
#[pyclass(frozen, module = "ringpost._ringpost")]
pub(crate) struct Leased {
    channel: Py<Channel>,
    block: bool,
    timeout: Option<f64>,
    item: Mutex<Option<Item>>,
}

impl Leased {
    pub(crate) fn new(channel: Py<Channel>, block: bool, timeout: Option<f64>) -> Leased {
        Leased {
            channel,
            block,
            timeout,
            item: Mutex::new(None),
        }
    }

    fn place(&self) -> std::sync::MutexGuard<'_, Option<Item>> {
        self.item.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Leased {
    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.place().is_some() {
            return Err(PyRuntimeError::new_err("this lease has begun already"));
        }
        let engine = self.channel.get().open_engine(py)?;
        let lease = engine.take(py, Wait::new(self.block, self.timeout))?;
        let opened = engine.object(py, lease, Access::Look)?;
        let object = opened.object?;
        *self.place() = Some(opened.item);
        Ok(object)
    }

    /// What is not acknowledged is given back when the last view of it is gone.
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let item = self.place().take();
        if let (Some(item), true) = (item, kind.is_none()) {
            item.acknowledge().map_err(|e| errors::of_get(py, &e))?;
        }
        Ok(false)
    }
}
