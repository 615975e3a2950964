//! What changed since an older run, and whether it is more than noise.

use super::Content;
use crate::compare::{Change, Comparison, FALSE_SHARE, Verdict};
use crate::report::document::{Block, Cell, Mood, Table, cell, heading};
use crate::report::{names, numbers};

pub(super) fn blocks(content: &Content) -> Vec<Block> {
    let Some(comparison) = &content.comparison else {
        return Vec::new();
    };
    let mut blocks = vec![heading(2, "What changed since the older run")];
    blocks.extend(machine(comparison));
    blocks.push(Block::Text(method(comparison)));
    let of = |wanted: Verdict| {
        let changes = comparison.changes.iter();
        changes.filter(move |change| change.verdict == wanted)
    };
    let mut shown: Vec<&Change> = of(Verdict::Real).chain(of(Verdict::Likely)).collect();
    shown.sort_by(|a, b| {
        let size = |change: &Change| change.factor.ln().abs();
        a.verdict.cmp(&b.verdict).then(size(b).total_cmp(&size(a)))
    });
    blocks.push(Block::Text(format!(
        "Of {} figures that both runs have, {} changed by more than noise, {} perhaps, and {} did not.",
        comparison.changes.len(),
        of(Verdict::Real).count(),
        of(Verdict::Likely).count(),
        of(Verdict::Noise).count(),
    )));
    if !shown.is_empty() {
        blocks.push(Block::Table(table(shown)));
    }
    let noise: Vec<&Change> = of(Verdict::Noise).collect();
    if !noise.is_empty() {
        let title = format!(
            "The {} figures in which nothing but noise was found",
            noise.len()
        );
        blocks.push(Block::Folded(title, vec![Block::Table(table(noise))]));
    }
    if !comparison.unmatched.is_empty() {
        let mut table = Table::new(["measurement", "contestant", "only in"]);
        for (measurement, peer, new) in &comparison.unmatched {
            let run = if *new { "the new run" } else { "the older run" };
            let cells = [*measurement, *peer, run].map(Into::into);
            table.row(Mood::Neutral, cells.into());
        }
        let title = format!(
            "{} figures that only one run has",
            comparison.unmatched.len()
        );
        blocks.push(Block::Folded(title, vec![Block::Table(table)]));
    }
    blocks
}

fn machine(comparison: &Comparison) -> Option<Block> {
    if comparison.machine.is_empty() {
        return None;
    }
    let said = comparison.machine.iter();
    let said = said.map(|(what, before, after)| format!("{what}: {before}, now {after}"));
    Some(Block::Warning(format!(
        "The two runs are NOT of the same machine ({}). Plain values cannot be compared: each figure is compared by its ratio \
         to a limit or yardstick of its own run, and what has none is left out. Even so another machine may favour one \
         contestant over another.",
        said.collect::<Vec<_>>().join("; ")
    )))
}

fn method(comparison: &Comparison) -> String {
    let drift = match comparison.drift {
        Some(drift) => format!(
            "19 of 20 figures of the others, whose versions are the same, are within a factor of {} of their older values: \
             smaller differences count as noise, whatever the rounds say.",
            numbers::digits(drift)
        ),
        None => "There are too few figures of others with unchanged versions to tell how far two runs drift apart.".into(),
    };
    let versions = match comparison.versions.is_empty() {
        true => String::new(),
        false => {
            let all = comparison.versions.iter();
            let all = all.map(|(name, before, after)| format!("{name} {before}, now {after}"));
            format!(" Other versions: {}.", all.collect::<Vec<_>>().join("; "))
        }
    };
    format!(
        "{drift} Beyond that, a change is more than noise if the rounds of the two runs differ by an exact Mann–Whitney U test, \
         corrected by Benjamini and Hochberg's method so that at most {} of the changes named here are none; perhaps, if the \
         rounds are too few for that, but the ranges of the two runs do not overlap.{versions}",
        numbers::tick(100.0 * FALSE_SHARE, "%")
    )
}

fn table(changes: Vec<&Change>) -> Table {
    let mut table = Table::new([
        "measurement",
        "contestant",
        "#before",
        "#now",
        "#now / before",
        "#p",
        "verdict",
    ]);
    for change in changes {
        table.row(Mood::Neutral, row(change));
    }
    table
}

fn probability(p: f64) -> String {
    match p < 0.0001 {
        true => "< 0.0001".into(),
        false => numbers::digits(p),
    }
}

fn row(change: &Change) -> Vec<Cell> {
    let figure = change.figure;
    let value = |value: f64| match change.reference {
        Some(reference) => format!("{} {reference}", numbers::times(value)),
        None => numbers::value(value, &figure.unit),
    };
    let direction = if change.improved() { "better" } else { "worse" };
    let (verdict, mood) = match (change.verdict, change.improved()) {
        (Verdict::Noise, _) => ("noise".into(), Mood::Quiet),
        (Verdict::Real, true) => (direction.into(), Mood::Good),
        (Verdict::Real, false) => (direction.into(), Mood::Bad),
        (Verdict::Likely, _) => (format!("perhaps {direction}"), Mood::Neutral),
    };
    vec![
        names::title(&figure.measurement).into(),
        figure.peer.clone().into(),
        value(change.before.median).into(),
        value(change.after.median).into(),
        cell(numbers::times(change.factor), mood),
        probability(change.p).into(),
        cell(verdict, mood),
    ]
}
