//! The tasks of a joinable queue: what this process has got and not yet called done is leased, so that its death loses none.

use crate::fork::generation;
use ringpost::{BytesQueue, Lease};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

/// A process that never calls `task_done` keeps so many leases at most.
const MOST: u64 = 256;

pub(crate) struct Tasks {
    queue: BytesQueue,
    leased: Mutex<Leased>,
    most: usize,
    most_bytes: usize,
}

/// Whose a task is: the thread that got it, and, where coroutines share a thread, the number of the coroutine's task, or 0.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Worker {
    thread: ThreadId,
    coroutine: u64,
}

impl Worker {
    fn this(coroutine: u64) -> Worker {
        Worker {
            thread: std::thread::current().id(),
            coroutine,
        }
    }
}

#[derive(Default)]
struct Leased {
    generation: u32,
    bytes: usize,
    leases: VecDeque<(Worker, Lease)>,
}

impl Leased {
    /// Where the oldest lease is that this worker may mean: its own, else its thread's, else anyone's.
    fn oldest_of(&self, worker: Worker) -> usize {
        let oldest =
            |whose: &dyn Fn(Worker) -> bool| self.leases.iter().position(|(of, _)| whose(*of));
        oldest(&|of| of == worker)
            .or_else(|| oldest(&|of| of.thread == worker.thread))
            .unwrap_or(0)
    }
}

impl Tasks {
    pub(crate) fn new(queue: &BytesQueue) -> Tasks {
        let most = (queue.stats().in_flight / 4).clamp(1, MOST);
        Tasks {
            queue: queue.clone(),
            leased: Mutex::default(),
            most: most as usize,
            most_bytes: queue.max_payload() / 4,
        }
    }

    /// The leases of this process; those that a forked child inherits are its parent's, and dropping them does nothing.
    fn with<R>(&self, then: impl FnOnce(&mut Leased) -> R) -> R {
        let mut leased = self.leased.lock().unwrap_or_else(PoisonError::into_inner);
        if leased.generation != generation() {
            *leased = Leased {
                generation: generation(),
                ..Leased::default()
            };
        }
        then(&mut leased)
    }

    /// A task was got by this thread, and this coroutine of it.
    pub(crate) fn began(&self, lease: Lease, coroutine: u64) {
        self.with(|leased| {
            leased.bytes += lease.len();
            leased.leases.push_back((Worker::this(coroutine), lease));
            while leased.leases.len() > 1
                && (leased.leases.len() > self.most || leased.bytes > self.most_bytes)
            {
                self.let_go(leased);
            }
        });
    }

    /// Acknowledges the oldest lease, without its task being done: it stays unfinished, and is not delivered again.
    fn let_go(&self, leased: &mut Leased) -> bool {
        let Some((_, lease)) = leased.leases.pop_front() else {
            return false;
        };
        leased.bytes -= lease.len();
        // In this order: if the process is killed in between, a task counts as done too early. In the other one, `join`
        // would never end.
        if lease.ack().is_ok() {
            self.queue.add_unfinished(1);
        }
        true
    }

    /// At exit: only death delivers again.
    pub(crate) fn let_all_go(&self) {
        self.with(|leased| while self.let_go(leased) {});
    }

    /// One task is done. `false`: there is none that could be. `overflow`: how many wait in this process.
    pub(crate) fn done(&self, coroutine: u64, overflow: usize) -> bool {
        let mine = self.with(|leased| {
            let oldest = leased.oldest_of(Worker::this(coroutine));
            let (_, lease) = leased.leases.remove(oldest)?;
            leased.bytes -= lease.len();
            Some(lease)
        });
        if let Some(lease) = mine {
            return lease.ack().is_ok();
        }
        if self.queue.take_unfinished(0) {
            return true;
        }
        // Somebody else has the lease, or will have it.
        self.queue.take_unfinished(-self.not_acknowledged(overflow))
    }

    /// How many tasks the queue and this process have.
    fn not_acknowledged(&self, overflow: usize) -> i64 {
        let stats = self.queue.stats();
        (stats.queued + stats.retry + stats.loaned) as i64 + overflow as i64
    }

    /// Tasks that were put and are not done.
    pub(crate) fn unfinished(&self, overflow: usize) -> usize {
        usize::try_from(self.not_acknowledged(overflow) + self.queue.unfinished()).unwrap_or(0)
    }

    /// After a shutdown: is there nothing that this thread could wait for? It has a task in hand itself, or only its process
    /// has any: none of those can come back to it.
    pub(crate) fn waits_for_itself(&self) -> bool {
        if !self.queue.is_shutdown() {
            return false;
        }
        let me = std::thread::current().id();
        let (here, mine) = self.with(|leased| {
            let mine = leased.leases.iter().any(|(of, _)| of.thread == me);
            (leased.leases.len() as u64, mine)
        });
        let stats = self.queue.stats();
        stats.queued + stats.retry == 0 && (mine || stats.loaned <= here)
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.let_all_go();
    }
}
