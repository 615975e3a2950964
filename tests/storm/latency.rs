//! How long the work of the dead takes: until another consumer has their item, for a recovery, for an attach.
//!
//! Nothing here asserts a time. What was measured is shown at the end of the test program.

use crate::common::child::fork;
use crate::common::{asleep, eventually, name, payload};
use crate::crew::become_a_child;
use crate::player::Dice;
use crate::totals::time;
use crate::words::Words;
use crate::{clock, show};
use ringpost::{BytesQueue, GetError, Options};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// A test, and how many samples it is to take.
type Test = fn(usize);

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("a_dead_ones_item_reaches_a_sleeping_consumer", |samples| {
        redelivery("asleep in get", true, sleeping, samples);
    }),
    ("a_dead_ones_item_reaches_a_polling_consumer", |samples| {
        redelivery("polling with try_get", false, polling, samples);
    }),
    ("a_dead_ones_item_reaches_a_busy_consumer", |samples| {
        redelivery("always busy", false, busy, samples);
    }),
    ("a_dead_ones_item_reaches_a_working_consumer", |samples| {
        redelivery(
            "always busy, 20 µs of work for each",
            false,
            working,
            samples,
        );
    }),
    ("a_dead_participant_is_recovered", recovery),
    ("an_attach_recovers_a_dead_participant", attach),
];

/// A child that is killed with this value.
struct Forked(Pid);

impl Forked {
    fn start(work: impl FnOnce()) -> Forked {
        let pid = fork(|| {
            become_a_child();
            work();
            0
        });
        Forked(Pid::from_raw(pid).expect("a child"))
    }

    fn number(&self) -> u32 {
        self.0.as_raw_nonzero().get() as u32
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
        let _ = waitpid(Some(self.0), WaitOptions::empty());
    }
}

// What the parent and its children tell each other.
const HOLDING: usize = 0;
const WATCHING: usize = 1;
const ARRIVED: usize = 2;

fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(1000));
    }
}

// ---- until another consumer has the item ----

/// Waits in a get.
fn sleeping(queue: &BytesQueue) {
    assert!(queue.get_ref().expect("the item").is_redelivered());
}

