//! What a round has come to, what several add up to, and the table of them.

use crate::ledger::{FAULTS, Fault};
use crate::pauses::histogram;
use hdrhistogram::Histogram;
use std::time::Duration;

pub(crate) struct Totals {
    pub(crate) rounds: u64,
    pub(crate) time: Duration,
    pub(crate) kills: u64,
    pub(crate) kills_in_a_get: u64,
    pub(crate) kills_in_an_ack: u64,
    /// Items whose put has returned.
    pub(crate) put: u64,
    /// Items whose put a kill has cut off, and those of them that were there, whole.
    pub(crate) cut_off: u64,
    pub(crate) cut_off_whole: u64,
    /// Receipts that said that the item had been delivered before.
    pub(crate) redelivered: u64,
    /// Items whose acknowledgement was the last that a consumer did.
    pub(crate) acknowledged_at_death: u64,
    /// Items that nobody has entered, and how many there may be: what the calls that a kill cut off could have delivered.
    pub(crate) unseen: u64,
    pub(crate) may_be_unseen: u64,
    /// Items that were left for the parent to get.
    pub(crate) drained: u64,
    pub(crate) lost: u64,
    /// Items that were delivered for good more than once.
    pub(crate) duplicated: u64,
    /// Items whose position is not behind that of the one that their producer put before.
    pub(crate) misplaced: u64,
    /// What the processes themselves have found.
    pub(crate) faults: [u64; FAULTS],
    /// What audits have found, of the queue in use and at the end.
    pub(crate) findings: u64,
    pub(crate) leaked_descriptors: u64,
    pub(crate) leaked_chunks: u64,
    pub(crate) leaked_places: u64,
    /// The pauses of the producer that survives, and of the consumer: calm, then storm.
    pub(crate) put_pauses: [Histogram<u64>; 2],
    pub(crate) got_pauses: [Histogram<u64>; 2],
}

impl Totals {
    pub(crate) fn new() -> Totals {
        Totals {
            rounds: 0,
            time: Duration::ZERO,
            kills: 0,
            kills_in_a_get: 0,
            kills_in_an_ack: 0,
            put: 0,
            cut_off: 0,
            cut_off_whole: 0,
            redelivered: 0,
            acknowledged_at_death: 0,
            unseen: 0,
            may_be_unseen: 0,
            drained: 0,
            lost: 0,
            duplicated: 0,
            misplaced: 0,
            faults: [0; FAULTS],
            findings: 0,
            leaked_descriptors: 0,
            leaked_chunks: 0,
            leaked_places: 0,
            put_pauses: [histogram(), histogram()],
            got_pauses: [histogram(), histogram()],
        }
    }

    pub(crate) fn add(&mut self, other: &Totals) {
        self.rounds += other.rounds;
        self.time += other.time;
        self.kills += other.kills;
        self.kills_in_a_get += other.kills_in_a_get;
        self.kills_in_an_ack += other.kills_in_an_ack;
        self.put += other.put;
        self.cut_off += other.cut_off;
        self.cut_off_whole += other.cut_off_whole;
        self.redelivered += other.redelivered;
        self.acknowledged_at_death += other.acknowledged_at_death;
        self.unseen += other.unseen;
        self.may_be_unseen += other.may_be_unseen;
        self.drained += other.drained;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.misplaced += other.misplaced;
        for (mine, theirs) in self.faults.iter_mut().zip(other.faults) {
            *mine += theirs;
        }
        self.findings += other.findings;
        self.leaked_descriptors += other.leaked_descriptors;
        self.leaked_chunks += other.leaked_chunks;
        self.leaked_places += other.leaked_places;
        let mine = self.put_pauses.iter_mut().chain(&mut self.got_pauses);
        for (mine, theirs) in mine.zip(other.put_pauses.iter().chain(&other.got_pauses)) {
            mine.add(theirs).expect("the same bounds");
        }
    }

    /// Is everything as it must be?
    pub(crate) fn are_good(&self) -> bool {
        let bad = [
            self.lost,
            self.duplicated,
            self.misplaced,
            self.findings,
            self.leaked_descriptors,
            self.leaked_chunks,
            self.leaked_places,
        ];
        bad.iter().chain(&self.faults).all(|&count| count == 0)
    }
}

