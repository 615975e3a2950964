//! A number that processes share: tasks that were got, whose items are acknowledged, and that nobody has called done yet.

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

const BYTES: usize = 4096;

/// Lives in a memfd of its own, which is passed on with the queue.
#[derive(Debug)]
pub(crate) struct Counter {
    map: MmapRaw,
    fd: OwnedFd,
}

impl Counter {
    pub(crate) fn new() -> std::io::Result<Counter> {
        let fd = memfd_create(
            "ringpost-tasks",
            MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
        )?;
        ftruncate(&fd, BYTES as u64)?;
        fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Self::from_fd(fd)
    }

    pub(crate) fn from_fd(fd: OwnedFd) -> std::io::Result<Counter> {
        let map = MmapOptions::new().len(BYTES).map_raw(&fd)?;
        Ok(Counter { map, fd })
    }

    pub(crate) fn fd(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    fn value(&self) -> &AtomicI64 {
        // SAFETY: the mapping has a page, begins on one, and lives as long as `self`; every process touches it by atomics only.
        unsafe { AtomicI64::from_ptr(self.map.as_mut_ptr().cast()) }
    }

    pub(crate) fn get(&self) -> i64 {
        self.value().load(SeqCst)
    }

    pub(crate) fn add(&self, more: i64) {
        self.value().fetch_add(more, SeqCst);
    }

    /// Takes one away, unless there are not more than `least`.
    pub(crate) fn take(&self, least: i64) -> bool {
        let take = |now: i64| (now > least).then_some(now - 1);
        self.value().fetch_update(SeqCst, SeqCst, take).is_ok()
    }
}