/// Asks again and again.
fn polling(queue: &BytesQueue) {
    loop {
        match queue.try_get_ref() {
            Ok(message) => return assert!(message.is_redelivered()),
            Err(GetError::Empty) => std::hint::spin_loop(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Finds another item at every get.
fn busy(queue: &BytesQueue) {
    get_and_work(queue, Duration::ZERO);
}

/// The same, and has something to do for each.
fn working(queue: &BytesQueue) {
    get_and_work(queue, Duration::from_micros(20));
}

fn get_and_work(queue: &BytesQueue, time: Duration) {
    loop {
        queue.put(b"another").expect("there is room");
        if queue.get_ref().expect("there is one").is_redelivered() {
            return;
        }
        if !time.is_zero() {
            let start = Instant::now();
            while start.elapsed() < time {
                std::hint::spin_loop();
            }
        }
    }
}

fn redelivery(who: &str, sleeps: bool, watch: fn(&BytesQueue), samples: usize) {
    let name = name("storm");
    let queue = Options::new().unlink_on_drop(true).create(&name);
    let queue = queue.expect("a new queue");
    let mut dice = Dice::new(samples as u64);
    let mut times = Vec::new();
    for _ in 0..samples {
        let words = Words::new(3);
        queue.put(&payload(1, 5000)).expect("there is room");
        let holder = Forked::start(|| {
            let queue = ringpost::open(&name).expect("it is there");
            let _lease = queue.lease().expect("the item");
            words[HOLDING].store(1, SeqCst);
            sleep_for_ever();
        });
        eventually("somebody holds it", || words[HOLDING].load(SeqCst) == 1);
        let watcher = Forked::start(|| {
            let queue = ringpost::open(&name).expect("it is there");
            words[WATCHING].store(1, SeqCst);
            watch(&queue);
            words[ARRIVED].store(clock(), SeqCst);
            sleep_for_ever();
        });
        eventually("somebody watches", || words[WATCHING].load(SeqCst) == 1);
        if sleeps {
            let number = watcher.number();
            eventually("it sleeps", || asleep(number, number));
        }
        // At any moment of the watcher's rounds.
        std::thread::sleep(dice.microseconds(100_000));
        assert_eq!(words[ARRIVED].load(SeqCst), 0);
        let killed = clock();
        drop(holder);
        eventually("it arrives", || words[ARRIVED].load(SeqCst) != 0);
        times.push(words[ARRIVED].load(SeqCst) - killed);
        drop(watcher);
        queue.recover().expect("the dead can be looked for");
        while queue.try_get().is_ok() {}
    }
    figures(
        &format!("from a kill until the item is another consumer's, {who}"),
        times,
    );
}

// ---- recover and attach ----

/// Places for participants, of which but two or three are taken.
const PLACES: [usize; 2] = [64, 1003];
/// What the dead one holds: leases, messages, loans; some have memory of the arena.
const HELD: [usize; 3] = [4, 2, 2];

/// A child that holds several things, and is then dead; or nobody.
fn dead_one(name: &str, queue: &BytesQueue) {
    let words = Words::new(1);
    for n in 0..HELD[0] + HELD[1] {
        let length = if n % 2 == 0 { 50 } else { 10_000 };
        queue
            .put(&payload(n as u64, length))
            .expect("there is room");
    }
    let holder = Forked::start(|| {
        let queue = ringpost::open(name).expect("it is there");
        let _leases: Vec<_> = (0..HELD[0])
            .map(|_| queue.lease().expect("an item"))
            .collect();
        let _messages: Vec<_> = (0..HELD[1])
            .map(|_| queue.get_ref().expect("an item"))
            .collect();
        let _loans: Vec<_> = (0..HELD[2])
            .map(|_| queue.loan(10_000).expect("room"))
            .collect();
        words[HOLDING].store(1, SeqCst);
        sleep_for_ever();
    });
    eventually("it holds them", || words[HOLDING].load(SeqCst) == 1);
    drop(holder);
}

/// Measures `act` with a dead participant and without, for a few and for many free places. `act` says how many dead it
/// found, if it knows.
fn with_and_without_a_dead_one(
    what: &str,
    samples: usize,
    act: impl Fn(&str, &BytesQueue) -> Option<u32>,
) {
    for places in PLACES {
        let name = name("storm");
        let options = Options::new().capacity(1024).participants(places);
        let queue = options.unlink_on_drop(true).create(&name);
        let queue = queue.expect("a new queue");
        for dead in [0, 1] {
            let mut times = Vec::new();
            for _ in 0..samples {
                if dead == 1 {
                    dead_one(&name, &queue);
                }
                let start = Instant::now();
                let found = act(&name, &queue);
                times.push(start.elapsed().as_nanos() as u64);
                assert!(found.is_none_or(|found| found == dead));
                assert_eq!(queue.recover().expect("the dead can be looked for"), 0);
                let mut back = 0;
                while let Ok(message) = queue.try_get_ref() {
                    assert!(message.is_redelivered());
                    back += 1;
                }
                assert_eq!(back, HELD[0] * dead as usize, "what was leased comes back");
                let stats = queue.stats();
                assert_eq!(stats.free, stats.descriptors);
            }
            let who = ["nobody dead", "1 dead"][dead as usize];
            figures(
                &format!("{what}, 1024 slots, {places} places, {who}"),
                times,
            );
        }
    }
}

fn recovery(samples: usize) {
    with_and_without_a_dead_one("recover()", samples, |_, queue| {
        Some(queue.recover().expect("the dead can be looked for"))
    });
}

fn attach(samples: usize) {
    with_and_without_a_dead_one("open()", samples, |name, _| {
        // Given back at once, which is part of the time; it cannot be the dead one's place only by chance.
        drop(ringpost::open(name).expect("it is there"));
        None
    });
}

/// A line of the report.
fn figures(what: &str, mut times: Vec<u64>) {
    times.sort_unstable();
    let at = |part: usize| time(times[(times.len() - 1) * part / 100]);
    show(&format!(
        "{what}: median {}, p99 {}, longest {} ({} times)\n",
        at(50),
        at(99),
        at(100),
        times.len()
    ));
}
