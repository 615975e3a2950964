//! How many items go through a second, in the middle of a run: from one look at the receivers' counts to another.

use super::{KIB, Outcome, Pace, as_it_does, flow};
use crate::board::Board;
use crate::clock;
use crate::controller::Control;
use crate::crew::{self, Part};
use crate::ends::Way;
use crate::failure::{Failure, Kind};
use ringpost_peers::{Peer, Spec};
use std::time::Instant;

/// `width` senders and as many receivers.
pub(super) fn run<P: Peer>(
    control: &Control,
    pace: &Pace,
    width: usize,
    size: usize,
    way: Way,
    depth: usize,
) -> Result<Outcome, Failure> {
    // What cannot block is polled.
    let way = match way {
        Way::Blocking => as_it_does::<P>(),
        other => other,
    };
    let spec = Spec {
        payload: size,
        depth,
        senders: width,
        receivers: width,
        waiting: way.waiting(),
    };
    let setup = P::set_up(&spec)?;
    let board = flow::board(&spec);
    let rate = crew::run(control, P::ABOUT.place, &board, |crew| {
        for i in 0..width {
            crew.add(Part::Sender(i), flow::sender::<P>(&setup, spec, way, i));
        }
        for i in 0..width {
            crew.add(Part::Receiver(i), flow::receiver::<P>(&setup, spec, way, i));
        }
        measured(crew, &board, &spec, pace)
    })?;
    Ok(Outcome::of(if size >= 64 * KIB && way != Way::Untouched {
        rate * size as f64 / 1e9
    } else {
        rate / 1e6
    }))
}

/// Runs a crew of senders and receivers, in this order, and says how many items a second arrive.
pub(super) fn measured<'e>(
    crew: &mut crew::Crew<'_, 'e>,
    board: &'e Board,
    spec: &Spec,
    pace: &Pace,
) -> Result<f64, Failure> {
    crew.begin()?;
    crew.work(pace.warm)?;
    let (before, start) = look(board, spec);
    crew.work(pace.measure)?;
    let (mut after, mut end) = look(board, spec);
    let deadline = Instant::now() + crew::PATIENCE;
    while after == before && Instant::now() < deadline {
        crew.work(pace.measure)?; // very slow, or very unlucky
        (after, end) = look(board, spec);
    }
    board.stop();
    let reports = crew.join()?;
    flow::verify(spec, &reports)?;
    if after == before {
        let reason = format!("nothing came within {} s", crew::PATIENCE.as_secs());
        return Err(Failure::new(Kind::Hung, reason));
    }
    let elapsed = (end - start) as f64 * clock::ns_per_tick() / 1e9;
    Ok((after - before) as f64 / elapsed)
}

/// How much has arrived, and when.
fn look(board: &Board, spec: &Spec) -> (u64, u64) {
    let count = || -> u64 {
        let seats = (0..spec.receivers).map(|i| board.seat(spec.senders + i));
        seats.map(|seat| seat.counted()).sum()
    };
    // Again if somebody else had the processor in between.
    let mut looks = (0..20).map(|_| {
        let before = clock::ticks();
        let count = count();
        let after = clock::ticks();
        (after - before, count, before + (after - before) / 2)
    });
    let quick = |took: u64| took as f64 * clock::ns_per_tick() < 20_000.0;
    let first = looks.next().expect("twenty");
    let (_, count, when) = if quick(first.0) {
        first
    } else {
        looks.find(|look| quick(look.0)).unwrap_or(first)
    };
    (count, when)
}
