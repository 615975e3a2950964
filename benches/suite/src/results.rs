//! What a run has measured: the JSON file, and all that the report is made of.

use serde::{Deserialize, Serialize};

/// The version of the JSON file.
pub const SCHEMA: u32 = 1;

/// One run of the suite.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When the run began: RFC 3339, UTC.
    pub started: String,
    /// How long it took.
    pub seconds: f64,
    /// The command line that made it.
    pub command: String,
    /// Fewer rounds, fewer sizes.
    pub quick: bool,
    /// How many rounds each figure is the median of, at most.
    pub rounds: usize,
    /// Where it ran.
    pub machine: Machine,
    /// Who took part.
    pub peers: Vec<Contestant>,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// Whole distributions.
    pub curves: Vec<Curve>,
    /// Who did not take part, or not in all, and why.
    pub left_out: Vec<LeftOut>,
}

/// The machine, as far as it can be told from inside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Logical processors that the run could use.
    pub processors: usize,
    /// Caches in bytes, by name: `L1d`, `L2`, `L3`.
    pub caches: Vec<(String, u64)>,
    /// Memory in bytes.
    pub memory: u64,
    /// `Linux 6.18.44`.
    pub kernel: String,
    /// The frequency governor, if there is one.
    pub governor: Option<String>,
    /// The hypervisor, if there is one.
    pub virtual_machine: Option<String>,
    /// Time that the hypervisor gave to others while the suite ran, in percent of the processors' time.
    pub steal_percent: f64,
    /// The load average when it began.
    pub load: f64,
    /// Compilers and interpreters: `("rustc", "1.95.0")`.
    pub versions: Vec<(String, String)>,
}

/// A peer that took part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contestant {
    /// As the figures name it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is to the table.
    pub role: Role,
    /// Threads of one process, or processes.
    pub place: Place,
    /// An operation claims its position before it writes or reads the payload: whoever stops in between stops the others.
    #[serde(default)]
    pub claims_before_writing: bool,
    /// A lock is held during an operation: whoever stops or dies with it stops the others.
    #[serde(default)]
    pub locks: bool,
    /// What a reader should know.
    pub note: String,
}

/// What a contestant is to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// ringpost.
    Ours,
    /// What a user would pick instead.
    Peer,
    /// No queue: what the machine can do at best.
    Limit,
    /// A queue without any guarantee, as a yardstick: the SPSC ring, the Vyukov ring.
    Yardstick,
}

/// Where its two ends are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Threads of one process.
    Threads,
    /// Processes.
    Processes,
    /// Processes that run Python.
    Python,
}

/// One figure of one contestant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    /// What was measured, from the general to the special, with slashes: `round-trip/spinning/64 B`.
    pub measurement: String,
    /// Whose it is.
    pub peer: String,
    /// `ns`, `M/s`, `GB/s`, `ms`, `%`, `MiB`.
    pub unit: String,
    /// Which is better.
    pub better: Better,
    /// One value a round, in the order of the rounds; `null` where the contestant failed in that round.
    pub rounds: Vec<Option<f64>>,
    /// The greatest value that could be seen, if there is one: a round that reaches it stood still for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<f64>,
}

/// Which value of a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Times.
    Lower,
    /// Rates.
    Higher,
}

/// A distribution of latencies, over all rounds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Curve {
    /// As a figure's.
    pub measurement: String,
    /// Whose it is.
    pub peer: String,
    /// How many were measured.
    pub count: u64,
    /// Percentile (0 to 100) and nanoseconds, ascending; up to 99.99, and the maximum as 100.
    pub points: Vec<(f64, f64)>,
}

/// Who did not take part, and why.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeftOut {
    /// The peer.
    pub peer: String,
    /// A measurement, or the beginning of some; empty: it took no part at all.
    pub measurement: String,
    /// A sentence.
    pub reason: String,
}
