//! How throughput changes with depth, participants and payload, as lines.

use super::Content;
use crate::report::chart::{Across, Line, lines, style};
use crate::report::document::Block;
use crate::report::numbers::parse_bytes;
use crate::view::{Measurement, View};

/// A family of measurements that differ in one number.
struct Family {
    id: &'static str,
    title: &'static str,
    /// What the number is.
    across: &'static str,
    /// With which section it is shown.
    with: &'static str,
    /// That number, and its label, if the measurement is one of the family.
    step: fn(&str) -> Option<(f64, String)>,
}

const FAMILIES: &[Family] = &[
    Family {
        id: "growth-depth",
        title: "Throughput by depth of the queue",
        across: "items that fit into the queue",
        with: "growth/",
        step: |name| number(name.strip_prefix("growth/depth/")?),
    },
    Family {
        id: "growth-participants",
        title: "Throughput by participants",
        across: "participants",
        with: "growth/",
        step: |name| number(name.strip_prefix("growth/participants/")?),
    },
    Family {
        id: "growth-payload-copied",
        title: "Throughput by payload, copied, in bytes",
        across: "payload",
        with: "throughput/",
        step: |name| {
            size(
                name.strip_prefix("throughput/1-1/")?
                    .strip_suffix("/copy")?,
            )
        },
    },
    Family {
        id: "growth-payload-in-place",
        title: "Throughput by payload, in place, in bytes",
        across: "payload",
        with: "throughput/",
        step: |name| {
            size(
                name.strip_prefix("throughput/1-1/")?
                    .strip_suffix("/in place")?,
            )
        },
    },
];

fn number(text: &str) -> Option<(f64, String)> {
    let number = text.parse().ok().filter(|number| *number > 0.0)?;
    Some((number, text.to_owned()))
}

fn size(text: &str) -> Option<(f64, String)> {
    Some((parse_bytes(text)?, text.to_owned()))
}

/// The charts of the families that are shown there, if they have more than one step.
pub(super) fn blocks(content: &Content, belongs: impl Fn(&str) -> bool) -> Vec<Block> {
    let shown = FAMILIES.iter().filter(|family| belongs(family.with));
    shown
        .flat_map(|family| chart(content, family))
        .flatten()
        .collect()
}

fn chart(content: &Content, family: &Family) -> Option<[Block; 2]> {
    let steps = steps(&content.view, family);
    if steps.len() < 2 {
        return None;
    }
    let payload = family.with == "throughput/";
    let mut drawn: Vec<Line> = Vec::new();
    for (at, _, measurement) in &steps {
        for entry in &measurement.entries {
            let Some(spread) = entry.spread else { continue };
            let value = match payload {
                true => bytes_a_second(spread.median, measurement.unit, *at)?,
                false => spread.median,
            };
            let peer = &entry.figure.peer;
            let known = drawn.iter().position(|line| line.name == *peer);
            let line = known.unwrap_or_else(|| {
                drawn.push(Line {
                    name: peer.clone(),
                    style: style(content.view.results, peer, false),
                    points: Vec::new(),
                });
                drawn.len() - 1
            });
            drawn[line].points.push((*at, value));
        }
    }
    let unit = if payload { "GB/s" } else { steps[0].2.unit };
    let labels = steps
        .iter()
        .map(|(at, text, _)| (*at, text.clone()))
        .collect();
    let (id, title) = (family.id.to_owned(), family.title.to_owned());
    Some([
        Block::Heading {
            level: 3,
            id: format!("{id}-heading"),
            text: title.clone(),
        },
        Block::Chart(lines(
            id,
            title,
            &Across::Steps(labels, family.across),
            unit,
            &drawn,
        )),
    ])
}

/// The family's members, ascending.
fn steps<'v, 'a>(view: &'v View<'a>, family: &Family) -> Vec<(f64, String, &'v Measurement<'a>)> {
    let member = |m: &'v Measurement<'a>| (family.step)(m.name).map(|(at, text)| (at, text, m));
    let mut steps: Vec<_> = view.measurements.iter().filter_map(member).collect();
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    steps
}

/// In GB/s, whichever way it was measured.
fn bytes_a_second(value: f64, unit: &str, payload: f64) -> Option<f64> {
    match unit {
        "GB/s" => Some(value),
        "M/s" => Some(value * 1e6 * payload / 1e9),
        _ => None,
    }
}
