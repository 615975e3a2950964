//! Queues with a flaw: each must be caught, and named with the reason.

use crate::clock;
use crate::contestants::{Entry, Fit};
use crate::ends::Way;
use crate::measure::{LINE, Mode, Pace, Task};
use crate::plan::{Measurement, Plan};
use crate::results::LeftOut;
use crate::rounds::{self, Measured, Watcher};
use ringpost_peers::vyukov::{self, Vyukov};
use ringpost_peers::waiting::until;
use ringpost_peers::{About, Peer, Place, Receiver, Sender, Spec, Unfit};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// No flaw at all.
const SOUND: u8 = 0;
const LOSES: u8 = 1;
const REPEATS: u8 = 2;
const REORDERS: u8 = 3;
const CORRUPTS: u8 = 4;
const SHORTENS: u8 = 5;
const HANGS: u8 = 6;
const ABORTS: u8 = 7;
const PANICS: u8 = 8;
/// It cannot be made.
const REFUSES: u8 = 9;
/// It is full for 20 ms of every 100.
const STALLS: u8 = 10;

/// The item to which the flaw happens: the queue is in use, and the run is not over.
const ITEM: u64 = 10;

/// The Vyukov ring with a flaw, between threads or processes.
struct Flawed<const FLAW: u8, const THREADS: bool>;

struct Out<const FLAW: u8> {
    end: vyukov::End,
    sent: u64,
    kept: Option<Vec<u8>>,
}

struct In<const FLAW: u8> {
    end: vyukov::End,
    got: u64,
}

impl<const FLAW: u8, const THREADS: bool> Peer for Flawed<FLAW, THREADS> {
    const ABOUT: About = About {
        name: "flawed",
        place: if THREADS {
            Place::Threads
        } else {
            Place::Processes
        },
        blocks: true, // it waits by polling
        ..Vyukov::ABOUT
    };
    type Setup = <Vyukov as Peer>::Setup;
    type Sender = Out<FLAW>;
    type Receiver = In<FLAW>;

    fn set_up(spec: &Spec) -> Result<Self::Setup, Unfit> {
        if FLAW == REFUSES {
            return Err(Unfit("there is no room".into()));
        }
        Vyukov::set_up(spec)
    }

    fn sender(setup: &Self::Setup, index: usize) -> Result<Out<FLAW>, Unfit> {
        Ok(Out {
            end: Vyukov::sender(setup, index)?,
            sent: 0,
            kept: None,
        })
    }

    fn receiver(setup: &Self::Setup, index: usize) -> Result<In<FLAW>, Unfit> {
        let end = Vyukov::receiver(setup, index)?;
        Ok(In { end, got: 0 })
    }
}

impl<const FLAW: u8> Sender for Out<FLAW> {
    fn try_send(&mut self, payload: &[u8]) -> bool {
        let item = self.sent;
        if item == ITEM {
            match FLAW {
                LOSES => {
                    self.sent += 1;
                    return true;
                }
                REPEATS if !self.end.try_send(payload) => return false,
                REORDERS => {
                    self.sent += 1;
                    self.kept = Some(payload.into());
                    return true;
                }
                HANGS => return false,
                ABORTS => std::process::abort(),
                PANICS => panic!("out of cheese"),
                _ => {}
            }
        }
        if FLAW == STALLS && clock::now_ns() / 1_000_000 % 100 < 20 {
            return false;
        }
        let sent = self.end.try_send(payload);
        if sent {
            self.sent += 1;
            if let Some(kept) = self.kept.take() {
                until(|| self.end.try_send(&kept));
            }
        }
        sent
    }

    fn send(&mut self, payload: &[u8]) {
        until(|| self.try_send(payload));
    }

    fn send_in_place(&mut self, length: usize, fill: impl FnMut(&mut [u8])) -> bool {
        self.end.send_in_place(length, fill)
    }
}

impl<const FLAW: u8> Receiver for In<FLAW> {
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        let item = self.got;
        let received = self.end.try_receive(|payload| {
            let mut payload = payload.to_vec();
            let end = payload.len();
            match FLAW {
                CORRUPTS if item == ITEM => payload[end - 5] ^= 4,
                SHORTENS if item == ITEM => payload.truncate(end - 8),
                _ => {}
            }
            read(&payload);
        });
        self.got += u64::from(received);
        received
    }

    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        let mut length = None;
        until(|| {
            length = self.try_receive_copy(buffer);
            length.is_some()
        });
        length.unwrap_or(0)
    }
}

