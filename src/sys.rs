//! The few system calls that no crate offers as they are needed here.

use crate::sync::step;
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::{Duration, Instant};

/// Tries to take an open-file-description write lock on one byte; says whether it was free.
///
/// rustix offers process-associated locks only, which fork and an unrelated `close` in the same process would drop.
pub(crate) fn try_lock_byte(fd: impl AsFd, byte: u64) -> rustix::io::Result<bool> {
    step!("lock a byte");
    lock_call(fd, byte, libc::F_WRLCK)
}

/// Drops the lock again.
pub(crate) fn unlock_byte(fd: impl AsFd, byte: u64) -> rustix::io::Result<()> {
    step!("unlock a byte");
    lock_call(fd, byte, libc::F_UNLCK).map(drop)
}

fn lock_call(fd: impl AsFd, byte: u64, kind: libc::c_int) -> rustix::io::Result<bool> {
    // SAFETY: flock is plain data, for which zero is a value; l_pid must be 0 for an OFD lock.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = byte as libc::off_t;
    lock.l_len = 1;
    // SAFETY: the descriptor is open, and the kernel only reads `lock`.
    let answer = unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    if answer == 0 {
        return Ok(true);
    }
    match Errno::from_io_error(&std::io::Error::last_os_error()) {
        Some(Errno::AGAIN | Errno::ACCESS) => Ok(false),
        Some(errno) => Err(errno),
        None => Err(Errno::IO),
    }
}

/// Opens the file behind `fd` once more, as an open file description of its own.
pub(crate) fn reopen(fd: impl AsFd) -> rustix::io::Result<OwnedFd> {
    step!("open the segment's file again");
    let link = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    rustix::fs::open(link, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
}

/// `instant` on the kernel's monotonic clock, which is the one that `Instant` reads.
pub(crate) fn kernel_time(instant: Instant) -> Timespec {
    let left = instant.saturating_duration_since(Instant::now());
    after(left)
}

/// The time on the monotonic clock after `left`.
pub(crate) fn after(left: Duration) -> Timespec {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX / 2);
    let nanoseconds = now.tv_nsec + i64::from(left.subsec_nanos());
    Timespec {
        tv_sec: now
            .tv_sec
            .saturating_add(seconds)
            .saturating_add(nanoseconds / 1_000_000_000),
        tv_nsec: nanoseconds % 1_000_000_000,
    }
}

/// Milliseconds on a monotonic clock that costs a few nanoseconds to read and ticks every few milliseconds.
pub(crate) fn coarse_milliseconds() -> u64 {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

/// How many CPUs this thread may run on.
pub(crate) fn cpus() -> u32 {
    rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count())
}
