//! Users who may not: what they are told, and that they leave nothing behind.

use crate::common::child::{Child, Role};
use crate::common::user::{become_user, is_root};
use crate::common::{directory, name, payload, small};
use crate::segment_file::{SegmentFile, says};
use ringpost::{OpenError, list, unlink};
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

pub(crate) const ROLES: &[Role] = &[
    ("unprivileged: open", open),
    ("unprivileged: create", create),
    ("unprivileged: own", own),
    ("unprivileged: unlink", remove),
];

const NOBODY: u32 = 65_534;

/// Starts a role that begins as root, or says why not.
fn as_root(role: &str, arguments: &[&str]) {
    if is_root() {
        Child::start(role, arguments).succeed();
    } else {
        eprintln!("skipped: only root can become another user");
    }
}

#[track_caller]
fn no_permission(error: &OpenError, path: &Path) {
    assert!(matches!(error, OpenError::Permission { .. }), "{error}");
    says(
        error,
        &[
            "no permission",
            path.to_str().unwrap(),
            "its mode does not allow it",
        ],
    );
}

#[test]
fn a_file_that_its_own_mode_closes_cannot_be_opened() {
    if is_root() {
        return eprintln!("skipped: root may open everything");
    }
    let segment = SegmentFile::new();
    for mode in [0o000, 0o400, 0o200] {
        std::fs::set_permissions(&segment.path, Permissions::from_mode(mode)).unwrap();
        no_permission(&segment.open().unwrap_err(), &segment.path);
    }
    std::fs::set_permissions(&segment.path, Permissions::from_mode(0o600)).unwrap();
    segment.is_intact();
}

#[test]
fn another_users_queue_is_opened_only_by_who_may_and_wants_to() {
    let directory = directory();
    std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    as_root("unprivileged: open", &[directory.path().to_str().unwrap()]);
}

/// Arguments: a directory that all can read.
fn open(arguments: &[&str]) {
    let in_directory = |file: &str| Path::new(arguments[0]).join(file);
    let (closed, roots, others) = (
        in_directory("closed"),
        in_directory("roots"),
        in_directory("others"),
    );
    let closed_queue = small().create_path(&closed).unwrap();
    let roots_queue = small().mode(0o666).create_path(&roots).unwrap();
    drop(small().mode(0o666).create_path(&others).unwrap());
    // Another user's queue, as that user's own program would have made it: the header says so too.
    let field = crate::segment_file::OWNER.1;
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(&others)
        .unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &12_345_u32.to_ne_bytes(), field).unwrap();
    crate::segment_file::seal(&file);
    chown(&others, Some(12_345), None).unwrap();
    let user = 12_346;
    let ended = crate::common::child::in_a_fork(|| {
        become_user(user);
        no_permission(&ringpost::open_path(&closed).unwrap_err(), &closed);
        let roots_queue = ringpost::open_path(&roots).expect("root's queues are accepted");
        roots_queue.put(&payload(1, 30_000)).unwrap();
        let error = ringpost::open_path(&others).unwrap_err();
        says(
            &error,
            &["user 12345", "user 12346", "root", "Options::owner(12345)"],
        );
        assert!(
            matches!(error, OpenError::Owner { found: 12_345, .. }),
            "{error}"
        );
        let others_queue = small().owner(12_345).open_path(&others).unwrap();
        others_queue.put(b"trusted").unwrap();
        let error = small().owner(user).open_path(&roots).unwrap_err();
        assert!(
            matches!(error, OpenError::Owner { found: 0, .. }),
            "{error}"
        );
        0
    });
    assert_eq!(ended, Some(0));
    assert!(roots_queue.get().unwrap() == payload(1, 30_000));
    assert!(closed_queue.is_empty());
}

#[test]
fn who_may_not_write_to_a_directory_creates_nothing_in_it() {
    let directory = directory();
    if is_root() {
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        as_root(
            "unprivileged: create",
            &[directory.path().to_str().unwrap()],
        );
    } else {
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o500)).unwrap();
        create(&[directory.path().to_str().unwrap()]);
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

/// Arguments: a directory that root alone may write to, or nobody.
fn create(arguments: &[&str]) {
    if is_root() {
        become_user(NOBODY);
    }
    let directory = Path::new(arguments[0]);
    let error = small().create_path(directory.join("queue")).unwrap_err();
    no_permission(&error, directory);
}

#[test]
fn a_queue_that_its_own_user_cannot_use_is_not_created() {
    let directory = directory();
    for mode in [0o400, 0o200, 0o000, 0o066, 0o077] {
        let options = small().mode(mode);
        let errors = [
            options
                .create_path(directory.path().join("queue"))
                .unwrap_err(),
            options.create(&name("unusable")).unwrap_err(),
            options.anonymous().unwrap_err(),
        ];
        for error in errors {
            says(&error, &[&format!("{mode:03o}"), "with 600 in it"]);
            match error {
                OpenError::UnusableMode { found } => assert_eq!(found, mode),
                other => panic!("{mode:03o}: {other}"),
            }
        }
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_queue_cannot_be_given_to_a_foreign_group() {
    let directory = directory();
    let path = directory.path().to_str().unwrap();
    if is_root() {
        chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        as_root("unprivileged: own", &[path]);
    } else {
        own(&[path]);
    }
}

/// Arguments: a directory of this user, or of nobody.
fn own(arguments: &[&str]) {
    if is_root() {
        become_user(NOBODY);
    }
    let directory = Path::new(arguments[0]);
    let files = || std::fs::read_dir(directory).unwrap().count();
    let foreign = 4_000_000;
    let error = small()
        .group(foreign)
        .create_path(directory.join("queue"))
        .unwrap_err();
    says(&error, &["group"]);
    assert_eq!(files(), 0);
    let queue = small().create_path(directory.join("queue")).unwrap();
    queue.put(&payload(1, 30_000)).unwrap();
    assert!(queue.get().unwrap() == payload(1, 30_000));
    assert_eq!(files(), 1);
}

#[test]
fn another_users_queue_is_listed_but_cannot_be_removed() {
    as_root("unprivileged: unlink", &[&name("roots")]);
}

/// Arguments: a name.
fn remove(arguments: &[&str]) {
    let name = arguments[0];
    let queue = small().unlink_on_drop(true).create(name).unwrap();
    let ended = crate::common::child::in_a_fork(|| {
        become_user(NOBODY);
        assert!(
            list()
                .unwrap()
                .iter()
                .any(|info| info.name == name && info.owner == 0)
        );
        no_permission(&unlink(name).unwrap_err(), queue.path().unwrap());
        no_permission(&queue.unlink().unwrap_err(), queue.path().unwrap());
        no_permission(&ringpost::open(name).unwrap_err(), queue.path().unwrap());
        0
    });
    assert_eq!(ended, Some(0));
    ringpost::open(name).unwrap();
}
