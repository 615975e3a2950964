//! The shared memory, whole: every structure's offset here, every word's bits in `words.rs`, the header in `header.rs`, and
//! what is checked when a segment is opened in `geometry.rs`.
//!
//! ```text
//!      0  header         magic, ABI version, geometry, declared policy, identity
//!    256  tail line      tail_hint                                      producers store it
//!    384  head line      head_hint · retry                              consumers store it
//!    512  event line     ev_get · ev_put · ev_mem · ev_done · ev_desc · state     read by everyone, seldom written
//!    640  arena line     reserved · free_hint
//!    768  hot line       16 hints to freed descriptors that kept a large extent
//!    896  work line      unfinished                                     written by who works on without an item
//!   1024  participants   [P] of 64 bytes
//!      …  descriptors    [M] of `stride` bytes from a page boundary; the first N carry the slot words
//!      …  chunk words    [U] u32
//!      …  arena          [U] chunks from a page boundary to the end of the file
//! ```
//!
//! All multi-byte values are in the machine's own order; a segment never leaves its machine. `docs/layout.md` is
//! generated from this folder and checked against it by the test `layout`.

mod geometry;
mod header;
mod words;

pub(crate) use geometry::{Geometry, Request};
pub(crate) use header::{HEADER_BYTES, Header};
pub(crate) use words::{descriptor, entry, extent, item, position, slot};

/// The first eight bytes of a published segment.
pub(crate) const MAGIC: u64 = u64::from_ne_bytes(*b"ringpost");
/// The first eight bytes of a segment whose creator has not finished (or died before it did).
pub(crate) const MAGIC_BUILDING: u64 = u64::from_ne_bytes(*b"building");
/// The version of everything in this file and of the protocol over it. Any change of either is a new version.
pub(crate) const ABI: u32 = 3;

/// The unit in which memory is mapped.
pub(crate) const PAGE: usize = 4096;

/// Offsets of the control words from the start of the segment, in bytes.
pub(crate) mod control {
    pub(crate) const TAIL_HINT: usize = 256;
    pub(crate) const HEAD_HINT: usize = 384;
    pub(crate) const RETRY: usize = 392;
    pub(crate) const EV_GET: usize = 512;
    pub(crate) const EV_PUT: usize = 516;
    pub(crate) const EV_MEM: usize = 520;
    pub(crate) const EV_DONE: usize = 524;
    pub(crate) const EV_DESC: usize = 528;
    pub(crate) const STATE: usize = 532;
    pub(crate) const RESERVED: usize = 640;
    pub(crate) const FREE_HINT: usize = 648;
    pub(crate) const HOT: usize = 768;
    pub(crate) const UNFINISHED: usize = 896;
    pub(crate) const PARTICIPANTS: usize = 1024;
}

/// How many hints the hot line holds.
pub(crate) const HOT_HINTS: usize = 16;

/// Offsets within a participant entry.
pub(crate) mod participant {
    pub(crate) const WORD: usize = 0;
    pub(crate) const PID: usize = 8;
    pub(crate) const START_TIME: usize = 16;
    pub(crate) const COMMAND: usize = 24;
    /// The bytes of `COMMAND`, NUL-padded.
    pub(crate) const COMMAND_BYTES: usize = 16;
    pub(crate) const SIZE: usize = 64;
}

/// Offsets within a descriptor; the slot word is used only in the first N of them.
pub(crate) mod record {
    pub(crate) const SLOT: usize = 0;
    pub(crate) const DESCRIPTOR: usize = 8;
    pub(crate) const EXTENT: usize = 16;
    pub(crate) const ITEM: usize = 24;
    pub(crate) const INLINE: usize = 32;
    /// In a stride of two lines, the last word: nobody reads it; see `Memory::fetch_home`.
    pub(crate) const LEAD: usize = 120;
    /// The stride that has that word.
    pub(crate) const STRIDE_WITH_LEAD: u64 = 128;
}

/// The queue's state, in the control word of that name.
pub(crate) mod state {
    pub(crate) const OPEN: u32 = 0;
    /// `shutdown`: no more puts; gets drain.
    pub(crate) const DRAINING: u32 = 1;
    /// `shutdown_now`: no more puts or gets.
    pub(crate) const CLOSED: u32 = 2;
}

const _: () = {
    use std::mem::offset_of;
    assert!(HEADER_BYTES == 120 && HEADER_BYTES <= control::TAIL_HINT);
    assert!(offset_of!(Header, file_bytes) == 16);
    assert!(offset_of!(Header, capacity) == 24);
    assert!(offset_of!(Header, max_deliveries) == 80);
    assert!(offset_of!(Header, identity) == 96);
    assert!(control::HOT + HOT_HINTS * 4 <= control::UNFINISHED);
    assert!(record::LEAD + 8 == record::STRIDE_WITH_LEAD as usize);
    assert!(control::UNFINISHED + 8 <= control::PARTICIPANTS);
    assert!(participant::COMMAND + participant::COMMAND_BYTES <= participant::SIZE);
    assert!(usize::BITS == 64, "ringpost needs a 64-bit machine");
};
