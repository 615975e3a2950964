//! A segment: a file of shared memory, made, checked and mapped.
//!
//! A segment is published whole. It is made without a name (`O_TMPFILE`), or under a temporary one where the file system
//! cannot do that, and gets its name only when it is complete: nobody ever opens a half-made queue.

use crate::error::OpenError;
use crate::kept_fd::{FileIdentity, KeptFd};
use crate::layout::{
    Geometry, HEADER_BYTES, Header, MAGIC, MAGIC_BUILDING, control, position, slot,
};
use crate::memory::Memory;
use crate::policy::Policy;
use crate::sync::Ordering::{Relaxed, Release};
use crate::sync::step;
use crate::sys;
use memmap2::{Advice, MmapOptions, MmapRaw};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FallocateFlags, FileType, MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::Errno;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

/// A mapped segment and the way back to its file.
#[derive(Debug)]
pub(crate) struct Segment {
    mapping: MmapRaw,
    /// Kept close-on-exec, to reserve memory and to open further descriptions; checked before each use.
    fd: KeptFd,
    path: Option<PathBuf>,
    pub(crate) header: Header,
    pub(crate) geometry: Geometry,
}

pub(crate) fn io(what: &'static str, errno: Errno) -> OpenError {
    OpenError::Io {
        what,
        source: errno.into(),
    }
}

fn at_path(what: &'static str, path: &Path, errno: Errno) -> OpenError {
    let path = path.to_path_buf();
    match errno {
        Errno::NOENT => OpenError::NotFound { path },
        Errno::EXIST => OpenError::Exists { path },
        Errno::ACCESS | Errno::PERM => OpenError::Permission { path },
        Errno::LOOP => OpenError::Symlink { path },
        Errno::ISDIR => OpenError::NotRegular { found: "directory" },
        Errno::NXIO | Errno::NODEV => OpenError::NotRegular {
            found: "socket, device or FIFO",
        },
        errno => io(what, errno),
    }
}

// ---- making -----------------------------------------------------------------------------------------------------

impl Segment {
    /// Makes a segment that is to be published under `path`: by [`Draft::publish`], when all else has succeeded.
    pub(crate) fn draft(
        path: &Path,
        geometry: Geometry,
        policy: &Policy,
    ) -> Result<(Segment, Draft), OpenError> {
        if rustix::fs::lstat(path).is_ok() {
            return Err(OpenError::Exists {
                path: path.to_path_buf(),
            }); // sooner and cheaper than by the link below
        }
        let draft = Draft::new(path)?;
        let fd = rustix::io::fcntl_dupfd_cloexec(&draft.fd, 3)
            .map_err(|errno| io("duplicating a descriptor", errno))?;
        let mut segment = Self::format(fd, path, geometry, policy)?;
        segment.path = Some(path.to_path_buf());
        Ok((segment, draft))
    }

    /// Makes a segment without a name. It is sealed, so nobody can truncate it under a reader.
    pub(crate) fn anonymous(geometry: Geometry, policy: &Policy) -> Result<Segment, OpenError> {
        let fd =
            rustix::fs::memfd_create("ringpost", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
                .map_err(|errno| io("memfd_create", errno))?;
        // Having the descriptor is the permission, also for another user's process to whom it was passed.
        let anyone = Policy {
            mode: Some(policy.mode.unwrap_or(0o666)),
            ..policy.clone()
        };
        let segment = Self::format(fd, Path::new("an anonymous queue"), geometry, &anyone)?;
        step!("seal the segment");
        rustix::fs::fcntl_add_seals(
            segment.fd(),
            SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL,
        )
        .map_err(|errno| io("sealing the memfd", errno))?;
        Ok(segment)
    }

    /// Writes a complete, empty queue into a new file.
    pub(crate) fn format(
        fd: OwnedFd,
        path: &Path,
        geometry: Geometry,
        policy: &Policy,
    ) -> Result<Segment, OpenError> {
        let needed = geometry.arena_at;
        let no_space = |errno| match errno {
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::NOMEM => OpenError::NoSpace {
                path: path.to_path_buf(),
                needed,
            },
            errno => io("reserving memory", errno),
        };
        step!("size the segment");
        rustix::fs::ftruncate(&fd, geometry.file_bytes).map_err(no_space)?;
        let mut reserved = 0;
        step!("reserve the segment");
        match rustix::fs::fallocate(&fd, FallocateFlags::empty(), 0, needed) {
            // The file system cannot reserve: all of it is written once, so that no later store meets a full disk.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                write_zeros(&fd, geometry.file_bytes).map_err(no_space)?;
                reserved = geometry.chunks;
            }
            other => other.map_err(no_space)?,
        }
        let declared = policy.declare(&fd)?;
        let mapping = map(&fd, geometry.file_bytes)?;
        let mut identity = [0; 8];
        rustix::rand::getrandom(&mut identity, rustix::rand::GetRandomFlags::empty())
            .map_err(|errno| io("getrandom", errno))?;
        let created = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let header = Header {
            magic: MAGIC_BUILDING,
            file_bytes: geometry.file_bytes,
            capacity: geometry.capacity,
            slots: geometry.slots,
            descriptors: geometry.descriptors,
            stride: geometry.stride,
            participants: geometry.participants,
            chunk: geometry.chunk,
            chunks: geometry.chunks,
            mode: declared.mode,
            owner: declared.owner,
            group: declared.group,
            identity: u64::from_ne_bytes(identity),
            created_ns: created.tv_sec as u64 * 1_000_000_000 + created.tv_nsec as u64,
            ..Header::new(policy.max_deliveries)
        };
        step!("write the header");
        rustix::io::pwrite(&fd, &header.sealed().to_bytes(), 0).map_err(no_space)?;
        let fd = KeptFd::new(fd).map_err(|errno| io("fstat", errno))?;
        let segment = Segment {
            mapping,
            fd,
            path: None,
            header,
            geometry,
        };
        let memory = segment.memory();
        for i in 0..geometry.slots {
            memory
                .slot(i)
                .store(slot::pack(i & position::MASK, slot::NONE), Relaxed);
        }
        memory.tail_hint().store(geometry.slots, Relaxed);
        memory.head_hint().store(geometry.slots, Relaxed);
        memory.reserved().store(reserved, Relaxed);
        // ORDERING M (Release): the magic is the last word; pairs with the read of the header in `open_fd` (M), which
        // comes after the publication of the whole file.
        memory.magic().store(MAGIC, Release);
        Ok(Segment {
            header: Header {
                magic: MAGIC,
                ..segment.header
            },
            ..segment
        })
    }
}

