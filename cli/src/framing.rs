//! Where one item ends and the next begins in a stream of bytes.
//!
//! Lines and NUL-separated items have a byte after each item; length-prefixed items have four
//! bytes before each, their length as a little-endian `u32`. Only the last one carries any bytes.

use crate::exit::Stop;
use crate::units;

const PREFIX: usize = size_of::<u32>();

/// How items follow each other in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// This byte ends each item, and is no part of it.
    EndedBy(u8),
    /// A little-endian `u32` before each item says how long it is.
    LengthPrefixed,
}

impl Framing {
    /// How many bytes `item` takes in the stream.
    pub(crate) fn encoded_length(self, item: &[u8]) -> u64 {
        let around = match self {
            Framing::EndedBy(_) => 1,
            Framing::LengthPrefixed => PREFIX,
        };
        (item.len() + around) as u64
    }

    /// Appends `item` to `out`.
    pub(crate) fn encode(self, item: &[u8], out: &mut Vec<u8>) -> Result<(), Stop> {
        match self {
            Framing::EndedBy(byte) => {
                out.extend_from_slice(item);
                out.push(byte);
            }
            Framing::LengthPrefixed => {
                let length = u32::try_from(item.len()).map_err(|_| {
                    let size = units::size(item.len() as u64);
                    Stop::failed(format!(
                        "an item of {size} is too long for --length-prefixed: 4 GiB"
                    ))
                })?;
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(item);
            }
        }
        Ok(())
    }
}

/// Cuts a stream that arrives in pieces into items.
///
/// It holds at most one incomplete item, of at most the longest permitted length.
#[derive(Debug)]
pub(crate) struct Splitter {
    framing: Framing,
    longest: usize,
    bytes: Vec<u8>,
    /// How many of the bytes are known to contain no separator.
    searched: usize,
}

impl Splitter {
    /// Items may be `longest` bytes long.
    pub(crate) fn new(framing: Framing, longest: usize) -> Self {
        let bytes = Vec::new();
        Splitter {
            framing,
            longest,
            bytes,
            searched: 0,
        }
    }

