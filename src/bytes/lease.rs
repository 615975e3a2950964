//! A lease: an item that is held until it is acknowledged.

use super::message::decode;
use super::{BytesQueue, Message};
use crate::blocking::Patience;
use crate::error::{DecodeError, GetError};
use crate::participant::Identity;
use crate::payload::Held;
use crate::ring::{Claim, Fault};
use crate::shared::Shared;
use serde::Deserialize;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An item that is being worked on: read where it lies, and delivered only when it is [acknowledged](Self::ack).
///
/// Dropped or [refused](Self::refuse), it is delivered again at once, to this or another consumer; if this process dies, it
/// is delivered to another one. When it has been delivered `max_deliveries` times
/// ([`Options::max_deliveries`](crate::Options::max_deliveries)) and still is not acknowledged, it goes into the
/// [quarantine](BytesQueue::quarantined).
///
/// It has no lifetime and can be stored and sent, held as long as the work takes, and acknowledged in any order; it holds
/// its own memory and one of the items in flight. Its bytes cannot be written to, since they may be delivered again. In a
/// child that was forked meanwhile it is the parent's: it cannot be acknowledged there, and dropping it does nothing.
///
/// ```
/// let queue = ringpost::Options::new().anonymous()?;
/// queue.put(b"job")?;
/// drop(queue.lease()?); // the work failed
/// let job = queue.lease()?;
/// assert_eq!((&*job, job.deliveries()), (&b"job"[..], 2));
/// job.ack()?;
/// assert!(queue.try_lease().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a lease that is dropped is refused: its item is delivered again"]
pub struct Lease {
    bytes: Held,
    /// `None` once its end is decided.
    claim: Option<Claim>,
    position: u64,
    deliveries: u32,
    redelivered: bool,
    identity: Identity,
    shared: Arc<Shared>,
}

impl BytesQueue {
    /// Leases the oldest item: it is delivered when it is acknowledged. Waits while there is none.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"job")?;
    /// let job = queue.lease()?;
    /// // … the work …
    /// job.ack()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn lease(&self) -> Result<Lease, GetError> {
        self.lease_patiently(Patience::FOREVER)
    }

    /// [`lease`](Self::lease) without waiting.
    ///
    /// # Errors
    ///
    /// As `lease`, and [`GetError::Empty`] if there is nothing now.
    ///
    /// ```
    /// assert!(ringpost::Options::new().anonymous()?.try_lease().is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[inline]
    pub fn try_lease(&self) -> Result<Lease, GetError> {
        Ok(self.lease_out(self.looking(self.claim_once())?))
    }

    /// [`lease`](Self::lease), waiting for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As `lease`, and [`GetError::TimedOut`].
    ///
    /// ```
    /// use std::time::Duration;
    /// assert!(ringpost::Options::new().anonymous()?.lease_timeout(Duration::ZERO).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn lease_timeout(&self, timeout: Duration) -> Result<Lease, GetError> {
        self.lease_patiently(Patience::for_(timeout))
    }

    /// [`lease`](Self::lease), waiting until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As `lease`, and [`GetError::TimedOut`].
    ///
    /// ```
    /// use std::time::Instant;
    /// assert!(ringpost::Options::new().anonymous()?.lease_deadline(Instant::now()).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn lease_deadline(&self, deadline: Instant) -> Result<Lease, GetError> {
        self.lease_patiently(Patience::until(deadline))
    }

    /// [`lease`](Self::lease), waiting until `deadline` or until `interrupted` says so: it is asked as soon as a signal
    /// handler has run in this thread, and at least every 100 ms.
    ///
    /// # Errors
    ///
    /// As `lease`, and [`GetError::TimedOut`] or [`GetError::Interrupted`].
    ///
    /// ```
    /// assert!(ringpost::Options::new().anonymous()?.lease_interruptible(None, || true).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn lease_interruptible(
        &self,
        deadline: Option<Instant>,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<Lease, GetError> {
        self.lease_patiently(Patience {
            deadline,
            interrupted: Some(&mut interrupted),
        })
    }

    #[inline(always)]
    fn lease_patiently(&self, patience: Patience<'_>) -> Result<Lease, GetError> {
        let claim = || self.claim_once();
        self.shared.block(patience, claim, |claimed| match claimed {
            Ok(claim) => Ok(self.lease_out(claim)),
            Err(stop) => Err(stop.into()),
        })
    }

    #[inline(always)]
    fn lease_out(&self, claim: Claim) -> Lease {
        let lease = Lease::new(Arc::clone(&self.shared), claim);
        self.shared.got();
        lease
    }
}

impl Lease {
    #[inline(always)]
    fn new(shared: Arc<Shared>, claim: Claim) -> Lease {
        let bytes = if shared.strict {
            shared.private_copy(claim)
        } else {
            let start = shared.payload_of(claim);
            // SAFETY: the descriptor is LOAN(me), later HELD(me) (I7), until this lease or the message that it becomes ends,
            // and that owns a share of the mapping.
            unsafe { Held::new(start, claim.length() as usize) }
        };
        Lease {
            bytes,
            claim: Some(claim),
            position: claim.position,
            deliveries: claim.deliveries(),
            redelivered: claim.is_redelivered(),
            identity: shared.identity(),
            shared,
        }
    }

