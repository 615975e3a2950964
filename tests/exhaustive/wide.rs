//! The same scopes, wider: for those who have minutes.

use super::scopes::*;
use super::setup::Op::*;
use super::setup::Then::*;
use super::setup::{Setup, once, twice};
use super::words::State::*;

pub(crate) const RING_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(1, &[Put(0), Put(0)]),
        once(
            2,
            &[
                Get(Acknowledge),
                Get(Acknowledge),
                Get(Acknowledge),
                Get(Acknowledge),
            ],
        ),
    ],
    ..RING
};

pub(crate) const CONSUMERS_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0), Put(0)]),
        once(1, &[Get(Acknowledge), Put(0), Get(Acknowledge)]),
        once(2, &[Get(Hold), Get(Acknowledge)]),
    ],
    ..CONSUMERS
};

pub(crate) const CAPACITY_WIDE: Setup = Setup {
    slots: 4,
    capacity: 3,
    descriptors: 5,
    scripts: &[
        once(0, &[Put(0), Put(0), Put(0)]),
        once(1, &[Put(0)]),
        once(2, &[Get(Acknowledge), Get(Acknowledge)]),
    ],
    ..CAPACITY
};

pub(crate) const THREADS_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Get(Acknowledge)]),
        once(0, &[Put(0), Get(Acknowledge)]),
        once(1, &[Get(Acknowledge), Put(0)]),
    ],
    kills: 2,
    ..THREADS
};

pub(crate) const ARENA_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(2), Put(1)]),
        once(1, &[Put(2), Put(1)]),
        once(2, &[Get(Acknowledge), Get(Acknowledge), Get(Acknowledge)]),
    ],
    ..ARENA
};

pub(crate) const NOTHING_KEPT_WIDE: Setup = Setup {
    sticky: 0,
    kills: 1,
    ..ARENA_WIDE
};

pub(crate) const TRIMMED_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[PutTruncated(3, 1), Put(1), Put(0)]),
        once(1, &[Put(2), Put(1)]),
        once(2, &[Get(Hold), Get(Acknowledge)]),
    ],
    ..TRIMMED
};

pub(crate) const RECLAIM_WIDE: Setup = Setup {
    descriptors: 3,
    scripts: &[
        once(0, &[Put(1), Get(Acknowledge), Put(2), Get(Acknowledge)]),
        once(1, &[Put(2), Get(Acknowledge)]),
        once(2, &[Put(1), Get(Acknowledge)]),
    ],
    ..RECLAIM
};

pub(crate) const RECOVERY_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Get(Acknowledge)]),
        once(1, &[Put(0)]),
        once(2, &[Get(Hold)]),
        once(3, &[]),
    ],
    kills: 3,
    ..RECOVERY
};

pub(crate) const RECOVERY_OF_EXTENTS_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(2), Get(Acknowledge)]),
        once(1, &[Put(1), Get(Refuse)]),
        once(2, &[Put(1), Get(Acknowledge)]),
    ],
    ..RECOVERY_OF_EXTENTS
};

pub(crate) const RETURN_WIDE: Setup = Setup {
    scripts: &[
        twice(0, &[Put(0)], &[Attach, Put(0)]),
        twice(1, &[Get(Acknowledge)], &[Attach, Get(Acknowledge)]),
        twice(2, &[Get(Acknowledge)], &[Attach, Get(Acknowledge)]),
    ],
    kills: 3,
    lives: 2,
    ..RETURN
};

pub(crate) const DETACH_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Detach, Attach, Get(Acknowledge)]),
        twice(1, &[Put(0), Get(Keep)], &[Attach, Get(Acknowledge)]),
        once(2, &[Get(Acknowledge), Detach]),
    ],
    ..DETACH
};

pub(crate) const HINTS_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(1, &[Put(0), Get(Acknowledge)]),
        once(2, &[Get(Acknowledge)]),
    ],
    ..HINTS
};

pub(crate) const REFUSAL_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(
            1,
            &[Put(0), Get(Refuse), Get(Acknowledge), Get(Acknowledge)],
        ),
        once(2, &[Get(Refuse), Get(Acknowledge)]),
    ],
    ..REFUSAL
};

pub(crate) const QUARANTINE_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Get(Refuse), Requeue, Discard]),
        once(1, &[Put(0), Get(Refuse), Get(Quarantine), Inspect]),
        once(2, &[Get(Refuse), Discard, Requeue]),
    ],
    ..QUARANTINE
};

pub(crate) const SHUTDOWN_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(1, &[GetUntilClosed(Acknowledge)]),
        once(2, &[Put(0), ShutDown(Draining)]),
        once(3, &[Put(0)]),
    ],
    ..SHUTDOWN
};

pub(crate) const CLOSING_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(1, &[GetUntilClosed(RefuseOnce)]),
        once(2, &[Put(0), ShutDown(Draining), GetUntilClosed(Hold)]),
    ],
    kills: 2,
    ..CLOSING
};

pub(crate) const SHUTDOWN_NOW_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(1, &[GetUntilClosed(RefuseOnce)]),
        once(2, &[ShutDown(Draining), ShutDown(Closed), Join]),
        once(3, &[Put(0)]),
    ],
    ..SHUTDOWN_NOW
};

pub(crate) const JOIN_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(0), Put(0)]),
        once(
            1,
            &[Get(RefuseOnce), Get(Quarantine), Requeue, Get(Acknowledge)],
        ),
        once(2, &[Put(0), Join]),
    ],
    ..JOIN
};

pub(crate) const ALONE_WIDE: Setup = Setup {
    scripts: &[
        once(0, &[Put(1), Get(Refuse)]),
        once(1, &[Put(2), Get(Acknowledge)]),
        once(2, &[Get(Acknowledge)]),
    ],
    kills: 2,
    ..ALONE
};
