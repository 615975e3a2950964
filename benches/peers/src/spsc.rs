//! A yardstick: one sender, one receiver, items of one length, over shared memory: as fast as a queue can be.
//!
//! Lamport's ring, each side with the other's last known position in a line of its own. Every item is handed over by itself.

use crate::area::Area;
use crate::waiting::until;
use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit};
use std::ptr::{NonNull, slice_from_raw_parts_mut};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

const TAIL: usize = 0;
const HEAD: usize = 128;
const CELLS: usize = 4096;
const LINE: usize = 64;

/// The SPSC ring.
#[derive(Debug)]
pub struct Spsc;

/// The ring, which both ends share.
#[derive(Debug)]
pub struct Ring {
    area: Area,
    capacity: u64,
    stride: usize,
    length: usize,
}

/// One end: its own position, and where it last saw the other.
#[derive(Debug)]
pub struct End {
    ring: Arc<Ring>,
    own: u64,
    other: u64,
}

impl Peer for Spsc {
    const ABOUT: About = About {
        name: "SPSC ring",
        version: "this suite's own",
        place: Place::Processes,
        many_to_many: false,
        polls: true,
        blocks: false,
        in_place: true,
        batches: false,
        claims_before_writing: false,
        locks: false,
        longest: None,
        note: "A yardstick of this suite: one sender, one receiver, items of one length, no waiting",
    };
    type Setup = Arc<Ring>;
    type Sender = End;
    type Receiver = End;

    fn set_up(spec: &Spec) -> Result<Arc<Ring>, Unfit> {
        let capacity = spec.depth.next_power_of_two();
        let stride = spec.payload.next_multiple_of(LINE);
        Ok(Arc::new(Ring {
            area: Area::new(CELLS + capacity * stride),
            capacity: capacity as u64,
            stride,
            length: spec.payload,
        }))
    }

    fn sender(ring: &Arc<Ring>, _: usize) -> Result<End, Unfit> {
        Ok(End::of(ring))
    }

    fn receiver(ring: &Arc<Ring>, _: usize) -> Result<End, Unfit> {
        Ok(End::of(ring))
    }
}

impl End {
    fn of(ring: &Arc<Ring>) -> End {
        End {
            ring: Arc::clone(ring),
            own: 0,
            other: 0,
        }
    }

    /// The bytes of the cell at this end's position.
    #[inline(always)]
    fn cell(&self) -> NonNull<[u8]> {
        let index = (self.own & (self.ring.capacity - 1)) as usize;
        let start = self.ring.area.at(CELLS + index * self.ring.stride);
        let slice = slice_from_raw_parts_mut(start.as_ptr(), self.ring.length);
        NonNull::new(slice).expect("a mapping is not at null")
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
        assert_eq!(length, self.ring.length, "items of one length");
        if self.own - self.other == self.ring.capacity {
            self.other = self.ring.area.u64_at(HEAD).load(Acquire);
            if self.own - self.other == self.ring.capacity {
                return false;
            }
        }
        // SAFETY: the receiver has left the cell, and it is the sender's until the tail has passed it.
        fill(unsafe { self.cell().as_mut() });
        self.own += 1;
        self.ring.area.u64_at(TAIL).store(self.own, Release);
        true
    }
}

impl Receiver for End {
    #[inline(always)]
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        if self.own == self.other {
            self.other = self.ring.area.u64_at(TAIL).load(Acquire);
            if self.own == self.other {
                return false;
            }
        }
        // SAFETY: the tail has passed the cell, and it is the receiver's until the head has.
        read(unsafe { self.cell().as_ref() });
        self.own += 1;
        self.ring.area.u64_at(HEAD).store(self.own, Release);
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
