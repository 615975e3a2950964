//! A queue of byte payloads: the handle, and what can be asked of a queue.

mod batch;
mod get;
mod lease;
mod loan;
mod message;
mod put;
mod quarantine;
mod room;
mod unfinished;

pub use lease::Lease;
pub use loan::WriteLoan;
pub use message::Message;
pub use quarantine::Quarantined;

use crate::blocking::Patience;
use crate::error::OpenError;
use crate::layout::state;
use crate::readiness::Readiness;
use crate::shared::Shared;
use crate::stats::Stats;
use rustix::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A handle on a queue of byte payloads in shared memory.
///
/// Any number of processes and threads put and get at the same time. First deliveries are strictly first in, first out over
/// all producers. A handle can be cloned, sent and shared; all clones in a process are one participant.
///
/// After a fork, the child uses its inherited handles as a participant of its own, from its first call on.
///
/// ```
/// use ringpost::Options;
/// let queue = Options::new().anonymous()?;
/// queue.put(b"hello")?;
/// assert_eq!(queue.get()?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BytesQueue {
    shared: Arc<Shared>,
}

impl AsFd for BytesQueue {
    /// The segment's file, for passing on: inherited, or over a Unix socket, then [`from_fd`](crate::from_fd).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.segment.fd()
    }
}

impl BytesQueue {
    pub(crate) fn new(shared: Shared) -> BytesQueue {
        BytesQueue {
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// How many items are queued, 0 to [`capacity`](Self::capacity). Items that wait to be delivered again do not count.
    ///
    /// Another process may have changed it by the time it returns.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"one")?;
    /// assert_eq!(queue.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.ring.len() as usize
    }

    /// Is there nothing to get? Another process may have changed it by the time it returns.
    ///
    /// ```
    /// assert!(ringpost::Options::new().anonymous()?.is_empty());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.ring.is_empty()
    }

    /// Are as many items queued as the capacity? Another process may have changed it by the time it returns.
    ///
    /// A queue that is not full may still have no room in the arena for a long payload.
    ///
    /// ```
    /// let queue = ringpost::Options::new().capacity(1).anonymous()?;
    /// queue.put(b"one")?;
    /// assert!(queue.is_full());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity()
    }

    /// The most items that can be queued.
    ///
    /// ```
    /// assert_eq!(ringpost::Options::new().capacity(7).anonymous()?.capacity(), 7);
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.segment.geometry.capacity as usize
    }

    /// The length of the longest payload, in bytes: the whole arena, or the inline room if that is larger.
    ///
    /// ```
    /// assert_eq!(ringpost::Options::new().arena(8192).anonymous()?.max_payload(), 8192);
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.shared.segment.geometry.max_payload() as usize
    }

    /// Payloads up to so many bytes need no arena.
    pub(crate) fn inline_room(&self) -> usize {
        self.shared.segment.geometry.inline as usize
    }

    /// What the queue holds and who takes part. Looks at every descriptor and chunk: for people and monitoring, not for a
    /// program's decisions. Stale when it returns.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"one")?;
    /// let stats = queue.stats();
    /// assert_eq!((stats.queued, stats.participants.len()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(&self.shared)
    }

    /// The file of the queue, if it was created or opened by name or path.
    ///
    /// ```
    /// assert!(ringpost::Options::new().anonymous()?.path().is_none());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.shared.segment.path()
    }

    /// Removes the queue's name now. Those who have it open keep it.
    ///
    /// # Errors
    ///
    /// [`OpenError::NotFound`] if the name is gone, or another queue's by now; [`OpenError::Permission`].
    ///
    /// ```
    /// let name = format!("doc-handle-unlink-{}", std::process::id());
    /// let queue = ringpost::Options::new().create(&name)?;
    /// queue.unlink()?;
    /// assert!(ringpost::open(&name).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn unlink(&self) -> Result<(), OpenError> {
        self.shared.unlink()
    }

    /// Ends the queue for producers, in all processes at once: puts fail with `Closed`, blocked ones too. Gets go on until
    /// the queue is drained, then fail with `Closed`. There is no way back.
    ///
    /// ```
    /// use ringpost::{GetError, Options, PutError};
    /// let queue = Options::new().anonymous()?;
    /// queue.put(b"last")?;
    /// queue.shutdown();
    /// assert!(matches!(queue.put(b"more"), Err(PutError::Closed)));
    /// assert_eq!(queue.get()?, b"last");
    /// assert!(matches!(queue.get(), Err(GetError::Closed)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shutdown(&self) {
        self.shared.ring.set_state(state::DRAINING);
    }

    /// Ends the queue for everyone, in all processes at once, and drops what is queued. Messages and
    /// leases that are held stay valid; a lease can still be acknowledged, and what is refused is dropped.
    ///
    /// ```
    /// use ringpost::{GetError, Options};
    /// let queue = Options::new().anonymous()?;
    /// queue.put(b"never seen")?;
    /// queue.shutdown_now();
    /// assert!(matches!(queue.get(), Err(GetError::Closed)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shutdown_now(&self) {
        self.shared.close_now();
    }

    /// Was the queue shut down, in whatever way and by whichever process?
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// assert!(!queue.is_shutdown());
    /// queue.shutdown();
    /// assert!(queue.is_shutdown());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        self.shared.ring.state() != state::OPEN
    }

    /// Waits until everything that was put, before or meanwhile, has been delivered, and what was leased acknowledged, and
    /// nothing is [`unfinished`](Self::unfinished). Items in the quarantine count as done.
    ///
    /// There is no counter that a killed process could leave wrong: the queue itself is looked at. What a dead worker had
    /// leased is delivered to another one first.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"work")?;
    /// queue.get()?;
    /// queue.join();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join(&self) {
        self.shared.join(Patience::FOREVER);
    }

    /// [`join`](Self::join), for at most `timeout`. Says whether all was delivered.
    ///
    /// ```
    /// use std::time::Duration;
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"work")?;
    /// assert!(!queue.join_timeout(Duration::from_millis(1)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn join_timeout(&self, timeout: Duration) -> bool {
        self.shared.join(Patience::for_(timeout))
    }

    /// [`join`](Self::join), until `deadline` or until `interrupted` says so: it is asked at least every 100 ms, and after
    /// a signal handler has run. Says whether all was delivered.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"work")?;
    /// assert!(!queue.join_interruptible(None, || true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn join_interruptible(
        &self,
        deadline: Option<Instant>,
        mut interrupted: impl FnMut() -> bool,
    ) -> bool {
        self.shared.join(Patience {
            deadline,
            interrupted: Some(&mut interrupted),
        })
    }

    /// Looks for participants that have died and recovers what they left: their items are delivered again, their memory is
    /// free. Says how many there were.
    ///
    /// Nobody has to call this: processes that wait, poll or are busy look by themselves.
    ///
    /// # Errors
    ///
    /// [`OpenError::Io`] if the kernel cannot be asked who lives.
    ///
    /// ```
    /// assert_eq!(ringpost::Options::new().anonymous()?.recover()?, 0);
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn recover(&self) -> Result<u32, OpenError> {
        let me = self.shared.me().map_err(|error| *error)?;
        self.shared.look_for_the_dead(me)
    }

    /// A file descriptor for `poll`, `epoll` and event loops: readable when there is something to get. The first call in a
    /// process starts a thread for this queue.
    ///
    /// # Errors
    ///
    /// [`OpenError::Io`] if the descriptor or the thread cannot be made.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// let readiness = queue.readiness()?;
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn readiness(&self) -> Result<Readiness, OpenError> {
        self.shared.readiness()
    }
}
