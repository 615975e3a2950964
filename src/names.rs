//! Named queues: where they live, what they may be called, which there are.

use crate::error::OpenError;
use crate::segment::io;
use rustix::io::Errno;
use serde::Serialize;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where named queues live: memory that every process of the machine (or container) sees.
const DIRECTORY: &str = "/dev/shm";
const PREFIX: &str = "ringpost.";
const MAX_NAME: usize = 200;

/// The file of the queue `name`.
pub(crate) fn path(name: &str) -> Result<PathBuf, OpenError> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_NAME {
        "it is too long"
    } else if name.contains('/') {
        "it contains '/'"
    } else if name.contains('\0') {
        "it contains NUL"
    } else if name == "." || name == ".." {
        "it means a directory"
    } else {
        return Ok(Path::new(DIRECTORY).join(format!("{PREFIX}{name}")));
    };
    let mut shown: String = name.chars().take(40).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    Err(OpenError::Name {
        name: shown,
        reason,
    })
}

/// A named queue, as [`list`] found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueueInfo {
    /// The name, for [`open`](crate::open).
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// The user who owns it.
    pub owner: u32,
    /// Its permission bits.
    pub mode: u32,
    /// The size of its address range in bytes, most of which is never used.
    pub bytes: u64,
    /// The memory that it really takes, in bytes.
    pub bytes_reserved: u64,
}

/// The named queues of this machine (or container), by name; also those that this process may not open.
///
/// # Errors
///
/// [`OpenError::Io`] if `/dev/shm` cannot be read.
///
/// ```
/// let name = format!("doc-list-{}", std::process::id());
/// let _queue = ringpost::Options::new().unlink_on_drop(true).create(&name)?;
/// assert!(ringpost::list()?.iter().any(|queue| queue.name == name));
/// # Ok::<(), ringpost::OpenError>(())
/// ```
pub fn list() -> Result<Vec<QueueInfo>, OpenError> {
    let failed = |source| OpenError::Io {
        what: "reading /dev/shm",
        source,
    };
    let mut queues = Vec::new();
    for entry in std::fs::read_dir(DIRECTORY).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let file = entry.file_name();
        let Some(name) = file.to_str().and_then(|file| file.strip_prefix(PREFIX)) else {
            continue;
        };
        // It may be gone again by now.
        let Ok(metadata) = entry.path().symlink_metadata() else {
            continue;
        };
        if metadata.is_file() {
            queues.push(QueueInfo {
                name: name.to_owned(),
                path: entry.path(),
                owner: metadata.uid(),
                mode: metadata.mode() & 0o777,
                bytes: metadata.len(),
                bytes_reserved: metadata.blocks() * 512,
            });
        }
    }
    queues.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(queues)
}

/// Removes the name of a queue at once. Processes that have it open keep it, with its items; its memory goes with the last
/// of them.
///
/// # Errors
///
/// [`OpenError::NotFound`], [`OpenError::Permission`], [`OpenError::Name`].
///
/// ```
/// let name = format!("doc-unlink-name-{}", std::process::id());
/// let queue = ringpost::Options::new().create(&name)?;
/// ringpost::unlink(&name)?;
/// queue.put(b"still works")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn unlink(name: &str) -> Result<(), OpenError> {
    let path = path(name)?;
    rustix::fs::unlink(&path).map_err(|errno| match errno {
        Errno::NOENT => OpenError::NotFound { path },
        Errno::ACCESS | Errno::PERM => OpenError::Permission { path },
        errno => io("removing the queue", errno),
    })
}
