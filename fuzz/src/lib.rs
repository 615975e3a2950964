//! The bodies of the fuzz targets, so that a test can replay their inputs without the fuzzer (`tests/corpus.rs`).
//!
//! Built with `--cfg kill_points`, kills and scribbles also happen between any two shared accesses of an operation;
//! without it only between operations. `cargo xtask fuzz` sets it.

mod decode;
mod input;
mod open_bytes;
mod ops;
mod peer;
mod scribble;
mod steps;

pub use decode::run as decode;
pub use open_bytes::run as open_bytes;
pub use ops::run as ops;
pub use scribble::run as scribble;

/// A target's body: it panics, or does worse, on an input that it should not.
pub type Body = fn(&[u8]);

/// The targets, by name.
pub const TARGETS: &[(&str, Body)] = &[
    ("open_bytes", open_bytes),
    ("decode", decode),
    ("ops", ops),
    ("scribble", scribble),
];
