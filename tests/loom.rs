//! loom: the ring, the arena and the wait protocol under every interleaving and every reordering that the memory model
//! allows, in small scope. These are the very files that ship, compiled over loom's atomics.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --test loom`
#![cfg(loom)]
#![allow(dead_code, unreachable_pub, missing_docs)] // the modules serve the whole library; here only a part is used

#[path = "../src/error.rs"]
mod error;
#[path = "../src/fences.rs"]
mod fences;
#[path = "../src/layout/mod.rs"]
mod layout;
#[path = "../src/memory.rs"]
mod memory;
#[path = "../src/ring/mod.rs"]
mod ring;
#[path = "../src/steps.rs"]
mod steps;
#[path = "../src/sync.rs"]
mod sync;
#[path = "../src/wait.rs"]
mod wait;

#[path = "loom/arena.rs"]
mod arena_tests;
#[path = "loom/join.rs"]
mod join_tests;
#[path = "loom/recovery.rs"]
mod recovery_tests;
#[path = "loom/refusal.rs"]
mod refusal_tests;
#[path = "loom/ring.rs"]
mod ring_tests;
#[path = "loom/runs.rs"]
mod runs_tests;
#[path = "loom/support.rs"]
mod support;
#[path = "loom/wait.rs"]
mod wait_tests;
