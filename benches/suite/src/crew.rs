//! The workers of a run: threads or forked processes, pinned, started together, never waited for without end.

use crate::board::{Board, Seat, State};
use crate::controller::{self, Control};
use crate::cpus;
use crate::failure::{Failure, Kind};
use crate::histogram::Counts;
use ringpost_peers::Place;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

/// How long workers may take to open their ends, or to end when they are asked to.
#[cfg(not(test))]
pub const PATIENCE: Duration = Duration::from_secs(4);
/// The suite's own tests have peers that hang.
#[cfg(test)]
pub const PATIENCE: Duration = Duration::from_secs(1);

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The `usize`-th sender.
    Sender(usize),
    /// The `usize`-th receiver.
    Receiver(usize),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Sender(index) => write!(f, "sender {index}"),
            Part::Receiver(index) => write!(f, "receiver {index}"),
        }
    }
}

/// What a worker has done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Items that it sent or received.
    pub items: u64,
    /// A sum that tells these items from others.
    pub digest: u64,
    /// What it measured.
    pub histograms: Vec<Counts>,
}

/// A worker's whole life.
pub type Work<'e> = Box<dyn FnOnce(&Seat<'e>) -> Result<Report, Failure> + Send + 'e>;

struct Member {
    part: Part,
    child: Option<Pid>,
    report: Arc<File>,
}

/// The workers of a run.
pub struct Crew<'s, 'e> {
    board: &'e Board,
    cpus: Vec<usize>,
    scope: Option<&'s Scope<'s, 'e>>,
    members: Vec<Member>,
}

/// Runs `drive` with an empty crew.
///
/// # Errors
///
/// What `drive` fails with. Processes are killed then; with threads the whole process ends, since one cannot end a thread.
pub fn run<'e, T>(
    control: &Control,
    place: Place,
    board: &'e Board,
    drive: impl FnOnce(&mut Crew<'_, 'e>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match place {
        Place::Processes => {
            let mut crew = Crew::new(board, None);
            let done = catch_unwind(AssertUnwindSafe(|| drive(&mut crew)));
            (0..crew.members.len()).for_each(|index| crew.kill(index));
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        }
        Place::Threads => thread::scope(|scope| {
            drive_threads(control, || drive(&mut Crew::new(board, Some(scope))))
        }),
    }
}

fn drive_threads<T>(
    control: &Control,
    drive: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(drive)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(failure)) => control.give_up(&failure),
        Err(panic) => {
            let reason = format!("it panicked: {}", controller::panic_text(&*panic));
            control.give_up(&Failure::new(Kind::Crashed, reason))
        }
    }
}

impl<'s, 'e> Crew<'s, 'e> {
    fn new(board: &'e Board, scope: Option<&'s Scope<'s, 'e>>) -> Crew<'s, 'e> {
        Crew {
            board,
            cpus: cpus::allowed(),
            scope,
            members: Vec::new(),
        }
    }

    /// Starts a worker.
    pub fn add(&mut self, part: Part, work: Work<'e>) {
        let member = self.start(self.members.len(), part, work);
        self.members.push(member);
    }

    /// Starts another worker in the place of one that has ended.
    pub fn replace(&mut self, index: usize, work: Work<'e>) {
        let part = self.members[index].part;
        self.board.seat(index).clear();
        self.members[index] = self.start(index, part, work);
    }

    fn start(&self, index: usize, part: Part, work: Work<'e>) -> Member {
        let cpu = match part {
            Part::Sender(index) => cpus::of_sender(&self.cpus, index),
            Part::Receiver(index) => cpus::of_receiver(&self.cpus, index),
        };
        let report = Arc::new(controller::memory_file());
        let file = Arc::clone(&report);
        let seat = self.board.seat(index);
        let live = move || live(&seat, cpu, work, &file);
        let child = match self.scope {
            Some(scope) => {
                scope.spawn(live);
                None
            }
            None => match controller::fork() {
                None => {
                    use rustix::process::set_parent_process_death_signal;
                    let _ = set_parent_process_death_signal(Some(Signal::KILL));
                    live();
                    controller::exit(0)
                }
                child => child,
            },
        };
        Member {
            part,
            child,
            report,
        }
    }

    /// Waits until all have opened their ends, and lets them begin.
    pub fn begin(&mut self) -> Result<(), Failure> {
        self.wait(State::Ready, "opening its end takes", PATIENCE)?;
        self.board.go();
        Ok(())
    }

    /// Lets them work for this time.
    pub fn work(&mut self, time: Duration) -> Result<(), Failure> {
        thread::sleep(time);
        self.look()
    }

    /// Waits for the end of all, who have been asked to end.
    pub fn join(&mut self) -> Result<Vec<Report>, Failure> {
        if let Err(failure) = self.wait(State::Done, "", PATIENCE) {
            return Err(match failure.kind {
                Kind::Hung => self.explain(),
                _ => failure,
            });
        }
        for member in &mut self.members {
            if let Some(child) = member.child.take() {
                let _ = waitpid(Some(child), WaitOptions::empty());
            }
        }
        let reports = self.members.iter().map(|member| answer(&member.report));
        reports.collect()
    }

