//! Words that all processes of a storm share and that outlive each of them.

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

/// Zeroes at first. Shared with every child that is forked from here on.
pub(crate) struct Words {
    start: NonNull<AtomicU64>,
    length: usize,
}

impl Words {
    pub(crate) fn new(length: usize) -> Words {
        // SAFETY: a new mapping at an address that the kernel chooses.
        let start = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                length * size_of::<AtomicU64>(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED | MapFlags::NORESERVE,
            )
        };
        let start = start.expect("memory for the ledger");
        Words {
            start: NonNull::new(start.cast()).expect("a mapping has an address"),
            length,
        }
    }
}

impl Deref for Words {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: mapped until the drop, page-aligned, zero-filled, and touched by atomic operations only.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        let length = self.length * size_of::<AtomicU64>();
        // SAFETY: exactly the mapping of `new`; all borrows of it have ended.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), length) };
    }
}
