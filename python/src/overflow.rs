//! What does not fit into an unbounded queue waits in its process, and a thread flushes it, in order.

use crate::fork::generation;
use pyo3::prelude::*;
use ringpost::{BytesQueue, PutError};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a thread without work stays.
const LINGER: Duration = Duration::from_millis(200);

/// The items of one queue that wait in this process. A forked child leaves it alone, with its lock and its thread.
pub(crate) struct Overflow {
    generation: u32,
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// How many wait, the one at work included. Every put looks at it first.
    count: AtomicUsize,
    /// At exit, nobody waits for it.
    cancelled: AtomicBool,
    /// The interpreter exits, and waits for it: what nobody can get any more is dropped.
    leaving: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    /// Payloads, and what each must be aligned to.
    items: VecDeque<(Vec<u8>, usize)>,
    running: bool,
}

/// Every overflow that an exit has to wait for. Its lock is only taken with the interpreter's, so no fork meets it locked.
static ALL: Mutex<Vec<Arc<Overflow>>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Overflow {
    pub(crate) fn new(cancelled: bool) -> Arc<Overflow> {
        let new = Arc::new(Overflow {
            generation: generation(),
            waiting: Mutex::default(),
            changed: Condvar::new(),
            count: AtomicUsize::new(0),
            cancelled: AtomicBool::new(cancelled),
            leaving: AtomicBool::new(false),
        });
        let mut all = lock(&ALL);
        // The lock of an inherited one may be held for ever by a thread that is not here; not even its drop should see it.
        let (own, inherited): (Vec<_>, Vec<_>) =
            all.drain(..).partition(|overflow| overflow.is_own());
        std::mem::forget(inherited);
        *all = own;
        all.retain(|overflow| overflow.len() > 0 || Arc::strong_count(overflow) > 1);
        all.push(Arc::clone(&new));
        new
    }

    pub(crate) fn is_own(&self) -> bool {
        self.generation == generation()
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(SeqCst)
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, SeqCst);
    }

    /// Adds an item behind all others, and sees to it that the thread runs.
    pub(crate) fn push(self: &Arc<Self>, queue: &BytesQueue, parts: &[&[u8]], align: usize) {
        let payload = gathered(parts, align);
        let mut waiting = lock(&self.waiting);
        self.count.fetch_add(1, SeqCst);
        waiting.items.push_back((payload, align));
        if !waiting.running {
            let (overflow, queue) = (Arc::clone(self), queue.clone());
            let thread = std::thread::Builder::new().name("ringpost-feeder".into());
            // Without a thread now, the next put tries again; until then it waits as if the queue were full.
            waiting.running = thread.spawn(move || overflow.flush(&queue)).is_ok();
        }
        self.changed.notify_all();
    }

    fn flush(&self, queue: &BytesQueue) {
        let mut waiting = lock(&self.waiting);
        loop {
            let Some((payload, align)) = waiting.items.pop_front() else {
                let (next, timeout) = self
                    .changed
                    .wait_timeout(waiting, LINGER)
                    .unwrap_or_else(PoisonError::into_inner);
                waiting = next;
                if timeout.timed_out() && waiting.items.is_empty() {
                    waiting.running = false;
                    return;
                }
                continue;
            };
            drop(waiting);
            let hopeless = || self.leaving.load(SeqCst) && is_alone_with(queue);
            let put = queue.put_parts_interruptible(&[&payload], align, None, hopeless);
            waiting = lock(&self.waiting);
            let mut done = 1;
            // What fails otherwise is a queue that was shut down, or spoilt: its items are lost as those in it are.
            if let Err(PutError::Interrupted) = put {
                done += waiting.items.len();
                waiting.items.clear();
            }
            self.count.fetch_sub(done, SeqCst);
            self.changed.notify_all();
        }
    }

    /// Waits until all is flushed, or cancelled; asks `interrupted` now and then.
    pub(crate) fn join(&self, interrupted: &mut dyn FnMut() -> bool) -> bool {
        while self.len() > 0 && !self.cancelled.load(SeqCst) {
            let waiting = lock(&self.waiting);
            if self.len() > 0 {
                let slept = self
                    .changed
                    .wait_timeout(waiting, Duration::from_millis(50));
                drop(slept.unwrap_or_else(PoisonError::into_inner));
            }
            if interrupted() {
                return false;
            }
        }
        true
    }
}

/// Has nobody but this process this queue, and can nobody open it by a name?
fn is_alone_with(queue: &BytesQueue) -> bool {
    let me = std::process::id();
    let others = |stats: ringpost::Stats| stats.participants.iter().any(|other| other.pid != me);
    queue.path().is_none() && !others(queue.stats())
}

/// At exit: waits for every overflow of this process that is not cancelled.
#[pyfunction]
pub(crate) fn join_overflows(py: Python<'_>) -> PyResult<()> {
    let all: Vec<_> = lock(&ALL).iter().map(Arc::clone).collect();
    for overflow in all.iter().filter(|overflow| overflow.is_own()) {
        overflow.leaving.store(true, SeqCst);
        crate::waiting::detached(py, |asked| {
            overflow.join(asked);
            Ok::<(), ()>(())
        })?
        .ok();
    }
    // Inherited ones among them are not dropped, see above; the list holds them anyway.
    Ok(())
}

/// When a look that found nothing is repeated, since the own overflow is on its way.
pub(crate) fn soon() -> Option<Instant> {
    Instant::now().checked_add(Duration::from_millis(5))
}

/// The parts as one, each at a multiple of `align`.
fn gathered(parts: &[&[u8]], align: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(parts.iter().map(|part| part.len() + align).sum());
    for part in parts {
        payload.resize(payload.len().next_multiple_of(align), 0);
        payload.extend_from_slice(part);
    }
    payload
}
