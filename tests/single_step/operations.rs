//! The operations that are killed, each as the traced process plays it, and what must come out.

use crate::common::child::in_a_fork;
use crate::common::payload;
use crate::ledger::{Effect, Fate, Fate::*};
use crate::tracer::{Marks, Play, bytes_of};
use ringpost::{BytesQueue, Options, from_fd};
use std::os::fd::{AsFd, OwnedFd};

/// Inline payloads fill the inline room.
const INLINE: usize = 64;
/// Four chunks.
const EXTENT: usize = 200;

pub(crate) struct Operation {
    pub(crate) name: &'static str,
    options: fn() -> Options,
    /// What was done with the queue before.
    before: fn(&BytesQueue),
    pub(crate) play: Play,
    /// The items that are there when it starts, oldest first: numbers and lengths.
    earlier: &'static [(u64, usize)],
    pub(crate) effect: Effect,
    /// Is what it claims copied into the process's own memory, before it counts as delivered?
    pub(crate) copies: bool,
    /// Every fate that its item must meet in turn, and no other.
    pub(crate) course: &'static [Fate],
    /// The item's fate when the first call has returned, when the second has.
    pub(crate) returned: &'static [Fate],
}

impl Operation {
    /// The segment before it, which nobody has open.
    pub(crate) fn segment(&self) -> Vec<u8> {
        let queue = (self.options)().anonymous().expect("a queue");
        (self.before)(&queue);
        let length = queue.stats().segment_bytes as usize;
        let segment = queue.as_fd().try_clone_to_owned().expect("a descriptor");
        drop(queue);
        bytes_of(&segment, length)
    }

    pub(crate) fn earlier(&self) -> Vec<Vec<u8>> {
        self.earlier
            .iter()
            .map(|&(n, length)| payload(n, length))
            .collect()
    }
}

/// Few words, so that every state can be compared and kept: capacity 4, seven descriptors, twelve chunks.
fn small() -> Options {
    let options = Options::new().capacity(4).in_flight(3).participants(3);
    options.inline(INLINE).chunk(64).arena(12 * 64)
}

const PUT_INLINE: Operation = Operation {
    name: "put inline",
    options: small,
    before: |queue| {
        queue
            .put_many(&[payload(1, INLINE), payload(2, EXTENT)])
            .unwrap()
    },
    play: |segment, marks| put(segment, marks, INLINE),
    earlier: &[(1, INLINE), (2, EXTENT)],
    effect: Effect::Puts(9, INLINE),
    copies: false,
    course: &[Untouched, Done],
    returned: &[Done],
};

const GET_INLINE: Operation = Operation {
    name: "get inline",
    play: get,
    effect: Effect::Claims(1),
    copies: true,
    course: &[Untouched, Claimed, Again, Done],
    returned: &[Done],
    ..PUT_INLINE
};

