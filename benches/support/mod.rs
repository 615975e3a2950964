//! What the benchmarks share: real processes pinned apart, clocks, the yardsticks, and one way to drive them all.
//!
//! Every contest runs two contestants through the same lines: `processes.rs` forks and pins them, `payload.rs` writes and
//! reads what they carry, `transport.rs` says how they wait. Only the queue itself differs.

// Each benchmark uses its own part of this folder.
#![allow(dead_code)]

pub(crate) mod area;
pub(crate) mod arguments;
pub(crate) mod clock;
pub(crate) mod costs;
pub(crate) mod cpus;
pub(crate) mod handover;
pub(crate) mod payload;
pub(crate) mod ping_pong;
pub(crate) mod processes;
pub(crate) mod round_trip;
pub(crate) mod sizes;
pub(crate) mod table;
pub(crate) mod throughput;
pub(crate) mod transport;
pub(crate) mod vyukov;
