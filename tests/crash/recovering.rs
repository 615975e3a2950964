//! Recoverers that are killed: the next one recovers them as well as those whom they were recovering.

use crate::ledger::{Actor, Kind, item, note};
use crate::points::{Happened, Process};
use crate::scene::{PLAIN, Player, Scenario, World, small};
use ringpost::{Options, Stats};
use std::sync::OnceLock;

/// The numbers of the items that somebody put before they died.
const COMMITTED: u32 = 501;
const OFFERED: u32 = 502;
const CLAIMED: u32 = 503;

fn roomy() -> Options {
    small()
        .in_flight(12)
        .arena(40 * 64)
        .participants(8)
        .max_deliveries(2)
}

/// Puts an item of this number.
fn put(me: &Player<'_>, n: u32, length: usize) {
    let bytes = item(n, length);
    me.putting(n, || me.queue.put(&bytes));
}

/// Kills a process before step `k` of its work.
fn killed(world: &World, k: usize, work: fn(&Player<'_>)) -> Happened {
    let player = world.player(Actor::Corpse);
    Process::under_test(k, libc::SIGKILL, || {
        player.begin();
        work(&player);
    })
    .wait()
}

/// One that is killed in the middle of something.
struct Half {
    work: fn(&Player<'_>),
    /// What it leaves, which was not there before.
    leaves: fn(&Stats, &Stats) -> bool,
    /// Of the steps that leave this, the first or the last.
    first: bool,
}

const HALVES: [Half; 4] = [
    // RECL, two of four chunk words zeroed.
    Half {
        work: discard,
        leaves: |before, now| {
            reclaiming(now) == 1 && now.arena_used_bytes + 2 * 64 == before.arena_used_bytes
        },
        first: true,
    },
    // LOAN, and its delivery not yet counted.
    Half {
        work: |me| me.got(&me.queue.get().unwrap()),
        leaves: |before, now| now.loaned > before.loaned,
        first: true,
    },
    // OWN, two of four chunk words taken.
    Half {
        work: long_put,
        leaves: |before, now| {
            now.filling > before.filling && now.arena_used_bytes == before.arena_used_bytes + 2 * 64
        },
        first: true,
    },
    // PEND, named by no slot: just before the commit.
    Half {
        work: long_put,
        leaves: |before, now| now.queued == before.queued && now.filling > before.filling,
        first: false,
    },
];

/// The steps before which they are killed.
static STEPS: OnceLock<Vec<usize>> = OnceLock::new();

/// Looks for the steps, one after the other.
fn find_steps() {
    let mut steps = Vec::new();
    for half in &HALVES {
        let mut found = Vec::new();
        for k in 0.. {
            let world = World::new(&roomy());
            the_dead(&world, &steps);
            let before = world.queue.stats();
            let happened = killed(&world, k, half.work);
            if (half.leaves)(&before, &world.queue.stats()) {
                found.push(k);
            }
            if happened == Happened::Ended(0) {
                break;
            }
        }
        let step = if half.first {
            found.first()
        } else {
            found.last()
        };
        steps.push(*step.expect("a step that leaves this"));
    }
    STEPS.set(steps).expect("set once");
}

/// How many descriptors are neither free nor anything that a snapshot has a name for.
fn reclaiming(stats: &Stats) -> u64 {
    let named = [
        stats.free,
        stats.queued,
        stats.retry,
        stats.quarantined,
        stats.filling,
        stats.loaned,
        stats.held,
    ];
    stats.descriptors - named.iter().sum::<u64>()
}

fn long_put(me: &Player<'_>) {
    put(me, OFFERED, 250);
}

fn discard(me: &Player<'_>) {
    assert!(me.queue.discard(8).unwrap());
    note(me.actor, Kind::Dropped, 1);
}

/// Processes that are dead, with every state that a death can leave.
fn the_dead(world: &World, steps: &[usize]) {
    world.put(250); // item 1, at position 8
    world.queue.lease().unwrap().quarantine().unwrap();
    for length in [20, 200, 20, 130] {
        world.put(length); // items 2 to 5
    }
    world.queue.lease().unwrap().refuse(); // item 2: the next delivery is its last
    world.corpse(|me| {
        for length in [200, 20] {
            std::mem::forget(me.queue.loan(length).unwrap()); // OWN
        }
        for _ in 0..3 {
            std::mem::forget(me.queue.lease().unwrap()); // LOAN: items 2, 3 and 4
        }
        let message = me.queue.get_ref().unwrap(); // HELD: item 5
        me.got_message(&message);
        std::mem::forget(message);
        put(me, CLAIMED, 100); // PEND, named by its slot, and soon LOAN
        put(me, COMMITTED, 100); // PEND, named by its slot
    });
    for (&k, half) in steps.iter().zip(&HALVES) {
        assert_eq!(killed(world, k, half.work), Happened::Killed);
    }
    if !steps.is_empty() {
        note(Actor::Driver, Kind::Dropped, 1); // as far as it came
    }
}

/// Damage of every kind that can be mended.
fn ill(world: &World) {
    const DESCRIPTORS: u64 = 4096; // after five participants
    const STRIDE: u64 = 64;
    const CHUNK_WORDS: u64 = DESCRIPTORS + 12 * STRIDE;
    const OWN: u64 = 1 << 61;
    world.put(20);
    world.put(20);
    world.queue.lease().unwrap().refuse();
    let damage = |offset, value: u64| world.overwrite(offset, &value.to_ne_bytes());
    damage(256, 1 << 30); // the tail's hint
    damage(384, 1 << 30); // the head's
    damage(392, 0); // nobody is told of the refused item
    damage(640, 1000); // more memory than there is
    damage(DESCRIPTORS + 2 * STRIDE, 77 << 20 | 0xf_ffff); // a slot that was never filled
    damage(DESCRIPTORS + 7 * STRIDE, 3 << 20 | 13); // another one, with a descriptor that does not exist
    damage(DESCRIPTORS + 9 * STRIDE + 8, OWN | 4 << 51 | 5 << 44); // filled by nobody
    damage(DESCRIPTORS + 8 * STRIDE + 8, OWN | 7 << 44); // by one who is not yet in the driver's place
    damage(DESCRIPTORS + 10 * STRIDE + 16, 100 << 32 | 4); // an extent beyond the arena
    world.overwrite(CHUNK_WORDS + 4 * 15, &12_u32.to_ne_bytes()); // a chunk of which its descriptor does not know
}

scenarios! {
    a_recovery_of_the_dead_in_every_state: Scenario {
        options: roomy,
        prepare: find_steps,
        before: |world| the_dead(world, STEPS.get().expect("found before")),
        attack: |me| {
            me.begin();
            me.queue.recover().unwrap();
        },
        corpses: 5,
        subjects: &[1, 2, 3, 4, CLAIMED, COMMITTED],
        outcomes: &["- aside again again again first"],
        ..PLAIN
    };
    a_repair: Scenario {
        before: ill,
        attack: |me| {
            me.begin();
            me.queue.repair().unwrap();
        },
        traffic: |world| {
            // One process repairs at a time: while that is stopped, what is damaged stays so.
            world.queue.repair().unwrap();
            if world.queue.audit().unwrap().findings.is_empty() {
                world.traffic(100);
            }
        },
        subjects: &[1, 2],
        outcomes: &["again first"],
        often: 1, // it reads everything again and again, and sleeps in between
        ..PLAIN
    };
    an_audit: Scenario {
        before: |world| {
            world.put(100);
            world.put(20);
        },
        attack: |me| {
            me.begin();
            assert_eq!(me.queue.audit().unwrap().findings, []);
        },
        ..PLAIN
    };
}
