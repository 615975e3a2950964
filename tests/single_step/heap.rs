//! A heap that is alike in every traced process, whatever its parent has done with its own meanwhile: else two runs of one
//! operation would take different paths through the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const ROOM: usize = 1 << 16;

#[repr(align(4096))]
struct Heap {
    room: UnsafeCell<[u8; ROOM]>,
    /// Where the free room begins; beyond its end: the system's allocator is asked.
    next: AtomicUsize,
}

// SAFETY: what `next` has passed is one caller's alone.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap {
    room: UnsafeCell::new([0; ROOM]),
    next: AtomicUsize::new(usize::MAX),
};

/// From now on this process, which has one thread, takes its memory here, and gives none back.
pub(crate) fn begin_anew() {
    HEAP.next.store(0, Relaxed);
}

/// Does the heap of the process with this number hold these bytes? It lies where this process's does, which has forked it.
pub(crate) fn holds(process: i32, bytes: &[u8]) -> bool {
    let memory = File::open(format!("/proc/{process}/mem")).expect("a traced process");
    let mut heap = vec![0; ROOM];
    let read = memory.read_exact_at(&mut heap, HEAP.room.get() as u64);
    read.expect("its heap");
    heap.windows(bytes.len()).any(|part| part == bytes)
}

// SAFETY: the room is handed out from one end to the other, aligned, and each part once; all else is the system's.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let next = self.next.load(Relaxed);
        if next == usize::MAX {
            // SAFETY: the caller's contract is the same.
            return unsafe { System.alloc(layout) };
        }
        let start = next.next_multiple_of(layout.align());
        let end = start + layout.size();
        if layout.align() > 4096 || end > ROOM {
            return std::ptr::null_mut();
        }
        self.next.store(end, Relaxed);
        self.room.get().cast::<u8>().wrapping_add(start)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let room = self.room.get().cast::<u8>();
        if !(room..room.wrapping_add(ROOM)).contains(&pointer) {
            // SAFETY: it is not of this room, so it is the system's; the caller's contract is the same.
            unsafe { System.dealloc(pointer, layout) }
        }
    }
}
