//! One error type for each kind of operation. Every message says what was found, what was expected, and what to do.

use std::io;
use std::path::PathBuf;

/// Sizes that a segment cannot have.
///
/// ```
/// use ringpost::{OpenError, Options};
/// let error = Options::new().capacity(0).anonymous().unwrap_err();
/// assert!(matches!(error, OpenError::Options(_)));
/// assert!(error.to_string().contains("capacity"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GeometryError {
    /// The capacity is 0 or above the range of descriptors.
    #[error("a capacity of {found} items is not possible: choose 1 to {max}")]
    Capacity {
        /// What was asked for.
        found: u64,
        /// The most that is possible.
        max: u64,
    },
    /// More items in flight than descriptors are left beside the slots, or none.
    #[error("{found} items in flight are not possible with this capacity: choose 1 to {max}")]
    InFlight {
        /// What was asked for.
        found: u64,
        /// The most that is possible with this capacity.
        max: u64,
    },
    /// The inline room is too large.
    #[error(
        "an inline room of {found} bytes is too large: choose at most {max}; longer payloads go into the arena"
    )]
    Inline {
        /// What was asked for, in bytes.
        found: u64,
        /// The most that is possible, in bytes.
        max: u64,
    },
    /// No participants, or too many.
    #[error("{found} participants are not possible: choose 1 to {max}")]
    Participants {
        /// What was asked for.
        found: u64,
        /// The most that is possible.
        max: u64,
    },
    /// The chunk size is not a power of two or out of range.
    #[error("a chunk of {found} bytes is not possible: choose a power of two from {min} to {max}")]
    Chunk {
        /// What was asked for, in bytes.
        found: u64,
        /// The smallest chunk, in bytes.
        min: u64,
        /// The largest chunk, in bytes.
        max: u64,
    },
    /// The arena has more chunks than can be counted.
    #[error(
        "an arena of {found} bytes has too many chunks: choose at most {max} bytes, or a larger chunk"
    )]
    Arena {
        /// What was asked for, in bytes.
        found: u64,
        /// The most that is possible with this chunk size, in bytes.
        max: u64,
    },
    /// The sum of all parts is more than a file can hold.
    #[error("these sizes add up to more than a file can hold: choose smaller ones")]
    Overflow,
}

