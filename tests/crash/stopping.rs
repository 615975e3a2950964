//! Shutdowns that are killed, and what is killed in a queue that is shut down.

use crate::ledger::{Kind, item, note};
use crate::points::{Happened, Process};
use crate::scene::{PLAIN, Scenario, VICTIMS, World};
use ringpost::{GetError, PutError};

fn two_items(world: &World) {
    world.put(20);
    world.put(100);
}

/// Closed by a process that died before it could drop what was queued.
fn closed_by_the_dead(world: &World) {
    two_items(world);
    let player = world.player(crate::ledger::Actor::Corpse);
    let mut k = 0;
    while world.queue.stats().state == "open" {
        let happened = Process::under_test(k, libc::SIGKILL, || {
            player.begin();
            player.queue.shutdown_now();
        })
        .wait();
        assert_eq!(happened, Happened::Killed);
        world.recover();
        k += 1;
    }
    assert_eq!(world.queue.stats().queued, 2);
}

scenarios! {
    a_shutdown: Scenario {
        before: two_items,
        attack: |me| {
            me.begin();
            me.queue.shutdown();
        },
        after: |world| {
            let state = world.queue.stats().state;
            world.queue.shutdown();
            assert!(matches!(world.queue.try_get(), Err(GetError::Closed)));
            assert!(matches!(world.queue.try_put(&[]), Err(PutError::Closed)));
            Some(state.to_owned())
        },
        outcomes: &["open", "draining"],
        ..PLAIN
    };
    a_shutdown_that_drops_what_is_queued: Scenario {
        before: two_items,
        attack: |me| {
            me.begin();
            me.queue.shutdown_now();
        },
        drops: true,
        subjects: &[1, 2],
        outcomes: &["first first", "- -"],
        ..PLAIN
    };
    a_shutdown_whose_other_half_somebody_else_does: Scenario {
        before: closed_by_the_dead,
        attack: |me| {
            me.begin();
            assert!(matches!(me.queue.try_get(), Err(GetError::Closed)));
        },
        drops: true,
        subjects: &[1, 2],
        outcomes: &["- -"],
        ..PLAIN
    };
    a_put_that_meets_a_shutdown: Scenario {
        before: two_items,
        attack: |me| {
            me.begin();
            me.put(0, 200);
        },
        traffic: World::close,
        subjects: &[VICTIMS],
        outcomes: &["-", "first"],
        ..PLAIN
    };
    a_put_of_many_that_meets_a_shutdown: Scenario {
        before: two_items,
        attack: |me| {
            let numbers = [me.first, me.first + 1, me.first + 2];
            let items = numbers.map(|n| item(n, 20));
            me.begin();
            numbers.iter().for_each(|&n| note(me.actor, Kind::Putting, n));
            let put = match me.queue.put_many(&items) {
                Ok(()) => 3,
                Err(stop) => {
                    assert!(matches!(stop.error, PutError::Closed));
                    stop.done
                }
            };
            for (i, &n) in numbers.iter().enumerate() {
                let kind = if i < put { Kind::Put } else { Kind::NotPut };
                note(me.actor, kind, n);
            }
        },
        traffic: World::close,
        subjects: &[VICTIMS, VICTIMS + 1, VICTIMS + 2],
        outcomes: &["- - -", "first - -", "first first -", "first first first"],
        ..PLAIN
    };
    a_loan_that_meets_a_shutdown: Scenario {
        before: two_items,
        attack: |me| {
            let bytes = item(me.first, 200);
            me.begin();
            me.putting(me.first, || {
                let mut loan = me.queue.loan(200)?;
                loan.copy_from_slice(&bytes);
                loan.commit()
            });
        },
        traffic: World::close,
        subjects: &[VICTIMS],
        outcomes: &["-", "first"],
        ..PLAIN
    };
    a_get_from_a_queue_that_is_shut_down: Scenario {
        before: |world| {
            two_items(world);
            world.queue.shutdown();
        },
        attack: |me| {
            me.begin();
            while let Ok(bytes) = me.queue.try_get() {
                me.got(&bytes);
            }
        },
        subjects: &[1, 2],
        outcomes: &["first first", "again first", "- first", "- again", "- -"],
        ..PLAIN
    };
    a_refusal_in_a_closed_queue: Scenario {
        before: two_items,
        attack: |me| {
            me.attach();
            let lease = me.queue.lease().unwrap();
            me.queue.shutdown_now();
            crate::points::begin();
            lease.refuse();
        },
        drops: true,
        subjects: &[1, 2],
        outcomes: &["- -"],
        ..PLAIN
    };
}
