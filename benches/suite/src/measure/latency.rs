//! One way at a fixed rate: an open loop, whose sender keeps to its plan whatever the queue does.
//!
//! A latency begins when the item should have been sent, so that a peer that stands still is charged for every item that it
//! keeps waiting, also for those that could not be sent meanwhile (coordinated omission).

use super::{LINE, Outcome, Pace, depth};
use crate::board::{Board, Seat};
use crate::clock;
use crate::controller::Control;
use crate::crew::{self, Crew, Part, Report, Work};
use crate::ends::{In, Out, Way};
use crate::failure::{Failure, Kind};
use crate::histogram;
use crate::payload::{self, Account};
use ringpost_peers::{Peer, Spec};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Percent of the peak, which is measured with the same workers a moment before.
pub(super) const RATES: [u32; 3] = [10, 50, 90];

/// Parts of a run: as fast as it goes, then for each rate one that lets the queue run empty, and one at the rate.
const PEAK: u32 = 0;
/// Words of the plan: when the part's first item is due, its number, and the ticks between two.
const FIRST_DUE: usize = 0;
const FIRST: usize = 1;
const BETWEEN: usize = 2;

/// A part of the run in which items are due at fixed times.
struct Plan {
    due: u64,
    first: u64,
    between: f64,
}

impl Plan {
    fn write(&self, board: &Board) {
        board.note(FIRST_DUE).store(self.due, Relaxed);
        board.note(FIRST).store(self.first, Relaxed);
        let between = self.between.to_bits();
        board.note(BETWEEN).store(between, Relaxed);
    }

    fn read(board: &Board) -> Plan {
        Plan {
            due: board.note(FIRST_DUE).load(Relaxed),
            first: board.note(FIRST).load(Relaxed),
            between: f64::from_bits(board.note(BETWEEN).load(Relaxed)),
        }
    }

    /// When the item of this number is due, in ticks.
    #[inline(always)]
    fn due(&self, number: u64) -> u64 {
        self.due + (number.saturating_sub(self.first) as f64 * self.between) as u64
    }
}

fn is_rate(epoch: u32) -> bool {
    epoch != PEAK && epoch.is_multiple_of(2)
}

pub(super) fn time(pace: &Pace) -> Duration {
    pace.warm + pace.measure / 2 + RATES.len() as u32 * pace.measure
}

pub(super) fn run<P: Peer>(control: &Control, pace: &Pace) -> Result<Outcome, Failure> {
    // Whoever needs latencies spins, if the peer lets it.
    let way = if P::ABOUT.polls {
        Way::Spinning
    } else {
        Way::Blocking
    };
    let spec = Spec {
        payload: LINE,
        depth: depth(LINE),
        senders: 1,
        receivers: 1,
        waiting: way.waiting(),
    };
    let setup = P::set_up(&spec)?;
    let board = Board::new(2);
    let mut reports = crew::run(control, P::ABOUT.place, &board, |crew| {
        crew.add(Part::Sender(0), sender::<P>(&setup, way));
        crew.add(Part::Receiver(0), receiver::<P>(&setup, way));
        drive(crew, &board, pace)
    })?;
    let curves = reports.swap_remove(1).histograms;
    let p99 = |counts| histogram::of(counts).value_at_quantile(0.99) as f64;
    Ok(Outcome {
        figures: curves.iter().map(p99).collect(),
        curves,
    })
}

