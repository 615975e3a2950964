//! A Unix stream socket.

use rustix::net::SocketType;

use crate::records::{Reader, Writer};
use crate::sockets::{End, Pair};
use crate::{About, Peer, Place, Spec, Unfit};

/// The peer.
pub struct UnixStream;

impl Peer for UnixStream {
    const ABOUT: About = About {
        name: "Unix stream socket",
        version: "the kernel's",
        place: Place::Processes,
        many_to_many: false,
        polls: true,
        blocks: true,
        in_place: false,
        batches: false,
        claims_before_writing: false,
        locks: true,
        longest: None,
        note: "the receiver reads up to 64 KiB in a call",
    };
    type Setup = Pair;
    type Sender = Writer<End>;
    type Receiver = Reader<End>;

    fn set_up(spec: &Spec) -> Result<Pair, Unfit> {
        Pair::new(SocketType::STREAM, spec)
    }

    fn sender(setup: &Pair, _index: usize) -> Result<Writer<End>, Unfit> {
        Ok(Writer::new(setup.output.share()?, setup.record))
    }

    fn receiver(setup: &Pair, _index: usize) -> Result<Reader<End>, Unfit> {
        let input = setup.input.share()?;
        Ok(Reader::new(input, setup.record, setup.receivers))
    }
}
