//! Puts and gets of payloads in the arena: chunks are taken, kept, trimmed, given back and reclaimed.

use crate::ledger::item;
use crate::refusal::{Refusal, refuse};
use crate::scene::{PLAIN, Scenario, VICTIMS, World, small};

/// Puts and gets an item of so many chunks: its descriptor keeps them.
fn keep(world: &World, chunks: usize) {
    world.put(chunks * 64);
    world.get();
}

/// After [`keep`], the next put goes to the same slot.
fn once_round(world: &World) {
    world.advance(7);
}

const PUT: Scenario = Scenario {
    subjects: &[VICTIMS],
    outcomes: &["-", "first"],
    ..PLAIN
};

scenarios! {
    a_put_of_two_lines: Scenario {
        options: || small().inline(88),
        before: |world| {
            world.put(60);
            world.put(60);
        },
        attack: |me| {
            me.begin();
            me.put(0, 60);
        },
        ..PUT
    };
    a_get_of_two_lines: Scenario {
        options: || small().inline(88),
        before: |world| {
            world.put(60);
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
        ..PLAIN
    };
    a_long_put_into_new_memory: Scenario {
        before: |world| {
            world.put(20);
            world.put(20);
        },
        attack: |me| {
            me.begin();
            me.put(0, 200);
        },
        beside: true,
        ..PUT
    };
    a_long_put_into_memory_that_is_reserved: Scenario {
        before: |world| {
            world.put(200);
            world.put(200);
        },
        attack: |me| {
            me.begin();
            me.put(0, 200);
        },
        ..PUT
    };
    a_long_put_to_a_descriptor_that_kept_its_chunks: Scenario {
        before: |world| {
            keep(world, 4);
            world.put(20);
        },
        attack: |me| {
            me.begin();
            me.put(0, 200);
        },
        beside: true,
        ..PUT
    };
    a_long_put_whose_turn_among_those_that_kept_chunks_is_known: Scenario {
        before: |world| {
            world.put(200);
            world.put(200);
            world.get();
            world.get();
        },
        attack: |me| {
            drop(me.queue.loan(200).unwrap());
            me.begin();
            me.put(0, 200);
        },
        ..PUT
    };
    a_put_that_trims: Scenario {
        before: |world| {
            keep(world, 8);
            once_round(world);
        },
        attack: |me| {
            me.begin();
            me.put(0, 100);
        },
        ..PUT
    };
    a_put_that_gives_back_and_takes_more: Scenario {
        before: |world| {
            keep(world, 2);
            once_round(world);
        },
        attack: |me| {
            me.begin();
            me.put(0, 6 * 64);
        },
        ..PUT
    };
    a_short_put_that_gives_back: Scenario {
        before: |world| {
            keep(world, 4);
            once_round(world);
        },
        attack: |me| {
            me.begin();
            me.put(0, 20);
        },
        ..PUT
    };
    a_put_that_reclaims_what_others_kept: Scenario {
        before: |world| {
            for _ in 0..4 {
                world.put(4 * 64);
            }
            while !world.queue.is_empty() {
                world.get();
            }
        },
        attack: |me| {
            me.begin();
            me.put(0, 10 * 64);
        },
        peer: World::drain,
        ..PUT
    };
    a_put_that_finds_the_file_system_full: Scenario {
        before: |world| {
            world.put(20);
            world.put(20);
        },
        attack: |me| {
            me.attach();
            let full = Refusal {
                call: libc::SYS_fallocate,
                argument: 0,
                bits: 0,
                errno: libc::ENOSPC,
            };
            refuse(full).expect("system calls can be refused");
            me.begin();
            me.put(0, 200);
        },
        subjects: &[VICTIMS],
        outcomes: &["-"],
        ..PLAIN
    };
    a_get_that_gives_its_chunks_back: Scenario {
        options: || small().in_flight(20).arena(32 * 64),
        before: |world| {
            // Sixteen descriptors on the hot line, which are more than may keep chunks.
            for _ in 0..16 {
                world.put(60);
                let message = world.queue.get_ref().unwrap();
                world.player(crate::ledger::Actor::Driver).got_message(&message);
                world.messages.borrow_mut().push(message);
            }
            world.put(200);
            world.put(20);
            world.messages.borrow_mut().clear();
        },
        attack: |me| {
            let mut bytes = Vec::new();
            me.begin();
            me.queue.get_into(&mut bytes).unwrap();
            me.got(&bytes);
        },
        subjects: &[17],
        outcomes: &["first", "again", "-"],
        ..PLAIN
    };
    a_long_loan_that_is_dropped_on_a_cold_descriptor: Scenario {
        options: || small().in_flight(20).arena(48 * 64),
        before: |world| {
            for _ in 0..16 {
                world.put(60);
                let message = world.queue.get_ref().unwrap();
                world.player(crate::ledger::Actor::Driver).got_message(&message);
                world.messages.borrow_mut().push(message);
            }
            world.put(20);
        },
        attack: |me| {
            me.begin();
            drop(me.queue.loan(300).unwrap());
        },
        traffic: |world| {
            world.messages.borrow_mut().clear();
            world.traffic(100);
        },
        ..PLAIN
    };
    a_long_item_got_in_place: Scenario {
        before: |world| {
            world.put(300);
            world.put(20);
        },
        attack: |me| {
            me.begin();
            let message = me.queue.get_ref().unwrap();
            me.got_message(&message);
            assert_eq!(*message, *item(crate::ledger::number(&message), message.len()));
            drop(message);
        },
        subjects: &[1],
        outcomes: &["first", "again", "-"],
        beside: true,
        ..PLAIN
    };
}
