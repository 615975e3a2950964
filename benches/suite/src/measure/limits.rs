//! What the machine can do at best: no queues.

use super::{KIB, LINE, MIB, Mode, Outcome, Pace, Task, depth};
use crate::board::{Board, Seat};
use crate::clock;
use crate::controller::Control;
use crate::crew::{self, Part, Report, Work};
use crate::ends::Way;
use crate::failure::Failure;
use crate::histogram;
use ringpost_peers::Place;
use ringpost_peers::area::Area;
use ringpost_peers::waiting::spin;
use rustix::thread::futex;
use std::hint::black_box;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

/// A limit: its name, what a reader should know, and the tasks that it is the limit of.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// As the figures name it.
    pub name: &'static str,
    /// For the report.
    pub note: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Line,
    Futex,
    Copy,
}

/// All of them.
pub const LIMITS: [Limit; 3] = [
    Limit {
        name: "cache line",
        note: "Two processes hand one word to each other.",
        kind: Kind::Line,
    },
    Limit {
        name: "futex",
        note: "Two processes wake each other, and carry nothing.",
        kind: Kind::Futex,
    },
    Limit {
        name: "memcpy",
        note: "One process copies between buffers of the payload's size, as many as a queue holds. A queue that copies in and out needs two \
               copies, in two processes.",
        kind: Kind::Copy,
    },
];

impl Limit {
    /// Whether it is the limit of this task.
    pub fn bounds(&self, task: &Task) -> bool {
        match (self.kind, task) {
            (Kind::Line, Task::RoundTrip { mode, size }) => {
                *mode == Mode::Spinning && *size == LINE
            }
            (Kind::Futex, Task::RoundTrip { mode, size }) => *mode == Mode::Idle && *size == LINE,
            (
                Kind::Copy,
                Task::Throughput {
                    width: 1,
                    size,
                    way: Way::Blocking,
                    ..
                },
            ) => *size == 64 * KIB || *size == MIB,
            _ => false,
        }
    }

    /// Measures it.
    ///
    /// # Errors
    ///
    /// If the workers do not end.
    pub fn run(&self, control: &Control, task: &Task, pace: &Pace) -> Result<Outcome, Failure> {
        match (self.kind, task) {
            (Kind::Copy, &Task::Throughput { size, .. }) => Ok(copies(size, pace)),
            (Kind::Futex, _) => ping_pong(control, pace, Kind::Futex),
            _ => ping_pong(control, pace, Kind::Line),
        }
    }
}

fn copies(size: usize, pace: &Pace) -> Outcome {
    crate::cpus::pin(crate::cpus::allowed()[0]);
    let from = vec![7_u8; size];
    let mut to = vec![vec![0_u8; size]; depth(size)];
    let mut copies = 0_u64;
    let mut run = |time: Duration| {
        let (start, before) = (Instant::now(), copies);
        while start.elapsed() < time {
            for to in &mut to {
                black_box(&mut *to).copy_from_slice(black_box(&from));
                copies += 1;
            }
        }
        (copies - before) as f64 / start.elapsed().as_secs_f64()
    };
    run(pace.warm);
    let rate = run(pace.measure);
    Outcome::of(rate * size as f64 / 1e9)
}

/// The part of a run that is measured.
const MEASURED: u32 = 1;
/// What the asking side sends when it ends.
const END: u32 = u32::MAX;

/// Two words, each in a line of its own.
const ASKED: usize = 0;
const ANSWERED: usize = 128;

fn ping_pong(control: &Control, pace: &Pace, kind: Kind) -> Result<Outcome, Failure> {
    let area = Area::new(4096);
    let board = Board::new(2);
    let mut reports = crew::run(control, Place::Processes, &board, |crew| {
        crew.add(Part::Sender(0), asks(&area, kind));
        crew.add(Part::Receiver(0), answers(&area, kind));
        crew.begin()?;
        crew.work(pace.warm)?;
        board.begin(MEASURED);
        crew.work(pace.measure)?;
        board.stop();
        crew.join()
    })?;
    let trips = reports.swap_remove(0).histograms.swap_remove(0);
    let median = histogram::of(&trips).value_at_quantile(0.5);
    Ok(Outcome {
        figures: vec![median as f64],
        curves: vec![trips],
    })
}

fn asks<'e>(area: &'e Area, kind: Kind) -> Work<'e> {
    Box::new(move |seat: &Seat<'e>| {
        let (asked, answered) = (area.u32_at(ASKED), area.u32_at(ANSWERED));
        let scale = clock::ns_per_tick();
        let mut trips = histogram::empty();
        let mut number = 0;
        seat.start();
        while !seat.board.stopped() || trips.is_empty() {
            if matches!(kind, Kind::Futex) {
                std::thread::sleep(super::round_trip::SLEEP);
            }
            let start = clock::ticks();
            number += 1;
            hand_over(kind, asked, number);
            wait(kind, answered, number);
            let took = clock::ticks() - start;
            if seat.board.epoch() == MEASURED {
                trips.saturating_record(clock::ns(took, scale));
            }
        }
        hand_over(kind, asked, END);
        Ok(Report {
            items: u64::from(number),
            digest: 0,
            histograms: vec![histogram::counts(&trips)],
        })
    })
}

fn answers<'e>(area: &'e Area, kind: Kind) -> Work<'e> {
    Box::new(move |seat: &Seat<'e>| {
        let (asked, answered) = (area.u32_at(ASKED), area.u32_at(ANSWERED));
        let mut number = 0;
        seat.start();
        loop {
            number += 1;
            if wait(kind, asked, number) == END {
                return Ok(Report::default());
            }
            hand_over(kind, answered, number);
        }
    })
}

#[inline(always)]
fn hand_over(kind: Kind, word: &AtomicU32, number: u32) {
    word.store(number, Release);
    if matches!(kind, Kind::Futex) {
        futex::wake(word, futex::Flags::empty(), 1).expect("a mapped word");
    }
}

/// Waits until the word is `number`, or the end.
#[inline(always)]
fn wait(kind: Kind, word: &AtomicU32, number: u32) -> u32 {
    let old = number - 1;
    if matches!(kind, Kind::Futex) {
        while word.load(Acquire) == old {
            let _ = futex::wait(word, futex::Flags::empty(), old, None);
        }
    } else {
        spin(|| word.load(Acquire) != old);
    }
    word.load(Relaxed)
}