pub(crate) const ALL: &[Operation] = &[
    PUT_INLINE,
    Operation {
        name: "put extent",
        play: |segment, marks| put(segment, marks, EXTENT),
        effect: Effect::Puts(9, EXTENT),
        ..PUT_INLINE
    },
    Operation {
        name: "put extent, trimmed",
        options: || small().capacity(1),
        // The only home descriptor keeps all chunks.
        before: |queue| {
            queue.put(&payload(1, 12 * 64)).unwrap();
            queue.get().unwrap();
        },
        play: |segment, marks| put(segment, marks, EXTENT),
        earlier: &[],
        effect: Effect::Puts(9, EXTENT),
        ..PUT_INLINE
    },
    Operation {
        name: "put extent, reclaimed",
        // Free descriptors keep all chunks, and none keeps enough.
        before: |queue| {
            for _ in 0..3 {
                queue
                    .put_many(&[payload(1, EXTENT), payload(2, EXTENT), payload(3, EXTENT)])
                    .unwrap();
                queue.get_many(3).unwrap();
            }
        },
        play: |segment, marks| put(segment, marks, 10 * 64),
        earlier: &[],
        effect: Effect::Puts(9, 10 * 64),
        ..PUT_INLINE
    },
    Operation {
        name: "loan inline, commit",
        play: |segment, marks| loan(segment, marks, INLINE),
        returned: &[Untouched, Done],
        ..PUT_INLINE
    },
    Operation {
        name: "loan extent, truncate, commit",
        play: |segment, marks| loan(segment, marks, 8 * 64),
        returned: &[Untouched, Done],
        ..PUT_INLINE
    },
    Operation {
        name: "loan extent, drop",
        play: |segment, marks| {
            let queue = from_fd(segment).unwrap();
            marks.start();
            let loan = queue.try_loan(8 * 64).unwrap();
            marks.returned();
            drop(loan);
            marks.returned();
            marks.end();
        },
        effect: Effect::Nothing,
        course: &[Untouched],
        returned: &[Untouched, Untouched],
        ..PUT_INLINE
    },
    GET_INLINE,
    Operation {
        name: "get extent",
        before: |queue| {
            queue
                .put_many(&[payload(1, EXTENT), payload(2, INLINE)])
                .unwrap()
        },
        earlier: &[(1, EXTENT), (2, INLINE)],
        ..GET_INLINE
    },
    Operation {
        name: "get extent, given back",
        options: || small().capacity(32).in_flight(1).arena(40 * 64),
        // Sixteen other descriptors keep theirs: no more may.
        before: |queue| {
            queue.put_many(&[[0; 100]; 16]).unwrap();
            queue.get_many(16).unwrap();
            while queue.try_get().is_ok() {}
            queue.put(&payload(1, EXTENT)).unwrap();
        },
        earlier: &[(1, EXTENT)],
        ..GET_INLINE
    },
    Operation {
        name: "get_many",
        play: |segment, marks| {
            let queue = from_fd(segment).unwrap();
            marks.start();
            let got = queue.try_get_many(2);
            marks.returned();
            marks.end();
            assert_eq!(got.unwrap(), [payload(1, INLINE), payload(2, EXTENT)]);
        },
        effect: Effect::Claims(2),
        // Each item of a batch is released by an instruction of its own.
        course: &[Untouched, Claimed, Again, Partly, Done],
        ..GET_INLINE
    },
    Operation {
        name: "get_ref, drop",
        copies: false,
        play: |segment, marks| {
            let queue = from_fd(segment).unwrap();
            marks.start();
            let message = queue.try_get_ref().unwrap();
            marks.returned();
            drop(message);
            marks.returned();
            marks.end();
        },
        returned: &[Done, Done],
        ..GET_INLINE
    },
    Operation {
        name: "lease, ack",
        copies: false,
        play: |segment, marks| {
            let queue = from_fd(segment).unwrap();
            marks.start();
            let lease = queue.try_lease().unwrap();
            marks.returned();
            lease.ack().unwrap();
            marks.returned();
            marks.end();
        },
        returned: &[Again, Done],
        ..GET_INLINE
    },
    Operation {
        name: "lease, refuse",
        copies: false,
        play: |segment, marks| {
            let queue = from_fd(segment).unwrap();
            marks.start();
            let lease = queue.try_lease().unwrap();
            marks.returned();
            lease.refuse();
            marks.returned();
            marks.end();
        },
        course: &[Untouched, Claimed, Again],
        returned: &[Again, Again],
        ..GET_INLINE
    },
    Operation {
        name: "lease, quarantine",
        play: |segment, marks| {
            let queue = from_fd(segment).unwrap();
            marks.start();
            let lease = queue.try_lease().unwrap();
            marks.returned();
            lease.quarantine().unwrap();
            marks.returned();
            marks.end();
        },
        copies: false,
        course: &[Untouched, Claimed, Again, Aside],
        returned: &[Again, Aside],
        ..GET_INLINE
    },
    Operation {
        name: "drop of the last handle",
        play: |segment, marks| {
            let queue = from_fd(segment).unwrap();
            marks.start();
            drop(queue);
            marks.returned();
            marks.end();
        },
        effect: Effect::Nothing,
        course: &[Untouched],
        returned: &[Untouched],
        ..PUT_INLINE
    },
    RECOVER,
];

