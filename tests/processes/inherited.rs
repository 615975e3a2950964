//! Handles that a forked child inherits: it uses them as a participant of its own.

use crate::common::child::{Child, Role, fork, in_a_fork};
use crate::common::{PATIENCE, name, payload, small};
use ringpost::{GetError, OpenError, PutError};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

pub(crate) const ROLES: &[Role] = &[
    ("inherited: own participant", own_participant),
    ("inherited: unused", unused),
    ("inherited: no place", no_place),
    ("inherited: generations", generations),
    ("inherited: threads", threads),
    ("inherited: readiness", readiness),
    ("inherited: name", keeps_the_name),
    ("inherited: parent and child talk", parent_and_child_talk),
    ("inherited: forks beside opening", forks_beside_opening),
];

#[test]
fn a_forked_child_is_a_participant_of_its_own() {
    Child::start("inherited: own participant", &[]).succeed();
}

fn own_participant(_: &[&str]) {
    let queue = small().anonymous().unwrap();
    queue.put_many(&[payload(1, 5000), payload(2, 50)]).unwrap();
    let parent = std::process::id();
    let ended = in_a_fork(|| {
        assert_eq!(
            queue.stats().participants.len(),
            1,
            "not before its first use"
        );
        assert!(queue.get().unwrap() == payload(1, 5000));
        let pids: Vec<_> = queue.stats().participants.iter().map(|p| p.pid).collect();
        assert_eq!(pids, [parent, std::process::id()]);
        queue.put(&payload(3, 6000)).unwrap();
        drop(queue.clone());
        assert_eq!(queue.stats().participants.len(), 2);
        0
    });
    assert_eq!(ended, Some(0));
    // It ended without a destructor, as a killed one does.
    assert_eq!(queue.recover().unwrap(), 1);
    assert_eq!(queue.stats().participants.len(), 1);
    assert!(queue.get().unwrap() == payload(2, 50));
    assert!(queue.get().unwrap() == payload(3, 6000));
}

#[test]
fn a_handle_that_the_child_does_not_use_is_the_parents_alone() {
    Child::start("inherited: unused", &[]).succeed();
}

fn unused(_: &[&str]) {
    let queue = small().anonymous().unwrap();
    let clone = queue.clone();
    let ended = in_a_fork(move || {
        drop(clone);
        0
    });
    assert_eq!(ended, Some(0));
    assert_eq!(queue.recover().unwrap(), 0);
    assert_eq!(queue.stats().participants.len(), 1);
    queue.put(b"unharmed").unwrap();
    assert_eq!(queue.get().unwrap(), b"unharmed");
    let ended = in_a_fork(move || {
        drop(queue);
        0
    });
    assert_eq!(ended, Some(0));
}

#[test]
fn a_forked_child_without_a_place_gets_errors_and_harms_nobody() {
    Child::start("inherited: no place", &[]).succeed();
}

fn no_place(_: &[&str]) {
    let queue = small().participants(1).anonymous().unwrap();
    queue.put(b"kept").unwrap();
    let loan = queue.loan(4).unwrap();
    let ended = in_a_fork(|| {
        let full =
            |error: &OpenError| matches!(error, OpenError::TooManyParticipants { places: 1 });
        let puts = [
            queue.put(b"x"),
            queue.try_put(b"x"),
            queue.put_timeout(b"x", PATIENCE),
            queue.put_parts(&[b"x"], 1),
            queue.loan(1).map(drop),
            queue.put_many(&["x"]).map_err(|error| error.error),
        ];
        for put in puts {
            match put.unwrap_err() {
                PutError::Attach(error) if full(&error) => {}
                other => panic!("{other}"),
            }
        }
        let gets = [
            queue.get(),
            queue.try_get(),
            queue.get_ref().map(|message| message.to_vec()),
            queue.get_many(3).map(|many| many.concat()),
        ];
        for get in gets {
            match get.unwrap_err() {
                error @ GetError::Attach(_) => {
                    let said = error.to_string();
                    assert!(said.contains("all 1 places"), "{said}");
                }
                other => panic!("{other}"),
            }
        }
        assert!(full(&queue.recover().unwrap_err()));
        assert!(full(&queue.readiness().unwrap_err()));
        // To look at it needs no place.
        assert_eq!(
            (queue.len(), queue.is_empty(), queue.stats().filling),
            (1, false, 1)
        );
        0
    });
    assert_eq!(ended, Some(0));
    loan.commit().unwrap();
    assert_eq!(queue.get_many(9).unwrap().len(), 2);
}

#[test]
fn every_generation_is_a_participant() {
    Child::start("inherited: generations", &[]).succeed();
}

