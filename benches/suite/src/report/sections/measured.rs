//! A group of measurements: its distributions, its growth, and for each measurement a chart and a table.

use super::{Content, distributions, growth};
use crate::report::chart::{Order, bars};
use crate::report::document::{Block, Cell, Mood, Table, cell, heading};
use crate::report::{names, numbers};
use crate::results::{Place, Role};
use crate::stats::{Spread, ratio};
use crate::view::{Entry, Measurement, OURS};

/// The section of all measurements whose names belong to it; nothing if there are none.
pub(super) fn blocks(
    content: &Content,
    title: &str,
    intro: &str,
    belongs: impl Fn(&str) -> bool,
) -> Vec<Block> {
    let all = content.view.measurements.iter();
    let mine: Vec<&Measurement> = all.filter(|m| belongs(m.name)).collect();
    let curves = distributions::blocks(content, &belongs);
    if mine.is_empty() && curves.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![heading(2, title)];
    if !intro.is_empty() {
        blocks.push(Block::Text(intro.into()));
    }
    blocks.extend(curves);
    blocks.extend(growth::blocks(content, &belongs));
    for measurement in mine {
        let name = names::title(measurement.name);
        let id = names::slug(measurement.name);
        blocks.push(Block::Heading {
            level: 3,
            id: id.clone(),
            text: name.clone(),
        });
        let table = table(measurement);
        // What grows is seen better as a line than as many charts of bars.
        let measured = measurement.entries.iter().any(|e| e.spread.is_some());
        blocks.push(match measured && !measurement.name.starts_with("growth/") {
            true => Block::Beside(bars(format!("bars-{id}"), name, measurement), table),
            false => Block::Table(table),
        });
    }
    blocks
}

/// Each contestant's figure, with its ratios to the limits, the yardsticks and the best peer.
fn table(measurement: &Measurement) -> Table {
    let mut references: Vec<&Entry> = measurement.references().collect();
    // In every table in the same order, limits first, however they rank.
    references.sort_by_key(|r| (r.role() == Role::Yardstick, &r.figure.peer));
    let best = measurement.best_peer();
    let mut columns = vec!["contestant".to_owned(), "#median".into(), "#range".into()];
    columns.extend(references.iter().map(|r| format!("#to {}", r.figure.peer)));
    columns.extend(best.map(|_| "#to the best peer".to_owned()));
    let mut table = Table::new(columns.iter().map(String::as_str));
    for entry in &measurement.entries {
        let mut cells = vec![name(entry)];
        let Some(spread) = entry.spread else {
            cells.push(cell("failed", Mood::Bad));
            cells.resize_with(table.columns.len(), || Cell::from("–"));
            table.row(Mood::Quiet, cells);
            continue;
        };
        cells.extend(values(entry, &spread, measurement.unit));
        let others = references.iter().copied().chain(best);
        cells.extend(
            others.map(|other| match other.figure.peer == entry.figure.peer {
                true => cell("1 ×", Mood::Quiet),
                false => share(measurement, entry, other),
            }),
        );
        table.row(mood(entry), cells);
    }
    table
}

fn mood(entry: &Entry) -> Mood {
    match (entry.role(), entry.place()) {
        (Role::Ours, _) => Mood::Ours,
        (Role::Peer, Place::Processes | Place::Python) => Mood::Neutral,
        _ => Mood::Quiet,
    }
}

fn name(entry: &Entry) -> Cell {
    let name = &entry.figure.peer;
    let what = match (entry.role(), entry.place()) {
        (Role::Limit, _) => " (limit)",
        (Role::Yardstick, _) => " (yardstick)",
        (Role::Peer, Place::Threads) => " (threads)",
        _ => "",
    };
    format!("{name}{what}").into()
}

fn values(entry: &Entry, spread: &Spread, unit: &str) -> [Cell; 2] {
    let median = match entry.for_good() {
        true => cell(
            format!("for good (≥ {})", numbers::value(spread.median, unit)),
            Mood::Bad,
        ),
        false => numbers::value(spread.median, unit).into(),
    };
    let range = numbers::range(spread, unit);
    let failed = match entry.failed() {
        0 => range.into(),
        failed => {
            let all = entry.figure.rounds.len();
            cell(
                format!("{range}; {failed} of {all} rounds failed"),
                Mood::Bad,
            )
        }
    };
    [median, failed]
}

/// The ratio; for ours against the best peer also which is ahead.
fn share(measurement: &Measurement, entry: &Entry, other: &Entry) -> Cell {
    let Some(found) = ratio(entry.figure, other.figure) else {
        return "–".into();
    };
    let text = numbers::times(found.median);
    if entry.figure.peer != OURS || other.role() != Role::Peer {
        return text.into();
    }
    match measurement
        .advantage(other)
        .map(|advantage| Order::of(&advantage))
    {
        Some(Order::Ahead) => cell(format!("{text}, ahead"), Mood::Good),
        Some(Order::Behind) => cell(format!("{text}, behind"), Mood::Bad),
        _ => cell(format!("{text}, level"), Mood::Neutral),
    }
}
