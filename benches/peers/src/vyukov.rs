//! A yardstick: Vyukov's bounded MPMC ring over shared memory, a line of 128 bytes for an item of 64.
//!
//! It is what a queue costs that guarantees nothing: a process that is killed between its claim and its stamp stops everyone,
//! for ever, and nobody ever sleeps. Dmitry Vyukov's algorithm as published, with the orderings of its C++ version.

use crate::area::Area;
use crate::waiting::until;
use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit};
use std::ptr::{NonNull, slice_from_raw_parts_mut};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

const ENQUEUE: usize = 0;
const DEQUEUE: usize = 128;
const CELLS: usize = 4096;
const LINE: usize = 128;
const STAMP: usize = 0;
const LENGTH: usize = 8;
/// As in ringpost's own slots, the payload starts 32 bytes into the cell.
const PAYLOAD: usize = 32;

/// The Vyukov ring.
#[derive(Debug)]
pub struct Vyukov;

/// The ring, which every end shares.
#[derive(Debug)]
pub struct Ring {
    area: Area,
    mask: u64,
    stride: usize,
    longest: usize,
}

/// One end.
#[derive(Debug)]
pub struct End(Arc<Ring>);

impl Peer for Vyukov {
    const ABOUT: About = About {
        name: "Vyukov ring",
        version: "this suite's own",
        place: Place::Processes,
        many_to_many: true,
        polls: true,
        blocks: false,
        in_place: true,
        batches: false,
        claims_before_writing: true,
        locks: false,
        longest: None,
        note: "A yardstick of this suite: no waiting, no recovery, no guarantee",
    };
    type Setup = Arc<Ring>;
    type Sender = End;
    type Receiver = End;

    fn set_up(spec: &Spec) -> Result<Arc<Ring>, Unfit> {
        let capacity = spec.depth.next_power_of_two();
        let stride = (PAYLOAD + spec.payload).next_multiple_of(LINE);
        let ring = Ring {
            area: Area::new(CELLS + capacity * stride),
            mask: capacity as u64 - 1,
            stride,
            longest: spec.payload,
        };
        for i in 0..capacity as u64 {
            ring.stamp(i).store(i, Relaxed); // the workers start after this
        }
        Ok(Arc::new(ring))
    }

    fn sender(ring: &Arc<Ring>, _: usize) -> Result<End, Unfit> {
        Ok(End(Arc::clone(ring)))
    }

    fn receiver(ring: &Arc<Ring>, _: usize) -> Result<End, Unfit> {
        Ok(End(Arc::clone(ring)))
    }
}

impl Ring {
    #[inline(always)]
    fn cell(&self, position: u64) -> usize {
        CELLS + (position & self.mask) as usize * self.stride
    }

    #[inline(always)]
    fn stamp(&self, position: u64) -> &AtomicU64 {
        self.area.u64_at(self.cell(position) + STAMP)
    }

    #[inline(always)]
    fn length(&self, position: u64) -> &AtomicU64 {
        self.area.u64_at(self.cell(position) + LENGTH)
    }

    /// The payload's bytes in a cell that the caller has claimed.
    #[inline(always)]
    fn payload(&self, position: u64, length: usize) -> NonNull<[u8]> {
        assert!(length <= self.longest);
        let start = self.area.at(self.cell(position) + PAYLOAD);
        let slice = slice_from_raw_parts_mut(start.as_ptr(), length);
        NonNull::new(slice).expect("a mapping is not at null")
    }

    /// Claims the cell of the next position whose stamp says that it is `ahead` of it, and returns the position.
    #[inline(always)]
    fn claim(&self, counter: usize, ahead: u64) -> Option<u64> {
        let counter = self.area.u64_at(counter);
        let mut position = counter.load(Relaxed);
        loop {
            let stamp = self.stamp(position).load(Acquire);
            let difference = stamp.wrapping_sub(position + ahead) as i64;
            if difference == 0 {
                match counter.compare_exchange_weak(position, position + 1, Relaxed, Relaxed) {
                    Ok(_) => return Some(position),
                    Err(now) => position = now,
                }
            } else if difference < 0 {
                return None;
            } else {
                position = counter.load(Relaxed);
            }
        }
    }
}

impl Sender for End {
    #[inline(always)]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        self.send_in_place(payload.len(), |room| room.copy_from_slice(payload))
    }

    #[inline(always)]
    fn send(&mut self, payload: &[u8]) {
        until(|| self.try_send(payload));
    }

    #[inline(always)]
    fn send_in_place(&mut self, length: usize, mut fill: impl FnMut(&mut [u8])) -> bool {
        let Some(position) = self.0.claim(ENQUEUE, 0) else {
            return false;
        };
        let mut room = self.0.payload(position, length);
        // SAFETY: the cell was claimed by the CAS and is this worker's alone until the stamp below.
        fill(unsafe { room.as_mut() });
        self.0.length(position).store(length as u64, Relaxed);
        self.0.stamp(position).store(position + 1, Release);
        true
    }
}

impl Receiver for End {
    #[inline(always)]
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        let Some(position) = self.0.claim(DEQUEUE, 1) else {
            return false;
        };
        let length = self.0.length(position).load(Relaxed) as usize;
        let payload = self.0.payload(position, length);
        // SAFETY: the cell was claimed by the CAS and is this worker's alone until the stamp below.
        read(unsafe { payload.as_ref() });
        let free = position + self.0.mask + 1;
        self.0.stamp(position).store(free, Release);
        true
    }

    #[inline(always)]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        let mut length = None;
        until(|| {
            length = self.try_receive_copy(buffer);
            length.is_some()
        });
        length.unwrap_or(0)
    }
}
