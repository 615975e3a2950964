//! What `get` writes to: stdout, in batches, with a hold on every item until it is written.

use crate::exit::{Code, Outcome, Stop};
use crate::framing::Framing;
use crate::units::count;
use ringpost::{BytesQueue, Message};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Written out when it has grown to this.
const BATCH_BYTES: usize = 64 << 10;
/// How long items that go back wait for room in the queue.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Items on their way to stdout.
#[derive(Debug)]
pub(crate) struct Output {
    stdout: File,
    framing: Framing,
    bytes: Vec<u8>,
    /// Each item in `bytes`, still held, and where it ends there.
    items: Vec<(Message, usize)>,
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

    /// How many items have been taken: those that were written and those that are held.
    pub(crate) fn taken(&self) -> u64 {
        self.written + self.items.len() as u64
    }

    /// Adds an item, and writes everything out if that is enough for a batch.
    pub(crate) fn add(&mut self, item: Message, queue: &BytesQueue) -> Outcome {
        let start = self.bytes.len();
        if let Err(stop) = self.framing.encode(&item, &mut self.bytes) {
            self.bytes.truncate(start);
            give_back(queue, [item])?;
            return Err(stop);
        }
        self.items.push((item, self.bytes.len()));
        if self.items.len() >= self.most_items || self.bytes.len() >= BATCH_BYTES {
            self.flush(queue)?;
        }
        Ok(())
    }

    /// Writes out what is held, and lets go of it.
    ///
    /// When stdout fails, the items that it did not take go back into the queue.
    pub(crate) fn flush(&mut self, queue: &BytesQueue) -> Outcome {
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
        let unwritten = self.items.partition_point(|&(_, end)| end <= done);
        let returned = self.items.split_off(unwritten);
        self.written += self.items.len() as u64;
        self.items.clear();
        give_back(queue, returned.into_iter().map(|(item, _)| item))?;
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

/// Puts items back that were taken and could not be written, at the end of the queue.
///
/// A queue that stays full, or is shut down, does not take them: then they are lost, and this fails.
fn give_back(queue: &BytesQueue, items: impl IntoIterator<Item = Message>) -> Outcome {
    let deadline = Instant::now() + LONGEST_WAIT;
    let mut lost = 0_u64;
    let mut reason = None;
    for item in items {
        // Not for Ctrl-C either: it would lose them.
        if let Err(error) = queue.put_deadline(&item, deadline) {
            lost += 1;
            reason = Some(error);
        }
    }
    match reason {
        None => Ok(()),
        Some(error) => Err(Stop::failed(format!(
            "{} could neither be written nor go back: {error}",
            count(lost, "item")
        ))),
    }
}
