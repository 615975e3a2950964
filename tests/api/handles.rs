//! Handles: cloned, sent, opened twice, and what their drop does.

use crate::common::{directory, eventually, name, payload, small};
use ringpost::{BytesQueue, Message, OpenError, Queue, Readiness, WriteLoan};
use std::os::fd::{AsFd, OwnedFd};

fn fd(queue: &BytesQueue) -> OwnedFd {
    queue.as_fd().try_clone_to_owned().unwrap()
}

#[test]
fn everything_can_be_sent_and_shared() {
    fn sent_and_shared<T: Send + Sync + 'static>() {}
    fn cloned<T: Clone>() {}
    /// Neither Clone, Send nor Sync; the queue of it is all three, since it holds none.
    struct Local(#[allow(dead_code)] std::rc::Rc<()>);
    sent_and_shared::<BytesQueue>();
    sent_and_shared::<Queue<Local>>();
    sent_and_shared::<Message>();
    sent_and_shared::<WriteLoan>();
    sent_and_shared::<Readiness>();
    cloned::<BytesQueue>();
    cloned::<Queue<Local>>();
    cloned::<ringpost::Options>();
}

#[test]
fn everything_can_be_debugged() {
    let queue = small().anonymous().unwrap();
    queue.put(b"x").unwrap();
    assert!(format!("{queue:?}").contains("BytesQueue"));
    assert!(format!("{:?}", queue.loan(3).unwrap()).contains("WriteLoan"));
    assert!(format!("{:?}", queue.get_ref().unwrap()).contains("Message"));
    assert!(format!("{:?}", queue.readiness().unwrap()).contains("Readiness"));
    assert!(format!("{:?}", Queue::<u8>::from(queue)).contains("Queue"));
    assert!(format!("{:?}", small()).contains("Options"));
}

#[test]
fn clones_are_one_participant() {
    let queue = small().participants(1).anonymous().unwrap();
    let clones: Vec<_> = (0..100).map(|_| queue.clone()).collect();
    assert_eq!(queue.stats().participants.len(), 1);
    drop(queue);
    clones[7].put(b"still open").unwrap();
    assert_eq!(clones[99].get().unwrap(), b"still open");
}

#[test]
fn the_same_queue_opened_twice_is_two_participants() {
    let name = name("twice");
    let one = small().unlink_on_drop(true).create(&name).unwrap();
    let two = ringpost::open(&name).unwrap();
    let three = ringpost::open_path(one.path().unwrap()).unwrap();
    let four = ringpost::from_fd(fd(&two)).unwrap();
    assert_eq!(one.stats().participants.len(), 4);
    for (n, putter) in [&one, &two, &three, &four].iter().enumerate() {
        putter.put(&payload(n as u64, 5000)).unwrap();
    }
    for (n, getter) in [&four, &three, &two, &one].iter().enumerate() {
        assert!(getter.get_ref().unwrap()[..] == payload(n as u64, 5000));
    }
    drop((two, three));
    assert_eq!(one.stats().participants.len(), 2);
    four.put(b"last").unwrap();
    drop(four);
    assert_eq!(one.get().unwrap(), b"last");
    assert_eq!(one.recover().unwrap(), 0, "they left in good order");
}

#[test]
fn a_guard_keeps_its_participant_until_it_is_dropped() {
    let queue = small().anonymous().unwrap();
    let other = ringpost::from_fd(fd(&queue)).unwrap();
    other.put_many(&["a", "b"]).unwrap();
    let (message, mut loan) = (other.get_ref().unwrap(), other.loan(4).unwrap());
    drop(other);
    let stats = queue.stats();
    assert_eq!(
        (stats.participants.len(), stats.held, stats.filling),
        (2, 1, 1)
    );
    loan.copy_from_slice(b"loan");
    loan.commit().unwrap();
    assert_eq!(queue.stats().participants.len(), 2);
    assert_eq!(&*message, b"a");
    drop(message);
    assert_eq!(queue.stats().participants.len(), 1);
    assert_eq!(
        queue.get_many(9).unwrap(),
        [b"b".to_vec(), b"loan".to_vec()]
    );
}

#[test]
fn places_are_used_again_as_often_as_one_likes() {
    let queue = small().participants(2).anonymous().unwrap();
    // More often than an incarnation has values.
    for n in 0..300 {
        // Another test of this program may just be starting a child, which has all descriptors for a moment.
        let mut other = None;
        eventually("the place is free", || {
            other = ringpost::from_fd(fd(&queue)).ok();
            other.is_some()
        });
        let other = other.unwrap();
        other.put(&payload(n, 100)).unwrap();
        let mut held = queue.get_ref().unwrap();
        held[0] ^= 1;
        drop(other);
        held[0] ^= 1;
        assert!(*held == *payload(n, 100));
    }
    assert_eq!(queue.stats().participants.len(), 1);
}

#[test]
fn a_queue_stays_with_its_items_until_it_is_removed() {
    let name = name("stays");
    small().create(&name).unwrap().put(b"kept").unwrap();
    let queue = small().unlink_on_drop(true).open(&name).unwrap();
    assert_eq!(queue.get().unwrap(), b"kept");
    drop(queue);
    assert!(matches!(
        ringpost::open(&name),
        Err(OpenError::NotFound { .. })
    ));
}

#[test]
fn unlink_on_drop_waits_for_the_last_handle() {
    let name = name("last");
    let queue = small().unlink_on_drop(true).create(&name).unwrap();
    let other = ringpost::open(&name).unwrap();
    let clone = queue.clone();
    drop(queue);
    drop(ringpost::open(&name).unwrap());
    clone.put(b"item").unwrap();
    drop(clone);
    assert!(matches!(
        ringpost::open(&name),
        Err(OpenError::NotFound { .. })
    ));
    assert_eq!(other.get().unwrap(), b"item", "who has it open keeps it");
}

#[test]
fn unlink_on_drop_leaves_a_namesake_alone() {
    let name = name("namesake");
    let old = small().unlink_on_drop(true).create(&name).unwrap();
    ringpost::unlink(&name).unwrap();
    let new = small().unlink_on_drop(true).create(&name).unwrap();
    assert!(matches!(old.unlink(), Err(OpenError::NotFound { .. })));
    drop(old);
    new.put(b"new").unwrap();
    assert_eq!(ringpost::open(&name).unwrap().get().unwrap(), b"new");
}

#[test]
fn unlink_removes_the_name_at_once_and_only_once() {
    let name = name("unlink");
    let queue = small().create(&name).unwrap();
    queue.unlink().unwrap();
    let error = queue.unlink().unwrap_err();
    assert!(matches!(error, OpenError::NotFound { .. }), "{error}");
    assert!(ringpost::open(&name).is_err());
    queue.put(b"still works").unwrap();
    assert_eq!(queue.get().unwrap(), b"still works");
    small().anonymous().unwrap().unlink().unwrap();
}

#[test]
fn the_path_is_where_the_queue_was_created_or_opened() {
    let directory = directory();
    let path = directory.path().join("queue");
    let queue = small().create_path(&path).unwrap();
    assert_eq!(queue.path(), Some(&*path));
    assert_eq!(ringpost::open_path(&path).unwrap().path(), Some(&*path));
    assert_eq!(ringpost::from_fd(fd(&queue)).unwrap().path(), None);
    assert_eq!(small().anonymous().unwrap().path(), None);
}

#[test]
fn the_descriptor_is_close_on_exec_and_an_anonymous_one_is_sealed() {
    use rustix::fs::{SealFlags, fcntl_get_seals};
    use rustix::io::{FdFlags, fcntl_getfd};
    let queue = small().anonymous().unwrap();
    assert!(fcntl_getfd(&queue).unwrap().contains(FdFlags::CLOEXEC));
    let seals = fcntl_get_seals(&queue).unwrap();
    assert!(seals.contains(SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL));
    assert!(rustix::fs::ftruncate(&queue, 0).is_err());
    queue.put(b"unharmed").unwrap();
    assert_eq!(queue.get().unwrap(), b"unharmed");
}

#[test]
fn threads_share_one_handle() {
    let queue = small().capacity(5).in_flight(3).anonymous().unwrap();
    std::thread::scope(|scope| {
        for producer in 0..3_u64 {
            let queue = &queue;
            scope.spawn(move || {
                for n in 0..2000 {
                    queue.put(&(producer << 32 | n).to_le_bytes()).unwrap();
                }
            });
        }
        let counts: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut last = [None; 3];
                    for _ in 0..2000 {
                        let item = queue.get().unwrap();
                        let item = u64::from_le_bytes(item.try_into().unwrap());
                        let (producer, n) = ((item >> 32) as usize, item as u32);
                        assert!(last[producer] < Some(n), "out of order");
                        last[producer] = Some(n);
                    }
                })
            })
            .collect();
        for count in counts {
            count.join().unwrap();
        }
    });
    assert!(queue.is_empty());
}
