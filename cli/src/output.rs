//! What `get` writes to: stdout, in batches, with a lease on every item until it is written.

use crate::exit::{Code, Outcome, Stop};
use crate::framing::Framing;
use ringpost::Lease;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

/// Written out when it has grown to this.
const BATCH_BYTES: usize = 64 << 10;

/// Items on their way to stdout.
#[derive(Debug)]
pub(crate) struct Output {
    stdout: File,
    framing: Framing,
    bytes: Vec<u8>,
    /// Each item in `bytes`, not acknowledged yet, and where it ends there.
    items: Vec<(Lease, usize)>,
    most_items: usize,
    written: u64,
}

impl Output {
    /// Holds at most `most_items` items at once.
    pub(crate) fn new(framing: Framing, most_items: usize) -> io::Result<Self> {
        // Past std's buffer, which would write out each line.
        let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let (bytes, items) = (Vec::with_capacity(BATCH_BYTES), Vec::new());
        Ok(Output {
            stdout,
            framing,
            bytes,
            items,
            most_items: most_items.max(1),
            written: 0,
        })
    }

    /// How many items have been written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// How many items have been taken: those that were written and those that are leased.
    pub(crate) fn taken(&self) -> u64 {
        self.written + self.items.len() as u64
    }

    /// Adds an item, and writes everything out if that is enough for a batch.
    pub(crate) fn add(&mut self, item: Lease) -> Outcome {
        let start = self.bytes.len();
        if let Err(stop) = self.framing.encode(&item, &mut self.bytes) {
            self.bytes.truncate(start);
            return Err(stop);
        }
        self.items.push((item, self.bytes.len()));
        if self.items.len() >= self.most_items || self.bytes.len() >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes out what is held, and acknowledges it.
    ///
    /// When stdout fails, the items that it did not take whole are given back: somebody else gets them.
    pub(crate) fn flush(&mut self) -> Outcome {
        let mut done = 0;
        let mut outcome = Ok(());
        while done < self.bytes.len() {
            match self.stdout.write(&self.bytes[done..]) {
                Ok(0) => outcome = Err(io::Error::from(io::ErrorKind::WriteZero)),
                Ok(length) => done += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_for_room(),
                Err(error) => outcome = Err(error),
            }
            if outcome.is_err() {
                break;
            }
        }
        self.bytes.clear();
        for (item, end) in self.items.drain(..) {
            if end <= done {
                self.written += 1;
                item.ack()?;
            } else {
                item.give_back();
            }
        }
        outcome.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::quiet(Code::BrokenPipe),
            _ => Stop::failed(error).context("writing to stdout"),
        })
    }

    /// Whether stdout is a pipe that nobody reads any more.
    pub(crate) fn is_broken(&self) -> bool {
        let mut fds = [PollFd::new(&self.stdout, PollFlags::empty())];
        let polled = poll(&mut fds, Some(&Timespec::default()));
        polled.is_ok() && fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
    }

    /// For a stdout that someone has set to non-blocking.
    fn wait_for_room(&self) {
        let _ = poll(&mut [PollFd::new(&self.stdout, PollFlags::OUT)], None);
    }
}
