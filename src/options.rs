//! The sizes and the access policy of a queue, and every way to create or open one.

use crate::bytes::BytesQueue;
use crate::error::OpenError;
use crate::layout::{Geometry, Request};
use crate::names;
use crate::policy::Policy;
use crate::segment::Segment;
use crate::shared::Shared;
use rustix::fd::OwnedFd;
use std::path::Path;

/// Sizes and access policy of a queue; then one of the functions that create or open it.
///
/// Sizes matter only when a queue is created: an existing one keeps its own, whatever is asked for.
///
/// ```
/// use ringpost::Options;
/// let queue = Options::new().capacity(100).arena(1 << 20).anonymous()?;
/// assert_eq!(queue.capacity(), 100);
/// # Ok::<(), ringpost::OpenError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until the queue is created or opened"]
pub struct Options {
    request: Request,
    policy: Policy,
    unlink_on_drop: bool,
    strict: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults: capacity 1024, 88 bytes inline, an arena of 64 MiB (which costs 64 KiB until it is used) in chunks of
    /// 4 KiB, 64 participants, mode 0600 (0666 where it is anonymous: there the descriptor is the permission).
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// assert_eq!(queue.capacity(), 1024);
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn new() -> Options {
        Options {
            request: Request {
                capacity: 1024,
                in_flight: None,
                inline: 88,
                arena: 64 << 20,
                chunk: 4096,
                participants: 64,
            },
            policy: Policy {
                mode: None,
                owner: None,
                group: None,
                max_deliveries: 16,
            },
            unlink_on_drop: false,
            strict: false,
        }
    }

