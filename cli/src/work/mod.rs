//! `ringpost work`: a command is run for each item.
//!
//! A *worker* leases the items, and has as many *slots* as jobs may run at once. Each slot has a *guard*, a process that
//! starts the commands through *launchers* and dies last. Whichever of them is killed, nothing of a run is left when the item
//! is run again:
//!
//! - the worker: its guards kill what runs, and hold the locks of the items so long;
//! - a guard: the worker kills what it has left, holds the lock so long, and then refuses the item;
//! - both: the kernel kills the commands; what those have started keeps the lock, unless it has closed all descriptors;
//! - a command: its item is refused.

mod channel;
pub(crate) mod guard;
mod guards;
pub(crate) mod launch;
mod lock;
mod orphans;
mod slot;

use crate::args::WorkArgs;
use crate::exit::{Code, Outcome, Stop, complain};
use crate::progress::{Progress, Unit};
use crate::signals::Signals;
use crate::units::{count, rate, thousands};
use guards::Guards;
use rustix::fs::{Access, access};
use rustix::io::Errno;
use slot::{Bench, Event, Slot, cannot_run};
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// A look at the signals at least this often.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) fn run(args: &WorkArgs) -> Outcome {
    let program = args.command[0].to_string_lossy().into_owned();
    // Found out with an item, it would cost that a delivery.
    check(&args.command[0]).map_err(|error| cannot_run(&program, &error))?;
    let signals = Signals::install_counting()?;
    let queue = ringpost::open(&args.name)?;
    orphans::adopt()?;
    let total = args.until_empty.then(|| queue.len() as u64);
    let wanted = !args.quiet && !io::stdout().is_terminal();
    let progress = Progress::new(total, Unit::Items, wanted);
    let bench = Bench {
        guards: Guards::new(args.command.clone()),
        program,
        as_argument: launch::wants_argument(&args.command),
        most_deliveries: args.max_deliveries.min(queue.stats().max_deliveries),
        until_empty: args.until_empty,
        stopping: false.into(),
        queue,
    };
    let (sender, events) = mpsc::channel();
    thread::scope(|scope| {
        let slots = (0..args.jobs).map(|_| {
            let slot = Slot::new(&bench, sender.clone());
            scope.spawn(|| slot.work())
        });
        let slots: Vec<_> = slots.collect();
        drop(sender);
        let mut foreman = Foreman {
            bench: &bench,
            signals,
            progress,
            heeded: 0,
            tally: Tally::default(),
        };
        foreman.watch(&events);
        let ended = slots.into_iter().map(|slot| slot.join().expect("no panic"));
        let outcome = ended.fold(Ok(()), Outcome::and);
        foreman.finish(outcome, args.quiet)
    })
}

/// What has become of the items.
#[derive(Debug, Default)]
struct Tally {
    running: u64,
    done: u64,
    failed: u64,
    quarantined: u64,
    given_back: u64,
}

/// Listens to the slots, to the signals, and talks to the user.
struct Foreman<'a> {
    bench: &'a Bench,
    signals: Signals,
    progress: Progress,
    /// How many signals have been obeyed.
    heeded: usize,
    tally: Tally,
}

impl Foreman<'_> {
    /// Returns when all slots are done.
    fn watch(&mut self, events: &Receiver<Event>) {
        loop {
            match events.recv_timeout(LOOK) {
                Ok(event) => self.count(event),
                Err(RecvTimeoutError::Timeout) => self.progress.look(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.obey();
        }
    }

    fn count(&mut self, event: Event) {
        let tally = &mut self.tally;
        let text = match event {
            Event::Began => {
                tally.running += 1;
                return;
            }
            Event::Waits(text) => return self.progress.aside(|| complain(text)),
            Event::Done => {
                tally.done += 1;
                None
            }
            Event::GivenBack => {
                tally.given_back += 1;
                None
            }
            Event::Failed(text) => {
                tally.failed += 1;
                Some(text)
            }
            Event::Quarantined(text) => {
                tally.quarantined += 1;
                Some(text)
            }
        };
        tally.running -= 1;
        let over = tally.done + tally.quarantined;
        if let Some(text) = text {
            self.progress.aside(|| complain(text));
        }
        self.progress.set(over);
    }

    /// The first signal lets what runs come to its end, the second kills it; the third waits for nothing.
    fn obey(&mut self) {
        let arrived = self.signals.count();
        if arrived > 0 && self.heeded == 0 {
            self.bench.stopping.store(true, Ordering::Relaxed);
            let jobs = count(self.tally.running, "job");
            if self.tally.running > 0 {
                self.progress
                    .aside(|| complain(format!("waits for {jobs}; Ctrl-C again kills them")));
            }
        }
        if arrived > 1 && self.heeded < 2 {
            self.bench.guards.end_all();
        }
        if arrived > 2 {
            // The guards go on without this process.
            std::process::exit(self.signals.code().number().into());
        }
        self.heeded = arrived;
    }

    fn finish(self, outcome: Outcome, quiet: bool) -> Outcome {
        let (tally, progress) = (self.tally, self.progress);
        let time = progress.elapsed();
        drop(progress);
        if !quiet {
            complain(tally.summary(time));
        }
        outcome?;
        if self.heeded > 0 {
            return Err(self.signals.stop());
        }
        match tally.quarantined {
            0 => Ok(()),
            _ => Err(Stop::quiet(Code::Quarantined)),
        }
    }
}

impl Tally {
    fn summary(&self, time: Duration) -> String {
        let seconds = time.as_secs_f64();
        let [done, failed, quarantined] = [self.done, self.failed, self.quarantined].map(thousands);
        let given_back = match self.given_back {
            0 => String::new(),
            number => format!(", {} given back", thousands(number)),
        };
        let rate = rate(self.done as f64 / seconds, "/s");
        format!(
            "{done} done, {failed} failed, {quarantined} quarantined{given_back}; \
             {seconds:.2} s, {rate}"
        )
    }
}

/// Whether there is such a command, and this user may run it.
fn check(program: &OsStr) -> io::Result<()> {
    let runnable = |path: &Path| {
        let found = path.metadata()?;
        match found.is_file() {
            true => Ok(access(path, Access::EXEC_OK)?),
            false => Err(io::ErrorKind::PermissionDenied.into()),
        }
    };
    if program.as_encoded_bytes().contains(&b'/') {
        return runnable(Path::new(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    let mut folders = std::env::split_paths(&path);
    match folders.any(|folder| runnable(&folder.join(program)).is_ok()) {
        true => Ok(()),
        false => Err(Errno::NOENT.into()),
    }
}
