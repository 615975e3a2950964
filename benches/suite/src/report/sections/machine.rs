//! The end: the machine, who took part, who did not, and how to do it again.

use super::Content;
use crate::report::document::{Block, Mood, Table, heading};
use crate::report::numbers;
use crate::results::{Machine, Place, Role};

pub(super) fn blocks(content: &Content) -> Vec<Block> {
    let results = content.view.results;
    let mut blocks = vec![
        heading(2, "The machine"),
        Block::Facts(facts(&results.machine)),
    ];
    blocks.push(heading(2, "Who took part"));
    let mut table = Table::new([
        "contestant",
        "version",
        "what it is",
        "where",
        "good to know",
    ]);
    for peer in &results.peers {
        let role = match peer.role {
            Role::Ours => "ours",
            Role::Peer => "peer",
            Role::Limit => "physical limit",
            Role::Yardstick => "yardstick",
        };
        let place = match peer.place {
            Place::Threads => "threads of one process: an upper bound",
            Place::Processes => "processes",
            Place::Python => "Python processes",
        };
        let mut note = vec![peer.note.clone()];
        if peer.claims_before_writing {
            note.push("Claims its place before it writes.".into());
        }
        if peer.locks {
            note.push("Holds a lock during an operation.".into());
        }
        note.retain(|sentence| !sentence.is_empty());
        let cells = [&peer.name, &peer.version, role, place, &note.join(" ")].map(Into::into);
        let mood = if peer.role == Role::Ours {
            Mood::Ours
        } else {
            Mood::Neutral
        };
        table.row(mood, cells.into());
    }
    blocks.push(Block::Table(table));
    blocks.push(heading(2, "Who did not, and why"));
    blocks.push(left_out(content));
    blocks.push(heading(2, "Do it again"));
    blocks.push(Block::Text("This run was made by".into()));
    blocks.push(Block::Command(results.command.clone()));
    blocks.push(Block::Text(
        "and this report, from the file results.json beside it, by".into(),
    ));
    blocks.push(Block::Command(
        "ringpost-report results.json --out FOLDER".into(),
    ));
    blocks
}

fn left_out(content: &Content) -> Block {
    let left_out = &content.view.results.left_out;
    if left_out.is_empty() {
        return Block::Text("Everybody took part in everything.".into());
    }
    let mut table = Table::new(["contestant", "in", "why"]);
    for absent in left_out {
        let place = match absent.measurement.as_str() {
            "" => "everything",
            measurement => measurement,
        };
        table.row(
            Mood::Neutral,
            [&absent.peer, place, &absent.reason].map(Into::into).into(),
        );
    }
    Block::Table(table)
}

fn facts(machine: &Machine) -> Vec<(String, String)> {
    let caches: Vec<String> = machine
        .caches
        .iter()
        .map(|(name, size)| format!("{name} {}", numbers::bytes(*size)))
        .collect();
    let or = |text: &Option<String>, none: &str| text.clone().unwrap_or_else(|| none.into());
    let mut facts = vec![
        ("processor", machine.processor.clone()),
        ("logical processors", machine.processors.to_string()),
        ("caches", caches.join(", ")),
        ("memory", numbers::bytes(machine.memory)),
        ("kernel", machine.kernel.clone()),
        (
            "frequency governor",
            or(&machine.governor, "none that can be seen"),
        ),
        ("virtual machine", or(&machine.virtual_machine, "no")),
        (
            "time stolen by the hypervisor",
            format!("{} %", numbers::digits(machine.steal_percent)),
        ),
        ("load when it began", numbers::digits(machine.load)),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    let versions = machine.versions.iter().cloned();
    let facts = facts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    facts.chain(versions).collect()
}