    /// The most items that may be queued, 1 to 524,288. Default 1024.
    ///
    /// ```
    /// let queue = ringpost::Options::new().capacity(3).anonymous()?;
    /// for item in ["a", "b", "c"] {
    ///     queue.try_put(item.as_bytes())?;
    /// }
    /// assert!(queue.is_full());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn capacity(mut self, items: usize) -> Options {
        self.request.capacity = items as u64;
        self
    }

    /// How many items may be held at once, beside those that are queued: loans being written, messages being read, leases,
    /// and what is in the quarantine. Default:
    /// the capacity rounded up to a power of two, but at least 64 and at most 4096.
    ///
    /// At least 1, and at most 1,048,574 less that power of two. Each costs as much as a slot (128 bytes by default). When all
    /// are in use, puts find no descriptor and wait.
    ///
    /// ```
    /// let queue = ringpost::Options::new().capacity(4).in_flight(2).anonymous()?;
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn in_flight(mut self, items: usize) -> Options {
        self.request.in_flight = Some(items as u64);
        self
    }

    /// Payloads up to so many bytes lie beside their slot and need no arena; rounded up so that a slot is a multiple of 64
    /// bytes (one of 128 has room for 88). Default 88, at most 65,504.
    ///
    /// ```
    /// let queue = ringpost::Options::new().inline(1000).arena(0).anonymous()?;
    /// queue.put(&[7; 1000])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inline(mut self, bytes: usize) -> Options {
        self.request.inline = bytes as u64;
        self
    }

    /// The size of the arena for longer payloads, in bytes, rounded up to a whole number of chunks. Default 64 MiB;
    /// at most 4,294,967,294 chunks. The longest payload is as long as it, or as the inline room if that is larger. Memory is taken when
    /// it is first used, and 4 bytes for each chunk at once; all of it at once where the file system has no `fallocate`.
    ///
    /// ```
    /// let queue = ringpost::Options::new().arena(1 << 30).anonymous()?;
    /// assert_eq!(queue.max_payload(), 1 << 30);
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn arena(mut self, bytes: u64) -> Options {
        self.request.arena = bytes;
        self
    }

    /// The unit of the arena in bytes, a power of two from 64 to 1 GiB. Default 4096. A payload beyond the inline room
    /// takes a whole number of chunks.
    ///
    /// ```
    /// let queue = ringpost::Options::new().chunk(512).anonymous()?;
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn chunk(mut self, bytes: usize) -> Options {
        self.request.chunk = bytes as u64;
        self
    }

    /// How many times the queue may be open at once, over all processes, 1 to 1023. Default 64. Clones of a handle do not
    /// count; a forked child that uses an inherited handle does.
    ///
    /// ```
    /// use ringpost::{OpenError, Options};
    /// let name = format!("doc-participants-{}", std::process::id());
    /// let queue = Options::new().participants(1).unlink_on_drop(true).create(&name)?;
    /// assert!(matches!(ringpost::open(&name), Err(OpenError::TooManyParticipants { places: 1 })));
    /// # Ok::<(), OpenError>(())
    /// ```
    pub fn participants(mut self, places: usize) -> Options {
        self.request.participants = places as u64;
        self
    }

    /// After how many deliveries without acknowledgement an item is set aside: 1 to 4095, and what lies outside
    /// counts as the nearer of the two. Default 16. The creator's counts.
    ///
    /// ```
    /// let queue = ringpost::Options::new().max_deliveries(3).anonymous()?;
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn max_deliveries(mut self, times: u32) -> Options {
        self.policy.max_deliveries = times.clamp(1, crate::layout::item::MAX_DELIVERIES);
        self
    }

    /// The permission bits of a new queue, whatever the umask is; default 0600 (0666 for an anonymous one). Only the lower nine bits
    /// count; without 0600 among them, creating fails with [`OpenError::UnusableMode`]. They are written into the segment, and every
    /// open checks that the file still has them. Given for an open, they are the widest that are accepted.
    ///
    /// ```
    /// use ringpost::{OpenError, Options};
    /// let name = format!("doc-mode-{}", std::process::id());
    /// let queue = Options::new().mode(0o660).unlink_on_drop(true).create(&name)?;
    /// assert!(matches!(Options::new().mode(0o600).open(&name), Err(OpenError::Mode { found: 0o660, .. })));
    /// # Ok::<(), OpenError>(())
    /// ```
    pub fn mode(mut self, bits: u32) -> Options {
        self.policy.mode = Some(bits);
        self
    }

    /// Whose queue is accepted at open, by user number. Default: this process's own (effective) user's, and root's.
    /// For a new queue it must be this process's own user: [`OpenError::Owner`].
    ///
    /// ```
    /// use ringpost::{OpenError, Options};
    /// let name = format!("doc-owner-{}", std::process::id());
    /// let queue = Options::new().unlink_on_drop(true).create(&name)?;
    /// assert!(matches!(Options::new().owner(4_000_000).open(&name), Err(OpenError::Owner { .. })));
    /// # Ok::<(), OpenError>(())
    /// ```
    pub fn owner(mut self, user: u32) -> Options {
        self.policy.owner = Some(user);
        self
    }

    /// The group that a new queue is given; for an open, the group that it must have. By number.
    ///
    /// ```
    /// use ringpost::{OpenError, Options};
    /// let name = format!("doc-group-{}", std::process::id());
    /// let queue = Options::new().unlink_on_drop(true).create(&name)?;
    /// assert!(matches!(Options::new().group(4_000_000).open(&name), Err(OpenError::Group { .. })));
    /// # Ok::<(), OpenError>(())
    /// ```
    pub fn group(mut self, group: u32) -> Options {
        self.policy.group = Some(group);
        self
    }

    /// Removes the queue's name when the last handle that came from this call is dropped in this process. Processes that
    /// have it open keep it. A killed process removes nothing; `ringpost rm` does. Default: the queue stays.
    ///
    /// ```
    /// let name = format!("doc-unlink-{}", std::process::id());
    /// drop(ringpost::Options::new().unlink_on_drop(true).create(&name)?);
    /// assert!(ringpost::open(&name).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn unlink_on_drop(mut self, unlink: bool) -> Options {
        self.unlink_on_drop = unlink;
        self
    }

    /// For a process that does not trust those who may write to the queue: its loans, messages and leases are copies that no
    /// other process can reach, instead of memory of the segment. Everything else is checked in any case. Default: not
    /// strict.
    ///
    /// It concerns this process alone, not the queue. What a peer can still do stands in `docs/threat-model.md`.
    ///
    /// ```
    /// let queue = ringpost::Options::new().strict(true).anonymous()?;
    /// queue.put(b"hello")?;
    /// let message = queue.get_ref()?; // a copy: its memory in the segment is free already
    /// assert_eq!(&*message, b"hello");
    /// assert_eq!(queue.stats().held, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn strict(mut self, strict: bool) -> Options {
        self.strict = strict;
        self
    }

    /// Creates the queue of this name, in `/dev/shm`. It stays, with its items, until it is removed or the machine stops.
    ///
    /// A name has 1 to 200 bytes, no `/` and no NUL, and is not `.` or `..`.
    ///
    /// # Errors
    ///
    /// [`OpenError::Exists`] if there is one already; [`OpenError::Name`], [`OpenError::Options`],
    /// [`OpenError::NoSpace`], [`OpenError::Permission`], [`OpenError::UnusableMode`], [`OpenError::Owner`],
    /// [`OpenError::NoLiveness`]; [`OpenError::Io`] for what else the system refuses.
    ///
    /// ```
    /// use ringpost::{OpenError, Options};
    /// let name = format!("doc-create-{}", std::process::id());
    /// let queue = Options::new().unlink_on_drop(true).create(&name)?;
    /// assert!(matches!(Options::new().create(&name), Err(OpenError::Exists { .. })));
    /// # Ok::<(), OpenError>(())
    /// ```
    pub fn create(&self, name: &str) -> Result<BytesQueue, OpenError> {
        self.create_path(names::path(name)?)
    }

    /// Opens the queue of this name, or creates it. An existing queue keeps its sizes.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create) and [`open`](Self::open), but neither `Exists` nor `NotFound`.
    ///
    /// ```
    /// let name = format!("doc-open-or-create-{}", std::process::id());
    /// let options = ringpost::Options::new().unlink_on_drop(true);
    /// let one = options.open_or_create(&name)?;
    /// let two = options.open_or_create(&name)?;
    /// one.put(b"hello")?;
    /// assert_eq!(two.get()?, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_or_create(&self, name: &str) -> Result<BytesQueue, OpenError> {
        let path = names::path(name)?;
        // Another process may create it, or remove it, in between; both at once for ever is not to be expected.
        for _ in 0..100 {
            match self.open_path(&path) {
                Err(OpenError::NotFound { .. }) => {}
                opened => return opened,
            }
            match self.create_path(&path) {
                Err(OpenError::Exists { .. }) => {}
                created => return created,
            }
        }
        Err(OpenError::NotFound { path })
    }

    /// Opens the queue of this name.
    ///
    /// # Errors
    ///
    /// [`OpenError::NotFound`], [`OpenError::Permission`]; [`OpenError::Owner`], [`OpenError::Group`] or
    /// [`OpenError::Mode`] if it is not as declared; [`OpenError::TooManyParticipants`]; and what a file that is no intact
    /// segment of this version leads to.
    ///
    /// ```
    /// let name = format!("doc-open-{}", std::process::id());
    /// let options = ringpost::Options::new();
    /// let queue = options.clone().unlink_on_drop(true).create(&name)?;
    /// let again = options.open(&name)?;
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn open(&self, name: &str) -> Result<BytesQueue, OpenError> {
        self.open_path(names::path(name)?)
    }

    /// Creates the queue as the file `path`, anywhere `mmap` works.
    ///
    /// On a disk the items outlive every process and an orderly shutdown of the machine, but not its crash: nothing is
    /// synchronised. A file on a network file system is not shared between machines.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// ```
    /// let directory = tempfile::tempdir_in("/dev/shm")?;
    /// let queue = ringpost::Options::new().create_path(directory.path().join("jobs"))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_path(&self, path: impl AsRef<Path>) -> Result<BytesQueue, OpenError> {
        let geometry = Geometry::plan(&self.request)?;
        let (segment, draft) = Segment::draft(path.as_ref(), geometry, &self.policy)?;
        // Attached first, published last: nothing that can fail is left, and nothing is left behind.
        let queue = self.attach(segment)?;
        draft.publish(path.as_ref())?;
        Ok(queue)
    }

    /// Opens the queue in the file `path`. Symbolic links are not followed.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); [`OpenError::Symlink`], [`OpenError::NotRegular`].
    ///
    /// ```
    /// let directory = tempfile::tempdir_in("/dev/shm")?;
    /// let path = directory.path().join("jobs");
    /// ringpost::Options::new().create_path(&path)?.put(b"one")?;
    /// assert_eq!(ringpost::Options::new().open_path(&path)?.get()?, b"one");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_path(&self, path: impl AsRef<Path>) -> Result<BytesQueue, OpenError> {
        self.attach(Segment::open(path.as_ref(), &self.policy)?)
    }

    /// Creates a queue without a name, in a memfd that is sealed against truncation. Other processes get it as a
    /// descriptor: inherited, or sent over a Unix socket, then [`from_fd`](Self::from_fd).
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// ```
    /// use std::os::fd::AsFd;
    /// let one = ringpost::Options::new().anonymous()?;
    /// let two = ringpost::from_fd(one.as_fd().try_clone_to_owned()?)?;
    /// one.put(b"hello")?;
    /// assert_eq!(two.get()?, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn anonymous(&self) -> Result<BytesQueue, OpenError> {
        let geometry = Geometry::plan(&self.request)?;
        self.attach(Segment::anonymous(geometry, &self.policy)?)
    }

    /// Opens the queue behind a descriptor, which must be open for reading and writing. Having it is the permission: owner
    /// and mode are not checked.
    ///
    /// # Errors
    ///
    /// As [`open_path`](Self::open_path), except for the policy.
    ///
    /// ```
    /// use ringpost::{OpenError, Options};
    /// let file = tempfile::tempfile()?;
    /// assert!(matches!(Options::new().from_fd(file.into()), Err(OpenError::TooShort { found: 0 })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_fd(&self, fd: OwnedFd) -> Result<BytesQueue, OpenError> {
        self.attach(Segment::open_fd(fd, None)?)
    }

    /// How many bytes a segment of these sizes has: for memory that somebody else provides.
    ///
    /// # Errors
    ///
    /// [`OpenError::Options`] if the sizes are impossible.
    ///
    /// ```
    /// let bytes = ringpost::Options::new().arena(0).segment_bytes()?;
    /// assert_eq!(bytes % 4096, 0);
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn segment_bytes(&self) -> Result<u64, OpenError> {
        Ok(Geometry::plan(&self.request)?.file_bytes)
    }

    #[cfg(feature = "shared_memory")]
    pub(crate) fn request(&self) -> (&Request, &Policy) {
        (&self.request, &self.policy)
    }

    pub(crate) fn attach(&self, segment: Segment) -> Result<BytesQueue, OpenError> {
        Ok(BytesQueue::new(Shared::new(
            segment,
            self.unlink_on_drop,
            self.strict,
        )?))
    }
}

