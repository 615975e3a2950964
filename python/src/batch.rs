//! Several objects at once.

use crate::engine::{Engine, Item, Opened};
use crate::errors;
use crate::fork::generation;
use crate::waiting::Wait;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use ringpost::Lease;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// An item that ended a batch, since it could not be unpickled: the next call gets it, and raises why.
#[derive(Default)]
pub(crate) struct Next {
    is_there: AtomicBool,
    lease: Mutex<Option<(u32, Lease)>>,
}

impl Next {
    fn set(&self, item: Item) {
        let mut place = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        *place = item.into_lease().map(|lease| (generation(), lease));
        self.is_there.store(true, Relaxed);
    }

    #[inline]
    pub(crate) fn take(&self) -> Option<Lease> {
        if !self.is_there.load(Relaxed) {
            return None;
        }
        self.is_there.store(false, Relaxed);
        let mut place = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        let (made, lease) = place.take()?;
        // What a forked child inherits is its parent's.
        (made == generation()).then_some(lease)
    }
}

impl Engine {
    /// Gets up to `max` objects, and never more than may be in flight: waits for the first, and takes what else is there.
    ///
    /// They are acknowledged when all are unpickled: if the process dies before, all are delivered again.
    pub(crate) fn get_many<'py>(
        &self,
        py: Python<'py>,
        max: usize,
        wait: Wait,
        coroutine: u64,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let max = max.min(self.in_flight());
        let (mut objects, mut items) = (Vec::new(), Vec::new());
        while objects.len() < max {
            let lease = match objects.is_empty() {
                true => self.take(py, wait)?,
                // Whatever ends the batch, what was got is delivered; the next call meets the error again.
                false => match self.queue.try_lease() {
                    Ok(lease) => lease,
                    Err(_) => break,
                },
            };
            let Opened { object, item } = self.object(py, lease, self.access())?;
            match object {
                Ok(object) => {
                    objects.push(object);
                    items.push(item);
                }
                // Consumed, as by `get`: it would come again and again.
                Err(error) if objects.is_empty() => {
                    self.deliver(py, item, false, coroutine)?;
                    return Err(error);
                }
                // The next call gets it first, and raises this.
                Err(error) if error.is_instance_of::<PyException>(py) => {
                    self.next.set(item);
                    break;
                }
                // An interrupt: nothing was got.
                Err(error) => {
                    let all = items.into_iter().chain([item]);
                    all.filter_map(Item::into_lease).for_each(Lease::give_back);
                    return Err(error);
                }
            }
        }
        let mut failed = None;
        for item in items {
            if let Err(error) = self.deliver(py, item, true, coroutine) {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(objects), Err)
    }

    /// What becomes of an item when its object is there, or could not be read.
    pub(crate) fn deliver(
        &self,
        py: Python<'_>,
        item: Item,
        readable: bool,
        coroutine: u64,
    ) -> PyResult<()> {
        match (&self.tasks, item) {
            (Some(tasks), Item::Lease(lease)) if readable => {
                tasks.began(lease, coroutine);
                Ok(())
            }
            // Read or not, it is consumed: an item that cannot be unpickled would come again and again.
            (_, item) => item.acknowledge().map_err(|e| errors::of_get(py, &e)),
        }
    }
}
