//! Puts that are killed: each item is there whole, or not at all.

use crate::ledger::{Kind, item, note};
use crate::scene::{PLAIN, Player, Scenario, VICTIMS, World, small};
use ringpost::{PutError, Shortage};

/// Two items are queued, and the next position is one at which the shared hint is stored.
fn two_items(world: &World) {
    world.advance(6);
    world.put(20);
    world.put(20);
}

/// Five of six.
fn nearly_full(world: &World) {
    world.advance(3);
    for _ in 0..5 {
        world.put(20);
    }
}

fn full(world: &World) {
    world.advance(3);
    while !world.queue.is_full() {
        world.put(20);
    }
}

/// A put that does not wait.
fn try_put(me: &Player<'_>) {
    let bytes = item(me.first, 100);
    note(me.actor, Kind::Putting, me.first);
    let kind = match me.queue.try_put(&bytes) {
        Ok(()) => Kind::Put,
        Err(PutError::Full(Shortage::Slots)) => Kind::NotPut,
        Err(other) => panic!("{other:?}"),
    };
    note(me.actor, kind, me.first);
}

scenarios! {
    a_put: Scenario {
        before: two_items,
        attack: |me| {
            me.begin();
            me.put(0, 20);
        },
        subjects: &[VICTIMS],
        outcomes: &["-", "first"],
        beside: true,
        ..PLAIN
    };
    a_put_of_parts: Scenario {
        before: two_items,
        attack: |me| {
            let bytes = item(me.first, 60);
            me.begin();
            me.putting(me.first, || me.queue.put_parts(&[&bytes[..16], &bytes[16..]], 16));
        },
        subjects: &[VICTIMS],
        outcomes: &["-", "first"],
        ..PLAIN
    };
    a_put_of_many: Scenario {
        before: two_items,
        attack: |me| {
            let numbers = [me.first, me.first + 1, me.first + 2];
            let items = [20, 100, 20].iter().zip(numbers).map(|(&length, n)| item(n, length));
            let items: Vec<_> = items.collect();
            me.begin();
            numbers.iter().for_each(|&n| note(me.actor, Kind::Putting, n));
            me.queue.put_many(&items).unwrap();
            numbers.iter().for_each(|&n| note(me.actor, Kind::Put, n));
        },
        peer: |world| {
            if world.queue.is_full() {
                world.get();
            }
        },
        subjects: &[VICTIMS, VICTIMS + 1, VICTIMS + 2],
        outcomes: &["- - -", "first - -", "first first -", "first first first"],
        beside: true,
        ..PLAIN
    };
    a_loan_that_is_cut_short_and_committed: Scenario {
        before: two_items,
        attack: |me| {
            let bytes = item(me.first, 100);
            me.begin();
            me.putting(me.first, || {
                let mut loan = me.queue.loan(400)?;
                loan[..100].copy_from_slice(&bytes);
                loan.truncate(100);
                loan.commit()
            });
        },
        subjects: &[VICTIMS],
        outcomes: &["-", "first"],
        beside: true,
        ..PLAIN
    };
    a_loan_that_is_dropped: Scenario {
        before: two_items,
        attack: |me| {
            me.begin();
            drop(me.queue.loan(300).unwrap());
            drop(me.queue.loan(10).unwrap());
        },
        beside: true,
        ..PLAIN
    };
    a_put_beside_descriptors_on_loan: Scenario {
        before: |world| {
            world.put(20);
            world.put(20);
            world.lease();
            world.lease();
            world.advance(6);
        },
        attack: |me| {
            me.begin();
            me.put(0, 20); // its slot's home is on loan
            me.put(1, 20); // likewise, and it does not look again
        },
        subjects: &[VICTIMS, VICTIMS + 1],
        outcomes: &["- -", "first -", "first first"],
        ..PLAIN
    };
    a_put_to_whatever_descriptor_is_left: Scenario {
        options: || small().in_flight(1),
        before: |world| {
            world.put(20);
            world.lease();
            world.advance(7);
            world.put(20); // its slot's home is on loan, so it takes the only spill descriptor
            world.lease();
            world.advance(7);
        },
        attack: |me| {
            me.begin();
            me.put(0, 20);
        },
        subjects: &[VICTIMS],
        outcomes: &["-", "first"],
        ..PLAIN
    };
    a_put_into_the_last_slot: Scenario {
        before: nearly_full,
        attack: |me| {
            me.begin();
            try_put(me);
        },
        subjects: &[VICTIMS],
        outcomes: &["-", "first"],
        ..PLAIN
    };
    a_put_that_finds_no_slot: Scenario {
        before: full,
        attack: |me| {
            me.begin();
            try_put(me);
        },
        subjects: &[VICTIMS],
        outcomes: &["-"],
        ..PLAIN
    };
    a_put_that_finds_no_slot_of_eight: Scenario {
        options: || small().capacity(8),
        before: full,
        attack: |me| {
            me.begin();
            try_put(me);
        },
        subjects: &[VICTIMS],
        outcomes: &["-"],
        ..PLAIN
    };
    a_put_that_finds_a_wrong_hint: Scenario {
        before: |world| {
            two_items(world);
            world.overwrite(256, &(1_u64 << 30).to_ne_bytes());
        },
        attack: |me| {
            me.begin();
            me.put(0, 20);
        },
        subjects: &[VICTIMS],
        outcomes: &["-", "first"],
        ..PLAIN
    };
}