/// Why a queue could not be created, opened or attached to. Nothing was left behind.
///
/// ```
/// use ringpost::OpenError;
/// let error = ringpost::open("no-such-queue").unwrap_err();
/// assert!(matches!(error, OpenError::NotFound { .. }));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The options ask for something impossible.
    #[error(transparent)]
    Options(#[from] GeometryError),
    /// Not a possible name of a queue.
    #[error(
        "{name:?} cannot name a queue: {reason}; a name has 1 to 200 bytes, no '/' and no NUL, and is not '.' or '..'"
    )]
    Name {
        /// The name, shortened if it is very long.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no such queue.
    #[error("there is no queue at {}: create it first, or check the name", path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There already is such a queue.
    #[error("{} exists already: open it, remove it, or use open_or_create", path.display())]
    Exists {
        /// Where it is.
        path: PathBuf,
    },
    /// The operating system refuses access.
    #[error("no permission for {}: it belongs to another user or its mode does not allow it", path.display())]
    Permission {
        /// What was to be opened or created.
        path: PathBuf,
    },
    /// The path is a symbolic link, which is never followed.
    #[error("{} is a symbolic link, which is never followed: give the path of the segment itself", path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// Not a regular file.
    #[error("found a {found}, expected a regular file that holds a segment")]
    NotRegular {
        /// What kind of file it is.
        found: &'static str,
    },
    /// The file does not start with a segment's magic.
    #[error(
        "not a ringpost segment: it starts with {found:?}, expected {:?}; this file was made by something else",
        "ringpost"
    )]
    Magic {
        /// The first eight bytes.
        found: [u8; 8],
    },
    /// The segment was made by another version.
    #[error(
        "the segment has ABI version {found}, this library speaks version {expected}: use the same ringpost on both \
         sides, or remove the segment and create it anew"
    )]
    Abi {
        /// The segment's version.
        found: u32,
        /// This library's version.
        expected: u32,
    },
    /// The creator died, or is still at work: the segment was never published.
    #[error(
        "the segment is not finished: its creator died while it made it; remove the file and create the queue anew"
    )]
    Unfinished,
    /// The file is shorter than the smallest segment.
    #[error(
        "the file has {found} bytes, which is too short for a segment: it is empty, truncated or something else"
    )]
    TooShort {
        /// The file's size in bytes.
        found: u64,
    },
    /// The file was truncated, or has grown.
    #[error(
        "the file has {found} bytes, its header says {expected}: it was truncated or has grown, and is not used"
    )]
    Size {
        /// The file's size in bytes.
        found: u64,
        /// The size that follows from its header.
        expected: u64,
    },
    /// The header holds sizes that no creator writes.
    #[error(
        "the header is damaged: {what} is {found}, expected {expected}; remove the segment and create it anew"
    )]
    Geometry {
        /// Which field.
        what: &'static str,
        /// Its value.
        found: u64,
        /// What is possible.
        expected: String,
    },
    /// The segment belongs to somebody else than declared.
    #[error(
        "the segment belongs to user {found}, accepted is {expected}; if you trust that user, say so with \
         Options::owner({found})"
    )]
    Owner {
        /// The user who owns the file.
        found: u32,
        /// Who was accepted.
        expected: String,
    },
    /// The segment belongs to another group than declared.
    #[error("the segment belongs to group {found}, declared is {expected}: correct one of the two")]
    Group {
        /// The file's group.
        found: u32,
        /// The group that was declared.
        expected: u32,
    },
    /// The file's mode is not the one in its header, or wider than this process accepts.
    #[error(
        "the segment's mode is {found:03o}, declared is {expected:03o}: correct one of the two, then open it again"
    )]
    Mode {
        /// The file's permission bits.
        found: u32,
        /// The permission bits that were declared.
        expected: u32,
    },
    /// There is no room for the segment.
    #[error(
        "no space: {needed} bytes are needed for {}; free some, choose a smaller capacity, or another place \
         (in a container, enlarge /dev/shm)",
        path.display()
    )]
    NoSpace {
        /// What was to be created.
        path: PathBuf,
        /// The bytes that had to be reserved.
        needed: u64,
    },
    /// Every place is taken by a living process.
    #[error(
        "all {places} places for participants are taken: close the queue in some process, or create it with more \
         participants"
    )]
    TooManyParticipants {
        /// How many places there are.
        places: u32,
    },
    /// The segment in the user's own memory is not aligned or not large enough.
    #[error(
        "the memory has {found} bytes, a segment of these sizes needs {expected} on a page boundary"
    )]
    Memory {
        /// The bytes there are.
        found: u64,
        /// The bytes that are needed.
        expected: u64,
    },
    /// The mode would shut out the queue's own user.
    #[error(
        "mode {found:03o} does not let the queue's own user read and write: choose one with 600 in it"
    )]
    UnusableMode {
        /// What was asked for.
        found: u32,
    },
    /// The file system does not keep a lock on a mapped file, so nobody could tell who lives.
    #[error(
        "this file system does not keep a lock on a file that is mapped (overlayfs, the root of most containers, does \
         not): use a name, an anonymous queue, or a path on another file system"
    )]
    NoLiveness,
    /// The process closed the descriptor through which the segment is reached, and its path is another file by now.
    #[error(
        "this process has closed the queue's file descriptor, and its name is gone: open the queue anew"
    )]
    DescriptorLost,
    /// Anything else that the operating system says.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the operating system answered.
        source: io::Error,
    },
}

/// What a put had to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shortage {
    /// The queue holds as many items as its capacity.
    Slots,
    /// Every descriptor is in use: too many items are held by consumers or being filled.
    Descriptors,
    /// The arena has no free run of chunks that is long enough.
    Arena,
}

impl std::fmt::Display for Shortage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Shortage::Slots => "the queue is full: get something first, or wait",
            Shortage::Descriptors => {
                "all items in flight are held: release some, look into the quarantine, or create the queue with more in_flight"
            }
            Shortage::Arena => {
                "the arena has no room for this payload now: release items, or create the queue with a larger arena"
            }
        })
    }
}

