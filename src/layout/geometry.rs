//! The sizes and offsets of a segment: planned for a new one, checked for one that is opened.

use super::{
    ABI, HEADER_BYTES, Header, MAGIC, MAGIC_BUILDING, PAGE, control, participant, record, slot,
};
use crate::error::{GeometryError, OpenError};

/// The most descriptors that fit the 20 bits of a slot word, less the value that means none.
pub(crate) const MAX_DESCRIPTORS: u64 = slot::NONE as u64;
/// The largest capacity: the largest power of two that leaves descriptors beside the slots.
pub(crate) const MAX_CAPACITY: u64 = 1 << 19;
/// The most participants: ten bits, less one value kept apart.
pub(crate) const MAX_PARTICIPANTS: u64 = 1023;
/// The longest stride: one inline payload of 65,504 bytes.
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
    /// Position p lives in slot p × `spread` mod N; see [`spread`].
    pub(crate) spread: u64,
    /// Bytes from one descriptor to the next, a multiple of 64.
    pub(crate) stride: u64,
    /// The inline room of a descriptor; see [`inline_of`].
    pub(crate) inline: u64,
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

/// Which slot is how far from the next position's: odd, so that every slot is used, and nearest to N divided by the golden
/// ratio, so that positions that are near each other lie far apart in memory (the three-distance theorem: of any k
/// positions in a row, no two are nearer than about N / 2.6 k slots).
///
/// In memory order, the hardware prefetcher of a consumer would fetch the lines that the producer is about to write.
const fn spread(slots: u64) -> u64 {
    (slots * 618_034 / 1_000_000) | 1
}

/// The inline room of a descriptor with this stride. One of two lines has a lead word.
const fn inline_of(stride: u64) -> u64 {
    if stride == record::STRIDE_WITH_LEAD {
        (record::LEAD - record::INLINE) as u64
    } else {
        stride - record::INLINE as u64
    }
}

/// The shortest stride that has so much inline room.
fn stride_for(inline: u64) -> u64 {
    let stride = round_up(record::INLINE as u64 + inline, 64).expect("bounded by the caller");
    if inline_of(stride) >= inline {
        stride
    } else {
        stride + 64
    }
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
        let stride = stride_for(request.inline);
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
            spread: spread(slots),
            descriptors,
            stride,
            inline: inline_of(stride),
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

    /// Has each descriptor a lead word?
    pub(crate) const fn has_lead(&self) -> bool {
        self.stride == record::STRIDE_WITH_LEAD
    }

    /// The longest payload.
    pub(crate) const fn max_payload(&self) -> u64 {
        let arena = self.chunks * self.chunk;
        if arena > self.inline {
            arena
        } else {
            self.inline
        }
    }

    /// How many chunks a payload of `len` bytes takes.
    pub(crate) const fn chunks_for(&self, len: u64) -> u64 {
        len.div_ceil(self.chunk)
    }
}
