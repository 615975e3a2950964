//! Anonymous queues: their descriptor passed on by inheritance and over a Unix socket.

use crate::common::child::{Child, Role, command, in_a_fork, say};
use crate::common::user::{become_user, is_root};
use crate::common::{directory, payload, small};
use ringpost::BytesQueue;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;

pub(crate) const ROLES: &[Role] = &[
    ("descriptors: inherit", inherit),
    ("descriptors: receive", receive),
    ("descriptors: other user", other_user),
];

/// The child's part: answers what it gets, twice as long.
fn answer(queue: &BytesQueue) {
    let got = queue.get().unwrap();
    assert!(got == payload(1, 7000));
    queue.put(&payload(2, 14_000)).unwrap();
    say("answered");
}

fn ask(queue: &BytesQueue, child: Child) {
    queue.put(&payload(1, 7000)).unwrap();
    child.expect("answered");
    assert!(queue.get().unwrap() == payload(2, 14_000));
    child.succeed();
    assert_eq!(queue.stats().participants.len(), 1);
}

#[test]
fn a_child_inherits_the_descriptor() {
    let queue = small().anonymous().unwrap();
    let fd = queue.as_fd().as_raw_fd();
    let mut command = command("descriptors: inherit", &[&fd.to_string()]);
    let inheritable = move || {
        // SAFETY: the queue's descriptor, which the fork has just copied.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        Ok(rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::empty())?)
    };
    // SAFETY: one system call between fork and exec.
    unsafe { command.pre_exec(inheritable) };
    ask(&queue, Child::start_by(command, "descriptors: inherit"));
}

/// Arguments: the number of the descriptor.
fn inherit(arguments: &[&str]) {
    // SAFETY: the parent has left it open for this process.
    let fd = unsafe { OwnedFd::from_raw_fd(arguments[0].parse().unwrap()) };
    answer(&ringpost::from_fd(fd).unwrap());
}

#[test]
fn a_descriptor_is_sent_over_a_socket() {
    let directory = directory();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let child = Child::start("descriptors: receive", &[path.to_str().unwrap()]);
    child.expect("connecting");
    let (socket, _) = listener.accept().unwrap();
    let queue = small().anonymous().unwrap();
    let fds = [queue.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
    sendmsg(
        &socket,
        &[IoSlice::new(b"q")],
        &mut control,
        SendFlags::empty(),
    )
    .unwrap();
    ask(&queue, child);
}

/// Arguments: the socket's path.
fn receive(arguments: &[&str]) {
    say("connecting");
    let socket = UnixStream::connect(arguments[0]).unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = RecvFlags::CMSG_CLOEXEC;
    recvmsg(
        &socket,
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        flags,
    )
    .unwrap();
    let fd = control
        .drain()
        .find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        })
        .expect("a descriptor comes with the byte");
    answer(&ringpost::from_fd(fd).unwrap());
}

/// "Having it is the permission": also for another user's process, to whom nobody else can give it.
#[test]
fn another_users_process_may_use_a_descriptor_that_it_was_given() {
    if !is_root() {
        return eprintln!("skipped: only root can become another user");
    }
    Child::start("descriptors: other user", &[]).succeed();
}

fn other_user(_: &[&str]) {
    let queue = small().anonymous().unwrap();
    queue.put(&payload(1, 7000)).unwrap();
    let fd = queue.as_fd().try_clone_to_owned().unwrap();
    let ended = in_a_fork(|| {
        become_user(65_534);
        let queue = ringpost::from_fd(fd).unwrap();
        assert!(queue.get().unwrap() == payload(1, 7000));
        queue.put(&payload(2, 30_000)).unwrap();
        0
    });
    assert_eq!(ended, Some(0));
    assert!(queue.get().unwrap() == payload(2, 30_000));
}
