//! A message that is read where it lies.

use crate::error::DecodeError;
use crate::participant::Identity;
use crate::payload::Held;
use crate::ring::Claim;
use crate::shared::Shared;
use serde::Deserialize;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// An item that was got and is read, or written to, where it lies in the segment. Dropping it frees its memory.
///
/// It is consumed: nobody else will see it, and its memory is this process's alone until it is dropped. It has no lifetime
/// and can be stored and sent, for as long as one likes; it holds its own memory and one of the items in flight, nothing
/// else. If this process dies, its memory is freed and it is not delivered again. In a child that was forked meanwhile it
/// is the parent's, and dropping it there does nothing.
///
/// ```
/// let queue = ringpost::Options::new().anonymous()?;
/// queue.put(b"hello")?;
/// let mut message = queue.get_ref()?;
/// message[0] = b'j';
/// assert_eq!(&*message, b"jello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Message {
    bytes: Held,
    claim: Claim,
    identity: Identity,
    shared: Arc<Shared>,
}

impl Message {
    /// Delivers a claimed item.
    #[inline(always)]
    pub(super) fn new(shared: Arc<Shared>, mut claim: Claim) -> Message {
        let bytes = if shared.strict {
            let bytes = shared.private_copy(claim);
            shared.ring.release(claim);
            bytes
        } else {
            shared.ring.hold(&mut claim);
            let start = shared.payload_of(claim);
            // SAFETY: the descriptor is HELD(me) (I7) until this message ends, and it owns a share of the mapping.
            unsafe { Held::new(start, claim.length() as usize) }
        };
        Message {
            bytes,
            claim,
            identity: shared.identity(),
            shared,
        }
    }

    /// Delivers an item that was leased, with the bytes that the lease has shown: those of a strict process are its copy, and
    /// in the segment there may be others by now. `None`: the item is not this process's any more.
    pub(super) fn of_lease(shared: Arc<Shared>, mut claim: Claim, bytes: Held) -> Option<Message> {
        let delivered = match bytes.is_lent() {
            true => shared.ring.hold(&mut claim),
            false => shared.ring.release(claim),
        };
        delivered.then(|| Message {
            bytes,
            claim,
            identity: shared.identity(),
            shared,
        })
    }

    /// The item's position: how many items were put before it since the queue was created, modulo 2^44, plus a constant.
    /// First deliveries come in this order.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put_many(&["one", "two"])?;
    /// let (one, two) = (queue.get_ref()?, queue.get_ref()?);
    /// assert_eq!(one.position() + 1, two.position());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn position(&self) -> u64 {
        self.claim.position
    }

    /// How often the item has been delivered, this time included, since it was put, or
    /// [put back](crate::BytesQueue::requeue): more than 1 after a consumer died with it or refused it. At most 4095 are
    /// counted.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"one")?;
    /// assert_eq!(queue.get_ref()?.deliveries(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn deliveries(&self) -> u32 {
        self.claim.deliveries()
    }

    /// Has any consumer had this item before? True after deliveries that failed, also of an item that was put back from the
    /// quarantine.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"one")?;
    /// assert!(!queue.get_ref()?.is_redelivered());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_redelivered(&self) -> bool {
        self.claim.is_redelivered()
    }

    /// Decodes the payload as postcard, which may borrow from it: strings and byte slices are not copied.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if it is no such value.
    ///
    /// ```
    /// use ringpost::{Options, Queue};
    /// let queue = Queue::<(u32, String)>::from(Options::new().anonymous()?);
    /// queue.put(&(7, "seven".to_owned()))?;
    /// let message = queue.get_ref()?;
    /// let (number, name): (u32, &str) = message.decode()?;
    /// assert_eq!((number, name), (7, "seven"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decode<'a, D: Deserialize<'a>>(&'a self) -> Result<D, DecodeError> {
        decode(self)
    }
}

/// Decodes a payload as postcard.
pub(super) fn decode<'a, D: Deserialize<'a>>(payload: &'a [u8]) -> Result<D, DecodeError> {
    postcard::from_bytes(payload).map_err(|source| DecodeError {
        expected: std::any::type_name::<D>(),
        len: payload.len(),
        source,
    })
}

impl Drop for Message {
    #[inline]
    fn drop(&mut self) {
        if self.bytes.is_lent() && self.shared.is_me(self.identity) {
            self.shared.ring.release(self.claim);
        }
    }
}

impl Deref for Message {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes.bytes()
    }
}

impl DerefMut for Message {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes.bytes_mut()
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
