//! Leases that are killed with their holder, and the quarantine.

use crate::getting::{FIRST, three_items};
use crate::ledger::{Kind, note, number};
use crate::scene::{PLAIN, Player, Scenario, World, small};

/// Where [`three_items`] has put the first.
const POSITION: u64 = 16;

/// The first of them is in the quarantine.
fn one_aside(world: &World) {
    three_items(world);
    world.queue.lease().unwrap().quarantine().unwrap();
    assert_eq!(world.queue.quarantined()[0].position, POSITION);
}

/// The same, with chunks of the arena.
fn a_long_one_aside(world: &World) {
    world.advance(8);
    world.put(200);
    world.put(20);
    world.queue.lease().unwrap().quarantine().unwrap();
}

fn discard(me: &Player<'_>) {
    me.begin();
    assert!(me.queue.discard(POSITION).unwrap());
    note(me.actor, Kind::Dropped, FIRST);
}

const LEASE: Scenario = Scenario {
    before: three_items,
    subjects: &[FIRST],
    ..PLAIN
};

const ASIDE: Scenario = Scenario {
    before: one_aside,
    subjects: &[FIRST],
    ..PLAIN
};

scenarios! {
    a_lease_that_is_acknowledged: Scenario {
        attack: |me| {
            me.begin();
            let lease = me.queue.lease().unwrap();
            let (n, position, again) = (number(&lease), lease.position(), lease.is_redelivered());
            lease.ack().unwrap();
            me.got_lease(n, position, again);
        },
        outcomes: &["first", "again", "-"],
        beside: true,
        ..LEASE
    };
    a_lease_that_is_refused: Scenario {
        attack: |me| {
            me.begin();
            me.queue.lease().unwrap().refuse();
        },
        outcomes: &["first", "again"],
        beside: true,
        ..LEASE
    };
    /// Claimed but not yet counted, it is delivered once more; from then on it is set aside.
    a_lease_that_is_refused_at_its_last_delivery: Scenario {
        options: || small().max_deliveries(1),
        attack: |me| {
            me.begin();
            me.queue.lease().unwrap().refuse();
        },
        outcomes: &["first", "again", "aside"],
        ..LEASE
    };
    a_lease_that_is_given_back: Scenario {
        options: || small().max_deliveries(1),
        attack: |me| {
            me.begin();
            me.queue.lease().unwrap().give_back();
        },
        outcomes: &["first", "again", "aside", "again"],
        ..LEASE
    };
    a_lease_that_becomes_a_message: Scenario {
        attack: |me| {
            me.begin();
            let message = me.queue.lease().unwrap().into_message().unwrap();
            me.got_message(&message);
            drop(message);
        },
        outcomes: &["first", "again", "-"],
        beside: true,
        ..LEASE
    };
    a_lease_that_is_set_aside: Scenario {
        attack: |me| {
            me.begin();
            me.queue.lease().unwrap().quarantine().unwrap();
        },
        outcomes: &["first", "again", "aside"],
        ..LEASE
    };
    a_look_at_the_quarantine: Scenario {
        attack: |me| {
            me.begin();
            assert_eq!(me.queue.quarantined().len(), 1);
        },
        outcomes: &["aside"],
        ..ASIDE
    };
    /// Who dies with it in hand leaves it where it was.
    a_look_into_an_item_that_was_set_aside: Scenario {
        attack: |me| {
            me.begin();
            let bytes = me.queue.inspect(POSITION).unwrap();
            assert_eq!(number(&bytes.expect("it is there")), FIRST);
        },
        outcomes: &["aside"],
        ..ASIDE
    };
    an_item_that_is_put_back_from_the_quarantine: Scenario {
        attack: |me| {
            me.begin();
            assert!(me.queue.requeue(POSITION).unwrap());
        },
        outcomes: &["aside", "again"],
        ..ASIDE
    };
    an_item_that_is_thrown_away: Scenario {
        attack: discard,
        outcomes: &["aside", "-"],
        ..ASIDE
    };
    a_long_item_that_is_thrown_away: Scenario {
        before: a_long_one_aside,
        attack: discard,
        outcomes: &["aside", "-"],
        ..ASIDE
    };
}
