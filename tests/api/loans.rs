//! Loans: written in place, then committed, or not.

use crate::common::{Background, payload, small, within};
use ringpost::{BytesQueue, PutError, Shortage, WriteLoan};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

#[test]
fn every_form_lends_so_many_bytes() {
    type Form = fn(&BytesQueue, usize) -> Result<WriteLoan, PutError>;
    let forms: [Form; 5] = [
        |queue, len| queue.loan(len),
        |queue, len| queue.try_loan(len),
        |queue, len| queue.loan_timeout(len, LONG),
        |queue, len| queue.loan_deadline(len, Instant::now() + LONG),
        |queue, len| queue.loan_interruptible(len, None, || true),
    ];
    let queue = small().anonymous().unwrap();
    for length in [0, 1, 88, 89, 4096, 65536] {
        for (form, lend) in forms.iter().enumerate() {
            let sent = payload(form as u64, length);
            let mut loan = lend(&queue, length).unwrap();
            assert_eq!(loan.len(), length);
            loan.copy_from_slice(&sent);
            loan.commit().unwrap();
            assert!(queue.get().unwrap() == sent, "form {form}, {length} bytes");
        }
    }
}

#[test]
fn a_loan_is_invisible_until_it_is_committed_and_its_place_is_that_of_the_commit() {
    let queue = small().anonymous().unwrap();
    let mut loan = queue.loan(4).unwrap();
    loan.copy_from_slice(b"loan");
    assert!(queue.is_empty() && queue.try_get().is_err());
    queue.put(b"put").unwrap();
    loan.commit().unwrap();
    assert_eq!(
        queue.get_many(9).unwrap(),
        [b"put".to_vec(), b"loan".to_vec()]
    );
}

#[test]
fn loans_are_committed_in_any_order() {
    let queue = small().anonymous().unwrap();
    let mut loans: Vec<_> = (0..8).map(|_| queue.loan(5000).unwrap()).collect();
    for (n, loan) in loans.iter_mut().enumerate() {
        loan.copy_from_slice(&payload(n as u64, 5000));
    }
    for n in [5, 0, 4, 2, 1, 1, 0, 0] {
        loans.remove(n).commit().unwrap();
    }
    for n in [5, 0, 6, 3, 2, 4, 1, 7] {
        assert!(queue.get().unwrap() == payload(n, 5000), "loan {n}");
    }
}

#[test]
fn a_dropped_loan_never_happened() {
    let queue = small().anonymous().unwrap();
    for length in [0, 50, 5000, 65536] {
        let mut loan = queue.loan(length).unwrap();
        loan.fill(1);
        drop(loan);
        assert!(queue.is_empty());
    }
    let stats = queue.stats();
    assert_eq!((stats.filling, stats.queued, stats.total_put), (0, 0, 0));
    assert_eq!(stats.free, stats.descriptors);
    queue.put(&[2; 65536]).unwrap();
    assert_eq!(queue.get().unwrap(), [2; 65536]);
}

#[test]
fn truncate_shortens_and_never_lengthens() {
    let queue = small().anonymous().unwrap();
    for (length, truncated, left) in [(100, 3, 3), (100, 0, 0), (9000, 50, 50), (10, 11, 10)] {
        let mut loan = queue.loan(length).unwrap();
        loan.copy_from_slice(&payload(1, length));
        loan.truncate(truncated);
        assert_eq!(loan.len(), left);
        loan.truncate(truncated + 1);
        assert_eq!(loan.len(), left);
        loan.commit().unwrap();
        assert!(queue.get().unwrap() == payload(1, length)[..left]);
    }
}

#[test]
fn a_full_queue_lends_nothing() {
    let queue = small().capacity(1).anonymous().unwrap();
    queue.put(b"first").unwrap();
    let soon = Instant::now() + SHORT;
    let tried = [
        queue.try_loan(1),
        queue.loan_timeout(1, SHORT),
        queue.loan_deadline(1, soon),
        queue.loan_interruptible(1, Some(soon), || false),
    ];
    for (form, loan) in tried.into_iter().enumerate() {
        match loan.unwrap_err() {
            PutError::Full(Shortage::Slots) if form == 0 => {}
            PutError::TimedOut(Shortage::Slots) if form > 0 => {}
            other => panic!("form {form}: {other}"),
        }
    }
    let interrupted = queue.loan_interruptible(1, None, || true);
    assert!(matches!(interrupted, Err(PutError::Interrupted)));
    let too_large = queue.loan(65537);
    assert!(matches!(
        too_large,
        Err(PutError::TooLarge {
            len: 65537,
            max: 65536
        })
    ));
    assert_eq!(queue.stats().filling, 0);
    assert_eq!(queue.get().unwrap(), b"first");
}

