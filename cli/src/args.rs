//! The command line, as clap reads it.

use crate::demo::roles::Role;
use crate::framing::Framing;
use crate::help;
use crate::units::{parse_length, parse_mode, parse_size, parse_time};
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Queues in shared memory, for shell pipelines.
#[derive(Debug, Parser)]
#[command(name = "ringpost", version, after_help = help::MAIN, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Create(CreateArgs),
    Put(PutArgs),
    Get(GetArgs),
    Work(WorkArgs),
    Quarantine(QuarantineArgs),
    Stat(StatArgs),
    Ls(LsArgs),
    Rm(RmArgs),
    Shutdown(ShutdownArgs),
    Doctor(DoctorArgs),
    Demo(DemoArgs),
    #[command(hide = true)]
    DemoRole(RoleArgs),
    #[command(hide = true)]
    WorkGuard(CommandArgs),
    #[command(hide = true)]
    WorkLaunch(CommandArgs),
}

/// Create a queue.
#[derive(Debug, clap::Args)]
#[command(after_help = help::CREATE)]
pub(crate) struct CreateArgs {
    /// The queue: the file /dev/shm/ringpost.NAME
    pub(crate) name: String,
    /// How many items may be queued [default: 1024]
    #[arg(long, value_name = "N")]
    pub(crate) capacity: Option<usize>,
    /// How many items may be held at once by those who took them [default: the capacity, but at least 64 and at most 4096]
    #[arg(long, value_name = "N")]
    pub(crate) in_flight: Option<usize>,
    /// Items up to this size lie in their slot; longer ones in the arena [default: 88]
    #[arg(long, value_name = "SIZE", value_parser = parse_length)]
    pub(crate) inline: Option<usize>,
    /// Memory for the longer items; also the longest item possible [default: 64M]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) arena: Option<u64>,
    /// The arena is handed out in pieces of this size, a power of two [default: 4K]
    #[arg(long, value_name = "SIZE", value_parser = parse_length)]
    pub(crate) chunk: Option<usize>,
    /// How many processes may have the queue open at once [default: 64]
    #[arg(long, value_name = "N")]
    pub(crate) participants: Option<usize>,
    /// Who may open it: permission bits in octal [default: 600]
    #[arg(long, value_name = "MODE", value_parser = parse_mode)]
    pub(crate) mode: Option<u32>,
    /// Leave a queue of that name as it is, if there is one
    #[arg(long)]
    pub(crate) if_missing: bool,
}

/// How items are told apart in the stream.
#[derive(Debug, clap::Args)]
pub(crate) struct FramingArgs {
    /// A NUL byte ends each item, instead of a line end
    #[arg(long, short = '0', conflicts_with = "length_prefixed")]
    null: bool,
    /// Before each item, its length as a little-endian u32: for any bytes
    #[arg(long)]
    length_prefixed: bool,
}

impl FramingArgs {
    pub(crate) fn framing(&self) -> Framing {
        match (self.length_prefixed, self.null) {
            (true, _) => Framing::LengthPrefixed,
            (_, true) => Framing::EndedBy(0),
            _ => Framing::EndedBy(b'\n'),
        }
    }
}

