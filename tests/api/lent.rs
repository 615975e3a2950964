//! A queue in memory that was made with the crate `shared_memory`.

use crate::common::{payload, small};
use ringpost::OpenError;
use shared_memory::{Shmem, ShmemConf};

fn memory(bytes: u64) -> Shmem {
    ShmemConf::new().size(bytes as usize).create().unwrap()
}

#[test]
fn a_queue_lives_in_it_like_in_its_own() {
    let options = small();
    let memory = memory(options.segment_bytes().unwrap());
    let queue = options.create_in(&memory).unwrap();
    let other = options.open_in(&memory).unwrap();
    for length in [0, 88, 89, 65_536] {
        queue.put(&payload(1, length)).unwrap();
        assert!(other.get().unwrap() == payload(1, length));
    }
    assert_eq!(queue.stats().participants.len(), 2);
    drop(memory);
    queue.put(b"still there").unwrap();
    assert_eq!(other.get().unwrap(), b"still there");
}

#[test]
fn another_size_is_an_error_that_names_both() {
    let expected = small().segment_bytes().unwrap();
    for found in [expected - 4096, expected + 4096] {
        let memory = memory(found);
        let error = small().create_in(&memory).unwrap_err();
        match error {
            OpenError::Memory {
                found: f,
                expected: e,
            } if (f, e) == (found, expected) => {}
            other => panic!("{other}"),
        }
        let said = error.to_string();
        assert!(said.contains(&found.to_string()) && said.contains(&expected.to_string()));
    }
}

#[test]
fn memory_without_a_queue_is_an_error() {
    let empty = memory(small().segment_bytes().unwrap());
    let error = small().open_in(&empty).unwrap_err();
    assert!(matches!(error, OpenError::Unfinished), "{error}");
    let tiny = memory(100);
    let error = small().open_in(&tiny).unwrap_err();
    assert!(
        matches!(error, OpenError::TooShort { found: 100 }),
        "{error}"
    );
}

#[test]
fn what_was_there_is_overwritten() {
    let options = small();
    let memory = memory(options.segment_bytes().unwrap());
    let old = options.create_in(&memory).unwrap();
    old.put(&payload(1, 30_000)).unwrap();
    old.shutdown();
    drop(old);
    let new = options.create_in(&memory).unwrap();
    assert!(new.is_empty());
    assert!(!new.is_shutdown());
    new.try_put(&payload(2, 65_536)).unwrap();
    assert!(new.get().unwrap() == payload(2, 65_536));
}
