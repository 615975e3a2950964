//! Putting: copied payloads, gathered parts, loans.

use super::{BytesQueue, WriteLoan};
use crate::blocking::Patience;
use crate::error::PutError;
use crate::failure::PutStop;
use crate::layout::PAGE;
use crate::ring::Filling;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The inline room starts at a multiple of this.
const INLINE_ALIGNMENT: usize = 32;

impl BytesQueue {
    /// Puts a copy of `payload`, of 0 to [`max_payload`](Self::max_payload) bytes; waits while there is no room.
    ///
    /// When it returns `Ok`, the item is in the queue whatever happens to this process. When it returns an error, nothing
    /// was put.
    ///
    /// # Errors
    ///
    /// [`PutError::Closed`], [`PutError::TooLarge`], [`PutError::NoSpace`], [`PutError::Corrupt`].
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"hello")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn put(&self, payload: &[u8]) -> Result<(), PutError> {
        self.patiently(Patience::FOREVER, || self.put_once(payload))
    }

    /// [`put`](Self::put) without waiting.
    ///
    /// # Errors
    ///
    /// As `put`, and [`PutError::Full`] if there is no room now.
    ///
    /// ```
    /// use ringpost::{Options, PutError, Shortage};
    /// let queue = Options::new().capacity(1).anonymous()?;
    /// queue.try_put(b"one")?;
    /// assert!(matches!(queue.try_put(b"two"), Err(PutError::Full(Shortage::Slots))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_put(&self, payload: &[u8]) -> Result<(), PutError> {
        self.at_once(self.put_once(payload))
    }

    /// [`put`](Self::put), waiting for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As `put`, and [`PutError::TimedOut`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringpost::{Options, PutError};
    /// let queue = Options::new().capacity(1).anonymous()?;
    /// queue.put(b"one")?;
    /// let error = queue.put_timeout(b"two", Duration::from_millis(1)).unwrap_err();
    /// assert!(matches!(error, PutError::TimedOut(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_timeout(&self, payload: &[u8], timeout: Duration) -> Result<(), PutError> {
        self.patiently(Patience::for_(timeout), || self.put_once(payload))
    }

    /// [`put`](Self::put), waiting until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As `put`, and [`PutError::TimedOut`].
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put_deadline(b"one", Instant::now() + Duration::from_secs(1))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_deadline(&self, payload: &[u8], deadline: Instant) -> Result<(), PutError> {
        self.patiently(Patience::until(deadline), || self.put_once(payload))
    }

    /// [`put`](Self::put), waiting until `deadline` or until `interrupted` says so: it is asked as soon as a signal handler
    /// has run in this thread, and at least every 100 ms.
    ///
    /// # Errors
    ///
    /// As `put`, and [`PutError::TimedOut`] or [`PutError::Interrupted`].
    ///
    /// ```
    /// use ringpost::{Options, PutError};
    /// let queue = Options::new().capacity(1).anonymous()?;
    /// queue.put(b"one")?;
    /// let stop = || true; // usually: has the signal handler set the flag?
    /// assert!(matches!(queue.put_interruptible(b"two", None, stop), Err(PutError::Interrupted)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_interruptible(
        &self,
        payload: &[u8],
        deadline: Option<Instant>,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<(), PutError> {
        let patience = Patience {
            deadline,
            interrupted: Some(&mut interrupted),
        };
        self.patiently(patience, || self.put_once(payload))
    }

    /// Puts several parts as one item, without gathering them first; waits while there is no room.
    ///
    /// Each part starts at a multiple of `align` bytes from the start of the payload, with zeros between, and the payload
    /// itself starts at an address that is a multiple of `align`: a power of two up to the chunk size, at most 4096;
    /// without an arena at most 32. Beyond 32 the item lies in the arena, however short it is. With 1 it is just the parts one after the
    /// other. Copies, also those of a strict reader, are not aligned.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put), and [`PutError::Alignment`].
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put_parts(&[b"head", b"body"], 8)?;
    /// assert_eq!(queue.get()?, b"head\0\0\0\0body");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_parts(&self, parts: &[&[u8]], align: usize) -> Result<(), PutError> {
        self.check_alignment(align)?;
        self.patiently(Patience::FOREVER, || self.put_parts_once(parts, align))
    }

    /// [`put_parts`](Self::put_parts) without waiting.
    ///
    /// # Errors
    ///
    /// As `put_parts`, and [`PutError::Full`] if there is no room now.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.try_put_parts(&[b"head", b"body"], 1)?;
    /// assert_eq!(queue.get()?, b"headbody");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_put_parts(&self, parts: &[&[u8]], align: usize) -> Result<(), PutError> {
        self.check_alignment(align)?;
        self.at_once(self.put_parts_once(parts, align))
    }

    /// [`put_parts`](Self::put_parts), waiting until `deadline` or until `interrupted` says so.
    ///
    /// # Errors
    ///
    /// As `put_parts`, and [`PutError::TimedOut`] or [`PutError::Interrupted`].
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put_parts_interruptible(&[b"head", b"body"], 1, None, || false)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_parts_interruptible(
        &self,
        parts: &[&[u8]],
        align: usize,
        deadline: Option<Instant>,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<(), PutError> {
        self.check_alignment(align)?;
        let patience = Patience {
            deadline,
            interrupted: Some(&mut interrupted),
        };
        self.patiently(patience, || self.put_parts_once(parts, align))
    }

    /// Lends `len` bytes to be written in place, 0 to [`max_payload`](Self::max_payload); waits while there is no room.
    ///
    /// What the bytes hold at first is left over from earlier payloads. Nothing is visible before
    /// [`commit`](WriteLoan::commit).
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// let mut loan = queue.loan(5)?;
    /// loan.copy_from_slice(b"hello");
    /// loan.commit()?;
    /// assert_eq!(queue.get()?, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn loan(&self, len: usize) -> Result<WriteLoan, PutError> {
        self.loan_patiently(len, Patience::FOREVER)
    }

    /// [`loan`](Self::loan) without waiting.
    ///
    /// # Errors
    ///
    /// As `loan`, and [`PutError::Full`] if there is no room now.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.try_loan(3)?.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_loan(&self, len: usize) -> Result<WriteLoan, PutError> {
        let filling = self.at_once(self.reserve_once(len))?;
        Ok(WriteLoan::new(Arc::clone(&self.shared), filling))
    }

    /// [`loan`](Self::loan), waiting for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As `loan`, and [`PutError::TimedOut`].
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.loan_timeout(3, std::time::Duration::from_secs(1))?.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn loan_timeout(&self, len: usize, timeout: Duration) -> Result<WriteLoan, PutError> {
        self.loan_patiently(len, Patience::for_(timeout))
    }

    /// [`loan`](Self::loan), waiting until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As `loan`, and [`PutError::TimedOut`].
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.loan_deadline(3, Instant::now() + Duration::from_secs(1))?.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn loan_deadline(&self, len: usize, deadline: Instant) -> Result<WriteLoan, PutError> {
        self.loan_patiently(len, Patience::until(deadline))
    }

    /// [`loan`](Self::loan), waiting until `deadline` or until `interrupted` says so.
    ///
    /// # Errors
    ///
    /// As `loan`, and [`PutError::TimedOut`] or [`PutError::Interrupted`].
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.loan_interruptible(3, None, || false)?.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn loan_interruptible(
        &self,
        len: usize,
        deadline: Option<Instant>,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<WriteLoan, PutError> {
        let patience = Patience {
            deadline,
            interrupted: Some(&mut interrupted),
        };
        self.loan_patiently(len, patience)
    }

    /// Waits while there is no room.
    #[inline(always)]
    pub(super) fn patiently<T>(
        &self,
        patience: Patience<'_>,
        attempt: impl FnMut() -> Result<T, PutStop>,
    ) -> Result<T, PutError> {
        self.shared.block(patience, attempt, |done| {
            done.map_err(|stop| self.shared.put_error(stop))
        })
    }

    /// Does not wait; but what was missing may be a dead participant's, so it looks for these now and then.
    #[inline(always)]
    pub(super) fn at_once<T>(&self, attempt: Result<T, PutStop>) -> Result<T, PutError> {
        attempt.map_err(|stop| {
            if stop.shortage().is_some() {
                self.shared.found_nothing();
            }
            self.shared.put_error(stop)
        })
    }

    #[inline(always)]
    pub(super) fn put_once(&self, payload: &[u8]) -> Result<(), PutStop> {
        let shared = &*self.shared;
        let me = shared.me().map_err(PutStop::Attach)?;
        shared.put(me, payload)
    }

    fn check_alignment(&self, align: usize) -> Result<(), PutError> {
        let geometry = &self.shared.segment.geometry;
        let max = match geometry.chunks {
            0 => INLINE_ALIGNMENT,
            _ => (geometry.chunk as usize).min(PAGE),
        };
        if align.is_power_of_two() && align <= max {
            Ok(())
        } else {
            Err(PutError::Alignment { found: align, max })
        }
    }

    fn put_parts_once(&self, parts: &[&[u8]], align: usize) -> Result<(), PutStop> {
        let shared = &*self.shared;
        let mut total = 0_u64;
        for part in parts {
            total = total.next_multiple_of(align as u64) + part.len() as u64;
        }
        let me = shared.me().map_err(PutStop::Attach)?;
        let filling = shared.reserve(me, total, align > INLINE_ALIGNMENT)?;
        shared.copy_parts_in(filling, parts, align);
        shared.commit_or_abandon(filling)
    }

    #[inline(always)]
    fn loan_patiently(&self, len: usize, patience: Patience<'_>) -> Result<WriteLoan, PutError> {
        let reserve = || self.reserve_once(len);
        self.shared
            .block(patience, reserve, |reserved| match reserved {
                Ok(filling) => Ok(WriteLoan::new(Arc::clone(&self.shared), filling)),
                Err(stop) => Err(self.shared.put_error(stop)),
            })
    }

    #[inline(always)]
    fn reserve_once(&self, len: usize) -> Result<Filling, PutStop> {
        let me = self.shared.me().map_err(PutStop::Attach)?;
        self.shared.reserve(me, len as u64, false)
    }
}