/// Put each line of stdin or of a file into a queue.
#[derive(Debug, clap::Args)]
#[command(after_help = help::PUT)]
pub(crate) struct PutArgs {
    /// The queue
    pub(crate) name: String,
    /// Where the items come from; `-` is stdin
    #[arg(default_value = "-", hide_default_value = true)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) framing: FramingArgs,
    /// Create the queue, as `ringpost create NAME` does, if there is none
    #[arg(long)]
    pub(crate) create: bool,
    /// How long to wait for room, for each item [default: as long as it takes]
    #[arg(long, value_name = "SECONDS", value_parser = parse_time)]
    pub(crate) timeout: Option<Duration>,
    /// No progress bar
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Take items from a queue and write them to stdout, a line each.
#[derive(Debug, clap::Args)]
#[command(after_help = help::GET)]
pub(crate) struct GetArgs {
    /// The queue
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) framing: FramingArgs,
    /// Take N items, and wait for them
    #[arg(long, short = 'n', value_name = "N", conflicts_with = "follow")]
    pub(crate) count: Option<u64>,
    /// Take all that comes, until the queue is shut down
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How long to wait for each item
    #[arg(long, value_name = "SECONDS", value_parser = parse_time)]
    pub(crate) timeout: Option<Duration>,
    /// No progress bar
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Run a command for each item of a queue.
#[derive(Debug, clap::Args)]
#[command(after_help = help::WORK)]
pub(crate) struct WorkArgs {
    /// The queue
    pub(crate) name: String,
    /// How many commands run at once
    #[arg(long, short, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) jobs: u32,
    /// After so many failed deliveries an item goes into the quarantine
    #[arg(long, value_name = "K", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=4095))]
    pub(crate) max_deliveries: u32,
    /// Stop when the queue is empty, instead of when it is shut down
    #[arg(long)]
    pub(crate) until_empty: bool,
    /// No progress bar and no summary, only what failed
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// What to run; the item is its standard input, or replaces {} in its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// List, put back or drop the items that were delivered too often.
#[derive(Debug, clap::Args)]
#[command(after_help = help::QUARANTINE)]
#[command(group = clap::ArgGroup::new("action").args(["requeue", "discard"]))]
#[command(group = clap::ArgGroup::new("which").args(["positions", "all"]).requires("action"))]
pub(crate) struct QuarantineArgs {
    /// The queue
    pub(crate) name: String,
    /// Have these delivered again, their deliveries counted anew
    #[arg(long, requires = "which")]
    pub(crate) requeue: bool,
    /// Drop these for good
    #[arg(long, requires = "which")]
    pub(crate) discard: bool,
    /// Which ones, as the list names them
    #[arg(value_name = "POSITION")]
    pub(crate) positions: Vec<u64>,
    /// All of them
    #[arg(long)]
    pub(crate) all: bool,
    /// Write the payload of one to stdout, as it is
    #[arg(long, value_name = "POSITION", conflicts_with_all = ["action", "which", "json"])]
    pub(crate) show: Option<u64>,
    /// The list as a JSON array
    #[arg(long, conflicts_with = "action")]
    pub(crate) json: bool,
}

/// Show the state of a queue.
#[derive(Debug, clap::Args)]
#[command(after_help = help::STAT)]
pub(crate) struct StatArgs {
    /// The queue
    pub(crate) name: String,
    /// As one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// List the queues of this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = help::LS)]
pub(crate) struct LsArgs {
    /// As a JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

/// Remove queues.
#[derive(Debug, clap::Args)]
#[command(after_help = help::RM)]
pub(crate) struct RmArgs {
    /// The queues
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// A queue that does not exist is no error
    #[arg(long, short)]
    pub(crate) force: bool,
}

/// Close a queue: no more puts.
#[derive(Debug, clap::Args)]
#[command(after_help = help::SHUTDOWN)]
pub(crate) struct ShutdownArgs {
    /// The queue
    pub(crate) name: String,
    /// Drop what is queued
    #[arg(long)]
    pub(crate) now: bool,
}

/// Check a queue in use, and mend it.
#[derive(Debug, clap::Args)]
#[command(after_help = help::DOCTOR)]
pub(crate) struct DoctorArgs {
    /// The queue
    pub(crate) name: String,
    /// Mend what can be mended
    #[arg(long)]
    pub(crate) repair: bool,
    /// As one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Move a text through a queue between processes, check it, and measure.
#[derive(Debug, clap::Args)]
#[command(after_help = help::DEMO)]
pub(crate) struct DemoArgs {
    /// The text to move, a line a message [default: a book of 3,608 lines, again and again]
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// How many processes put
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) producers: u32,
    /// How many processes get
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) consumers: u32,
    /// How many messages [default: a million, or each line of --input once]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) messages: Option<u64>,
    /// The result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave the queue there afterwards, for `ringpost stat`
    #[arg(long)]
    pub(crate) keep: bool,
}

/// One process of the demo.
#[derive(Debug, clap::Args)]
pub(crate) struct RoleArgs {
    pub(crate) role: Role,
    /// The queue, or the one to ask on
    #[arg(long)]
    pub(crate) queue: String,
    /// The queue to answer on
    #[arg(long, default_value = "")]
    pub(crate) reply: String,
    #[arg(long, default_value_t = 0)]
    pub(crate) index: u32,
    #[arg(long, default_value_t = 1)]
    pub(crate) producers: u32,
    /// How many messages all producers put, or how many round trips
    #[arg(long)]
    pub(crate) messages: u64,
    #[arg(long)]
    pub(crate) input: Option<PathBuf>,
    /// Who started this; when that ends, this does
    #[arg(long)]
    pub(crate) parent: i32,
}

/// A process that `work` starts.
#[derive(Debug, clap::Args)]
pub(crate) struct CommandArgs {
    /// Who started this
    #[arg(long)]
    pub(crate) parent: i32,
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}
