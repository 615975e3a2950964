//! `ringpost demo`: moves a text through a queue between processes, checks it, and measures.
//!
//! - [`workload`]: which producer sends which line, as every process knows it
//! - [`message`]: a line with its header, as it travels
//! - [`roles`]: what producers, consumers and the two of the ping-pong do
//! - [`crew`]: the processes, started and watched
//! - [`ledger`]: what arrived, and whether that is what was sent
//! - [`latency`]: how long it took, as percentiles and as bars
//! - [`report`]: the figures, for people and as JSON

mod crew;
mod latency;
mod ledger;
mod message;
mod report;
pub(crate) mod roles;
mod workload;

use crate::args::DemoArgs;
use crate::exit::{Outcome, Stop};
use crate::progress::{Progress, Unit};
use crate::signals::Signals;
use crew::{Crew, Job, Note};
use latency::Latency;
use ledger::Ledger;
use report::Report;
use ringpost::{BytesQueue, Options};
use roles::Role;
use workload::Workload;

const ROUND_TRIPS: u64 = 20_000;
/// An arena that any line fits into several times.
const LINES_IN_ARENA: u64 = 64;
const SMALLEST_ARENA: u64 = 64 << 20;
const INLINE: usize = 128;

pub(crate) fn run(args: &DemoArgs) -> Outcome {
    let signals = Signals::install()?;
    let workload = Workload::load(args.input.as_deref(), args.producers, args.messages)?;
    let mut report = move_text(args, &workload, &signals)?;
    report.round_trip = Some(ping_pong(&signals)?);
    match args.json {
        true => report.print_json()?,
        false => report.print()?,
    }
    match report.check.passed {
        true => Ok(()),
        false => Err(Stop::failed("demo: what arrived is not what was sent")),
    }
}

/// The first part: all messages through one queue, at full load.
fn move_text(args: &DemoArgs, workload: &Workload, signals: &Signals) -> Result<Report, Stop> {
    let longest = (message::HEADER + workload.longest_line()) as u64;
    let options = Options::new()
        .inline(INLINE)
        .arena(SMALLEST_ARENA.max(LINES_IN_ARENA * longest))
        .participants((args.producers + args.consumers) as usize + 16);
    let queue = DemoQueue::create(options, "demo", args.keep)?;
    let job = |role, index| Job {
        role,
        index,
        producers: args.producers,
        queue: queue.name.clone(),
        reply: String::new(),
    };
    let mut jobs: Vec<Job> = (0..args.consumers)
        .map(|index| job(Role::Consumer, index))
        .collect();
    jobs.extend((0..args.producers).map(|index| job(Role::Producer, index)));
    let mut crew = Crew::start(jobs, workload.messages(), args.input.as_deref())?;
    crew.go(signals)?;

    let mut progress = Progress::new(Some(workload.messages()), Unit::Items, true);
    let mut report = Report::new(workload, args, &queue.name);
    let mut ledger = Ledger::new(workload);
    let (mut producing, mut consuming) = (args.producers, args.consumers);
    let mut received = vec![0; args.consumers as usize];
    while consuming > 0 {
        let (job, note) = crew.next(signals, || progress.look())?;
        match note {
            Note::Ready => {}
            Note::Received { count } => {
                received[job.index as usize] = count;
                progress.set(received.iter().sum());
            }
            Note::Produced(sent) => {
                report.add_producer(&sent);
                producing -= 1;
                if producing == 0 {
                    // The consumers drain the queue, then they hear that it is closed.
                    queue.queue.shutdown();
                }
            }
            Note::Consumed(got) => {
                ledger.merge(&got.ledger).map_err(|what| {
                    Stop::failed(format!(
                        "demo: consumer {} reports nonsense: {what}",
                        job.index
                    ))
                })?;
                report.add_consumer(&got);
                consuming -= 1;
            }
            Note::Pinged(_) | Note::Failed { .. } => {
                return Err(Stop::failed(format!("demo: an unexpected note from {job}")));
            }
        }
    }
    crew.finish(signals)?;
    report.check = ledger.verdict();
    Ok(report)
}

/// The second part: one message at a time, there and back, for the latency without load.
fn ping_pong(signals: &Signals) -> Result<Latency, Stop> {
    let there = DemoQueue::create(Options::new().capacity(16), "demo-ping", false)?;
    let back = DemoQueue::create(Options::new().capacity(16), "demo-pong", false)?;
    let job = |role| Job {
        role,
        index: 0,
        producers: 1,
        queue: there.name.clone(),
        reply: back.name.clone(),
    };
    let mut crew = Crew::start(vec![job(Role::Pong), job(Role::Ping)], ROUND_TRIPS, None)?;
    crew.go(signals)?;
    loop {
        let (job, note) = crew.next(signals, || ())?;
        match note {
            Note::Ready => {}
            Note::Pinged(counts) => {
                there.queue.shutdown();
                crew.finish(signals)?;
                return Ok(Latency::from(&counts));
            }
            _ => return Err(Stop::failed(format!("demo: an unexpected note from {job}"))),
        }
    }
}

/// A queue under a name of this process, which goes with this value.
struct DemoQueue {
    queue: BytesQueue,
    name: String,
    keep: bool,
}

impl DemoQueue {
    fn create(options: Options, what: &str, keep: bool) -> Result<Self, Stop> {
        let name = format!("{what}.{}", std::process::id());
        let queue = options.create(&name)?;
        Ok(DemoQueue { queue, name, keep })
    }
}

impl Drop for DemoQueue {
    fn drop(&mut self) {
        if !self.keep {
            // Who still waits on it, ends.
            self.queue.shutdown_now();
            let _ = ringpost::unlink(&self.name);
        }
    }
}
