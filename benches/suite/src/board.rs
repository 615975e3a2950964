//! Words that the workers of a run share with whoever drives it.

use ringpost_peers::area::Area;
use rustix::process::Pid;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

const GO: usize = 0;
const STOP: usize = 128;
const EPOCH: usize = 256;
const SENDING: usize = 384;
const GIVE_UP: usize = 448;
const NOTES: usize = 512;
const SEATS: usize = 1024;

const SEAT: usize = 512;
const COUNT: usize = 0;
const LAST: usize = 8;
const LONGEST: usize = 16;
const STATE: usize = 128;
const PROCESS: usize = 136;
const THREAD: usize = 144;
const LEAVE: usize = 256;
const SATED: usize = 384;

/// How far a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Opens its end.
    Opening,
    /// Waits for the others.
    Ready,
    /// Has left its report.
    Done,
    /// Has left a failure.
    Failed,
}

/// The shared words.
#[derive(Debug)]
pub struct Board {
    area: Area,
    seats: usize,
}

/// One worker's words.
#[derive(Clone, Copy, Debug)]
pub struct Seat<'a> {
    /// Where it belongs.
    pub board: &'a Board,
    at: usize,
}

impl Board {
    /// A board for so many workers.
    pub fn new(seats: usize) -> Board {
        Board {
            area: Area::new(SEATS + seats * SEAT),
            seats,
        }
    }

    /// The `index`-th worker's words.
    pub fn seat(&self, index: usize) -> Seat<'_> {
        assert!(index < self.seats);
        let at = SEATS + index * SEAT;
        Seat { board: self, at }
    }

    /// Lets the workers begin.
    pub fn go(&self) {
        self.area.u32_at(GO).store(1, Release);
    }

    fn gone(&self) -> bool {
        self.area.u32_at(GO).load(Acquire) != 0
    }

    /// Asks the workers to end.
    pub fn stop(&self) {
        self.area.u32_at(STOP).store(1, Relaxed);
    }

    /// Whether they are to end. It costs nothing: the word stays in each worker's cache until it changes.
    #[inline(always)]
    pub fn stopped(&self) -> bool {
        self.area.u32_at(STOP).load(Relaxed) != 0
    }

    /// A number that counts the parts of a run.
    #[inline(always)]
    pub fn epoch(&self) -> u32 {
        self.area.u32_at(EPOCH).load(Acquire)
    }

    /// Begins a part.
    pub fn begin(&self, epoch: u32) {
        self.area.u32_at(EPOCH).store(epoch, Release);
    }

    /// How many senders still send. Set before the workers start.
    pub fn sending(&self) -> &AtomicU32 {
        self.area.u32_at(SENDING)
    }

    /// Lets receivers end that have not got everything: it will not come.
    pub fn give_up(&self) {
        self.area.u32_at(GIVE_UP).store(1, Relaxed);
    }

    /// Whether they may.
    pub fn given_up(&self) -> bool {
        self.area.u32_at(GIVE_UP).load(Relaxed) != 0
    }

    /// The `index`-th of eight words for the measurement's own use, which change with the epoch.
    pub fn note(&self, index: usize) -> &AtomicU64 {
        assert!(index < 8);
        self.area.u64_at(NOTES + 8 * index)
    }
}

impl Seat<'_> {
    /// Says that this worker is prepared, and waits until all are.
    pub fn start(&self) {
        self.set_state(State::Ready);
        while !self.board.gone() {
            // More workers than processors: the others must get ready too.
            std::thread::yield_now();
        }
    }

    /// Makes the number of finished operations known. The line is the worker's own; the driver looks twice in a run.
    #[inline(always)]
    pub fn count(&self, items: u64) {
        self.word(COUNT).store(items, Relaxed);
    }

    /// The number of finished operations.
    pub fn counted(&self) -> u64 {
        self.word(COUNT).load(Relaxed)
    }

    /// The moment of the last finished operation, in ticks.
    #[inline(always)]
    pub fn last(&self) -> &AtomicU64 {
        self.word(LAST)
    }

    /// The longest time between two operations in this epoch, in ticks.
    #[inline(always)]
    pub fn longest(&self) -> &AtomicU64 {
        self.word(LONGEST)
    }

    /// Asks this worker alone to end.
    pub fn leave(&self) {
        self.word(LEAVE).store(1, Relaxed);
    }

    /// Whether this worker is to end, alone or with all.
    #[inline(always)]
    pub fn left(&self) -> bool {
        self.word(LEAVE).load(Relaxed) != 0 || self.board.stopped()
    }

    /// Says that this worker will receive nothing more.
    pub fn be_sated(&self) {
        self.word(SATED).store(1, Release);
    }

    /// Whether it will receive nothing more: whoever sends to it may wait for ever.
    pub fn sated(&self) -> bool {
        self.word(SATED).load(Acquire) != 0
    }

    /// How far the worker is.
    pub fn state(&self) -> State {
        match self.board.area.u32_at(self.at + STATE).load(Acquire) {
            0 => State::Opening,
            1 => State::Ready,
            2 => State::Done,
            _ => State::Failed,
        }
    }

    pub(crate) fn set_state(&self, state: State) {
        let word = self.board.area.u32_at(self.at + STATE);
        word.store(state as u32, Release);
    }

    /// The worker's process and thread.
    pub fn who(&self) -> (Option<Pid>, Option<Pid>) {
        let id = |offset| Pid::from_raw(self.word(offset).load(Relaxed) as i32);
        (id(PROCESS), id(THREAD))
    }

    /// Makes the worker's process and thread known, and all as new.
    pub(crate) fn sit_down(&self) {
        let process = rustix::process::getpid().as_raw_pid();
        let thread = rustix::thread::gettid().as_raw_pid();
        self.word(PROCESS).store(process as u64, Relaxed);
        self.word(THREAD).store(thread as u64, Relaxed);
    }

    /// Clears the words for another worker.
    pub(crate) fn clear(&self) {
        for offset in [COUNT, LAST, LONGEST, LEAVE, SATED] {
            self.word(offset).store(0, Relaxed);
        }
        self.set_state(State::Opening);
    }

    #[inline(always)]
    fn word(&self, offset: usize) -> &AtomicU64 {
        self.board.area.u64_at(self.at + offset)
    }
}
