//! A file system that is full: at the creation of a queue, or when its arena grows.
//!
//! The roles mount small file systems, in a mount namespace of their own.

use crate::common::child::{Child, Role, say};
use crate::common::user::is_root;
use crate::common::{directory, name, payload, small};
use crate::segment_file::says;
use ringpost::{BytesQueue, OpenError, Options, PutError, Queue};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::ffi::CString;
use std::path::Path;

pub(crate) const ROLES: &[Role] = &[
    ("space: creation", creation),
    ("space: by name", by_name),
    ("space: put", put),
    ("space: freed here", freed_here),
    ("space: freed elsewhere", freed_elsewhere),
    ("space: overlay", overlay),
];

/// Runs the role on a new, empty directory.
fn on_a_small_file_system(role: &str) {
    let directory = directory();
    let child = Child::start(role, &[directory.path().to_str().unwrap()]);
    if let Some(why) = child.hear().strip_prefix("skipped") {
        eprintln!("skipped{why}");
    }
    child.succeed();
}

/// Mounts a file system of so many bytes there, for this process alone. Says so, or why it cannot and ends this process.
fn mount_small(place: &Path, bytes: u64) {
    let skip = |what: &str, error: &dyn std::fmt::Display| -> ! {
        say(&format!("skipped: {what}: {error}"));
        std::process::exit(0);
    };
    let (user, group) = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    let flags = if is_root() {
        UnshareFlags::NEWNS
    } else {
        UnshareFlags::NEWNS | UnshareFlags::NEWUSER
    };
    // SAFETY: descriptors stay shared as they were; this process has one thread.
    if let Err(error) = unsafe { unshare_unsafe(flags) } {
        skip("no mount namespace", &error);
    }
    if flags.contains(UnshareFlags::NEWUSER) {
        for (file, content) in [
            ("setgroups", "deny".to_owned()),
            ("uid_map", format!("{user} {user} 1")),
            ("gid_map", format!("{group} {group} 1")),
        ] {
            if let Err(error) = std::fs::write(format!("/proc/self/{file}"), content) {
                skip("no user namespace", &error);
            }
        }
    }
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    if let Err(error) = mount_change("/", private) {
        skip("no private mounts", &error);
    }
    let size = CString::new(format!("size={bytes},mode=1777")).unwrap();
    if let Err(error) = mount("tmpfs", place, "tmpfs", MountFlags::empty(), Some(&*size)) {
        skip("no mount", &error);
    }
    say("mounted");
}

