//! Where ringpost stands: every measurement against its best peer, behind as visible as ahead.

use super::Content;
use crate::report::chart::{Standing, standing};
use crate::report::document::{Block, heading};
use crate::report::{names, numbers};
use crate::view::{Entry, Measurement, View};

/// Each measurement in which both have a figure and their ratio means something. Growth has a section of its own.
pub(super) fn rows(view: &View) -> Vec<Standing> {
    let row = |measurement: &Measurement| {
        let rival = measurement.best_peer()?;
        let advantage = measurement.advantage(rival)?;
        (advantage.median > 0.0).then(|| Standing {
            measurement: names::title(measurement.name),
            rival: rival.figure.peer.clone(),
            advantage,
        })
    };
    compared(view).filter_map(row).collect()
}

fn compared<'v, 'a>(view: &'v View<'a>) -> impl Iterator<Item = &'v Measurement<'a>> {
    view.measurements
        .iter()
        .filter(|m| !m.name.starts_with("growth/"))
}

/// Those in which both have a figure, and the better one's is not above zero: how many times better it is has no answer.
fn without_ratio(view: &View) -> Option<Block> {
    let said = compared(view).filter_map(|measurement| {
        let (ours, rival) = (measurement.ours()?, measurement.best_peer()?);
        let known = measurement.advantage(rival).is_some_and(|a| a.median > 0.0);
        let value = |entry: &Entry| Some(numbers::value(entry.spread?.median, measurement.unit));
        (!known).then_some(format!(
            "{} (ringpost {}, {} {})",
            names::title(measurement.name),
            value(ours)?,
            rival.figure.peer,
            value(rival)?
        ))
    });
    let said: Vec<String> = said.collect();
    let text = format!(
        "Without a ratio, because one of the two is not above zero: {}.",
        said.join("; ")
    );
    (!said.is_empty()).then_some(Block::Text(text))
}

pub(super) fn blocks(content: &Content) -> Vec<Block> {
    let rows = rows(&content.view);
    if rows.is_empty() {
        return Vec::new();
    }
    let title = "ringpost and the best peer of each measurement";
    let mut blocks = vec![
        heading(2, "Where ringpost stands"),
        Block::Text(
            "How many times better or worse than the best peer between processes, which is another one from measurement to \
             measurement; the lines are the range of the ratios round by round. Level: that range has both in it. Threads of one process are left out here: \
             they are an upper bound, and stand in the tables below."
                .into(),
        ),
        Block::Chart(standing("standing".into(), title.into(), &rows)),
    ];
    blocks.extend(without_ratio(&content.view));
    blocks
}
