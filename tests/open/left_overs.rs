//! Nothing half-done: a creator that dies or fails, whichever step it had reached, leaves no queue and no file.

use crate::common::child::{Child, Role, in_a_fork, say};
use crate::common::{directory, eventually, payload, scrambled, small};
use crate::refusal::{Refusal, refuse};
use ringpost::{BytesQueue, OpenError};
use std::path::Path;
use std::time::Duration;

pub(crate) const ROLES: &[Role] = &[
    ("left-overs: create", create),
    ("left-overs: refusals", refusals),
    ("left-overs: no tmpfile", no_tmpfile),
    ("left-overs: no fallocate", no_fallocate),
];

/// `__O_TMPFILE`, without the `O_DIRECTORY` that is always with it.
const TMPFILE: u32 = (libc::O_TMPFILE & !libc::O_DIRECTORY) as u32;

/// No file without a name is made any more: neither by `openat` nor by `open`, which aarch64 does not have.
fn no_nameless_files(errno: i32) -> Vec<Refusal> {
    let openat = Refusal {
        call: libc::SYS_openat,
        argument: 2,
        bits: TMPFILE,
        errno,
    };
    #[cfg(target_arch = "x86_64")]
    let open = [Refusal {
        call: libc::SYS_open,
        argument: 1,
        ..openat
    }];
    #[cfg(not(target_arch = "x86_64"))]
    let open = [];
    open.into_iter().chain([openat]).collect()
}

