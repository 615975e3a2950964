//! What happens at the n-th step of an operation: the hook of the library's kill points.

use std::cell::{Cell, RefCell};

/// Called at a step; says at which one it wants to be called again.
type Action = Box<dyn FnMut(u64) -> Option<u64>>;

thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
    /// The step of the next call of the action.
    static NEXT: Cell<u64> = const { Cell::new(NEVER) };
    static ACTION: RefCell<Option<Action>> = const { RefCell::new(None) };
}

const NEVER: u64 = u64::MAX;

/// More steps than any operation may take, whatever the segment holds: the longest loop of the ring makes 4 N + 4096 rounds
/// here, and an operation goes through a few of them, at each of the tries of a short wait.
const MOST: u64 = 3_000_000;

/// Runs `operation`, and `action` before its step number `first` (from 0), if there is one.
///
/// Only steps of this thread count, and none of the action's own.
pub(crate) fn during<T>(
    first: Option<u64>,
    action: impl FnMut(u64) -> Option<u64> + 'static,
    operation: impl FnOnce() -> T,
) -> T {
    #[cfg(kill_points)]
    ringpost::steps::set_hook(Some(|_| reached()));
    TAKEN.set(0);
    NEXT.set(first.unwrap_or(NEVER));
    ACTION.set(Some(Box::new(action)));
    let done = operation();
    NEXT.set(NEVER);
    ACTION.set(None);
    done
}

#[cfg_attr(not(kill_points), expect(dead_code, reason = "there are no steps"))]
fn reached() {
    let taken = TAKEN.get();
    assert!(taken < MOST, "an operation does not end");
    TAKEN.set(taken + 1);
    if taken == NEXT.get() {
        let Some(mut action) = ACTION.take() else {
            return;
        };
        NEXT.set(action(taken).unwrap_or(NEVER));
        ACTION.set(Some(action));
    }
}
