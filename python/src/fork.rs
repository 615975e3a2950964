//! Which process this is: state of a process that a forked child inherits is told by its generation.

use pyo3::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// How often this process's line has forked.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Relaxed)
}

/// Called in every child that Python has forked.
#[pyfunction]
pub(crate) fn after_fork_in_child() {
    GENERATION.fetch_add(1, Relaxed);
}