fn files(directory: &Path) -> Vec<String> {
    let files = std::fs::read_dir(directory).unwrap();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn works(queue: &BytesQueue) {
    for length in [0, 50, 5000, 65_536] {
        queue.put(&payload(1, length)).unwrap();
        assert!(queue.get().unwrap() == payload(1, length));
    }
}

#[test]
fn a_creator_that_is_killed_leaves_a_whole_queue_or_none() {
    let directory = directory();
    let path = directory.path().join("queue");
    let mut found = [0, 0];
    for word in scrambled(3).take(30) {
        let child = Child::start("left-overs: create", &[path.to_str().unwrap()]);
        child.expect("creating");
        std::thread::sleep(Duration::from_micros(word % 2000));
        child.kill();
        match ringpost::open_path(&path) {
            Ok(queue) => {
                found[1] += 1;
                works(&queue);
                queue.unlink().unwrap();
            }
            Err(OpenError::NotFound { .. }) => found[0] += 1,
            Err(other) => panic!("{other}"),
        }
        assert_eq!(files(directory.path()), [""; 0]);
    }
    eprintln!("none: {}, whole: {}", found[0], found[1]);
}

/// Arguments: the path. Creates the queue and removes it, again and again.
fn create(arguments: &[&str]) {
    say("creating");
    loop {
        let queue = small().create_path(arguments[0]).unwrap();
        queue.unlink().unwrap();
    }
}

/// Whether this process may filter its system calls; the parent is told if not.
fn may_refuse(refusals: &[Refusal]) -> bool {
    match refusals.iter().try_for_each(|&refusal| refuse(refusal)) {
        Ok(()) => true,
        Err(error) => {
            say(&format!("skipped: no seccomp filter: {error}"));
            false
        }
    }
}

fn run(role: &str) {
    let directory = directory();
    let child = Child::start(role, &[directory.path().to_str().unwrap()]);
    for line in child.hear_all() {
        eprintln!("{line}");
    }
    child.succeed();
}

#[test]
fn whatever_step_of_a_creation_fails_nothing_is_left() {
    run("left-overs: refusals");
}

fn refusals(arguments: &[&str]) {
    let directory = Path::new(arguments[0]);
    let path = directory.join("queue");
    let all = |call, errno| Refusal {
        call,
        argument: 0,
        bits: 0,
        errno,
    };
    let some = |call, argument, bits, errno| Refusal {
        call,
        argument,
        bits,
        errno,
    };
    // The steps of a creation, and of the attachment that belongs to it.
    let steps = [
        ("a file without a name", no_nameless_files(libc::EIO)),
        ("its size", vec![all(libc::SYS_ftruncate, libc::EIO)]),
        (
            "a size that is too large",
            vec![all(libc::SYS_ftruncate, libc::EFBIG)],
        ),
        ("memory", vec![all(libc::SYS_fallocate, libc::EIO)]),
        ("space", vec![all(libc::SYS_fallocate, libc::ENOSPC)]),
        ("its mode", vec![all(libc::SYS_fchmod, libc::EPERM)]),
        (
            "a shared mapping",
            vec![some(libc::SYS_mmap, 3, 1, libc::ENOMEM)],
        ),
        ("chance", vec![all(libc::SYS_getrandom, libc::ENOSYS)]),
        ("the header", vec![all(libc::SYS_pwrite64, libc::EIO)]),
        ("its name", vec![all(libc::SYS_linkat, libc::EIO)]),
        ("advice", vec![all(libc::SYS_madvise, libc::EINVAL)]),
        // Of the commands that are used, F_OFD_SETLK alone has this bit.
        ("locks", vec![some(libc::SYS_fcntl, 1, 0x20, libc::ENOLCK)]),
    ];
    for (step, refusals) in steps {
        let ended = in_a_fork(|| {
            if may_refuse(&refusals) {
                let error = small().create_path(&path).unwrap_err();
                assert!(!error.to_string().is_empty());
                assert_eq!(files(directory), [""; 0], "{step}: {error}");
                small().anonymous().map_err(|error| error.to_string()).ok();
            }
            0
        });
        assert_eq!(ended, Some(0), "{step}");
        let _ = std::fs::remove_file(&path);
    }
}

#[test]
fn a_file_system_without_nameless_files_will_do() {
    run("left-overs: no tmpfile");
}

fn no_tmpfile(arguments: &[&str]) {
    if !may_refuse(&no_nameless_files(libc::EOPNOTSUPP)) {
        return;
    }
    let directory = Path::new(arguments[0]);
    let path = directory.join("queue");
    let queue = small().create_path(&path).unwrap();
    works(&queue);
    assert_eq!(files(directory), ["queue"]);
    let error = small().create_path(&path).unwrap_err();
    assert!(matches!(error, OpenError::Exists { .. }), "{error}");
    assert_eq!(files(directory), ["queue"], "the temporary name is gone");
    ringpost::open_path(&path).unwrap().put(b"open").unwrap();
    assert_eq!(queue.get().unwrap(), b"open");
    queue.unlink().unwrap();

    // Killed in the middle it leaves a temporary name, which is never the queue's.
    let temporary = |name: &String| name.starts_with(".ringpost-");
    let child = crate::common::child::fork(|| {
        loop {
            small().create_path(&path).unwrap().unlink().unwrap();
        }
    });
    eventually("a temporary name is seen", || {
        files(directory).iter().any(temporary)
    });
    // SAFETY: the child that was just made.
    let killed = unsafe { libc::kill(child, libc::SIGKILL) };
    // SAFETY: as above.
    let waited = unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    assert_eq!((killed, waited), (0, child));
    for name in files(directory) {
        if temporary(&name) {
            match ringpost::open_path(directory.join(&name)) {
                Err(
                    OpenError::Unfinished | OpenError::TooShort { .. } | OpenError::Mode { .. },
                ) => {}
                other => assert!(other.is_ok(), "complete, but not yet published: {other:?}"),
            }
        } else {
            assert_eq!(name, "queue");
            works(&ringpost::open_path(&path).unwrap());
        }
    }
    small()
        .open_path(&path)
        .and_then(|queue| queue.unlink())
        .ok();
    small().create_path(&path).unwrap();
}

#[test]
fn a_file_system_that_cannot_reserve_will_do() {
    run("left-overs: no fallocate");
}

fn no_fallocate(arguments: &[&str]) {
    let refusal = Refusal {
        call: libc::SYS_fallocate,
        argument: 0,
        bits: 0,
        errno: libc::EOPNOTSUPP,
    };
    if !may_refuse(&[refusal]) {
        return;
    }
    let path = Path::new(arguments[0]).join("queue");
    let queue = small().create_path(&path).unwrap();
    // All of it was written once: no later store can meet a full disk.
    let stats = queue.stats();
    assert_eq!(stats.arena_reserved_bytes, stats.arena_bytes);
    let blocks = std::os::unix::fs::MetadataExt::blocks(&path.metadata().unwrap());
    assert!(blocks * 512 >= stats.segment_bytes);
    works(&queue);
    works(&small().anonymous().unwrap());
}
