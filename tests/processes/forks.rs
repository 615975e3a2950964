//! Guards that a forked child inherits: they are the parent's, and the child can do nothing to them.

use crate::common::child::{Child, Role, fork, in_a_fork, listen, say};
use crate::common::{eventually, name, payload, small};
use ringpost::PutError;
use std::os::unix::process::CommandExt;
use std::time::Instant;

pub(crate) const ROLES: &[Role] = &[
    ("forks: loans", loans),
    ("forks: messages", messages),
    ("forks: attached first", attached_first),
    ("forks: parent to be killed", parent_to_be_killed),
    ("forks: before exec", before_exec),
    ("forks: after exec", after_exec),
];

#[test]
fn an_inherited_loan_cannot_be_committed_nor_undone() {
    Child::start("forks: loans", &[]).succeed();
}

fn loans(_: &[&str]) {
    let queue = small().anonymous().unwrap();
    for length in [10, 5000] {
        let loan = || {
            let mut loan = queue.loan(length).unwrap();
            loan.copy_from_slice(&payload(1, length));
            loan
        };
        let mut parents = [loan(), loan(), loan(), loan()];
        let ended = in_a_fork(|| {
            // Copies of the parent's values: what the child does to them must not reach the parent's loans.
            let inherited = std::mem::replace(&mut parents, [loan(), loan(), loan(), loan()]);
            let [committed, tried, late, dropped] = inherited;
            assert!(committed[..] == payload(1, length));
            assert!(matches!(committed.commit(), Err(PutError::Inherited)));
            let (tried, error) = tried.try_commit().unwrap_err();
            assert!(matches!(error, PutError::Inherited));
            let said = error.to_string();
            assert!(said.contains("parent process"), "{said}");
            drop(tried);
            let late = late.commit_deadline(Instant::now());
            assert!(matches!(late, Err(PutError::Inherited)));
            drop(dropped);
            assert_eq!(queue.len(), 0);
            0
        });
        assert_eq!(ended, Some(0));
        // The child has left its own four, and attached for them.
        assert_eq!(queue.recover().unwrap(), 1);
        assert_eq!(queue.stats().filling, 4);
        for loan in parents {
            loan.commit().unwrap();
            assert!(queue.get().unwrap() == payload(1, length));
        }
        let stats = queue.stats();
        assert_eq!(stats.free, stats.descriptors);
    }
}

#[test]
fn an_inherited_message_stays_the_parents() {
    Child::start("forks: messages", &[]).succeed();
}

fn messages(_: &[&str]) {
    let queue = small().anonymous().unwrap();
    queue.put_many(&[payload(1, 10), payload(2, 9000)]).unwrap();
    let parents = [queue.get_ref().unwrap(), queue.get_ref().unwrap()];
    let mut parents = Some(parents);
    let ended = in_a_fork(|| {
        let inherited = parents.take().unwrap();
        assert!(inherited[0][..] == payload(1, 10));
        assert!(inherited[1][..] == payload(2, 9000));
        drop(inherited);
        // Whatever the child now does, it does not do it in the parent's memory.
        queue.put(&payload(3, 30_000)).unwrap();
        assert!(queue.get().unwrap() == payload(3, 30_000));
        0
    });
    assert_eq!(ended, Some(0));
    assert_eq!(queue.recover().unwrap(), 1);
    assert_eq!(queue.stats().held, 2);
    let parents = parents.unwrap();
    assert!(parents[0][..] == payload(1, 10));
    assert!(parents[1][..] == payload(2, 9000));
    drop(parents);
    assert_eq!(queue.stats().held, 0);
}

#[test]
fn a_child_that_has_attached_still_cannot_touch_what_it_inherited() {
    Child::start("forks: attached first", &[]).succeed();
}

fn attached_first(_: &[&str]) {
    let queue = small().anonymous().unwrap();
    queue.put(&payload(1, 100)).unwrap();
    let mut guards = Some((queue.get_ref().unwrap(), queue.loan(4).unwrap()));
    let ended = in_a_fork(|| {
        queue.put(b"attached").unwrap();
        let own = queue.get_ref().unwrap();
        let (message, loan) = guards.take().unwrap();
        drop(message);
        assert!(matches!(loan.commit(), Err(PutError::Inherited)));
        assert_eq!((queue.stats().held, queue.stats().filling), (2, 1));
        drop(own);
        assert_eq!((queue.stats().held, queue.stats().filling), (1, 1));
        0
    });
    assert_eq!(ended, Some(0));
    let (message, mut loan) = guards.take().unwrap();
    assert!(message[..] == payload(1, 100));
    loan.copy_from_slice(b"loan");
    loan.commit().unwrap();
    assert_eq!(queue.get().unwrap(), b"loan");
}

#[test]
fn a_child_does_not_keep_its_dead_parent_alive() {
    let name = name("orphan");
    let queue = small().unlink_on_drop(true).create(&name).unwrap();
    queue.put(&payload(1, 20_000)).unwrap();
    let parent = Child::start("forks: parent to be killed", &[&name]);
    let orphan: i32 = parent.hear().parse().unwrap();
    let stats = queue.stats();
    assert_eq!(
        (stats.held, stats.filling, stats.participants.len()),
        (1, 1, 2)
    );
    parent.kill();
    assert_eq!(queue.recover().unwrap(), 1);
    let stats = queue.stats();
    // SAFETY: the orphan, which waits for a signal.
    let alive = unsafe { libc::kill(orphan, libc::SIGKILL) };
    assert_eq!(alive, 0, "the child was there all the time");
    assert_eq!(
        (stats.held, stats.filling, stats.participants.len()),
        (0, 0, 1)
    );
    assert_eq!(stats.free, stats.descriptors);
}

fn parent_to_be_killed(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let _message = queue.get_ref().unwrap();
    let _loan = queue.loan(10_000).unwrap();
    let child = fork(|| {
        // SAFETY: waits for a signal.
        unsafe { libc::pause() };
        0
    });
    say(&child.to_string());
    listen();
}

#[test]
fn an_exec_ends_the_participant() {
    let name = name("exec");
    let queue = small().unlink_on_drop(true).create(&name).unwrap();
    queue.put(&payload(1, 20_000)).unwrap();
    let mut child = Child::start("forks: before exec", &[&name]);
    child.expect("before");
    assert_eq!(queue.recover().unwrap(), 0);
    assert_eq!((queue.stats().held, queue.stats().filling), (1, 1));
    child.tell("exec");
    child.expect("after");
    eventually("it is gone", || queue.recover().unwrap() == 1);
    let stats = queue.stats();
    assert_eq!(
        (stats.held, stats.filling, stats.participants.len()),
        (0, 0, 1)
    );
    child.tell("end");
    child.succeed();
}

fn before_exec(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let _message = queue.get_ref().unwrap();
    let _loan = queue.loan(10_000).unwrap();
    say("before");
    listen();
    let error = crate::common::child::command("forks: after exec", &[]).exec();
    panic!("{error}");
}

fn after_exec(_: &[&str]) {
    say("after");
    listen();
}