#[test]
fn a_blocked_loan_goes_on_when_there_is_room() {
    let queue = small().capacity(1).anonymous().unwrap();
    queue.put(b"first").unwrap();
    let borrower = Background::blocked({
        let queue = queue.clone();
        move || {
            let mut loan = queue.loan(6)?;
            loan.copy_from_slice(b"second");
            loan.commit()
        }
    });
    assert_eq!(queue.get().unwrap(), b"first");
    borrower.end("a loan that has room by now").unwrap();
    assert_eq!(queue.get().unwrap(), b"second");
}

#[test]
fn try_commit_gives_the_loan_back_when_the_queue_is_full() {
    let queue = small().capacity(1).anonymous().unwrap();
    let mut loan = queue.loan(4).unwrap();
    loan.copy_from_slice(b"loan");
    queue.put(b"first").unwrap();
    for _ in 0..3 {
        let (back, error) = loan.try_commit().unwrap_err();
        assert!(matches!(error, PutError::Full(Shortage::Slots)), "{error}");
        assert_eq!(&*back, b"loan");
        loan = back;
    }
    assert_eq!(queue.get_many(9).unwrap(), [b"first"]);
    loan.try_commit().unwrap();
    assert_eq!(queue.get().unwrap(), b"loan");
}

#[test]
fn commit_waits_for_room() {
    let queue = small().capacity(1).anonymous().unwrap();
    let mut loan = queue.loan(6).unwrap();
    loan.copy_from_slice(b"second");
    queue.put(b"first").unwrap();
    let committer = Background::blocked(move || loan.commit());
    assert_eq!(queue.get().unwrap(), b"first");
    committer.end("a commit that has room by now").unwrap();
    assert_eq!(queue.get().unwrap(), b"second");
}

#[test]
fn commit_deadline_puts_nothing_when_it_is_over() {
    let queue = small().capacity(1).anonymous().unwrap();
    let loan = queue.loan(6).unwrap();
    queue.put(b"first").unwrap();
    let error = loan.commit_deadline(Instant::now() + SHORT).unwrap_err();
    assert!(matches!(error, PutError::TimedOut(Shortage::Slots)));
    assert_eq!(queue.stats().filling, 0);
    assert_eq!(queue.get().unwrap(), b"first");
    queue
        .loan(0)
        .unwrap()
        .commit_deadline(Instant::now() + LONG)
        .unwrap();
    assert_eq!(queue.get().unwrap(), b"");
}

#[test]
fn a_loan_of_a_queue_that_was_shut_down_cannot_be_committed() {
    let queue = small().anonymous().unwrap();
    let (one, two, three) = (queue.loan(1), queue.loan(1), queue.loan(1));
    queue.shutdown();
    assert!(matches!(one.unwrap().commit(), Err(PutError::Closed)));
    let (back, error) = two.unwrap().try_commit().unwrap_err();
    assert!(matches!(error, PutError::Closed));
    assert!(matches!(back.commit(), Err(PutError::Closed)));
    drop(three);
    assert!(matches!(queue.try_loan(1), Err(PutError::Closed)));
    assert!(queue.join_timeout(LONG), "nothing was put");
    let stats = queue.stats();
    assert_eq!((stats.filling, stats.queued), (0, 0));
}

#[test]
fn shutdown_ends_a_commit_although_the_queue_is_full() {
    let queue = small().capacity(1).anonymous().unwrap();
    let (blocked, tried, late) = (queue.loan(1), queue.loan(1), queue.loan(1));
    queue.put(b"first").unwrap();
    let committer = Background::blocked(move || blocked.unwrap().commit());
    queue.shutdown();
    let ended = committer.end("a commit that waits for room when the queue is shut down");
    assert!(matches!(ended, Err(PutError::Closed)));
    let (_, error) = tried.unwrap().try_commit().unwrap_err();
    assert!(matches!(error, PutError::Closed), "{error}");
    let ended = within("a commit after the shutdown", move || {
        late.unwrap().commit()
    });
    assert!(matches!(ended, Err(PutError::Closed)));
    assert_eq!(queue.get().unwrap(), b"first");
}

#[test]
fn a_loan_can_be_sent_and_outlives_its_handle() {
    let queue = small().anonymous().unwrap();
    let other = ringpost::from_fd(
        std::os::fd::AsFd::as_fd(&queue)
            .try_clone_to_owned()
            .unwrap(),
    );
    let mut loan = queue.loan(5).unwrap();
    drop(queue);
    let sent = std::thread::spawn(move || {
        loan.copy_from_slice(b"hello");
        loan.commit()
    });
    sent.join().unwrap().unwrap();
    assert_eq!(other.unwrap().get().unwrap(), b"hello");
}
