//! A ring under a mutex in shared memory: what one writes who knows `VecDeque`, `Mutex` and `Condvar`.
//!
//! The mutex is robust: after the death of its owner the next one makes it consistent and goes on. The state always is:
//! a payload is copied first, and the count that makes it visible is the last store.

use std::cell::UnsafeCell;
use std::sync::Arc;

use libc::{c_int, pthread_cond_t, pthread_condattr_t, pthread_mutex_t, pthread_mutexattr_t};

use crate::area::Area;
use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit};

/// Where the slots begin.
const SLOTS: usize = 4096;
/// Before each payload: its length.
const LENGTH: usize = 8;

/// The peer.
pub struct RobustMutex;

/// What lies at the beginning of the memory.
#[repr(C)]
struct Head {
    mutex: UnsafeCell<pthread_mutex_t>,
    filled: UnsafeCell<pthread_cond_t>,
    emptied: UnsafeCell<pthread_cond_t>,
    /// How many items were put and taken, ever: under the mutex.
    put: UnsafeCell<u64>,
    taken: UnsafeCell<u64>,
}

const _: () = assert!(size_of::<Head>() <= SLOTS);

/// The queue.
pub struct Queue {
    area: Area,
    depth: u64,
    stride: usize,
}

/// Either end.
pub struct End(Arc<Queue>);

/// The mutex is held.
struct Held<'a>(&'a Queue);

impl Peer for RobustMutex {
    const ABOUT: About = About {
        name: "robust mutex",
        version: "the C library's",
        place: Place::Processes,
        many_to_many: true,
        polls: true,
        blocks: true,
        in_place: true,
        batches: false,
        claims_before_writing: false,
        locks: true,
        longest: None,
        note: "a ring under a robust mutex with two condition variables; its payloads are written and read under the mutex",
    };
    type Setup = Arc<Queue>;
    type Sender = End;
    type Receiver = End;

    fn set_up(spec: &Spec) -> Result<Arc<Queue>, Unfit> {
        let stride = (LENGTH + spec.payload).next_multiple_of(64);
        let queue = Queue {
            area: Area::new(SLOTS + spec.depth * stride),
            depth: spec.depth as u64,
            stride,
        };
        queue.prepare().map_err(|error| {
            let error = std::io::Error::from_raw_os_error(error);
            Unfit(format!("no robust mutex: {error}"))
        })?;
        Ok(Arc::new(queue))
    }

    fn sender(setup: &Arc<Queue>, _index: usize) -> Result<End, Unfit> {
        Ok(End(Arc::clone(setup)))
    }

    fn receiver(setup: &Arc<Queue>, _index: usize) -> Result<End, Unfit> {
        Ok(End(Arc::clone(setup)))
    }
}

/// The number of an error, if it is one.
fn check(outcome: c_int) -> Result<(), c_int> {
    match outcome {
        0 => Ok(()),
        error => Err(error),
    }
}

impl Queue {
    #[inline(always)]
    fn head(&self) -> &Head {
        // SAFETY: mapped for as long as `self`, aligned, zero is valid for the counts, and all of it is in cells.
        unsafe { self.area.at(0).cast().as_ref() }
    }

    /// Makes the mutex and the condition variables, before anybody else sees the memory.
    fn prepare(&self) -> Result<(), c_int> {
        let head = self.head();
        // SAFETY: an attribute object is plain data that the next call initialises.
        let mut kind: pthread_mutexattr_t = unsafe { std::mem::zeroed() };
        // SAFETY: the object lives, here and in the calls below.
        check(unsafe { libc::pthread_mutexattr_init(&raw mut kind) })?;
        let shared = libc::PTHREAD_PROCESS_SHARED;
        // SAFETY: initialised above.
        check(unsafe { libc::pthread_mutexattr_setpshared(&raw mut kind, shared) })?;
        let robust = libc::PTHREAD_MUTEX_ROBUST;
        // SAFETY: initialised above.
        check(unsafe { libc::pthread_mutexattr_setrobust(&raw mut kind, robust) })?;
        // SAFETY: the memory of the mutex is ours alone as yet.
        check(unsafe { libc::pthread_mutex_init(head.mutex.get(), &raw const kind) })?;
        // SAFETY: as for the mutex's.
        let mut kind: pthread_condattr_t = unsafe { std::mem::zeroed() };
        // SAFETY: the object lives.
        check(unsafe { libc::pthread_condattr_init(&raw mut kind) })?;
        // SAFETY: initialised above.
        check(unsafe { libc::pthread_condattr_setpshared(&raw mut kind, shared) })?;
        // SAFETY: the memory is ours alone as yet.
        check(unsafe { libc::pthread_cond_init(head.filled.get(), &raw const kind) })?;
        // SAFETY: the memory is ours alone as yet.
        check(unsafe { libc::pthread_cond_init(head.emptied.get(), &raw const kind) })
    }

    #[inline]
    fn lock(&self) -> Held<'_> {
        // SAFETY: initialised before the queue was shared.
        self.owned(unsafe { libc::pthread_mutex_lock(self.head().mutex.get()) })
    }

    /// The mutex was locked with this outcome.
    #[inline]
    fn owned(&self, outcome: c_int) -> Held<'_> {
        match outcome {
            0 => {}
            libc::EOWNERDEAD => {
                // SAFETY: this thread holds the mutex, which its last owner has left by dying.
                let outcome = unsafe { libc::pthread_mutex_consistent(self.head().mutex.get()) };
                assert_eq!(outcome, 0, "pthread_mutex_consistent");
            }
            error => panic!("the mutex: {}", std::io::Error::from_raw_os_error(error)),
        }
        Held(self)
    }

    /// Tells one who waits for it.
    #[inline]
    fn tell(&self, condition: &UnsafeCell<pthread_cond_t>) {
        // SAFETY: initialised before the queue was shared.
        unsafe { libc::pthread_cond_signal(condition.get()) };
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this thread holds it.
        unsafe { libc::pthread_mutex_unlock(self.0.head().mutex.get()) };
    }
}

