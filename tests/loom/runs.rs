//! Runs of items against each other, against single puts and gets, and against a shutdown.

use super::support::*;
use crate::layout::state;
use crate::ring::Finished;
use loom::thread;

#[test]
fn two_runs_keep_their_order() {
    explore(3, || {
        let ring = queue(4, 4, 0);
        let (one, two) = (ring.clone(), ring.clone());
        let one = thread::spawn(move || put_run(&one, 1, &[10, 11]));
        let two = thread::spawn(move || put_run(&two, 2, &[20, 21]));
        let put = [one.join().unwrap(), two.join().unwrap()];
        let got = drain(&ring, 0);
        for (first, count) in [(10, put[0]), (20, put[1])] {
            let of_one: Vec<u64> = got
                .iter()
                .copied()
                .filter(|v| v / 10 == first / 10)
                .collect();
            let expected: Vec<u64> = (first..first + count as u64).collect();
            assert_eq!(of_one, expected);
        }
        assert_eq!(ring.census().free, ring.memory.geometry.descriptors);
    });
}

/// In a queue of two the run laps it: slots and descriptors are used again while their last items are read.
#[test]
fn a_run_is_claimed_while_it_is_put() {
    explore(3, || {
        let ring = queue(2, 2, 0);
        let (producer, consumer) = (ring.clone(), ring.clone());
        let producer = thread::spawn(move || put_run(&producer, 1, &[1, 2, 3]));
        let consumer = thread::spawn(move || get_run(&consumer, 2, 3));
        let put = producer.join().unwrap();
        let mut got = consumer.join().unwrap();
        got.extend(drain(&ring, 0));
        let expected: Vec<u64> = (1..=put as u64).collect();
        assert_eq!(got, expected);
        assert!(put >= 2, "there was room for two");
        assert_eq!(ring.finished(), Finished::Yes);
    });
}

#[test]
fn a_run_and_a_single_get_share_the_items() {
    explore(3, || {
        let ring = queue(2, 2, 0);
        assert_eq!(put_run(&ring, 0, &[1, 2]), 2);
        let (run, single) = (ring.clone(), ring.clone());
        let run = thread::spawn(move || get_run(&run, 1, 2));
        let single = thread::spawn(move || get(&single, 2).ok());
        let mut got = run.join().unwrap();
        got.extend(single.join().unwrap());
        got.extend(drain(&ring, 0));
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
    });
}

/// What stays put of a run that a shutdown meets is its beginning, and just as much as it says.
#[test]
fn a_run_that_meets_a_shutdown_stays_put_from_its_beginning_on() {
    explore(3, || {
        let ring = queue(4, 4, 0);
        let (producer, consumer) = (ring.clone(), ring.clone());
        let producer = thread::spawn(move || put_run(&producer, 1, &[1, 2, 3]));
        let consumer = thread::spawn(move || get(&consumer, 2).ok());
        ring.set_state(state::DRAINING);
        let put = producer.join().unwrap();
        let mut got: Vec<u64> = consumer.join().unwrap().into_iter().collect();
        got.extend(drain(&ring, 0));
        let expected: Vec<u64> = (1..=put as u64).collect();
        assert_eq!(got, expected);
        assert_eq!(ring.census().free, ring.memory.geometry.descriptors);
    });
}
