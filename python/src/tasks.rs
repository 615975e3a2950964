//! The tasks of a joinable queue: what this process has got and not yet called done is leased, so that its death loses none.

use crate::counter::Counter;
use crate::fork::generation;
use ringpost::{BytesQueue, Lease};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// A process that never calls `task_done` keeps so many leases at most.
const MOST: u64 = 256;
/// How long a join sleeps between two looks at the counter.
const NAP: Duration = Duration::from_millis(2);

pub(crate) struct Tasks {
    /// Tasks that are acknowledged but not called done; negative, if they were called done by another process than that
    /// which still has the lease.
    open: Counter,
    leased: Mutex<Leased>,
    most: usize,
    most_bytes: usize,
}

#[derive(Default)]
struct Leased {
    generation: u32,
    bytes: usize,
    leases: VecDeque<(ThreadId, Lease)>,
}

impl Tasks {
    pub(crate) fn new(open: Counter, queue: &BytesQueue) -> Tasks {
        let most = (queue.stats().in_flight / 4).clamp(1, MOST);
        Tasks {
            open,
            leased: Mutex::default(),
            most: most as usize,
            most_bytes: queue.max_payload() / 4,
        }
    }

    pub(crate) fn fd(&self) -> i32 {
        self.open.fd()
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

    /// A task was got by this thread.
    pub(crate) fn began(&self, lease: Lease) {
        self.with(|leased| {
            leased.bytes += lease.len();
            leased
                .leases
                .push_back((std::thread::current().id(), lease));
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
            self.open.add(1);
        }
        true
    }

    /// At exit: only death delivers again.
    pub(crate) fn let_all_go(&self) {
        self.with(|leased| while self.let_go(leased) {});
    }

    /// One task is done. `false`: there is none that could be.
    pub(crate) fn done(&self, queue: &BytesQueue, overflow: usize) -> bool {
        let me = std::thread::current().id();
        let mine = self.with(|leased| {
            let of_thread = leased.leases.iter().position(|(thread, _)| *thread == me);
            let (_, lease) = leased.leases.remove(of_thread.unwrap_or(0))?;
            leased.bytes -= lease.len();
            Some(lease)
        });
        match mine {
            Some(lease) => lease.ack().is_ok(),
            None => self.open.take(0) || self.open.take(-(in_queue(queue) + overflow as i64)),
        }
    }

    /// Waits until all that was put is done.
    pub(crate) fn join(&self, queue: &BytesQueue, interrupted: &mut dyn FnMut() -> bool) {
        loop {
            let idle = queue.join_interruptible(Instant::now().checked_add(NAP), || false);
            let open = self.open.get();
            let done = match idle {
                true => open <= 0,
                false => open < 0 && open + in_queue(queue) <= 0,
            };
            if done || interrupted() {
                return;
            }
            if idle {
                std::thread::sleep(NAP);
            }
        }
    }
}

/// Put and not acknowledged.
fn in_queue(queue: &BytesQueue) -> i64 {
    let stats = queue.stats();
    (stats.queued + stats.retry + stats.loaned) as i64
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.let_all_go();
    }
}
