//! stats: what is where, as a snapshot.

use crate::common::{directory, payload, small};
use std::os::fd::AsFd;
use std::time::{SystemTime, UNIX_EPOCH};

#[test]
fn every_state_is_counted() {
    let queue = small().capacity(8).in_flight(4).anonymous().unwrap();
    queue
        .put_many(&[
            payload(1, 10),
            payload(2, 5000),
            payload(3, 50),
            payload(4, 1),
        ])
        .unwrap();
    let held = [queue.get_ref().unwrap(), queue.get_ref().unwrap()];
    let loan = queue.loan(9000).unwrap();
    let stats = queue.stats();
    assert_eq!((stats.queued, stats.held, stats.filling), (2, 2, 1));
    assert_eq!((stats.loaned, stats.retry, stats.quarantined), (0, 0, 0));
    assert_eq!((stats.descriptors, stats.free), (12, 7));
    assert_eq!((stats.total_put, stats.state), (4, "open"));
    // 5000 bytes take two chunks, 9000 three.
    assert_eq!(stats.arena_used_bytes, 5 * 4096);
    assert!(stats.arena_reserved_bytes >= stats.arena_used_bytes);
    drop((held, loan));
    let stats = queue.stats();
    assert_eq!((stats.held, stats.filling, stats.free), (0, 0, 10));
}

#[test]
fn the_arena_is_not_touched_before_it_is_used() {
    let directory = directory();
    let path = directory.path().join("queue");
    let queue = small()
        .capacity(1024)
        .arena(1 << 30)
        .create_path(&path)
        .unwrap();
    let blocks = || std::os::unix::fs::MetadataExt::blocks(&path.metadata().unwrap()) * 512;
    assert!(blocks() < 2 << 20, "{} bytes", blocks());
    assert_eq!(queue.stats().arena_reserved_bytes, 0);
    queue.put(&[1; 100_000]).unwrap();
    assert!(blocks() < 3 << 20, "{} bytes", blocks());
    let reserved = queue.stats().arena_reserved_bytes;
    assert!((100_000..1 << 20).contains(&reserved), "{reserved}");
}

#[test]
fn participants_introduce_themselves() {
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    let before = now();
    let queue = small().anonymous().unwrap();
    let other = ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap()).unwrap();
    let stats = other.stats();
    assert!((before..=now()).contains(&stats.created));
    assert_eq!(stats.participants.len(), 2);
    let command = std::fs::read_to_string("/proc/self/comm").unwrap();
    for (index, participant) in (0..).zip(&stats.participants) {
        assert_eq!(participant.index, index);
        assert_eq!(participant.pid, std::process::id());
        assert!(command.starts_with(&participant.command) && !participant.command.is_empty());
        assert!((before..=now()).contains(&participant.since));
    }
}

#[test]
fn it_can_be_serialized() {
    let stats = small().anonymous().unwrap().stats();
    let bytes = postcard::to_stdvec(&stats).unwrap();
    assert!(bytes.starts_with(b"\x04open"));
    let info = ringpost::list().unwrap();
    assert!(!postcard::to_stdvec(&info).unwrap().is_empty());
}