/// A file that has no name yet, or a temporary one that goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Draft {
    fd: OwnedFd,
    temporary: Option<PathBuf>,
}

impl Draft {
    fn new(path: &Path) -> Result<Draft, OpenError> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        match rustix::fs::open(directory, flags | OFlags::TMPFILE, mode) {
            Ok(fd) => {
                return Ok(Draft {
                    fd,
                    temporary: None,
                });
            }
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {}
            Err(errno) => return Err(at_path("creating the segment", directory, errno)),
        }
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|errno| io("getrandom", errno))?;
        let temporary =
            directory.join(format!(".ringpost-{:016x}.new", u64::from_ne_bytes(random)));
        step!("make a file under a temporary name");
        let fd = rustix::fs::open(
            &temporary,
            flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW,
            mode,
        )
        .map_err(|errno| at_path("creating the segment", &temporary, errno))?;
        Ok(Draft {
            fd,
            temporary: Some(temporary),
        })
    }

    /// Links the finished file to its name; fails if the name is taken.
    pub(crate) fn publish(&self, path: &Path) -> Result<(), OpenError> {
        step!("publish the segment");
        let linked = match &self.temporary {
            Some(temporary) => rustix::fs::linkat(CWD, temporary, CWD, path, AtFlags::empty()),
            None => {
                use rustix::fd::AsRawFd;
                let link = format!("/proc/self/fd/{}", self.fd.as_raw_fd());
                rustix::fs::linkat(CWD, link, CWD, path, AtFlags::SYMLINK_FOLLOW)
            }
        };
        linked.map_err(|errno| match errno {
            Errno::NOENT => io("publishing the segment (is /proc mounted?)", errno),
            errno => at_path("publishing the segment", path, errno),
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            step!("remove the temporary name");
            let _ = rustix::fs::unlink(temporary);
        }
    }
}

fn write_zeros(fd: &OwnedFd, bytes: u64) -> rustix::io::Result<()> {
    let zeros = vec![0; 1 << 20];
    let mut at = 0;
    while at < bytes {
        let length = zeros.len().min((bytes - at) as usize);
        step!("write zeros");
        at += rustix::io::pwrite(fd, &zeros[..length], at)? as u64;
    }
    Ok(())
}

// ---- opening ----------------------------------------------------------------------------------------------------

