//! The quarantine: items that were delivered too often and never acknowledged.

use super::BytesQueue;
use crate::error::GetError;
use crate::failure::GetStop;
use crate::layout::state;
use crate::ring::Owner;

/// An item in the quarantine, as it was when it was listed.
///
/// ```
/// let queue = ringpost::Options::new().max_deliveries(1).anonymous()?;
/// queue.put(b"bad")?;
/// drop(queue.lease()?);
/// let bad = queue.quarantined()[0];
/// assert_eq!((bad.deliveries, bad.len), (1, 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Quarantined {
    /// The item's position, by which it is asked for; see [`Message::position`](crate::Message::position).
    pub position: u64,
    /// The payload's length in bytes.
    pub len: u64,
    /// How often it was delivered since it was put or put back.
    pub deliveries: u32,
}

impl BytesQueue {
    /// The items in the quarantine, in the order of their positions: those that were delivered as often as
    /// [`Options::max_deliveries`](crate::Options::max_deliveries) allows and never acknowledged, that a worker
    /// [put there](crate::Lease::quarantine), or that are damaged. Each keeps its memory and one of the items in flight until it
    /// is put back or discarded: a quarantine that nobody looks after ends in [`Shortage::Descriptors`](crate::Shortage).
    /// Looks at every descriptor. Stale when it returns.
    ///
    /// ```
    /// assert!(ringpost::Options::new().anonymous()?.quarantined().is_empty());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[must_use]
    pub fn quarantined(&self) -> Vec<Quarantined> {
        let found = self.shared.ring.quarantine();
        found
            .into_iter()
            .map(|item| Quarantined {
                position: item.position,
                len: item.length,
                deliveries: item.deliveries,
            })
            .collect()
    }

    /// A copy of the payload of a quarantined item; `None` if it is not in the quarantine (any more).
    ///
    /// While it is copied, this process has it: others do not find it in the quarantine, and [`join`](Self::join) waits.
    ///
    /// # Errors
    ///
    /// [`GetError::Corrupt`] if it is damaged: then it can only be discarded.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"bad")?;
    /// let position = queue.lease().map(|bad| bad.position())?;
    /// queue.lease()?.quarantine()?;
    /// assert_eq!(queue.inspect(position)?.as_deref(), Some(&b"bad"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inspect(&self, position: u64) -> Result<Option<Vec<u8>>, GetError> {
        let me = self.attached()?;
        let Some(claim) = self.shared.ring.claim_set_aside(me, position) else {
            return Ok(None);
        };
        let claim = claim.map_err(|fault| GetError::Corrupt(fault.into()))?;
        let mut payload = Vec::new();
        self.shared.copy_out(claim, &mut payload);
        self.shared.ring.set_aside(claim);
        Ok(Some(payload))
    }

    /// Has a quarantined item delivered again, at once, its deliveries counted anew. False if it is not in the quarantine
    /// (any more). After `shutdown` it works still, but there may be no consumer left.
    ///
    /// # Errors
    ///
    /// [`GetError::Closed`] after `shutdown_now`, which drops what would be delivered: the item stays in the quarantine.
    /// [`GetError::Corrupt`] if it is damaged: then it can only be discarded.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"job")?;
    /// queue.lease()?.quarantine()?;
    /// for item in queue.quarantined() {
    ///     assert!(queue.requeue(item.position)?);
    /// }
    /// assert_eq!(queue.get()?, b"job");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn requeue(&self, position: u64) -> Result<bool, GetError> {
        let me = self.attached()?;
        if self.shared.ring.state() == state::CLOSED {
            return Err(GetError::Closed);
        }
        match self.shared.ring.requeue(me, position) {
            None => Ok(false),
            Some(Ok(())) => Ok(true),
            Some(Err(fault)) => Err(GetError::Corrupt(fault.into())),
        }
    }

    /// Drops a quarantined item and frees its memory. False if it is not in the quarantine (any more).
    ///
    /// # Errors
    ///
    /// [`GetError::Attach`] in a forked child that cannot attach.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"bad")?;
    /// queue.lease()?.quarantine()?;
    /// let bad = queue.quarantined()[0];
    /// assert!(queue.discard(bad.position)?);
    /// assert!(queue.quarantined().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn discard(&self, position: u64) -> Result<bool, GetError> {
        let me = self.attached()?;
        Ok(self.shared.ring.discard(me, position).is_some())
    }

    fn attached(&self) -> Result<Owner, GetError> {
        self.shared
            .me()
            .map_err(|error| GetStop::Attach(error).into())
    }
}
