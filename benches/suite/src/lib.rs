//! The latency benchmark suite: queues between processes, side by side.

pub mod results;