/// Opens the queue of this name, with the default policy: one's own or root's, with the mode that its creator declared.
///
/// # Errors
///
/// As [`Options::open`].
///
/// ```
/// let name = format!("doc-free-open-{}", std::process::id());
/// let _queue = ringpost::Options::new().unlink_on_drop(true).create(&name)?;
/// let again = ringpost::open(&name)?;
/// # Ok::<(), ringpost::OpenError>(())
/// ```
pub fn open(name: &str) -> Result<BytesQueue, OpenError> {
    Options::new().open(name)
}

/// Opens the queue in the file `path`, with the default policy.
///
/// # Errors
///
/// As [`Options::open_path`].
///
/// ```
/// assert!(ringpost::open_path("/no/such/file").is_err());
/// ```
pub fn open_path(path: impl AsRef<Path>) -> Result<BytesQueue, OpenError> {
    Options::new().open_path(path)
}

/// Opens the queue behind a descriptor.
///
/// # Errors
///
/// As [`Options::from_fd`].
///
/// ```
/// use std::os::fd::AsFd;
/// let queue = ringpost::Options::new().anonymous()?;
/// let same = ringpost::from_fd(queue.as_fd().try_clone_to_owned()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_fd(fd: OwnedFd) -> Result<BytesQueue, OpenError> {
    Options::new().from_fd(fd)
}
