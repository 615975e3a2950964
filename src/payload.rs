//! Payload bytes: where they lie, how they are copied, and when a slice of them may be lent.
//!
//! Invariant I7 of the ring: payload bytes are touched only by the participant that the descriptor names. A peer that
//! writes to memory which it does not hold breaks the contract of the zero-copy calls; copies go through raw pointers, for
//! which such a peer can change the bytes but nothing else.

use crate::layout::extent;
use crate::ring::{Claim, Filling};
use crate::shared::Shared;
use crate::sync::step;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

impl Shared {
    /// Where the payload of `filling` is written: `filling.length` bytes that are this process's alone.
    #[inline(always)]
    pub(crate) fn room_of(&self, filling: Filling) -> NonNull<u8> {
        let memory = &self.ring.memory;
        let room = match filling.extent {
            0 => memory.record(filling.index).inline(),
            word => memory.chunk_address(extent::start(word)),
        };
        debug_assert!(memory.holds(room, filling.length));
        room
    }

    /// Where the payload of `claim` lies: `claim.length()` bytes that are this process's alone until the release.
    #[inline(always)]
    pub(crate) fn payload_of(&self, claim: Claim) -> NonNull<u8> {
        let memory = &self.ring.memory;
        let payload = match claim.first_chunk() {
            Some(chunk) => memory.chunk_address(chunk),
            None => memory.record(claim.index).inline(),
        };
        debug_assert!(memory.holds(payload, claim.length()));
        payload
    }

    /// Writes `bytes` into a descriptor that was reserved for just as many.
    #[inline(always)]
    pub(crate) fn copy_in(&self, filling: Filling, bytes: &[u8]) {
        assert!(bytes.len() as u64 <= filling.length, "reserved for less");
        step!("copy a payload in");
        // SAFETY: `room_of` has `filling.length` bytes (checked extents, the inline room), which nobody else touches (I7);
        // `bytes` is not in the segment, or in a loan of it that is not this one.
        unsafe {
            self.room_of(filling)
                .copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len())
        }
    }

    /// Writes parts one after the other, each from a multiple of `align` on, with zeros between them.
    pub(crate) fn copy_parts_in(&self, filling: Filling, parts: &[&[u8]], align: usize) {
        let mut at = 0_usize;
        for part in parts {
            let start = at.next_multiple_of(align);
            let end = start + part.len();
            assert!(end as u64 <= filling.length, "reserved for less");
            let room = self.room_of(filling);
            step!("copy a part in");
            // SAFETY: `at <= start <= end <= filling.length`, so all of it lies in the room (I7).
            let gap = unsafe { room.add(at) };
            // SAFETY: as above.
            unsafe { gap.write_bytes(0, start - at) };
            // SAFETY: as above.
            let to = unsafe { room.add(start) };
            // SAFETY: as above; `part` is not in this room.
            unsafe { to.copy_from_nonoverlapping(NonNull::from(*part).cast(), part.len()) };
            at = end;
        }
    }

    /// Replaces what `out` holds by the payload.
    #[inline(always)]
    pub(crate) fn copy_out(&self, claim: Claim, out: &mut Vec<u8>) {
        let length = claim.length() as usize;
        step!("copy a payload out");
        out.clear();
        out.reserve(length);
        let to = NonNull::new(out.as_mut_ptr()).expect("a vector's pointer is not null");
        // SAFETY: `payload_of` has `length` bytes (checked when it was claimed, I7), and `out` has room for them.
        unsafe { self.payload_of(claim).copy_to_nonoverlapping(to, length) };
        // SAFETY: so many bytes have just been written.
        unsafe { out.set_len(length) };
    }

    /// The payload in memory of this process's own.
    pub(crate) fn private_copy(&self, claim: Claim) -> Held {
        let mut bytes = Vec::new();
        self.copy_out(claim, &mut bytes);
        Held::private(bytes)
    }
}

/// A run of payload bytes that its holder may read and write: the base of [`WriteLoan`](crate::WriteLoan),
/// [`Message`](crate::Message) and [`Lease`](crate::Lease). They lie in the segment, or, in a strict process, outside it.
#[derive(Debug)]
pub(crate) struct Held {
    start: NonNull<u8>,
    length: usize,
    /// The capacity of the vector that `start` was taken from; 0: the bytes lie in the segment.
    own: usize,
}

// SAFETY: it stands for bytes that one guard owns, as a Box<[u8]> does.
unsafe impl Send for Held {}
// SAFETY: as above; through `&Held` bytes are only read.
unsafe impl Sync for Held {}

impl Held {
    /// # Safety
    ///
    /// The bytes are mapped, and the caller's alone, for as long as the result is used.
    #[inline(always)]
    pub(crate) unsafe fn new(start: NonNull<u8>, length: usize) -> Held {
        Held {
            start,
            length,
            own: 0,
        }
    }

    /// Bytes that no other process can reach.
    pub(crate) fn private(mut bytes: Vec<u8>) -> Held {
        if bytes.capacity() == 0 {
            bytes.reserve_exact(1); // a capacity says that these are not lent
        }
        let mut bytes = ManuallyDrop::new(bytes);
        Held {
            start: NonNull::new(bytes.as_mut_ptr()).expect("a vector's pointer is not null"),
            length: bytes.len(),
            own: bytes.capacity(),
        }
    }

    /// Do the bytes lie in the segment?
    #[inline(always)]
    pub(crate) fn is_lent(&self) -> bool {
        self.own == 0
    }

    #[inline(always)]
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the contract of `new`; every byte of a mapping is initialised.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    #[inline(always)]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` excludes every other slice of them.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }

    /// The bytes, for another guard; none are left here.
    pub(crate) fn take(&mut self) -> Held {
        let none = Held {
            start: NonNull::dangling(),
            length: 0,
            own: 0,
        };
        std::mem::replace(self, none)
    }

    /// Shortens it to `length` bytes, if it is longer.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl Drop for Held {
    #[inline(always)]
    fn drop(&mut self) {
        if self.own > 0 {
            // SAFETY: the parts of a vector that `private` took apart; `length` has at most become less.
            drop(unsafe { Vec::from_raw_parts(self.start.as_ptr(), self.length, self.own) });
        }
    }
}
