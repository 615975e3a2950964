//! Queue<T>: values of every length, borrowed decoding, and what cannot be encoded or decoded.

use crate::common::{Background, payload, small};
use ringpost::{GetError, PutError, Queue, Shortage};
use serde::{Deserialize, Serialize, Serializer};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Job {
    id: u64,
    path: String,
    data: Vec<u8>,
    next: Option<Box<Job>>,
}

fn job(id: u64, bytes: usize) -> Job {
    Job {
        id,
        path: format!("/jobs/{id}"),
        data: payload(id, bytes),
        next: (id > 0).then(|| Box::new(job(0, 3))),
    }
}

fn queue<T>() -> Queue<T> {
    Queue::from(small().anonymous().unwrap())
}

#[test]
fn every_form_moves_a_value() {
    let queue = queue();
    queue.put(&job(1, 5)).unwrap();
    queue.try_put(&job(2, 5)).unwrap();
    queue.put_timeout(&job(3, 5), LONG).unwrap();
    queue.put_timeout(&job(4, 5), Duration::MAX).unwrap();
    queue
        .put_deadline(&job(5, 5), Instant::now() + LONG)
        .unwrap();
    assert_eq!(queue.get().unwrap(), job(1, 5));
    assert_eq!(queue.try_get().unwrap(), job(2, 5));
    assert_eq!(queue.get_timeout(LONG).unwrap(), job(3, 5));
    assert_eq!(
        queue.get_deadline(Instant::now() + LONG).unwrap(),
        job(4, 5)
    );
    assert_eq!(queue.get_ref().unwrap().decode::<Job>().unwrap(), job(5, 5));
    assert!(queue.as_bytes().is_empty());
}

#[test]
fn values_are_as_long_as_they_like_and_take_no_more_than_that() {
    let queue = queue();
    for bytes in (0..200).chain([4000, 4096, 20_000, 65_000]) {
        queue.put(&job(7, bytes)).unwrap();
        let message = queue.as_bytes().get_ref().unwrap();
        assert!(*message == *postcard::to_stdvec(&job(7, bytes)).unwrap());
        drop(message);
        queue.try_put(&job(7, bytes)).unwrap();
        assert!(queue.get().unwrap() == job(7, bytes), "{bytes} bytes");
    }
    let stats = queue.as_bytes().stats();
    assert_eq!((stats.filling, stats.free), (0, stats.descriptors));
}

#[test]
fn a_value_may_be_as_long_as_the_arena_and_no_longer() {
    // Two or three bytes of length come before the bytes.
    let queue = queue::<Vec<u8>>();
    let longest = payload(1, 65_533);
    queue.put(&longest).unwrap();
    assert!(queue.get().unwrap() == longest);
    let error = queue.put(&payload(2, 65_534)).unwrap_err();
    assert!(
        matches!(
            error,
            PutError::TooLarge {
                len: 65537,
                max: 65536
            }
        ),
        "{error}"
    );
    assert!(queue.as_bytes().is_empty());
    assert_eq!(queue.as_bytes().stats().filling, 0);
}

#[test]
fn decoding_borrows_from_the_message() {
    let queue = queue::<(u32, String, Vec<u8>)>();
    queue.put(&(7, "seven".into(), payload(1, 5000))).unwrap();
    let message = queue.get_ref().unwrap();
    let (number, name, bytes): (u32, &str, &[u8]) = message.decode().unwrap();
    assert_eq!((number, name), (7, "seven"));
    assert!(bytes == payload(1, 5000));
    let inside = message.as_ptr_range();
    assert!(inside.contains(&name.as_ptr()) && inside.contains(&bytes.as_ptr()));
}

