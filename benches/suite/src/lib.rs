//! The latency benchmark suite: queues between processes, side by side.

pub mod board;
#[cfg(test)]
mod broken;
pub mod clock;
pub mod compare;
pub mod contestants;
pub mod controller;
pub mod cpus;
pub mod crew;
pub mod ends;
pub mod failure;
pub mod histogram;
pub mod machine;
pub mod measure;
pub mod payload;
pub mod plan;
pub mod progress;
pub mod python;
pub mod report;
pub mod results;
pub mod rounds;
pub mod stats;
pub mod targets;
pub mod view;
