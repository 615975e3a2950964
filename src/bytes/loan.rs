//! A loan that is written in place and then committed.

use crate::blocking::Patience;
use crate::error::PutError;
use crate::failure::PutStop;
use crate::layout::state;
use crate::participant::Identity;
use crate::payload::Held;
use crate::ring::{Filling, Of, PutFailure};
use crate::shared::Shared;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

/// Bytes of the segment that are written in place; [`commit`](Self::commit) makes them an item, dropping undoes the loan.
///
/// It can be stored and sent: it holds a share of the queue, and one of the items in flight. In a child that was forked
/// meanwhile it is the parent's: the child can neither commit nor undo it, and must not write to it.
///
/// ```
/// let queue = ringpost::Options::new().anonymous()?;
/// drop(queue.loan(100)?); // nothing happened
/// let mut loan = queue.loan(2)?;
/// loan[0] = b'h';
/// loan[1] = b'i';
/// loan.commit()?;
/// assert_eq!(queue.get()?, b"hi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a loan that is dropped puts nothing"]
pub struct WriteLoan {
    bytes: Held,
    /// `None` once it is committed.
    filling: Option<Filling>,
    identity: Identity,
    shared: Arc<Shared>,
}

impl WriteLoan {
    #[inline(always)]
    pub(super) fn new(shared: Arc<Shared>, filling: Filling) -> WriteLoan {
        let length = filling.length as usize;
        let bytes = if shared.strict {
            Held::private(vec![0; length])
        } else {
            let start = shared.room_of(filling);
            // SAFETY: the descriptor is OWN(me) (I7) until this loan ends, and the loan owns a share of the mapping.
            unsafe { Held::new(start, length) }
        };
        WriteLoan {
            bytes,
            filling: Some(filling),
            identity: shared.identity(),
            shared,
        }
    }

    /// Shortens the payload to `len` bytes, if it is longer.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// let mut loan = queue.loan(100)?;
    /// loan[..2].copy_from_slice(b"hi");
    /// loan.truncate(2);
    /// loan.commit()?;
    /// assert_eq!(queue.get()?, b"hi");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
        // In a forked child the extent is the parent's, and stays as it is.
        if let Some(filling) = &mut self.filling
            && self.shared.is_me(self.identity)
        {
            self.shared.ring.truncate(filling, len as u64);
        }
    }

    /// Makes the bytes an item. The queue may have become full since the loan was made; then this waits.
    ///
    /// # Errors
    ///
    /// [`PutError::Closed`], [`PutError::Corrupt`]; [`PutError::Inherited`] in a child that was forked meanwhile. Nothing
    /// was put then.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.loan(0)?.commit()?;
    /// assert_eq!(queue.get()?, b"");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn commit(mut self) -> Result<(), PutError> {
        self.commit_patiently(Patience::FOREVER)
    }

    /// [`commit`](Self::commit) without waiting; a loan that finds the queue full is given back to be tried again.
    ///
    /// # Errors
    ///
    /// As `commit`, and [`PutError::Full`]; with the loan, which after `Closed` or `Inherited` is good for nothing more.
    ///
    /// ```
    /// let queue = ringpost::Options::new().capacity(1).anonymous()?;
    /// let loan = queue.loan(3)?;
    /// queue.put(b"first")?;
    /// let (loan, error) = loan.try_commit().unwrap_err();
    /// assert!(error.is_shortage());
    /// queue.get()?;
    /// loan.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[expect(
        clippy::result_large_err,
        reason = "the loan comes back; a box would cost an allocation"
    )]
    pub fn try_commit(mut self) -> Result<(), (WriteLoan, PutError)> {
        self.copy_if_strict();
        let WriteLoan {
            bytes,
            filling,
            identity,
            shared,
        } = &mut self;
        match commit_once(shared, *identity, filling, bytes) {
            Ok(()) => Ok(()),
            Err(stop) => {
                let error = self.shared.put_error(stop);
                Err((self, error))
            }
        }
    }

    /// [`commit`](Self::commit), waiting until `deadline` at the latest; then nothing was put.
    ///
    /// # Errors
    ///
    /// As `commit`, and [`PutError::TimedOut`].
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.loan(3)?.commit_deadline(Instant::now() + Duration::from_secs(1))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit_deadline(mut self, deadline: Instant) -> Result<(), PutError> {
        self.commit_patiently(Patience::until(deadline))
    }

    /// The bytes of a strict process go into the segment now.
    #[inline(always)]
    fn copy_if_strict(&self) {
        if let Some(filling) = self.filling
            && self.shared.strict
            && self.shared.is_me(self.identity)
        {
            self.shared.copy_in(filling, self.bytes.bytes());
        }
    }

    #[inline(always)]
    fn commit_patiently(&mut self, patience: Patience<'_>) -> Result<(), PutError> {
        self.copy_if_strict();
        let WriteLoan {
            bytes,
            filling,
            identity,
            shared,
        } = self;
        let commit = || commit_once(shared, *identity, filling, bytes);
        shared.block(patience, commit, |done| {
            done.map_err(|stop| shared.put_error(stop))
        })
    }
}

#[inline(always)]
fn commit_once(
    shared: &Shared,
    identity: Identity,
    loan: &mut Option<Filling>,
    bytes: &mut Held,
) -> Result<(), PutStop> {
    let Some(filling) = *loan else {
        return Err(PutFailure::Closed.into());
    };
    if !shared.is_me(identity) {
        return Err(PutStop::Inherited);
    }
    if shared.ring.state() != state::OPEN {
        return Err(PutFailure::Closed.into()); // sooner than by taking the item back
    }
    match shared.ring.commit(filling) {
        Ok(()) => {
            *loan = None;
            shared.look_if_due(Of::Put);
            Ok(())
        }
        Err(failure) => {
            if failure == PutFailure::Closed {
                // It was taken back and is free: its bytes are somebody else's.
                *loan = None;
                bytes.truncate(0);
            }
            Err(failure.into())
        }
    }
}

impl Drop for WriteLoan {
    #[inline]
    fn drop(&mut self) {
        if let Some(filling) = self.filling
            && self.shared.is_me(self.identity)
        {
            self.shared.ring.abandon(filling.index, filling.owner);
        }
    }
}

impl Deref for WriteLoan {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes.bytes()
    }
}

impl DerefMut for WriteLoan {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes.bytes_mut()
    }
}
