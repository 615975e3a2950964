//! exhaustive: every interleaving of a few processes that put, get, refuse, shut down, wait and are killed at any step, on a
//! model of the protocol; and mutants of it, in each of which the search must find what is broken.
//!
//! The model takes the steps of the code in their order: a function of the code is an enum of the same name, whose variants
//! are its accesses to shared memory. It is sequentially consistent (weak orderings are loom's part, `tests/loom.rs`) and
//! knows neither waiting nor waking, the bytes of a payload, positions that wrap, nor hostile words other than hints.
//!
//! `cargo test --release --test exhaustive -- --nocapture` says how many states each search has seen. `RINGPOST_SOAK=1` makes
//! the scopes wider: minutes, and some gigabytes. Without `--release` one kill fewer is explored.

mod arena;
mod attach;
mod audit;
mod claim;
mod fingerprint;
mod found;
mod frames;
mod free;
mod hints;
mod kept;
mod mutants;
mod promises;
mod put;
mod quarantine;
mod recover;
mod room;
mod scopes;
mod search;
mod setup;
mod used;
mod wide;
mod words;
mod world;