#[test]
fn a_full_or_empty_queue_says_so() {
    let queue = Queue::<u64>::from(small().capacity(1).anonymous().unwrap());
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    assert!(matches!(queue.get_timeout(SHORT), Err(GetError::TimedOut)));
    let soon = Instant::now() + SHORT;
    assert!(matches!(queue.get_deadline(soon), Err(GetError::TimedOut)));
    queue.put(&1).unwrap();
    let error = queue.try_put(&2).unwrap_err();
    assert!(matches!(error, PutError::Full(Shortage::Slots)));
    let error = queue.put_timeout(&2, SHORT).unwrap_err();
    assert!(matches!(error, PutError::TimedOut(Shortage::Slots)));
    let error = queue.put_deadline(&2, Instant::now() + SHORT).unwrap_err();
    assert!(matches!(error, PutError::TimedOut(Shortage::Slots)));
    let putter = Background::blocked({
        let queue = queue.clone();
        move || queue.put(&2)
    });
    assert_eq!(queue.get().unwrap(), 1);
    putter.end("a put that has room by now").unwrap();
    queue.as_bytes().shutdown();
    assert!(matches!(queue.put(&3), Err(PutError::Closed)));
    assert_eq!(queue.get().unwrap(), 2);
    assert!(matches!(queue.get(), Err(GetError::Closed)));
}

/// Fails to serialize after it has written something; how is up to its content.
struct Stubborn(bool);

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 {
            return Err(serde::ser::Error::custom("I do not want to"));
        }
        // postcard must know the length beforehand.
        serializer.collect_seq((0..9).filter(|n| n % 2 == 0))
    }
}

#[test]
fn a_value_that_cannot_be_encoded_is_an_error_and_puts_nothing() {
    let queue = queue::<Stubborn>();
    for how in [true, false] {
        for tried in [
            queue.put(&Stubborn(how)),
            queue.try_put(&Stubborn(how)),
            queue.put_timeout(&Stubborn(how), LONG),
        ] {
            let error = tried.unwrap_err();
            assert!(matches!(error, PutError::Encode(_)), "{error}");
            assert!(
                error.to_string().contains("cannot be serialized"),
                "{error}"
            );
        }
    }
    let stats = queue.as_bytes().stats();
    assert_eq!((stats.queued, stats.free), (0, stats.descriptors));
}

#[test]
fn a_payload_that_does_not_decode_comes_with_the_error() {
    let bytes = small().anonymous().unwrap();
    let queue = Queue::<(u8, String)>::from(bytes.clone());
    for wrong in [&b""[..], &[1], &[1, 200], &[1, 3, b'a'], &[1, 1, 0xff]] {
        bytes.put(wrong).unwrap();
        bytes.put(&[1, 2, b'o', b'k']).unwrap();
        match queue.get().unwrap_err() {
            GetError::Decode {
                payload, expected, ..
            } => {
                assert_eq!(payload, wrong);
                assert!(expected.contains("String"), "{expected}");
            }
            other => panic!("{other}"),
        }
        assert_eq!(
            queue.get().unwrap(),
            (1, "ok".to_owned()),
            "the next is unharmed"
        );
    }
    bytes.put(&[200; 40]).unwrap();
    let error = queue.try_get().unwrap_err().to_string();
    assert!(
        error.contains("40 bytes") && error.contains("String"),
        "{error}"
    );
    let stats = bytes.stats();
    assert_eq!((stats.held, stats.free), (0, stats.descriptors));
}

#[test]
fn a_serializer_may_use_the_queue_itself() {
    thread_local! {
        static QUEUE: std::cell::RefCell<Option<Queue<Recursive>>> = const { std::cell::RefCell::new(None) };
    }
    /// Puts an inner value while it is itself being put.
    struct Recursive(u8);
    impl Serialize for Recursive {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0 > 0 {
                let queue = QUEUE.with_borrow(|queue| queue.clone().unwrap());
                queue.put(&Recursive(self.0 - 1)).unwrap();
            }
            serializer.serialize_u8(self.0)
        }
    }
    let queue = Queue::<Recursive>::from(small().anonymous().unwrap());
    QUEUE.set(Some(queue.clone()));
    queue.put(&Recursive(3)).unwrap();
    assert_eq!(queue.as_bytes().get_many(9).unwrap(), [[0], [1], [2], [3]]);
    QUEUE.set(None);
}
