//! From values to places on an axis, and where its ticks are.

/// An axis of values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scale {
    /// From zero (or below) up.
    Linear { low: f64, high: f64, step: f64 },
    /// Between two values above zero.
    Logarithmic { low: f64, high: f64 },
}

/// A place on an axis that gets a line, and a label if there is room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) labelled: bool,
}

/// Above this factor between the least and the greatest, small values would be invisible on a linear axis.
const WIDE: f64 = 20.0;

impl Scale {
    /// For bars: from zero, or logarithmic if the values span much.
    pub(super) fn for_bars(values: &[f64]) -> Scale {
        let (low, high) = ends(values);
        match positive_ends(values) {
            Some((least, most)) if most / least > WIDE => {
                // The shortest bar still has a length.
                Scale::around(least / 1.5, most)
            }
            _ => {
                let step = step((high - low.min(0.0)) / 5.0);
                Scale::Linear {
                    low: (low.min(0.0) / step).floor() * step,
                    high: (high.max(step) / step).ceil() * step,
                    step,
                }
            }
        }
    }

    /// For lines: always logarithmic.
    pub(super) fn for_lines(values: &[f64]) -> Scale {
        let (low, high) = positive_ends(values).unwrap_or((1.0, 10.0));
        Scale::around(low, high)
    }

    /// The next 1, 2 or 5 below and above.
    fn around(low: f64, high: f64) -> Scale {
        let below = |value: f64| {
            let decade = decade(value);
            let fitting = [5.0, 2.0, 1.0].map(|digit| digit * decade);
            *fitting.iter().find(|v| **v <= value).unwrap_or(&decade)
        };
        let above = |value: f64| {
            let decade = decade(value);
            let fitting = [1.0, 2.0, 5.0].map(|digit| digit * decade);
            *fitting
                .iter()
                .find(|v| **v >= value)
                .unwrap_or(&(10.0 * decade))
        };
        let low = below(low);
        Scale::Logarithmic {
            low,
            high: above(high).max(2.0 * low),
        }
    }

    /// Whether equal distances are equal factors.
    pub(super) fn is_logarithmic(&self) -> bool {
        matches!(self, Scale::Logarithmic { .. })
    }

    /// Where a value is between the ends, 0 to 1; what is beyond is at the end.
    pub(super) fn position(&self, value: f64) -> f64 {
        let place = match *self {
            Scale::Linear { low, high, .. } => (value - low) / (high - low),
            Scale::Logarithmic { low, .. } if value <= low => 0.0,
            Scale::Logarithmic { low, high } => (value.ln() - low.ln()) / (high.ln() - low.ln()),
        };
        place.clamp(0.0, 1.0)
    }

    /// The ticks in ascending order.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        match *self {
            Scale::Linear { low, high, step } => {
                let count = ((high - low) / step).round() as usize;
                let tick = |n| Tick {
                    at: low + n as f64 * step,
                    labelled: true,
                };
                (0..=count).map(tick).collect()
            }
            Scale::Logarithmic { low, high } => {
                let decades = high.log10() - low.log10();
                let first = low.log10().floor() as i32;
                let last = high.log10().ceil() as i32;
                let digits = [1.0, 2.0, 5.0];
                let all = (first..=last)
                    .flat_map(|n| digits.map(|digit| (digit, digit * 10_f64.powi(n))));
                let within = all.filter(|(_, at)| (low * 0.999..=high * 1.001).contains(at));
                let every = (decades / 6.0).ceil().max(1.0) as i32;
                within
                    .map(|(digit, at)| Tick {
                        at,
                        labelled: match digit {
                            1.0 => (at.log10().round() as i32).rem_euclid(every) == 0,
                            _ => decades < 2.0,
                        },
                    })
                    .collect()
            }
        }
    }
}

fn decade(value: f64) -> f64 {
    10_f64.powi(value.log10().floor() as i32)
}

fn ends(values: &[f64]) -> (f64, f64) {
    let finite = values.iter().copied().filter(|v| v.is_finite());
    let ends = finite.fold(None, |ends: Option<(f64, f64)>, v| {
        Some(ends.map_or((v, v), |(low, high)| (low.min(v), high.max(v))))
    });
    ends.unwrap_or((0.0, 1.0))
}

fn positive_ends(values: &[f64]) -> Option<(f64, f64)> {
    let positive: Vec<f64> = values.iter().copied().filter(|v| *v > 0.0).collect();
    (!positive.is_empty()).then(|| ends(&positive))
}

/// 1, 2 or 5 times a power of ten, not below.
fn step(rough: f64) -> f64 {
    if rough <= 0.0 {
        return 1.0;
    }
    let decade = decade(rough);
    let steps = [1.0, 2.0, 5.0].map(|digit| digit * decade);
    *steps
        .iter()
        .find(|s| **s >= rough * 0.999)
        .unwrap_or(&(10.0 * decade))
}

/// Where a percentile is: each further nine is as far as the one before. 99.99 is at 4.
pub(super) fn nines(percentile: f64) -> f64 {
    -(1.0 - percentile.min(99.999_99) / 100.0).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<f64> {
        let ticks = scale.ticks();
        ticks.iter().filter(|t| t.labelled).map(|t| t.at).collect()
    }

    #[test]
    fn what_spans_little_begins_at_zero() {
        let scale = Scale::for_bars(&[12.0, 4.0]);
        assert!(!scale.is_logarithmic());
        assert_eq!(labels(&scale), [0.0, 5.0, 10.0, 15.0]);
        assert_eq!(scale.position(7.5), 0.5);
    }

    #[test]
    fn what_spans_much_is_logarithmic() {
        let scale = Scale::for_bars(&[300.0, 80_000.0]);
        assert!(scale.is_logarithmic());
        assert_eq!(labels(&scale), [1e3, 1e4, 1e5]);
        assert!(scale.position(300.0) > 0.0);
        assert_eq!(scale.position(1e9), 1.0);
    }

    #[test]
    fn zeros_and_differences_below_zero_have_a_place() {
        let scale = Scale::for_bars(&[-1.0, 0.0, 8.0]);
        assert!((scale.position(-1.0), scale.position(8.0)) > (0.0, 0.0));
        assert_eq!(Scale::for_bars(&[0.0, 100.0, 1.0]).position(0.0), 0.0);
        assert_eq!(Scale::for_bars(&[0.0]).position(0.0), 0.0);
        assert_eq!(Scale::for_bars(&[]).position(0.5), 0.5);
    }

    #[test]
    fn every_nine_is_as_far_as_the_last() {
        let places = [0.0, 90.0, 99.0, 99.9, 99.99].map(nines);
        for (place, wanted) in places.iter().zip([0.0, 1.0, 2.0, 3.0, 4.0]) {
            assert!((place - wanted).abs() < 1e-9);
        }
        assert!(nines(100.0).is_finite());
    }
}
