//! Medians, ratios round by round, and a rank test: the few statistics that the report and the comparison need.

use crate::results::Figure;

/// The median of some rounds, with the least and the greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle one; of two middle ones their mean.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// How many there are.
    pub rounds: usize,
}

impl Spread {
    /// Of the finite ones among the values; none if there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (least, greatest) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Some(Spread {
            median,
            least,
            greatest,
            rounds: sorted.len(),
        })
    }

    /// Of a figure's rounds.
    pub fn of_figure(figure: &Figure) -> Option<Spread> {
        Spread::of(figure.rounds.iter().flatten().copied())
    }
}

/// The first divided by the second, round by round. If no round has both: median by median, with the widest range that the
/// two allow. Rounds in which the second is not above zero have no ratio.
pub fn ratio(first: &Figure, second: &Figure) -> Option<Spread> {
    let rounds = first.rounds.iter().zip(&second.rounds);
    let paired = rounds.filter_map(|(a, b)| Some(((*a)?, (*b)?)));
    let shared = Spread::of(paired.filter(|(_, b)| *b > 0.0).map(|(a, b)| a / b));
    shared.or_else(|| {
        let (a, b) = (Spread::of_figure(first)?, Spread::of_figure(second)?);
        (b.least > 0.0).then(|| Spread {
            median: a.median / b.median,
            least: a.least / b.greatest,
            greatest: a.greatest / b.least,
            rounds: 0,
        })
    })
}

/// The two-sided p-value of the Mann–Whitney U test, exact, ties included: how often chance alone would part the two samples
/// at least so far, if both came from one distribution. 1 if one of them is empty.
pub fn mann_whitney(first: &[f64], second: &[f64]) -> f64 {
    let mut all: Vec<f64> = first.iter().chain(second).copied().collect();
    all.sort_by(f64::total_cmp);
    // Twice the mid-rank, so that it is a whole number: the count below plus the count up to, plus one.
    let doubled = |value: f64| {
        let below = all.partition_point(|v| *v < value);
        below + all.partition_point(|v| *v <= value) + 1
    };
    let ranks: Vec<usize> = all.iter().map(|v| doubled(*v)).collect();
    let observed: usize = first.iter().map(|v| doubled(*v)).sum();
    // How many choices of so many ranks have that sum: the distribution over all relabellings.
    let total: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0_f64; total + 1]; first.len() + 1];
    ways[0][0] = 1.0;
    for rank in ranks {
        for chosen in (1..=first.len()).rev() {
            let (fewer, more) = ways.split_at_mut(chosen);
            for sum in rank..=total {
                more[0][sum] += fewer[chosen - 1][sum - rank];
            }
        }
    }
    // The expected sum, doubled once more to stay whole.
    let expected = first.len() * (all.len() + 1);
    let distance = observed.abs_diff(expected);
    let distribution = &ways[first.len()];
    let as_far = distribution.iter().enumerate();
    let as_far = as_far.filter(|(sum, _)| sum.abs_diff(expected) >= distance);
    as_far.map(|(_, count)| count).sum::<f64>() / distribution.iter().sum::<f64>()
}

/// Benjamini and Hochberg: which of the p-values are discoveries if at most this share of the discoveries may be false.
pub fn discoveries(p_values: &[f64], share: f64) -> Vec<bool> {
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let passes = |(rank, p): &(usize, f64)| *p <= share * (*rank as f64) / sorted.len() as f64;
    let bound = (1..).zip(sorted.iter().copied()).filter(passes).last();
    let bound = bound.map_or(f64::NEG_INFINITY, |(_, p)| p);
    p_values.iter().map(|p| *p <= bound).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Better;

    fn figure(rounds: &[Option<f64>]) -> Figure {
        Figure {
            measurement: "m".into(),
            peer: "p".into(),
            unit: "ns".into(),
            better: Better::Lower,
            rounds: rounds.to_vec(),
            observed: None,
        }
    }

    #[test]
    fn a_spread_is_the_median_with_its_range() {
        let odd = Spread::of([3.0, 1.0, 9.0]).unwrap();
        assert_eq!((odd.median, odd.least, odd.greatest), (3.0, 1.0, 9.0));
        assert_eq!(Spread::of([4.0, 1.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of([f64::NAN, 2.0]).unwrap().rounds, 1);
        assert_eq!(Spread::of([f64::NAN]), None);
    }

    #[test]
    fn a_ratio_pairs_the_rounds() {
        // Median by median it would be 2 / 2 = 1; round by round 1/2, 2/1, 9/3.
        let ours = figure(&[Some(1.0), Some(2.0), Some(9.0), None]);
        let theirs = figure(&[Some(2.0), Some(1.0), Some(3.0), Some(100.0)]);
        let found = ratio(&ours, &theirs).unwrap();
        assert_eq!((found.median, found.least, found.greatest), (2.0, 0.5, 3.0));
        assert_eq!(found.rounds, 3);
    }

    #[test]
    fn without_a_common_round_the_medians_are_compared() {
        let found = ratio(&figure(&[Some(6.0), None]), &figure(&[None, Some(3.0)])).unwrap();
        assert_eq!((found.median, found.rounds), (2.0, 0));
    }

    #[test]
    fn nothing_is_divided_by_zero() {
        assert_eq!(ratio(&figure(&[Some(1.0)]), &figure(&[Some(0.0)])), None);
        assert_eq!(ratio(&figure(&[Some(1.0)]), &figure(&[None])), None);
    }

    #[test]
    fn the_rank_test_gives_the_tables_values() {
        // All apart: 2 of the C(8, 4) = 70 orders are so extreme.
        let p = mann_whitney(&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]);
        assert!((p - 2.0 / 70.0).abs() < 1e-12, "{p}");
        // U = 1 for 3 against 3: 4 of 20.
        let p = mann_whitney(&[1.0, 2.0, 4.0], &[3.0, 5.0, 6.0]);
        assert!((p - 4.0 / 20.0).abs() < 1e-12, "{p}");
        assert_eq!(mann_whitney(&[1.0, 1.0], &[1.0, 1.0]), 1.0);
        assert_eq!(mann_whitney(&[], &[1.0]), 1.0);
    }

    #[test]
    fn of_many_figures_a_single_weak_one_is_no_discovery() {
        assert_eq!(discoveries(&[0.04, 0.5, 0.9], 0.05), [false; 3]);
        assert_eq!(
            discoveries(&[0.01, 0.03, 0.9], 0.05),
            [true, true, false],
            "0.03 is below 0.05 * 2 / 3"
        );
        assert_eq!(discoveries(&[], 0.05), [false; 0]);
    }
}