impl Segment {
    /// Opens a published segment by its path. Symbolic links are not followed, and a FIFO is not waited for.
    pub(crate) fn open(path: &Path, policy: &Policy) -> Result<Segment, OpenError> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let fd = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| at_path("opening the segment", path, errno))?;
        let mut segment = Self::open_fd(fd, Some(policy))?;
        segment.path = Some(path.to_path_buf());
        Ok(segment)
    }

    /// Opens the segment behind a descriptor. With a descriptor in hand no policy is asked for: having it is the right.
    pub(crate) fn open_fd(fd: OwnedFd, policy: Option<&Policy>) -> Result<Segment, OpenError> {
        let stat = rustix::fs::fstat(&fd).map_err(|errno| io("fstat", errno))?;
        let found = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => None,
            FileType::Directory => Some("directory"),
            FileType::Fifo => Some("FIFO"),
            FileType::Socket => Some("socket"),
            FileType::CharacterDevice | FileType::BlockDevice => Some("device"),
            _ => Some("file of an unknown kind"),
        };
        if let Some(found) = found {
            return Err(OpenError::NotRegular { found });
        }
        let file_bytes = stat.st_size as u64;
        let mut bytes = [0; HEADER_BYTES];
        // ORDERING M (Acquire): the kernel's copy; pairs with the store of the magic in `format` (M).
        let read = rustix::io::pread(&fd, &mut bytes, 0)
            .map_err(|errno| io("reading the header", errno))?;
        if read < HEADER_BYTES || file_bytes < control::PARTICIPANTS as u64 {
            return Err(OpenError::TooShort { found: file_bytes });
        }
        let header = Header::from_bytes(&bytes);
        let geometry = Geometry::from_header(&header, file_bytes)?;
        if let Some(policy) = policy {
            policy.check(&stat, &header)?;
        }
        let mapping = map(&fd, file_bytes)?;
        let fd = KeptFd::new(fd).map_err(|errno| io("fstat", errno))?;
        Ok(Segment {
            mapping,
            fd,
            path: None,
            header,
            geometry,
        })
    }

    /// The words of this segment. The view must not outlive it.
    pub(crate) fn memory(&self) -> Memory {
        let base = NonNull::new(self.mapping.as_mut_ptr()).expect("a mapping has an address");
        // SAFETY: V1: the mapping is `file_bytes` long (`format`, `from_header`), and the queue's `Shared` owns both it and
        // every view. V2: planned or checked.
        unsafe { Memory::new(base, self.geometry) }
    }

    /// The descriptor, if it is still ours.
    fn own_fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.get()
    }

    /// Opens the same file as a description of its own, for a lock that belongs to nobody else.
    pub(crate) fn reopen(&self) -> Result<OwnedFd, OpenError> {
        if let Some(fd) = self.own_fd() {
            return sys::reopen(fd)
                .map_err(|errno| io("reopening the segment through /proc", errno));
        }
        let path = self.path.as_deref().ok_or(OpenError::DescriptorLost)?;
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| at_path("opening the segment", path, errno))?;
        // By now the name may be another file's.
        if FileIdentity::of(&fd) == Ok(self.fd.file()) {
            Ok(fd)
        } else {
            Err(OpenError::DescriptorLost)
        }
    }

    /// Puts memory behind the bytes `from..to` of the file, so that a store there cannot fail.
    pub(crate) fn reserve(&self, from: u64, to: u64) -> rustix::io::Result<()> {
        step!("reserve memory for the arena");
        match self.own_fd() {
            Some(fd) => rustix::fs::fallocate(fd, FallocateFlags::empty(), from, to - from),
            // Without the descriptor the pages are faulted in through the mapping, which fails without a signal.
            None => self
                .mapping
                .advise_range(Advice::PopulateWrite, from as usize, (to - from) as usize)
                .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        }
    }

    /// Are the header's bytes still what they were when this process opened or made the segment? True if they cannot be read.
    pub(crate) fn header_is_intact(&self) -> bool {
        let mut bytes = [0; HEADER_BYTES];
        let Some(fd) = self.own_fd() else { return true };
        match rustix::io::pread(fd, &mut bytes, 0) {
            Ok(HEADER_BYTES) => Header::from_bytes(&bytes) == self.header.sealed(),
            _ => true,
        }
    }

    /// Where the segment was created or opened, if it was by a path.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.unchecked()
    }

    /// Removes the name, unless it is another segment's by now. (One that takes the name between the look and the removal
    /// would lose it: the system has no removal by identity.)
    pub(crate) fn unlink(&self) -> Result<(), OpenError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let stat = rustix::fs::lstat(path)
            .map_err(|errno| at_path("removing the segment", path, errno))?;
        if (FileIdentity {
            device: stat.st_dev,
            inode: stat.st_ino,
        }) != self.fd.file()
        {
            return Err(OpenError::NotFound { path: path.clone() });
        }
        step!("remove the segment's name");
        rustix::fs::unlink(path).map_err(|errno| at_path("removing the segment", path, errno))
    }
}

fn map(fd: &OwnedFd, bytes: u64) -> Result<MmapRaw, OpenError> {
    let mapping = MmapOptions::new()
        .len(bytes as usize)
        .map_raw(fd)
        .map_err(|source| OpenError::Io {
            what: "mapping the segment",
            source,
        })?;
    // A core dump keeps its process alive while it is written; the queue's memory need not be in it.
    let _ = mapping.advise(Advice::DontDump);
    Ok(mapping)
}
