//! One operation of a worker, in each of the ways in which a queue can be used.

use crate::failure::{Failure, Kind};
use crate::payload::{self, Fault};
use ringpost_peers::waiting::{spin, until};
use ringpost_peers::{Receiver, Sender, Unfit, Waiting};

/// How a payload goes in and comes out, and how one waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Copied in and out, by the calls that block.
    Blocking,
    /// Copied in and out; tried, and after 32 tries the processor is offered to others.
    Polling,
    /// Copied in and out; tried, without ever offering the processor.
    Spinning,
    /// Written and read in full where it lies; waits as `Polling`.
    InPlace,
    /// Handed over: the tag alone is written and read; waits as `Polling`.
    Untouched,
}

impl Way {
    /// What the peer has to know.
    pub fn waiting(self) -> Waiting {
        match self {
            Way::Blocking => Waiting::Blocking,
            _ => Waiting::Spinning,
        }
    }
}

/// A sender and its payload.
pub struct Out<S> {
    end: S,
    way: Way,
    payload: Vec<u8>,
}

impl<S: Sender> Out<S> {
    /// Sends payloads of `length` bytes in this way.
    pub fn new(end: S, way: Way, length: usize) -> Out<S> {
        let payload = vec![0; length];
        Out { end, way, payload }
    }

    /// Sends the item of this tag, and waits for room.
    #[inline(always)]
    pub fn send(&mut self, tag: u64) {
        let Out { end, way, payload } = self;
        let length = payload.len();
        match way {
            Way::Blocking => {
                payload::write(payload, tag);
                end.send(payload);
            }
            Way::Polling => {
                payload::write(payload, tag);
                until(|| end.try_send(payload));
            }
            Way::Spinning => {
                payload::write(payload, tag);
                spin(|| end.try_send(payload));
            }
            Way::InPlace => {
                until(|| end.send_in_place(length, |bytes| payload::write(bytes, tag)));
            }
            Way::Untouched => {
                until(|| end.send_in_place(length, |bytes| payload::write_tag(bytes, tag)));
            }
        }
    }
}

/// A receiver and the buffer that it copies into.
pub struct In<R> {
    end: R,
    way: Way,
    buffer: Vec<u8>,
}

impl<R: Receiver> In<R> {
    /// Receives payloads of `length` bytes in this way.
    pub fn new(end: R, way: Way, length: usize) -> In<R> {
        let buffer = vec![0; length];
        In { end, way, buffer }
    }

    /// Waits for the next item, reads it, and returns its tag.
    #[inline(always)]
    pub fn receive(&mut self) -> Result<u64, Fault> {
        let In { end, way, buffer } = self;
        let sent = buffer.len();
        let mut got = 0;
        let mut tag = Ok(0);
        match way {
            Way::Blocking => got = end.receive(buffer),
            Way::Polling => until(|| copied(end, buffer, &mut got)),
            Way::Spinning => spin(|| copied(end, buffer, &mut got)),
            Way::InPlace => {
                until(|| end.try_receive(|bytes| tag = payload::read(bytes, sent)));
                return tag;
            }
            Way::Untouched => {
                until(|| end.try_receive(|bytes| tag = payload::read_tag(bytes, sent)));
                return tag;
            }
        }
        payload::read(&buffer[..got.min(sent)], sent)
    }
}

#[inline(always)]
fn copied<R: Receiver>(end: &mut R, buffer: &mut [u8], got: &mut usize) -> bool {
    match end.try_receive_copy(buffer) {
        Some(length) => {
            *got = length;
            true
        }
        None => false,
    }
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Failure {
        Failure::new(Kind::Unfit, unfit.0)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::new(Kind::Faulty, fault.to_string())
    }
}