fn drive(crew: &mut Crew<'_, '_>, board: &Board, pace: &Pace) -> Result<Vec<Report>, Failure> {
    let [sent, got] = [board.seat(0), board.seat(1)];
    crew.begin()?;
    crew.work(pace.warm)?;
    let (before, start) = (got.counted(), clock::ticks());
    let mut patience = crew::PATIENCE;
    let (after, end) = loop {
        crew.work(pace.measure / 2)?;
        let (after, end) = (got.counted(), clock::ticks());
        if after != before {
            break (after, end);
        }
        patience = patience.saturating_sub(pace.measure / 2);
        if patience.is_zero() {
            let reason = format!("nothing came within {} s", crew::PATIENCE.as_secs());
            return Err(Failure::new(Kind::Hung, reason));
        }
    };
    let between = (end - start) as f64 / (after - before) as f64;
    for (index, percent) in (0..).zip(RATES) {
        board.begin(2 * index + 1); // the sender pauses
        let mut patience = crew::PATIENCE;
        loop {
            crew.work(Duration::from_millis(1))?;
            let was = sent.counted();
            if got.counted() == was && sent.counted() == was {
                break;
            }
            patience = patience.saturating_sub(Duration::from_millis(1));
            if patience.is_zero() {
                let reason = format!(
                    "{} of {} items never came",
                    was.saturating_sub(got.counted()),
                    was
                );
                return Err(Failure::new(Kind::Hung, reason));
            }
        }
        let plan = Plan {
            due: clock::ticks() + (1e6 / clock::ns_per_tick()) as u64,
            first: sent.counted(),
            between: between * 100.0 / f64::from(percent),
        };
        plan.write(board);
        board.begin(2 * index + 2);
        crew.work(pace.measure)?;
    }
    board.stop();
    crew.join()
}

fn sender<'e, P: Peer>(setup: &'e P::Setup, way: Way) -> Work<'e> {
    Box::new(move |seat| {
        let mut out = Out::new(P::sender(setup, 0)?, way, LINE);
        let mut sent = 0;
        seat.start();
        while !seat.board.stopped() {
            let epoch = seat.board.epoch();
            let plan = is_rate(epoch).then(|| Plan::read(seat.board));
            if epoch != PEAK && plan.is_none() {
                std::hint::spin_loop();
                continue;
            }
            while same_part(seat, epoch) {
                if let Some(plan) = &plan {
                    let due = plan.due(sent);
                    while clock::ticks() < due && same_part(seat, epoch) {
                        std::hint::spin_loop();
                    }
                    if !same_part(seat, epoch) {
                        break;
                    }
                }
                out.send(payload::tag(0, sent));
                sent += 1;
                seat.count(sent);
            }
        }
        out.send(payload::STOP);
        Ok(Report::default())
    })
}

#[inline(always)]
fn same_part(seat: &Seat<'_>, epoch: u32) -> bool {
    seat.board.epoch() == epoch && !seat.board.stopped()
}

fn receiver<'e, P: Peer>(setup: &'e P::Setup, way: Way) -> Work<'e> {
    Box::new(move |seat| {
        let mut inlet = In::new(P::receiver(setup, 0)?, way, LINE);
        let mut account = Account::new(true);
        let scale = clock::ns_per_tick();
        // At full speed nothing is due; it is recorded all the same, so that the peak is that of the same work.
        let mut histograms = [(); RATES.len() + 1].map(|()| histogram::empty());
        let mut part = PEAK;
        let mut plan = Plan::read(seat.board);
        seat.start();
        loop {
            let tag = inlet.receive()?;
            let now = clock::ticks();
            if tag == payload::STOP {
                break;
            }
            account.note(tag)?;
            let epoch = seat.board.epoch();
            // The parts between are still of the plan before: no item is sent in them.
            if epoch != part && is_rate(epoch) {
                (part, plan) = (epoch, Plan::read(seat.board));
            }
            let due = if part == PEAK {
                now - 100
            } else {
                plan.due(payload::number(tag))
            };
            let took = clock::ns(now.saturating_sub(due), scale);
            histograms[part as usize / 2].saturating_record(took);
            seat.count(account.items);
        }
        let parts = histograms[1..].iter();
        Ok(Report {
            items: account.items,
            digest: account.digest,
            histograms: parts.map(histogram::counts).collect(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_due_at_a_fixed_rate() {
        let plan = Plan {
            due: 1000,
            first: 50,
            between: 2.5,
        };
        let due: Vec<_> = [50, 51, 52, 54].map(|number| plan.due(number)).to_vec();
        assert_eq!(due, [1000, 1002, 1005, 1010]);
    }

    #[test]
    fn a_rate_follows_each_pause() {
        assert_eq!(
            [0, 1, 2, 3, 4].map(is_rate),
            [false, false, true, false, true]
        );
    }
}
