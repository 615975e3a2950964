//! Each mutant leaves out one step of the protocol, or turns two round; the search must find what that breaks.
//!
//! Two that it cannot find are not here. *One incarnation for all participants of a place*: the lock of the place's byte, and
//! reading its entry again under it, keep them apart already; incarnations are a second proof. *Release by a plain store*: the
//! word names a participant that lives, and nobody else changes such a word; that this is so is checked at each release.

/// A protocol that is wrong in one place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mutant {
    /// put: commits from the slot word that it saw before it owned the descriptor (I4).
    CommitFromAnOldLook,
    /// put: does not ask whether the slot's last position is consumed (I2).
    ConsumedUnchecked,
    /// put: waits for its home descriptor.
    WaitsForItsHome,
    /// put: believes the shared hint.
    TailHintTrusted,
    /// put: does not look at the queue's state after its commit.
    ShutdownUnchecked,
    /// put: takes its item back by a plain store.
    RetractWithoutCas,
    /// put: says closed although a consumer has its item.
    RetractNeverFails,
    /// put: leaves its descriptor PEND when the queue has become full.
    PendingWhenFull,
    /// get: claims by a plain store.
    ClaimWithoutCas,
    /// get: believes the shared hint.
    HeadHintTrusted,
    /// get: clears the retry flag by a plain store.
    FlagClearedByStore,
    /// get: reads the queue's state after it has looked.
    StateAfterLooking,
    /// get: says closed although somebody still has an item that may come back.
    ClosedWithLoans,
    /// get: does not remember what it has refused.
    RefusedFirst,
    /// refuse: sets the retry flag before D = RETRY.
    FlagBeforeRetry,
    /// refuse: takes the item out, and puts it at the tail.
    RefusedToTheTail,
    /// arena: takes the chunk words before the record says so.
    RecordAfterChunks,
    /// arena: clears the record before the chunk words.
    RecordClearedFirst,
    /// arena: frees the chunk words after D = FREE.
    ChunksAfterFree,
    /// arena: believes the extent that it saw before it owned the descriptor.
    PeekedExtentTrusted,
    /// arena: keeps what it took when it meets a conflict.
    ConflictKeepsChunks,
    /// recovery: does not ask whether a slot names what is PEND.
    RecoveryFreesCommitted,
    /// recovery: takes by a plain store.
    RecoveryTakesWithoutCas,
    /// recovery: delivers again what was delivered.
    HeldIsOfferedAgain,
    /// recovery: sets the retry flag for those items only that it offers again itself.
    FlagOnlyForOwnRetries,
    /// look: frees the place before its leftovers are gone.
    LeftBeforeRecovery,
    /// look: does not read the entry again under the lock.
    EntryTrustedBeforeLock,
    /// look: drops the lock before it frees the place.
    UnlockedBeforeLeaving,
    /// look: recovers without the lock.
    RecoveryWithoutLock,
    /// attach: takes over a dead participant's place without recovering it.
    DeadPlaceTakenAsItIs,
    /// join: reads the tail once.
    JoinReadsTheTailOnce,
    /// join: overlooks what is to be delivered again.
    JoinOverlooksRetry,
}
