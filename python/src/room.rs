//! Room for a put as a descriptor that an event loop can wait for.
//!
//! What a put lacks, a slot or memory, is told by words that only a thread can sleep on. One thread serves all puts of one
//! queue that wait in one event loop; it is there while some do, and a little longer.

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use ringpost::{BytesQueue, PutError};
use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a thread without work stays.
const LINGER: Duration = Duration::from_millis(200);

/// Readable when there was room for what was asked for.
#[pyclass(frozen, module = "ringpost._ringpost")]
pub(crate) struct Room {
    shared: Arc<Shared>,
}

struct Shared {
    queue: BytesQueue,
    fd: OwnedFd,
    wish: Mutex<Wish>,
    changed: Condvar,
    gone: AtomicBool,
}

#[derive(Default)]
struct Wish {
    /// The length of the payload for which room is wanted.
    length: Option<usize>,
    running: bool,
}

impl Room {
    pub(crate) fn new(queue: &BytesQueue) -> PyResult<Room> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let fd = eventfd(0, flags).map_err(|errno| PyOSError::new_err(errno.raw_os_error()))?;
        Ok(Room {
            shared: Arc::new(Shared {
                queue: queue.clone(),
                fd,
                wish: Mutex::default(),
                changed: Condvar::new(),
                gone: AtomicBool::new(false),
            }),
        })
    }
}

#[pymethods]
impl Room {
    fn fileno(&self) -> i32 {
        self.shared.fd.as_raw_fd()
    }

    /// Wants room for a payload of so many bytes, and for no other; `None`: for nothing any more.
    fn ask(&self, length: Option<usize>) -> PyResult<()> {
        let mut wish = self.shared.wish();
        wish.length = length;
        if length.is_some() && !wish.running {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("ringpost-room".into());
            thread.spawn(move || shared.run())?;
            wish.running = true;
        }
        drop(wish);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Not readable, until it is told again.
    fn clear(&self) {
        let _ = rustix::io::read(&self.shared.fd, &mut [0; 8]);
    }
}

impl Drop for Room {
    /// Without the lock: in a forked child, a thread that is not there may hold it.
    fn drop(&mut self) {
        self.shared.gone.store(true, SeqCst);
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn wish(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut wish = self.wish();
        while !self.gone.load(SeqCst) {
            let Some(length) = wish.length else {
                let (next, timeout) = self
                    .changed
                    .wait_timeout(wish, LINGER)
                    .unwrap_or_else(PoisonError::into_inner);
                wish = next;
                if timeout.timed_out() && wish.length.is_none() {
                    break;
                }
                continue;
            };
            drop(wish);
            let waited = self.queue.wait_for_room(length, None, || {
                self.gone.load(SeqCst) || self.wish().length != Some(length)
            });
            wish = self.wish();
            // Any other error is the put's to tell.
            if !matches!(waited, Err(PutError::Interrupted)) && wish.length == Some(length) {
                wish.length = None;
                let _ = rustix::io::write(&self.fd, &1_u64.to_ne_bytes());
            }
        }
        wish.running = false;
    }
}
