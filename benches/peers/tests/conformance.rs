//! What every adapter must do before it may be measured: keep order and bytes, refuse, block, share, leave nothing behind.
//!
//! A trial runs in a forked process of its own, which a timer kills: a peer that hangs is a failure and no more.

mod items;
mod traces;
mod workers;

use std::sync::atomic::Ordering::Relaxed;
use std::thread::sleep;
use std::time::Duration;

use items::{fill, read};
use libtest_mimic::{Arguments, Failed, Trial};
use ringpost_peers::area::Area;
use ringpost_peers::waiting::until;
use ringpost_peers::{Peer, Place, Receiver, Sender, Spec, Unfit, Visitor, Waiting, each};
use traces::traces;
use workers::{in_a_child, work};

const LENGTHS: &[usize] = &[8, 64, 1024, 4096, 65_536, 1 << 20];
/// What must be sent that many times for the queue to be full more than once.
const BYTES: usize = 16 << 20;

fn main() {
    let mut arguments = Arguments::from_args();
    // The trials fork, which wants a process of one thread.
    arguments.test_threads = Some(1);
    let mut trials = Trials(Vec::new());
    each(&mut trials);
    libtest_mimic::run(&arguments, trials.0).exit();
}

struct Trials(Vec<Trial>);

impl Trials {
    fn add(&mut self, peer: &str, what: &str, trial: fn()) {
        let name = format!("{peer}: {what}").replace(' ', "_");
        let run = move || in_a_child(trial).map_err(Failed::from);
        self.0.push(Trial::test(name, run));
    }
}

impl Visitor for Trials {
    fn visit<P: Peer>(&mut self) {
        let about = P::ABOUT;
        self.add(about.name, "it says what it is", described::<P>);
        if about.polls {
            self.add(
                about.name,
                "polling keeps order and bytes of any length",
                polling::<P>,
            );
            // ipc-channel cannot: its note says so.
            if about.name != "ipc-channel" {
                self.add(about.name, "a full queue refuses", refuses::<P>);
            }
            self.add(about.name, "an empty queue has nothing", empty::<P>);
        }
        if about.blocks {
            self.add(
                about.name,
                "blocking keeps order and bytes of any length",
                blocking::<P>,
            );
            self.add(
                about.name,
                "a receiver sleeps until it is sent to",
                sleeps::<P>,
            );
        }
        if about.blocks && about.place == Place::Processes {
            self.add(
                about.name,
                "signals disturb nobody who sleeps",
                signals::<P>,
            );
        }
        if about.many_to_many {
            self.add(
                about.name,
                "several senders and receivers lose and repeat nothing",
                many::<P>,
            );
        }
        if about.batches {
            self.add(about.name, "batches keep order and bytes", batches::<P>);
        }
        self.add(
            about.name,
            "nothing is left behind by a killed worker",
            clean::<P>,
        );
    }
}

fn spec(payload: usize, waiting: Waiting) -> Spec {
    Spec {
        payload,
        depth: if payload > 4096 { 8 } else { 64 },
        senders: 1,
        receivers: 1,
        waiting,
    }
}

fn lengths<P: Peer>() -> impl Iterator<Item = usize> {
    let longest = P::ABOUT.longest.unwrap_or(usize::MAX);
    LENGTHS
        .iter()
        .copied()
        .filter(move |&length| length <= longest)
}

#[track_caller]
fn set_up<P: Peer>(spec: &Spec) -> P::Setup {
    P::set_up(spec).unwrap_or_else(|Unfit(why)| panic!("it cannot: {why}"))
}

fn items(payload: usize) -> u64 {
    (BYTES / payload).clamp(50, 5000) as u64
}

fn described<P: Peer>() {
    let about = P::ABOUT;
    assert!(about.polls || about.blocks);
    assert!(!about.version.is_empty() && about.version != "unknown");
    assert!(!about.note.ends_with('.'));
}