    /// Waits for the end of one worker, and whether it has ended by itself.
    pub fn ended(&mut self, index: usize, patience: Duration) -> Result<bool, Failure> {
        let deadline = Instant::now() + patience;
        while self.board.seat(index).state() != State::Done {
            if Instant::now() > deadline {
                return Ok(false);
            }
            self.work(Duration::from_millis(1))?;
        }
        if let Some(child) = self.members[index].child.take() {
            let _ = waitpid(Some(child), WaitOptions::empty());
        }
        Ok(true)
    }

    /// Kills a worker, which is a process.
    pub fn kill(&mut self, index: usize) {
        if let Some(child) = self.members[index].child.take() {
            let _ = kill_process(child, Signal::KILL);
            let _ = waitpid(Some(child), WaitOptions::empty());
        }
    }

    fn wait(&mut self, state: State, what: &str, patience: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + patience;
        loop {
            self.look()?;
            let mut late = (0..self.members.len())
                .filter(|&index| (self.board.seat(index).state() as u32) < state as u32);
            let Some(one) = late.next() else {
                return Ok(());
            };
            if Instant::now() > deadline {
                let part = self.members[one].part;
                let reason = format!("{part}: {what} more than {} s", patience.as_secs());
                return Err(Failure::new(Kind::Hung, reason));
            }
            thread::sleep(Duration::from_micros(300));
        }
    }

    /// Looks for workers that have failed or died.
    fn look(&mut self) -> Result<(), Failure> {
        for (index, member) in self.members.iter_mut().enumerate() {
            let state = || self.board.seat(index).state();
            if state() == State::Failed {
                let failed: Result<Report, Failure> = answer(&member.report);
                failed?;
            }
            let Some(child) = member.child else { continue };
            let Ok(Some((_, status))) = waitpid(Some(child), WaitOptions::NOHANG) else {
                continue;
            };
            member.child = None;
            if state() != State::Done && state() != State::Failed {
                let how = match status.terminating_signal() {
                    Some(signal) => format!("was killed by signal {signal}"),
                    None => "ended in the middle of its work".into(),
                };
                let reason = format!("it crashed: {} {how}", member.part);
                return Err(Failure::new(Kind::Crashed, reason));
            }
        }
        Ok(())
    }

    /// Why the workers do not end.
    fn explain(&self) -> Failure {
        let seats = || (0..self.members.len()).map(|i| (self.members[i].part, self.board.seat(i)));
        let sum = |sends: bool| -> u64 {
            let those = seats().filter(|(part, _)| matches!(part, Part::Sender(_)) == sends);
            those.map(|(_, seat)| seat.counted()).sum()
        };
        let late: Vec<_> = seats()
            .filter(|(_, seat)| seat.state() != State::Done)
            .map(|(part, _)| part)
            .collect();
        let names: Vec<_> = late.iter().map(Part::to_string).collect();
        let (sent, got) = (sum(true), sum(false));
        let waits = late.iter().all(|part| matches!(part, Part::Receiver(_)));
        thread::sleep(PATIENCE / 4);
        let more = sum(false) - got;
        let why = if more > 0 {
            let rate = more as f64 / (PATIENCE / 4).as_secs_f64();
            format!("it is too slow to be emptied, {rate:.0} items a second")
        } else if waits {
            "every sender has ended: items were lost, or a sleeper was not woken".into()
        } else {
            "they hang".to_owned()
        };
        let reason = format!(
            "{} did not end within {} s ({sent} sent, {got} received): {why}",
            names.join(", "),
            PATIENCE.as_secs()
        );
        Failure::new(Kind::Hung, reason)
    }
}

/// A worker from its first to its last moment.
fn live<'e>(seat: &Seat<'e>, cpu: usize, work: Work<'e>, report: &File) {
    seat.sit_down();
    let done = catch_unwind(AssertUnwindSafe(|| {
        cpus::pin(cpu);
        work(seat)
    }));
    let done = done.unwrap_or_else(|panic| {
        let reason = format!("it panicked: {}", controller::panic_text(&*panic));
        Err(Failure::new(Kind::Crashed, reason))
    });
    let mut file = BufWriter::new(report);
    let written = serde_json::to_writer(&mut file, &done).is_ok() && file.flush().is_ok();
    seat.set_state(if written && done.is_ok() {
        State::Done
    } else {
        State::Failed
    });
}

fn answer(report: &File) -> Result<Report, Failure> {
    let read = || -> Option<Result<Report, Failure>> {
        let mut file = report.try_clone().ok()?;
        file.seek(SeekFrom::Start(0)).ok()?;
        serde_json::from_reader(std::io::BufReader::new(file)).ok()
    };
    read().unwrap_or_else(|| Err(Failure::new(Kind::Crashed, "a worker left no report")))
}