    /// Adds what was read.
    pub(crate) fn extend(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    /// The complete items so far, and how many bytes they take: hand that to
    /// [`consume`](Self::consume) when they are done with.
    ///
    /// Call it until it takes nothing: an item that is too long is an error once it comes first.
    pub(crate) fn complete(&mut self) -> Result<(Vec<&[u8]>, usize), Stop> {
        let mut ends = Vec::new();
        let mut start = 0;
        while let Some((from, to, next)) = self.item_at(start) {
            ends.push((from, to));
            start = next;
        }
        self.searched = self.bytes.len();
        if ends.is_empty() {
            self.check_length()?;
        }
        let items = ends.iter().map(|&(from, to)| &self.bytes[from..to]);
        Ok((items.collect(), start))
    }

    /// Forgets the first `taken` bytes.
    pub(crate) fn consume(&mut self, taken: usize) {
        self.bytes.drain(..taken);
        self.searched = self.searched.saturating_sub(taken);
    }

    /// What is left when the stream has ended: a last item that nothing ended, if there is one.
    pub(crate) fn finish(&self) -> Result<Option<&[u8]>, Stop> {
        match self.framing {
            _ if self.bytes.is_empty() => Ok(None),
            Framing::EndedBy(_) => Ok(Some(&self.bytes)),
            Framing::LengthPrefixed => Err(Stop::failed(match self.announced() {
                None => format!(
                    "the input ends within a length: {} of 4 bytes",
                    self.bytes.len()
                ),
                Some(length) => {
                    format!(
                        "the input ends within an item: {} of {length} bytes",
                        self.bytes.len() - PREFIX
                    )
                }
            })),
        }
    }

    /// Start and end of the item at `start`, and where the next one begins.
    fn item_at(&self, start: usize) -> Option<(usize, usize, usize)> {
        match self.framing {
            Framing::EndedBy(byte) => {
                let from = start.max(self.searched);
                let length = self.bytes[from..].iter().position(|&other| other == byte)?;
                let end = from + length;
                Some((start, end, end + 1)).filter(|_| end - start <= self.longest)
            }
            Framing::LengthPrefixed => {
                let prefix = self.bytes.get(start..start + PREFIX)?;
                let length = u32::from_le_bytes(prefix.try_into().ok()?) as usize;
                let (from, to) = (start + PREFIX, start + PREFIX + length);
                (length <= self.longest && to <= self.bytes.len()).then_some((from, to, to))
            }
        }
    }

    /// The length that the first prefix announces.
    fn announced(&self) -> Option<usize> {
        let prefix = self.bytes.get(..PREFIX)?.try_into().ok()?;
        Some(u32::from_le_bytes(prefix) as usize)
    }

    /// Refuses a first item that is longer than any that could be put.
    fn check_length(&self) -> Result<(), Stop> {
        let (length, known) = match self.framing {
            Framing::LengthPrefixed => (self.announced().unwrap_or(0), ""),
            Framing::EndedBy(byte) => match self.bytes.iter().position(|&other| other == byte) {
                Some(length) => (length, ""),
                None => (self.bytes.len(), "at least "),
            },
        };
        if length <= self.longest {
            return Ok(());
        }
        let longest = units::thousands(self.longest as u64);
        let length = units::thousands(length as u64);
        Err(Stop::failed(format!(
            "the item is too long: {known}{length} bytes, and the queue takes at most {longest}; \
             create it with a larger --arena"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMINGS: [Framing; 3] = [
        Framing::EndedBy(b'\n'),
        Framing::EndedBy(0),
        Framing::LengthPrefixed,
    ];

    /// Feeds `stream` in pieces of `piece` bytes and collects what comes out.
    fn split(
        framing: Framing,
        stream: &[u8],
        piece: usize,
        longest: usize,
    ) -> Result<Vec<Vec<u8>>, Stop> {
        let mut splitter = Splitter::new(framing, longest);
        let mut items = Vec::new();
        for piece in stream.chunks(piece) {
            splitter.extend(piece);
            loop {
                let (complete, taken) = splitter.complete()?;
                if taken == 0 {
                    break;
                }
                items.extend(complete.into_iter().map(<[u8]>::to_vec));
                splitter.consume(taken);
            }
        }
        items.extend(splitter.finish()?.map(<[u8]>::to_vec));
        Ok(items)
    }

    #[test]
    fn what_was_encoded_is_split_again_whatever_the_pieces() {
        let items: [&[u8]; 6] = [b"one", b"", b"", b"four and more", b"\xff\x01", b"end"];
        for framing in FRAMINGS {
            let mut stream = Vec::new();
            for item in items {
                framing.encode(item, &mut stream).expect("short");
            }
            for piece in 1..=stream.len() {
                let split = split(framing, &stream, piece, 13).expect("complete");
                assert_eq!(split, items, "{framing:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_last_line_needs_no_end_but_a_prefix_needs_its_item() {
        let lines = split(Framing::EndedBy(b'\n'), b"a\nb", 2, 9).expect("lines");
        assert_eq!(lines, [b"a", b"b"]);
        let stop = split(Framing::LengthPrefixed, b"\x02\0\0\0a", 9, 9).expect_err("cut off");
        assert_eq!(
            stop.to_string(),
            "the input ends within an item: 1 of 2 bytes"
        );
        let stop = split(Framing::LengthPrefixed, b"\x02\0", 9, 9).expect_err("cut off");
        assert_eq!(
            stop.to_string(),
            "the input ends within a length: 2 of 4 bytes"
        );
    }

    #[test]
    fn too_long_an_item_is_refused_before_it_is_held_in_memory() {
        for piece in [1, 3, 64] {
            let stop =
                split(Framing::EndedBy(b'\n'), b"ok\nabcd\nx\n", piece, 3).expect_err("long");
            assert!(
                stop.to_string()
                    .contains("4 bytes, and the queue takes at most 3"),
                "{stop}"
            );
            let stop =
                split(Framing::LengthPrefixed, b"\xff\xff\xff\xff", piece, 3).expect_err("long");
            assert!(stop.to_string().contains("4,294,967,295 bytes"), "{stop}");
        }
    }
}
