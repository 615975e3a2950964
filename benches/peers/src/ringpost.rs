//! ringpost itself, as a user calls it: bytes, in a memfd that forked processes inherit.

use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit};
use ::ringpost::{BytesQueue, GetError, Options, PutError};

/// ringpost.
#[derive(Debug)]
pub struct Ringpost;

/// Up to so many bytes `get_into` and a second copy into the suite's buffer are cheaper than a message that is copied once. A
/// user's buffer is a `Vec`, which takes no second copy.
const SMALL: usize = 256;
/// Payloads up to so many bytes are kept in the descriptors, as a user chooses who knows their size; longer ones, and those of
/// a user who does not, lie in the arena.
const INLINE: usize = 4096;

/// A handle and, for batches, buffers that are used again.
#[derive(Debug)]
pub struct End {
    queue: BytesQueue,
    one: Vec<u8>,
    many: Vec<Vec<u8>>,
}

impl Peer for Ringpost {
    const ABOUT: About = About {
        name: "ringpost",
        version: env!("VERSION_RINGPOST"),
        place: Place::Processes,
        many_to_many: true,
        polls: true,
        blocks: true,
        in_place: true,
        batches: true,
        claims_before_writing: false,
        locks: false,
        longest: None,
        note: "",
    };
    type Setup = BytesQueue;
    type Sender = End;
    type Receiver = End;

    fn set_up(spec: &Spec) -> Result<BytesQueue, Unfit> {
        let queue = Options::new()
            .capacity(spec.depth)
            .inline(if spec.payload <= INLINE {
                spec.payload.max(88)
            } else {
                88
            })
            .arena((64 << 20).max((spec.payload * (spec.depth + 8)) as u64))
            .anonymous();
        queue.map_err(|error| Unfit(error.to_string()))
    }

    fn sender(queue: &BytesQueue, _: usize) -> Result<End, Unfit> {
        Ok(End::of(queue))
    }

    fn receiver(queue: &BytesQueue, _: usize) -> Result<End, Unfit> {
        Ok(End::of(queue))
    }
}

impl End {
    fn of(queue: &BytesQueue) -> End {
        End {
            queue: queue.clone(),
            one: Vec::new(),
            many: Vec::new(),
        }
    }
}

impl Sender for End {
    #[inline(always)]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        match self.queue.try_put(payload) {
            Ok(()) => true,
            Err(PutError::Full(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    #[inline(always)]
    fn send(&mut self, payload: &[u8]) {
        self.queue.put(payload).expect("an open queue");
    }

    #[inline(always)]
    fn send_in_place(&mut self, length: usize, mut fill: impl FnMut(&mut [u8])) -> bool {
        let mut loan = match self.queue.try_loan(length) {
            Ok(loan) => loan,
            Err(PutError::Full(_)) => return false,
            Err(error) => panic!("{error}"),
        };
        fill(&mut loan);
        match loan.try_commit() {
            Ok(()) => true,
            Err((_, PutError::Full(_))) => false,
            Err((_, error)) => panic!("{error}"),
        }
    }

    #[inline(always)]
    fn send_many(&mut self, payloads: &[&[u8]]) {
        self.queue.put_many(payloads).expect("an open queue");
    }
}

impl Receiver for End {
    #[inline(always)]
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        match taken(self.queue.try_get_ref()) {
            Some(message) => {
                read(&message);
                true
            }
            None => false,
        }
    }

    #[inline(always)]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        if buffer.len() > SMALL {
            let message = self.queue.get_ref().expect("an open queue");
            buffer[..message.len()].copy_from_slice(&message);
            return message.len();
        }
        self.queue.get_into(&mut self.one).expect("an open queue");
        buffer[..self.one.len()].copy_from_slice(&self.one);
        self.one.len()
    }

    #[inline(always)]
    fn try_receive_copy(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if buffer.len() > SMALL {
            let message = taken(self.queue.try_get_ref())?;
            buffer[..message.len()].copy_from_slice(&message);
            return Some(message.len());
        }
        taken(self.queue.try_get_into(&mut self.one))?;
        buffer[..self.one.len()].copy_from_slice(&self.one);
        Some(self.one.len())
    }

    #[inline(always)]
    fn receive_many(&mut self, most: usize, _: &mut [u8], mut read: impl FnMut(&[u8])) -> usize {
        let got = self.queue.get_many_into(&mut self.many, most);
        let got = got.expect("an open queue");
        self.many[..got].iter().for_each(|item| read(item));
        got
    }
}

/// What was got, or nothing if there was nothing.
#[inline(always)]
fn taken<T>(got: Result<T, GetError>) -> Option<T> {
    match got {
        Ok(item) => Some(item),
        Err(GetError::Empty) => None,
        Err(error) => panic!("{error}"),
    }
}
