//! Who may open a queue: declared at its creation, compared with the file, and with what the opener accepts.

use crate::common::user::is_root;
use crate::common::{directory, name, small};
use crate::segment_file::{SegmentFile, says};
use ringpost::OpenError;
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

#[test]
fn a_mode_that_was_changed_is_refused() {
    let segment = SegmentFile::new();
    for mode in [0o644, 0o660, 0o666, 0o777, 0o620] {
        std::fs::set_permissions(&segment.path, Permissions::from_mode(mode)).unwrap();
        let error = segment.open().unwrap_err();
        says(&error, &[&format!("{mode:03o}"), "600", "declared"]);
        match error {
            OpenError::Mode {
                found,
                expected: 0o600,
            } => assert_eq!(found, mode),
            other => panic!("{mode:o}: {other}"),
        }
        let fd = segment.file.try_clone().unwrap();
        drop(ringpost::from_fd(fd.into()).expect("who has a descriptor has the right"));
    }
    std::fs::set_permissions(&segment.path, Permissions::from_mode(0o600)).unwrap();
    segment.is_intact();
}

#[test]
fn the_mode_is_the_declared_one_whatever_the_umask() {
    for mode in [0o600, 0o640, 0o660, 0o666, 0o622, 0o777] {
        let queue = small()
            .mode(mode)
            .unlink_on_drop(true)
            .create(&name("mode"))
            .unwrap();
        let found = queue.path().unwrap().metadata().unwrap().mode() & 0o7777;
        assert_eq!(found, mode, "{found:o}");
        drop(ringpost::open_path(queue.path().unwrap()).unwrap());
    }
}

#[test]
fn an_opener_accepts_no_wider_mode_than_it_says() {
    let queue = small()
        .mode(0o640)
        .unlink_on_drop(true)
        .create(&name("mode"))
        .unwrap();
    let path = queue.path().unwrap();
    for narrow in [0o600, 0o620, 0o604, 0o440] {
        let error = small().mode(narrow).open_path(path).unwrap_err();
        says(&error, &["640", &format!("{narrow:03o}")]);
        match error {
            OpenError::Mode {
                found: 0o640,
                expected,
            } => assert_eq!(expected, narrow),
            other => panic!("{other}"),
        }
    }
    for wide in [0o640, 0o660, 0o777] {
        small().mode(wide).open_path(path).unwrap();
    }
    queue.put(b"unharmed").unwrap();
    assert_eq!(queue.get().unwrap(), b"unharmed");
}

#[test]
fn an_opener_accepts_only_the_owner_that_it_says() {
    let queue = small().unlink_on_drop(true).create(&name("owner")).unwrap();
    let path = queue.path().unwrap();
    let me = rustix::process::geteuid().as_raw();
    small().owner(me).open_path(path).unwrap();
    let error = small().owner(me + 1).open_path(path).unwrap_err();
    says(
        &error,
        &[&format!("user {me},"), &format!("user {};", me + 1)],
    );
    assert!(
        matches!(error, OpenError::Owner { found, .. } if found == me),
        "{error}"
    );
}

#[test]
fn a_queue_cannot_be_created_for_another_owner() {
    let directory = directory();
    let me = rustix::process::geteuid().as_raw();
    let error = small()
        .owner(me + 1)
        .create_path(directory.path().join("queue"))
        .unwrap_err();
    says(&error, &[&me.to_string(), &(me + 1).to_string()]);
    assert!(matches!(error, OpenError::Owner { .. }), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    small()
        .owner(me)
        .create_path(directory.path().join("queue"))
        .unwrap();
}

#[test]
fn an_opener_accepts_only_the_group_that_it_says() {
    let queue = small().unlink_on_drop(true).create(&name("group")).unwrap();
    let path = queue.path().unwrap();
    let group = path.metadata().unwrap().gid();
    small().group(group).open_path(path).unwrap();
    let error = small().group(group + 1).open_path(path).unwrap_err();
    says(
        &error,
        &[&format!("group {group},"), &(group + 1).to_string()],
    );
    match error {
        OpenError::Group { found, expected } => assert_eq!((found, expected), (group, group + 1)),
        other => panic!("{other}"),
    }
}

#[test]
fn a_queue_gets_the_group_that_is_asked_for() {
    let own = rustix::process::getegid().as_raw();
    let queue = small()
        .group(own)
        .unlink_on_drop(true)
        .create(&name("group"))
        .unwrap();
    assert_eq!(queue.path().unwrap().metadata().unwrap().gid(), own);
    if !is_root() {
        return eprintln!("skipped in part: only root can give a file to any group");
    }
    let directory = directory();
    let path = directory.path().join("queue");
    let queue = small().group(4321).mode(0o660).create_path(&path).unwrap();
    assert_eq!(
        (path.metadata().unwrap().gid(), queue.is_empty()),
        (4321, true)
    );
    small().group(4321).open_path(&path).unwrap();
    small()
        .open_path(&path)
        .expect("the declared group is the right one");
    chown(&path, None, Some(4322)).unwrap();
    let error = small().open_path(&path).unwrap_err();
    says(&error, &["4322", "4321"]);
    assert!(
        matches!(
            error,
            OpenError::Group {
                found: 4322,
                expected: 4321
            }
        ),
        "{error}"
    );
}

#[test]
fn a_file_that_was_given_away_is_refused() {
    if !is_root() {
        return eprintln!("skipped: only root can give a file away");
    }
    let segment = SegmentFile::new();
    chown(&segment.path, Some(65_534), None).unwrap();
    let error = segment.open().unwrap_err();
    says(&error, &["user 65534", "root", "Options::owner(65534)"]);
    assert!(
        matches!(error, OpenError::Owner { found: 65_534, .. }),
        "{error}"
    );
    // Who says that it is right is still told that the creator declared another owner.
    let error = small().owner(65_534).open_path(&segment.path).unwrap_err();
    says(&error, &["user 65534", "user 0"]);
    assert!(
        matches!(error, OpenError::Owner { found: 65_534, .. }),
        "{error}"
    );
    chown(&segment.path, Some(0), None).unwrap();
    segment.is_intact();
}
