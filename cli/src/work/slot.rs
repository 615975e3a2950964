//! One of the jobs that run at once: takes an item, has the command run for it, and decides what becomes of it.

use super::channel::{End, Job};
use super::guards::{Guard, Guards};
use super::lock;
use crate::exit::{Outcome, Stop};
use crate::units::count;
use ringpost::{BytesQueue, GetError, Lease};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

/// When the wait for what an earlier run has left is worth a word.
const LONG: Duration = Duration::from_secs(1);

/// What all jobs of a worker share.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) queue: BytesQueue,
    pub(super) guards: Guards,
    /// The command's name, for people.
    pub(super) program: String,
    /// The item goes into the arguments.
    pub(super) as_argument: bool,
    /// An item whose delivery of this number fails goes into the quarantine.
    pub(super) most_deliveries: u32,
    pub(super) until_empty: bool,
    /// No more items are taken.
    pub(super) stopping: AtomicBool,
}

impl Bench {
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// What has become of an item.
#[derive(Debug)]
pub(super) enum Event {
    Began,
    Done,
    /// It is delivered again.
    Failed(String),
    Quarantined(String),
    /// It is delivered again because this worker does not want to go on.
    GivenBack,
    /// Nothing yet.
    Waits(String),
}

/// What a run has shown.
enum Verdict {
    Done,
    Failed(String),
    /// It was not run to its end, because the worker is to stop.
    Interrupted,
}

#[derive(Debug)]
pub(super) struct Slot<'a> {
    bench: &'a Bench,
    events: Sender<Event>,
    guard: Option<Guard>,
}

impl<'a> Slot<'a> {
    pub(super) fn new(bench: &'a Bench, events: Sender<Event>) -> Slot<'a> {
        let guard = None;
        Slot {
            bench,
            events,
            guard,
        }
    }

    /// Works until there is no more to do. If that fails, no other slot takes another item.
    pub(super) fn work(mut self) -> Outcome {
        let outcome = self.work_on();
        if outcome.is_err() {
            self.bench.stopping.store(true, Ordering::Relaxed);
        }
        let dismissed = self.guard.map(|guard| self.bench.guards.dismiss(guard));
        outcome.and(Ok(dismissed.transpose().map(drop)?))
    }

    fn work_on(&mut self) -> Outcome {
        while let Some(item) = self.next()? {
            self.tell(Event::Began);
            let event = self.treat(item)?;
            self.tell(event);
        }
        Ok(())
    }

    fn next(&self) -> Result<Option<Lease>, Stop> {
        let Bench { queue, .. } = self.bench;
        if self.bench.is_stopping() {
            return Ok(None);
        }
        let got = match self.bench.until_empty {
            false => queue.lease_interruptible(None, || self.bench.is_stopping()),
            true => match queue.try_lease() {
                // What a killed worker has left belongs to what is there.
                Err(GetError::Empty) => {
                    queue.recover()?;
                    queue.try_lease()
                }
                got => got,
            },
        };
        match got {
            Ok(item) => Ok(Some(item)),
            Err(GetError::Empty | GetError::Closed | GetError::Interrupted) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Decides about one item. An error refuses it as well.
    fn treat(&mut self, item: Lease) -> Result<Event, Stop> {
        let (position, most) = (item.position(), self.bench.most_deliveries);
        let deliveries = item.deliveries();
        if deliveries > most {
            item.quarantine()?;
            let times = count(u64::from(deliveries - 1), "time");
            return Ok(Event::Quarantined(format!(
                "item {position} quarantined, not run: delivered {times}, and never came to an end"
            )));
        }
        let why = match self.run(&item)? {
            Verdict::Done => {
                item.ack()?;
                return Ok(Event::Done);
            }
            Verdict::Interrupted => {
                item.refuse();
                return Ok(Event::GivenBack);
            }
            Verdict::Failed(why) => why,
        };
        if deliveries < most {
            item.refuse();
            let text = format!("item {position} failed, delivery {deliveries} of {most}: {why}");
            return Ok(Event::Failed(text));
        }
        item.quarantine()?;
        let text = format!("item {position} quarantined, delivery {deliveries} of {most}: {why}");
        Ok(Event::Quarantined(text))
    }

    /// Runs the command for an item, once no other run of it is left. The lock is free again when this returns, but for what
    /// the command has left in the background.
    fn run(&mut self, item: &Lease) -> Result<Verdict, Stop> {
        if self.bench.as_argument && item.contains(&0) {
            let why = "a NUL byte cannot be in an argument".into();
            return Ok(Verdict::Failed(why));
        }
        let position = item.position();
        let Some(lock) = self.lock(position)? else {
            return Ok(Verdict::Interrupted);
        };
        let job = Job {
            position,
            deliveries: item.deliveries(),
            lock,
            payload: file_of(item)?,
        };
        Ok(match self.guarded(&job)? {
            Some(End::Exited(0)) => Verdict::Done,
            Some(End::Exited(code)) => Verdict::Failed(format!("exit code {code}")),
            Some(End::Killed(signal)) => Verdict::Failed(format!("killed by signal {signal}")),
            Some(End::NotRun(Errno::TOOBIG)) if self.bench.as_argument => {
                let length = count(item.len() as u64, "byte");
                Verdict::Failed(format!("{length} are too long for an argument"))
            }
            // Not this item's fault, and the next one would fare no better.
            Some(End::NotRun(errno)) => {
                let why = io::Error::from(errno);
                return Err(cannot_run(&self.bench.program, &why));
            }
            None if self.bench.guards.have_ended() => Verdict::Interrupted,
            None => Verdict::Failed("its guard was killed".into()),
        })
    }

    /// `None`: the worker is to stop.
    fn lock(&self, position: u64) -> Result<Option<OwnedFd>, Stop> {
        let mut told = false;
        let patient = |waited: Duration| {
            if waited >= LONG && !told {
                told = true;
                self.tell(Event::Waits(format!(
                    "item {position} waits for a process that an earlier run of it has left"
                )));
            }
            !self.bench.is_stopping()
        };
        lock::take(&self.bench.queue, position, patient)
            .map_err(|error| Stop::failed(error).context("locking an item"))
    }

    /// Has a guard run the job. `None`: the guard was killed, and so is all that it had started.
    fn guarded(&mut self, job: &Job) -> Result<Option<End>, Stop> {
        let guards = &self.bench.guards;
        // One that was killed while it had nothing to do is replaced.
        for _ in 0..2 {
            let guard = match self.guard.take() {
                Some(guard) => guard,
                None => match guards.start()? {
                    Some(guard) => guard,
                    None => return Ok(None),
                },
            };
            let has_it = guard.begin(job).is_ok();
            if has_it && let Some(end) = guard.end()? {
                self.guard = Some(guard);
                return Ok(Some(end));
            }
            guards.bury(guard)?;
            if has_it {
                return Ok(None);
            }
        }
        Err(Stop::failed("the guard of a job ends at once"))
    }

    fn tell(&self, event: Event) {
        // Nobody listens any more after the last Ctrl-C.
        let _ = self.events.send(event);
    }
}

/// A file in memory with the payload.
fn file_of(item: &[u8]) -> io::Result<OwnedFd> {
    let file = File::from(memfd_create(c"ringpost-item", MemfdFlags::CLOEXEC)?);
    // Not from where the file stands: the command begins to read there.
    file.write_all_at(item, 0)?;
    Ok(file.into())
}

pub(super) fn cannot_run(program: &str, why: &io::Error) -> Stop {
    Stop::failed(format!("cannot run {program}: {why}"))
}
