//! One worker is killed, again and again, in the middle of whatever it does: how long do the others stand still?
//!
//! The workers and the payload are those of the pause test. Of each two rounds one ends with a kill and one with a worker that
//! leaves by itself; the worker that takes its place is started alike. What the rounds without a kill show is taken away.

use super::pause::spec;
use super::pulse::{self, Moments};
use super::{Outcome, Pace, flow};
use crate::board::Board;
use crate::controller::Control;
use crate::crew::{self, Crew, Part, Work};
use crate::failure::{Failure, Kind};
use ringpost_peers::{Peer, Place, Spec};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Whoever has stood still for so long does it for good.
pub const OBSERVATION: Duration = Duration::from_millis(2000);
/// How long the others are watched at least, after each kill.
const WATCH: Duration = Duration::from_millis(15);
/// How long a worker may take to leave by itself.
const LEAVING: Duration = Duration::from_millis(2000);
/// A worker lives for some time of up to so many microseconds.
const LIFE_US: u64 = 4_000;

/// So many kills for each stop of the pause test: they take less time, and many hit somebody who waits.
const KILLS: u32 = 4;

const VICTIMS: [usize; 2] = [0, 2];
const OTHERS: [usize; 2] = [1, 3];

pub(super) fn time(pace: &Pace) -> Duration {
    pace.warm + 2 * KILLS * pace.stops * (WATCH + Duration::from_millis(6))
}

/// Someone is killed, or leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Killed,
    Left,
}

pub(super) fn run<P: Peer>(control: &Control, pace: &Pace) -> Result<Outcome, Failure> {
    assert!(P::ABOUT.place == Place::Processes);
    let spec = spec::<P>();
    let setup = P::set_up(&spec)?;
    let board = flow::board(&spec);
    let stood = crew::run(control, P::ABOUT.place, &board, |crew| {
        for i in 0..2 {
            crew.add(Part::Sender(i), worker::<P>(&setup, spec, i));
        }
        for i in 2..4 {
            crew.add(Part::Receiver(i - 2), worker::<P>(&setup, spec, i));
        }
        crew.begin()?;
        crew.work(pace.warm)?;
        let mut moments = Moments::new();
        let mut worst = [0.0_f64; 2];
        for round in 0..2 * (KILLS * pace.stops) as usize {
            let victim = VICTIMS[round / 2 % VICTIMS.len()];
            let end = [End::Left, End::Killed][round % 2];
            sleep(Duration::from_micros(500 + moments.below(LIFE_US)));
            let stood = one(crew, &board, victim, end, round as u32)?;
            if stood >= OBSERVATION.as_secs_f64() * 1e3 {
                return Ok(OBSERVATION.as_secs_f64() * 1e3);
            }
            worst[round % 2] = worst[round % 2].max(stood);
            crew.replace(victim, worker::<P>(&setup, spec, victim));
            opened(crew, &board, victim)?;
        }
        let [left, killed] = worst;
        Ok((killed - left).max(0.0))
    })?;
    Ok(Outcome::of(stood))
}

/// Ends a worker and watches the others: how long did they stand still, in milliseconds?
fn one(
    crew: &mut Crew<'_, '_>,
    board: &Board,
    victim: usize,
    end: End,
    round: u32,
) -> Result<f64, Failure> {
    board.begin(round + 1);
    match end {
        End::Killed => crew.kill(victim),
        End::Left => {
            board.seat(victim).leave();
            if !crew.ended(victim, LEAVING)? {
                if round == 0 {
                    let reason = "a worker could not leave, before any was killed";
                    return Err(Failure::new(Kind::Hung, reason));
                }
                crew.kill(victim); // it hangs by an earlier kill; the others may not
            }
        }
    }
    let start = Instant::now();
    let others = || OTHERS.into_iter().map(|index| board.seat(index));
    let watch_ms = WATCH.as_secs_f64() * 1e3;
    loop {
        crew.work(WATCH)?;
        let counts = || others().map(|seat| seat.counted());
        let before: Vec<_> = counts().collect();
        crew.work(Duration::from_millis(1))?;
        let moves = before.into_iter().zip(counts()).all(|(was, is)| is > was);
        let stood = pulse::stand_still(others());
        if moves || stood < watch_ms / 2.0 {
            return Ok(stood);
        }
        if start.elapsed() >= OBSERVATION {
            return Ok(OBSERVATION.as_secs_f64() * 1e3);
        }
    }
}

fn worker<'e, P: Peer>(setup: &'e P::Setup, spec: Spec, index: usize) -> Work<'e> {
    if index < 2 {
        pulse::sender::<P>(setup, spec, index)
    } else {
        pulse::receiver::<P>(setup, spec, index - 2, false)
    }
}

/// Waits until the new worker works.
fn opened(crew: &mut Crew<'_, '_>, board: &Board, index: usize) -> Result<(), Failure> {
    let deadline = Instant::now() + crew::PATIENCE;
    while board.seat(index).counted() == 0 {
        if Instant::now() > deadline {
            let reason = "a worker that took the place of one that was killed could not begin";
            return Err(Failure::new(Kind::Hung, reason));
        }
        crew.work(Duration::from_micros(500))?;
    }
    Ok(())
}
