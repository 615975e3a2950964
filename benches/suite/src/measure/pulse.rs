//! Workers that make known how long they stand still, for the pause test and the kill test.

use super::flow;
use crate::board::Seat;
use crate::clock;
use crate::crew::{Report, Work};
use crate::histogram::{self, Observers};
use crate::payload::{Account, Fault};
use hdrhistogram::Histogram;
use ringpost_peers::waiting::until;
use ringpost_peers::{Peer, Receiver, Sender, Spec};
use std::sync::atomic::Ordering::Relaxed;

/// Parts of a run of which a worker keeps the distributions: a warm-up, and two that are measured.
pub(super) const PARTS: usize = 3;

/// What a worker notes at each operation.
struct Pulse<'a, 'b> {
    seat: &'a Seat<'b>,
    last: u64,
    longest: u64,
    epoch: u32,
    observers: Observers,
    waits: [Histogram<u64>; PARTS],
}

impl<'a, 'b> Pulse<'a, 'b> {
    fn new(seat: &'a Seat<'b>) -> Self {
        let now = clock::ticks();
        seat.last().store(now, Relaxed);
        Pulse {
            seat,
            last: now,
            longest: 0,
            epoch: seat.board.epoch(),
            observers: Observers::new(now, clock::ns_per_tick()),
            waits: [(); PARTS].map(|()| histogram::empty()),
        }
    }

    /// An operation has succeeded.
    #[inline(always)]
    fn beat(&mut self, items: u64) {
        let now = clock::ticks();
        let epoch = self.seat.board.epoch();
        if epoch != self.epoch {
            self.epoch = epoch;
            self.longest = 0;
        }
        let gap = now - self.last;
        if gap > self.longest || self.longest == 0 {
            self.longest = gap;
            self.seat.longest().store(gap, Relaxed);
        }
        self.last = now;
        self.seat.last().store(now, Relaxed);
        let part = (epoch as usize).min(PARTS - 1);
        self.observers.answer(now, &mut self.waits[part]);
        self.seat.count(items);
    }

    fn report(&self, account: &Account) -> Report {
        let mut report = flow::report(account);
        report.histograms = self.waits.iter().map(histogram::counts).collect();
        report
    }
}

/// A tag and its complement, at both ends of the payload: what is between them was copied, which is all that shall take time.
fn write(payload: &mut [u8], tag: u64) {
    payload[..8].copy_from_slice(&tag.to_ne_bytes());
    let end = payload.len() - 8;
    payload[end..].copy_from_slice(&(!tag).to_ne_bytes());
}

fn read(payload: &[u8], sent: usize) -> Result<u64, Fault> {
    let got = payload.len();
    if got != sent {
        return Err(Fault::Length { got, sent });
    }
    let word = |at: usize| u64::from_ne_bytes(payload[at..at + 8].try_into().expect("8 bytes"));
    if word(0) != !word(got - 8) {
        return Err(Fault::Torn);
    }
    Ok(word(0))
}

/// The `index`-th sender. It copies one buffer again and again, so that nearly all of its time is spent in operations.
pub(super) fn sender<'e, P: Peer>(setup: &'e P::Setup, spec: Spec, index: usize) -> Work<'e> {
    Box::new(move |seat| {
        let mut end = P::sender(setup, index)?;
        let mut account = Account::new(false);
        let mut payload = vec![7; spec.payload];
        let mut send = |tag| {
            write(&mut payload, tag);
            if P::ABOUT.blocks {
                end.send(&payload);
            } else {
                until(|| end.try_send(&payload));
            }
        };
        seat.start();
        let mut pulse = Pulse::new(seat);
        while !seat.left() {
            let tag = crate::payload::tag(index, account.items);
            send(tag);
            account.add(tag);
            pulse.beat(account.items);
        }
        if seat.board.stopped() {
            flow::end(seat, &spec, || send(crate::payload::STOP));
        }
        Ok(pulse.report(&account))
    })
}

/// The `index`-th receiver. A strict one fails when items come out of order; after a kill nobody promises any.
pub(super) fn receiver<'e, P: Peer>(
    setup: &'e P::Setup,
    spec: Spec,
    index: usize,
    strict: bool,
) -> Work<'e> {
    Box::new(move |seat| {
        let mut end = P::receiver(setup, index)?;
        let mut account = Account::new(false);
        let mut buffer = vec![0; spec.payload];
        seat.start();
        let mut pulse = Pulse::new(seat);
        loop {
            let mut got = 0;
            if P::ABOUT.blocks {
                got = end.receive(&mut buffer);
            } else {
                until(|| {
                    end.try_receive_copy(&mut buffer)
                        .inspect(|&n| got = n)
                        .is_some()
                });
            }
            let tag = read(&buffer[..got], spec.payload)?;
            if tag == crate::payload::STOP {
                if flow::is_all(seat, &spec) {
                    break;
                }
                continue;
            }
            match account.note(tag) {
                Err(fault) if strict => return Err(fault.into()),
                Err(_) => account.add(tag),
                Ok(()) => {}
            }
            pulse.beat(account.items);
            if !seat.board.stopped() && seat.left() {
                break;
            }
        }
        Ok(pulse.report(&account))
    })
}

/// The longest time that these have stood still since the epoch began, in milliseconds; for whoever still does: until now.
pub(super) fn stand_still<'a>(seats: impl Iterator<Item = Seat<'a>>) -> f64 {
    let now = clock::ticks();
    let longest = seats
        .map(|seat| {
            let since = now.saturating_sub(seat.last().load(Relaxed));
            seat.longest().load(Relaxed).max(since)
        })
        .max();
    longest.unwrap_or(0) as f64 * clock::ns_per_tick() / 1e6
}

/// A random number below `below`, for moments: nothing has to be repeated exactly.
pub(super) struct Moments(u64);

impl Moments {
    pub(super) fn new() -> Moments {
        Moments(clock::ticks() | 1)
    }

    pub(super) fn below(&mut self, below: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}
