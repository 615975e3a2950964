//! What changed between two runs, and whether it is more than noise.
//!
//! Three questions are asked of each figure. Do the rounds differ (an exact Mann–Whitney U test, and because there are many
//! figures, Benjamini and Hochberg's correction, so that at most one in twenty of what is called a change is none)? Is the
//! difference greater than what also befell those whose code did not change (rounds of one run agree better with each other
//! than with another run's, which no test within a run can see)? And if the rounds are too few for the corrected test: do the
//! two runs' ranges at least not overlap?

use crate::results::{Better, Figure, Machine, Results, Role};
use crate::stats::{Spread, discoveries, mann_whitney, ratio};
use crate::view::{View, contestant};

#[cfg(test)]
mod tests;

/// How many of what is called a change may be none.
pub const FALSE_SHARE: f64 = 0.05;

/// Two runs side by side.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// What differs between the machines and makes plain values incomparable: name, before, after.
    pub machine: Vec<(&'static str, String, String)>,
    /// What differs otherwise: versions.
    pub versions: Vec<(String, String, String)>,
    /// How far apart those are that did not change, as a factor: 95 % of them are within it.
    pub drift: Option<f64>,
    /// Each figure that both runs have.
    pub changes: Vec<Change<'a>>,
    /// What only one run has: measurement, peer, and whether it is the new one.
    pub unmatched: Vec<(&'a str, &'a str, bool)>,
}

/// One figure in both runs.
#[derive(Debug)]
pub struct Change<'a> {
    /// The figure as it is now.
    pub figure: &'a Figure,
    /// What it was, or on another machine its ratio to the reference.
    pub before: Spread,
    /// What it is.
    pub after: Spread,
    /// To what the values are ratios, on another machine.
    pub reference: Option<&'a str>,
    /// After divided by before.
    pub factor: f64,
    /// The test's answer, before correction.
    pub p: f64,
    /// What to make of it.
    pub verdict: Verdict,
}

/// What a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// More than noise.
    Real,
    /// The ranges do not overlap, but the rounds are too few to be sure among so many figures.
    Likely,
    /// Nothing that noise does not do.
    Noise,
}

impl Change<'_> {
    /// Whether it became better.
    pub fn improved(&self) -> bool {
        match self.figure.better {
            Better::Lower => self.factor < 1.0,
            Better::Higher => self.factor > 1.0,
        }
    }
}

/// Compares a run with an older one.
pub fn compare<'a>(new: &'a Results, old: &'a Results) -> Comparison<'a> {
    let machine = differences(&new.machine, &old.machine);
    let (new_view, old_view) = (View::new(new), View::new(old));
    let mut changes = Vec::new();
    let mut unmatched = Vec::new();
    for figure in &new.figures {
        let Some(former) = find(old, figure) else {
            unmatched.push((figure.measurement.as_str(), figure.peer.as_str(), true));
            continue;
        };
        changes.extend(if machine.is_empty() {
            change(figure, values(figure), values(former), None)
        } else {
            let both = reference(&new_view, &old_view, figure);
            both.and_then(|(now, then)| {
                let (after, before) = (relative(figure, now)?, relative(former, then)?);
                change(figure, after, before, Some(&now.peer))
            })
        });
    }
    let gone = old.figures.iter().filter(|f| find(new, f).is_none());
    unmatched.extend(gone.map(|f| (f.measurement.as_str(), f.peer.as_str(), false)));
    let drift = drift(new, old, &changes);
    judge(&mut changes, drift.unwrap_or(1.0));
    Comparison {
        machine,
        versions: versions(new, old),
        drift,
        changes,
        unmatched,
    }
}

fn find<'a>(results: &'a Results, figure: &Figure) -> Option<&'a Figure> {
    let mut figures = results.figures.iter();
    figures.find(|f| f.measurement == figure.measurement && f.peer == figure.peer)
}

fn values(figure: &Figure) -> Vec<f64> {
    figure.rounds.iter().flatten().copied().collect()
}

/// Each round's ratio to the reference of the same round; none for the reference itself.
fn relative(figure: &Figure, reference: &Figure) -> Option<Vec<f64>> {
    if figure.peer == reference.peer {
        return None;
    }
    ratio(figure, reference)?;
    let rounds = figure.rounds.iter().zip(&reference.rounds);
    let pairs = rounds.filter_map(|(a, b)| Some(((*a)?, (*b)?)));
    Some(
        pairs
            .filter(|(_, b)| *b > 0.0)
            .map(|(a, b)| a / b)
            .collect(),
    )
}

