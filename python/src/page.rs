//! A page that processes share: a few words beside the rings of a pipe, in a memfd that is passed on with them.

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::AtomicU32;

const BYTES: usize = 4096;

/// Zero at first. Every process touches it by atomics only.
#[derive(Debug)]
pub(crate) struct Page {
    map: MmapRaw,
    fd: OwnedFd,
}

impl Page {
    pub(crate) fn new() -> std::io::Result<Page> {
        let fd = memfd_create(
            "ringpost-pipe",
            MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
        )?;
        ftruncate(&fd, BYTES as u64)?;
        fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Self::from_fd(fd)
    }

    pub(crate) fn from_fd(fd: OwnedFd) -> std::io::Result<Page> {
        // A shorter file would be a SIGBUS at the first touch.
        if rustix::fs::fstat(&fd)?.st_size < BYTES as i64 {
            return Err(std::io::Error::other("a shared page is too short"));
        }
        let map = MmapOptions::new().len(BYTES).map_raw(&fd)?;
        Ok(Page { map, fd })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset.is_multiple_of(8) && offset < BYTES);
        // SAFETY: within the mapping, which has a page.
        unsafe { self.map.as_mut_ptr().add(offset) }
    }

    /// The word at this offset, a multiple of 8.
    pub(crate) fn u32(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: `at` gives an aligned address with 8 bytes behind it, which live as long as `self`.
        unsafe { AtomicU32::from_ptr(self.at(offset).cast()) }
    }
}
