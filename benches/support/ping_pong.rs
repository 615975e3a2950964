//! The floor under every round trip: one cache line that two processes hand to each other.

use super::area::Area;
use super::processes::{Crew, Outcome};
use super::{clock, cpus};
use std::sync::atomic::Ordering::{Acquire, Release};

/// The median round trip in nanoseconds.
pub(crate) fn ping_pong(trips: u64) -> f64 {
    f64::from_bits(run(trips).reports[0][0])
}

/// Runs so many round trips.
pub(crate) fn run(trips: u64) -> Outcome {
    let area = Area::new(4096);
    let line = area.u64_at(0);
    let [here, across] = cpus::two();
    let scale = clock::ns_per_tick();
    let mut crew = Crew::default();
    crew.add(here, |place| {
        let mut samples = Vec::with_capacity(trips as usize);
        place.start();
        let mut before = clock::ticks();
        for number in 0..trips {
            line.store(2 * number + 1, Release);
            while line.load(Acquire) != 2 * number + 2 {
                std::hint::spin_loop();
            }
            let now = clock::ticks();
            samples.push((now - before) as u32);
            before = now;
        }
        place.end();
        let median = clock::percentile(&mut samples, 0.5) * scale;
        place.report(&[median.to_bits()]);
    });
    crew.add(across, |place| {
        place.start();
        for number in 0..trips {
            while line.load(Acquire) != 2 * number + 1 {
                std::hint::spin_loop();
            }
            line.store(2 * number + 2, Release);
        }
        place.end();
    });
    crew.run()
}
