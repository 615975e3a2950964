//! The scopes that are explored whole, each for the sake of one part of the protocol.

use super::setup::Op::*;
use super::setup::Then::*;
use super::setup::{Setup, once, twice};
use super::words::State::*;

/// Two producers, and a consumer who lets the ring go round.
pub(crate) const RING: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(1, &[Put(0)]),
        once(2, &[Get(Acknowledge), Get(Acknowledge), Get(Acknowledge)]),
    ],
    kills: 2,
    ..Setup::SMALL
};

/// A producer and two consumers.
pub(crate) const CONSUMERS: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0), Put(0)]),
        once(1, &[Get(Acknowledge), Get(Acknowledge)]),
        once(2, &[Get(Hold), Get(Acknowledge)]),
    ],
    kills: 2,
    ..Setup::SMALL
};

/// A capacity below N.
pub(crate) const CAPACITY: Setup = Setup {
    capacity: 1,
    kills: 1,
    ..RING
};

/// Two threads of one process share its hints, and die together.
pub(crate) const THREADS: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Get(Acknowledge)]),
        once(0, &[Put(0)]),
        once(1, &[Get(Acknowledge), Put(0)]),
    ],
    kills: 1,
    ..Setup::SMALL
};

/// Payloads of one or two of three chunks; extents stay with their descriptors, and conflict.
pub(crate) const ARENA: Setup = Setup {
    chunks: 3,
    sticky: 2,
    scripts: &[
        once(0, &[Put(2), Put(1)]),
        once(1, &[Put(2)]),
        once(2, &[Get(Acknowledge), Get(Acknowledge)]),
    ],
    kills: 2,
    ..Setup::SMALL
};

/// Extents are given back at each release.
pub(crate) const NOTHING_KEPT: Setup = Setup {
    sticky: 0,
    kills: 1,
    ..ARENA
};

/// Loans are cut, long extents serve short payloads, and items are overwritten where they lie.
pub(crate) const TRIMMED: Setup = Setup {
    chunks: 3,
    sticky: 3,
    scripts: &[
        once(0, &[PutTruncated(3, 1), Put(1), Put(0)]),
        once(1, &[Put(2)]),
        once(2, &[Get(Hold)]),
    ],
    kills: 1,
    ..Setup::SMALL
};

/// Memory is short, and the extent of a FREE descriptor is wanted just when it changes.
pub(crate) const RECLAIM: Setup = Setup {
    slots: 1,
    capacity: 1,
    descriptors: 2,
    chunks: 2,
    sticky: 2,
    scripts: &[
        once(0, &[Put(1), Get(Acknowledge), Put(2), Get(Acknowledge)]),
        once(1, &[Put(2), Get(Acknowledge)]),
    ],
    kills: 1,
    ..Setup::SMALL
};

/// Of three, two are killed: one of them perhaps while it recovers the other.
pub(crate) const RECOVERY: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Get(Acknowledge)]),
        once(1, &[Put(0), Get(Acknowledge)]),
        once(2, &[Get(Hold)]),
    ],
    kills: 2,
    ..Setup::SMALL
};

/// The same with extents, by one who does nothing else.
pub(crate) const RECOVERY_OF_EXTENTS: Setup = Setup {
    chunks: 2,
    scripts: &[
        once(0, &[Put(2), Get(Acknowledge)]),
        once(1, &[Put(1), Get(Acknowledge)]),
        once(2, &[]),
    ],
    kills: 2,
    ..Setup::SMALL
};

/// The killed come back, with a new incarnation, at whose place they find.
pub(crate) const RETURN: Setup = Setup {
    scripts: &[
        twice(0, &[Put(0)], &[Attach, Put(0)]),
        twice(1, &[Get(Acknowledge)], &[Attach, Get(Acknowledge)]),
        once(2, &[Get(Acknowledge)]),
    ],
    kills: 2,
    lives: 2,
    ..Setup::SMALL
};

/// Leaving, and coming back; with a lease that is never ended.
pub(crate) const DETACH: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Detach, Attach, Get(Acknowledge)]),
        twice(1, &[Put(0), Get(Keep)], &[Attach, Get(Acknowledge)]),
    ],
    kills: 2,
    lives: 1,
    ..Setup::SMALL
};

/// A hint is overwritten with anything, at any time.
pub(crate) const HINTS: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0), Get(Acknowledge)]),
        once(1, &[Put(0), Get(Acknowledge), Get(Acknowledge)]),
    ],
    kills: 1,
    scribbles: 1,
    ..Setup::SMALL
};

/// Two items and two consumers who refuse them.
pub(crate) const REFUSAL: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(1, &[Get(Refuse), Get(Acknowledge), Get(Acknowledge)]),
        once(2, &[Get(Refuse), Get(Acknowledge)]),
    ],
    kills: 2,
    ..Setup::SMALL
};

/// Refused as often as an item may be, set aside, read there, put back and discarded.
pub(crate) const QUARANTINE: Setup = Setup {
    max_deliveries: 2,
    scripts: &[
        once(0, &[Put(0), Get(Refuse), Requeue]),
        once(1, &[Get(Refuse), Get(Quarantine), Inspect]),
        once(2, &[Discard]),
    ],
    kills: 2,
    ..Setup::SMALL
};

/// A shutdown against puts and gets.
pub(crate) const SHUTDOWN: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(1, &[GetUntilClosed(Acknowledge)]),
        once(2, &[ShutDown(Draining)]),
    ],
    kills: 2,
    ..Setup::SMALL
};

/// While it drains, what one consumer refuses is the other's.
pub(crate) const CLOSING: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(1, &[GetUntilClosed(RefuseOnce)]),
        once(2, &[ShutDown(Draining), GetUntilClosed(Hold)]),
    ],
    kills: 1,
    ..Setup::SMALL
};

/// What is queued or comes back is dropped.
pub(crate) const SHUTDOWN_NOW: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(1, &[GetUntilClosed(RefuseOnce)]),
        once(2, &[ShutDown(Closed)]),
    ],
    kills: 2,
    ..Setup::SMALL
};

/// Someone waits until all is done.
pub(crate) const JOIN: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(1, &[Get(RefuseOnce), Get(RefuseOnce), Get(Acknowledge)]),
        once(2, &[Join]),
    ],
    kills: 2,
    ..Setup::SMALL
};

/// Whoever is stopped, anywhere, stops nobody else.
pub(crate) const ALONE: Setup = Setup {
    chunks: 2,
    scripts: &[
        once(0, &[Put(1), Get(Refuse)]),
        once(1, &[Put(2)]),
        once(2, &[Get(Acknowledge)]),
    ],
    kills: 1,
    alone: true,
    ..Setup::SMALL
};
