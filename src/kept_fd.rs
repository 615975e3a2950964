//! A descriptor that the library keeps, in a process that may close it behind its back.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::mem::ManuallyDrop;

/// Which file it is, whatever its name says by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl FileIdentity {
    pub(crate) fn of(fd: impl AsFd) -> rustix::io::Result<FileIdentity> {
        let stat = rustix::fs::fstat(fd)?;
        Ok(FileIdentity {
            device: stat.st_dev,
            inode: stat.st_ino,
        })
    }
}

/// A descriptor that is used, and closed, only if it is still ours: a process that closes all its descriptors, as daemons
/// do, may have given the number to another file by now.
#[derive(Debug)]
pub(crate) struct KeptFd {
    fd: ManuallyDrop<OwnedFd>,
    file: FileIdentity,
}

impl KeptFd {
    pub(crate) fn new(fd: OwnedFd) -> rustix::io::Result<KeptFd> {
        let file = FileIdentity::of(&fd)?;
        Ok(KeptFd {
            fd: ManuallyDrop::new(fd),
            file,
        })
    }

    pub(crate) fn file(&self) -> FileIdentity {
        self.file
    }

    /// The descriptor, if it is still ours.
    pub(crate) fn get(&self) -> Option<BorrowedFd<'_>> {
        (FileIdentity::of(&*self.fd) == Ok(self.file)).then(|| self.fd.as_fd())
    }

    /// The descriptor as it was given, for a caller who knows what the process does with its descriptors.
    pub(crate) fn unchecked(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for KeptFd {
    fn drop(&mut self) {
        if self.get().is_some() {
            // SAFETY: dropped here, once, and not used after.
            unsafe { ManuallyDrop::drop(&mut self.fd) };
        }
    }
}
