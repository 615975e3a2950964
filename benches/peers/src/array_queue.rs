//! `crossbeam_queue::ArrayQueue`: threads of one process, polled.

use crate::waiting::until;
use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit};
use crossbeam_queue::ArrayQueue as Queue;
use std::sync::Arc;

/// Up to so many bytes lie in the queue itself, as its user would have it; longer payloads in a box.
const SHORT: usize = 64;

/// crossbeam's `ArrayQueue`.
#[derive(Debug)]
pub struct ArrayQueue;

/// What is queued. A user has one kind of item and queues it as it is; the kind is that of all items of a run.
#[derive(Clone, Debug)]
pub enum End {
    /// A short payload and its length.
    Short(Arc<Queue<([u8; SHORT], u8)>>),
    /// A long one.
    Long(Arc<Queue<Box<[u8]>>>),
}

impl Peer for ArrayQueue {
    const ABOUT: About = About {
        name: "crossbeam ArrayQueue",
        version: env!("VERSION_CROSSBEAM_QUEUE"),
        place: Place::Threads,
        many_to_many: true,
        polls: true,
        blocks: false,
        in_place: false,
        batches: false,
        claims_before_writing: true,
        locks: false,
        longest: None,
        note: "Payloads beyond 64 B are boxed",
    };
    type Setup = End;
    type Sender = End;
    type Receiver = End;

    fn set_up(spec: &Spec) -> Result<End, Unfit> {
        Ok(if spec.payload <= SHORT {
            End::Short(Arc::new(Queue::new(spec.depth)))
        } else {
            End::Long(Arc::new(Queue::new(spec.depth)))
        })
    }

    fn sender(end: &End, _: usize) -> Result<End, Unfit> {
        Ok(end.clone())
    }

    fn receiver(end: &End, _: usize) -> Result<End, Unfit> {
        Ok(end.clone())
    }
}

impl Sender for End {
    #[inline(always)]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        match self {
            End::Short(queue) => {
                let mut bytes = [0; SHORT];
                bytes[..payload.len()].copy_from_slice(payload);
                queue.push((bytes, payload.len() as u8)).is_ok()
            }
            // A box for each attempt would be more work than the other queues do.
            End::Long(queue) => !queue.is_full() && queue.push(payload.into()).is_ok(),
        }
    }

    #[inline(always)]
    fn send(&mut self, payload: &[u8]) {
        until(|| self.try_send(payload));
    }

    fn send_in_place(&mut self, length: usize, mut fill: impl FnMut(&mut [u8])) -> bool {
        let mut payload = vec![0; length];
        fill(&mut payload);
        self.try_send(&payload)
    }
}

impl Receiver for End {
    #[inline(always)]
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        match self {
            End::Short(queue) => match queue.pop() {
                Some((bytes, length)) => read(&bytes[..usize::from(length)]),
                None => return false,
            },
            End::Long(queue) => match queue.pop() {
                Some(payload) => read(&payload),
                None => return false,
            },
        }
        true
    }

    #[inline(always)]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        let mut length = None;
        until(|| {
            length = self.try_receive_copy(buffer);
            length.is_some()
        });
        length.unwrap_or(0)
    }
}
