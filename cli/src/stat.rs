//! `ringpost stat`: one queue, looked at from all sides.

use crate::args::StatArgs;
use crate::exit::Outcome;
use crate::units::{age, size, thousands};
use ringpost::{Participant, Stats};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// The report as `--json` prints it.
#[derive(Serialize)]
struct Json<'a> {
    name: &'a str,
    path: Option<&'a Path>,
    #[serde(flatten)]
    stats: &'a Stats,
}

pub(crate) fn run(args: &StatArgs) -> Outcome {
    let queue = ringpost::open(&args.name)?;
    let stats = queue.stats();
    if args.json {
        let (name, path) = (&args.name, queue.path());
        let json = Json {
            name,
            path,
            stats: &stats,
        };
        return Ok(writeln!(
            io::stdout(),
            "{}",
            serde_json::to_string_pretty(&json)?
        )?);
    }
    let mut out = io::stdout().lock();
    for (name, value) in figures(&args.name, &stats) {
        writeln!(out, "{name:<14}{value}")?;
    }
    writeln!(out, "\n{:>10}  {:>8}  command", "pid", "attached")?;
    for participant in &stats.participants {
        writeln!(out, "{}", row(participant))?;
    }
    Ok(())
}

fn figures(name: &str, stats: &Stats) -> Vec<(&'static str, String)> {
    let Stats {
        arena_used_bytes: used,
        arena_reserved_bytes: reserved,
        ..
    } = *stats;
    let (queued, capacity) = (thousands(stats.queued), thousands(stats.capacity));
    let mut figures = vec![
        (
            "queue",
            format!(
                "{name}, {}, created {} ago",
                stats.state,
                age(stats.created)
            ),
        ),
        ("items", format!("{queued} of {capacity} queued")),
        ("put so far", thousands(stats.total_put)),
    ];
    let rare = [
        ("to be redelivered", stats.retry),
        ("in quarantine", stats.quarantined),
        ("being filled", stats.filling),
        ("leased", stats.loaned),
        ("held", stats.held),
    ];
    let rare = rare.iter().filter(|(_, count)| *count > 0);
    let rare: Vec<String> = rare
        .map(|(what, count)| format!("{} {what}", thousands(*count)))
        .collect();
    if !rare.is_empty() {
        figures.push(("besides", rare.join(", ")));
    }
    let (free, descriptors) = (thousands(stats.free), thousands(stats.descriptors));
    figures.push(("descriptors", format!("{free} of {descriptors} free")));
    figures.push((
        "inline",
        format!("up to {} an item", size(stats.inline_bytes)),
    ));
    let (arena, chunk) = (size(stats.arena_bytes), size(stats.chunk_bytes));
    let (used, reserved) = (size(used), size(reserved));
    let arena = format!("{arena} in chunks of {chunk}: {used} in use, {reserved} reserved");
    figures.push(("arena", arena));
    let count = stats.participants.len();
    figures.push((
        "participants",
        format!("{count} of {}", thousands(stats.places)),
    ));
    figures
}

fn row(participant: &Participant) -> String {
    let Participant {
        pid,
        command,
        since,
        ..
    } = participant;
    let this = if *pid == std::process::id() {
        " (this one)"
    } else {
        ""
    };
    // Another process wrote it: it must not control the terminal.
    let command: String = command.chars().filter(|char| !char.is_control()).collect();
    format!("{pid:>10}  {:>8}  {command}{this}", age(*since))
}
