//! The storm itself: rounds over the shapes, until the time is over or enough have died.

use crate::common::PATIENCE;
use crate::common::child::die_after;
use crate::player::Dice;
use crate::round::Round;
use crate::shape::{Shape, shapes};
use crate::totals::{Totals, table};
use crate::{Length, show};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Without a wish.
const SHORT: Duration = Duration::from_secs(5);
/// Kills take a thirtieth of a second on a quiet machine of two CPUs; this is for one that is not.
const LONGEST_KILL: Duration = Duration::from_millis(500);

pub(crate) fn play(length: Length, seed: u64, interrupted: &AtomicBool) {
    let time = match length {
        Length {
            seconds: Some(seconds),
            ..
        } => Some(Duration::from_secs(seconds)),
        Length { kills: Some(_), .. } => None,
        _ => Some(SHORT),
    };
    die_after(10 * PATIENCE + time.unwrap_or(LONGEST_KILL * length.kills.unwrap_or(0) as u32));
    let started = Instant::now();
    let enough = |kills: u64| {
        interrupted.load(Relaxed)
            || time.is_some_and(|time| started.elapsed() >= time)
            || length.kills.is_some_and(|most| kills >= most)
    };
    let shapes = shapes();
    let mut sums: Vec<Totals> = shapes.iter().map(|_| Totals::new()).collect();
    let mut seeds = Dice::new(seed);
    let mut kills = 0;
    for number in 0.. {
        // At least one round, however short.
        if number > 0 && enough(kills) {
            break;
        }
        let at = number as usize % shapes.len();
        let round = Round {
            shape: &shapes[at],
            number,
            only_leases: number / shapes.len() as u64 % 2 == 1,
            seed: seeds.below(u64::MAX),
        };
        // However short the whole, each shape has its turn.
        let until = time.map(|time| Instant::now() + time / shapes.len() as u32);
        let totals = round.play(|in_round| {
            enough(kills + in_round) || until.is_some_and(|until| Instant::now() >= until)
        });
        kills += totals.kills;
        sums[at].add(&totals);
        let left = time.map(|time| time.saturating_sub(started.elapsed()));
        progress(&round, &totals, kills, left);
        if !totals.are_good() {
            show(&report(seed, &shapes, &sums));
            let name = shapes[at].name;
            let table = table(&[(name, &totals)]);
            panic!("round {number} ({name}), seed {seed}:\n{table}");
        }
    }
    show(&report(seed, &shapes, &sums));
}

fn report(seed: u64, shapes: &[Shape], sums: &[Totals]) -> String {
    let mut all = Totals::new();
    sums.iter().for_each(|sum| all.add(sum));
    let names = shapes.iter().map(|shape| shape.name);
    let mut columns: Vec<_> = names.zip(sums).collect();
    columns.retain(|(_, sum)| sum.rounds > 0);
    columns.push(("all", &all));
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "\nstorm: seed {seed}, {} kills in {:.0} s, {cpus} CPUs\n{}",
        all.kills,
        all.time.as_secs_f64(),
        table(&columns)
    )
}

/// A line for whoever watches.
fn progress(round: &Round<'_>, totals: &Totals, kills: u64, left: Option<Duration>) {
    let left = left.map_or(String::new(), |left| format!("; {} s left", left.as_secs()));
    eprintln!(
        "round {} ({}{}): {} kills, {} items; {kills} kills so far{left}",
        round.number,
        round.shape.name,
        if round.only_leases {
            ", leases only"
        } else {
            ""
        },
        totals.kills,
        totals.put,
    );
}