fn polling<P: Peer>() {
    for length in lengths::<P>() {
        let spec = spec(length, Waiting::Spinning);
        let setup = set_up::<P>(&spec);
        work::<P>(
            &setup,
            &spec,
            |sender, _| {
                let mut payload = vec![0; length];
                for number in 0..items(length) {
                    if number % 2 == 0 {
                        fill(&mut payload, 0, number);
                        until(|| sender.try_send(&payload));
                    } else {
                        until(|| sender.send_in_place(length, |bytes| fill(bytes, 0, number)));
                    }
                }
            },
            |receiver, _| {
                let mut buffer = vec![0; length];
                for number in 0..items(length) {
                    let mut received = None;
                    if number % 3 == 0 {
                        until(|| match receiver.try_receive_copy(&mut buffer) {
                            Some(length) => {
                                received = Some(read(&buffer[..length]));
                                true
                            }
                            None => false,
                        });
                    } else {
                        until(|| receiver.try_receive(|payload| received = Some(read(payload))));
                    }
                    assert_eq!(received, Some((0, number)), "{length} B");
                }
            },
        );
    }
}

fn blocking<P: Peer>() {
    for length in lengths::<P>() {
        let spec = spec(length, Waiting::Blocking);
        let setup = set_up::<P>(&spec);
        work::<P>(
            &setup,
            &spec,
            |sender, _| {
                let mut payload = vec![0; length];
                for number in 0..items(length) {
                    fill(&mut payload, 0, number);
                    sender.send(&payload);
                }
            },
            |receiver, _| {
                let mut buffer = vec![0; length];
                for number in 0..items(length) {
                    if number == 10 {
                        // The sender finds the queue full meanwhile.
                        sleep(Duration::from_millis(20));
                    }
                    let received = receiver.receive(&mut buffer);
                    assert_eq!(read(&buffer[..received]), (0, number), "{length} B");
                }
            },
        );
    }
}

fn sleeps<P: Peer>() {
    let spec = spec(64, Waiting::Blocking);
    let setup = set_up::<P>(&spec);
    work::<P>(
        &setup,
        &spec,
        |sender, _| {
            for number in 0..5 {
                sleep(Duration::from_millis(30));
                let mut payload = [0; 64];
                fill(&mut payload, 0, number);
                sender.send(&payload);
            }
        },
        |receiver, _| {
            let mut buffer = [0; 64];
            let before = workers::naps();
            for number in 0..5 {
                let length = receiver.receive(&mut buffer);
                assert_eq!(read(&buffer[..length]), (0, number));
            }
            // Each wait is a nap: who polls instead gives the processor up only when it is taken away.
            let naps = workers::naps() - before;
            assert!(naps >= 3, "{naps} naps in 150 ms");
        },
    );
}

fn signals<P: Peer>() {
    let spec = spec(1024, Waiting::Blocking);
    let setup = set_up::<P>(&spec);
    work::<P>(
        &setup,
        &spec,
        |sender, _| {
            workers::be_signalled();
            for number in 0..1000 {
                if number % 100 == 50 {
                    sleep(Duration::from_millis(10));
                }
                let mut payload = [0; 1024];
                fill(&mut payload, 0, number);
                sender.send(&payload);
            }
        },
        |receiver, _| {
            workers::be_signalled();
            let mut buffer = [0; 1024];
            for number in 0..1000 {
                if number % 100 == 0 {
                    sleep(Duration::from_millis(10));
                }
                let length = receiver.receive(&mut buffer);
                assert_eq!(read(&buffer[..length]), (0, number));
            }
        },
    );
}

fn refuses<P: Peer>() {
    let spec = spec(64, Waiting::Spinning);
    let setup = set_up::<P>(&spec);
    let open = |Unfit(why)| -> ! { panic!("it cannot: {why}") };
    let mut receiver = P::receiver(&setup, 0).unwrap_or_else(|why| open(why));
    let mut sender = P::sender(&setup, 0).unwrap_or_else(|why| open(why));
    let mut next = 0;
    let mut expected = 0;
    for _ in 0..3 {
        let mut payload = [0; 64];
        // A transport with threads of its own takes more as soon as it has passed some on.
        let mut refused = 0;
        while refused < 100 {
            fill(&mut payload, 0, next);
            if sender.try_send(&payload) {
                next += 1;
                refused = 0;
                assert!(next < 1 << 20, "it takes everything");
            } else {
                refused += 1;
                sleep(Duration::from_micros(200));
            }
        }
        while expected < next {
            until(|| {
                receiver.try_receive(|payload| {
                    assert_eq!(read(payload), (0, expected));
                    expected += 1;
                })
            });
        }
    }
}

