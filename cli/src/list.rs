//! `ringpost ls`: which queues there are.

use crate::args::LsArgs;
use crate::exit::Outcome;
use crate::units::{size, thousands};
use ringpost::{OpenError, QueueInfo};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

/// A queue, as `--json` prints it.
#[derive(Serialize)]
struct Listed {
    name: String,
    path: PathBuf,
    owner: u32,
    /// Octal, as people write it.
    mode: String,
    bytes: u64,
    bytes_reserved: u64,
    /// What can only be known by opening it.
    #[serde(flatten)]
    inside: Inside,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Inside {
    Opened {
        queued: usize,
        capacity: usize,
        shutdown: bool,
    },
    Not {
        error: String,
        #[serde(skip)]
        short: &'static str,
    },
}

pub(crate) fn run(args: &LsArgs) -> Outcome {
    let queues: Vec<Listed> = ringpost::list()?.into_iter().map(listed).collect();
    let mut out = io::stdout().lock();
    if args.json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&queues)?)?);
    }
    if queues.is_empty() {
        return Ok(());
    }
    let name = queues
        .iter()
        .map(|queue| queue.name.chars().count())
        .max()
        .unwrap_or(0)
        .max(4);
    let header = ["items", "capacity", "memory", "mode", "owner"];
    let [items, capacity, memory, mode, owner] = header;
    writeln!(
        out,
        "{:<name$} {items:>10} {capacity:>10} {memory:>10} {mode:>5} {owner:>6}",
        "name"
    )?;
    for queue in &queues {
        let (items, capacity, note) = match &queue.inside {
            Inside::Opened {
                queued,
                capacity,
                shutdown,
            } => {
                let note = if *shutdown { "  shut down" } else { "" };
                (thousands(*queued as u64), thousands(*capacity as u64), note)
            }
            Inside::Not { short, .. } => ("-".to_owned(), "-".to_owned(), *short),
        };
        let Listed { mode, owner, .. } = queue;
        let memory = size(queue.bytes_reserved);
        let shown: String = queue
            .name
            .chars()
            .map(|char| if char.is_control() { '?' } else { char })
            .collect();
        writeln!(
            out,
            "{shown:<name$} {items:>10} {capacity:>10} {memory:>10} {mode:>5} {owner:>6}{note}"
        )?;
    }
    Ok(())
}

fn listed(info: QueueInfo) -> Listed {
    let inside = match ringpost::open(&info.name) {
        Ok(queue) => Inside::Opened {
            queued: queue.len(),
            capacity: queue.capacity(),
            shutdown: queue.is_shutdown(),
        },
        Err(error) => {
            let short = match error {
                OpenError::Permission { .. } | OpenError::Owner { .. } => "  no permission",
                OpenError::TooManyParticipants { .. } => "  no place left",
                OpenError::NotFound { .. } => "  removed",
                _ => "  unusable",
            };
            Inside::Not {
                error: error.to_string(),
                short,
            }
        }
    };
    let QueueInfo {
        name,
        path,
        owner,
        mode,
        bytes,
        bytes_reserved,
        ..
    } = info;
    let mode = format!("{mode:03o}");
    Listed {
        name,
        path,
        owner,
        mode,
        bytes,
        bytes_reserved,
        inside,
    }
}
