//! The shared memory, whole: every word's bits, every structure's offset, and what is checked when a segment is opened.
//!
//! ```text
//!      0  header         magic, ABI version, geometry, declared policy, identity
//!    256  tail line      tail_hint                                      producers store it
//!    384  head line      head_hint · retry                              consumers store it
//!    512  event line     ev_get · ev_put · ev_mem · ev_done · ev_desc · state     read by everyone, seldom written
//!    640  arena line     reserved · free_hint
//!    768  hot line       16 hints to freed descriptors that kept a large extent
//!   1024  participants   [P] of 64 bytes
//!      …  descriptors    [M] of `stride` bytes from a page boundary; the first N carry the slot words
//!      …  chunk words    [U] u32
//!      …  arena          [U] chunks from a page boundary to the end of the file
//! ```
//!
//! All multi-byte values are in the machine's own order; a segment never leaves its machine. `docs/layout.md` is
//! generated from this file and checked against it by the test `layout`.

use crate::error::{GeometryError, OpenError};

/// The first eight bytes of a published segment.
pub(crate) const MAGIC: u64 = u64::from_ne_bytes(*b"ringpost");
/// The first eight bytes of a segment whose creator has not finished (or died before it did).
pub(crate) const MAGIC_BUILDING: u64 = u64::from_ne_bytes(*b"building");
/// The version of everything in this file and of the protocol over it. Any change of either is a new version.
pub(crate) const ABI: u32 = 1;

/// The unit in which memory is mapped.
pub(crate) const PAGE: usize = 4096;

// ---- words ------------------------------------------------------------------------------------------------------

/// ```text
/// slot word S       63            20 19         0
///                  ┌────────────────┬────────────┐
///                  │ position    44 │ desc    20 │   the last filled position and the descriptor that filled it
///                  └────────────────┴────────────┘
/// ```
pub(crate) mod slot {
    /// The descriptor index of a slot that was never filled.
    pub(crate) const NONE: u32 = (1 << 20) - 1;
    #[inline(always)]
    pub(crate) const fn pack(position: u64, descriptor: u32) -> u64 {
        position << 20 | descriptor as u64
    }
    #[inline(always)]
    pub(crate) const fn position(word: u64) -> u64 {
        word >> 20
    }
    #[inline(always)]
    pub(crate) const fn descriptor(word: u64) -> u32 {
        word as u32 & NONE
    }
}

/// Positions count items for ever, modulo 2^44.
pub(crate) mod position {
    /// All bits of a position.
    pub(crate) const MASK: u64 = (1 << 44) - 1;
    #[inline(always)]
    pub(crate) const fn add(position: u64, n: u64) -> u64 {
        position.wrapping_add(n) & MASK
    }
    #[inline(always)]
    pub(crate) const fn sub(position: u64, n: u64) -> u64 {
        position.wrapping_sub(n) & MASK
    }
    /// How far `a` is ahead of `b`; negative when it is behind.
    #[inline(always)]
    pub(crate) const fn distance(a: u64, b: u64) -> i64 {
        ((a.wrapping_sub(b) << 20) as i64) >> 20
    }
    /// The later of two positions.
    #[inline(always)]
    pub(crate) const fn later(a: u64, b: u64) -> u64 {
        if distance(a, b) >= 0 { a } else { b }
    }
}

/// ```text
/// descriptor word D 63   61 60         51 50        44 43           0
///                  ┌───────┬─────────────┬────────────┬──────────────┐
///                  │state 3│participant10│incarnation7│ position  44 │
///                  └───────┴─────────────┴────────────┴──────────────┘
/// ```
/// Whoever may change a descriptor is named in the same word that says so: there is no anonymous claim.
pub(crate) mod descriptor {
    /// Nobody's. The whole word is zero.
    pub(crate) const FREE: u64 = 0;
    /// OWN(P): being filled by P.
    pub(crate) const OWN: u64 = 1 << 61;
    /// PEND(P,p): filled by P and offered at position p.
    pub(crate) const PEND: u64 = 2 << 61;
    /// LOAN(C,p): claimed by consumer C.
    pub(crate) const LOAN: u64 = 3 << 61;
    /// RETRY(p): to be delivered again, to anyone.
    pub(crate) const RETRY: u64 = 4 << 61;
    /// RECL(P): P is giving its memory back.
    pub(crate) const RECL: u64 = 5 << 61;
    /// QUAR(p): set aside after too many deliveries.
    pub(crate) const QUAR: u64 = 6 << 61;
    /// HELD(C,p): delivered; C still uses its memory.
    pub(crate) const HELD: u64 = 7 << 61;

