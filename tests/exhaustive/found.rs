//! The search can see: in every mutant it finds a broken promise.

use super::mutants::Mutant::{self, *};
use super::scopes::*;
use super::search::explore;
use super::setup::Setup;

/// Explores a scope of a mutant until `promise` is broken.
#[track_caller]
fn finds(mutant: Mutant, scope: Setup, promise: &str) {
    let report = explore(&scope.with(mutant));
    let Some(found) = report.counterexample else {
        panic!("{mutant:?}: nothing in {} states", report.states)
    };
    println!(
        "{mutant:?}: {} in {} steps, after {} states, {:.1} s",
        found.broken,
        found.steps,
        report.states,
        report.took.as_secs_f32()
    );
    assert!(found.broken.contains(promise), "{found}");
}

/// One test for each mutant, so that each is counted.
macro_rules! mutants {
    ($($name:ident: $mutant:expr, $scope:expr, $promise:literal;)*) => {
        $(#[test]
        fn $name() {
            finds($mutant, $scope, $promise);
        })*
    };
}

mutants! {
    an_old_look_commits_a_consumed_position: CommitFromAnOldLook, RING, "called empty";
    an_old_look_offers_a_consumed_item_again: CommitFromAnOldLook, THREADS, "not there to be delivered";
    an_unconsumed_position_is_overwritten: ConsumedUnchecked, RING, "I2";
    a_put_waits_for_its_home_descriptor: WaitsForItsHome, ALONE, "waits for another";
    a_tail_hint_makes_a_hole: TailHintTrusted, HINTS, "I1";
    a_full_queue_costs_a_descriptor: PendingWhenFull, RING, "a descriptor was lost";
    a_put_after_the_shutdown_is_stranded: ShutdownUnchecked, SHUTDOWN, "stranded";
    a_retraction_takes_what_a_consumer_has: RetractWithoutCas, SHUTDOWN, "I7";
    a_put_says_closed_though_its_item_is_delivered: RetractNeverFails, SHUTDOWN, "a put failed";
    two_consumers_have_one_item: ClaimWithoutCas, CONSUMERS, "not there to be delivered";
    a_head_hint_skips_items: HeadHintTrusted, HINTS, "called empty";
    a_cleared_flag_hides_an_item: FlagClearedByStore, REFUSAL, "an item was lost";
    closed_is_said_by_a_late_look_at_the_state: StateAfterLooking, SHUTDOWN, "stranded";
    closed_is_said_while_a_lease_may_come_back: ClosedWithLoans, CLOSING, "might come back";
    a_refused_item_starves_others: RefusedFirst, REFUSAL, "before others";
    a_flag_that_comes_first_is_cleared_too_early: FlagBeforeRetry, REFUSAL, "an item was lost";
    an_item_on_its_way_to_the_tail_dies_with_its_consumer: RefusedToTheTail, QUARANTINE, "an item was lost";
    chunks_are_taken_that_no_record_names: RecordAfterChunks, ARENA, "I6";
    a_record_is_gone_before_its_chunks: RecordClearedFirst, NOTHING_KEPT, "I6";
    a_free_descriptor_still_gives_chunks_back: ChunksAfterFree, NOTHING_KEPT, "I6";
    an_extent_changes_before_it_is_reclaimed: PeekedExtentTrusted, RECLAIM, "I6";
    a_conflict_costs_chunks: ConflictKeepsChunks, ARENA, "I6";
    recovery_frees_a_committed_item: RecoveryFreesCommitted, RECOVERY, "an item was lost";
    recovery_takes_what_was_consumed_meanwhile: RecoveryTakesWithoutCas, RECOVERY, "I7";
    recovery_delivers_a_held_item_again: HeldIsOfferedAgain, RECOVERY, "taken out";
    a_second_recoverer_forgets_the_flag: FlagOnlyForOwnRetries, RECOVERY, "an item was lost";
    a_place_is_left_before_its_recovery: LeftBeforeRecovery, RECOVERY, "a descriptor was lost";
    an_old_entry_hides_the_next_incarnation: EntryTrustedBeforeLock, RETURN, "a descriptor was lost";
    a_newcomer_is_thrown_out: UnlockedBeforeLeaving, RETURN, "a descriptor was lost";
    two_recoverers_free_one_descriptor: RecoveryWithoutLock, RECOVERY, "a descriptor was lost";
    a_dead_place_is_taken_as_it_is: DeadPlaceTakenAsItIs, RETURN, "a descriptor was lost";
    a_join_overlooks_a_put: JoinReadsTheTailOnce, JOIN, "a join";
    a_join_overlooks_a_refused_item: JoinOverlooksRetry, JOIN, "a join";
}
