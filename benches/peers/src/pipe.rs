//! A pipe.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::{PIPE_BUF, PipeFlags, fcntl_setpipe_size, pipe_with};

use crate::records::{Input, Output, Reader, Wait, Writer};
use crate::{About, Peer, Place, Spec, Unfit};

/// The largest pipe that a user may have, unless the administrator says otherwise.
const LARGEST: usize = 1 << 20;

/// The peer.
pub struct Pipe;

/// One end, twice: whether a call waits is a property of the open file.
pub struct End {
    waiting: OwnedFd,
    polling: OwnedFd,
}

/// Both ends.
pub struct Ends {
    input: End,
    output: End,
    record: usize,
    receivers: usize,
}

impl Peer for Pipe {
    const ABOUT: About = About {
        name: "pipe",
        version: "the kernel's",
        place: Place::Processes,
        many_to_many: true,
        polls: true,
        blocks: true,
        in_place: false,
        batches: false,
        claims_before_writing: false,
        locks: true,
        longest: None,
        note: "the only receiver of a pipe reads up to 64 KiB in a call; between several senders only 4 KiB are whole",
    };
    type Setup = Ends;
    type Sender = Writer<End>;
    type Receiver = Reader<End>;

    fn set_up(spec: &Spec) -> Result<Ends, Unfit> {
        if spec.senders.max(spec.receivers) > 1 && spec.payload > PIPE_BUF {
            return Err(Unfit(format!(
                "several senders would mix their payloads: a pipe keeps {PIPE_BUF} bytes together"
            )));
        }
        let (input, output) = pipe_with(PipeFlags::CLOEXEC).map_err(unfit)?;
        let wanted = (spec.depth * spec.payload).clamp(PIPE_BUF, LARGEST);
        fcntl_setpipe_size(&output, wanted.next_power_of_two()).map_err(unfit)?;
        Ok(Ends {
            input: End::of(input, OFlags::RDONLY)?,
            output: End::of(output, OFlags::WRONLY)?,
            record: spec.payload,
            receivers: spec.receivers,
        })
    }

    fn sender(setup: &Ends, _index: usize) -> Result<Writer<End>, Unfit> {
        Ok(Writer::new(setup.output.share()?, setup.record))
    }

    fn receiver(setup: &Ends, _index: usize) -> Result<Reader<End>, Unfit> {
        let input = setup.input.share()?;
        Ok(Reader::new(input, setup.record, setup.receivers))
    }
}

fn unfit(error: Errno) -> Unfit {
    Unfit(format!("no pipe: {error}"))
}

impl End {
    fn of(waiting: OwnedFd, mode: OFlags) -> Result<End, Unfit> {
        let path = format!("/proc/self/fd/{}", waiting.as_raw_fd());
        let flags = mode | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let polling = rustix::fs::open(path, flags, Mode::empty()).map_err(unfit)?;
        Ok(End { waiting, polling })
    }

    fn share(&self) -> Result<End, Unfit> {
        let copy = |fd: &OwnedFd| rustix::io::fcntl_dupfd_cloexec(fd, 0).map_err(unfit);
        Ok(End {
            waiting: copy(&self.waiting)?,
            polling: copy(&self.polling)?,
        })
    }

    #[inline]
    fn fd(&self, wait: Wait) -> &OwnedFd {
        match wait {
            Wait::Yes => &self.waiting,
            Wait::No => &self.polling,
        }
    }
}

impl Output for End {
    #[inline]
    fn write(&self, bytes: &[u8], wait: Wait) -> Result<usize, Errno> {
        rustix::io::write(self.fd(wait), bytes)
    }
}

impl Input for End {
    #[inline]
    fn read(&self, buffer: &mut [u8], wait: Wait) -> Result<usize, Errno> {
        rustix::io::read(self.fd(wait), buffer)
    }
}
