//! Every promise is kept, in every state of every scope.

use super::scopes::*;
use super::search::explore;
use super::setup::Setup;
use super::wide::*;

/// Explores all of a scope; `wider` takes its place with `RINGPOST_SOAK=1`.
#[track_caller]
fn holds(name: &str, scope: Setup, wider: Setup) {
    let soak = std::env::var_os("RINGPOST_SOAK").is_some_and(|value| value == "1");
    let setup = match (soak, cfg!(debug_assertions)) {
        (true, _) => wider,
        (false, false) => scope,
        (false, true) => Setup {
            kills: scope.kills.saturating_sub(1),
            ..scope
        },
    };
    let report = explore(&setup);
    if let Some(counterexample) = report.counterexample {
        panic!("{counterexample}");
    }
    let how = match report.complete {
        true => "complete",
        false => "NOT complete",
    };
    println!(
        "{name}: {} kills, {} states, {} of them ends, {how}, {:.1} s",
        setup.kills,
        report.states,
        report.ends,
        report.took.as_secs_f32()
    );
    assert!(report.complete || soak, "the scope is too wide");
    assert!(report.ends > 0, "nothing ever comes to an end");
}

#[test]
fn producers_and_consumers_go_round_the_ring() {
    holds("ring", RING, RING_WIDE);
}

#[test]
fn two_consumers_share_what_there_is() {
    holds("consumers", CONSUMERS, CONSUMERS_WIDE);
}

#[test]
fn a_capacity_below_the_slots_is_kept() {
    holds("capacity", CAPACITY, CAPACITY_WIDE);
}

#[test]
fn threads_share_their_process() {
    holds("threads", THREADS, THREADS_WIDE);
}

#[test]
fn extents_meet_and_stay_and_are_reclaimed() {
    holds("arena", ARENA, ARENA_WIDE);
}

#[test]
fn extents_are_given_back_at_once() {
    holds("nothing kept", NOTHING_KEPT, NOTHING_KEPT_WIDE);
}

#[test]
fn loans_are_cut() {
    holds("trimmed", TRIMMED, TRIMMED_WIDE);
}

#[test]
fn memory_is_short() {
    holds("reclaim", RECLAIM, RECLAIM_WIDE);
}

#[test]
fn a_recoverer_may_die_too() {
    holds("recovery", RECOVERY, RECOVERY_WIDE);
}

#[test]
fn a_recoverer_of_extents_may_die_too() {
    holds("extents", RECOVERY_OF_EXTENTS, RECOVERY_OF_EXTENTS_WIDE);
}

#[test]
fn the_killed_come_back() {
    holds("return", RETURN, RETURN_WIDE);
}

#[test]
fn a_place_is_left_and_taken_again() {
    holds("detach", DETACH, DETACH_WIDE);
}

#[test]
fn hints_may_be_wrong_in_any_way() {
    holds("hints", HINTS, HINTS_WIDE);
}

#[test]
fn refused_items_come_again_and_last() {
    holds("refusal", REFUSAL, REFUSAL_WIDE);
}

#[test]
fn the_quarantine_loses_nothing() {
    holds("quarantine", QUARANTINE, QUARANTINE_WIDE);
}

#[test]
fn a_shutdown_strands_nothing() {
    holds("shutdown", SHUTDOWN, SHUTDOWN_WIDE);
}

#[test]
fn closed_is_said_when_all_is_done() {
    holds("closing", CLOSING, CLOSING_WIDE);
}

#[test]
fn a_shutdown_at_once_leaves_nothing() {
    holds("shutdown now", SHUTDOWN_NOW, SHUTDOWN_NOW_WIDE);
}

#[test]
fn a_join_returns_when_all_is_done() {
    holds("join", JOIN, JOIN_WIDE);
}

#[test]
fn whoever_is_left_alone_comes_to_an_end() {
    holds("alone", ALONE, ALONE_WIDE);
}
