//! Waiting for room without putting anything: for those who put by `try_put` and wait elsewhere, as event loops do.

use super::BytesQueue;
use crate::blocking::Patience;
use crate::error::PutError;
use crate::failure::PutStop;
use crate::layout::state;
use crate::ring::PutFailure;
use crate::wait;
use std::time::Instant;

impl BytesQueue {
    /// Waits until there is room for an item of `len` bytes, until `deadline`, or until `interrupted` says so. Nothing is
    /// put or kept: a [`try_put`](Self::try_put) may still find that another producer was faster.
    ///
    /// # Errors
    ///
    /// As [`put_interruptible`](Self::put_interruptible).
    ///
    /// ```
    /// let queue = ringpost::Options::new().capacity(1).anonymous()?;
    /// queue.wait_for_room(5, None, || false)?;
    /// queue.try_put(b"hello")?;
    /// assert!(queue.wait_for_room(5, None, || true).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for_room(
        &self,
        len: usize,
        deadline: Option<Instant>,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<(), PutError> {
        let patience = Patience {
            deadline,
            interrupted: Some(&mut interrupted),
        };
        self.patiently(patience, || self.look_for_room(len))?;
        // This call has taken nothing: the wake belongs to whoever else waits.
        wait::notify_one(self.shared.ring.memory.ev_put());
        Ok(())
    }

    fn look_for_room(&self, len: usize) -> Result<(), PutStop> {
        let shared = &*self.shared;
        let me = shared.me().map_err(PutStop::Attach)?;
        if self.is_full() && shared.ring.state() == state::OPEN {
            return Err(PutFailure::Full.into());
        }
        let filling = shared.reserve(me, len as u64, false)?;
        shared.ring.abandon(filling.index, filling.owner);
        Ok(())
    }
}
