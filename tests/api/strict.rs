//! Strict: what this process reads and writes in place is its own, whatever others write into the segment.

use crate::common::{directory, payload, small};
use ringpost::{BytesQueue, GetError, PutError, Shortage};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

/// A queue, strict in this process, and its file, into which anybody may write.
struct Scene {
    _directory: tempfile::TempDir,
    queue: BytesQueue,
    file: File,
}

/// Inline, and in the arena.
const LENGTHS: [usize; 3] = [48, 5000, 20_000];

impl Scene {
    fn new() -> Scene {
        let directory = directory();
        let path = directory.path().join("queue");
        let queue = small().strict(true).create_path(&path).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        Scene {
            _directory: directory,
            queue,
            file,
        }
    }

    fn with(length: usize) -> Scene {
        let scene = Self::new();
        scene.queue.put(&payload(1, length)).unwrap();
        scene
    }

    /// Overwrites `bytes` wherever they lie in the segment; says how often that was.
    fn overwrite(&self, bytes: &[u8]) -> usize {
        let mut all = vec![0; self.file.metadata().unwrap().len() as usize];
        self.file.read_exact_at(&mut all, 0).unwrap();
        let found: Vec<usize> = (0..all.len() - bytes.len())
            .step_by(8)
            .filter(|&at| all[at..].starts_with(bytes))
            .collect();
        for &at in &found {
            self.file
                .write_all_at(&vec![0xee; bytes.len()], at as u64)
                .unwrap();
        }
        found.len()
    }
}

#[test]
fn without_it_a_peer_can_change_a_lease() {
    let scene = Scene::with(5000);
    let queue = ringpost::from_fd(scene.queue.as_fd().try_clone_to_owned().unwrap()).unwrap();
    let lease = queue.lease().unwrap();
    assert_eq!(scene.overwrite(&payload(1, 5000)), 1);
    // Read after the write by a system call, so both have their order.
    assert!(lease.iter().all(|&byte| byte == 0xee));
}

#[test]
fn a_strict_lease_does_not_change() {
    for length in LENGTHS {
        let scene = Scene::with(length);
        let lease = scene.queue.lease().unwrap();
        assert_eq!(scene.overwrite(&payload(1, length)), 1);
        assert!(*lease == *payload(1, length));
        lease.ack().unwrap();
    }
}

#[test]
fn a_strict_lease_becomes_a_message_of_the_same_bytes() {
    for length in LENGTHS {
        let scene = Scene::with(length);
        let lease = scene.queue.lease().unwrap();
        assert_eq!(scene.overwrite(&payload(1, length)), 1);
        // What was looked at is what is used.
        assert!(*lease == *payload(1, length));
        let message = lease.into_message().unwrap();
        assert!(*message == *payload(1, length), "{length} bytes: changed");
        let stats = scene.queue.stats();
        assert_eq!((stats.free, stats.held), (stats.descriptors, 0));
    }
}

#[test]
fn a_strict_message_is_a_copy_and_its_memory_is_free() {
    for length in LENGTHS {
        let scene = Scene::with(length);
        let mut message = scene.queue.get_ref().unwrap();
        let stats = scene.queue.stats();
        assert_eq!((stats.free, stats.held), (stats.descriptors, 0));
        assert!(scene.overwrite(&payload(1, length)) <= 1);
        assert!(*message == *payload(1, length));
        message.fill(7);
        assert_eq!(
            scene.overwrite(&vec![7; length]),
            0,
            "written to the segment"
        );
        drop(message);
        let stats = scene.queue.stats();
        assert_eq!(stats.free, stats.descriptors);
    }
}

#[test]
fn a_strict_loan_is_written_when_it_is_committed() {
    for length in LENGTHS {
        let scene = Scene::new();
        let mut loan = scene.queue.loan(length).unwrap();
        loan.copy_from_slice(&payload(1, length));
        assert_eq!(scene.overwrite(&payload(1, length)), 0, "too early");
        assert!(*loan == *payload(1, length));
        loan.commit().unwrap();
        assert!(scene.queue.get().unwrap() == payload(1, length));
    }
}

#[test]
fn a_strict_loan_is_cut_short_given_back_and_tried_again() {
    let scene = Scene::new();
    let mut loan = scene.queue.loan(20_000).unwrap();
    loan.fill(7);
    for n in 0..8 {
        scene.queue.put(&payload(n, 10)).unwrap();
    }
    let (mut loan, error) = loan.try_commit().unwrap_err();
    assert!(matches!(error, PutError::Full(Shortage::Slots)));
    loan.truncate(3000);
    loan.copy_from_slice(&payload(9, 3000));
    scene.queue.get().unwrap();
    loan.commit().unwrap();
    scene.queue.get().unwrap();
    drop(scene.queue.loan(5000).unwrap());
    for n in 2..8 {
        assert!(scene.queue.get().unwrap() == payload(n, 10));
    }
    assert!(scene.queue.get().unwrap() == payload(9, 3000));
    scene.queue.shutdown();
    let late = scene.queue.loan(10);
    assert!(matches!(late, Err(PutError::Closed)));
    let stats = scene.queue.stats();
    assert_eq!(stats.free, stats.descriptors);
}

#[test]
fn a_loan_of_a_queue_that_was_shut_down_stays_readable() {
    let scene = Scene::new();
    let mut loan = scene.queue.loan(10).unwrap();
    loan.copy_from_slice(&payload(1, 10));
    scene.queue.shutdown();
    let (loan, error) = loan.try_commit().unwrap_err();
    assert!(matches!(error, PutError::Closed));
    assert!(loan.is_empty() || *loan == *payload(1, 10));
    drop(loan);
    let stats = scene.queue.stats();
    assert_eq!(stats.free, stats.descriptors);
}

#[test]
fn a_strict_lease_is_refused_whatever_it_shows() {
    for length in LENGTHS {
        let scene = Scene::with(length);
        scene.queue.lease().unwrap().refuse();
        let lease = scene.queue.lease().unwrap();
        assert!(*lease == *payload(1, length) && lease.deliveries() == 2);
        assert_eq!(scene.queue.stats().loaned, 1);
        lease.quarantine().unwrap();
        let aside = scene.queue.quarantined()[0];
        assert_eq!(aside.len, length as u64);
        let seen = scene.queue.inspect(aside.position).unwrap();
        assert!(seen == Some(payload(1, length)));
    }
}

#[test]
fn empty_payloads_are_copies_too() {
    let scene = Scene::with(0);
    let lease = scene.queue.lease().unwrap();
    assert!(lease.is_empty());
    let message = lease.into_message().unwrap();
    assert!(message.is_empty() && scene.queue.stats().held == 0);
    drop(message);
    scene.queue.loan(0).unwrap().commit().unwrap();
    assert!(scene.queue.get_ref().unwrap().is_empty());
    assert!(matches!(scene.queue.try_get(), Err(GetError::Empty)));
    let stats = scene.queue.stats();
    assert_eq!(stats.free, stats.descriptors);
}
