//! Extents: a chunk belongs to one descriptor at a time, and is read by nobody when the next one gets it.

use super::support::*;
use crate::ring::PutFailure;
use loom::thread;

const TWO_CHUNKS: u64 = 128;

#[test]
fn two_producers_want_the_same_chunks() {
    explore(2, || {
        let ring = queue(2, 2, 3);
        let (one, two) = (ring.clone(), ring.clone());
        let one = thread::spawn(move || put(&one, 1, TWO_CHUNKS, 1));
        let two = thread::spawn(move || put(&two, 2, TWO_CHUNKS, 2));
        let put = [one.join().unwrap(), two.join().unwrap()];
        let done = put.iter().filter(|put| put.is_ok()).count();
        assert!(
            put.iter()
                .all(|put| matches!(put, Ok(()) | Err(PutFailure::NoMemory)))
        );
        // There is room for one of them; both may have stood in each other's way.
        assert!(done <= 1);
        assert_eq!(drain(&ring, 0).len(), done);
        assert_consistent(&ring);
    });
}

#[test]
fn a_chunk_is_written_only_after_its_last_reader() {
    explore(2, || {
        let ring = queue(2, 2, 1);
        put(&ring, 0, 64, 1).unwrap();
        let (producer, consumer) = (ring.clone(), ring.clone());
        let consumer = thread::spawn(move || get(&consumer, 1).unwrap());
        let producer = thread::spawn(move || put(&producer, 2, 64, 2));
        assert_eq!(consumer.join().unwrap(), 1);
        match producer.join().unwrap() {
            Ok(()) => assert_eq!(drain(&ring, 0), [2]),
            Err(PutFailure::NoMemory) => assert_eq!(drain(&ring, 0), []),
            Err(other) => panic!("{other:?}"),
        }
        assert_consistent(&ring);
    });
}

/// The same without the descriptor's help: its extent is given back at the release, and another descriptor takes the chunk.
#[test]
fn a_chunk_that_was_given_back_is_written_only_after_its_last_reader() {
    explore(2, || {
        let ring = queue(2, 2, 1);
        fill_hot_line(&ring.memory);
        put(&ring, 0, 64, 1).unwrap();
        let (producer, consumer) = (ring.clone(), ring.clone());
        let consumer = thread::spawn(move || get(&consumer, 1).unwrap());
        let producer = thread::spawn(move || put(&producer, 2, 64, 2).is_ok());
        assert_eq!(consumer.join().unwrap(), 1);
        let put = producer.join().unwrap();
        assert_eq!(drain(&ring, 0).len(), usize::from(put));
        assert_eq!(ring.chunks_in_use(), 0, "an extent was kept");
    });
}

/// Chunks that were given back wake whoever waits for some.
#[test]
fn a_chunk_that_was_given_back_wakes_a_producer() {
    explore(2, || {
        let ring = queue(2, 2, 1);
        fill_hot_line(&ring.memory);
        put(&ring, 0, 64, 1).unwrap();
        let producer = ring.clone();
        let producer = thread::spawn(move || {
            loop {
                let seen = crate::wait::announce(producer.memory.ev_mem());
                match put(&producer, 1, 64, 2) {
                    Ok(()) => return,
                    Err(PutFailure::NoMemory) => {
                        crate::sync::futex::wait(producer.memory.ev_mem().word, seen);
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
        });
        assert_eq!(get(&ring, 0), Ok(1));
        producer.join().unwrap();
    });
}

#[test]
fn an_extent_that_a_free_descriptor_keeps_is_taken_by_who_needs_it() {
    explore(2, || {
        let ring = queue(2, 2, 2);
        put(&ring, 0, TWO_CHUNKS, 1).unwrap();
        assert_eq!(drain(&ring, 0), [1]); // its descriptor is free now and keeps both chunks, as it is on the hot line
        assert_eq!(ring.chunks_in_use(), 2);
        let (one, two) = (ring.clone(), ring.clone());
        let one = thread::spawn(move || put(&one, 1, 64, 1));
        let two = thread::spawn(move || put(&two, 2, 64, 2));
        let put = [one.join().unwrap(), two.join().unwrap()];
        assert!(put.iter().any(Result::is_ok), "{put:?}");
        assert_eq!(
            drain(&ring, 0).len(),
            put.iter().filter(|put| put.is_ok()).count()
        );
        assert_consistent(&ring);
    });
}