static TURN: Mutex<()> = Mutex::new(());

struct Silent;

impl Watcher for Silent {
    fn begins(&mut self, _: usize, _: &str, _: &str) {}
    fn ended(&mut self, _: Duration) {}
    fn says(&mut self, _: &str) {}
}

const FLOW: Task = Task::Throughput {
    width: 1,
    size: LINE,
    way: Way::Polling,
    depth: 64,
};
const FLOW_OF_TWO: Task = Task::Throughput {
    width: 2,
    size: LINE,
    way: Way::Blocking,
    depth: 64,
};
const TRIP: Task = Task::RoundTrip {
    mode: Mode::Busy,
    size: LINE,
};

fn measure<const FLAW: u8, const THREADS: bool>(task: Task, rounds: usize) -> Measured {
    // On a busy machine a round trip may take as long as a time slice of each side.
    let time = if task == TRIP { 500 } else { 60 };
    measure_for::<FLAW, THREADS>(task, rounds, Duration::from_millis(time))
}

fn measure_for<const FLAW: u8, const THREADS: bool>(
    task: Task,
    rounds: usize,
    time: Duration,
) -> Measured {
    let entry = Entry::of::<Flawed<FLAW, THREADS>>();
    assert_eq!(entry.fit(&task), Fit::Does);
    let measurement = Measurement {
        names: task.figures(),
        task,
        rounds,
    };
    let plan = Plan {
        measurements: vec![measurement],
        rounds,
        pace: Pace {
            warm: Duration::from_millis(10),
            measure: time,
            stops: 3,
        },
    };
    // One at a time: there are few processors, and whoever is not measured would be in the way.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    rounds::run(&plan, &[entry], &AtomicBool::new(false), &mut Silent)
}

/// No figure, and a reason with all of these words.
#[track_caller]
fn caught(measured: &Measured, words: &[&str]) {
    assert!(measured.figures.is_empty(), "{:?}", measured.figures);
    assert!(measured.curves.is_empty(), "{:?}", measured.curves);
    assert!(!measured.left_out.is_empty(), "nobody says why");
    for LeftOut { peer, reason, .. } in &measured.left_out {
        assert_eq!(peer, "flawed");
        for word in words {
            assert!(reason.contains(word), "{reason}");
        }
    }
}

#[test]
fn a_sound_queue_has_figures() {
    for task in [FLOW, FLOW_OF_TWO, TRIP, Task::Latency, Task::Pause] {
        for measured in [
            measure::<SOUND, true>(task, 1),
            measure::<SOUND, false>(task, 1),
        ] {
            assert!(measured.left_out.is_empty(), "{:?}", measured.left_out);
            assert_eq!(measured.figures.len(), task.figures().len());
            for figure in &measured.figures {
                assert!(figure.rounds[0].is_some_and(f64::is_finite), "{figure:?}");
            }
        }
    }
}

/// Whether the ring under it survives is a matter of luck; that there is a figure is not.
#[test]
fn the_kill_test_ends_with_a_figure() {
    let measured = measure::<SOUND, false>(Task::Kill, 1);
    assert!(measured.left_out.is_empty(), "{:?}", measured.left_out);
    let stood = measured.figures[0].rounds[0].expect("a figure");
    assert!((0.0..=2000.0).contains(&stood), "{stood} ms");
}

#[test]
fn a_queue_that_loses_items_is_caught() {
    let words = ["item 11 came when 10 was next", "lost"];
    caught(&measure::<LOSES, true>(FLOW, 1), &words);
    caught(&measure::<LOSES, false>(FLOW, 1), &words);
    // Receivers that give up waiting for the lost ones may leave a sender behind.
    let measured = measure::<LOSES, false>(FLOW_OF_TWO, 1);
    let hangs = measured
        .left_out
        .iter()
        .any(|out| out.reason.contains("did not end"));
    let words = if hangs {
        ["sent", "received"]
    } else {
        ["2 of ", "items were lost"]
    };
    caught(&measured, &words);
    let words = ["sender 0, receiver 0 did not end", "they hang"];
    caught(&measure::<LOSES, false>(TRIP, 1), &words);
    let words = ["item 11 came when 10 was next"];
    caught(&measure::<LOSES, false>(Task::Latency, 1), &words);
    let words = ["items were lost"];
    caught(&measure::<LOSES, false>(Task::Pause, 1), &words);
}