/// Of one that has just died with a message, two leases and a loan, and had put an item before.
const RECOVER: Operation = Operation {
    name: "recover",
    before: three_items,
    play: |segment, marks| {
        let queue = from_fd(segment).unwrap();
        let ended = in_a_fork(|| {
            leave_several(&queue);
            queue.try_put(&payload(4, INLINE)).unwrap();
            std::mem::forget(queue.try_loan(EXTENT).unwrap());
            0
        });
        assert_eq!(ended, Some(0));
        marks.start();
        let found = queue.recover();
        marks.returned();
        marks.end();
        assert_eq!(found.unwrap(), 1);
    },
    earlier: &[(2, EXTENT), (3, INLINE), (4, INLINE)],
    effect: Effect::Nothing,
    course: &[Untouched],
    returned: &[Untouched],
    ..PUT_INLINE
};

/// Leaves descriptors in many states behind, whenever it is killed; for those who recover it.
pub(crate) const LEAVE: Operation = Operation {
    name: "leave",
    before: three_items,
    play: |segment, marks| {
        let queue = from_fd(segment).unwrap();
        leave_several(&queue);
        marks.start();
        drop(queue.try_loan(5 * 64).unwrap());
        queue.try_put(&payload(9, EXTENT)).unwrap();
        std::mem::forget(queue.try_loan(2 * 64).unwrap());
        marks.end();
    },
    earlier: &[(2, EXTENT), (3, INLINE)],
    effect: Effect::Puts(9, EXTENT),
    ..PUT_INLINE
};

/// The same where whoever comes next must take its place.
pub(crate) const LEAVE_IN_THE_ONLY_PLACE: Operation = Operation {
    options: || small().participants(1),
    ..LEAVE
};

/// What follows a death: somebody attaches, and recovers the dead.
pub(crate) const OPEN: Play = |segment, marks| {
    marks.start();
    let queue = from_fd(segment).unwrap();
    marks.returned();
    marks.end();
    drop(queue);
};

/// Nothing between the marks: their own instructions.
pub(crate) const MARKS_ALONE: Play = |_, marks| {
    marks.start();
    marks.returned();
    marks.end();
};

fn three_items(queue: &BytesQueue) {
    let items = [payload(1, INLINE), payload(2, EXTENT), payload(3, INLINE)];
    queue.put_many(&items).unwrap();
}

/// Holds an item, leases two, for ever.
fn leave_several(queue: &BytesQueue) {
    std::mem::forget(queue.try_get_ref().unwrap());
    std::mem::forget(queue.try_lease().unwrap());
    std::mem::forget(queue.try_lease().unwrap());
}

fn put(segment: OwnedFd, marks: &Marks, length: usize) {
    let queue = from_fd(segment).unwrap();
    let own = payload(9, length);
    marks.start();
    let put = queue.try_put(&own);
    marks.returned();
    marks.end();
    put.unwrap();
}

fn get(segment: OwnedFd, marks: &Marks) {
    let queue = from_fd(segment).unwrap();
    let mut out = Vec::with_capacity(4096);
    marks.start();
    let got = queue.try_get_into(&mut out);
    marks.returned();
    marks.end();
    got.unwrap();
    assert!(out == payload(1, out.len()) && !out.is_empty());
}

/// A loan of so much, of which an inline payload is written; what is too long for that is cut short.
fn loan(segment: OwnedFd, marks: &Marks, length: usize) {
    let queue = from_fd(segment).unwrap();
    let own = payload(9, INLINE);
    marks.start();
    let mut loan = queue.try_loan(length).unwrap();
    marks.returned();
    loan[..INLINE].copy_from_slice(&own);
    if length > INLINE {
        loan.truncate(INLINE);
    }
    let committed = loan.commit();
    marks.returned();
    marks.end();
    committed.unwrap();
}
