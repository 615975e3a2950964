//! One round: a queue, its crew, calm and storm by turns, the end, and the check of what everybody has entered.

use crate::common::{PATIENCE, eventually, name};
use crate::crew::Crew;
use crate::item::Item;
use crate::ledger::{Ledger, Phase};
use crate::player::Dice;
use crate::shape::{Ending, Shape};
use crate::totals::Totals;
use crate::{pauses, verdict};
use ringpost::{BytesQueue, GetError};
use std::time::{Duration, Instant};

/// How long a calm or a storm lasts, and how many there are in turn.
const TURN: Duration = Duration::from_millis(350);
const TURNS: u32 = 16;
/// The longest time between two kills, in microseconds.
const BETWEEN_KILLS: u64 = 24_000;
/// How long the others are left alone with what a dead process held, at most.
const BEFORE_RESTART: u64 = 100_000;

/// What a round is to be.
pub(crate) struct Round<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) number: u64,
    /// No consumer makes calls in whose last moment a kill loses an item.
    pub(crate) only_leases: bool,
    pub(crate) seed: u64,
}

impl Round<'_> {
    /// Plays it, until it is over or `enough` says so, who is asked with the number of kills.
    pub(crate) fn play(&self, enough: impl Fn(u64) -> bool) -> Totals {
        let shape = self.shape;
        let mut totals = Totals::new();
        let name = name("storm");
        let queue = shape.options(self.number).create(&name);
        let queue = queue.expect("a new queue");
        let ledger = Ledger::new(shape.producers, shape.producers + shape.consumers);
        let started = Instant::now();
        let mut crew = Crew::start(&queue, &name, shape, self.only_leases, self.seed, &ledger);
        let mut dice = Dice::new(self.seed);
        for turn in 0..TURNS {
            let storm = turn % 2 == 1;
            ledger.set_phase(if storm { Phase::Storm } else { Phase::Calm });
            let successes = ledger.successes();
            let until = Instant::now() + TURN;
            let over = |totals: &Totals| ledger.is_exhausted() || enough(totals.kills);
            while Instant::now() < until && !over(&totals) {
                if storm {
                    kill_some(&mut crew, &mut dice, &mut totals);
                } else {
                    std::thread::sleep(Duration::from_millis(5));
                }
                put_back(&queue);
            }
            ledger.set_phase(Phase::Outside);
            crew.expect_alive();
            // Of a queue in use, by processes that live.
            queue.recover().expect("the dead can be looked for");
            verdict::audit(&queue, &mut totals);
            eventually("somebody gets on", || {
                over(&totals) || ledger.successes() > successes
            });
        }
        end(&mut crew, &mut totals);
        pauses::add(&crew.accounts[0], &mut totals.put_pauses);
        pauses::add(&crew.accounts[1], &mut totals.got_pauses);
        drop(crew);
        totals.drained = drain(&queue, shape, &ledger);
        totals.rounds = 1;
        totals.time = started.elapsed();
        verdict::of_the_queue(&queue, &mut totals);
        verdict::of_the_ledger(&ledger, shape.producers, &mut totals);
        drop(queue);
        verdict::of_the_folder(&name);
        totals
    }
}

/// Waits a moment, then kills one, or several at once, and puts others in their places.
fn kill_some(crew: &mut Crew<'_>, dice: &mut Dice, totals: &mut Totals) {
    std::thread::sleep(dice.microseconds(BETWEEN_KILLS));
    let mut victims = crew.victims();
    let wanted = match dice.below(16) {
        0 => victims.len(),
        1 => 2,
        _ => 1,
    };
    let chosen: Vec<usize> = (0..wanted)
        .map(|_| victims.swap_remove(dice.below(victims.len() as u64) as usize))
        .collect();
    crew.kill(&chosen, totals);
    if dice.below(8) == 0 {
        std::thread::sleep(dice.microseconds(BEFORE_RESTART));
    }
    crew.restart(&chosen);
}

/// What was delivered too often is delivered again nevertheless: nothing may be missing in the end.
fn put_back(queue: &BytesQueue) {
    for item in queue.quarantined() {
        queue.requeue(item.position).expect("it is intact");
    }
}

/// Ends the round in its shape's way; the survivors leave by themselves.
fn end(crew: &mut Crew<'_>, totals: &mut Totals) {
    let (queue, ledger) = (crew.queue, crew.ledger);
    let producers = 0..crew.shape.producers;
    let consumers = producers.end..producers.end + crew.shape.consumers;
    let mut victims = crew.victims();
    match crew.shape.ending {
        Ending::Join => {
            ledger.end(1);
            crew.wait(producers);
            assert!(queue.join_timeout(PATIENCE), "the consumers get all");
            victims.retain(|number| consumers.contains(number));
            crew.kill(&victims, totals);
            ledger.end(2);
            crew.wait([consumers.start]);
            assert!(queue.is_empty(), "join said so");
        }
        Ending::Shutdown => {
            queue.shutdown();
            crew.wait(producers);
            crew.wait(consumers);
            let stats = queue.stats();
            assert_eq!(
                stats.queued + stats.retry + stats.loaned,
                0,
                "they saw the end"
            );
        }
        Ending::Killed => {
            crew.kill(&victims, totals);
            ledger.end(1);
            crew.wait([producers.start]);
            ledger.end(2);
            crew.wait([consumers.start]);
        }
    }
}

/// The parent is the last consumer. Says how many items it found.
fn drain(queue: &BytesQueue, shape: &Shape, ledger: &Ledger) -> u64 {
    queue.recover().expect("the dead can be looked for");
    let mut found = 0;
    loop {
        match queue.try_lease() {
            Ok(lease) => {
                let (again, position) = (lease.is_redelivered(), lease.position());
                let item = Item::read(&lease, shape.longest).expect("it is intact");
                ledger.received(item, Some(again), Some(position), false);
                ledger.acknowledging(item);
                lease.ack().expect("it is ours");
                ledger.acknowledged(item);
                found += 1;
            }
            Err(GetError::Empty | GetError::Closed) if queue.quarantined().is_empty() => {
                return found;
            }
            Err(GetError::Empty | GetError::Closed) => put_back(queue),
            Err(error) => panic!("the last gets: {error}"),
        }
    }
}
