//! put in all its forms: at once, in vain, in time, and not at all.

use crate::common::{Background, payload, small};
use ringpost::{BytesQueue, PutError, Shortage};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

/// One item, and room for no other.
fn full() -> BytesQueue {
    let queue = small().capacity(1).anonymous().unwrap();
    queue.put(b"first").unwrap();
    queue
}

fn slots_are_missing(error: &PutError) -> bool {
    matches!(
        error,
        PutError::Full(Shortage::Slots) | PutError::TimedOut(Shortage::Slots)
    )
}

#[test]
fn every_form_puts_when_there_is_room() {
    let queue = small().anonymous().unwrap();
    queue.put(b"1").unwrap();
    queue.try_put(b"2").unwrap();
    queue.put_timeout(b"3", LONG).unwrap();
    queue.put_deadline(b"4", Instant::now() + LONG).unwrap();
    queue.put_interruptible(b"5", None, || true).unwrap();
    assert_eq!(queue.get_many(9).unwrap(), [b"1", b"2", b"3", b"4", b"5"]);
}

#[test]
fn a_deadline_that_has_passed_still_puts_when_there_is_room() {
    let queue = small().anonymous().unwrap();
    let past = Instant::now() - Duration::from_secs(1);
    queue.put_timeout(b"1", Duration::ZERO).unwrap();
    queue.put_deadline(b"2", past).unwrap();
    queue.put_interruptible(b"3", Some(past), || true).unwrap();
    assert_eq!(queue.get_many(9).unwrap(), [b"1", b"2", b"3"]);
}

#[test]
fn a_full_queue_refuses_and_keeps_what_it_has() {
    let queue = full();
    let error = queue.try_put(b"second").unwrap_err();
    assert!(slots_are_missing(&error) && error.is_shortage());
    assert!(error.to_string().contains("get something first"), "{error}");

    let error = queue.put_timeout(b"second", SHORT).unwrap_err();
    assert!(matches!(error, PutError::TimedOut(Shortage::Slots)));
    assert!(error.is_shortage());
    assert!(error.to_string().starts_with("timed out"), "{error}");

    let error = queue.put_deadline(b"second", Instant::now() + SHORT);
    assert!(slots_are_missing(&error.unwrap_err()));
    let error = queue.put_interruptible(b"second", Some(Instant::now() + SHORT), || false);
    assert!(slots_are_missing(&error.unwrap_err()));
    let error = queue.put_interruptible(b"second", None, || true);
    assert!(matches!(error, Err(PutError::Interrupted)));

    assert_eq!(queue.get_many(9).unwrap(), [b"first"]);
    assert!(queue.is_empty());
}

#[test]
fn a_deadline_is_not_missed_by_much_nor_met_too_early() {
    let queue = full();
    let deadline = Instant::now() + Duration::from_millis(120);
    let error = queue.put_deadline(b"second", deadline).unwrap_err();
    assert!(matches!(error, PutError::TimedOut(_)));
    assert!(Instant::now() >= deadline);
}

#[test]
fn a_timeout_beyond_the_clock_waits_for_ever() {
    let queue = full();
    let putter = Background::blocked({
        let queue = queue.clone();
        move || queue.put_timeout(b"second", Duration::MAX)
    });
    assert_eq!(queue.get().unwrap(), b"first");
    putter.end("a put with the longest timeout").unwrap();
    assert_eq!(queue.get().unwrap(), b"second");
}

#[test]
fn every_blocked_form_goes_on_when_there_is_room() {
    type Form = fn(&BytesQueue) -> Result<(), PutError>;
    let forms: [Form; 4] = [
        |queue| queue.put(b"second"),
        |queue| queue.put_timeout(b"second", LONG),
        |queue| queue.put_deadline(b"second", Instant::now() + LONG),
        |queue| queue.put_interruptible(b"second", None, || false),
    ];
    for form in forms {
        let queue = full();
        let putter = Background::blocked({
            let queue = queue.clone();
            move || form(&queue)
        });
        assert_eq!(queue.get().unwrap(), b"first");
        putter.end("a put that has room by now").unwrap();
        assert_eq!(queue.get().unwrap(), b"second");
    }
}

#[test]
fn a_payload_has_any_length_from_nothing_to_the_whole_arena() {
    let queue = small().anonymous().unwrap();
    let max = queue.max_payload();
    assert_eq!(max, 16 * 4096);
    for length in [
        0,
        1,
        7,
        87,
        88,
        89,
        4095,
        4096,
        4097,
        8192,
        30_000,
        max - 1,
        max,
    ] {
        let sent = payload(length as u64, length);
        queue.put(&sent).unwrap();
        assert!(queue.get().unwrap() == sent, "{length} bytes");
    }
}

#[test]
fn a_payload_that_can_never_fit_is_an_error_of_its_own() {
    let queue = small().anonymous().unwrap();
    queue.put(b"kept").unwrap();
    let long = vec![0; queue.max_payload() + 1];
    let tries = [
        queue.put(&long),
        queue.try_put(&long),
        queue.put_timeout(&long, LONG),
        queue.put_deadline(&long, Instant::now() + LONG),
        queue.put_interruptible(&long, None, || false),
    ];
    for tried in tries {
        let error = tried.unwrap_err();
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
        let said = error.to_string();
        assert!(said.contains("65537") && said.contains("65536"), "{said}");
        assert!(!error.is_shortage());
    }
    assert_eq!(queue.get_many(9).unwrap(), [b"kept"]);
}

#[test]
fn without_an_arena_the_inline_room_is_the_limit() {
    let queue = small().inline(88).arena(0).anonymous().unwrap();
    assert_eq!(queue.max_payload(), 88);
    queue.put(&[1; 88]).unwrap();
    let error = queue.try_put(&[2; 89]).unwrap_err();
    assert!(
        matches!(error, PutError::TooLarge { len: 89, max: 88 }),
        "{error}"
    );
    assert_eq!(queue.get().unwrap(), [1; 88]);
}

#[test]
fn a_closed_queue_takes_nothing_in_any_form() {
    let queue = small().anonymous().unwrap();
    queue.shutdown();
    let tries = [
        queue.put(b"late"),
        queue.try_put(b"late"),
        queue.put_timeout(b"late", LONG),
        queue.put_deadline(b"late", Instant::now() + LONG),
        queue.put_interruptible(b"late", None, || false),
    ];
    for tried in tries {
        let error = tried.unwrap_err();
        assert!(matches!(error, PutError::Closed) && !error.is_shortage());
        assert!(error.to_string().contains("shut down"), "{error}");
    }
}
