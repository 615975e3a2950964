//! Payloads of any size from so many processes to as many others, copied or lent.

use super::cpus;
use super::processes::Crew;
use ringpost::{BytesQueue, Options};
use std::hint::black_box;
use std::time::Duration;

/// How a payload goes in and comes out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    /// `put` and `get_into`: the copies are what writes it and reads it.
    Copy,
    /// `loan` and `get_ref`: written in full and read in full where it lies.
    Loan,
}

/// How long `items` payloads of `size` bytes take.
///
/// The capacity is such that no more than 4 MiB are queued: more than that would only show how cold memory is.
pub(crate) fn run(size: usize, pairs: usize, by: By, items: u64) -> Duration {
    let capacity = ((4 << 20) / size).clamp(4, 1024);
    let queue = Options::new()
        .capacity(capacity)
        .anonymous()
        .expect("creating a queue");
    let [here, there] = cpus::two();
    let mut crew = Crew::default();
    for i in 0..pairs {
        let share = share(items, pairs, i);
        let queue = &queue;
        crew.add(here, move |place| {
            let mut bytes = vec![7; size];
            place.start();
            for number in 0..share {
                put(queue, by, &mut bytes, number);
            }
            place.end();
            let words = (0..share).map(|number| first_word(by, number));
            place.report(&[words.fold(0, u64::wrapping_add)]);
        });
        crew.add(there, move |place| {
            let mut out = Vec::with_capacity(size);
            place.start();
            let mut sum = 0_u64;
            for _ in 0..share {
                sum = sum.wrapping_add(get(queue, by, &mut out, size));
            }
            place.end();
            place.report(&[sum]);
        });
    }
    let outcome = crew.run();
    let sum = |side: usize| {
        let reports = outcome.reports.iter().skip(side).step_by(2);
        reports.fold(0, |sum: u64, report| sum.wrapping_add(report[0]))
    };
    assert_eq!(sum(0), sum(1), "the sum of first words: put, got");
    assert!(queue.is_empty(), "more was put than got");
    outcome.elapsed
}

/// The first eight bytes of a payload, which tell items apart.
fn first_word(by: By, number: u64) -> u64 {
    match by {
        By::Copy => number,
        By::Loan => u64::from_ne_bytes([number as u8; 8]),
    }
}

fn put(queue: &BytesQueue, by: By, bytes: &mut [u8], number: u64) {
    match by {
        By::Copy => {
            bytes[..8].copy_from_slice(&number.to_ne_bytes());
            queue.put(bytes).expect("an open queue");
        }
        By::Loan => {
            let mut loan = queue.loan(bytes.len()).expect("an open queue");
            loan.fill(number as u8);
            loan.commit().expect("an open queue");
        }
    }
}

/// Gets an item, and returns its first eight bytes.
fn get(queue: &BytesQueue, by: By, out: &mut Vec<u8>, size: usize) -> u64 {
    let word = |bytes: &[u8]| u64::from_ne_bytes(bytes[..8].try_into().expect("8 bytes"));
    match by {
        By::Copy => {
            queue.get_into(out).expect("an open queue");
            assert_eq!(black_box(&*out).len(), size);
            word(out)
        }
        By::Loan => {
            let message = queue.get_ref().expect("an open queue");
            assert_eq!(message.len(), size);
            let words = message.chunks_exact(8).map(word);
            black_box(words.fold(0, u64::wrapping_add));
            word(&message)
        }
    }
}

/// Producer `i`'s part of the items, and consumer `i`'s.
fn share(items: u64, pairs: usize, i: usize) -> u64 {
    let pairs = pairs as u64;
    items / pairs + u64::from((i as u64) < items % pairs)
}
