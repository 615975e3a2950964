//! Killed at every machine instruction: nothing is lost, nothing leaks, nobody waits for the dead.
//!
//! The code under test is the code that ships: optimised, without kill points. `cargo test --release --test single_step`
//! runs it; `RINGPOST_SOAK=1` adds the kills that take minutes.
//!
//! * A process under ptrace runs one operation instruction by instruction (`tracer.rs`). After each one its tracer compares the
//!   segment with what it was, and keeps each new state (`walk.rs`): a kill there leaves just these bytes, and the dropped lock.
//! * **Copies.** Each state is written into a new file. Nobody has a lock there, so whoever opens it finds all participants dead,
//!   as after the kill. It is recovered, audited, and taken stock of (`ledger.rs`): every item that was put before comes out once
//!   and in order; the operation's own is there whole or not at all, comes back or is gone; each of these changes happens at
//!   one instruction, and none after the call has returned; every descriptor and chunk is free afterwards.
//! * **Real kills.** That a copy tells what a kill does is not taken for granted: the operation runs anew, is killed after k
//!   instructions, for every k, and what it leaves must be the state that the walk saw there and come to the same end. To come
//!   to instruction k fast, the process runs to a breakpoint in the debug registers, and only the rest is stepped.
//! * **Whoever recovers is killed too**: each state that a process has left is opened by another one, all of whose states are
//!   judged in the same way, with real kills about each change of memory; after each instruction, it takes `RINGPOST_SOAK=1`.

#[path = "../common/mod.rs"]
mod common;

mod heap;
mod ledger;
mod operations;
mod report;
mod tracer;
mod walk;

use common::child::{Child, die_after};
use std::io::Write;
use std::time::Duration;

/// What a child can be asked to do.
const ROLES: &[&[common::child::Role]] = &[report::ROLES];

/// Kill after each instruction even where that takes minutes.
fn soak() -> bool {
    std::env::var_os("RINGPOST_SOAK").is_some()
}

/// What takes longer has hung.
fn limit() -> Duration {
    Duration::from_secs(if soak() { 3600 } else { 240 })
}

/// Each operation in a process of its own, which traces others and tells the figures.
#[track_caller]
fn step_through(operations: &[&str]) {
    die_after(limit());
    for operation in operations {
        let child = Child::start("single step", &[operation]);
        for line in child.hear_all_within(limit()) {
            // Past the harness, which shows only what failed tests print.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        child.succeed();
    }
}

#[test]
fn a_put_happens_whole_or_not_at_all() {
    step_through(&["put inline", "put extent"]);
}

#[test]
fn a_put_that_takes_memory_from_free_descriptors_loses_none() {
    step_through(&["put extent, trimmed", "put extent, reclaimed"]);
}

#[test]
fn a_loan_is_put_by_its_commit_and_not_before() {
    step_through(&["loan inline, commit", "loan extent, truncate, commit"]);
}

#[test]
fn a_loan_that_is_dropped_leaves_nothing() {
    step_through(&["loan extent, drop"]);
}

#[test]
fn an_item_comes_back_until_its_get_releases_it() {
    step_through(&["get inline", "get extent", "get extent, given back"]);
}

#[test]
fn a_batch_comes_back_until_all_of_it_is_copied_out() {
    step_through(&["get_many"]);
}

#[test]
fn an_item_comes_back_until_it_is_lent_as_a_message() {
    step_through(&["get_ref, drop"]);
}

#[test]
fn a_leased_item_comes_back_until_it_is_acknowledged() {
    step_through(&["lease, ack", "lease, refuse", "lease, quarantine"]);
}

#[test]
fn who_leaves_a_queue_takes_nothing_along() {
    step_through(&["drop of the last handle"]);
}

#[test]
fn a_recovery_that_is_killed_is_finished_by_the_next() {
    step_through(&["recover"]);
}

#[test]
fn whatever_a_kill_has_left_who_attaches_may_be_killed_as_well() {
    step_through(&["attach and recover"]);
}

#[test]
fn who_attaches_in_the_place_of_the_dead_may_be_killed_as_well() {
    step_through(&["attach in the dead one's place"]);
}