fn empty<P: Peer>() {
    let spec = spec(64, Waiting::Spinning);
    let setup = set_up::<P>(&spec);
    let receiver = P::receiver(&setup, 0);
    let mut receiver = receiver.unwrap_or_else(|Unfit(why)| panic!("it cannot: {why}"));
    for _ in 0..100 {
        assert!(!receiver.try_receive(|_| panic!("nothing was sent")));
        assert_eq!(receiver.try_receive_copy(&mut [0; 64]), None);
    }
}

fn many<P: Peer>() {
    const EACH: u64 = 3000;
    const SENDERS: usize = 3;
    let spec = Spec {
        senders: SENDERS,
        receivers: 3,
        ..spec(64, Waiting::Spinning)
    };
    let setup = set_up::<P>(&spec);
    // How often each item was received; how many were at all.
    let seen = Area::new(4 * (1 + SENDERS * EACH as usize));
    let place = |sender: usize, number: u64| 4 * (1 + sender * EACH as usize + number as usize);
    work::<P>(
        &setup,
        &spec,
        |sender, index| {
            for number in 0..EACH {
                let mut payload = [0; 64];
                fill(&mut payload, index, number);
                until(|| sender.try_send(&payload));
            }
        },
        |receiver, _| {
            let mut last = [None; SENDERS];
            let all = SENDERS as u32 * EACH as u32;
            until(|| {
                receiver.try_receive(|payload| {
                    let (sender, number) = read(payload);
                    assert!(
                        last[sender] < Some(number),
                        "{sender}'s items change places"
                    );
                    last[sender] = Some(number);
                    seen.u32_at(place(sender, number)).fetch_add(1, Relaxed);
                    seen.u32_at(0).fetch_add(1, Relaxed);
                });
                seen.u32_at(0).load(Relaxed) >= all
            });
        },
    );
    for sender in 0..SENDERS {
        for number in 0..EACH {
            let times = seen.u32_at(place(sender, number)).load(Relaxed);
            assert_eq!(times, 1, "item {number} of {sender} came {times} times");
        }
    }
}

fn batches<P: Peer>() {
    const BATCH: usize = 16;
    let spec = spec(64, Waiting::Blocking);
    let setup = set_up::<P>(&spec);
    let all = 500 * BATCH as u64;
    work::<P>(
        &setup,
        &spec,
        |sender, _| {
            for first in (0..all).step_by(BATCH) {
                let mut payloads = [[0; 64]; BATCH];
                for (payload, number) in payloads.iter_mut().zip(first..) {
                    fill(payload, 0, number);
                }
                let payloads: Vec<&[u8]> = payloads.iter().map(|payload| &payload[..]).collect();
                sender.send_many(&payloads);
            }
        },
        |receiver, _| {
            let mut buffer = [0; 64];
            let mut next = 0;
            while next < all {
                let before = next;
                let count = receiver.receive_many(BATCH, &mut buffer, |payload| {
                    assert_eq!(read(payload), (0, next));
                    next += 1;
                });
                assert_eq!(next - before, count as u64);
                assert!((1..=BATCH).contains(&count));
            }
        },
    );
}

fn clean<P: Peer>() {
    let before = traces();
    for waiting in [Waiting::Spinning, Waiting::Blocking] {
        let spec = spec(64, waiting);
        let setup = set_up::<P>(&spec);
        workers::kill_in_the_middle::<P>(&setup, |sender| {
            loop {
                sender.try_send(&[0; 64]);
            }
        });
        drop(setup);
        assert_eq!(traces(), before);
    }
}