impl<'a> Held<'a> {
    /// Gives the mutex up until the condition is signalled, or for no reason.
    fn wait(self, condition: &UnsafeCell<pthread_cond_t>) -> Held<'a> {
        let queue = self.0;
        std::mem::forget(self);
        let mutex = queue.head().mutex.get();
        // SAFETY: both are initialised, and this thread holds the mutex.
        queue.owned(unsafe { libc::pthread_cond_wait(condition.get(), mutex) })
    }

    #[inline]
    fn counts(&self) -> (u64, u64) {
        let head = self.0.head();
        // SAFETY: the counts change under the mutex only.
        let put = unsafe { head.put.get().read() };
        // SAFETY: as above.
        let taken = unsafe { head.taken.get().read() };
        (put, taken)
    }

    #[inline]
    fn is_full(&self) -> bool {
        let (put, taken) = self.counts();
        put - taken == self.0.depth
    }

    #[inline]
    fn is_empty(&self) -> bool {
        let (put, taken) = self.counts();
        put == taken
    }

    /// The length and the bytes of a slot.
    #[inline]
    fn slot(&mut self, number: u64) -> (&mut u64, &mut [u8]) {
        let queue = self.0;
        let at = SLOTS + (number % queue.depth) as usize * queue.stride;
        let address = queue.area.at(at);
        // SAFETY: aligned to 64 bytes, in the area, and under the mutex nobody else has it.
        let length = unsafe { address.cast().as_mut() };
        // SAFETY: the slot has its stride in the area.
        let start = unsafe { address.add(LENGTH) };
        let room = queue.stride - LENGTH;
        // SAFETY: as for the length; the bytes begin after that.
        let bytes = unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), room) };
        (length, bytes)
    }

    /// Puts an item; there is room.
    #[inline]
    fn put(mut self, length: usize, mut fill: impl FnMut(&mut [u8])) {
        let (put, _) = self.counts();
        let (known, bytes) = self.slot(put);
        *known = length as u64;
        fill(&mut bytes[..length]);
        let head = self.0.head();
        // SAFETY: under the mutex.
        unsafe { head.put.get().write(put + 1) };
        drop(self);
    }

    /// Takes an item; there is one.
    #[inline]
    fn take(mut self, mut read: impl FnMut(&[u8])) {
        let (_, taken) = self.counts();
        let (known, bytes) = self.slot(taken);
        read(&bytes[..*known as usize]);
        let head = self.0.head();
        // SAFETY: under the mutex.
        unsafe { head.taken.get().write(taken + 1) };
        drop(self);
    }
}

impl Sender for End {
    #[inline]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        self.send_in_place(payload.len(), |bytes| bytes.copy_from_slice(payload))
    }

    #[inline]
    fn send(&mut self, payload: &[u8]) {
        let head = self.0.head();
        let mut held = self.0.lock();
        while held.is_full() {
            held = held.wait(&head.emptied);
        }
        held.put(payload.len(), |bytes| bytes.copy_from_slice(payload));
        self.0.tell(&head.filled);
    }

    #[inline]
    fn send_in_place(&mut self, length: usize, fill: impl FnMut(&mut [u8])) -> bool {
        let held = self.0.lock();
        if held.is_full() {
            return false;
        }
        held.put(length, fill);
        self.0.tell(&self.0.head().filled);
        true
    }
}

impl Receiver for End {
    #[inline]
    fn try_receive(&mut self, read: impl FnMut(&[u8])) -> bool {
        let held = self.0.lock();
        if held.is_empty() {
            return false;
        }
        held.take(read);
        self.0.tell(&self.0.head().emptied);
        true
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        let head = self.0.head();
        let mut held = self.0.lock();
        while held.is_empty() {
            held = held.wait(&head.filled);
        }
        let mut length = 0;
        held.take(|payload| {
            length = payload.len();
            buffer[..length].copy_from_slice(payload);
        });
        self.0.tell(&head.emptied);
        length
    }
}

// SAFETY: the memory is made for several processes: all that changes in it does so under the mutex.
unsafe impl Sync for Queue {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Queue {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Waiting;

    #[test]
    fn the_death_of_the_owner_ends_nothing() {
        let spec = Spec {
            payload: 8,
            depth: 4,
            senders: 1,
            receivers: 1,
            waiting: Waiting::Blocking,
        };
        let queue = RobustMutex::set_up(&spec).expect("a queue");
        let open = || RobustMutex::sender(&queue, 0).expect("an end");
        assert!(open().try_send(&[1; 8]));
        // SAFETY: the child takes no lock but that of the queue.
        let child = unsafe { libc::fork() };
        if child == 0 {
            std::mem::forget(queue.lock());
            // SAFETY: ends this process, which holds the mutex.
            unsafe { libc::_exit(0) };
        }
        // SAFETY: a child of ours, if there is one.
        let waited = unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
        assert!(child > 0 && waited == child);
        assert!(open().try_send(&[2; 8]));
        let mut buffer = [0; 8];
        assert_eq!(open().receive(&mut buffer), 8);
        assert_eq!(buffer, [1; 8]);
    }
}