    /// The bits of a state.
    pub(crate) const STATE: u64 = 7 << 61;
    /// The bits of an owner: participant and incarnation.
    pub(crate) const OWNER: u64 = ((1 << 17) - 1) << 44;

    #[inline(always)]
    pub(crate) const fn owner(participant: u32, incarnation: u32) -> u64 {
        (participant as u64) << 51 | (incarnation as u64 & 127) << 44
    }
    #[inline(always)]
    pub(crate) const fn participant(word: u64) -> u32 {
        (word >> 51) as u32 & 1023
    }
    #[inline(always)]
    pub(crate) const fn incarnation(word: u64) -> u32 {
        (word >> 44) as u32 & 127
    }
    #[inline(always)]
    pub(crate) const fn position(word: u64) -> u64 {
        word & super::position::MASK
    }
    /// Is this PEND(·, position)?
    #[inline(always)]
    pub(crate) const fn is_pending(word: u64, position: u64) -> bool {
        word & !OWNER == PEND | position
    }
}

/// ```text
/// extent word E     63            32 31         0
///                  ┌────────────────┬────────────┐
///                  │ first chunk 32 │ chunks  32 │   zero: no extent
///                  └────────────────┴────────────┘
/// ```
pub(crate) mod extent {
    #[inline(always)]
    pub(crate) const fn pack(start: u32, count: u32) -> u64 {
        (start as u64) << 32 | count as u64
    }
    #[inline(always)]
    pub(crate) const fn start(word: u64) -> u32 {
        (word >> 32) as u32
    }
    #[inline(always)]
    pub(crate) const fn count(word: u64) -> u32 {
        word as u32
    }
}

/// ```text
/// item word         63    56 55         44 43         0
///                  ┌────────┬─────────────┬────────────┐
///                  │flags  8│deliveries 12│ length  44 │
///                  └────────┴─────────────┴────────────┘
/// ```
pub(crate) mod item {
    /// The greatest number of deliveries that is counted; beyond it the count stands still.
    pub(crate) const MAX_DELIVERIES: u32 = (1 << 12) - 1;
    /// The payload lies in the extent, not in the inline room.
    pub(crate) const IN_EXTENT: u64 = 1 << 56;
    #[inline(always)]
    pub(crate) const fn length(word: u64) -> u64 {
        word & ((1 << 44) - 1)
    }
    #[inline(always)]
    pub(crate) const fn deliveries(word: u64) -> u32 {
        (word >> 44) as u32 & MAX_DELIVERIES
    }
    /// The same item, delivered once more.
    #[inline(always)]
    pub(crate) const fn delivered(word: u64) -> u64 {
        if deliveries(word) == MAX_DELIVERIES {
            word
        } else {
            word + (1 << 44)
        }
    }
}

/// ```text
/// participant word  63             9 8           1 0
///                  ┌────────────────┬─────────────┬───┐
///                  │ 0              │incarnation 7│ A │   A: attached
///                  └────────────────┴─────────────┴───┘
/// ```
pub(crate) mod entry {
    /// Set while a process is attached here (or has died and was not recovered yet).
    pub(crate) const ATTACHED: u64 = 1;
    #[inline(always)]
    pub(crate) const fn pack(incarnation: u32, attached: bool) -> u64 {
        (incarnation as u64 & 127) << 1 | attached as u64
    }
    #[inline(always)]
    pub(crate) const fn incarnation(word: u64) -> u32 {
        (word >> 1) as u32 & 127
    }
}

// ---- offsets ----------------------------------------------------------------------------------------------------

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
}

/// The queue's state, in the control word of that name.
pub(crate) mod state {
    pub(crate) const OPEN: u32 = 0;
    /// `shutdown`: no more puts; gets drain.
    pub(crate) const DRAINING: u32 = 1;
    /// `shutdown_now`: no more puts or gets.
    pub(crate) const CLOSED: u32 = 2;
}

