//! What is measured: one file for each kind, all over any [`Peer`].

mod batches;
mod flow;
mod idle;
mod kill;
mod latency;
mod limits;
mod memory;
mod pause;
mod pulse;
mod round_trip;
mod throughput;

pub use kill::OBSERVATION;
pub use limits::{LIMITS, Limit};

use crate::controller::Control;
use crate::ends::Way;
use crate::failure::Failure;
use crate::histogram::Counts;
use crate::results::Better;
use ringpost_peers::{About, Peer, Place};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A payload of so many bytes, as the figures name it.
pub fn size_name(bytes: usize) -> String {
    match bytes {
        _ if bytes >= MIB && bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ if bytes >= KIB && bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} B"),
    }
}

/// 1024 bytes.
pub const KIB: usize = 1 << 10;
/// 1024 of those.
pub const MIB: usize = 1 << 20;
/// The payload of most measurements.
pub const LINE: usize = 64;

/// How the two sides of a round trip wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Both try without end.
    Spinning,
    /// Blocking calls, one after the other.
    Busy,
    /// Blocking calls, after the other side has slept for some milliseconds.
    Idle,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// There and back.
    RoundTrip {
        /// How they wait.
        mode: Mode,
        /// The payload in bytes.
        size: usize,
    },
    /// One way at three fixed rates.
    Latency,
    /// As much as goes through.
    Throughput {
        /// So many senders, and as many receivers.
        width: usize,
        /// The payload in bytes.
        size: usize,
        /// How it goes in and out.
        way: Way,
        /// How many items fit.
        depth: usize,
    },
    /// As much as goes through, 64 items in a call.
    Batches,
    /// What a blocked reader costs.
    Idle,
    /// How much memory is touched.
    Memory,
    /// One is stopped for 100 ms, again and again.
    Pause,
    /// One is killed, again and again.
    Kill,
}

/// How long the parts of a run take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Before anything is measured.
    pub warm: Duration,
    /// While it is.
    pub measure: Duration,
    /// How many stops, or kills, in a run.
    pub stops: u32,
}

/// What a run has measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Values, in the order of [`Task::figures`].
    pub figures: Vec<f64>,
    /// Distributions, for the first so many of the figures; may be none.
    pub curves: Vec<Counts>,
}

impl Outcome {
    fn of(figure: f64) -> Outcome {
        Outcome {
            figures: vec![figure],
            curves: Vec::new(),
        }
    }
}

/// How many items fit: as many as 4 MiB hold, and no more than 1024. More would only show how cold memory is.
pub fn depth(size: usize) -> usize {
    (4 * MIB / size).clamp(4, 1024)
}

impl Task {
    /// The names of its figures.
    pub fn figures(&self) -> Vec<String> {
        match *self {
            Task::RoundTrip { mode, size } => {
                let mode = match mode {
                    Mode::Spinning => "spinning",
                    Mode::Busy => "busy",
                    Mode::Idle => "idle",
                };
                vec![format!("round-trip/{mode}/{}", size_name(size))]
            }
            Task::Latency => latency::RATES
                .map(|percent| format!("latency/{percent} %/{}", size_name(LINE)))
                .to_vec(),
            Task::Throughput {
                width, size, way, ..
            } => {
                let way = match way {
                    Way::Blocking => "copy",
                    Way::Polling | Way::Spinning => "polling",
                    Way::InPlace => "in place",
                    Way::Untouched => "untouched",
                };
                let size = size_name(size);
                vec![format!("throughput/{width}-{width}/{size}/{way}")]
            }
            Task::Batches => vec![format!("batches/{}", size_name(LINE))],
            Task::Idle => vec!["idle/processor".into()],
            Task::Memory => vec!["memory/touched".into()],
            Task::Pause => vec!["pause/longest".into(), "pause/p99.9".into()],
            Task::Kill => vec!["kill/stand-still".into()],
        }
    }

