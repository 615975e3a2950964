//! Latencies: histograms that travel between processes and add up.

use crate::results::Curve;
use hdrhistogram::Histogram;

/// A histogram on its way: values in nanoseconds and how many of each.
pub type Counts = Vec<(u64, u64)>;

/// Up to a minute, with three significant digits.
pub fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("bounds that are always good")
}

/// For its way to another process.
pub fn counts(histogram: &Histogram<u64>) -> Counts {
    let recorded = histogram.iter_recorded();
    recorded
        .map(|value| (value.value_iterated_to(), value.count_at_value()))
        .collect()
}

/// Adds what came from another process.
pub fn add(histogram: &mut Histogram<u64>, counts: &Counts) {
    for &(value, count) in counts {
        histogram.saturating_record_n(value, count);
    }
}

/// From counts alone.
pub fn of(counts: &Counts) -> Histogram<u64> {
    let mut histogram = empty();
    add(&mut histogram, counts);
    histogram
}

/// The percentiles of a curve.
const PERCENTILES: &[f64] = &[
    0.0, 1.0, 5.0, 10.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 70.0, 75.0, 80.0, 85.0, 90.0, 92.5,
    95.0, 96.0, 97.0, 98.0, 98.5, 99.0, 99.3, 99.5, 99.7, 99.8, 99.9, 99.93, 99.95, 99.97, 99.98,
    99.99,
];

/// The curve of a distribution.
pub fn curve(measurement: &str, peer: &str, histogram: &Histogram<u64>) -> Curve {
    // A percentile that fewer than one value in it could tell from the maximum is left out.
    let told = |&&p: &&f64| (100.0 - p) / 100.0 * histogram.len() as f64 >= 0.999;
    let mut points: Vec<_> = PERCENTILES
        .iter()
        .filter(told)
        .map(|&p| (p, histogram.value_at_percentile(p) as f64))
        .collect();
    points.push((100.0, histogram.max() as f64));
    Curve {
        measurement: measurement.into(),
        peer: peer.into(),
        count: histogram.len(),
        points,
    }
}

/// How long somebody waits for the next success who begins to wait at a random moment: one observer begins every ten
/// microseconds, whatever the queue does, and all are answered by the next success. So a peer that stands still is not
/// measured less often for it (coordinated omission).
#[derive(Debug)]
pub struct Observers {
    next: u64,
    every: u64,
    scale: f64,
}

impl Observers {
    /// The time between two observers.
    pub const EVERY_NS: u64 = 10_000;

    /// The first begins at `now` (in ticks, of which each lasts `scale` nanoseconds).
    pub fn new(now: u64, scale: f64) -> Observers {
        let every = ((Self::EVERY_NS as f64 / scale) as u64).max(1);
        Observers {
            next: now,
            every,
            scale,
        }
    }

    /// All who wait are answered now.
    #[inline(always)]
    pub fn answer(&mut self, now: u64, histogram: &mut Histogram<u64>) {
        while self.next <= now {
            let waited = (now - self.next) as f64 * self.scale;
            histogram.saturating_record(waited as u64);
            self.next += self.every;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_survives_its_way() {
        let mut sent = empty();
        for value in [1, 60, 61, 5000, 123_456_789, 123_456_789] {
            sent.record(value).unwrap();
        }
        let got = of(&counts(&sent));
        assert_eq!(got, sent);
    }

    #[test]
    fn a_curve_ends_where_its_values_do() {
        let mut histogram = empty();
        (1..=1000).for_each(|value| histogram.record(value).unwrap());
        let curve = curve("a", "b", &histogram);
        assert_eq!(curve.count, 1000);
        assert_eq!(curve.points[0], (0.0, 1.0));
        assert!(curve.points.contains(&(50.0, 500.0)));
        let end = &curve.points[curve.points.len() - 2..];
        assert_eq!(
            end,
            [(99.9, 1000.0), (100.0, 1000.0)],
            "99.99 would need 10,000"
        );
    }

    /// One success a microsecond for a second; from 0.5 s on it stands still for 100 ms.
    #[test]
    fn whoever_stands_still_is_measured_no_less() {
        let mut histogram = empty();
        let mut observers = Observers::new(0, 1.0);
        let successes = (0..1_000_000_u64).map(|i| i * 1000);
        for now in successes.filter(|now| !(500_000_000..600_000_000).contains(now)) {
            observers.answer(now, &mut histogram);
        }
        // A tenth of all observers came while it stood still, evenly.
        let share = 100.0 * histogram.count_between(1_000_000, u64::MAX) as f64;
        let share = share / histogram.len() as f64;
        assert!((9.8..10.0).contains(&share), "{share} % waited");
        let at = |p| histogram.value_at_percentile(p) as f64 / 1e6;
        assert!((49.0..51.0).contains(&at(95.0)), "{}", at(95.0));
        assert!((98.5..99.5).contains(&at(99.9)), "{}", at(99.9));
        // A mean of the operations, as most benchmarks have it, would have been 1.1 microseconds.
    }
}
