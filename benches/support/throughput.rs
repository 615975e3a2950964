//! How many items of 64 bytes move a second, from so many producers to so many consumers.

use super::payload::{self, Account};
use super::processes::{Crew, Outcome};
use super::transport::{Transport, Waiting};
use super::{area::Area, cpus};
use ringpost::BytesQueue;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::time::Duration;

/// The share that a producer takes of the work at a time.
const SHARE: u64 = 4096;
/// The batch of `put_many` and `get_many`.
const BATCH: usize = 64;

const TAKEN: usize = 0;
const PRODUCING: usize = 128;

/// Million items a second from `pairs` producers on one processor to as many consumers on another.
pub(crate) fn many<T: Transport>(transport: &T, pairs: usize, waiting: Waiting, items: u64) -> f64 {
    items as f64 / run(transport, pairs, waiting, items).as_secs_f64() / 1e6
}

/// How long that many items take.
pub(crate) fn run<T: Transport>(
    transport: &T,
    pairs: usize,
    waiting: Waiting,
    items: u64,
) -> Duration {
    let work = Work::new(pairs);
    let mut crew = Crew::default();
    let [here, there] = cpus::two();
    for i in 0..pairs {
        let work = &work;
        crew.add(here, move |place| {
            let mut number = 0;
            place.start();
            while let Some(share) = work.share(items) {
                for _ in 0..share {
                    let bytes = payload::write(payload::tag(i as u64, number));
                    transport.put_waiting(&bytes, waiting);
                    number += 1;
                }
            }
            if work.last_producer() {
                let stop = payload::write(payload::STOP);
                (0..pairs).for_each(|_| transport.put_waiting(&stop, waiting));
            }
            place.end();
            place.report(&[number, sum_below(number)]);
        });
        crew.add(there, move |place| {
            let mut account = Account::default();
            let mut out = T::buffer();
            place.start();
            loop {
                transport.get_waiting(&mut out, waiting);
                let tag = payload::read(out.as_ref());
                if tag == payload::STOP {
                    break;
                }
                account.note(tag);
            }
            place.end();
            place.report(&[account.items, account.sum]);
        });
    }
    elapsed(items, &crew.run())
}

/// Million items a second from one producer to one consumer, who copies into one buffer: one by one.
pub(crate) fn singly(queue: &BytesQueue, items: u64) -> f64 {
    let items = items.next_multiple_of(BATCH as u64);
    let mut buffer = Vec::new();
    between_two(
        items,
        |number| {
            let bytes = payload::write(payload::tag(0, number));
            queue.put(&bytes).expect("an open queue");
            1
        },
        |account| {
            queue.get_into(&mut buffer).expect("an open queue");
            account.note(payload::read(&buffer));
        },
    )
}

/// The same in batches of 64.
pub(crate) fn in_batches(queue: &BytesQueue, items: u64) -> f64 {
    let items = items.next_multiple_of(BATCH as u64);
    let mut buffers = Vec::new();
    between_two(
        items,
        |number| {
            let batch: [[u8; payload::BYTES]; BATCH] =
                std::array::from_fn(|i| payload::write(payload::tag(0, number + i as u64)));
            queue.put_many(&batch).expect("an open queue");
            BATCH as u64
        },
        |account| {
            let got = queue
                .get_many_into(&mut buffers, BATCH)
                .expect("an open queue");
            for item in &buffers[..got] {
                account.note(payload::read(item));
            }
        },
    )
}

fn between_two(items: u64, put: impl Fn(u64) -> u64, mut get: impl FnMut(&mut Account)) -> f64 {
    let [here, there] = cpus::two();
    let mut crew = Crew::default();
    crew.add(here, |place| {
        place.start();
        let mut number = 0;
        while number < items {
            number += put(number);
        }
        place.end();
        place.report(&[number, sum_below(number)]);
    });
    crew.add(there, |place| {
        let mut account = Account::default();
        place.start();
        while account.items < items {
            get(&mut account);
        }
        place.end();
        place.report(&[account.items, account.sum]);
    });
    items as f64 / elapsed(items, &crew.run()).as_secs_f64() / 1e6
}

/// How long the run took, once it is certain that nothing was lost or came twice. Workers alternate: producer, consumer.
fn elapsed(items: u64, outcome: &Outcome) -> Duration {
    let of = |side: usize| {
        let reports = outcome.reports.iter().skip(side).step_by(2);
        reports.fold((0, 0_u64), |(count, sum), report| {
            (count + report[0], sum.wrapping_add(report[1]))
        })
    };
    assert_eq!(of(0), of(1), "(items, sum of their numbers): put, got");
    assert_eq!(of(0).0, items);
    outcome.elapsed
}

/// 0 + 1 + … + (number − 1).
fn sum_below(number: u64) -> u64 {
    number * number.saturating_sub(1) / 2
}

/// What the producers share, so that all of them and all consumers work until the end.
struct Work(Area);

impl Work {
    fn new(producers: usize) -> Work {
        let area = Area::new(4096);
        area.u64_at(PRODUCING).store(producers as u64, Relaxed);
        Work(area)
    }

    fn share(&self, items: u64) -> Option<u64> {
        let taken = self.0.u64_at(TAKEN).fetch_add(SHARE, Relaxed);
        (taken < items).then(|| SHARE.min(items - taken))
    }

    /// Has everybody else put everything? Then the caller ends the consumers.
    fn last_producer(&self) -> bool {
        self.0.u64_at(PRODUCING).fetch_sub(1, AcqRel) == 1
    }
}
