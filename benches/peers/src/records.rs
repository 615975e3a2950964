//! Records of one length over a stream of bytes: what the pipe and the stream socket have in common.
//!
//! A record is the payload and nothing else, written by one call. The only receiver reads as much as is there, up to a
//! buffer's size, as anybody who reads a stream for speed would; several receivers take one record a call, so that none
//! has a piece of another's.

use rustix::io::Errno;

use crate::{Receiver, Sender};

/// The receiver's buffer, unless a record is longer.
const BUFFER: usize = 64 << 10;

/// Whether a call waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Until it can do something.
    Yes,
    /// Not at all.
    No,
}

/// A descriptor that bytes go into.
pub trait Output {
    /// Writes some of the bytes; `Err(AGAIN)` if there is no room and it is not to wait.
    fn write(&self, bytes: &[u8], wait: Wait) -> Result<usize, Errno>;
}

/// A descriptor that bytes come out of.
pub trait Input {
    /// Reads some bytes; `Err(AGAIN)` if there is none and it is not to wait.
    fn read(&self, buffer: &mut [u8], wait: Wait) -> Result<usize, Errno>;
}

/// The end that writes.
pub struct Writer<O> {
    output: O,
    record: Vec<u8>,
    /// How much of a record is in the stream, which had no room for its end. The sender was told `false`, tries again, and
    /// the record goes on from there: what has begun can only be completed.
    begun: usize,
}

impl<O: Output> Writer<O> {
    pub(crate) fn new(output: O, record: usize) -> Self {
        Writer {
            output,
            record: vec![0; record],
            begun: 0,
        }
    }
}

/// Writes the record from `begun` on. Whether all of it is in the stream.
#[inline]
fn put(output: &impl Output, record: &[u8], begun: &mut usize, wait: Wait) -> bool {
    while *begun < record.len() {
        match output.write(&record[*begun..], wait) {
            Ok(written) => *begun += written,
            Err(Errno::AGAIN) => return false,
            Err(Errno::INTR) => {}
            Err(error) => panic!("the stream is broken: {error}"),
        }
    }
    *begun = 0;
    true
}

impl<O: Output> Sender for Writer<O> {
    #[inline]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        let length = self.record.len();
        assert_eq!(payload.len(), length, "the records have one length");
        put(&self.output, payload, &mut self.begun, Wait::No)
    }

    #[inline]
    fn send(&mut self, payload: &[u8]) {
        let length = self.record.len();
        assert_eq!(payload.len(), length, "the records have one length");
        put(&self.output, payload, &mut self.begun, Wait::Yes);
    }

    fn send_in_place(&mut self, length: usize, mut fill: impl FnMut(&mut [u8])) -> bool {
        assert_eq!(length, self.record.len(), "the records have one length");
        if self.begun == 0 {
            fill(&mut self.record);
        }
        put(&self.output, &self.record, &mut self.begun, Wait::No)
    }
}

/// The end that reads.
pub struct Reader<I> {
    input: I,
    record: usize,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

impl<I: Input> Reader<I> {
    pub(crate) fn new(input: I, record: usize, receivers: usize) -> Self {
        let records = if receivers == 1 {
            (BUFFER / record).max(1)
        } else {
            1
        };
        Reader {
            input,
            record,
            buffer: vec![0; records * record],
            from: 0,
            to: 0,
        }
    }

    /// The place of the next record in the buffer, which it reads from the stream at need.
    #[inline]
    fn next(&mut self, wait: Wait) -> Option<std::ops::Range<usize>> {
        while self.to - self.from < self.record {
            if self.from > 0 {
                self.buffer.copy_within(self.from..self.to, 0);
                self.to -= self.from;
                self.from = 0;
            }
            match self.input.read(&mut self.buffer[self.to..], wait) {
                Ok(0) => panic!("the senders are gone"),
                Ok(read) => self.to += read,
                Err(Errno::AGAIN) => return None,
                Err(Errno::INTR) => {}
                Err(error) => panic!("the stream is broken: {error}"),
            }
        }
        let record = self.from..self.from + self.record;
        self.from += self.record;
        Some(record)
    }
}

impl<I: Input> Receiver for Reader<I> {
    #[inline]
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        match self.next(Wait::No) {
            Some(record) => {
                read(&self.buffer[record]);
                true
            }
            None => false,
        }
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        let record = self.next(Wait::Yes).expect("it waits");
        buffer[..self.record].copy_from_slice(&self.buffer[record]);
        self.record
    }
}
