//! Payloads from nothing to the whole arena, lap after lap, from process to process.

use crate::common::child::{Child, Role};
use crate::common::{name, payload, scrambled, small};
use ringpost::Options;

pub(crate) const ROLES: &[Role] = &[("payloads: produce", produce)];

/// The lengths of the items: all limits there are, then any.
fn lengths(longest: usize, inline: usize) -> Vec<usize> {
    let chunk = 4096.min(longest);
    let mut lengths = vec![
        0,
        1,
        inline - 1,
        inline,
        inline + 1,
        chunk - 1,
        chunk,
        chunk + 1,
        longest / 2,
        longest / 2 + 1,
        longest - 1,
        longest,
        0,
        longest,
    ];
    for word in scrambled(longest as u64).take(120) {
        // As many short ones as long ones.
        let bits = word % u64::from(longest.ilog2() + 1);
        lengths.push((word >> 32) as usize % (2 << bits).min(longest + 1));
    }
    lengths
}

/// Arguments: the queue.
fn produce(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let inline = queue.stats().inline_bytes as usize;
    for (n, length) in lengths(queue.max_payload(), inline).into_iter().enumerate() {
        let sent = payload(n as u64, length);
        if n % 2 == 0 {
            queue.put(&sent).unwrap();
        } else {
            let mut loan = queue.loan(length).unwrap();
            loan.copy_from_slice(&sent);
            loan.commit().unwrap();
        }
    }
    queue.shutdown();
}

fn all_arrive(options: Options) {
    let name = name("payloads");
    let queue = options.unlink_on_drop(true).create(&name).unwrap();
    let producer = Child::start("payloads: produce", &[&name]);
    let inline = queue.stats().inline_bytes as usize;
    for (n, length) in lengths(queue.max_payload(), inline).into_iter().enumerate() {
        let expected = payload(n as u64, length);
        if n % 3 == 0 {
            assert!(
                *queue.get_ref().unwrap() == *expected,
                "item {n}, {length} bytes"
            );
        } else {
            assert!(queue.get().unwrap() == expected, "item {n}, {length} bytes");
        }
    }
    assert!(queue.get().is_err(), "there are no more");
    producer.succeed();
    let stats = queue.stats();
    assert_eq!((stats.free, stats.total_put), (stats.descriptors, 134));
}

#[test]
fn from_nothing_to_the_whole_arena() {
    all_arrive(small());
}

#[test]
fn through_one_slot() {
    all_arrive(small().capacity(1).in_flight(1));
}

#[test]
fn with_small_chunks() {
    all_arrive(small().capacity(5).chunk(64).arena(100_000));
}

#[test]
fn with_large_chunks() {
    all_arrive(small().capacity(4).chunk(1 << 16).arena(3 << 16));
}

#[test]
fn with_a_large_arena() {
    all_arrive(small().arena(2 << 20));
}

#[test]
fn with_long_inline_rooms() {
    all_arrive(small().inline(8000).arena(1 << 18));
}
