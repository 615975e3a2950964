//! Getting: copied out, or read in place.

use super::{BytesQueue, Message};
use crate::blocking::Patience;
use crate::error::GetError;
use crate::failure::GetStop;
use crate::ring::{Claim, vain_looks};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl BytesQueue {
    /// Gets the oldest item; waits while there is none.
    ///
    /// If this process dies before the item has been copied out, it is delivered to another consumer.
    ///
    /// # Errors
    ///
    /// [`GetError::Closed`], [`GetError::Corrupt`].
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"hello")?;
    /// assert_eq!(queue.get()?, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn get(&self) -> Result<Vec<u8>, GetError> {
        self.copied(|out| self.get_into(out))
    }

    /// [`get`](Self::get) without waiting.
    ///
    /// # Errors
    ///
    /// As `get`, and [`GetError::Empty`] if there is nothing now.
    ///
    /// ```
    /// use ringpost::{GetError, Options};
    /// assert!(matches!(Options::new().anonymous()?.try_get(), Err(GetError::Empty)));
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[inline]
    pub fn try_get(&self) -> Result<Vec<u8>, GetError> {
        self.copied(|out| self.try_get_into(out))
    }

    /// [`get`](Self::get), waiting for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As `get`, and [`GetError::TimedOut`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringpost::{GetError, Options};
    /// let error = Options::new().anonymous()?.get_timeout(Duration::from_millis(1)).unwrap_err();
    /// assert!(matches!(error, GetError::TimedOut));
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn get_timeout(&self, timeout: Duration) -> Result<Vec<u8>, GetError> {
        self.copied(|out| self.get_into_patiently(out, Patience::for_(timeout)))
    }

    /// [`get`](Self::get), waiting until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As `get`, and [`GetError::TimedOut`].
    ///
    /// ```
    /// use std::time::Instant;
    /// assert!(ringpost::Options::new().anonymous()?.get_deadline(Instant::now()).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn get_deadline(&self, deadline: Instant) -> Result<Vec<u8>, GetError> {
        self.copied(|out| self.get_into_patiently(out, Patience::until(deadline)))
    }

    /// [`get`](Self::get), waiting until `deadline` or until `interrupted` says so: it is asked as soon as a signal handler
    /// has run in this thread, and at least every 100 ms.
    ///
    /// # Errors
    ///
    /// As `get`, and [`GetError::TimedOut`] or [`GetError::Interrupted`].
    ///
    /// ```
    /// use ringpost::{GetError, Options};
    /// let queue = Options::new().anonymous()?;
    /// let stop = || true; // usually: has the signal handler set the flag?
    /// assert!(matches!(queue.get_interruptible(None, stop), Err(GetError::Interrupted)));
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn get_interruptible(
        &self,
        deadline: Option<Instant>,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<Vec<u8>, GetError> {
        let patience = Patience {
            deadline,
            interrupted: Some(&mut interrupted),
        };
        self.copied(|out| self.get_into_patiently(out, patience))
    }

    /// [`get`](Self::get) into a buffer that is used again: `out` is replaced by the payload.
    ///
    /// # Errors
    ///
    /// As `get`; `out` is unchanged then.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"hello")?;
    /// let mut buffer = Vec::with_capacity(4096);
    /// queue.get_into(&mut buffer)?;
    /// assert_eq!(buffer, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn get_into(&self, out: &mut Vec<u8>) -> Result<(), GetError> {
        self.get_into_patiently(out, Patience::FOREVER)
    }

    /// [`get_into`](Self::get_into) without waiting.
    ///
    /// # Errors
    ///
    /// As `get_into`, and [`GetError::Empty`] if there is nothing now.
    ///
    /// ```
    /// let mut buffer = Vec::new();
    /// assert!(ringpost::Options::new().anonymous()?.try_get_into(&mut buffer).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[inline]
    pub fn try_get_into(&self, out: &mut Vec<u8>) -> Result<(), GetError> {
        self.looking(self.get_into_once(out))
    }

    /// [`get_into`](Self::get_into), waiting until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As `get_into`, and [`GetError::TimedOut`].
    ///
    /// ```
    /// use std::time::Instant;
    /// let mut buffer = Vec::new();
    /// assert!(ringpost::Options::new().anonymous()?.get_into_deadline(&mut buffer, Instant::now()).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn get_into_deadline(&self, out: &mut Vec<u8>, deadline: Instant) -> Result<(), GetError> {
        self.get_into_patiently(out, Patience::until(deadline))
    }

    /// Gets the oldest item where it lies, without a copy; waits while there is none.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"hello")?;
    /// assert_eq!(&*queue.get_ref()?, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn get_ref(&self) -> Result<Message, GetError> {
        self.get_ref_patiently(Patience::FOREVER)
    }

    /// [`get_ref`](Self::get_ref) without waiting.
    ///
    /// # Errors
    ///
    /// As `get_ref`, and [`GetError::Empty`] if there is nothing now.
    ///
    /// ```
    /// assert!(ringpost::Options::new().anonymous()?.try_get_ref().is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[inline]
    pub fn try_get_ref(&self) -> Result<Message, GetError> {
        Ok(self.lend(self.looking(self.claim_once())?))
    }

    /// [`get_ref`](Self::get_ref), waiting for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As `get_ref`, and [`GetError::TimedOut`].
    ///
    /// ```
    /// use std::time::Duration;
    /// assert!(ringpost::Options::new().anonymous()?.get_ref_timeout(Duration::ZERO).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn get_ref_timeout(&self, timeout: Duration) -> Result<Message, GetError> {
        self.get_ref_patiently(Patience::for_(timeout))
    }

    /// [`get_ref`](Self::get_ref), waiting until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As `get_ref`, and [`GetError::TimedOut`].
    ///
    /// ```
    /// use std::time::Instant;
    /// assert!(ringpost::Options::new().anonymous()?.get_ref_deadline(Instant::now()).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn get_ref_deadline(&self, deadline: Instant) -> Result<Message, GetError> {
        self.get_ref_patiently(Patience::until(deadline))
    }

    /// [`get_ref`](Self::get_ref), waiting until `deadline` or until `interrupted` says so.
    ///
    /// # Errors
    ///
    /// As `get_ref`, and [`GetError::TimedOut`] or [`GetError::Interrupted`].
    ///
    /// ```
    /// assert!(ringpost::Options::new().anonymous()?.get_ref_interruptible(None, || true).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn get_ref_interruptible(
        &self,
        deadline: Option<Instant>,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<Message, GetError> {
        let patience = Patience {
            deadline,
            interrupted: Some(&mut interrupted),
        };
        self.get_ref_patiently(patience)
    }

    fn copied(
        &self,
        get_into: impl FnOnce(&mut Vec<u8>) -> Result<(), GetError>,
    ) -> Result<Vec<u8>, GetError> {
        let mut out = Vec::new();
        get_into(&mut out).map(|()| out)
    }

    /// A poller that finds nothing looks for the dead now and then.
    #[inline(always)]
    pub(super) fn looking<T>(&self, got: Result<T, GetStop>) -> Result<T, GetError> {
        got.map_err(|stop| match stop {
            GetStop::Empty => {
                vain_looks::count();
                self.shared.found_nothing();
                GetError::Empty
            }
            other => other.into(),
        })
    }

    #[inline(always)]
    fn get_into_patiently(
        &self,
        out: &mut Vec<u8>,
        patience: Patience<'_>,
    ) -> Result<(), GetError> {
        let get = || self.get_into_once(out);
        self.shared
            .block(patience, get, |got| got.map_err(GetError::from))
    }

    #[inline(always)]
    fn get_ref_patiently(&self, patience: Patience<'_>) -> Result<Message, GetError> {
        let claim = || self.claim_once();
        self.shared.block(patience, claim, |claimed| match claimed {
            Ok(claim) => Ok(self.lend(claim)),
            Err(stop) => Err(stop.into()),
        })
    }

    /// Delivers a claimed item in place.
    #[inline(always)]
    fn lend(&self, claim: Claim) -> Message {
        let message = Message::new(Arc::clone(&self.shared), claim);
        self.shared.got();
        message
    }

    /// Claims the next item, if there is one. Whoever ends its use, or makes a guard of it, says so to [`Shared::got`] then.
    #[inline(always)]
    pub(super) fn claim_once(&self) -> Result<Claim, GetStop> {
        let shared = &self.shared;
        let me = shared.me().map_err(GetStop::Attach)?;
        let claimed = shared.claim(me);
        if claimed.is_err() {
            shared.got();
        }
        claimed
    }

    #[inline(always)]
    fn get_into_once(&self, out: &mut Vec<u8>) -> Result<(), GetStop> {
        let shared = &*self.shared;
        let me = shared.me().map_err(GetStop::Attach)?;
        let got = shared.claim(me).map(|claim| {
            shared.copy_out(claim, out);
            shared.ring.release(claim);
        });
        shared.got();
        got
    }
}
