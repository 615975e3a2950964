//! Ending processes that a killed one has left.
//!
//! A worker and its guards are *child subreapers*: what their dead descendants leave becomes theirs. So it is enough to kill
//! one's own children until there are none left: whoever they leave comes up to be the next. Only the parent frees a
//! process's number, so a child that is not waited for yet is the one that was seen.

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
};
use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

const SHORTEST_NAP: Duration = Duration::from_micros(200);
const LONGEST_NAP: Duration = Duration::from_millis(20);

/// From now on, what this process's descendants leave is this process's.
pub(super) fn adopt() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Kills every child, and every one that comes up for it; returns when there is none left.
///
/// `round` does a [`round`], with whatever lock keeps new children away meanwhile. A process that may not be killed, as one
/// of another user, is waited for.
pub(super) fn end_all(mut round: impl FnMut() -> io::Result<bool>) -> io::Result<()> {
    let mut nap = SHORTEST_NAP;
    while round()? {
        thread::sleep(nap);
        nap = LONGEST_NAP.min(2 * nap);
    }
    Ok(())
}

/// Kills all children but those to `keep`, and waits for those that have ended. Says whether there were any: if not, there is
/// no descendant but theirs either, since the uppermost of them would have been a child all the time.
pub(super) fn round(keep: &[Pid]) -> io::Result<bool> {
    let mut any = false;
    for child in children()?
        .into_iter()
        .filter(|child| !keep.contains(child))
    {
        any = true;
        let _ = kill_process(child, Signal::KILL);
        match waitpid(Some(child), WaitOptions::NOHANG) {
            Ok(_) | Err(Errno::CHILD | Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(any)
}

/// All processes whose parent is this one, ended ones that were not waited for included.
fn children() -> io::Result<Vec<Pid>> {
    let me = getpid();
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else {
            continue;
        };
        // One that has gone meanwhile is nobody's child.
        let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
        if parent(&stat) == Some(me) {
            children.push(pid);
        }
    }
    Ok(children)
}

/// `PID (COMMAND) STATE PARENT …`; the command may hold anything.
fn parent(stat: &[u8]) -> Option<Pid> {
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(&stat[end + 1..]).ok()?;
    Pid::from_raw(rest.split_whitespace().nth(1)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_behind_any_name() {
        let two = Pid::from_raw(2);
        for stat in ["1 (sh) S 2 3 4", "1 (a) S 9 (b) R 2 3", "1 (x\n) ) Z 2"] {
            assert_eq!(parent(stat.as_bytes()), two, "{stat}");
        }
        assert_eq!(parent(b""), None);
        assert_eq!(parent(b"1 (kthreadd) S 0 0"), None);
    }
}
