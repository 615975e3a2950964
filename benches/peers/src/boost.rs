//! Boost.Interprocess' `message_queue`: a heap of pointers by priority, under one mutex.

use std::ffi::{CString, c_char, c_int, c_void};
use std::process;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit};

// `boost_queue.cpp`, which says what they do.
unsafe extern "C" {
    fn boost_queue_new(name: *const c_char, depth: usize, longest: usize) -> *mut c_void;
    fn boost_queue_free(queue: *mut c_void);
    fn boost_queue_send(
        queue: *mut c_void,
        payload: *const c_void,
        length: usize,
        waits: c_int,
    ) -> c_int;
    fn boost_queue_receive(
        queue: *mut c_void,
        buffer: *mut c_void,
        room: usize,
        length: *mut usize,
        waits: c_int,
    ) -> c_int;
}

/// The peer.
pub struct Boost;

/// The queue, whose memory forked processes share.
pub struct Queue {
    queue: NonNull<c_void>,
    payload: usize,
}

/// Either end.
pub struct End {
    queue: Arc<Queue>,
    buffer: Vec<u8>,
}

impl Peer for Boost {
    const ABOUT: About = About {
        name: "Boost message_queue",
        version: env!("VERSION_BOOST"),
        place: Place::Processes,
        many_to_many: true,
        polls: true,
        blocks: true,
        in_place: false,
        batches: false,
        claims_before_writing: false,
        locks: true,
        longest: None,
        note: "",
    };
    type Setup = Arc<Queue>;
    type Sender = End;
    type Receiver = End;

    fn set_up(spec: &Spec) -> Result<Arc<Queue>, Unfit> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let made = MADE.fetch_add(1, Relaxed);
        let name = format!("ringpost-peers-{}-{made}", process::id());
        let name = CString::new(name).expect("no zero in it");
        // SAFETY: a name that lives during the call.
        let queue = unsafe { boost_queue_new(name.as_ptr(), spec.depth, spec.payload.max(1)) };
        let queue = NonNull::new(queue);
        let payload = spec.payload;
        queue
            .map(|queue| Arc::new(Queue { queue, payload }))
            .ok_or_else(|| {
                let bytes = spec.depth * spec.payload;
                Unfit(format!(
                    "it could not make a queue of {bytes} bytes in /dev/shm"
                ))
            })
    }

    fn sender(setup: &Arc<Queue>, _index: usize) -> Result<End, Unfit> {
        Ok(End::of(setup))
    }

    fn receiver(setup: &Arc<Queue>, _index: usize) -> Result<End, Unfit> {
        Ok(End::of(setup))
    }
}

impl Queue {
    /// Whether it was sent.
    #[inline]
    fn send(&self, payload: &[u8], waits: c_int) -> bool {
        let start = payload.as_ptr().cast();
        // SAFETY: the queue lives, and only reads so many bytes.
        let sent = unsafe { boost_queue_send(self.queue.as_ptr(), start, payload.len(), waits) };
        assert!(sent >= 0, "the message queue is broken");
        sent == 1
    }

    /// The length of what was received.
    #[inline]
    fn receive(&self, buffer: &mut [u8], waits: c_int) -> Option<usize> {
        let start = buffer.as_mut_ptr().cast();
        let room = buffer.len();
        let mut length = 0;
        // SAFETY: the queue lives, and writes no more than there is room.
        let received = unsafe {
            boost_queue_receive(self.queue.as_ptr(), start, room, &raw mut length, waits)
        };
        assert!(received >= 0, "the message queue is broken");
        (received == 1).then_some(length)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: this was its last owner in this process.
        unsafe { boost_queue_free(self.queue.as_ptr()) };
    }
}

// SAFETY: the queue is made for several processes, and so for threads.
unsafe impl Sync for Queue {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Queue {}

impl End {
    fn of(setup: &Arc<Queue>) -> End {
        End {
            queue: Arc::clone(setup),
            buffer: vec![0; setup.payload.max(1)],
        }
    }
}

impl Sender for End {
    #[inline]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        self.queue.send(payload, 0)
    }

    #[inline]
    fn send(&mut self, payload: &[u8]) {
        self.queue.send(payload, 1);
    }

    #[inline]
    fn send_in_place(&mut self, length: usize, mut fill: impl FnMut(&mut [u8])) -> bool {
        fill(&mut self.buffer[..length]);
        self.queue.send(&self.buffer[..length], 0)
    }
}

impl Receiver for End {
    #[inline]
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        match self.queue.receive(&mut self.buffer, 0) {
            Some(length) => {
                read(&self.buffer[..length]);
                true
            }
            None => false,
        }
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        self.queue.receive(buffer, 1).expect("it waits")
    }

    #[inline]
    fn try_receive_copy(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.queue.receive(buffer, 0)
    }
}
