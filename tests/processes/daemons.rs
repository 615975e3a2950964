//! Processes that close all their descriptors, as daemons do: the queue goes on, and nothing of theirs is closed with it.

use crate::common::child::{Child, Role, die_after, in_a_fork, say};
use crate::common::{PATIENCE, directory, eventually, name, payload, small};
use ringpost::OpenError;
use std::os::fd::AsFd;

pub(crate) const ROLES: &[Role] = &[
    ("daemons: daemon", daemon),
    ("daemons: daemon's files", daemons_files),
    ("daemons: lost", lost),
];

#[test]
fn a_process_that_closes_all_its_descriptors_keeps_its_place() {
    Child::start("daemons: daemon", &[&name("daemon")]).succeed();
}

/// Daemons close everything. The liveness lock must survive it, and the queue go on.
fn daemon(arguments: &[&str]) {
    let queue = small()
        .arena(4 << 20)
        .unlink_on_drop(true)
        .create(arguments[0])
        .unwrap();
    let ended = in_a_fork(|| {
        queue.put(b"attached").unwrap();
        close_all();
        queue.put(&payload(1, 1 << 20)).unwrap();
        let held = queue.get_ref().unwrap();
        // Somebody else looks for the dead, and finds none.
        let ended = in_a_fork(|| {
            let other = ringpost::open(arguments[0]).unwrap();
            assert_eq!(other.recover().unwrap(), 0);
            assert!(other.get().unwrap() == payload(1, 1 << 20));
            std::mem::forget(other);
            0
        });
        assert_eq!(ended, Some(0));
        assert_eq!(&*held, b"attached");
        queue.put(&payload(2, 2 << 20)).unwrap();
        assert!(queue.get().unwrap() == payload(2, 2 << 20));
        // The other one ended without a destructor: this one can still look for the dead.
        assert_eq!(queue.recover().unwrap(), 1);
        drop(held);
        drop(queue.clone());
        0
    });
    assert_eq!(ended, Some(0));
}

#[test]
fn a_daemons_new_files_are_not_closed_with_the_queue() {
    Child::start("daemons: daemon's files", &[]).succeed();
}

fn daemons_files(_: &[&str]) {
    for reuse in [false, true] {
        let ended = in_a_fork(|| {
            let queue = small().anonymous().unwrap();
            let readiness = queue.readiness().unwrap();
            close_all();
            let count = if reuse { 20 } else { 0 };
            let files: Vec<_> = (0..count)
                .map(|_| std::fs::File::open("/dev/null").unwrap())
                .collect();
            queue.put(b"item").unwrap();
            assert_eq!(queue.get().unwrap(), b"item");
            // The user's own descriptor is the user's to forget.
            std::mem::forget(readiness);
            drop(queue);
            // Its thread ends by itself, and must not close anything either.
            eventually("the thread has ended", || {
                std::fs::read_dir("/proc/self/task").unwrap().count() == 1
            });
            let lost = files.iter().filter(|file| file.metadata().is_err()).count();
            assert_eq!(lost, 0, "files that the queue's drop has closed");
            0
        });
        assert_eq!(ended, Some(0), "descriptors used again: {reuse}");
    }
}

#[test]
fn who_has_closed_the_descriptor_can_go_on_but_not_attach_again() {
    let directory = directory();
    let path = directory.path().join("queue");
    Child::start("daemons: lost", &[path.to_str().unwrap()]).succeed();
}

fn lost(arguments: &[&str]) {
    let path = arguments[0];
    let renamed = format!("{path}.old");
    let ended = in_a_fork(|| {
        let anonymous = small().anonymous().unwrap();
        let named = small().create_path(path).unwrap();
        let others = [&anonymous, &named]
            .map(|queue| ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap()).unwrap());
        close_all();
        // The path now leads to another queue, which must not be taken for the lost one.
        std::fs::rename(path, &renamed).unwrap();
        let namesake = small().create_path(path).unwrap();
        for queue in others.iter().chain([&anonymous, &named]) {
            queue.put(b"item").unwrap();
            assert_eq!(queue.get().unwrap(), b"item");
            let error = queue.recover().unwrap_err();
            assert!(matches!(error, OpenError::DescriptorLost), "{error}");
            assert!(error.to_string().contains("open the queue anew"), "{error}");
        }
        assert_eq!(namesake.stats().participants.len(), 1);
        0
    });
    assert_eq!(ended, Some(0));
}

fn close_all() {
    // SAFETY: what this process still uses of them is what is tested.
    let closed = unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
    assert_eq!(closed, 0);
    die_after(2 * PATIENCE);
    say("closed");
}
