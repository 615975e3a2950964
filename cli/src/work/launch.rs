//! The launcher: a fresh process that becomes the command.
//!
//! Before it knows its job it asks the kernel to kill it when its guard dies. That wish outlives the exec (a set-user-ID
//! program's excepted), so the command dies with its guard, also when nobody is left who could kill it.

use super::channel::{Channel, End, Job, Order};
use crate::args::CommandArgs;
use crate::exit::{Code, Outcome, Stop};
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// What an item replaces in an argument.
const PLACE: &[u8] = b"{}";

/// Whether the item goes into the arguments. The command's own name is never replaced.
pub(super) fn wants_argument(command: &[OsString]) -> bool {
    command.iter().skip(1).any(|one| find(one).is_some())
}

pub(crate) fn run(args: &CommandArgs) -> Outcome {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    // It may have died before that.
    if getppid().map(Pid::as_raw_pid) != Some(args.parent) {
        return Err(Stop::quiet(Code::Failed));
    }
    let channel = Channel::inherited()?;
    let Order::Run(job) = channel.order()? else {
        return Err(Stop::quiet(Code::Failed));
    };
    let error = become_command(&args.command, &job);
    let errno = Errno::from_io_error(&error).unwrap_or(Errno::INVAL);
    channel.report(End::NotRun(errno))?;
    Err(Stop::quiet(Code::Failed))
}

/// Returns only if that fails.
fn become_command(command: &[OsString], job: &Job) -> io::Error {
    let prepared = prepare(command, job);
    prepared.map_or_else(|error| error, |mut command| command.exec())
}

fn prepare(words: &[OsString], job: &Job) -> io::Result<Command> {
    let mut command = Command::new(&words[0]);
    let mut payload = File::from(open_again(&job.payload)?);
    if wants_argument(words) {
        let mut item = Vec::new();
        payload.read_to_end(&mut item)?;
        command.args(words[1..].iter().map(|word| replace(word, &item)));
        command.stdin(Stdio::null());
    } else {
        command.args(&words[1..]).stdin(payload);
    }
    command.env("RINGPOST_POSITION", job.position.to_string());
    command.env("RINGPOST_DELIVERIES", job.deliveries.to_string());
    // The command and all that it starts keep the lock.
    fcntl_setfd(&job.lock, FdFlags::empty())?;
    Ok(command)
}

/// The payload from its beginning, to be read only: the command's own.
fn open_again(payload: &OwnedFd) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", payload.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

fn find(word: &OsStr) -> Option<usize> {
    let word = word.as_bytes();
    word.windows(PLACE.len()).position(|part| part == PLACE)
}

fn replace(word: &OsStr, item: &[u8]) -> OsString {
    let (mut rest, mut out) = (word, Vec::new());
    while let Some(at) = find(rest) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        out.extend_from_slice(item);
        rest = OsStr::from_bytes(&rest.as_bytes()[at + PLACE.len()..]);
    }
    out.extend_from_slice(rest.as_bytes());
    OsString::from_vec(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_replaced_and_nothing_in_the_item_is() {
        let cases = [
            ("{}", "x{}y"),
            ("a{}", "ax{}y"),
            ("{}{}b", "x{}yx{}yb"),
            ("{ }", "{ }"),
            ("{{}}", "{x{}y}"),
        ];
        for (word, replaced) in cases {
            assert_eq!(replace(OsStr::new(word), b"x{}y"), replaced, "{word}");
        }
    }

    #[test]
    fn the_commands_name_is_no_place() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert!(!wants_argument(&words(&["{}", "a"])));
        assert!(wants_argument(&words(&["sh", "-c", "f {}"])));
    }
}
