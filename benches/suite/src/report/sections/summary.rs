//! The beginning: what was run, when, for how long, and what came out in a few figures.

use super::Content;
use crate::report::chart::Order;
use crate::report::document::{Block, Mood};
use crate::report::numbers;

/// Above these, in percent of the processors' time and in waiting tasks for each processor, a run is not to be trusted.
const STEAL: f64 = 1.0;
const LOAD: f64 = 0.5;

pub(super) fn blocks(content: &Content) -> Vec<Block> {
    let results = content.view.results;
    let machine = &results.machine;
    let kind = if results.quick {
        "A quick run"
    } else {
        "A full run"
    };
    let virtual_machine = match &machine.virtual_machine {
        Some(name) => format!(", a virtual machine ({name})"),
        None => String::new(),
    };
    let mut blocks = vec![
        Block::Text(format!(
            "{kind} of {} figures in {} measurements of {} contestants, each the median of up to {} rounds in rotating order. \
             Begun {}, took {}. On {} with {} logical processors{virtual_machine}, {}.",
            results.figures.len(),
            content.view.measurements.len(),
            results.peers.len(),
            results.rounds,
            results.started.replace('T', " ").replace('Z', " UTC"),
            numbers::duration(results.seconds),
            machine.processor,
            machine.processors,
            machine.kernel,
        )),
        Block::Tiles(tiles(content)),
    ];
    if machine.steal_percent > STEAL {
        blocks.push(Block::Warning(format!(
            "The hypervisor gave {} % of the processors' time to others during the run: the figures are worse than this \
             machine can do, and not by the same factor for all.",
            numbers::digits(machine.steal_percent)
        )));
    }
    if machine.load > LOAD * machine.processors as f64 {
        blocks.push(Block::Warning(format!(
            "The machine was busy when the run began (a load of {} on {} processors): the figures are worse than it can do.",
            numbers::digits(machine.load),
            machine.processors
        )));
    }
    if results.quick {
        blocks.push(Block::Text(
            "A quick run has fewer rounds and fewer sizes: good for a look, not for a decision that is close.".into(),
        ));
    }
    blocks
}

fn tiles(content: &Content) -> Vec<(String, String, Mood)> {
    let count = |met: Option<bool>| content.outcomes.iter().filter(|o| o.met == met).count();
    let (met, unmet, unknown) = (count(Some(true)), count(Some(false)), count(None));
    let rows = super::standing::rows(&content.view);
    let stand = |order: Order| rows.iter().filter(|r| r.order() == order).count();
    let (ahead, level, behind) = (
        stand(Order::Ahead),
        stand(Order::Level),
        stand(Order::Behind),
    );
    let mood = |count: usize, mood: Mood| if count > 0 { mood } else { Mood::Quiet };
    let tile = |count: usize, what: &str, mood: Mood| (count.to_string(), what.to_owned(), mood);
    vec![
        tile(
            ahead,
            "measurements with ringpost ahead of the best peer",
            mood(ahead, Mood::Good),
        ),
        tile(level, "level: now one ahead, now the other", Mood::Quiet),
        tile(
            behind,
            "measurements with a peer ahead of ringpost",
            mood(behind, Mood::Bad),
        ),
        tile(met, "targets met", mood(met, Mood::Good)),
        tile(unmet, "targets NOT met", mood(unmet, Mood::Bad)),
        tile(unknown, "targets not measured", Mood::Quiet),
    ]
}
