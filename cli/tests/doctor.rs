//! `ringpost doctor` on a healthy queue, and on one that somebody has written into.

mod common;

use common::Queue;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Somebody writes where he should not: the hint to the tail, and the position of a slot.
fn damage(queue: &Queue) {
    let path = format!("/dev/shm/ringpost.{}", queue.0);
    let file = File::options().write(true).open(path).expect("the queue");
    let descriptors = (1024_u64 + 64 * 64).next_multiple_of(4096);
    for (offset, word) in [(256, 1_u64 << 40), (descriptors, 77 << 30)] {
        file.write_all_at(&word.to_ne_bytes(), offset)
            .expect("written");
    }
}

#[test]
fn a_healthy_queue_is_called_so() {
    let queue = Queue::with(&["--capacity", "8"]);
    queue.feed("put", &[], b"a\nb\n").expect_code(0);
    let said = queue
        .run("doctor", &[])
        .expect_code(0)
        .expect_quiet()
        .text()
        .to_owned();
    assert!(said.contains("looked at 8 slots"), "{said}");
    assert!(said.ends_with("healthy\n"), "{said}");
    let json = queue.run("doctor", &["--json"]).expect_code(0).json();
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(0));
    assert_eq!(queue.len(), 2);
}

#[test]
fn a_damaged_queue_is_mended_and_has_its_items() {
    let queue = Queue::with(&["--capacity", "8"]);
    queue.feed("put", &[], b"a\nb\n").expect_code(0);
    damage(&queue);
    let said = queue.run("doctor", &[]).expect_code(3).text().to_owned();
    assert!(said.contains("* slot 0: its position is"), "{said}");
    assert!(said.contains("--repair` mends"), "{said}");
    let said = queue
        .run("doctor", &["--repair"])
        .expect_code(0)
        .text()
        .to_owned();
    assert!(said.contains("mended 2 things\nhealthy\n"), "{said}");
    assert_eq!(queue.run("get", &[]).expect_code(0).text(), "a\nb\n");
}

#[test]
fn a_queue_that_is_not_there_is_an_error() {
    Queue::missing().run("doctor", &[]).expect_code(3);
}
