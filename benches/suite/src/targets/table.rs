//! The targets themselves, and what is understood about those that are not met.

use super::Bound::{AtLeast, AtMost};
use super::Versus::{EveryClaimer, EveryPeer, EveryPeerAndThread, EverySleeper, Itself, Named};
use super::{Bound, Target, Versus};
use crate::view::OURS;

/// ringpost with the declaration that there is one consumer only.
pub const SINGLE_CONSUMER: &str = "ringpost single-consumer";

const fn target(
    group: &'static str,
    measurement: &'static str,
    versus: Versus,
    bound: Bound,
) -> Target {
    Target {
        group,
        ours: OURS,
        measurement,
        versus,
        theirs_in: None,
        bound,
    }
}

const SPINNING: &str = "round-trip/spinning/64 B";
const ONE_TO_ONE: &str = "throughput/1-1/64 B/copy";
const TWO_TO_TWO: &str = "throughput/2-2/64 B/copy";

const ROUND_TRIP: &str = "Round trip, 64 B, spinning";
const BLOCKING: &str = "Round trip, 64 B, blocking";
const SMALL: &str = "64 B, one to one";
const WIDE: &str = "64 B, two to two on two cores";
const LARGE: &str = "64 KiB and 1 MiB, fully written and read";
const UNTOUCHED: &str = "1 MiB handed over untouched";
const PAUSE: &str = "Pause test: longest gap of the others";
const KILL: &str = "Kill test: stand-still of the others";
const PYTHON: &str = "Python";

/// Every target, in the order of the report.
pub static TARGETS: &[Target] = &[
    target(ROUND_TRIP, SPINNING, Named("Vyukov ring"), AtMost(1.2)),
    target(
        ROUND_TRIP,
        SPINNING,
        Named("crossbeam-channel"),
        AtMost(0.9),
    ),
    target(ROUND_TRIP, SPINNING, Named("iceoryx2"), AtMost(0.55)),
    target(ROUND_TRIP, SPINNING, Named("shaq"), AtMost(0.9)),
    Target {
        ours: SINGLE_CONSUMER,
        ..target(ROUND_TRIP, SPINNING, Named("Vyukov ring"), AtMost(1.05))
    },
    target(BLOCKING, "round-trip/busy/64 B", EverySleeper, AtMost(0.02)),
    target(
        BLOCKING,
        "round-trip/idle/64 B",
        Named("futex"),
        AtMost(1.15),
    ),
    target(
        SMALL,
        ONE_TO_ONE,
        Named("crossbeam ArrayQueue"),
        AtLeast(1.2),
    ),
    target(SMALL, ONE_TO_ONE, Named("iceoryx2"), AtLeast(10.0)),
    target(SMALL, ONE_TO_ONE, Named("Boost"), AtLeast(2.5)),
    target(SMALL, ONE_TO_ONE, Named("shaq"), AtLeast(2.5)),
    Target {
        theirs_in: Some(ONE_TO_ONE),
        ..target(SMALL, "batches/64 B", Named("SPSC ring"), AtLeast(0.4))
    },
    target(WIDE, TWO_TO_TWO, EveryPeer, AtLeast(2.0)),
    target(WIDE, TWO_TO_TWO, EveryPeerAndThread, AtLeast(2.0)),
    target(
        LARGE,
        "throughput/1-1/64 KiB/in place",
        Named("iceoryx2"),
        AtLeast(1.0),
    ),
    target(
        LARGE,
        "throughput/1-1/1 MiB/in place",
        Named("iceoryx2"),
        AtLeast(1.0),
    ),
    target(
        LARGE,
        "throughput/1-1/64 KiB/copy",
        EveryPeerAndThread,
        AtLeast(1.1),
    ),
    target(
        LARGE,
        "throughput/1-1/1 MiB/copy",
        EveryPeerAndThread,
        AtLeast(1.1),
    ),
    target(
        UNTOUCHED,
        "throughput/1-1/1 MiB/untouched",
        Named("iceoryx2"),
        AtLeast(4.0),
    ),
    target(PAUSE, "pause/longest", EveryClaimer, AtMost(0.05)),
    // None at all, to the accuracy with which a scheduler lets it be seen: a millisecond.
    target(KILL, "kill/stand-still", Itself, AtMost(1.0)),
    target(
        PYTHON,
        "python/throughput/1-1/tuple",
        Named("multiprocessing.Queue"),
        AtLeast(6.0),
    ),
    target(
        PYTHON,
        "python/throughput/1-1/tuple",
        Named("faster-fifo"),
        AtLeast(5.0),
    ),
    Target {
        theirs_in: Some("python/batches/tuple"),
        ..target(
            PYTHON,
            "python/throughput/1-1/tuple",
            Named("faster-fifo"),
            AtLeast(3.0),
        )
    },
    target(
        PYTHON,
        "python/round-trip/64 B",
        Named("multiprocessing.Queue"),
        AtMost(1.0 / 35.0),
    ),
    target(
        PYTHON,
        "python/round-trip/64 B",
        Named("faster-fifo"),
        AtMost(1.0 / 35.0),
    ),
    target(
        PYTHON,
        "python/round-trip/64 B",
        Named("faster-fifo polling"),
        AtMost(0.25),
    ),
    target(
        PYTHON,
        "python/throughput/1-1/1 KiB",
        Named("multiprocessing.Queue"),
        AtLeast(6.0),
    ),
    target(
        PYTHON,
        "python/throughput/1-1/1 KiB",
        Named("faster-fifo"),
        AtLeast(4.0),
    ),
    target(
        PYTHON,
        "python/throughput/1-1/1 MB array",
        Named("multiprocessing.Queue"),
        AtLeast(30.0),
    ),
    target(
        PYTHON,
        "python/throughput/1-1/1 MB array",
        Named("faster-fifo"),
        AtLeast(10.0),
    ),
    target(
        PYTHON,
        "python/throughput/2-2/64 B",
        Named("multiprocessing.Queue"),
        AtLeast(6.0),
    ),
    target(
        PYTHON,
        "python/throughput/2-2/64 B",
        Named("faster-fifo"),
        AtLeast(5.0),
    ),
];

