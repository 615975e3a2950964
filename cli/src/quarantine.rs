//! `ringpost quarantine`: looks at the items that were delivered too often, and ends their stay.

use crate::args::QuarantineArgs;
use crate::exit::{Code, Outcome, Stop, complain};
use crate::units::{size, thousands};
use ringpost::{BytesQueue, GetError, Quarantined};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write};

/// So many characters of a payload fit beside the figures.
const PREVIEW: usize = 44;

/// An item, as `--json` prints it.
#[derive(Serialize)]
struct Json {
    #[serde(flatten)]
    item: Quarantined,
    preview: String,
}

pub(crate) fn run(args: &QuarantineArgs) -> Outcome {
    let queue = ringpost::open(&args.name)?;
    if let Some(position) = args.show {
        let payload = queue.inspect(position)?.ok_or_else(|| missing(position))?;
        return Ok(io::stdout().write_all(&payload)?);
    }
    if !args.requeue && !args.discard {
        return list(&queue, args.json);
    }
    let positions = match args.all {
        true => queue
            .quarantined()
            .iter()
            .map(|item| item.position)
            .collect(),
        false => args.positions.clone(),
    };
    let mut failed = false;
    for position in positions {
        let done = match args.requeue {
            true => queue.requeue(position),
            false => queue.discard(position),
        };
        match done {
            Ok(true) => {}
            // Somebody else was faster, and that is what was asked for.
            Ok(false) if args.all => {}
            Ok(false) => {
                complain(missing(position));
                failed = true;
            }
            Err(error) => {
                complain(format!("item {position}: {error}"));
                failed = true;
            }
        }
    }
    match failed {
        true => Err(Stop::quiet(Code::Failed)),
        false => Ok(()),
    }
}

fn missing(position: u64) -> Stop {
    Stop::failed(format!("item {position} is not in the quarantine"))
}

fn list(queue: &BytesQueue, json: bool) -> Outcome {
    let items = queue.quarantined().into_iter().map(|item| Json {
        preview: preview(&queue.inspect(item.position)),
        item,
    });
    let items: Vec<Json> = items.collect();
    let mut out = io::stdout().lock();
    if json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&items)?)?);
    }
    if items.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "{:>10} {:>10} {:>9}  payload",
        "position", "deliveries", "length"
    )?;
    for Json { item, preview } in &items {
        let (length, deliveries) = (size(item.len), thousands(item.deliveries.into()));
        writeln!(
            out,
            "{:>10} {deliveries:>10} {length:>9}  {preview}",
            item.position
        )?;
    }
    Ok(())
}

fn preview(payload: &Result<Option<Vec<u8>>, GetError>) -> String {
    match payload {
        Ok(Some(payload)) => printable(payload, PREVIEW),
        Ok(None) => "(no longer there)".into(),
        Err(_) => "(damaged: it can only be discarded)".into(),
    }
}

/// The beginning of some bytes, in at most `width` characters that do nothing to a terminal.
fn printable(bytes: &[u8], width: usize) -> String {
    let (mut text, mut shown) = (String::new(), 0);
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid().chars().map(|char| match char {
            '"' | '\'' => char.to_string(),
            _ => char.escape_debug().to_string(),
        });
        let invalid = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
        for piece in valid.chain(invalid) {
            let length = piece.chars().count();
            if shown + length > width {
                // What is cut off may have to make room for the sign that something was.
                while shown >= width {
                    shown -= usize::from(text.pop().is_some());
                }
                text.push('…');
                return text;
            }
            let _ = text.write_str(&piece);
            shown += length;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_printable_and_short() {
        assert_eq!(printable(b"it's \"x\"", 20), "it's \"x\"");
        assert_eq!(printable(b"a\n\x1b[2J\xff\0", 30), "a\\n\\u{1b}[2J\\xff\\0");
        assert_eq!(printable("größe".as_bytes(), 5), "größe");
        assert_eq!(printable("größer".as_bytes(), 5), "größ…");
        assert_eq!(printable(b"", 5), "");
        for width in 1..30 {
            let cut = printable(b"\xff\n long enough for any of these\x07", width);
            assert!(cut.chars().count() <= width && cut.ends_with('…'), "{cut}");
        }
    }
}
