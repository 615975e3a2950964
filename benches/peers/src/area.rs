//! A piece of memory that forked processes share: a memfd, mapped as a queue's own segment is.

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// Shared, zeroed, page-aligned memory. It is alive as long as any process that inherited it.
#[derive(Debug)]
pub struct Area {
    map: MmapRaw,
}

impl Area {
    /// So many bytes of it.
    ///
    /// # Panics
    ///
    /// If the kernel has none.
    pub fn new(bytes: usize) -> Area {
        let fd = memfd_create("ringpost-suite", MemfdFlags::CLOEXEC).expect("memfd_create");
        ftruncate(&fd, bytes as u64).expect("ftruncate");
        let map = MmapOptions::new()
            .len(bytes)
            .map_raw(&fd)
            .expect("mapping a memfd");
        Area { map }
    }

    /// The address of the byte at `offset`, which must lie in the area.
    #[inline(always)]
    pub fn at(&self, offset: usize) -> NonNull<u8> {
        assert!(offset < self.map.len());
        // SAFETY: the offset has just been found to lie within the mapping.
        let address = unsafe { self.map.as_mut_ptr().add(offset) };
        NonNull::new(address).expect("a mapping is not at null")
    }

    /// The word at `offset`, a multiple of 8.
    #[inline(always)]
    pub fn u64_at(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8));
        // SAFETY: mapped for as long as `self` (the length is whole pages to the kernel), aligned, and an atomic to everyone.
        unsafe { self.at(offset).cast().as_ref() }
    }

    /// The word at `offset`, a multiple of 4.
    #[inline(always)]
    pub fn u32_at(&self, offset: usize) -> &AtomicU32 {
        assert!(offset.is_multiple_of(4));
        // SAFETY: as in `u64_at`.
        unsafe { self.at(offset).cast().as_ref() }
    }
}
