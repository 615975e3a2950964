//! What a fork must not meet half-done.
//!
//! While a process attaches, a descriptor is open whose description holds the liveness lock. A child that is forked just
//! then would inherit it, and the place would look alive for as long as the child lives. So a fork waits until nobody in
//! this process is attaching: it takes a few system calls.
//!
//! The lock is not `std`'s, since it is taken before a fork and given back after it, in both processes.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering::*};

/// 0: nobody. 1: an attaching thread, or a fork.
static BUSY: AtomicU32 = AtomicU32::new(0);
static REGISTERED: Once = Once::new();

/// No fork happens while this exists (by the C library's `fork`; a bare `clone` system call is not seen).
#[derive(Debug)]
pub(crate) struct NoFork(());

impl NoFork {
    pub(crate) fn new() -> NoFork {
        REGISTERED.call_once(|| {
            // SAFETY: the handlers are async-signal-safe: one atomic, and sched_yield.
            let _ = unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
        });
        acquire();
        NoFork(())
    }
}

impl Drop for NoFork {
    fn drop(&mut self) {
        release();
    }
}

fn acquire() {
    // ORDERING G (Acquire): pairs with the store in `release`.
    while BUSY.compare_exchange_weak(0, 1, Acquire, Relaxed).is_err() {
        std::thread::yield_now();
    }
}

fn release() {
    BUSY.store(0, Release); // ORDERING G (Release): pairs with the CAS in `acquire`
}

extern "C" fn before() {
    acquire();
}

extern "C" fn after() {
    release();
}
