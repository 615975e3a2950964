//! Real processes for the contestants: forked, pinned, started together, bounded in time.

use super::area::Area;
use super::{clock, cpus};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open,
    set_parent_process_death_signal, waitpid,
};
use rustix::time::Timespec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

/// How many words a worker may report.
pub(crate) const RESULTS: usize = 8;
/// A run that takes longer than this hangs: its processes are killed and the benchmark fails.
const LIMIT: Duration = Duration::from_secs(60);

const READY: usize = 0;
const GO: usize = 128;
const PLACES: usize = 256;
const PLACE_BYTES: usize = 256;
const STARTED: usize = 0;
const ENDED: usize = 8;
const REPORT: usize = 64;

/// One process that is to run: where, and what.
struct Worker<'a> {
    cpu: usize,
    work: Box<dyn FnOnce(&Place<'_>) + 'a>,
}

/// The processes of one run.
#[derive(Default)]
pub(crate) struct Crew<'a> {
    workers: Vec<Worker<'a>>,
}

/// A worker's side of the board that all processes of a run share.
pub(crate) struct Place<'a> {
    board: &'a Area,
    at: usize,
}

/// What a run led to.
pub(crate) struct Outcome {
    /// From the first worker's start to the last one's end.
    pub(crate) elapsed: Duration,
    /// What each worker reported, in the order in which they were added.
    pub(crate) reports: Vec<[u64; RESULTS]>,
}

impl Place<'_> {
    /// Says that this worker is prepared, and waits until all are. The clock starts.
    pub(crate) fn start(&self) {
        self.board.u32_at(READY).fetch_add(1, Release);
        while self.board.u32_at(GO).load(Acquire) == 0 {
            // More workers than processors: the others must get ready too.
            std::thread::yield_now();
        }
        let started = self.board.u64_at(self.at + STARTED);
        started.store(clock::now_ns(), Relaxed);
    }

    /// The clock stops.
    pub(crate) fn end(&self) {
        let ended = self.board.u64_at(self.at + ENDED);
        ended.store(clock::now_ns(), Relaxed);
    }

    /// Leaves results for the parent.
    pub(crate) fn report(&self, results: &[u64]) {
        assert!(results.len() <= RESULTS);
        for (i, &result) in results.iter().enumerate() {
            let word = self.board.u64_at(self.at + REPORT + 8 * i);
            word.store(result, Relaxed); // the parent reads after this process has ended
        }
    }
}

impl<'a> Crew<'a> {
    /// Adds a process on `cpu`. Its work calls `start` and `end` of its place once.
    pub(crate) fn add(&mut self, cpu: usize, work: impl FnOnce(&Place<'_>) + 'a) {
        let work = Box::new(work);
        self.workers.push(Worker { cpu, work });
    }

    /// Runs all workers, each as a process of its own.
    pub(crate) fn run(self) -> Outcome {
        let board = Area::new(PLACES + self.workers.len() * PLACE_BYTES);
        let count = self.workers.len();
        let mut children = Children(Vec::new());
        for (i, worker) in self.workers.into_iter().enumerate() {
            let place = Place {
                board: &board,
                at: PLACES + i * PLACE_BYTES,
            };
            children.0.push(spawn(worker, &place));
        }
        let deadline = Instant::now() + LIMIT;
        while (board.u32_at(READY).load(Acquire) as usize) < count {
            children.fail_if_late(deadline);
            std::thread::sleep(Duration::from_micros(50));
        }
        board.u32_at(GO).store(1, Release);
        children.join(deadline);
        let word = |i: usize, offset: usize| {
            let word = board.u64_at(PLACES + i * PLACE_BYTES + offset);
            word.load(Relaxed)
        };
        let started = (0..count).map(|i| word(i, STARTED)).min().unwrap_or(0);
        let ended = (0..count).map(|i| word(i, ENDED)).max().unwrap_or(0);
        assert!(ended >= started, "a worker did not stop its clock");
        Outcome {
            elapsed: Duration::from_nanos(ended - started),
            reports: (0..count)
                .map(|i| std::array::from_fn(|r| word(i, REPORT + 8 * r)))
                .collect(),
        }
    }
}

fn spawn(worker: Worker<'_>, place: &Place<'_>) -> Pid {
    // SAFETY: the child runs its closure and ends by `_exit`. glibc makes memory allocation work after a fork of a process
    // with threads, and the closures take no other lock that a thread of the parent could hold.
    let pid = unsafe { libc::fork() };
    match Pid::from_raw(pid) {
        Some(_) if pid < 0 => panic!("fork: {}", std::io::Error::last_os_error()),
        Some(child) => child,
        None => {
            let Worker { cpu, work } = worker;
            let done = catch_unwind(AssertUnwindSafe(|| {
                set_parent_process_death_signal(Some(Signal::KILL)).expect("prctl");
                cpus::pin(cpu);
                work(place);
            }));
            // SAFETY: ends this process at once, without the parent's destructors.
            unsafe { libc::_exit(i32::from(done.is_err())) }
        }
    }
}

/// Processes that are still to be waited for; a panic kills them.
struct Children(Vec<Pid>);

impl Children {
    fn fail_if_late(&self, deadline: Instant) {
        assert!(Instant::now() < deadline, "the run takes too long");
        for &child in &self.0 {
            let ended = waitpid(Some(child), WaitOptions::NOHANG).expect("waitpid");
            assert!(ended.is_none(), "a worker ended before it started");
        }
    }

    /// Waits for all, without polling: the processors belong to the workers.
    fn join(&mut self, deadline: Instant) {
        while let Some(&child) = self.0.last() {
            let fd = pidfd_open(child, PidfdFlags::empty()).expect("pidfd_open");
            let left = deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).expect("at most a minute");
            let ended = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&left)).expect("poll");
            assert!(ended > 0, "the run takes too long");
            let (_, status) = waitpid(Some(child), WaitOptions::empty())
                .expect("waitpid")
                .expect("it has ended");
            self.0.pop();
            assert_eq!(status.exit_status(), Some(0), "a worker failed");
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for &child in &self.0 {
            let _ = kill_process(child, Signal::KILL);
            let _ = waitpid(Some(child), WaitOptions::empty());
        }
    }
}
