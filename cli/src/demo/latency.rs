//! Latencies: counted by the processes, sent to their parent, put together and drawn.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

const LONGEST_TIME: u64 = 3_600_000_000_000;
const BAR_WIDTH: usize = 44;
/// What share of all is not worth a line of the histogram.
const RARE: f64 = 0.001;

/// How often each latency was met, in nanoseconds, to three digits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Counts(Vec<(u64, u64)>);

impl Counts {
    /// An empty histogram from a nanosecond to an hour.
    pub(crate) fn histogram() -> Histogram<u64> {
        Histogram::new_with_bounds(1, LONGEST_TIME, 3).expect("valid bounds")
    }

    /// Adds all of them to `histogram`.
    pub(crate) fn add_to(&self, histogram: &mut Histogram<u64>) {
        for &(time, count) in &self.0 {
            histogram.saturating_record_n(time, count);
        }
    }
}

impl From<&Histogram<u64>> for Counts {
    fn from(histogram: &Histogram<u64>) -> Self {
        let steps = histogram.iter_recorded();
        Counts(
            steps
                .map(|step| (step.value_iterated_to(), step.count_since_last_iteration()))
                .collect(),
        )
    }
}

/// Percentiles in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    #[serde(rename = "p99.9")]
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

impl From<&Histogram<u64>> for Latency {
    fn from(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Latency {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max(),
        }
    }
}

impl From<&Counts> for Latency {
    fn from(counts: &Counts) -> Self {
        let mut histogram = Counts::histogram();
        counts.add_to(&mut histogram);
        Latency::from(&histogram)
    }
}

/// One line for each step of 1, 2, 5, 10 … that matters; the rarest at both ends are drawn together.
pub(crate) fn bars(histogram: &Histogram<u64>) -> Vec<String> {
    let mut steps: Vec<(u64, u64)> = Vec::new();
    let mut bound = 0;
    for step in histogram.iter_recorded() {
        while step.value_iterated_to() >= bound {
            bound = next_bound(bound);
            steps.push((bound, 0));
        }
        if let Some(last) = steps.last_mut() {
            last.1 += step.count_since_last_iteration();
        }
    }
    let rare = (histogram.len() as f64 * RARE) as u64;
    let (mut below, mut first) = (0, 0);
    while first < steps.len() && below + steps[first].1 <= rare {
        below += steps[first].1;
        first += 1;
    }
    let (mut above, mut end) = (0, steps.len());
    while end > first && above + steps[end - 1].1 <= rare {
        end -= 1;
        above += steps[end].1;
    }
    let steps = &mut steps[first..end];
    let Some(step) = steps.first_mut() else {
        return Vec::new();
    };
    step.1 += below;
    let last = steps[steps.len() - 1].0;
    let mut rows: Vec<(char, u64, u64)> = steps.iter().map(|step| ('<', step.0, step.1)).collect();
    if above > 0 {
        rows.push(('≥', last, above));
    }
    let most = rows.iter().map(|row| row.2).max().unwrap_or(1).max(1) as f64;
    let lines = rows.iter().map(|&(sign, bound, count)| {
        let bar = bar(count as f64 / most);
        let percent = 100.0 * count as f64 / histogram.len() as f64;
        let bound = bound_name(bound);
        format!("  {sign} {bound:>6} {bar:BAR_WIDTH$} {percent:6.2} %")
    });
    lines.collect()
}

/// 1, 2, 5, 10, 20, 50 …
fn next_bound(bound: u64) -> u64 {
    let mut decade = 1;
    while decade * 10 <= bound {
        decade *= 10;
    }
    match bound / decade {
        0 => decade,
        1 => 2 * decade,
        2..=4 => 5 * decade,
        _ => 10 * decade,
    }
}

fn bound_name(bound: u64) -> String {
    let units = [
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "µs"),
        (1, "ns"),
    ];
    let (unit, name) = units
        .into_iter()
        .find(|&(unit, _)| bound >= unit)
        .unwrap_or((1, "ns"));
    format!("{} {name}", bound / unit)
}

/// A bar in eighths of a character; whatever is there at all shows at least one.
fn bar(share: f64) -> String {
    let eighths = (share * (BAR_WIDTH * 8) as f64).round() as usize;
    let eighths = eighths.max(usize::from(share > 0.0));
    let mut bar = "█".repeat(eighths / 8);
    bar.push_str(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_round_numbers() {
        let mut bounds = vec![0];
        for _ in 0..8 {
            bounds.push(next_bound(bounds[bounds.len() - 1]));
        }
        assert_eq!(bounds, [0, 1, 2, 5, 10, 20, 50, 100, 200]);
        assert_eq!(bound_name(200), "200 ns");
        assert_eq!(bound_name(20_000), "20 µs");
    }

    #[test]
    fn bars_fit_into_a_terminal_and_hold_everything() {
        let mut histogram = Counts::histogram();
        for time in [150, 1_500, 1_600, 1_700, 3_000_000_000] {
            histogram.record(time).expect("in bounds");
        }
        let lines = bars(&histogram);
        assert!(
            lines.iter().all(|line| line.chars().count() <= 80),
            "{lines:#?}"
        );
        assert!(
            lines[0].contains("< 200 ns") && lines[0].ends_with("20.00 %"),
            "{lines:#?}"
        );
        assert!(
            lines
                .iter()
                .any(|line| line.contains(&"█".repeat(BAR_WIDTH))),
            "{lines:#?}"
        );
        assert!(lines[lines.len() - 1].contains("<    5 s"), "{lines:#?}");
        assert_eq!(bars(&Counts::histogram()), Vec::<String>::new());
    }

    #[test]
    fn the_rarest_are_drawn_together() {
        let mut histogram = Counts::histogram();
        for (time, count) in [(30, 2), (300, 3), (1_500, 9_990), (6_000, 2), (80_000, 3)] {
            histogram.record_n(time, count).expect("in bounds");
        }
        let lines = bars(&histogram);
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert!(
            lines[0].contains("<   2 µs") && lines[0].ends_with("99.95 %"),
            "{lines:#?}"
        );
        assert!(
            lines[1].contains("≥   2 µs ▏") && lines[1].ends_with(" 0.05 %"),
            "{lines:#?}"
        );
    }

    #[test]
    fn counts_travel_without_loss() {
        let mut histogram = Counts::histogram();
        for time in 1..5_000 {
            histogram.record(time * 997).expect("in bounds");
        }
        let json = serde_json::to_string(&Counts::from(&histogram)).expect("as it travels");
        let counts: Counts = serde_json::from_str(&json).expect("as it travels");
        let mut again = Counts::histogram();
        counts.add_to(&mut again);
        assert_eq!(histogram, again);
    }
}