    /// The unit of its figures, and which is better.
    pub fn unit(&self) -> (&'static str, Better) {
        match *self {
            Task::RoundTrip { .. } | Task::Latency => ("ns", Better::Lower),
            Task::Throughput { size, way, .. } if size >= 64 * KIB && way != Way::Untouched => {
                ("GB/s", Better::Higher)
            }
            Task::Throughput { .. } | Task::Batches => ("M/s", Better::Higher),
            Task::Idle => ("%", Better::Lower),
            Task::Memory => ("MiB", Better::Lower),
            Task::Pause | Task::Kill => ("ms", Better::Lower),
        }
    }

    /// How long a run takes, about.
    pub fn time(&self, pace: &Pace) -> Duration {
        let run = pace.warm + pace.measure;
        match self {
            Task::RoundTrip { .. } | Task::Throughput { .. } | Task::Batches => run,
            Task::Latency => latency::time(pace),
            Task::Idle => idle::SETTLE + idle::WATCH,
            Task::Memory => Duration::from_millis(20),
            Task::Pause => pause::time(pace),
            Task::Kill => kill::time(pace),
        }
    }

    /// Whether a peer can do it; if not, why.
    pub fn fits(&self, about: &About, yardstick: bool) -> Result<(), &'static str> {
        let polls = about.polls.then_some(()).ok_or("it cannot be polled");
        let blocks = about.blocks.then_some(()).ok_or("it has no blocking call");
        let shared = about
            .many_to_many
            .then_some(())
            .ok_or("it has one sender or one receiver");
        let size = |size| match about.longest {
            Some(longest) if longest < size => Err("its payloads are not as long as that"),
            _ => Ok(()),
        };
        match *self {
            Task::RoundTrip {
                mode: Mode::Spinning,
                size: bytes,
            } => polls.and(size(bytes)),
            Task::RoundTrip { size: bytes, .. } => blocks.and(size(bytes)),
            Task::Latency | Task::Memory => Ok(()),
            Task::Throughput {
                width,
                size: bytes,
                way,
                ..
            } => {
                if width > 1 {
                    shared?;
                }
                size(bytes)?;
                match way {
                    Way::Blocking => Ok(()),
                    Way::Polling | Way::Spinning => polls,
                    Way::InPlace | Way::Untouched if !about.in_place => {
                        Err("it does not lend its own memory")
                    }
                    Way::InPlace | Way::Untouched => polls,
                }
            }
            Task::Batches if yardstick && !about.many_to_many => Ok(()), // a bound, one by one
            Task::Batches => about
                .batches
                .then_some(())
                .ok_or("it has no call for several items"),
            Task::Idle => blocks,
            Task::Pause => shared.and(size(pause::PAYLOAD)),
            Task::Kill => shared.and(size(pause::PAYLOAD)).and(match about.place {
                Place::Threads => Err("a thread cannot be killed alone"),
                Place::Processes => Ok(()),
            }),
        }
    }

    /// Does it once. For the process that drives a run.
    ///
    /// # Errors
    ///
    /// Why there is no figure.
    pub fn run<P: Peer>(&self, control: &Control, pace: &Pace) -> Result<Outcome, Failure> {
        match *self {
            Task::RoundTrip { mode, size } => round_trip::run::<P>(control, pace, mode, size),
            Task::Latency => latency::run::<P>(control, pace),
            Task::Throughput {
                width,
                size,
                way,
                depth,
            } => throughput::run::<P>(control, pace, width, size, way, depth),
            Task::Batches => batches::run::<P>(control, pace),
            Task::Idle => idle::run::<P>(control),
            Task::Memory => memory::run::<P>(),
            Task::Pause => pause::run::<P>(control, pace),
            Task::Kill => kill::run::<P>(control, pace),
        }
    }
}

/// The way of a peer that blocks if it can, and polls if it cannot.
fn as_it_does<P: Peer>() -> Way {
    if P::ABOUT.blocks {
        Way::Blocking
    } else {
        Way::Polling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_names() {
        let names = [8, 64, KIB, 64 * KIB, MIB].map(size_name);
        assert_eq!(names, ["8 B", "64 B", "1 KiB", "64 KiB", "1 MiB"]);
    }
}
