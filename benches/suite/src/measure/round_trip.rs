//! How long a payload takes to another worker and back, over a queue for each direction.

use super::{Mode, Outcome, Pace};
use crate::clock;
use crate::controller::Control;
use crate::crew::{self, Part, Report, Work};
use crate::ends::{In, Out, Way};
use crate::failure::Failure;
use crate::histogram;
use crate::payload::{self, Fault};
use ringpost_peers::{Peer, Spec};
use std::time::Duration;

/// How long the other side has slept before it is asked, after idling.
pub(super) const SLEEP: Duration = Duration::from_millis(4);
/// The part of a run before it is measured, and after.
const WARM: u32 = 0;
const MEASURED: u32 = 1;

pub(super) fn run<P: Peer>(
    control: &Control,
    pace: &Pace,
    mode: Mode,
    size: usize,
) -> Result<Outcome, Failure> {
    let way = match mode {
        Mode::Spinning => Way::Spinning,
        Mode::Busy | Mode::Idle => Way::Blocking,
    };
    let spec = Spec {
        payload: size,
        depth: super::depth(size),
        senders: 1,
        receivers: 1,
        waiting: way.waiting(),
    };
    let (there, back) = (P::set_up(&spec)?, P::set_up(&spec)?);
    let board = crate::board::Board::new(2);
    let mut reports = crew::run(control, P::ABOUT.place, &board, |crew| {
        let asking = asks::<P>(&there, &back, size, way, mode);
        crew.add(Part::Sender(0), asking);
        crew.add(Part::Receiver(0), answers::<P>(&there, &back, size, way));
        crew.begin()?;
        crew.work(pace.warm)?;
        board.begin(MEASURED);
        crew.work(pace.measure)?;
        board.stop();
        crew.join()
    })?;
    let trips = reports.swap_remove(0).histograms.swap_remove(0);
    let median = histogram::of(&trips).value_at_quantile(0.5);
    Ok(Outcome {
        figures: vec![median as f64],
        curves: vec![trips],
    })
}

/// The side that asks, and holds the clock.
fn asks<'e, P: Peer>(
    there: &'e P::Setup,
    back: &'e P::Setup,
    size: usize,
    way: Way,
    mode: Mode,
) -> Work<'e> {
    Box::new(move |seat| {
        let mut out = Out::new(P::sender(there, 0)?, way, size);
        let mut inlet = In::new(P::receiver(back, 0)?, way, size);
        let scale = clock::ns_per_tick();
        let mut trips = histogram::empty();
        let mut number = 0;
        seat.start();
        // At least one is measured, however slow.
        while !seat.board.stopped() || trips.is_empty() {
            if mode == Mode::Idle {
                std::thread::sleep(SLEEP);
            }
            let start = clock::ticks();
            out.send(number);
            let tag = inlet.receive()?;
            let took = clock::ticks() - start;
            if tag != number {
                let (expected, got) = (number, tag);
                let backwards = Fault::Backwards { expected, got };
                let missing = Fault::Missing { expected, got };
                return Err(if got < expected { backwards } else { missing }.into());
            }
            number += 1;
            seat.count(number);
            if seat.board.epoch() != WARM || seat.board.stopped() {
                trips.saturating_record(clock::ns(took, scale));
            }
        }
        out.send(payload::STOP);
        Ok(Report {
            items: number,
            digest: 0,
            histograms: vec![histogram::counts(&trips)],
        })
    })
}

/// The side that answers.
fn answers<'e, P: Peer>(
    there: &'e P::Setup,
    back: &'e P::Setup,
    size: usize,
    way: Way,
) -> Work<'e> {
    Box::new(move |seat| {
        let mut inlet = In::new(P::receiver(there, 0)?, way, size);
        let mut out = Out::new(P::sender(back, 0)?, way, size);
        let mut number = 0;
        seat.start();
        loop {
            let tag = inlet.receive()?;
            if tag == payload::STOP {
                return Ok(Report::default());
            }
            out.send(tag);
            number += 1;
            seat.count(number);
        }
    })
}
