//! PID namespaces: the same numbers mean other processes there, and nothing may depend on them.

use crate::common::child::{Child, Role, command_through, in_a_fork, listen, say};
use crate::common::{eventually, name, payload, small};
use crate::endings::said;
use std::process::{Command, Stdio};

pub(crate) const ROLES: &[Role] = &[
    ("namespaces: echo", echo),
    ("namespaces: hold", hold),
    ("namespaces: nested", nested),
];

/// A way to start a process in namespaces of its own.
type Way = &'static [&'static str];

/// How to start a process in a PID namespace of its own, if that is allowed here.
fn unshare() -> Option<Way> {
    const WAYS: [Way; 2] = [
        &["unshare", "--pid", "--fork", "--kill-child"],
        &[
            "unshare",
            "--user",
            "--map-current-user",
            "--pid",
            "--fork",
            "--kill-child",
        ],
    ];
    let way = WAYS.into_iter().find(works);
    if way.is_none() {
        eprintln!("skipped: `unshare --pid --fork` is missing or not permitted here");
    }
    way
}

/// The same with mounts, a `/proc` and users of its own, as containers have them.
fn unshare_more() -> Option<Way> {
    const WAY: Way = &[
        "unshare",
        "--user",
        "--map-current-user",
        "--mount",
        "--mount-proc",
        "--pid",
        "--fork",
        "--kill-child",
    ];
    let works = works(&WAY);
    if !works {
        eprintln!("skipped: `unshare --user --mount-proc` is not permitted here");
    }
    works.then_some(WAY)
}

fn works(way: &Way) -> bool {
    Command::new(way[0])
        .args(&way[1..])
        .arg("true")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn start(way: Way, role: &str, arguments: &[&str]) -> Child {
    Child::start_by(command_through(way, role, arguments), role)
}

/// Arguments: the queue to get from and the queue to put into. Each item is put together with the own number.
fn echo(arguments: &[&str]) {
    let [there, back] = [0, 1].map(|n| ringpost::open(arguments[n]).unwrap());
    while let Ok(item) = there.get_ref() {
        let pid = std::process::id().to_le_bytes();
        back.put_parts(&[&pid, &item], 1).unwrap();
    }
}

#[test]
fn processes_of_different_namespaces_share_a_queue() {
    let Some(way) = unshare() else { return };
    let (there_name, back_name) = (name("there"), name("back"));
    let options = small().unlink_on_drop(true);
    let there = options.create(&there_name).unwrap();
    let back = options.create(&back_name).unwrap();
    let arguments = [&*there_name, &back_name];
    let echoes = [0, 1].map(|_| start(way, "namespaces: echo", &arguments));
    eventually("both are there", || there.stats().participants.len() == 3);
    for n in 0..300 {
        let sent = payload(n, (n as usize * 37) % 7000);
        there.put(&sent).unwrap();
        let got = back.get().unwrap();
        assert_eq!(got[..4], 1_u32.to_le_bytes(), "all of them are number one");
        assert!(got[4..] == sent);
        assert_eq!(there.recover().unwrap(), 0);
    }
    let pids: Vec<_> = there.stats().participants.iter().map(|p| p.pid).collect();
    assert_eq!(pids, [std::process::id(), 1, 1]);
    there.shutdown();
    for echo in echoes {
        echo.succeed();
    }
}

/// Arguments: the queue. Holds an item and a loan until it is killed.
fn hold(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let _message = queue.get_ref().unwrap();
    let _loan = queue.loan(5000).unwrap();
    say("holding");
    listen();
}

#[test]
fn a_death_is_seen_from_another_namespace_and_a_life_too() {
    let Some(way) = unshare() else { return };
    let name = name("namespace");
    let queue = small().unlink_on_drop(true).create(&name).unwrap();
    queue
        .put_many(&[payload(1, 5000), payload(2, 5000)])
        .unwrap();
    let holders = [0, 1].map(|_| {
        let holder = start(way, "namespaces: hold", &[&name]);
        holder.expect("holding");
        holder
    });
    assert_eq!(queue.recover().unwrap(), 0);
    let [one, two] = holders;
    one.kill();
    eventually("the dead one is found", || queue.recover().unwrap() == 1);
    let stats = queue.stats();
    assert_eq!(
        (stats.held, stats.filling, stats.participants.len()),
        (1, 1, 2)
    );
    two.kill();
    eventually("the dead one is found", || queue.recover().unwrap() == 1);
    let stats = queue.stats();
    assert_eq!(
        (stats.held, stats.filling, stats.free),
        (0, 0, stats.descriptors)
    );
}

/// Two workers in namespaces of their own, both number one there. The first is killed with an item; the second, and nobody
/// else, finds that out and gets it.
fn comes_over(from: Way, to: Way) {
    let name = name("over");
    let queue = small().unlink_on_drop(true).create(&name).unwrap();
    queue.put_many(&[payload(1, 50), payload(2, 9000)]).unwrap();
    let dies = start(from, "endings: worker", &[&name]);
    dies.expect(&said(1, 1));
    let mut lives = start(to, "endings: worker", &[&name]);
    lives.expect(&said(2, 1));
    let pids: Vec<_> = queue.stats().participants.iter().map(|p| p.pid).collect();
    assert_eq!(pids[1..], [1, 1]);
    lives.tell("another");
    dies.kill();
    lives.expect(&said(1, 2));
    lives.tell("ack");
    lives.succeed();
    let stats = queue.stats();
    assert_eq!(
        (stats.free, stats.participants.len()),
        (stats.descriptors, 1)
    );
}

#[test]
fn an_item_comes_from_a_dead_process_of_one_namespace_to_a_living_one_of_another() {
    let Some(way) = unshare() else { return };
    comes_over(way, way);
}

#[test]
fn an_item_comes_from_one_container_to_another_and_back() {
    let (Some(way), Some(more)) = (unshare(), unshare_more()) else {
        return;
    };
    comes_over(more, more);
    comes_over(way, more);
    comes_over(more, way);
}

#[test]
fn a_child_with_the_same_number_does_not_remove_the_parents_name() {
    let Some(way) = unshare() else { return };
    start(way, "namespaces: nested", &[&name("nested")]).succeed();
}

/// The first process of a namespace, whose child is the first of the next one. Arguments: the queue.
fn nested(arguments: &[&str]) {
    assert_eq!(std::process::id(), 1);
    let queue = small().unlink_on_drop(true).create(arguments[0]).unwrap();
    // An ordinary user needs a user namespace of his own for it.
    let ways = [libc::CLONE_NEWPID, libc::CLONE_NEWPID | libc::CLONE_NEWUSER];
    // SAFETY: this process has one thread, and all that changes is who its children are.
    let unshared = ways.iter().any(|&way| unsafe { libc::unshare(way) } == 0);
    assert!(unshared, "{}", std::io::Error::last_os_error());
    let mut inherited = Some([queue.clone(), queue]);
    let ended = in_a_fork(|| {
        assert_eq!(std::process::id(), 1);
        drop(inherited.take());
        0
    });
    assert_eq!(ended, Some(0));
    let path = format!("/dev/shm/ringpost.{}", arguments[0]);
    assert!(std::fs::exists(path).unwrap());
    drop(inherited);
}
