//! Who may open a queue: declared by its creator, written into the header, checked against the file at every open.

use crate::error::OpenError;
use crate::layout::Header;
use crate::segment::io;
use crate::sync::step;
use rustix::fd::OwnedFd;
use rustix::fs::{Gid, Mode, Stat};

/// What the caller declares.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// The permission bits of a new queue; for an open, the widest that are accepted.
    pub(crate) mode: Option<u32>,
    /// Whose queues are accepted; without it, one's own and root's.
    pub(crate) owner: Option<u32>,
    /// The group of a new queue; for an open, the one that is expected.
    pub(crate) group: Option<u32>,
    /// Written into a new queue's header.
    pub(crate) max_deliveries: u32,
}

/// The permission bits of a queue whose creator asks for none: its user alone.
const DEFAULT_MODE: u32 = 0o600;

/// What a new segment's header says about access.
pub(crate) struct Declared {
    pub(crate) mode: u32,
    pub(crate) owner: u32,
    pub(crate) group: u32,
}

impl Policy {
    /// Gives a new file its group and mode (whatever the umask is), and returns what the header is to say.
    pub(crate) fn declare(&self, fd: &OwnedFd) -> Result<Declared, OpenError> {
        let user = rustix::process::geteuid().as_raw();
        if let Some(expected) = self.owner
            && expected != user
        {
            return Err(OpenError::Owner {
                found: user,
                expected: format!("user {expected}"),
            });
        }
        let mode = self.mode.unwrap_or(DEFAULT_MODE) & 0o777;
        if mode & 0o600 != 0o600 {
            return Err(OpenError::UnusableMode { found: mode });
        }
        if let Some(group) = self.group {
            step!("give the segment to its group");
            rustix::fs::fchown(fd, None, Some(Gid::from_raw(group)))
                .map_err(|errno| io("giving the segment to its group", errno))?;
        }
        step!("set the segment's mode");
        rustix::fs::fchmod(fd, Mode::from_raw_mode(mode))
            .map_err(|errno| io("setting the segment's mode", errno))?;
        let stat = rustix::fs::fstat(fd).map_err(|errno| io("fstat", errno))?;
        Ok(Declared {
            mode,
            owner: stat.st_uid,
            group: stat.st_gid,
        })
    }

    /// Checks a file that was opened by its path.
    pub(crate) fn check(&self, stat: &Stat, header: &Header) -> Result<(), OpenError> {
        let user = rustix::process::geteuid().as_raw();
        let accepted = match self.owner {
            Some(owner) => stat.st_uid == owner,
            None => stat.st_uid == user || stat.st_uid == 0,
        };
        if !accepted {
            let expected = match self.owner {
                Some(owner) => format!("user {owner}"),
                None => format!("user {user} (this process) or root"),
            };
            return Err(OpenError::Owner {
                found: stat.st_uid,
                expected,
            });
        }
        if stat.st_uid != header.owner {
            return Err(OpenError::Owner {
                found: stat.st_uid,
                expected: format!("user {}", header.owner),
            });
        }
        let group = self.group.unwrap_or(header.group);
        if stat.st_gid != group {
            return Err(OpenError::Group {
                found: stat.st_gid,
                expected: group,
            });
        }
        let mode = stat.st_mode & 0o777;
        let excess = self.mode.map_or(0, |widest| mode & !widest & 0o777);
        if mode != header.mode || excess != 0 {
            let expected = if mode == header.mode {
                self.mode.unwrap_or(0)
            } else {
                header.mode
            };
            return Err(OpenError::Mode {
                found: mode,
                expected,
            });
        }
        Ok(())
    }
}
