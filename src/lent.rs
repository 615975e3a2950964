//! A queue in a segment that the user made with the crate `shared_memory`.

use crate::bytes::BytesQueue;
use crate::error::OpenError;
use crate::layout::Geometry;
use crate::options::Options;
use crate::segment::Segment;
use rustix::fd::OwnedFd;
use rustix::fs::{FallocateFlags, Mode, OFlags};
use rustix::io::Errno;
use shared_memory::Shmem;
use std::path::PathBuf;

impl Options {
    /// Makes an empty queue in `memory`, which must have exactly [`segment_bytes`](Self::segment_bytes) bytes.
    ///
    /// Whatever was there is overwritten. The queue maps the same memory once more, and stays usable when `memory` is
    /// dropped; its name is then removed by `shared_memory`, if that process made it. Mode and group of these options do not
    /// apply: `shared_memory` makes its files with mode 0600.
    ///
    /// # Errors
    ///
    /// [`OpenError::Memory`] if the size is another; those of [`create`](Self::create).
    ///
    /// ```
    /// use shared_memory::ShmemConf;
    /// let options = ringpost::Options::new().arena(1 << 16);
    /// let memory = ShmemConf::new().size(options.segment_bytes()? as usize).create()?;
    /// let queue = options.create_in(&memory)?;
    /// queue.put(b"hello")?;
    /// let same = options.open_in(&memory)?;
    /// assert_eq!(same.get()?, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_in(&self, memory: &Shmem) -> Result<BytesQueue, OpenError> {
        let (request, policy) = self.request();
        let geometry = Geometry::plan(request)?;
        let found = memory.len() as u64;
        if found != geometry.file_bytes {
            return Err(OpenError::Memory {
                found,
                expected: geometry.file_bytes,
            });
        }
        let (fd, path) = file_of(memory)?;
        // Nothing of what was there before may be taken for the new queue's.
        rustix::fs::fallocate(
            &fd,
            FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
            0,
            found,
        )
        .map_err(|errno| OpenError::Io {
            what: "emptying the memory",
            source: errno.into(),
        })?;
        // The file's mode and group are `shared_memory`'s; the header declares what they are.
        let mut policy = policy.clone();
        policy.mode = None;
        policy.group = None;
        self.attach(Segment::format(fd, &path, geometry, &policy)?)
    }

    /// Opens the queue that another process has made in `memory`.
    ///
    /// # Errors
    ///
    /// Those of [`from_fd`](Self::from_fd).
    ///
    /// ```
    /// use shared_memory::ShmemConf;
    /// let memory = ShmemConf::new().size(4096).create()?;
    /// assert!(ringpost::Options::new().open_in(&memory).is_err()); // nobody made a queue in it
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_in(&self, memory: &Shmem) -> Result<BytesQueue, OpenError> {
        self.attach(Segment::open_fd(file_of(memory)?.0, None)?)
    }
}

/// The file behind the segment: liveness locks need one.
fn file_of(memory: &Shmem) -> Result<(OwnedFd, PathBuf), OpenError> {
    let path = PathBuf::from(format!(
        "/dev/shm/{}",
        memory.get_os_id().trim_start_matches('/')
    ));
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    match rustix::fs::open(&path, flags, Mode::empty()) {
        Ok(fd) => Ok((fd, path)),
        Err(Errno::NOENT) => Err(OpenError::NotFound { path }),
        Err(errno) => Err(OpenError::Io {
            what: "opening the memory's file",
            source: errno.into(),
        }),
    }
}
