//! Percentile curves, and the percentiles as a table.

use super::Content;
use crate::report::chart::{Across, Line, lines, style};
use crate::report::document::{Block, Mood, Table};
use crate::report::{names, numbers};
use crate::results::{Curve, Place, Role};
use crate::view::contestant;

/// For each measurement that has curves: the chart and its table.
pub(super) fn blocks(content: &Content, belongs: impl Fn(&str) -> bool) -> Vec<Block> {
    let results = content.view.results;
    let mut measurements: Vec<&str> = Vec::new();
    for curve in results.curves.iter().filter(|c| belongs(&c.measurement)) {
        if !measurements.contains(&curve.measurement.as_str()) {
            measurements.push(&curve.measurement);
        }
    }
    measurements
        .into_iter()
        .flat_map(|measurement| {
            let curves = results.curves.iter();
            let mut curves: Vec<&Curve> = curves.filter(|c| c.measurement == measurement).collect();
            let median = |curve: &Curve| at(curve, 50.0).unwrap_or(f64::INFINITY);
            curves.sort_by(|a, b| median(a).total_cmp(&median(b)));
            let title = format!("{}: percentiles", names::title(measurement));
            let id = format!("percentiles-{}", names::slug(measurement));
            let python = measurement.starts_with("python/");
            let drawn: Vec<Line> = curves
                .iter()
                .map(|curve| Line {
                    name: curve.peer.clone(),
                    style: style(results, &curve.peer, python),
                    points: curve.points.clone(),
                })
                .collect();
            [
                Block::Heading {
                    level: 3,
                    id: format!("{id}-heading"),
                    text: title.clone(),
                },
                Block::Chart(lines(id, title, &Across::Percentiles, "ns", &drawn)),
                Block::Table(table(content, &curves)),
            ]
        })
        .collect()
}

const COLUMNS: [(f64, &str); 6] = [
    (50.0, "#50 %"),
    (90.0, "#90 %"),
    (99.0, "#99 %"),
    (99.9, "#99.9 %"),
    (99.99, "#99.99 %"),
    (100.0, "#greatest"),
];

fn table(content: &Content, curves: &[&Curve]) -> Table {
    let ends = ["contestant"].into_iter();
    let mut table = Table::new(ends.chain(COLUMNS.map(|c| c.1)).chain(["#measured"]));
    for curve in curves {
        let who = contestant(content.view.results, &curve.measurement, &curve.peer);
        let mood = match who.map(|c| (c.role, c.place)) {
            Some((Role::Ours, _)) => Mood::Ours,
            Some((Role::Peer, Place::Processes | Place::Python)) | None => Mood::Neutral,
            Some(_) => Mood::Quiet,
        };
        let mut cells = vec![curve.peer.clone().into()];
        cells.extend(COLUMNS.map(|(percentile, _)| match at(curve, percentile) {
            Some(nanoseconds) => numbers::value(nanoseconds, "ns").into(),
            None => "–".into(),
        }));
        cells.push(curve.count.to_string().into());
        table.row(mood, cells);
    }
    table
}

/// The value at that percentile: of the first point that is not below it.
fn at(curve: &Curve, percentile: f64) -> Option<f64> {
    let point = curve.points.iter().find(|(p, _)| *p >= percentile - 1e-9);
    point.map(|(_, value)| *value)
}
