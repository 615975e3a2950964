//! A process whose sandbox refuses `membarrier`, which makes the others' wakes cheap, waits and wakes all the same.

use crate::common::child::{Child, Role, listen, say};
use crate::common::{PATIENCE, name, small};
use ringpost::Options;
use std::time::Duration;

pub(crate) const ROLES: &[Role] = &[("sandboxes: obey", obey)];

/// From now on the kernel refuses this process the call of this number.
fn refuse_call(number: libc::c_long) {
    let statement = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let load_number = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let skip_unless_equal = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let answer = (libc::BPF_RET | libc::BPF_K) as u16;
    let mut filter = [
        statement(load_number, 0, 0, 0), // seccomp_data.nr
        statement(skip_unless_equal, 0, 1, number as u32),
        statement(answer, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        statement(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: only forbids this process to gain privileges.
    let done = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(done, 0);
    // SAFETY: the kernel copies the program, which is alive.
    let done = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

/// Arguments: the queue. Does what it is told, without the call.
fn obey(arguments: &[&str]) {
    refuse_call(libc::SYS_membarrier);
    // SAFETY: MEMBARRIER_CMD_QUERY only asks.
    let answer = unsafe { libc::syscall(libc::SYS_membarrier, 0, 0, 0) };
    assert_eq!(answer, -1, "the sandbox lets it through");
    let queue = ringpost::open(arguments[0]).unwrap();
    let mut leases = Vec::new();
    loop {
        match &*listen() {
            "join" => {
                say("blocking");
                queue.join();
            }
            "put" => {
                say("blocking");
                queue.put(b"from the sandbox").unwrap();
            }
            "lease" => leases.push(queue.lease().unwrap()),
            "acknowledge" => leases.drain(..).for_each(|lease| lease.ack().unwrap()),
            other => panic!("no way {other}"),
        }
        say("done");
    }
}

/// A queue of two items and one descriptor more, and the child.
fn scene(name: &str) -> (ringpost::BytesQueue, Child) {
    let options: Options = small().capacity(2).in_flight(1).unlink_on_drop(true);
    let queue = options.create(name).unwrap();
    let child = Child::start("sandboxes: obey", &[name]);
    (queue, child)
}

#[test]
fn it_sleeps_until_others_are_done() {
    let (queue, mut child) = scene(&name("sandboxes"));
    for round in 0..20 {
        queue.put(b"work").unwrap();
        let lease = queue.lease().unwrap();
        child.tell("join");
        child.expect_blocked();
        lease
            .ack()
            .unwrap_or_else(|error| panic!("round {round}: {error}"));
        child.expect("done");
    }
}

#[test]
fn it_sleeps_until_a_descriptor_is_free() {
    let (queue, mut child) = scene(&name("sandboxes"));
    let held: Vec<_> = (0..3)
        .map(|_| {
            queue.put(b"held").unwrap();
            queue.get_ref().unwrap()
        })
        .collect();
    child.tell("put");
    child.expect_blocked();
    drop(held);
    child.expect("done");
    assert_eq!(queue.get().unwrap(), b"from the sandbox");
}

#[test]
fn others_are_woken_by_it() {
    let (queue, mut child) = scene(&name("sandboxes"));
    for _ in 0..20 {
        queue.put(b"work").unwrap();
        child.tell("lease");
        child.expect("done");
        assert!(!queue.join_timeout(Duration::ZERO));
        child.tell("acknowledge");
        assert!(queue.join_timeout(PATIENCE));
        child.expect("done");
    }
}
