//! Many threads at once on small queues: nothing lost, nothing twice, nothing out of order, nothing left over.

use crate::common::{Background, payload, scrambled, small};
use ringpost::{BytesQueue, GetError};
use std::collections::HashMap;
use std::os::fd::AsFd;

fn again(queue: &BytesQueue) -> BytesQueue {
    ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap()).unwrap()
}

/// Sixteen bytes that say who and which, then bytes that follow from them.
fn item(producer: u64, number: u64) -> Vec<u8> {
    let seed = producer << 32 | number;
    let length = match seed % 7 {
        0 => 0,
        1 | 2 => 50,
        3 => 300,
        4 => 5000,
        5 => 17_000,
        _ => (scrambled(seed).next().unwrap() % 30_000) as usize,
    };
    let mut bytes = producer.to_le_bytes().to_vec();
    bytes.extend(number.to_le_bytes());
    bytes.extend(payload(seed, length));
    bytes
}

fn produce(queue: &BytesQueue, producer: u64, items: u64) {
    let mut number = 0;
    while number < items {
        match number % 5 {
            0 => queue.put(&item(producer, number)).unwrap(),
            1 => {
                let sent = item(producer, number);
                let mut loan = queue.loan(sent.len() + 9).unwrap();
                loan[..sent.len()].copy_from_slice(&sent);
                loan.truncate(sent.len());
                loan.commit().unwrap();
            }
            2 => {
                let sent = item(producer, number);
                let (head, body) = sent.split_at(7);
                queue.put_parts(&[head, body], 1).unwrap();
            }
            3 => {
                drop(queue.loan(4000).unwrap());
                queue.put_many(&[item(producer, number)]).unwrap();
            }
            _ => while queue.try_put(&item(producer, number)).is_err() {},
        }
        number += 1;
    }
}

/// Gets until the queue is closed, and returns what it saw of each producer, in order.
fn consume(queue: &BytesQueue, seed: u64) -> HashMap<u64, Vec<u64>> {
    let mut seen: HashMap<u64, Vec<u64>> = HashMap::new();
    let mut check = |bytes: &[u8]| {
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let (producer, number) = (word(0), word(8));
        assert!(
            bytes == item(producer, number),
            "producer {producer}, item {number}"
        );
        seen.entry(producer).or_default().push(number);
    };
    let mut held = Vec::new();
    let mut buffer = Vec::new();
    for how in scrambled(seed) {
        let got = match how % 4 {
            0 => queue.get().map(|bytes| check(&bytes)),
            1 => queue.get_into(&mut buffer).map(|()| check(&buffer)),
            2 => queue
                .get_many(3)
                .map(|many| many.iter().for_each(|bytes| check(bytes))),
            _ => queue.get_ref().map(|message| {
                check(&message);
                held.push(message);
            }),
        };
        match got {
            Ok(()) => {}
            Err(GetError::Closed) => break,
            Err(other) => panic!("{other}"),
        }
        if held.len() > 1 {
            held.swap_remove(how as usize / 8 % 2);
        }
    }
    seen
}

#[test]
fn everything_arrives_once_and_in_order() {
    const ITEMS: u64 = 300;
    for (capacity, in_flight, separate) in [
        (1, 3, false),
        (2, 3, true),
        (3, 4, false),
        (5, 8, true),
        (8, 64, true),
    ] {
        let queue = small()
            .capacity(capacity)
            .in_flight(in_flight)
            .arena(32 * 4096)
            .anonymous()
            .unwrap();
        let handle = || {
            if separate {
                again(&queue)
            } else {
                queue.clone()
            }
        };
        let consumers: Vec<_> = (0..2)
            .map(|seed| {
                let queue = handle();
                Background::start(move || consume(&queue, seed))
            })
            .collect();
        let producers: Vec<_> = (0..3)
            .map(|producer| {
                let queue = handle();
                Background::start(move || produce(&queue, producer, ITEMS))
            })
            .collect();
        for producer in producers {
            producer.end("a producer");
        }
        queue.shutdown();
        let mut all: HashMap<u64, Vec<u64>> = HashMap::new();
        for consumer in consumers {
            for (producer, numbers) in consumer.end("a consumer") {
                assert!(numbers.is_sorted(), "{numbers:?}");
                all.entry(producer).or_default().extend(numbers);
            }
        }
        for producer in 0..3 {
            let numbers = all.get_mut(&producer).unwrap();
            numbers.sort_unstable();
            assert!(numbers.iter().copied().eq(0..ITEMS), "{numbers:?}");
        }
        let stats = queue.stats();
        assert_eq!((stats.queued, stats.free), (0, stats.descriptors));
    }
}

#[test]
fn a_small_arena_is_shared_without_a_standstill() {
    // Three producers whose payloads do not fit together; every put waits for memory that another one frees.
    let queue = small().capacity(4).in_flight(4).anonymous().unwrap();
    let producers: Vec<_> = [40_000, 30_000, 65_536]
        .into_iter()
        .map(|length| {
            let queue = again(&queue);
            Background::start(move || {
                for n in 0..60 {
                    queue.put(&payload(n, length)).unwrap();
                }
            })
        })
        .collect();
    let consumer = Background::start({
        let queue = again(&queue);
        move || {
            let mut next: HashMap<usize, u64> = HashMap::new();
            for _ in 0..180 {
                let got = queue.get().unwrap();
                let n = next.entry(got.len()).or_default();
                assert!(got == payload(*n, got.len()));
                *n += 1;
            }
        }
    });
    for producer in producers {
        producer.end("a producer");
    }
    consumer.end("the consumer");
    assert!(queue.is_empty());
}