/// A row's name, and its figure.
type Row = (&'static str, fn(&Totals) -> String);

const ROWS: &[Row] = &[
    ("rounds", |t| t.rounds.to_string()),
    ("seconds", |t| format!("{:.1}", t.time.as_secs_f64())),
    ("kills", |t| t.kills.to_string()),
    ("  in a get", |t| t.kills_in_a_get.to_string()),
    ("  in an acknowledgement", |t| t.kills_in_an_ack.to_string()),
    ("items put", |t| t.put.to_string()),
    ("puts cut off by a kill", |t| t.cut_off.to_string()),
    ("  of which happened, whole", |t| {
        t.cut_off_whole.to_string()
    }),
    ("redeliveries", |t| t.redelivered.to_string()),
    ("acknowledged as the last deed", |t| {
        t.acknowledged_at_death.to_string()
    }),
    ("delivered in a get that a kill cut off", |t| {
        t.unseen.to_string()
    }),
    ("  could be, at most", |t| t.may_be_unseen.to_string()),
    ("left for the parent", |t| t.drained.to_string()),
    ("lost", |t| t.lost.to_string()),
    ("delivered twice", |t| t.duplicated.to_string()),
    ("duplicated without a flag", |t| {
        t.faults[Fault::NotFlagged as usize].to_string()
    }),
    ("out of order", |t| {
        (t.faults[Fault::Disorder as usize] + t.misplaced).to_string()
    }),
    ("other faults", |t| {
        let all: u64 = t.faults.iter().sum();
        let named = t.faults[Fault::NotFlagged as usize] + t.faults[Fault::Disorder as usize];
        (all - named).to_string()
    }),
    ("findings of an audit", |t| t.findings.to_string()),
    ("leaked descriptors", |t| t.leaked_descriptors.to_string()),
    ("leaked chunks", |t| t.leaked_chunks.to_string()),
    ("leaked places", |t| t.leaked_places.to_string()),
    ("producer's p99.9 pause, calm", |t| p999(&t.put_pauses[0])),
    ("producer's p99.9 pause, storm", |t| p999(&t.put_pauses[1])),
    ("  storm / calm", |t| ratio(&t.put_pauses)),
    ("consumer's p99.9 pause, calm", |t| p999(&t.got_pauses[0])),
    ("consumer's p99.9 pause, storm", |t| p999(&t.got_pauses[1])),
    ("  storm / calm", |t| ratio(&t.got_pauses)),
    ("longest pause of a survivor, calm", |t| longest(t, 0)),
    ("longest pause of a survivor, storm", |t| longest(t, 1)),
];

/// Columns of totals with their names.
pub(crate) fn table(columns: &[(&str, &Totals)]) -> String {
    let mut text = format!("{:<40}", "");
    for (name, _) in columns {
        text += &format!("{name:>12}");
    }
    for (name, figure) in ROWS {
        text += &format!("\n{name:<40}");
        for (_, totals) in columns {
            text += &format!("{:>12}", figure(totals));
        }
    }
    text + "\n"
}

fn p999(pauses: &Histogram<u64>) -> String {
    time(pauses.value_at_quantile(0.999))
}

fn ratio([calm, storm]: &[Histogram<u64>; 2]) -> String {
    let [calm, storm] = [calm, storm].map(|pauses| pauses.value_at_quantile(0.999));
    format!("{:.2}", storm as f64 / calm as f64)
}

fn longest(totals: &Totals, part: usize) -> String {
    time(
        totals.put_pauses[part]
            .max()
            .max(totals.got_pauses[part].max()),
    )
}

/// Nanoseconds, for people.
pub(crate) fn time(nanoseconds: u64) -> String {
    let (unit, name) = match nanoseconds {
        1_000_000_000.. => (1e9, "s"),
        1_000_000.. => (1e6, "ms"),
        _ => (1e3, "µs"),
    };
    format!("{:.1} {name}", nanoseconds as f64 / unit)
}
