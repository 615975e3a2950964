//! get in all its forms: at once, in vain, in time, and into a buffer that is used again.

use crate::common::{Background, payload, small};
use ringpost::{BytesQueue, GetError};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

type Got = Result<Vec<u8>, GetError>;

fn copied(get: impl FnOnce(&mut Vec<u8>) -> Result<(), GetError>) -> Got {
    let mut out = Vec::new();
    get(&mut out).map(|()| out)
}

/// Every form that waits for at most a short time, if at all.
fn impatient(queue: &BytesQueue) -> Vec<Got> {
    let soon = Instant::now() + SHORT;
    vec![
        queue.try_get(),
        queue.get_timeout(SHORT),
        queue.get_deadline(soon),
        queue.get_interruptible(Some(soon), || false),
        copied(|out| queue.try_get_into(out)),
        copied(|out| queue.get_into_deadline(out, soon)),
        queue.try_get_ref().map(|m| m.to_vec()),
        queue.get_ref_timeout(SHORT).map(|m| m.to_vec()),
        queue.get_ref_deadline(soon).map(|m| m.to_vec()),
        queue
            .get_ref_interruptible(Some(soon), || false)
            .map(|m| m.to_vec()),
        queue.try_get_many(1).map(|many| many[0].clone()),
        queue
            .get_many_interruptible(1, Some(soon), || false)
            .map(|many| many[0].clone()),
    ]
}

/// Every form, each of which waits long enough.
const PATIENT: &[fn(&BytesQueue) -> Got] = &[
    |queue| queue.get(),
    |queue| queue.get_timeout(LONG),
    |queue| queue.get_deadline(Instant::now() + LONG),
    |queue| queue.get_interruptible(None, || false),
    |queue| copied(|out| queue.get_into(out)),
    |queue| copied(|out| queue.get_into_deadline(out, Instant::now() + LONG)),
    |queue| queue.get_ref().map(|m| m.to_vec()),
    |queue| queue.get_ref_timeout(LONG).map(|m| m.to_vec()),
    |queue| {
        queue
            .get_ref_deadline(Instant::now() + LONG)
            .map(|m| m.to_vec())
    },
    |queue| {
        queue
            .get_ref_interruptible(None, || false)
            .map(|m| m.to_vec())
    },
    |queue| queue.get_many(1).map(|many| many[0].clone()),
    |queue| {
        queue
            .get_many_interruptible(1, None, || false)
            .map(|many| many[0].clone())
    },
];

#[test]
fn every_form_gets_what_is_there_in_order() {
    let queue = small().capacity(32).anonymous().unwrap();
    let sent: Vec<_> = (0..24).map(|n| payload(n, n as usize * 12)).collect();
    queue.put_many(&sent).unwrap();
    let mut got: Vec<_> = impatient(&queue).into_iter().map(Result::unwrap).collect();
    got.extend(PATIENT.iter().map(|get| get(&queue).unwrap()));
    assert!(got == sent);
    assert!(queue.is_empty());
}

#[test]
fn an_empty_queue_says_so_in_every_form() {
    let queue = small().anonymous().unwrap();
    for (form, got) in impatient(&queue).into_iter().enumerate() {
        let tries = [0, 4, 6, 10].contains(&form);
        match got.unwrap_err() {
            GetError::Empty if tries => {}
            GetError::TimedOut if !tries => {}
            other => panic!("form {form}: {other}"),
        }
    }
    assert_eq!(GetError::Empty.to_string(), "the queue is empty");
    assert!(GetError::TimedOut.to_string().starts_with("timed out"));
}

#[test]
fn every_interruptible_form_stops_when_it_is_told() {
    let queue = small().anonymous().unwrap();
    let stopped = [
        queue.get_interruptible(None, || true),
        queue
            .get_ref_interruptible(None, || true)
            .map(|m| m.to_vec()),
        queue
            .get_many_interruptible(3, None, || true)
            .map(|many| many.concat()),
    ];
    for stopped in stopped {
        let error = stopped.unwrap_err();
        assert!(matches!(error, GetError::Interrupted), "{error}");
        assert!(error.to_string().contains("nothing was taken"), "{error}");
    }
}

#[test]
fn a_deadline_is_not_met_too_early() {
    let queue = small().anonymous().unwrap();
    let deadline = Instant::now() + Duration::from_millis(120);
    assert!(matches!(
        queue.get_deadline(deadline),
        Err(GetError::TimedOut)
    ));
    assert!(Instant::now() >= deadline);
}

#[test]
fn every_blocked_form_goes_on_when_an_item_comes() {
    for (form, get) in PATIENT.iter().enumerate() {
        let queue = small().anonymous().unwrap();
        let getter = Background::blocked({
            let queue = queue.clone();
            move || get(&queue)
        });
        queue.put(b"item").unwrap();
        let got = getter.end(&format!("form {form}")).unwrap();
        assert_eq!(got, b"item", "form {form}");
    }
}

#[test]
fn a_timeout_beyond_the_clock_waits_for_ever() {
    let queue = small().anonymous().unwrap();
    let getter = Background::blocked({
        let queue = queue.clone();
        move || queue.get_timeout(Duration::MAX)
    });
    queue.put(b"item").unwrap();
    assert_eq!(getter.end("the longest timeout").unwrap(), b"item");
}

#[test]
fn a_buffer_is_replaced_and_used_again() {
    let queue = small().anonymous().unwrap();
    let mut buffer = b"what was there before".to_vec();
    for length in [3000, 0, 12, 3000, 1] {
        let sent = payload(length as u64, length);
        queue.put(&sent).unwrap();
        queue.get_into(&mut buffer).unwrap();
        assert!(buffer == sent, "{length} bytes");
    }
    let (room, place) = (buffer.capacity(), buffer.as_ptr());
    queue.put(&payload(9, 2999)).unwrap();
    queue.try_get_into(&mut buffer).unwrap();
    assert_eq!((buffer.capacity(), buffer.as_ptr()), (room, place));
}

#[test]
fn a_get_that_fails_leaves_the_buffer_alone() {
    let queue = small().anonymous().unwrap();
    let mut buffer = b"kept".to_vec();
    assert!(queue.try_get_into(&mut buffer).is_err());
    assert!(
        queue
            .get_into_deadline(&mut buffer, Instant::now())
            .is_err()
    );
    queue.shutdown();
    assert!(queue.get_into(&mut buffer).is_err());
    assert_eq!(buffer, b"kept");
}

#[test]
fn a_closed_queue_drains_then_says_closed_in_every_form() {
    for get in PATIENT {
        let queue = small().anonymous().unwrap();
        queue.put(b"last").unwrap();
        queue.shutdown();
        assert_eq!(get(&queue).unwrap(), b"last");
        let error = get(&queue).unwrap_err();
        assert!(matches!(error, GetError::Closed), "{error}");
        assert!(error.to_string().contains("drained"), "{error}");
        for got in impatient(&queue) {
            assert!(matches!(got, Err(GetError::Closed)));
        }
    }
}