    /// Acknowledges the item: it is delivered, and its memory is free.
    ///
    /// # Errors
    ///
    /// [`GetError::Inherited`] in a child that was forked meanwhile; [`GetError::Corrupt`] if another process has tampered
    /// with the item, which may then be delivered again.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"job")?;
    /// queue.lease()?.ack()?;
    /// queue.join(); // all is done
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn ack(mut self) -> Result<(), GetError> {
        self.end(|shared, claim| shared.ring.release(claim))
    }

    /// Acknowledges the item, and goes on using its bytes.
    ///
    /// # Errors
    ///
    /// As [`ack`](Self::ack).
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"job")?;
    /// let message = queue.lease()?.into_message()?;
    /// queue.join(); // all is done
    /// assert_eq!(&*message, b"job");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_message(mut self) -> Result<Message, GetError> {
        let bytes = self.bytes.take();
        let mut message = None;
        self.end(|shared, claim| {
            message = Message::of_lease(Arc::clone(shared), claim, bytes);
            message.is_some()
        })?;
        Ok(message.expect("made just now"))
    }

    /// Gives the item back: it is delivered again at once, or, if this was its last delivery, goes into the quarantine. Other
    /// items come first for this process, so one that it always refuses starves no others. The same as dropping it.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put_many(&["bad", "good"])?;
    /// let bad = queue.lease()?;
    /// bad.refuse();
    /// assert_eq!(&*queue.lease()?, b"good");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn refuse(self) {}

    /// Gives the item back as one that was not looked at: it is delivered again at once, and this delivery does not count
    /// against `max_deliveries`. For a process that has leased more than it comes to.
    ///
    /// ```
    /// let queue = ringpost::Options::new().max_deliveries(1).anonymous()?;
    /// queue.put(b"job")?;
    /// queue.lease()?.give_back();
    /// let job = queue.lease()?;
    /// assert_eq!((job.deliveries(), job.is_redelivered()), (1, true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn give_back(mut self) {
        if let Some(claim) = self.claim.take()
            && self.shared.is_me(self.identity)
        {
            self.shared.ring.refuse_uncounted(claim);
        }
    }

    /// Puts the item into the quarantine, however often it was delivered.
    ///
    /// # Errors
    ///
    /// As [`ack`](Self::ack).
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"bad")?;
    /// queue.lease()?.quarantine()?;
    /// assert_eq!(queue.quarantined()[0].len, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn quarantine(mut self) -> Result<(), GetError> {
        self.end(|shared, claim| shared.ring.set_aside(claim))
    }

    /// Decides what becomes of the item; `how` says whether it was still this process's.
    #[inline(always)]
    fn end(&mut self, how: impl FnOnce(&Arc<Shared>, Claim) -> bool) -> Result<(), GetError> {
        let claim = self.claim.take().expect("a lease ends once");
        if !self.shared.is_me(self.identity) {
            return Err(GetError::Inherited);
        }
        if how(&self.shared, claim) {
            return Ok(());
        }
        Err(GetError::Corrupt(
            Fault::NotOurs {
                descriptor: claim.index.get(),
            }
            .into(),
        ))
    }

    /// The item's position; see [`Message::position`]. It is the same at every delivery.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"job")?;
    /// let first = queue.lease()?.position();
    /// assert_eq!(queue.lease()?.position(), first);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How often the item has been delivered; see [`Message::deliveries`].
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"job")?;
    /// assert_eq!(queue.lease()?.deliveries(), 1);
    /// assert_eq!(queue.lease()?.deliveries(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn deliveries(&self) -> u32 {
        self.deliveries
    }

    /// Has any consumer had this item before? See [`Message::is_redelivered`].
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"job")?;
    /// assert!(!queue.lease()?.is_redelivered());
    /// assert!(queue.lease()?.is_redelivered());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_redelivered(&self) -> bool {
        self.redelivered
    }

    /// Decodes the payload as postcard, which may borrow from it; see [`Message::decode`].
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if it is no such value.
    ///
    /// ```
    /// use ringpost::{Options, Queue};
    /// let queue = Queue::<(u32, String)>::from(Options::new().anonymous()?);
    /// queue.put(&(7, "seven".to_owned()))?;
    /// let lease = queue.as_bytes().lease()?;
    /// let (number, name): (u32, &str) = lease.decode()?;
    /// assert_eq!((number, name), (7, "seven"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decode<'a, D: Deserialize<'a>>(&'a self) -> Result<D, DecodeError> {
        decode(self)
    }
}

impl Drop for Lease {
    #[inline]
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take()
            && self.shared.is_me(self.identity)
        {
            self.shared.ring.refuse(claim);
        }
    }
}

impl Deref for Lease {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes.bytes()
    }
}

impl AsRef<[u8]> for Lease {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
