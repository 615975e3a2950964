//! A Unix seqpacket socket: messages that stay whole.

use rustix::io::Errno;
use rustix::net::SocketType;

use crate::records::{Input, Output, Wait};
use crate::sockets::{End, Pair};
use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit};

/// What a message needs besides its bytes.
const OVERHEAD: usize = 32;
/// What a socket holds by default.
const DEFAULT_ROOM: usize = 212_992;

/// The peer.
pub struct Seqpacket;

/// The end that sends.
pub struct Tx {
    end: End,
    buffer: Vec<u8>,
}

/// The end that receives.
pub struct Rx {
    end: End,
    buffer: Vec<u8>,
}

impl Peer for Seqpacket {
    const ABOUT: About = About {
        name: "Unix seqpacket socket",
        version: "the kernel's",
        place: Place::Processes,
        many_to_many: true,
        polls: true,
        blocks: true,
        in_place: false,
        batches: false,
        claims_before_writing: false,
        locks: true,
        longest: Some(DEFAULT_ROOM - OVERHEAD),
        note: "",
    };
    type Setup = Pair;
    type Sender = Tx;
    type Receiver = Rx;

    fn set_up(spec: &Spec) -> Result<Pair, Unfit> {
        let pair = Pair::new(SocketType::SEQPACKET, spec)?;
        let room = pair.room()?;
        if spec.payload + OVERHEAD > room {
            return Err(Unfit(format!(
                "a message of {} bytes does not fit into this machine's sockets of {room}",
                spec.payload
            )));
        }
        Ok(pair)
    }

    fn sender(setup: &Pair, _index: usize) -> Result<Tx, Unfit> {
        Ok(Tx {
            end: setup.output.share()?,
            buffer: vec![0; setup.record],
        })
    }

    fn receiver(setup: &Pair, _index: usize) -> Result<Rx, Unfit> {
        Ok(Rx {
            end: setup.input.share()?,
            buffer: vec![0; setup.record],
        })
    }
}

/// `None` if it would have to wait.
#[inline]
fn done(mut call: impl FnMut() -> Result<usize, Errno>) -> Option<usize> {
    loop {
        match call() {
            Ok(length) => return Some(length),
            Err(Errno::AGAIN) => return None,
            Err(Errno::INTR) => {}
            Err(error) => panic!("the socket is broken: {error}"),
        }
    }
}

impl Sender for Tx {
    #[inline]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        done(|| self.end.write(payload, Wait::No)).is_some()
    }

    #[inline]
    fn send(&mut self, payload: &[u8]) {
        done(|| self.end.write(payload, Wait::Yes)).expect("it waits");
    }

    #[inline]
    fn send_in_place(&mut self, length: usize, mut fill: impl FnMut(&mut [u8])) -> bool {
        fill(&mut self.buffer[..length]);
        done(|| self.end.write(&self.buffer[..length], Wait::No)).is_some()
    }
}

impl Receiver for Rx {
    #[inline]
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        match done(|| self.end.read(&mut self.buffer, Wait::No)) {
            Some(length) => {
                read(&self.buffer[..length]);
                true
            }
            None => false,
        }
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        done(|| self.end.read(buffer, Wait::Yes)).expect("it waits")
    }

    #[inline]
    fn try_receive_copy(&mut self, buffer: &mut [u8]) -> Option<usize> {
        done(|| self.end.read(buffer, Wait::No))
    }
}