/// What is understood about a target that is not met, by [`Target::key`].
pub static EXPLANATIONS: &[(&str, &str)] = &[
    ("round-trip/spinning/64 B vs Vyukov ring", INSTRUCTIONS),
    (
        "round-trip/spinning/64 B vs crossbeam-channel",
        INSTRUCTIONS,
    ),
    ("round-trip/spinning/64 B vs shaq", INSTRUCTIONS),
    (
        "ringpost single-consumer: round-trip/spinning/64 B vs Vyukov ring",
        "Not built: the best that it could bring, a claim that stores nothing, was tried and takes as long (docs/performance.md).",
    ),
    (
        "throughput/1-1/64 B/copy vs shaq",
        "Two cache lines an item, as in the Vyukov ring, with which it is level: 2.5 times shaq would be more than that ring.",
    ),
    (
        "throughput/2-2/64 B/copy vs every peer and thread",
        "Threads of one process, an upper bound.",
    ),
    (
        "throughput/1-1/64 KiB/copy vs every peer and thread",
        MEMORY,
    ),
    ("throughput/1-1/1 MiB/copy vs every peer and thread", MEMORY),
    (
        "throughput/1-1/1 MiB/untouched vs iceoryx2",
        "An item is three lines, each found through the one before: slot, descriptor, payload (docs/performance.md).",
    ),
];

const INSTRUCTIONS: &str = "One locked instruction more than the ring's, and the code between: what was tried beside it, and made it no faster, is \
                            in docs/performance.md.";
const MEMORY: &str =
    "Two copies bound it, and all make the same two: the fastest are within each other's ranges.";
