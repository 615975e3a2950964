//! The lock of an item: who runs the command for it has it, and so has every process that the command starts.
//!
//! It is a write lock of one byte of the queue's file, far behind its end, that stands for the item's position. It belongs to
//! an open file description, not to a process: the kernel drops it when the last process that has inherited the description
//! has ended or closed it. So the next run of the same item, by whichever worker, begins when the last one is over, however
//! that was killed.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use ringpost::BytesQueue;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

/// Positions have 44 bits, and a file's bytes end at 2^63.
const FIRST_BYTE: libc::off_t = 1 << 62;
const SHORTEST_NAP: Duration = Duration::from_millis(1);
const LONGEST_NAP: Duration = Duration::from_millis(50);

/// Waits for the lock of the item at `position`. Now and then tells `patient` how long it has waited: false gives up.
pub(super) fn take(
    queue: &BytesQueue,
    position: u64,
    mut patient: impl FnMut(Duration) -> bool,
) -> io::Result<Option<OwnedFd>> {
    // A description of its own for each run.
    let path = format!("/proc/self/fd/{}", queue.as_fd().as_raw_fd());
    let file = File::options().read(true).write(true).open(path)?;
    let (start, mut nap) = (Instant::now(), SHORTEST_NAP);
    while !try_lock(&file, position)? {
        if !patient(start.elapsed()) {
            return Ok(None);
        }
        thread::sleep(nap);
        nap = LONGEST_NAP.min(2 * nap);
    }
    Ok(Some(file.into()))
}

fn try_lock(file: &File, position: u64) -> io::Result<bool> {
    let lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: FIRST_BYTE + position as libc::off_t,
        l_len: 1,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_until_the_last_copy_is_gone() {
        let queue = ringpost::Options::new().anonymous().expect("memory");
        let take = |position| take(&queue, position, |_| false).expect("a lock");
        let (one, other) = (take(7).expect("free"), take(8).expect("another item's"));
        let copy = one.try_clone().expect("a descriptor");
        drop((one, other));
        assert!(take(8).is_some());
        assert!(take(7).is_none());
        drop(copy);
        assert!(take(7).is_some());
    }
}