/// A limit or yardstick that both runs have in that measurement.
fn reference<'a>(
    new: &View<'a>,
    old: &View<'a>,
    figure: &Figure,
) -> Option<(&'a Figure, &'a Figure)> {
    let now = new.measurement(&figure.measurement)?;
    let then = old.measurement(&figure.measurement)?;
    now.references().find_map(|reference| {
        let former = then.of(&reference.figure.peer)?;
        Some((reference.figure, former.figure))
    })
}

fn change<'a>(
    figure: &'a Figure,
    after: Vec<f64>,
    before: Vec<f64>,
    reference: Option<&'a str>,
) -> Option<Change<'a>> {
    let p = mann_whitney(&after, &before);
    let (after, before) = (Spread::of(after)?, Spread::of(before)?);
    // Differences of times can be below zero, and then nothing can be said about their ratio.
    (before.median > 0.0 && after.median > 0.0).then(|| Change {
        figure,
        before,
        after,
        reference,
        factor: after.median / before.median,
        p,
        verdict: Verdict::Noise,
    })
}

/// How far apart the figures are of those whose version did not change, ours left out.
fn drift(new: &Results, old: &Results, changes: &[Change]) -> Option<f64> {
    let unchanged = changes.iter().filter(|change| {
        let (measurement, peer) = (&change.figure.measurement, &change.figure.peer);
        let now = contestant(new, measurement, peer);
        let then = contestant(old, measurement, peer);
        now.zip(then)
            .is_some_and(|(now, then)| now.role != Role::Ours && now.version == then.version)
    });
    let mut apart: Vec<f64> = unchanged.map(|c| c.factor.ln().abs()).collect();
    apart.sort_by(f64::total_cmp);
    // Fewer tell nothing about the one in twenty.
    (apart.len() >= 10).then(|| apart[(apart.len() * 95).div_ceil(100) - 1].exp())
}

fn judge(changes: &mut [Change], drift: f64) {
    let p_values: Vec<f64> = changes.iter().map(|change| change.p).collect();
    let discovered = discoveries(&p_values, FALSE_SHARE);
    for (change, discovered) in changes.iter_mut().zip(discovered) {
        let apart = change.after.least > change.before.greatest
            || change.after.greatest < change.before.least;
        let enough = change.before.rounds.min(change.after.rounds) >= 2;
        let beyond = change.factor.ln().abs() > drift.ln();
        change.verdict = match (beyond, discovered, apart && enough) {
            (true, true, _) => Verdict::Real,
            (true, false, true) => Verdict::Likely,
            _ => Verdict::Noise,
        };
    }
}

/// What makes plain values incomparable.
fn differences(new: &Machine, old: &Machine) -> Vec<(&'static str, String, String)> {
    let facts = |m: &Machine| {
        let text = |option: &Option<String>| option.clone().unwrap_or_else(|| "none".into());
        [
            ("processor", m.processor.clone()),
            ("processors", m.processors.to_string()),
            ("kernel", m.kernel.clone()),
            ("governor", text(&m.governor)),
            ("virtual machine", text(&m.virtual_machine)),
        ]
    };
    let pairs = facts(old).into_iter().zip(facts(new));
    pairs
        .filter(|(then, now)| then != now)
        .map(|((name, then), (_, now))| (name, then, now))
        .collect()
}

/// Compilers, interpreters and peers that are of another version now.
fn versions(new: &Results, old: &Results) -> Vec<(String, String, String)> {
    let all = |results: &Results| -> Vec<(String, String)> {
        let peers = results.peers.iter();
        let peers = peers.map(|peer| (peer.name.clone(), peer.version.clone()));
        results
            .machine
            .versions
            .iter()
            .cloned()
            .chain(peers)
            .collect()
    };
    let former = all(old);
    let changed = all(new).into_iter().filter_map(|(name, now)| {
        let (_, then) = former.iter().find(|(other, _)| *other == name)?;
        (*then != now).then(|| (name, then.clone(), now))
    });
    changed.collect()
}