/// The header as it lies in the file, from offset 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) magic: u64,
    pub(crate) abi: u32,
    pub(crate) header_bytes: u32,
    pub(crate) file_bytes: u64,
    pub(crate) capacity: u64,
    pub(crate) slots: u64,
    pub(crate) descriptors: u64,
    pub(crate) stride: u64,
    pub(crate) participants: u64,
    pub(crate) chunk: u64,
    pub(crate) chunks: u64,
    pub(crate) max_deliveries: u32,
    pub(crate) mode: u32,
    pub(crate) owner: u32,
    pub(crate) group: u32,
    pub(crate) identity: u64,
    pub(crate) created_ns: u64,
    /// Of all the fields between the magic and this one.
    pub(crate) checksum: u64,
}

/// The header's size, whose fields are all that it holds: no padding.
pub(crate) const HEADER_BYTES: usize = size_of::<Header>();

impl Header {
    /// A header of this version, its sizes still to be filled in.
    pub(crate) fn new(max_deliveries: u32) -> Header {
        let mut header = Header::from_bytes(&[0; HEADER_BYTES]);
        header.magic = MAGIC_BUILDING;
        header.abi = ABI;
        header.header_bytes = HEADER_BYTES as u32;
        header.max_deliveries = max_deliveries;
        header
    }
}

impl Header {
    /// The checksum of its fields: FNV-1a, 64 bits (Fowler, Noll and Vo), over the bytes after the magic. Against damage
    /// that leaves every size possible; it proves nothing against a forger.
    fn checksum(self) -> u64 {
        let bytes = self.to_bytes();
        let fields = &bytes[8..std::mem::offset_of!(Header, checksum)];
        fields.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// The same with its checksum.
    pub(crate) fn sealed(mut self) -> Header {
        self.checksum = self.checksum();
        self
    }
}

/// Reads and writes the header's fields in their order, as their offsets below are checked.
macro_rules! header_codec {
    ($($field:ident: $type:ty),* $(,)?) => {
        impl Header {
            /// The header that these bytes hold; any bytes make one, and `Geometry::from_header` checks it.
            pub(crate) fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Header {
                $(
                    let at = std::mem::offset_of!(Header, $field);
                    let $field = &bytes[at..at + size_of::<$type>()];
                    let $field = <$type>::from_ne_bytes($field.try_into().expect("as long as the type"));
                )*
                Header { $($field),* }
            }

            /// The bytes of this header.
            pub(crate) fn to_bytes(self) -> [u8; HEADER_BYTES] {
                let mut bytes = [0; HEADER_BYTES];
                $(
                    let at = std::mem::offset_of!(Header, $field);
                    bytes[at..at + size_of::<$type>()].copy_from_slice(&self.$field.to_ne_bytes());
                )*
                bytes
            }

            /// Name, offset and size of every field.
            #[cfg(test)]
            pub(crate) const FIELDS: &'static [(&'static str, usize, usize)] =
                &[$((stringify!($field), std::mem::offset_of!(Header, $field), size_of::<$type>())),*];
        }
    };
}

header_codec! {
    magic: u64, abi: u32, header_bytes: u32, file_bytes: u64, capacity: u64, slots: u64, descriptors: u64, stride: u64,
    participants: u64, chunk: u64, chunks: u64, max_deliveries: u32, mode: u32, owner: u32, group: u32, identity: u64,
    created_ns: u64, checksum: u64,
}

const _: () = {
    use std::mem::offset_of;
    assert!(HEADER_BYTES == 120 && HEADER_BYTES <= control::TAIL_HINT);
    assert!(offset_of!(Header, file_bytes) == 16);
    assert!(offset_of!(Header, capacity) == 24);
    assert!(offset_of!(Header, max_deliveries) == 80);
    assert!(offset_of!(Header, identity) == 96);
    assert!(control::HOT + HOT_HINTS * 4 <= control::PARTICIPANTS);
    assert!(participant::COMMAND + participant::COMMAND_BYTES <= participant::SIZE);
    assert!(usize::BITS == 64, "ringpost needs a 64-bit machine");
};

