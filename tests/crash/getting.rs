//! Gets that are killed: up to the release their items are delivered again, from then on they were delivered.

use crate::scene::{PLAIN, Player, Scenario, World, small};

/// Three items are queued, the first at a position at which the shared hint is stored.
pub(crate) fn three_items(world: &World) {
    world.advance(8);
    for _ in 0..3 {
        world.put(20);
    }
}

/// The number of the first of them.
pub(crate) const FIRST: u32 = 9;

/// Somebody else died with an item, and it is to be delivered again.
fn one_again(world: &World) {
    three_items(world);
    world.corpse(|me| std::mem::forget(me.queue.lease().unwrap()));
    world.recover();
}

/// This process has refused an item, and then gets others first.
fn one_refused(world: &World) {
    three_items(world);
    world.queue.lease().unwrap().refuse();
}

fn get(me: &Player<'_>) {
    me.got(&me.queue.get().unwrap());
}

scenarios! {
    a_get: Scenario {
        before: three_items,
        attack: |me| {
            me.begin();
            get(me);
        },
        subjects: &[FIRST],
        outcomes: &["first", "again", "-"],
        beside: true,
        ..PLAIN
    };
    a_get_into_a_buffer: Scenario {
        before: |world| {
            world.put(300);
            world.put(20);
            world.put(20);
        },
        attack: |me| {
            let mut bytes = Vec::new();
            me.begin();
            me.queue.get_into(&mut bytes).unwrap();
            me.got(&bytes);
        },
        subjects: &[1],
        outcomes: &["first", "again", "-"],
        beside: true,
        ..PLAIN
    };
    /// The first one finds out how many there are, so the second one fetches the lines of later ones.
    two_gets_from_a_long_queue: Scenario {
        options: || small().capacity(64),
        before: |world| {
            for _ in 0..40 {
                world.put(20);
            }
        },
        attack: |me| {
            me.begin();
            get(me);
            get(me);
        },
        subjects: &[1, 2],
        outcomes: &["first first", "again first", "- first", "- again", "- -"],
        ..PLAIN
    };
    /// Some of the batch may have been released, none of it seen: each item is delivered again or counts as delivered.
    a_get_of_many: Scenario {
        before: three_items,
        attack: |me| {
            me.begin();
            for bytes in me.queue.get_many(3).unwrap() {
                me.got(&bytes);
            }
        },
        subjects: &[FIRST, FIRST + 1, FIRST + 2],
        outcomes: &[
            "first first first",
            "again first first",
            "again again first",
            "again again again",
            "- again again",
            "- - again",
            "- - -",
        ],
        beside: true,
        ..PLAIN
    };
    a_get_of_many_with_chunks: Scenario {
        options: || super::scene::small().in_flight(20).arena(32 * 64),
        before: |world| {
            world.put(60);
            world.put(20);
            world.put(60);
        },
        attack: |me| {
            me.begin();
            for bytes in me.queue.get_many(2).unwrap() {
                me.got(&bytes);
            }
        },
        subjects: &[1, 2],
        outcomes: &["first first", "again first", "again again", "- again", "- -"],
        ..PLAIN
    };
    a_get_in_place: Scenario {
        before: three_items,
        attack: |me| {
            me.begin();
            let message = me.queue.get_ref().unwrap();
            me.got_message(&message);
            drop(message);
        },
        subjects: &[FIRST],
        outcomes: &["first", "again", "-"],
        beside: true,
        ..PLAIN
    };
    a_get_of_what_a_dead_process_had: Scenario {
        before: one_again,
        attack: |me| {
            me.begin();
            get(me);
            get(me); // finds nothing more to deliver again, and says so
        },
        subjects: &[FIRST, FIRST + 1],
        outcomes: &["again first", "- first", "- again", "- -"],
        ..PLAIN
    };
    a_get_after_a_refusal: Scenario {
        before: one_refused,
        attack: |me| {
            me.begin();
            get(me); // something else
            get(me); // the refused one
        },
        subjects: &[FIRST, FIRST + 1],
        outcomes: &["again first", "again again", "again -", "- -"],
        ..PLAIN
    };
    a_get_that_finds_a_wrong_hint: Scenario {
        before: |world| {
            three_items(world);
            world.overwrite(384, &(1_u64 << 30).to_ne_bytes());
        },
        attack: |me| {
            me.begin();
            get(me);
        },
        subjects: &[FIRST],
        outcomes: &["first", "again", "-"],
        ..PLAIN
    };
    a_get_that_finds_nothing: Scenario {
        before: |world| {
            world.put(20);
        },
        attack: |me| {
            me.begin();
            me.try_get();
            me.try_get();
        },
        subjects: &[1],
        outcomes: &["first", "again", "-"],
        ..PLAIN
    };
    a_look_at_the_queue: Scenario {
        before: one_again,
        attack: |me| {
            me.begin();
            let _ = (me.queue.len(), me.queue.is_empty(), me.queue.is_full());
            let _ = me.queue.stats();
            let _ = me.queue.join_timeout(std::time::Duration::ZERO);
        },
        subjects: &[FIRST],
        outcomes: &["again"],
        ..PLAIN
    };
}
