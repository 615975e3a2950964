//! Many to one, one to many, many to many, and there and back: everything once, each producer's items in order.

use crate::common::child::{Child, Role, say};
use crate::common::{name, payload, small};
use ringpost::{BytesQueue, GetError, Options};
use std::collections::HashMap;

pub(crate) const ROLES: &[Role] = &[
    ("flow: produce", produce),
    ("flow: consume", consume),
    ("flow: echo", echo),
];

/// Item `number` of `producer`: sixteen bytes that say so, then some that follow from them.
fn item(producer: u64, number: u64) -> Vec<u8> {
    let mut bytes = [producer.to_le_bytes(), number.to_le_bytes()].concat();
    let length = [0, 30, 80, 81, 500, 5000, 9000][((producer + number) % 7) as usize];
    bytes.extend(payload(producer << 32 | number, length));
    bytes
}

/// Who and which, after a look at all the bytes.
fn checked(bytes: &[u8]) -> (u64, u64) {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let (producer, number) = (word(0), word(8));
    assert!(
        bytes == item(producer, number),
        "producer {producer}, item {number}"
    );
    (producer, number)
}

/// Arguments: the queue, the producer's number, how many items.
fn produce(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let producer = arguments[1].parse().unwrap();
    for number in 0..arguments[2].parse().unwrap() {
        match number % 3 {
            0 => queue.put(&item(producer, number)).unwrap(),
            1 => queue.put_many(&[item(producer, number)]).unwrap(),
            _ => {
                let sent = item(producer, number);
                let mut loan = queue.loan(sent.len()).unwrap();
                loan.copy_from_slice(&sent);
                loan.commit().unwrap();
            }
        }
    }
}

/// Arguments: the queue. Says what it got, in order: `producer:number …`.
fn consume(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let mut got = Vec::new();
    loop {
        let result = match got.len() % 3 {
            0 => queue.get().map(|bytes| vec![checked(&bytes)]),
            1 => queue.get_ref().map(|message| vec![checked(&message)]),
            _ => queue
                .get_many(5)
                .map(|many| many.iter().map(|bytes| checked(bytes)).collect()),
        };
        match result {
            Ok(items) => got.extend(items),
            Err(GetError::Closed) => break,
            Err(other) => panic!("{other}"),
        }
    }
    let words: Vec<_> = got.iter().map(|(p, n)| format!("{p}:{n}")).collect();
    say(&words.join(" "));
}

/// Arguments: the queue to get from and the queue to put into.
fn echo(arguments: &[&str]) {
    let ping = ringpost::open(arguments[0]).unwrap();
    let pong = ringpost::open(arguments[1]).unwrap();
    loop {
        match ping.get_ref() {
            Ok(message) => pong.put(&message).unwrap(),
            Err(GetError::Closed) => return pong.shutdown(),
            Err(other) => panic!("{other}"),
        }
    }
}

/// Starts consumers and producers, and checks that all arrived.
fn many_to_many(options: Options, producers: u64, consumers: u64, items: u64) {
    let name = name("flow");
    let queue = options.unlink_on_drop(true).create(&name).unwrap();
    let consumers: Vec<_> = (0..consumers)
        .map(|_| Child::start("flow: consume", &[&name]))
        .collect();
    let producing: Vec<_> = (0..producers)
        .map(|producer| {
            let (producer, items) = (producer.to_string(), items.to_string());
            Child::start("flow: produce", &[&name, &producer, &items])
        })
        .collect();
    for producer in producing {
        producer.succeed();
    }
    queue.shutdown();
    let mut all: HashMap<u64, Vec<u64>> = HashMap::new();
    for consumer in consumers {
        let mut here: HashMap<u64, Vec<u64>> = HashMap::new();
        for word in consumer.hear().split_whitespace() {
            let (producer, number) = word.split_once(':').unwrap();
            let number = number.parse().unwrap();
            here.entry(producer.parse().unwrap())
                .or_default()
                .push(number);
        }
        consumer.succeed();
        for (producer, numbers) in here {
            assert!(numbers.is_sorted(), "of producer {producer}: {numbers:?}");
            all.entry(producer).or_default().extend(numbers);
        }
    }
    assert_eq!(all.len() as u64, producers);
    for (producer, mut numbers) in all {
        numbers.sort_unstable();
        assert!(
            numbers.iter().copied().eq(0..items),
            "of producer {producer}: {numbers:?}"
        );
    }
    nothing_is_left(&queue);
}

fn nothing_is_left(queue: &BytesQueue) {
    let stats = queue.stats();
    assert_eq!((stats.queued, stats.free), (0, stats.descriptors));
    assert_eq!(stats.participants.len(), 1);
}

#[test]
fn fan_in() {
    many_to_many(small(), 4, 1, 800);
}

#[test]
fn fan_out() {
    many_to_many(small(), 1, 4, 3000);
}

#[test]
fn one_to_one() {
    many_to_many(small(), 1, 1, 3000);
}

#[test]
fn several_to_several() {
    many_to_many(small(), 3, 3, 800);
}

#[test]
fn several_to_several_through_the_smallest_queue() {
    let options = small().capacity(1).in_flight(1).arena(3 * 4096);
    many_to_many(options, 2, 2, 200);
}

#[test]
fn several_to_several_through_an_odd_capacity() {
    many_to_many(small().capacity(3).in_flight(2), 3, 2, 300);
}

#[test]
fn there_and_back() {
    let (ping_name, pong_name) = (name("ping"), name("pong"));
    let options = small().capacity(1).unlink_on_drop(true);
    let ping = options.create(&ping_name).unwrap();
    let pong = options.create(&pong_name).unwrap();
    let echo = Child::start("flow: echo", &[&ping_name, &pong_name]);
    for number in 0..2000 {
        ping.put(&item(1, number)).unwrap();
        assert_eq!(checked(&pong.get().unwrap()), (1, number));
        assert!(pong.is_empty());
    }
    ping.shutdown();
    assert!(matches!(pong.get(), Err(GetError::Closed)));
    echo.succeed();
    nothing_is_left(&ping);
}