// ---- geometry ---------------------------------------------------------------------------------------------------

/// The most descriptors that fit the 20 bits of a slot word, less the value that means none.
pub(crate) const MAX_DESCRIPTORS: u64 = slot::NONE as u64;
/// The largest capacity: the largest power of two that leaves descriptors beside the slots.
pub(crate) const MAX_CAPACITY: u64 = 1 << 19;
/// The most participants: ten bits, less one value kept apart.
pub(crate) const MAX_PARTICIPANTS: u64 = 1023;
/// The longest stride: one inline payload of 64 KiB.
pub(crate) const MAX_STRIDE: u64 = 65536;
/// The smallest chunk.
pub(crate) const MIN_CHUNK: u64 = 64;

/// What a creator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) capacity: u64,
    pub(crate) in_flight: Option<u64>,
    pub(crate) inline: u64,
    pub(crate) arena: u64,
    pub(crate) chunk: u64,
    pub(crate) participants: u64,
}

/// A segment's sizes and offsets: computed once, checked once, then used from this private copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// The most items that may be queued.
    pub(crate) capacity: u64,
    /// N, a power of two.
    pub(crate) slots: u64,
    /// M, more than N.
    pub(crate) descriptors: u64,
    /// Bytes from one descriptor to the next, a multiple of 64.
    pub(crate) stride: u64,
    /// P.
    pub(crate) participants: u64,
    /// The size of a chunk, a power of two.
    pub(crate) chunk: u64,
    /// U.
    pub(crate) chunks: u64,
    /// Where the descriptors start.
    pub(crate) descriptors_at: u64,
    /// Where the chunk words start.
    pub(crate) chunk_words_at: u64,
    /// Where the arena starts.
    pub(crate) arena_at: u64,
    /// The size of the file.
    pub(crate) file_bytes: u64,
}

fn round_up(value: u64, to: u64) -> Option<u64> {
    Some(value.checked_add(to - 1)? / to * to)
}

impl Geometry {
    /// Lays out a new segment.
    pub(crate) fn plan(request: &Request) -> Result<Geometry, GeometryError> {
        let capacity = request.capacity;
        let most = MAX_DESCRIPTORS - 1;
        if capacity == 0 || capacity > MAX_CAPACITY {
            return Err(GeometryError::Capacity {
                found: capacity,
                max: MAX_CAPACITY,
            });
        }
        let slots = capacity.next_power_of_two();
        let in_flight = request.in_flight.unwrap_or_else(|| slots.clamp(64, 4096));
        let room = most.saturating_sub(slots);
        if in_flight == 0 || in_flight > room {
            return Err(GeometryError::InFlight {
                found: in_flight,
                max: room,
            });
        }
        let inline_max = MAX_STRIDE - record::INLINE as u64;
        if request.inline > inline_max {
            return Err(GeometryError::Inline {
                found: request.inline,
                max: inline_max,
            });
        }
        let stride = round_up(record::INLINE as u64 + request.inline, 64).expect("bounded above");
        if request.participants == 0 || request.participants > MAX_PARTICIPANTS {
            return Err(GeometryError::Participants {
                found: request.participants,
                max: MAX_PARTICIPANTS,
            });
        }
        let chunk = request.chunk;
        if !chunk.is_power_of_two() || !(MIN_CHUNK..=1 << 30).contains(&chunk) {
            return Err(GeometryError::Chunk {
                found: chunk,
                min: MIN_CHUNK,
                max: 1 << 30,
            });
        }
        let chunks = request.arena.div_ceil(chunk);
        if chunks > u64::from(u32::MAX - 1) {
            return Err(GeometryError::Arena {
                found: request.arena,
                max: chunk * u64::from(u32::MAX - 1),
            });
        }
        Self::lay_out(
            capacity,
            slots,
            slots + in_flight,
            stride,
            request.participants,
            chunk,
            chunks,
        )
        .ok_or(GeometryError::Overflow)
    }