fn files(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

#[test]
fn a_queue_that_does_not_fit_is_not_created() {
    on_a_small_file_system("space: creation");
}

fn creation(arguments: &[&str]) {
    let directory = Path::new(arguments[0]);
    mount_small(directory, 1 << 20);
    let path = directory.join("queue");
    for options in [
        small().capacity(16_384),
        small().in_flight(10_000),
        small().inline(65_504),
        small().arena(64 << 20).chunk(64),
    ] {
        let error = options.create_path(&path).unwrap_err();
        match &error {
            OpenError::NoSpace {
                path: place,
                needed,
            } => {
                assert!(*place == path && *needed > 1 << 20, "{error}");
                says(
                    &error,
                    &[&needed.to_string(), path.to_str().unwrap(), "/dev/shm"],
                );
            }
            other => panic!("{other}"),
        }
        assert_eq!(files(directory), 0);
    }
    // A large arena costs nothing until it is used.
    let queue = small().arena(64 << 20).create_path(&path).unwrap();
    queue.put(&payload(1, 50_000)).unwrap();
    assert!(queue.get().unwrap() == payload(1, 50_000));
}

#[test]
fn a_full_dev_shm_is_named() {
    on_a_small_file_system("space: by name");
}

fn by_name(_: &[&str]) {
    let shm = Path::new("/dev/shm");
    mount_small(shm, 1 << 20);
    let name = name("full");
    for error in [
        Options::new().capacity(20_000).create(&name).unwrap_err(),
        Options::new()
            .capacity(20_000)
            .open_or_create(&name)
            .unwrap_err(),
    ] {
        assert!(matches!(error, OpenError::NoSpace { .. }), "{error}");
        says(&error, &[&name, "in a container, enlarge /dev/shm"]);
    }
    assert_eq!(files(shm), 0);
    small().create(&name).unwrap().put(b"fits").unwrap();
    assert_eq!(ringpost::open(&name).unwrap().get().unwrap(), b"fits");
}

/// Puts so long items until there is no space.
fn fill(queue: &BytesQueue, length: usize) -> u64 {
    for n in 0.. {
        match queue.try_put(&payload(n, length)) {
            Ok(()) => {}
            Err(PutError::NoSpace { .. }) => return n,
            Err(other) => panic!("after {n} items: {other}"),
        }
    }
    unreachable!("the loop has no end")
}

/// Gets them.
fn empty(queue: &BytesQueue, length: usize, count: u64) {
    for n in 0..count {
        assert!(queue.try_get().unwrap() == payload(n, length), "item {n}");
    }
    assert!(queue.is_empty());
}

fn roomy() -> Options {
    Options::new().capacity(256).arena(64 << 20)
}

#[test]
fn a_put_that_finds_no_space_says_so_and_harms_nothing() {
    on_a_small_file_system("space: put");
}

fn put(arguments: &[&str]) {
    let directory = Path::new(arguments[0]);
    mount_small(directory, 2 << 20);
    let queue = roomy().create_path(directory.join("queue")).unwrap();
    let length = 30_000;
    let count = fill(&queue, length);
    assert!(count > 10, "{count}");
    let long = payload(99, 500_000);
    let text = Queue::<String>::from(queue.clone());
    let tries = [
        queue.put(&long),
        queue.try_put(&long),
        queue.put_parts(&[&long], 64),
        queue.loan(long.len()).map(drop),
        queue.put_many(&[&long]).map_err(|error| error.error),
        text.put(&"x".repeat(500_000)),
    ];
    for tried in tries {
        let error = tried.unwrap_err();
        match &error {
            PutError::NoSpace { needed } => {
                assert!(error.to_string().contains(&needed.to_string()), "{error}");
                assert!(*needed >= 1, "{error}");
            }
            other => panic!("{other}"),
        }
        assert!(error.to_string().contains("/dev/shm"), "{error}");
        assert!(!error.is_shortage(), "waiting does not help");
    }
    assert_eq!(queue.stats().filling, 0);
    queue.put(b"short ones need no space").unwrap();
    for n in 0..count {
        assert!(queue.try_get().unwrap() == payload(n, length), "item {n}");
    }
    assert_eq!(queue.try_get().unwrap(), b"short ones need no space");
}

#[test]
fn space_that_the_queue_itself_has_freed_is_used_again() {
    on_a_small_file_system("space: freed here");
}

fn freed_here(arguments: &[&str]) {
    let directory = Path::new(arguments[0]);
    mount_small(directory, 2 << 20);
    for length in [5_000, 30_000, 100_000, 300_000] {
        let path = directory.join(length.to_string());
        let queue = roomy().create_path(&path).unwrap();
        let count = fill(&queue, length);
        assert!(count > 1, "{length}: {count}");
        for round in 0..3 {
            empty(&queue, length, count);
            for n in 0..count {
                let put = queue.try_put(&payload(n, length));
                put.unwrap_or_else(|error| panic!("{length}, round {round}, item {n}: {error}"));
            }
            queue.try_put(&payload(count, length)).unwrap_err();
        }
        // Each that is got makes room for one.
        for n in 0..50 {
            assert!(queue.try_get().unwrap() == payload(n % count, length));
            queue.try_put(&payload(n % count, length)).unwrap();
        }
        drop(queue);
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn space_that_somebody_else_frees_is_used() {
    on_a_small_file_system("space: freed elsewhere");
}

fn freed_elsewhere(arguments: &[&str]) {
    let directory = Path::new(arguments[0]);
    mount_small(directory, 2 << 20);
    let filler = directory.join("filler");
    std::fs::write(&filler, vec![1; 1 << 20]).unwrap();
    let queue = roomy().create_path(directory.join("queue")).unwrap();
    let length = 30_000;
    let before = fill(&queue, length);
    std::fs::remove_file(&filler).unwrap();
    let mut after = before;
    while queue.try_put(&payload(after, length)).is_ok() {
        after += 1;
    }
    assert!(after >= before + 30, "{before}, then {after}");
    empty(&queue, length, after);
}

/// On an overlay the mapped file is another one than that which was opened, and no mapping keeps a lock on it.
#[test]
fn a_file_system_on_which_nobody_can_show_that_he_lives_is_refused() {
    on_a_small_file_system("space: overlay");
}

fn overlay(arguments: &[&str]) {
    let directory = Path::new(arguments[0]);
    mount_small(directory, 4 << 20);
    let layers = ["lower", "upper", "work", "merged"].map(|layer| {
        let layer = directory.join(layer);
        std::fs::create_dir(&layer).unwrap();
        layer.to_str().unwrap().to_owned()
    });
    let [lower, upper, work, merged] = &layers;
    // A queue below, which an open for writing would copy up.
    drop(small().create_path(Path::new(lower).join("below")).unwrap());
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    let options = CString::new(options).unwrap();
    if mount(
        "overlay",
        &**merged,
        "overlay",
        MountFlags::empty(),
        Some(&*options),
    )
    .is_err()
    {
        return; // not in every kernel, and not for everyone
    }
    let created = small().create_path(Path::new(merged).join("queue"));
    let opened = ringpost::open_path(Path::new(merged).join("below"));
    for result in [created, opened] {
        match result {
            Err(error @ OpenError::NoLiveness) => {
                says(&error, &["overlayfs", "another file system"])
            }
            Err(other) => panic!("{other}"),
            // A kernel on which it works: then it must really work.
            Ok(queue) => {
                queue.put(&payload(1, 5000)).unwrap();
                assert_eq!(queue.recover().unwrap(), 0);
                assert!(queue.get().unwrap() == payload(1, 5000));
            }
        }
    }
    let queue = Path::new(merged).join("queue");
    assert!(!queue.exists() || ringpost::open_path(&queue).is_ok());
}