fn generations(_: &[&str]) {
    let queue = small().anonymous().unwrap();
    let ended = in_a_fork(|| {
        queue.put(b"child").unwrap();
        let ended = in_a_fork(|| {
            let ended = in_a_fork(|| {
                queue.put(b"great-grandchild").unwrap();
                assert_eq!(queue.stats().participants.len(), 3);
                0
            });
            assert_eq!(ended, Some(0));
            0
        });
        assert_eq!(ended, Some(0));
        queue.put(b"child again").unwrap();
        0
    });
    assert_eq!(ended, Some(0));
    let got = queue.get_many(9).unwrap();
    assert_eq!(got, [&b"child"[..], b"great-grandchild", b"child again"]);
}

#[test]
fn threads_of_a_forked_child_attach_once() {
    Child::start("inherited: threads", &[]).succeed();
}

fn threads(_: &[&str]) {
    let queue = small().capacity(64).anonymous().unwrap();
    for _ in 0..10 {
        let ended = in_a_fork(|| {
            let start = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        start.wait();
                        queue.put(b"x").unwrap();
                    });
                }
            });
            assert_eq!(queue.stats().participants.len(), 2);
            0
        });
        assert_eq!(ended, Some(0));
        assert_eq!(queue.get_many(9).unwrap().len(), 4);
        assert_eq!(queue.recover().unwrap(), 1);
    }
}

#[test]
fn readiness_works_in_parent_and_child() {
    Child::start("inherited: readiness", &[]).succeed();
}

fn readiness(_: &[&str]) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let ready = |readiness: &ringpost::Readiness| {
        let patience = Timespec::try_from(PATIENCE).unwrap();
        let mut fds = [PollFd::new(readiness, PollFlags::IN)];
        poll(&mut fds, Some(&patience)).unwrap() == 1
    };
    let queue = small().anonymous().unwrap();
    let parents = queue.readiness().unwrap();
    let ended = in_a_fork(|| {
        let own = queue.readiness().unwrap();
        let other = ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap()).unwrap();
        other.put(b"for the child").unwrap();
        assert!(ready(&own));
        assert_eq!(queue.try_get().unwrap(), b"for the child");
        0
    });
    assert_eq!(ended, Some(0));
    queue.put(b"for the parent").unwrap();
    assert!(ready(&parents));
    assert_eq!(queue.try_get().unwrap(), b"for the parent");
}

#[test]
fn the_child_does_not_remove_the_parents_name() {
    Child::start("inherited: name", &[&name("inherited")]).succeed();
}

fn keeps_the_name(arguments: &[&str]) {
    let queue = small().unlink_on_drop(true).create(arguments[0]).unwrap();
    let mut handles = Some([queue.clone(), queue]);
    let ended = in_a_fork(|| {
        let handles = handles.take().unwrap();
        handles[0].put(b"used").unwrap();
        drop(handles);
        0
    });
    assert_eq!(ended, Some(0));
    assert_eq!(
        ringpost::open(arguments[0]).unwrap().get().unwrap(),
        b"used"
    );
    drop(handles);
    assert!(ringpost::open(arguments[0]).is_err());
}

#[test]
fn parent_and_child_talk_over_two_inherited_queues() {
    Child::start("inherited: parent and child talk", &[]).succeed();
}

fn parent_and_child_talk(_: &[&str]) {
    let options = small().capacity(2);
    let (there, back) = (options.anonymous().unwrap(), options.anonymous().unwrap());
    let child = fork(|| {
        while let Ok(item) = there.get_ref() {
            back.put(&item).unwrap();
        }
        back.shutdown();
        0
    });
    for n in 0..1000 {
        let sent = payload(n, (n as usize * 71) % 9000);
        there.put(&sent).unwrap();
        assert!(back.get().unwrap() == sent);
    }
    there.shutdown();
    assert!(matches!(back.get(), Err(GetError::Closed)));
    assert!(child > 0);
}

#[test]
fn a_child_forked_while_another_thread_opens_the_queue_keeps_no_place() {
    Child::start("inherited: forks beside opening", &[]).succeed();
}

fn forks_beside_opening(_: &[&str]) {
    let queue = small().participants(3).anonymous().unwrap();
    let again = || ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap());
    let opening = AtomicBool::new(true);
    let children: Vec<_> = std::thread::scope(|scope| {
        scope.spawn(|| {
            while opening.load(Relaxed) {
                // With a place kept by a child, this fails sooner or later.
                again().unwrap();
            }
        });
        let children = (0..200)
            .map(|_| {
                std::thread::sleep(Duration::from_micros(100));
                // Nothing but system calls: another thread of the parent may hold any lock.
                fork(|| {
                    // SAFETY: waits for a signal.
                    unsafe { libc::pause() };
                    0
                })
            })
            .collect();
        opening.store(false, Relaxed);
        children
    });
    let all = [again(), again()];
    for child in children {
        // SAFETY: a child of this process that waits for a signal.
        unsafe { libc::kill(child, libc::SIGKILL) };
    }
    assert!(all.iter().all(Result::is_ok), "{all:?}");
}
