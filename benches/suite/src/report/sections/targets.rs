//! The targets: each with what was measured, and met, not met or not measured.

use super::Content;
use crate::report::document::{Block, Cell, Mood, Table, cell, heading};
use crate::report::{names, numbers};
use crate::targets::{Bound, Outcome, Versus};
use crate::view::OURS;

pub(super) fn blocks(content: &Content) -> Vec<Block> {
    let mut table = Table::new([
        "target",
        "compared",
        "against",
        "#measured",
        "#range",
        "#to be",
        "verdict",
        "remarks",
    ]);
    let mut before = [String::new(), String::new()];
    for outcome in &content.outcomes {
        let named = [outcome.target.group.to_owned(), compared(outcome)];
        // What is as in the row above is not said again.
        let shown = [0, 1].map(|n| {
            if named[..=n] == before[..=n] {
                ""
            } else {
                &named[n]
            }
        });
        table.row(Mood::Neutral, row(shown, outcome));
        before = named;
    }
    vec![
        heading(2, "Targets"),
        Block::Text(
            "What ringpost is to reach, as the ratio of its figure to another's in the same run: the median of the ratios \
             round by round, with the least and the greatest. Where several are meant, the one against which ringpost looks \
             worst counts, and is named."
                .into(),
        ),
        Block::Table(table),
    ]
}

fn compared(outcome: &Outcome) -> String {
    let title = names::title(outcome.target.measurement);
    match outcome.target.ours {
        OURS => title,
        other => format!("{title} ({other})"),
    }
}

fn row([group, compared]: [&str; 2], outcome: &Outcome) -> Vec<Cell> {
    let (verdict, mood) = match outcome.met {
        Some(true) => ("✓ met", Mood::Good),
        Some(false) => ("✗ NOT met", Mood::Bad),
        None => ("– not measured", Mood::Quiet),
    };
    let (measured, range) = match (outcome.measured, outcome.unit) {
        (Some(spread), Some(unit)) => (
            numbers::value(spread.median, unit),
            numbers::range(&spread, unit),
        ),
        (Some(spread), None) => (
            near(spread.median, outcome.target.bound),
            numbers::range_of_times(&spread),
        ),
        (None, _) => ("–".into(), "–".into()),
    };
    vec![
        cell(group, Mood::Ours),
        compared.into(),
        against(outcome).into(),
        cell(measured, mood),
        range.into(),
        bound(outcome).into(),
        cell(verdict, mood),
        remarks(outcome).into(),
    ]
}

/// A ratio; so close to its bound that three digits would hide on which side it is, with five.
fn near(ratio: f64, bound: Bound) -> String {
    let (Bound::AtMost(limit) | Bound::AtLeast(limit)) = bound;
    match numbers::digits(ratio) == numbers::digits(limit) {
        true => format!("{ratio:.4} ×"),
        false => numbers::times(ratio),
    }
}

fn against(outcome: &Outcome) -> String {
    let who = match outcome.target.versus {
        Versus::Named(name) => return outcome.against.unwrap_or(name).to_owned(),
        Versus::EveryPeer => "every peer",
        Versus::EveryPeerAndThread => "every peer, threads of one process included",
        Versus::EverySleeper => "every peer that sleeps",
        Versus::EveryClaimer => "every ring that claims before it writes",
        Versus::Itself => return "–".into(),
    };
    match outcome.against {
        Some(worst) => format!("{worst} ({who})"),
        None => who.to_owned(),
    }
}

fn bound(outcome: &Outcome) -> String {
    let (sign, bound) = match outcome.target.bound {
        Bound::AtMost(bound) => ("≤", bound),
        Bound::AtLeast(bound) => ("≥", bound),
    };
    match outcome.unit {
        Some(unit) => format!("{sign} {}", numbers::tick(bound, unit)),
        None if outcome.target.versus == Versus::Itself => format!("{sign} {bound}"),
        None => format!("{sign} {}", numbers::tick(bound, "×")),
    }
}

/// The explanation, the reason, the others' values: whatever there is to say.
fn remarks(outcome: &Outcome) -> String {
    let mut remarks = Vec::new();
    match (outcome.met, outcome.explanation) {
        (Some(true), _) => {} // what explains a miss is beside the point in a run that hits
        (_, Some(explanation)) => remarks.push(explanation.to_owned()),
        (Some(false), None) => remarks.push("Not explained yet.".into()),
        (None, None) => {}
    }
    if !outcome.missing.is_empty() {
        remarks.push(outcome.missing.clone());
    }
    let unit = outcome.unit.unwrap_or_default();
    let beside: Vec<String> = outcome
        .beside
        .iter()
        .filter_map(|entry| {
            let value = match entry.for_good() {
                true => "for good".into(),
                false => numbers::value(entry.spread?.median, unit),
            };
            Some(format!("{} {value}", entry.figure.peer))
        })
        .collect();
    if !beside.is_empty() {
        remarks.push(format!("Beside it: {}.", beside.join(", ")));
    }
    remarks.join(" ")
}
