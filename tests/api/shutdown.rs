//! shutdown and shutdown_now, with producers and consumers that are blocked.

use crate::common::{Background, payload, small, within};
use ringpost::{BytesQueue, GetError, PutError};
use std::os::fd::AsFd;
use std::time::Duration;

/// The same queue as another participant, as another process would have it.
fn again(queue: &BytesQueue) -> BytesQueue {
    ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap()).unwrap()
}

fn full() -> BytesQueue {
    let queue = small().capacity(2).anonymous().unwrap();
    queue.put_many(&["first", "second"]).unwrap();
    queue
}

type Ending = fn(&BytesQueue);
const ENDINGS: [Ending; 2] = [|queue| queue.shutdown(), |queue| queue.shutdown_now()];

#[test]
fn is_shutdown_tells_every_handle() {
    for (ending, state) in ENDINGS.iter().zip(["draining", "closed"]) {
        let queue = small().anonymous().unwrap();
        let other = again(&queue);
        assert!(!queue.is_shutdown() && !other.is_shutdown());
        assert_eq!(other.stats().state, "open");
        ending(&queue);
        assert!(queue.is_shutdown() && other.is_shutdown());
        assert_eq!(other.stats().state, state);
        ending(&other);
        assert_eq!(queue.stats().state, state);
    }
}

#[test]
fn there_is_no_way_back_from_closed_to_draining() {
    let queue = full();
    queue.shutdown();
    queue.shutdown_now();
    queue.shutdown();
    assert_eq!(queue.stats().state, "closed");
    assert!(matches!(queue.try_get(), Err(GetError::Closed)));
}

#[test]
fn blocked_producers_end_with_closed() {
    for ending in ENDINGS {
        let queue = full();
        let other = again(&queue);
        let putters = [
            Background::blocked({
                let queue = queue.clone();
                move || queue.put(b"late")
            }),
            Background::blocked({
                let other = other.clone();
                move || other.put(b"late")
            }),
            Background::blocked({
                let other = other.clone();
                move || other.loan(5).map(drop)
            }),
            Background::blocked({
                let queue = queue.clone();
                move || queue.put_parts(&[b"late"], 1)
            }),
        ];
        ending(&other);
        for putter in putters {
            let ended = putter.end("a put when the queue is shut down");
            assert!(matches!(ended, Err(PutError::Closed)));
        }
    }
}

#[test]
fn producers_that_wait_for_memory_end_with_closed() {
    for ending in ENDINGS {
        let queue = small().anonymous().unwrap();
        queue.put(&payload(1, 65_536)).unwrap();
        let message = queue.get_ref().unwrap();
        let putter = Background::blocked({
            let queue = queue.clone();
            move || queue.put(&payload(2, 500))
        });
        ending(&queue);
        let ended = putter.end("a put that waits for memory");
        assert!(matches!(ended, Err(PutError::Closed)));
        assert!(*message == *payload(1, 65_536));
    }
}

#[test]
fn blocked_consumers_end_with_closed() {
    for ending in ENDINGS {
        let queue = small().anonymous().unwrap();
        let other = again(&queue);
        let getters = [
            Background::blocked({
                let queue = queue.clone();
                move || queue.get()
            }),
            Background::blocked({
                let other = other.clone();
                move || other.get()
            }),
            Background::blocked({
                let other = other.clone();
                move || other.get_ref().map(|message| message.to_vec())
            }),
            Background::blocked({
                let queue = queue.clone();
                move || queue.get_many(7).map(|many| many.concat())
            }),
        ];
        ending(&other);
        for getter in getters {
            let ended = getter.end("a get when the queue is shut down");
            assert!(matches!(ended, Err(GetError::Closed)));
        }
    }
}

#[test]
fn shutdown_lets_the_rest_be_got_and_shutdown_now_drops_it() {
    let queue = full();
    queue.shutdown();
    assert_eq!(queue.len(), 2);
    assert_eq!(
        again(&queue).get_many(9).unwrap(),
        [&b"first"[..], b"second"]
    );
    assert!(matches!(queue.get(), Err(GetError::Closed)));

    let queue = full();
    again(&queue).shutdown_now();
    assert!(matches!(queue.get(), Err(GetError::Closed)));
    let stats = queue.stats();
    assert_eq!(
        (queue.len(), stats.queued, stats.free),
        (0, 0, stats.descriptors)
    );
}

#[test]
fn shutdown_now_after_shutdown_drops_what_was_still_there() {
    let queue = small().anonymous().unwrap();
    queue
        .put_many(&[payload(1, 20_000), payload(2, 20_000)])
        .unwrap();
    queue.shutdown();
    queue.shutdown_now();
    assert!(matches!(queue.try_get(), Err(GetError::Closed)));
    assert_eq!(queue.stats().queued, 0);
    assert!(queue.join_timeout(Duration::ZERO), "nothing is left to do");
}

#[test]
fn a_held_message_does_not_keep_a_draining_queue_open() {
    let queue = full();
    let first = queue.get_ref().unwrap();
    queue.shutdown();
    assert_eq!(queue.get().unwrap(), b"second");
    let ended = within("a get when all is delivered", {
        let queue = queue.clone();
        move || queue.get()
    });
    assert!(matches!(ended, Err(GetError::Closed)));
    assert_eq!(&*first, b"first");
}

/// Every put that said Ok is delivered, and none that said Closed, whenever the shutdown comes.
#[test]
fn nothing_is_stranded_between_open_and_closed() {
    for round in 0..60_u64 {
        let capacity = [1, 2, 3, 5, 8][round as usize % 5];
        let queue = small().capacity(capacity).in_flight(4).anonymous().unwrap();
        let putters: Vec<_> = (0..2_u64)
            .map(|producer| {
                let queue = again(&queue);
                Background::start(move || {
                    for n in 0.. {
                        let item = payload(n * 2 + producer, 16 + (n as usize * 977) % 6000);
                        match queue.put(&item) {
                            Ok(()) => {}
                            Err(PutError::Closed) => return n,
                            Err(other) => panic!("{other}"),
                        }
                    }
                    unreachable!("the loop has no end")
                })
            })
            .collect();
        let getters: Vec<_> = (0..2)
            .map(|_| {
                let queue = again(&queue);
                Background::start(move || {
                    let mut got = Vec::new();
                    loop {
                        match queue.get() {
                            Ok(item) => got.push(item),
                            Err(GetError::Closed) => return got,
                            Err(other) => panic!("{other}"),
                        }
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_micros(round * 61 % 2000));
        queue.shutdown();
        let mut sent = Vec::new();
        for (producer, putter) in putters.into_iter().enumerate() {
            let count: u64 = putter.end("a producer");
            sent.extend(
                (0..count)
                    .map(|n| payload(n * 2 + producer as u64, 16 + (n as usize * 977) % 6000)),
            );
        }
        let mut got: Vec<_> = getters
            .into_iter()
            .flat_map(|getter| getter.end("a consumer"))
            .collect();
        sent.sort();
        got.sort();
        assert!(
            got == sent,
            "round {round}: {} sent, {} got",
            sent.len(),
            got.len()
        );
        assert!(queue.join_timeout(Duration::ZERO));
        let stats = queue.stats();
        assert_eq!(stats.free, stats.descriptors, "round {round}");
    }
}
