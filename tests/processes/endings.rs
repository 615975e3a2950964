//! Leased items of processes that end, in whatever way and wherever they are: they come back to whoever is left.

use crate::actors::{nothing_is_left, options, scene};
use crate::common::child::{Child, Role, command, fork, in_a_fork, listen, say};
use crate::common::{PATIENCE, eventually, payload, small};
use ringpost::{BytesQueue, Lease};
use std::os::unix::process::CommandExt;

pub(crate) const ROLES: &[Role] = &[
    ("endings: worker", worker),
    ("endings: after exec", after_exec),
    ("endings: forked", forked),
    ("endings: parent", parent),
    ("endings: two handles", two_handles),
];

/// Arguments: the queue. Leases an item, then waits for another, or ends, as it is told.
fn worker(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let lease = queue.lease().unwrap();
    say(&what(&lease));
    loop {
        match &*listen() {
            "another" => {
                let another = queue.lease_timeout(PATIENCE).unwrap();
                say(&what(&another));
                another.ack().unwrap();
            }
            "ack" => return lease.ack().unwrap(),
            // SAFETY: ends this process, without a destructor.
            "_exit" => unsafe { libc::_exit(0) },
            "exit" => std::process::exit(0),
            "abort" => std::process::abort(),
            "exec" => panic!("{}", command("endings: after exec", &[]).exec()),
            other => panic!("no order {other}"),
        }
    }
}

/// An item's number, if it is whole, and how often it was delivered.
fn what(lease: &Lease) -> String {
    let number = (0..9).find(|&n| **lease == *payload(n, lease.len()));
    said(number.expect("a whole item"), lease.deliveries())
}

pub(crate) fn said(number: u64, deliveries: u32) -> String {
    format!("item {number}, delivered {deliveries} times")
}

fn after_exec(_: &[&str]) {
    say("after");
    listen();
}

/// The next item is this one, delivered for the second time.
#[track_caller]
fn comes_back(queue: &BytesQueue, number: u64) {
    let lease = queue.try_lease().unwrap();
    assert_eq!(what(&lease), said(number, 2));
    assert!(lease.is_redelivered());
    lease.ack().unwrap();
}

#[test]
fn a_leased_item_comes_back_in_whatever_way_its_process_ended() {
    for ending in ["kill", "_exit", "exit", "abort", "exec"] {
        let (name, queue) = scene(options());
        queue.put(&payload(1, 20_000)).unwrap();
        let mut child = Child::start("endings: worker", &[&name]);
        child.expect(&said(1, 1));
        assert_eq!((queue.recover().unwrap(), queue.stats().loaned), (0, 1));
        match ending {
            "kill" => child.kill(),
            "exec" => {
                child.tell(ending);
                child.expect("after");
                eventually("it is found", || queue.recover().unwrap() == 1);
                child.tell("end");
                child.succeed();
            }
            _ => {
                child.tell(ending);
                child.wait();
            }
        }
        if ending != "exec" {
            assert_eq!(queue.recover().unwrap(), 1, "{ending}");
        }
        comes_back(&queue, 1);
        nothing_is_left(&queue);
    }
}

#[test]
fn what_a_forked_child_had_leased_comes_back_to_its_parent() {
    Child::start("endings: forked", &[]).succeed();
}

fn forked(_: &[&str]) {
    let queue = small().anonymous().unwrap();
    queue.put_many(&[payload(1, 50), payload(2, 9000)]).unwrap();
    let own = queue.lease().unwrap();
    let ended = in_a_fork(|| {
        let _lease = queue.lease().unwrap();
        // SAFETY: a signal to this process.
        unsafe { libc::raise(libc::SIGKILL) }
    });
    assert_eq!(ended, None, "it was killed");
    assert_eq!((queue.recover().unwrap(), queue.stats().loaned), (1, 1));
    comes_back(&queue, 2);
    own.ack().unwrap();
    nothing_is_left(&queue);
}

#[test]
fn what_a_parent_had_leased_comes_back_to_its_forked_child() {
    let (name, queue) = scene(options());
    queue.put(&payload(1, 9000)).unwrap();
    let parent = Child::start("endings: parent", &[&name]);
    parent.expect("waiting");
    parent.signal(libc::SIGKILL);
    parent.expect(&said(1, 2));
    eventually("the orphan has left", || {
        queue.recover().unwrap();
        queue.stats().participants.len() == 1
    });
    nothing_is_left(&queue);
}

/// Arguments: the queue. Its child uses the handle that it inherits, and finds the item that the parent has.
fn parent(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let _lease = queue.lease().unwrap();
    fork(|| {
        say("waiting");
        let lease = queue.lease_timeout(PATIENCE).unwrap();
        say(&what(&lease));
        lease.ack().unwrap();
        0
    });
    // SAFETY: waits for a signal.
    unsafe { libc::pause() };
}

#[test]
fn two_handles_of_one_process_live_and_die_with_it() {
    let (name, queue) = scene(options());
    queue.put_many(&[payload(1, 50), payload(2, 9000)]).unwrap();
    let child = Child::start("endings: two handles", &[&name]);
    child.expect("leased");
    assert_eq!((queue.recover().unwrap(), queue.stats().loaned), (0, 2));
    child.kill();
    assert_eq!(queue.recover().unwrap(), 2);
    comes_back(&queue, 1);
    comes_back(&queue, 2);
    nothing_is_left(&queue);
}

/// Arguments: the queue. Opens it three times, leases twice, and closes the third: a process's record lock would be lost
/// then, and neither handle must take the other for dead.
fn two_handles(arguments: &[&str]) {
    let [one, two, three] = [0; 3].map(|_| ringpost::open(arguments[0]).unwrap());
    let _leases = [one.lease().unwrap(), two.lease().unwrap()];
    drop(three);
    assert_eq!((one.recover().unwrap(), two.recover().unwrap()), (0, 0));
    say("leased");
    listen();
}