/// Why a put put nothing.
///
/// ```
/// use ringpost::{Options, PutError, Shortage};
/// let queue = Options::new().capacity(1).anonymous()?;
/// queue.put(b"one")?;
/// assert!(matches!(queue.try_put(b"two"), Err(PutError::Full(Shortage::Slots))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PutError {
    /// There is no room at this moment.
    #[error("{0}")]
    Full(Shortage),
    /// There was no room until the deadline.
    #[error("timed out: {0}")]
    TimedOut(Shortage),
    /// The queue was shut down.
    #[error("the queue is shut down: nothing can be put any more")]
    Closed,
    /// The payload is larger than the whole arena, so that it can never fit.
    #[error(
        "a payload of {len} bytes can never fit: the longest is {max}; create the queue with a larger arena"
    )]
    TooLarge {
        /// The payload's length in bytes, padding included.
        len: u64,
        /// The longest payload of this queue, in bytes.
        max: u64,
    },
    /// The alignment is not possible.
    #[error("an alignment of {found} is not possible: choose a power of two up to {max}")]
    Alignment {
        /// What was asked for, in bytes.
        found: usize,
        /// The greatest alignment in this queue, in bytes.
        max: usize,
    },
    /// The file system has no space for a part of the arena that was never used before.
    #[error(
        "no space: the file system cannot give {needed} more bytes to the arena; free some (in a container, enlarge \
         /dev/shm) and put again"
    )]
    NoSpace {
        /// The bytes that had to be reserved.
        needed: u64,
    },
    /// A signal handler has run, and the caller wanted to stop for it.
    #[error("interrupted: a signal handler asked to stop; nothing was put")]
    Interrupted,
    /// This loan was made before a fork, in the parent process, and only the parent can commit it.
    #[error(
        "this loan belongs to the parent process: only the process that made a loan can commit it"
    )]
    Inherited,
    /// After a fork, this process could not attach to the queue.
    #[error("this process could not attach to the queue: {0}")]
    Attach(#[source] Box<OpenError>),
    /// The value could not be serialized.
    #[error("the value cannot be serialized: {0}")]
    Encode(#[source] postcard::Error),
    /// The segment is damaged.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

impl PutError {
    /// Says whether there was merely no room: waiting, or getting, may help.
    ///
    /// ```
    /// use ringpost::{PutError, Shortage};
    /// assert!(PutError::Full(Shortage::Arena).is_shortage());
    /// assert!(!PutError::Closed.is_shortage());
    /// ```
    #[must_use]
    pub fn is_shortage(&self) -> bool {
        matches!(self, PutError::Full(_) | PutError::TimedOut(_))
    }
}

/// Why a batch ended early: the items before `done` were put, in order; the others were not.
///
/// ```
/// use ringpost::Options;
/// let queue = Options::new().capacity(8).anonymous()?;
/// queue.shutdown();
/// let error = queue.put_many(&["a", "b"]).unwrap_err();
/// assert_eq!(error.done, 0);
/// # Ok::<(), ringpost::OpenError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{done} items of the batch were put, then: {error}")]
pub struct PutManyError {
    /// How many items were put.
    pub done: usize,
    /// What stopped the next one.
    #[source]
    pub error: PutError,
}

/// Why a get got nothing.
///
/// ```
/// use ringpost::{GetError, Options};
/// let queue = Options::new().anonymous()?;
/// assert!(matches!(queue.try_get(), Err(GetError::Empty)));
/// queue.shutdown();
/// assert!(matches!(queue.get(), Err(GetError::Closed)));
/// # Ok::<(), ringpost::OpenError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GetError {
    /// There is no item at this moment.
    #[error("the queue is empty")]
    Empty,
    /// There was no item until the deadline.
    #[error("timed out: the queue is empty")]
    TimedOut,
    /// The queue was shut down and holds nothing more.
    #[error("the queue is shut down and drained: nothing will come any more")]
    Closed,
    /// A signal handler has run, and the caller wanted to stop for it.
    #[error("interrupted: a signal handler asked to stop; nothing was taken")]
    Interrupted,
    /// This lease was made before a fork, in the parent process, and only the parent decides about its item.
    #[error(
        "this lease belongs to the parent process: only the process that has leased an item can end its lease"
    )]
    Inherited,
    /// After a fork, this process could not attach to the queue.
    #[error("this process could not attach to the queue: {0}")]
    Attach(#[source] Box<OpenError>),
    /// The payload is not a value of the expected type. The item is consumed; its bytes are here.
    #[error("a payload of {} bytes does not decode as {expected}: {source}; it was put as another type", payload.len())]
    Decode {
        /// The type that was expected.
        expected: &'static str,
        /// The item's payload.
        payload: Vec<u8>,
        /// What postcard says.
        source: postcard::Error,
    },
    /// The segment is damaged.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// A payload that does not decode as the type that was asked for.
///
/// ```
/// use ringpost::Options;
/// let queue = Options::new().anonymous()?;
/// queue.put(&[])?;
/// let error = queue.get_ref()?.decode::<u64>().unwrap_err();
/// assert!(error.to_string().contains("u64"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[error(
    "a payload of {len} bytes does not decode as {expected}: {source}; it was put as another type"
)]
pub struct DecodeError {
    /// The type that was expected.
    pub expected: &'static str,
    /// The payload's length in bytes.
    pub len: usize,
    /// What postcard says.
    pub source: postcard::Error,
}

/// The segment holds something that no correct process writes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the segment is damaged: {what} at {place} {index}; some process wrote where it should not; drain what can be \
     drained, then create the queue anew"
)]
pub struct Corrupt {
    /// What is wrong.
    pub what: &'static str,
    /// The kind of place where it was met: slot or descriptor.
    pub place: &'static str,
    /// Which one of them.
    pub index: u64,
}
