//! What can be done to the queue under test, and how often it is.

use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Put(usize),
    PutParts(usize, usize, usize),
    PutMany(Vec<usize>),
    Loan(usize),
    Truncate(usize, usize),
    Commit(usize),
    DropLoan(usize),
    Get,
    GetInto,
    GetMany(usize),
    GetRef,
    Scribble(usize),
    DropMessage(usize),
    Lease,
    Ack(usize),
    Refuse(usize),
    IntoMessage(usize),
    SetAside(usize),
    Inspect(usize),
    Requeue(usize),
    Discard(usize),
    Reopen(bool),
    Shutdown,
    ShutdownNow,
}

pub(crate) const CHUNK: usize = 64;
pub(crate) const ARENA: usize = 8 * CHUNK;
pub(crate) const IN_FLIGHT: usize = 3;

/// Lengths around every edge: empty, inline, one chunk, several, the whole arena, too large.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0..=40_usize,
        4 => CHUNK - 1..=2 * CHUNK + 1,
        2 => 3 * CHUNK..=ARENA,
        1 => ARENA..=ARENA + 1,
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => length().prop_map(Step::Put),
        2 => (0..100_usize, 0..100_usize, 0..7_usize).prop_map(|(a, b, shift)| Step::PutParts(a, b, 1 << shift)),
        2 => vec(length(), 0..4).prop_map(Step::PutMany),
        4 => length().prop_map(Step::Loan),
        2 => (0..4_usize, length()).prop_map(|(which, to)| Step::Truncate(which, to)),
        4 => (0..4_usize).prop_map(Step::Commit),
        2 => (0..4_usize).prop_map(Step::DropLoan),
        6 => Just(Step::Get),
        2 => Just(Step::GetInto),
        2 => (0..4_usize).prop_map(Step::GetMany),
        4 => Just(Step::GetRef),
        2 => (0..4_usize).prop_map(Step::Scribble),
        4 => (0..4_usize).prop_map(Step::DropMessage),
        6 => Just(Step::Lease),
        2 => (0..4_usize).prop_map(Step::Ack),
        6 => (0..4_usize).prop_map(Step::Refuse),
        2 => (0..4_usize).prop_map(Step::IntoMessage),
        2 => (0..4_usize).prop_map(Step::SetAside),
        2 => (0..4_usize).prop_map(Step::Inspect),
        3 => (0..4_usize).prop_map(Step::Requeue),
        2 => (0..4_usize).prop_map(Step::Discard),
        1 => any::<bool>().prop_map(Step::Reopen),
    ]
}
