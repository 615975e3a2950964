//! Which messages there are: message `i` is line `i mod lines`, and goes to producer `i mod producers`.
//!
//! Every process computes this by itself, so a consumer knows what each message must contain.

use crate::exit::Stop;
use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

/// Alice's Adventures in Wonderland, 3,608 lines.
const TEXT: &[u8] = include_bytes!("../../text/alice29.txt");
const MESSAGES: u64 = 1_000_000;

/// A text, and how its lines are dealt out.
#[derive(Debug)]
pub(crate) struct Workload {
    text: Cow<'static, [u8]>,
    lines: Vec<Range<usize>>,
    producers: u64,
    messages: u64,
}

impl Workload {
    /// The text of `input`, each line once, or the built-in one repeated; or `messages` lines of it.
    pub(crate) fn load(
        input: Option<&Path>,
        producers: u32,
        messages: Option<u64>,
    ) -> Result<Self, Stop> {
        let text = match input {
            None => Cow::Borrowed(TEXT),
            Some(path) => Cow::Owned(read(path)?),
        };
        let lines = lines(&text);
        if lines.is_empty() {
            let path = input.unwrap_or(Path::new("the text")).display();
            return Err(Stop::failed(format!(
                "{path}: there is no line in it to move"
            )));
        }
        let every_line = if input.is_some() {
            lines.len() as u64
        } else {
            MESSAGES
        };
        let messages = messages.unwrap_or(every_line);
        Ok(Workload {
            text,
            lines,
            producers: producers.into(),
            messages,
        })
    }

    /// How many messages there are in all.
    pub(crate) fn messages(&self) -> u64 {
        self.messages
    }

    /// How many producers there are.
    pub(crate) fn producers(&self) -> u64 {
        self.producers
    }

    /// How many messages `producer` sends, numbered from 0.
    pub(crate) fn count(&self, producer: u64) -> u64 {
        (self.messages + self.producers - 1 - producer) / self.producers
    }

    /// What message `sequence` of `producer` says.
    pub(crate) fn line(&self, producer: u64, sequence: u64) -> &[u8] {
        let message = sequence * self.producers + producer;
        let line = message % self.lines.len() as u64;
        &self.text[self.lines[line as usize].clone()]
    }

    /// The length of the longest line, in bytes.
    pub(crate) fn longest_line(&self) -> usize {
        self.lines.iter().map(Range::len).max().unwrap_or(0)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    let fail = |error| Stop::failed(format!("{}: {error}", path.display()));
    if !std::fs::metadata(path).map_err(fail)?.is_file() {
        let why = "not a regular file: the demo's processes must each read it from its beginning";
        return Err(Stop::failed(format!("{}: {why}", path.display())));
    }
    std::fs::read(path).map_err(fail)
}

fn lines(text: &[u8]) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let length = line.strip_suffix(b"\n").unwrap_or(line).len();
        lines.push(start..start + length);
        start += line.len();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_dealt_out_once() {
        let text = b"a\nbc\n\nd";
        for producers in 1..6 {
            let lines = lines(text);
            let workload = Workload {
                text: Cow::Borrowed(text),
                lines,
                producers,
                messages: 11,
            };
            let mut dealt: Vec<(u64, &[u8])> = Vec::new();
            for producer in 0..producers {
                for sequence in 0..workload.count(producer) {
                    dealt.push((
                        sequence * producers + producer,
                        workload.line(producer, sequence),
                    ));
                }
            }
            dealt.sort_unstable();
            let cycle: [&[u8]; 4] = [b"a", b"bc", b"", b"d"];
            let expected = (0..11).map(|index| (index, cycle[index as usize % 4]));
            assert_eq!(dealt, expected.collect::<Vec<_>>(), "{producers} producers");
        }
    }
}
