//! A message of the demo: who sent it, as which of its own, when, and then the line.
//!
//! ```text
//! 0        8          16       24
//! | producer | sequence | sent   | line …
//! ```
//! Three little-endian `u64`; `sent` is nanoseconds of `CLOCK_MONOTONIC`, which all processes share.

use rustix::time::{ClockId, clock_gettime};

/// Bytes before the line.
pub(crate) const HEADER: usize = 24;

/// What precedes the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) producer: u64,
    pub(crate) sequence: u64,
    pub(crate) sent: u64,
}

impl Header {
    /// Writes this header and `line` into `payload`, which has just that length.
    pub(crate) fn write(self, line: &[u8], payload: &mut [u8]) {
        let (header, rest) = payload.split_at_mut(HEADER);
        for (place, word) in
            header
                .chunks_exact_mut(8)
                .zip([self.producer, self.sequence, self.sent])
        {
            place.copy_from_slice(&word.to_le_bytes());
        }
        rest.copy_from_slice(line);
    }

    /// Takes a payload apart; `None` if it is too short.
    pub(crate) fn read(payload: &[u8]) -> Option<(Self, &[u8])> {
        let (producer, rest) = payload.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (sent, line) = rest.split_first_chunk()?;
        let [producer, sequence, sent] =
            [producer, sequence, sent].map(|word| u64::from_le_bytes(*word));
        Some((
            Header {
                producer,
                sequence,
                sent,
            },
            line,
        ))
    }
}

/// Nanoseconds on the clock that all processes of a machine share.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = Header {
            producer: 1,
            sequence: 1 << 40,
            sent: now(),
        };
        let mut payload = vec![0; HEADER + 4];
        header.write(b"line", &mut payload);
        assert_eq!(Header::read(&payload), Some((header, b"line".as_slice())));
        assert_eq!(Header::read(&payload[..HEADER - 1]), None);
    }
}
