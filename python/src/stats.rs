//! What is in a queue, as a dictionary.

use crate::engine::Engine;
use pyo3::prelude::*;
use pyo3::types::PyDict;

impl Engine {
    pub(crate) fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.queue.stats();
        let dict = PyDict::new(py);
        dict.set_item("state", stats.state)?;
        dict.set_item("capacity", stats.capacity)?;
        dict.set_item("queued", stats.queued)?;
        dict.set_item("waiting_in_process", self.waiting_here())?;
        dict.set_item("retry", stats.retry)?;
        dict.set_item("quarantined", stats.quarantined)?;
        dict.set_item("leased", stats.loaned)?;
        dict.set_item("held", stats.held)?;
        dict.set_item("unfinished", self.queue.unfinished())?;
        dict.set_item("total_put", stats.total_put)?;
        dict.set_item("arena_bytes", stats.arena_bytes)?;
        dict.set_item("arena_used_bytes", stats.arena_used_bytes)?;
        dict.set_item("segment_bytes", stats.segment_bytes)?;
        let pids: Vec<u32> = stats.participants.iter().map(|p| p.pid).collect();
        dict.set_item("participants", pids)?;
        Ok(dict)
    }
}
