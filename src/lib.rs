//! A lock-free, crash-safe, multi-producer multi-consumer queue in shared memory.
//!
//! `put` and `get` between unrelated processes of one machine: blocking or not, with timeouts, payloads of any size, without
//! copies where wanted. Whoever is killed, at any instruction, nobody waits, and what was put and not
//! got is still there.
//!
//! ```
//! use ringpost::{Options, Queue};
//!
//! // One process creates the queue, by name:
//! let name = format!("tour-{}", std::process::id());
//! let queue = Options::new().capacity(1024).unlink_on_drop(true).create(&name)?;
//! queue.put(b"some bytes")?;
//!
//! // Any other process opens it:
//! let same = ringpost::open(&name)?;
//! assert_eq!(same.get()?, b"some bytes");
//!
//! // Without copies: write in place, read in place.
//! let mut loan = queue.loan(1 << 20)?;
//! loan.fill(7);
//! loan.commit()?;
//! assert_eq!(same.get_ref()?.len(), 1 << 20);
//!
//! // Values instead of bytes:
//! let jobs = Queue::<(u32, String)>::from(queue);
//! jobs.put(&(1, "resize".to_owned()))?;
//! assert_eq!(jobs.get()?, (1, "resize".to_owned()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Start with [`Options`], which creates and opens queues, and [`BytesQueue`], which puts and gets. The repository's `docs/`
//! hold the design, the guarantees and the layout of the memory; the module `ring` of the source states the invariants.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!(
    "ringpost runs on 64-bit Linux only: it needs shared futexes, open-file-description locks, memfd and \
     MADV_WIPEONFORK, which other systems do not have"
);

#[cfg(not(loom))]
mod backing;
#[cfg(not(loom))]
mod blocking;
#[cfg(not(loom))]
mod bytes;
#[cfg(not(loom))]
mod doctor;
mod error;
#[cfg(not(loom))]
mod failure;
mod fences;
#[cfg(not(loom))]
mod fork;
#[cfg(not(loom))]
mod kept_fd;
mod layout;
#[cfg(all(feature = "shared_memory", not(loom)))]
mod lent;
mod memory;
#[cfg(not(loom))]
mod names;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod pace;
#[cfg(not(loom))]
mod participant;
#[cfg(not(loom))]
mod payload;
#[cfg(not(loom))]
mod policy;
#[cfg(not(loom))]
mod readiness;
mod ring;
#[cfg(not(loom))]
mod segment;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
mod stats;
#[cfg(any(kill_points, loom))]
#[doc(hidden)]
pub mod steps;
mod sync;
#[cfg(not(loom))]
mod sys;
#[cfg(not(loom))]
mod typed;
mod wait;

#[cfg(not(loom))]
pub use bytes::{BytesQueue, Lease, Message, Quarantined, WriteLoan};
#[cfg(not(loom))]
pub use doctor::{Audit, Finding};
pub use error::{
    Corrupt, DecodeError, GeometryError, GetError, OpenError, PutError, PutManyError, Shortage,
};
#[cfg(not(loom))]
pub use names::{QueueInfo, list, unlink};
#[cfg(not(loom))]
pub use options::{Options, from_fd, open, open_path};
#[cfg(not(loom))]
pub use readiness::Readiness;
#[cfg(not(loom))]
pub use stats::{Participant, Stats};
#[cfg(not(loom))]
pub use typed::Queue;

/// The README's code is compiled and run with the doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
