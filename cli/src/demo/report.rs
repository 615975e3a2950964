//! The figures of the demo, for people and as JSON.

use super::crew::{Consumed, Produced};
use super::latency::{Counts, Latency, bars};
use super::ledger::Verdict;
use super::workload::Workload;
use crate::args::DemoArgs;
use crate::exit::Outcome;
use crate::units::{count, nanoseconds, rate, thousands};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::io::{self, Write};

/// All that the demo found out.
#[derive(Debug)]
pub(crate) struct Report {
    messages: u64,
    bytes: u64,
    producers: u32,
    consumers: u32,
    queue: String,
    kept: bool,
    first: u64,
    last: u64,
    latency: Histogram<u64>,
    pub(crate) check: Verdict,
    pub(crate) round_trip: Option<Latency>,
}

/// The report as `--json` prints it.
#[derive(Serialize)]
struct Json<'a> {
    messages: u64,
    bytes: u64,
    producers: u32,
    consumers: u32,
    queue: &'a str,
    check: Verdict,
    seconds: f64,
    messages_per_second: f64,
    bytes_per_second: f64,
    latency_under_load_ns: Latency,
    round_trip_ns: Option<Latency>,
}

impl Report {
    pub(crate) fn new(workload: &Workload, args: &DemoArgs, queue: &str) -> Self {
        Report {
            messages: workload.messages(),
            bytes: 0,
            producers: args.producers,
            consumers: args.consumers,
            queue: queue.to_owned(),
            kept: args.keep,
            first: u64::MAX,
            last: 0,
            latency: Counts::histogram(),
            check: Verdict::default(),
            round_trip: None,
        }
    }

    pub(crate) fn add_producer(&mut self, sent: &Produced) {
        self.bytes += sent.bytes;
        self.first = self.first.min(sent.first);
    }

    pub(crate) fn add_consumer(&mut self, got: &Consumed) {
        self.last = self.last.max(got.last);
        got.latency.add_to(&mut self.latency);
    }

    /// From the first put to the last get.
    fn seconds(&self) -> f64 {
        self.last.saturating_sub(self.first).max(1) as f64 / 1e9
    }

    pub(crate) fn print_json(&self) -> Outcome {
        let seconds = self.seconds();
        let json = Json {
            messages: self.messages,
            bytes: self.bytes,
            producers: self.producers,
            consumers: self.consumers,
            queue: &self.queue,
            check: self.check,
            seconds,
            messages_per_second: self.messages as f64 / seconds,
            bytes_per_second: self.bytes as f64 / seconds,
            latency_under_load_ns: Latency::from(&self.latency),
            round_trip_ns: self.round_trip,
        };
        Ok(writeln!(
            io::stdout(),
            "{}",
            serde_json::to_string_pretty(&json)?
        )?)
    }

    pub(crate) fn print(&self) -> Outcome {
        let mut out = io::stdout().lock();
        let seconds = self.seconds();
        let (lines, megabytes) = (count(self.messages, "line"), self.bytes as f64 / 1e6);
        let from = count(self.producers.into(), "producer");
        let to = count(self.consumers.into(), "consumer");
        writeln!(out, "{lines}, {megabytes:.1} MB, from {from} to {to}\n")?;

        let faults = self.check.faults;
        match self.check.passed {
            true => writeln!(
                out,
                "check       passed: each line once, unchanged, in its producer's order"
            )?,
            false => {
                writeln!(
                    out,
                    "check       FAILED: {} of {} arrived,",
                    thousands(self.check.arrived),
                    thousands(self.messages)
                )?;
                writeln!(
                    out,
                    "            {} lost, {} twice, {} out of order, {} altered, {} unknown",
                    faults.lost,
                    faults.duplicated,
                    faults.reordered,
                    faults.altered,
                    faults.unknown
                )?;
            }
        }
        let per_second = thousands((self.messages as f64 / seconds) as u64);
        let bytes = rate(self.bytes as f64 / seconds, "B/s");
        writeln!(
            out,
            "throughput  {per_second} messages/s, {bytes}, in {seconds:.2} s"
        )?;
        if self.kept {
            writeln!(
                out,
                "queue       {0} (kept: `ringpost stat {0}`)",
                self.queue
            )?;
        }

        writeln!(out, "\nlatency     {PERCENTILES}")?;
        writeln!(out, "full load   {}", row(&Latency::from(&self.latency)))?;
        if let Some(round_trip) = &self.round_trip {
            writeln!(out, "round trip  {}", row(round_trip))?;
        }
        write!(out, "{NOTES}")?;
        writeln!(out, "\nfull load, from put to get:")?;
        for line in bars(&self.latency) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

/// What the two rows of percentiles mean.
const NOTES: &str = "
Full load: from put to get while the producers outrun the consumers, or the
other way round. It is time spent queueing, and grows with the capacity.
Round trip: 64 bytes there and back over two queues, one at a time.
";
const PERCENTILES: &str = "     p50       p90       p99     p99.9       max";

fn row(latency: &Latency) -> String {
    let Latency {
        p50,
        p90,
        p99,
        p999,
        max,
    } = *latency;
    let cells = [p50, p90, p99, p999, max].map(|time| format!("{:>9}", nanoseconds(time)));
    cells.join(" ")
}
