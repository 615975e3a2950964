//! The quarantine between processes: items that kill their workers, and who looks after them.

use crate::actors::TRAP;
use crate::common::child::{Child, Role, listen, say};
use crate::common::{payload, small};
use crate::leases::{nothing_is_left, scene};
use ringpost::GetError;
use std::time::Duration;

pub(crate) const ROLES: &[Role] = &[("quarantine: look after", look_after)];

/// Arguments: the queue. Never gets anything; does to the quarantined item what it is told.
fn look_after(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    say("ready");
    loop {
        let told = listen();
        let aside = queue.quarantined();
        assert_eq!(aside.len(), 1, "{aside:?}");
        let position = aside[0].position;
        assert!(queue.inspect(position).unwrap() == Some(payload(1, 5000)));
        match &*told {
            "requeue" => assert!(queue.requeue(position).unwrap()),
            "discard" => assert!(queue.discard(position).unwrap()),
            other => panic!("no way {other}"),
        }
        say("done");
    }
}

#[test]
fn an_item_that_kills_every_worker_is_set_aside_and_can_be_looked_after() {
    let (name, queue) = scene(small().max_deliveries(3));
    queue.put(&payload(1, 5000)).unwrap();
    let mut caretaker = Child::start("quarantine: look after", &[&name]);
    caretaker.expect("ready");
    for end in ["requeue", "discard"] {
        for n in 1..=3 {
            assert!(!queue.join_timeout(Duration::ZERO), "before death {n}");
            let child = Child::start("leases: hold", &[&name, "1"]);
            child.expect("holding");
            child.kill();
            assert_eq!(queue.recover().unwrap(), 1);
        }
        assert!(matches!(queue.try_get(), Err(GetError::Empty)));
        queue.join();
        assert_eq!(queue.quarantined()[0].deliveries, 3);
        caretaker.tell(end);
        caretaker.expect("done");
    }
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    nothing_is_left(&queue);
}

#[test]
fn what_a_worker_has_set_aside_stays_there_when_somebody_dies_over_it() {
    let (name, queue) = scene(small().arena(32 * 4096));
    queue.put(&payload(1, TRAP)).unwrap();
    queue.lease().unwrap().quarantine().unwrap();
    let before = queue.quarantined();
    let child = Child::start("deaths: inspect", &[&name]);
    child.expect_stopped();
    assert_eq!(queue.recover().unwrap(), 0);
    child.kill();
    assert_eq!(queue.recover().unwrap(), 1);
    assert_eq!(queue.quarantined(), before);
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    // Put back, it is an item like any other, also when its next worker dies.
    assert!(queue.requeue(before[0].position).unwrap());
    let child = Child::start("deaths: get", &[&name]);
    child.expect_stopped();
    child.kill();
    assert_eq!(queue.recover().unwrap(), 1);
    let message = queue.try_get_ref().unwrap();
    assert!(*message == *payload(1, TRAP) && message.deliveries() == 2);
    drop(message);
    nothing_is_left(&queue);
}
