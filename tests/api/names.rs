//! Names: create, open, open_or_create, list and unlink.

use crate::common::{directory, name, small};
use ringpost::{OpenError, list, unlink};

#[test]
fn a_name_leads_to_one_queue() {
    let name = name("name");
    let error = small().open(&name).unwrap_err();
    assert!(matches!(error, OpenError::NotFound { .. }), "{error}");
    let queue = small().unlink_on_drop(true).create(&name).unwrap();
    let error = small().create(&name).unwrap_err();
    assert!(matches!(error, OpenError::Exists { .. }), "{error}");
    queue.put(b"one").unwrap();
    assert_eq!(small().open(&name).unwrap().get().unwrap(), b"one");
    queue.put(b"two").unwrap();
    let same = small().open_or_create(&name).unwrap();
    assert_eq!(same.get().unwrap(), b"two");
    queue.put(b"three").unwrap();
    assert_eq!(ringpost::open(&name).unwrap().get().unwrap(), b"three");
}

#[test]
fn open_or_create_creates_what_is_not_there() {
    let name = name("open-or-create");
    let queue = small().capacity(3).unlink_on_drop(true);
    let queue = queue.open_or_create(&name).unwrap();
    assert_eq!(queue.capacity(), 3);
    assert_eq!(ringpost::open(&name).unwrap().capacity(), 3);
}

#[test]
fn any_name_that_a_file_can_have_is_a_name() {
    let long = format!("{:x<200}", name("long"));
    let names = [
        long.clone(),
        name("with space and\nnew line"),
        name("schlüssel-日本"),
        format!("...{}", name("dots")),
        format!("-{}", name("dash")),
    ];
    for name in &names {
        let queue = small().unlink_on_drop(true).create(name).unwrap();
        let path = queue.path().unwrap().to_str().unwrap();
        assert_eq!(path, format!("/dev/shm/ringpost.{name}"));
        queue.put(b"x").unwrap();
        assert_eq!(ringpost::open(name).unwrap().get().unwrap(), b"x");
        assert!(list().unwrap().iter().any(|info| info.name == *name));
    }
    assert!(names.iter().all(|name| ringpost::open(name).is_err()));
}

#[test]
fn the_list_tells_what_is_there() {
    let name = name("list");
    let queue = small()
        .mode(0o640)
        .unlink_on_drop(true)
        .create(&name)
        .unwrap();
    let find = || list().unwrap().into_iter().find(|info| info.name == name);
    let info = find().unwrap();
    assert_eq!(Some(&*info.path), queue.path());
    assert_eq!(info.mode, 0o640);
    assert_eq!(info.owner, rustix::process::geteuid().as_raw());
    assert_eq!(info.bytes, queue.stats().segment_bytes);
    assert!(info.bytes_reserved > 0 && info.bytes_reserved < info.bytes);
    queue.put(&[1; 60_000]).unwrap();
    assert!(find().unwrap().bytes_reserved > info.bytes_reserved);
    drop(queue);
    assert_eq!(find(), None);
}

#[test]
fn the_list_is_sorted_and_holds_queues_only() {
    let (a, b) = (name("a"), name("b"));
    let _queues = [&b, &a].map(|name| small().unlink_on_drop(true).create(name).unwrap());
    let found: Vec<_> = list().unwrap().into_iter().map(|info| info.name).collect();
    assert!(found.is_sorted());
    assert!(found.contains(&a) && found.contains(&b));
    assert!(found.iter().all(|name| !name.contains('/')));
}

#[test]
fn unlink_removes_a_name_and_says_if_there_is_none() {
    let name = name("unlink");
    let queue = small().create(&name).unwrap();
    unlink(&name).unwrap();
    let error = unlink(&name).unwrap_err();
    assert!(matches!(error, OpenError::NotFound { .. }), "{error}");
    assert!(error.to_string().contains(&name), "{error}");
    let error = unlink("a/b").unwrap_err();
    assert!(matches!(error, OpenError::Name { .. }), "{error}");
    queue.put(b"kept").unwrap();
    let namesake = small().unlink_on_drop(true).create(&name).unwrap();
    assert!(namesake.is_empty() && queue.len() == 1);
}

#[test]
fn a_path_may_be_anywhere() {
    let directory = directory();
    for path in ["queue", "ringpost.x", "with space", "sub/queue"] {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        small().create_path(&path).unwrap().put(b"kept").unwrap();
        assert_eq!(small().open_path(&path).unwrap().get().unwrap(), b"kept");
    }
    let files = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(files, 4, "and nothing beside them");
}
