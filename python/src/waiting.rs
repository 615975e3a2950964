//! Waiting without the interpreter: its lock is released, and signal handlers run as soon as a signal arrives.

use pyo3::prelude::*;
use std::time::{Duration, Instant};

/// How long a call may wait, as Python says it.
#[derive(Clone, Copy)]
pub(crate) enum Wait {
    Not,
    Until(Option<Instant>),
}

impl Wait {
    /// `block` and `timeout` of `put` and `get`; a negative timeout does not wait.
    pub(crate) fn new(block: bool, timeout: Option<f64>) -> Wait {
        match (block, timeout) {
            (false, _) => Wait::Not,
            (true, None) => Wait::Until(None),
            (true, Some(seconds)) if seconds <= 0.0 => Wait::Not,
            (true, Some(seconds)) => Wait::Until(
                Duration::try_from_secs_f64(seconds)
                    .ok()
                    .and_then(|timeout| Instant::now().checked_add(timeout)),
            ),
        }
    }
}

/// Runs a call that may block, without the interpreter's lock. `call` gets the question to ask now and then: have signal
/// handlers raised an exception? That one is returned, if so.
pub(crate) fn detached<T: Send, E: Send>(
    py: Python<'_>,
    call: impl FnOnce(&mut dyn FnMut() -> bool) -> Result<T, E> + Send,
) -> PyResult<Result<T, E>> {
    let mut raised = None;
    let result = py.detach(|| {
        call(&mut || {
            attached(|py| match py.check_signals() {
                Ok(()) => false,
                Err(error) => {
                    raised = Some(error);
                    true
                }
            })
        })
    });
    match raised {
        Some(error) => Err(error),
        None => Ok(result),
    }
}

/// Does something with the interpreter's lock, from a thread that waits without it. If the interpreter is gone, since the program
/// exits and this is a daemon thread, the thread goes no further.
pub(crate) fn attached<T>(then: impl FnOnce(Python<'_>) -> T) -> T {
    match Python::try_attach(then) {
        Some(done) => done,
        None => loop {
            std::thread::park();
        },
    }
}
