//! Clocks: cheap ticks that all processes agree on, for single operations.

use rustix::time::{ClockId, clock_gettime};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// `CLOCK_MONOTONIC` in nanoseconds: the same for every process of the machine.
pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The time-stamp counter: a few nanoseconds to read, where a system clock may cost twenty. Linux uses it as its own clock
/// where all processors agree on it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction; a kernel that forbids it to programs is not supported here.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Elsewhere: the system clock.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub fn ticks() -> u64 {
    now_ns()
}

/// How many nanoseconds a tick lasts, measured once against the system clock. Call it before forking.
pub fn ns_per_tick() -> f64 {
    static SCALE: OnceLock<f64> = OnceLock::new();
    *SCALE.get_or_init(|| {
        let (start, first) = (Instant::now(), ticks());
        while start.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        start.elapsed().as_nanos() as f64 / (ticks() - first) as f64
    })
}

/// So many ticks in nanoseconds.
#[inline(always)]
pub fn ns(ticks: u64, scale: f64) -> u64 {
    (ticks as f64 * scale) as u64
}
