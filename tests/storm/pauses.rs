//! Pauses: the time from one success of a survivor to its next, counted apart for calm and storm.

use crate::ledger::{Ledger, Phase};
use crate::words::Words;
use hdrhistogram::Histogram;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;

/// How many different values a histogram of this precision can hold in this range, with room to spare.
const VALUES: usize = 1 << 13;
const LONGEST: u64 = 600_000_000_000;

/// An empty histogram of nanoseconds, to two digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 2).expect("valid bounds")
}

/// A survivor's own account.
pub(crate) struct Pauses {
    last: Option<(Instant, Phase)>,
    calm: Histogram<u64>,
    storm: Histogram<u64>,
}

impl Pauses {
    pub(crate) fn new() -> Pauses {
        Pauses {
            last: None,
            calm: histogram(),
            storm: histogram(),
        }
    }

    /// Something has succeeded. A pause counts if it began and ended in the same part of the round.
    pub(crate) fn success(&mut self, ledger: &Ledger) {
        let (now, phase) = (Instant::now(), ledger.phase());
        if let Some((last, before)) = self.last.replace((now, phase))
            && before == phase
        {
            let pause = (now - last).as_nanos() as u64;
            match phase {
                Phase::Calm => self.calm.saturating_record(pause),
                Phase::Storm => self.storm.saturating_record(pause),
                Phase::Outside => {}
            }
        }
    }

    /// Hands the account to the parent.
    pub(crate) fn hand_over(&self, to: &Words) {
        for (histogram, half) in [&self.calm, &self.storm].into_iter().zip(halves(to)) {
            let steps = histogram.iter_recorded();
            for (step, pair) in steps.zip(half.chunks(2)) {
                pair[0].store(step.value_iterated_to(), SeqCst);
                pair[1].store(step.count_since_last_iteration(), SeqCst);
            }
        }
    }
}

/// Where a survivor leaves its account.
pub(crate) fn account() -> Words {
    Words::new(4 * VALUES)
}

/// Adds an account that was handed over: calm, then storm.
pub(crate) fn add(account: &Words, to: &mut [Histogram<u64>; 2]) {
    for (half, histogram) in halves(account).zip(to) {
        for pair in half.chunks(2) {
            match pair[1].load(SeqCst) {
                0 => break,
                count => histogram.saturating_record_n(pair[0].load(SeqCst), count),
            }
        }
    }
}

fn halves(account: &Words) -> impl Iterator<Item = &[std::sync::atomic::AtomicU64]> {
    account.chunks(2 * VALUES)
}
