//! Is every place killed where a process touches what it shares? The sources are held against what all scenarios reached.

use crate::all;
use crate::places::{NOT_REACHED, PRIVATE, RELEASES};
use crate::report::outcome;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

/// The methods of the atomics of `src/steps.rs`, and the macro for all else.
const STEPS: &[&str] = &[
    ".load(",
    ".store(",
    ".swap(",
    ".fetch_add(",
    ".fetch_or(",
    ".fetch_max(",
    ".compare_exchange(",
    ".compare_exchange_weak(",
    "step!(",
];

/// The files whose every step is to be killed.
fn files() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ring = std::fs::read_dir(root.join("src/ring")).unwrap();
    let ring = ring.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = ring.map(|name| format!("src/ring/{name}")).collect();
    files.extend(["fences", "memory", "participant", "wait"].map(|name| format!("src/{name}.rs")));
    files.sort();
    files
}

/// The places of a source that are steps, with their text.
fn steps_of(file: &str) -> Vec<(u32, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = std::fs::read_to_string(path).unwrap();
    let lines = (1..).zip(source.lines());
    let code = lines.map(|(line, text)| (line, text.split("//").next().unwrap_or_default().trim()));
    code.filter(|(_, text)| STEPS.iter().any(|step| text.contains(step)))
        .map(|(line, text)| (line, text.to_owned()))
        .collect()
}

/// Where an item's use ends for good: who passes one of these has had it. `docs/guarantees.md`, section 3.
pub(crate) fn releases() -> BTreeSet<(String, u32)> {
    let mut places = BTreeSet::new();
    for (file, snippet) in RELEASES {
        let steps = steps_of(file).into_iter();
        let found: Vec<_> = steps.filter(|(_, text)| text.contains(snippet)).collect();
        assert_eq!(found.len(), 1, "{file}: {snippet}: {found:?}");
        places.insert(((*file).to_owned(), found[0].0));
    }
    places
}

#[test]
fn every_step_of_the_sources_is_killed_somewhere() {
    let mut reached = BTreeSet::new();
    let (mut kills, mut stops, mut failed) = (0, 0, 0);
    for scenario in all() {
        match outcome(scenario.name) {
            Some(told) => {
                reached.extend(told.places.iter().cloned());
                kills += told.kills;
                stops += told.stops;
            }
            None => failed += 1,
        }
    }
    let mut report = String::new();
    let mut unexplained = Vec::new();
    let mut used = BTreeSet::new();
    let mut count = 0;
    for file in files() {
        for (line, text) in steps_of(&file) {
            if reached.contains(&(file.clone(), line)) {
                count += 1;
                continue;
            }
            let listed = PRIVATE.iter().chain(NOT_REACHED);
            let why = listed
                .clone()
                .find(|(of, snippet, _)| *of == file && text.contains(snippet));
            match why {
                Some(entry) => {
                    used.insert(entry);
                    if NOT_REACHED.contains(entry) {
                        report += &format!("    {file}:{line} is not reached: {}\n", entry.2);
                    }
                }
                None => unexplained.push(format!("{file}:{line}: {text}")),
            }
        }
    }
    report += &format!(
        "crash: {kills} kills and {stops} stops; {count} places of the ring, of waiting and of attaching reached, {} places \
         in all\n",
        reached.len()
    );
    let _ = std::io::stderr().lock().write_all(report.as_bytes());
    assert_eq!(failed, 0, "scenarios failed: what they reach is not known");
    assert!(
        unexplained.is_empty(),
        "never killed:\n{}",
        unexplained.join("\n")
    );
    let listed: BTreeSet<_> = PRIVATE.iter().chain(NOT_REACHED).collect();
    let stale: Vec<_> = listed.difference(&used).collect();
    assert!(stale.is_empty(), "these are reached, or gone: {stale:#?}");
}
