//! Items flow from senders to receivers until they are asked to end, and then all are accounted for.

use crate::board::{Board, Seat};
use crate::crew::{PATIENCE, Report, Work};
use crate::ends::{In, Out, Way};
use crate::failure::{Failure, Kind};
use crate::payload::{self, Account};
use ringpost_peers::{Peer, Spec};
use std::ops::Range;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::time::{Duration, Instant};

/// So long after receivers were told that nothing more comes they are told again.
const AGAIN: Duration = Duration::from_millis(2);

/// A board on which all senders of `spec` still send.
pub(super) fn board(spec: &Spec) -> Board {
    let board = Board::new(spec.senders + spec.receivers);
    board.sending().store(spec.senders as u32, Relaxed);
    board
}

/// The `index`-th sender: sends until all are asked to end. The last one tells the receivers.
pub(super) fn sender<'e, P: Peer>(
    setup: &'e P::Setup,
    spec: Spec,
    way: Way,
    index: usize,
) -> Work<'e> {
    Box::new(move |seat| {
        let mut out = Out::new(P::sender(setup, index)?, way, spec.payload);
        let mut account = Account::new(false);
        seat.start();
        while !seat.board.stopped() {
            let tag = payload::tag(index, account.items);
            out.send(tag);
            account.add(tag);
            seat.count(account.items);
        }
        end(seat, &spec, || out.send(payload::STOP));
        Ok(report(&account))
    })
}

/// The `index`-th receiver: receives until it is told that nothing more comes.
pub(super) fn receiver<'e, P: Peer>(
    setup: &'e P::Setup,
    spec: Spec,
    way: Way,
    index: usize,
) -> Work<'e> {
    Box::new(move |seat| {
        let mut inlet = In::new(P::receiver(setup, index)?, way, spec.payload);
        let mut account = Account::new(spec.receivers == 1);
        seat.start();
        loop {
            let tag = inlet.receive()?;
            if tag == payload::STOP {
                if is_all(seat, &spec) {
                    return Ok(report(&account));
                }
                continue;
            }
            account.note(tag)?;
            seat.count(account.items);
        }
    })
}

/// The last sender tells the receivers that nothing more comes, until they have all ended.
///
/// Once is not enough: a queue that has a channel for each pair may deliver this before the items of another sender. So a
/// receiver ends when it is told and everything has come; or when it is told and waiting is given up, for then something was lost.
pub(super) fn end(seat: &Seat<'_>, spec: &Spec, mut stop: impl FnMut()) {
    if seat.board.sending().fetch_sub(1, AcqRel) != 1 {
        return;
    }
    let receivers = || (0..spec.receivers).map(|i| seat.board.seat(spec.senders + i));
    let is_here = |receiver: &Seat<'_>| !receiver.sated();
    let started = Instant::now();
    while receivers().any(|receiver| is_here(&receiver)) {
        // No more than those who are left: nobody would take it, and the queue may be short.
        (0..receivers().filter(is_here).count()).for_each(|_| stop());
        let told = Instant::now();
        while told.elapsed() < AGAIN && receivers().any(|receiver| is_here(&receiver)) {
            std::thread::sleep(AGAIN / 10);
        }
        if started.elapsed() > PATIENCE / 4 {
            seat.board.give_up();
        }
        if started.elapsed() > PATIENCE / 2 {
            return; // whoever does not end now hangs
        }
    }
}

/// For a receiver that was told that nothing more comes: whether it has an end.
pub(super) fn is_all(seat: &Seat<'_>, spec: &Spec) -> bool {
    let board = seat.board;
    let count = |seats: Range<usize>| -> u64 { seats.map(|i| board.seat(i).counted()).sum() };
    let (senders, all) = (spec.senders, spec.senders + spec.receivers);
    let is_all = board.given_up() || count(senders..all) >= count(0..senders);
    if is_all {
        seat.be_sated();
    }
    is_all
}

/// A worker's account, for the one who adds them up.
pub(super) fn report(account: &Account) -> Report {
    Report {
        items: account.items,
        digest: account.digest,
        histograms: Vec::new(),
    }
}

/// Whether all that was sent was received, once. The senders' reports come first.
pub(super) fn verify(spec: &Spec, reports: &[Report]) -> Result<(), Failure> {
    let (sent, got) = reports.split_at(spec.senders);
    let sum = |reports: &[Report]| {
        reports.iter().fold((0, 0_u64), |(items, digest), report| {
            (items + report.items, digest.wrapping_add(report.digest))
        })
    };
    let ((sent, these), (got, those)) = (sum(sent), sum(got));
    let reason = if got < sent {
        format!("{} of {sent} items were lost", sent - got)
    } else if got > sent {
        format!("{} items were received more than once", got - sent)
    } else if these != those {
        "some items were lost and as many received twice".into()
    } else {
        return Ok(());
    };
    Err(Failure::new(Kind::Faulty, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringpost_peers::Waiting;

    #[test]
    fn what_is_lost_or_comes_twice_is_named() {
        let spec = Spec {
            payload: 8,
            depth: 1,
            senders: 1,
            receivers: 2,
            waiting: Waiting::Spinning,
        };
        let with = |items, digest| Report {
            items,
            digest,
            histograms: Vec::new(),
        };
        let said = |parts: [(u64, u64); 2]| {
            let [one, other] = parts.map(|(items, digest)| with(items, digest));
            let verdict = verify(&spec, &[with(10, 100), one, other]);
            verdict.map_err(|failure| failure.reason)
        };
        assert_eq!(said([(4, 60), (6, 40)]), Ok(()));
        let lost = Err("1 of 10 items were lost".into());
        assert_eq!(said([(3, 60), (6, 40)]), lost);
        let more = Err("2 items were received more than once".into());
        assert_eq!(said([(6, 60), (6, 40)]), more);
        let mixed = Err("some items were lost and as many received twice".into());
        assert_eq!(said([(4, 60), (6, 41)]), mixed);
    }
}