#[test]
fn a_queue_that_repeats_items_is_caught() {
    let words = ["item 10 came when 11 was next", "twice"];
    caught(&measure::<REPEATS, true>(FLOW, 1), &words);
    caught(&measure::<REPEATS, false>(FLOW, 1), &words);
    caught(&measure::<REPEATS, false>(TRIP, 1), &words);
    // With several receivers it may be seen by one, or show in the sum.
    caught(&measure::<REPEATS, false>(FLOW_OF_TWO, 1), &["round 1"]);
}

#[test]
fn a_queue_that_reorders_items_is_caught() {
    let words = ["item 11 came when 10 was next", "overtaken"];
    caught(&measure::<REORDERS, true>(FLOW, 1), &words);
    caught(&measure::<REORDERS, false>(FLOW, 1), &words);
}

#[test]
fn a_queue_that_changes_payloads_is_caught() {
    let words = ["a payload is not what was sent"];
    for task in [FLOW, FLOW_OF_TWO, TRIP, Task::Latency, Task::Pause] {
        caught(&measure::<CORRUPTS, false>(task, 1), &words);
    }
    caught(&measure::<CORRUPTS, true>(FLOW, 1), &words);
}

#[test]
fn a_queue_that_shortens_payloads_is_caught() {
    let words = ["a payload of 56 bytes was received, and 64 were sent"];
    caught(&measure::<SHORTENS, true>(FLOW, 1), &words);
    caught(&measure::<SHORTENS, false>(TRIP, 1), &words);
}

#[test]
fn a_queue_that_hangs_is_caught_and_tried_twice() {
    for measured in [
        measure::<HANGS, true>(FLOW, 3),
        measure::<HANGS, false>(FLOW, 3),
    ] {
        caught(&measured, &["round", "did not end within 1 s", "10 sent"]);
        let rounds: Vec<_> = measured.left_out.iter().map(|l| &l.reason[..8]).collect();
        assert!(rounds.len() <= 2, "{rounds:?}");
    }
}

#[test]
fn a_queue_that_crashes_is_caught() {
    caught(&measure::<ABORTS, true>(FLOW, 1), &["it crashed"]);
    let words = ["it crashed: sender 0 was killed by signal 6"];
    caught(&measure::<ABORTS, false>(FLOW, 1), &words);
    let words = ["it panicked: out of cheese"];
    caught(&measure::<PANICS, true>(FLOW, 1), &words);
    caught(&measure::<PANICS, false>(FLOW, 1), &words);
}

#[test]
fn a_queue_that_cannot_be_made_is_not_tried_again() {
    let measured = measure::<REFUSES, false>(FLOW, 3);
    caught(&measured, &["there is no room"]);
    assert_eq!(measured.left_out.len(), 1);
}

/// Coordinated omission: of every 100 ms the queue stands still for 20. A sender that waits for it is delayed once each time, by
/// one item in many thousands; but a fifth of all that was due came too late, by up to 20 ms, evenly.
#[test]
fn a_stall_is_charged_to_every_item_that_was_due() {
    let measured = measure_for::<STALLS, false>(Task::Latency, 1, Duration::from_millis(300));
    assert!(measured.left_out.is_empty(), "{:?}", measured.left_out);
    let slow = &measured.curves[0];
    assert_eq!(slow.measurement, "latency/10 %/64 B");
    let at = |wanted: f64| {
        let mut points = slow.points.iter();
        let point = points.find(|(percentile, _)| *percentile == wanted);
        point.expect("a point of every curve").1 / 1e6
    };
    let (p90, p99) = (at(90.0), at(99.0));
    assert!(
        p90 >= 5.0,
        "p90 is {p90} ms, and half of those that waited did for 10"
    );
    assert!(
        p99 >= 15.0,
        "p99 is {p99} ms, and the longest waited for 20"
    );
}
