//! The yardstick: Vyukov's bounded MPMC ring over shared memory, with 64-byte payloads and a stride of 128 bytes.
//!
//! It is what a queue costs that guarantees nothing: a process killed between its claim and its stamp stops everyone, for
//! ever, and nobody ever sleeps. Dmitry Vyukov's algorithm as published, with the orderings of its C++ version.

use super::area::Area;
use super::payload::BYTES;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

const ENQUEUE: usize = 0;
const DEQUEUE: usize = 128;
const CELLS: usize = 4096;
const STRIDE: usize = 128;
const STAMP: usize = 0;
/// As in the queue's own slots, the payload starts 32 bytes into the stride.
const PAYLOAD: usize = 32;

pub(crate) struct Vyukov {
    area: Area,
    mask: u64,
}

impl Vyukov {
    pub(crate) fn new(capacity: usize) -> Vyukov {
        assert!(capacity.is_power_of_two());
        let ring = Vyukov {
            area: Area::new(CELLS + capacity * STRIDE),
            mask: capacity as u64 - 1,
        };
        for i in 0..capacity as u64 {
            ring.stamp(i).store(i, Relaxed); // the workers are forked after this
        }
        ring
    }

    #[inline(always)]
    fn cell(&self, position: u64) -> usize {
        CELLS + (position & self.mask) as usize * STRIDE
    }

    #[inline(always)]
    fn stamp(&self, position: u64) -> &AtomicU64 {
        self.area.u64_at(self.cell(position) + STAMP)
    }

    #[inline(always)]
    fn payload(&self, position: u64) -> NonNull<[u8; BYTES]> {
        self.area.at(self.cell(position) + PAYLOAD).cast()
    }

    /// Puts a copy of `bytes`, unless the ring is full.
    #[inline(always)]
    pub(crate) fn try_put(&self, bytes: &[u8; BYTES]) -> bool {
        let tail = self.area.u64_at(ENQUEUE);
        let mut position = tail.load(Relaxed);
        loop {
            let stamp = self.stamp(position).load(Acquire);
            let ahead = stamp.wrapping_sub(position) as i64;
            if ahead == 0 {
                match tail.compare_exchange_weak(position, position + 1, Relaxed, Relaxed) {
                    Ok(_) => break,
                    Err(now) => position = now,
                }
            } else if ahead < 0 {
                return false;
            } else {
                position = tail.load(Relaxed);
            }
        }
        // SAFETY: the cell was claimed by the CAS and is this process's until the stamp below.
        unsafe { self.payload(position).write(*bytes) };
        self.stamp(position).store(position + 1, Release);
        true
    }

    /// Copies the oldest item to `out`, unless the ring is empty.
    #[inline(always)]
    pub(crate) fn try_get(&self, out: &mut [u8; BYTES]) -> bool {
        let head = self.area.u64_at(DEQUEUE);
        let mut position = head.load(Relaxed);
        loop {
            let stamp = self.stamp(position).load(Acquire);
            let ahead = stamp.wrapping_sub(position + 1) as i64;
            if ahead == 0 {
                match head.compare_exchange_weak(position, position + 1, Relaxed, Relaxed) {
                    Ok(_) => break,
                    Err(now) => position = now,
                }
            } else if ahead < 0 {
                return false;
            } else {
                position = head.load(Relaxed);
            }
        }
        // SAFETY: the cell was claimed by the CAS and is this process's until the stamp below.
        *out = unsafe { self.payload(position).read() };
        self.stamp(position)
            .store(position + self.mask + 1, Release);
        true
    }
}
