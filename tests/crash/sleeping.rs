//! Processes that are killed while they wait, and while they wake others: whoever waits goes on.

use crate::ledger::number;
use crate::points::Happened;
use crate::scene::{PLAIN, Scenario, VICTIMS, World};

fn full(world: &World) {
    while !world.queue.is_full() {
        world.put(20);
    }
}

/// What the items are that a process which waits puts.
const WAITERS: u32 = 701;

impl World {
    /// The process that waits must end by itself.
    fn waiter_ends(&self) {
        let Some(mut waiter) = self.waiter.take() else {
            return;
        };
        assert_eq!(waiter.wait(), Happened::Ended(0));
    }

    fn nothing_is_waiting(&self) -> bool {
        self.waiter.borrow().is_none()
    }
}

/// The fates depend on when the process was woken.
const SLEEP: Scenario = Scenario {
    outcomes: &[],
    ..PLAIN
};

scenarios! {
    a_get_that_sleeps: Scenario {
        attack: |me| {
            me.begin();
            me.got(&me.queue.get().unwrap());
        },
        peer: |world| {
            if world.queue.stats().total_put == 0 {
                world.put(20);
            }
        },
        subjects: &[1],
        ..SLEEP
    };
    a_put_that_sleeps_for_a_slot: Scenario {
        before: full,
        attack: |me| {
            me.begin();
            me.put(0, 20);
        },
        peer: |world| {
            if world.queue.is_full() && world.queue.stats().total_put == 6 {
                world.get();
            }
        },
        traffic: |world| {
            world.get();
            world.traffic(0);
        },
        subjects: &[VICTIMS],
        ..SLEEP
    };
    a_put_that_sleeps_for_memory: Scenario {
        before: |world| {
            world.put(8 * 64);
            world.put(8 * 64);
        },
        attack: |me| {
            me.begin();
            me.put(0, 10 * 64);
        },
        peer: |world| {
            if world.queue.stats().total_put == 2 && !world.queue.is_empty() {
                world.get();
            }
        },
        traffic: |world| {
            world.player(crate::ledger::Actor::Driver).try_get();
            world.traffic(0);
        },
        subjects: &[VICTIMS],
        ..SLEEP
    };
    a_put_that_sleeps_for_a_descriptor: Scenario {
        before: |world| {
            for _ in 0..12 {
                world.put(20);
                let message = world.queue.get_ref().unwrap();
                world.player(crate::ledger::Actor::Driver).got_message(&message);
                world.messages.borrow_mut().push(message);
            }
        },
        attack: |me| {
            me.begin();
            me.put(0, 20);
        },
        peer: |world| {
            if world.queue.stats().free == 0 {
                world.messages.borrow_mut().pop();
            }
        },
        traffic: |world| {
            world.messages.borrow_mut().pop();
            world.messages.borrow_mut().pop();
            world.traffic(0);
        },
        subjects: &[VICTIMS],
        ..SLEEP
    };
    a_join_that_sleeps: Scenario {
        before: |world| {
            world.put(20);
            world.lease();
        },
        attack: |me| {
            me.begin();
            me.queue.join();
        },
        peer: |world| {
            if !world.leases.borrow().is_empty() {
                world.acknowledge();
            }
            // What the others put while it was stopped must be got too.
            world.drain();
        },
        ..SLEEP
    };
    a_get_that_spins: Scenario {
        attack: |me| {
            me.begin();
            me.got(&me.queue.get().unwrap());
        },
        peer: |world| {
            if world.queue.stats().total_put == 0 {
                world.put(20);
            }
        },
        subjects: &[1],
        spins: true,
        often: 5,
        ..SLEEP
    };
    a_put_that_spins: Scenario {
        before: full,
        attack: |me| {
            me.begin();
            me.put(0, 20);
        },
        peer: |world| {
            if world.queue.is_full() && world.queue.stats().total_put == 6 {
                world.get();
            }
        },
        traffic: |world| {
            world.get();
            world.traffic(0);
        },
        subjects: &[VICTIMS],
        spins: true,
        often: 5,
        ..SLEEP
    };
    /// Killed between its commit and its wake, it leaves an item that the sleeper must find by itself.
    a_put_that_wakes_a_get: Scenario {
        corpses: 1, // the sleeper, once it has ended
        before: |world| world.waiting(|me| me.got(&me.queue.get().unwrap())),
        attack: |me| {
            me.begin();
            me.put(0, 20);
        },
        traffic: |world| {
            if world.queue.stats().total_put == 0 {
                world.put(20);
            }
            world.waiter_ends();
            world.traffic(100);
        },
        ..SLEEP
    };
    /// Killed between its claim and its wake, it leaves room that the sleeper must find by itself.
    a_get_that_wakes_a_put: Scenario {
        corpses: 1,
        before: |world| {
            full(world);
            world.waiting(|me| {
                let bytes = crate::ledger::item(WAITERS, 20);
                me.putting(WAITERS, || me.queue.put(&bytes));
            });
        },
        attack: |me| {
            me.begin();
            me.got(&me.queue.get().unwrap());
        },
        traffic: |world| {
            let has_room = !world.queue.is_full() || world.queue.stats().total_put > 6;
            if !has_room && !world.nothing_is_waiting() {
                world.get();
            }
            world.waiter_ends();
            world.traffic(0);
        },
        subjects: &[1],
        outcomes: &["first", "again", "-"],
        ..PLAIN
    };
    a_get_that_wakes_who_waits_for_memory: Scenario {
        corpses: 1,
        before: |world| {
            world.put(8 * 64);
            world.put(8 * 64);
            world.waiting(|me| {
                let bytes = crate::ledger::item(WAITERS, 6 * 64);
                me.putting(WAITERS, || me.queue.put(&bytes));
            });
        },
        attack: |me| {
            me.begin();
            me.got(&me.queue.get().unwrap());
        },
        traffic: |world| {
            let stats = world.queue.stats();
            let is_released = stats.loaned + stats.retry == 0 && stats.queued == 1 || stats.total_put > 2;
            if !is_released && !world.nothing_is_waiting() {
                world.get();
            }
            world.waiter_ends();
            world.traffic(0);
        },
        subjects: &[1],
        outcomes: &["first", "again", "-"],
        ..PLAIN
    };
    /// Killed between its release and its wake, it leaves a join that must find by itself that all is done.
    a_lease_whose_end_a_join_awaits: Scenario {
        corpses: 1,
        before: |world| {
            world.put(20);
            world.waiting(|me| me.queue.join());
        },
        attack: |me| {
            me.begin();
            let lease = me.queue.lease().unwrap();
            let (n, position) = (number(&lease), lease.position());
            lease.ack().unwrap();
            me.got_lease(n, position, false);
        },
        traffic: |world| {
            let stats = world.queue.stats();
            if stats.queued + stats.loaned + stats.retry == 0 {
                world.waiter_ends();
            }
            world.traffic(0);
        },
        subjects: &[1],
        outcomes: &["first", "again", "-"],
        ..PLAIN
    };
}
