//! Replays every committed input of every target: the seeds, and what fuzzing has found. Without the fuzzer, on any toolchain.
//!
//! `RUSTFLAGS="--cfg kill_points" cargo test --manifest-path fuzz/Cargo.toml --no-default-features`

use ringpost_fuzz::TARGETS;
use std::path::{Path, PathBuf};

/// The files of `fuzz/<kind>/<target>/`, in the order of their names.
fn inputs(kind: &str, target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(kind)
        .join(target);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(_) if kind == "regressions" => return Vec::new(), // nothing was found yet
        Err(error) => panic!("{}: {error}", folder.display()),
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// One test for all: some targets count this process's threads.
#[test]
fn every_committed_input_passes() {
    for (target, run) in TARGETS {
        let seeds = inputs("seeds", target);
        assert!(!seeds.is_empty(), "{target} has no seeds");
        for file in seeds.iter().chain(&inputs("regressions", target)) {
            // Seen only if it fails: which one it was.
            println!("{}", file.display());
            run(&std::fs::read(file).unwrap());
        }
    }
}