    /// The offsets that follow from the sizes; `None` if they overflow what a file can hold.
    fn lay_out(
        capacity: u64,
        slots: u64,
        descriptors: u64,
        stride: u64,
        participants: u64,
        chunk: u64,
        chunks: u64,
    ) -> Option<Geometry> {
        let page = PAGE as u64;
        let table = (participant::SIZE as u64).checked_mul(participants)?;
        let descriptors_at = round_up((control::PARTICIPANTS as u64).checked_add(table)?, page)?;
        let chunk_words_at = descriptors_at.checked_add(descriptors.checked_mul(stride)?)?;
        let arena_at = round_up(chunk_words_at.checked_add(chunks.checked_mul(4)?)?, page)?;
        let end = arena_at.checked_add(chunks.checked_mul(chunk)?)?;
        let file_bytes = round_up(end, page)?;
        (file_bytes < 1 << 62).then_some(Geometry {
            capacity,
            slots,
            descriptors,
            stride,
            participants,
            chunk,
            chunks,
            descriptors_at,
            chunk_words_at,
            arena_at,
            file_bytes,
        })
    }

    /// Checks a header that was found in a file of `file_bytes` bytes, and derives everything from it anew.
    pub(crate) fn from_header(header: &Header, file_bytes: u64) -> Result<Geometry, OpenError> {
        if header.magic == MAGIC_BUILDING || header.magic == 0 {
            return Err(OpenError::Unfinished);
        }
        if header.magic != MAGIC {
            return Err(OpenError::Magic {
                found: header.magic.to_ne_bytes(),
            });
        }
        if header.abi != ABI {
            return Err(OpenError::Abi {
                found: header.abi,
                expected: ABI,
            });
        }
        let fault = |what, found, expected: String| OpenError::Geometry {
            what,
            found,
            expected,
        };
        let range = |what, found: u64, min: u64, max: u64| {
            let inside = (min..=max).contains(&found);
            if inside {
                Ok(())
            } else {
                Err(fault(what, found, format!("{min} to {max}")))
            }
        };
        let exact = |what, found: u64, expected: u64| {
            if found == expected {
                Ok(())
            } else {
                Err(fault(what, found, expected.to_string()))
            }
        };
        exact(
            "header size",
            header.header_bytes.into(),
            HEADER_BYTES as u64,
        )?;
        range("capacity", header.capacity, 1, MAX_CAPACITY)?;
        exact("slots", header.slots, header.capacity.next_power_of_two())?;
        range(
            "descriptors",
            header.descriptors,
            header.slots + 1,
            MAX_DESCRIPTORS - 1,
        )?;
        range("stride", header.stride, 64, MAX_STRIDE)?;
        exact("stride beyond a multiple of 64", header.stride % 64, 0)?;
        range("participants", header.participants, 1, MAX_PARTICIPANTS)?;
        range("chunk size", header.chunk, MIN_CHUNK, 1 << 30)?;
        exact("chunk size", header.chunk, header.chunk.next_power_of_two())?;
        range("chunks", header.chunks, 0, u64::from(u32::MAX - 1))?;
        let geometry = Self::lay_out(
            header.capacity,
            header.slots,
            header.descriptors,
            header.stride,
            header.participants,
            header.chunk,
            header.chunks,
        )
        .ok_or_else(|| {
            fault(
                "arena",
                header.chunks,
                "an arena that a file can hold".into(),
            )
        })?;
        exact(
            "file size in the header",
            header.file_bytes,
            geometry.file_bytes,
        )?;
        if file_bytes != geometry.file_bytes {
            return Err(OpenError::Size {
                found: file_bytes,
                expected: geometry.file_bytes,
            });
        }
        // Last, since what comes before says more.
        exact("checksum of the header", header.checksum, header.checksum())?;
        Ok(geometry)
    }

    /// The inline room of a descriptor.
    pub(crate) const fn inline(&self) -> u64 {
        self.stride - record::INLINE as u64
    }

    /// The longest payload.
    pub(crate) const fn max_payload(&self) -> u64 {
        let arena = self.chunks * self.chunk;
        if arena > self.inline() {
            arena
        } else {
            self.inline()
        }
    }

    /// How many chunks a payload of `len` bytes takes.
    pub(crate) const fn chunks_for(&self, len: u64) -> u64 {
        len.div_ceil(self.chunk)
    }
}
