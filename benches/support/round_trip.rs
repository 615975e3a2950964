//! How long 64 bytes take to another process and back.

use super::payload;
use super::processes::{Crew, Outcome};
use super::transport::{Transport, Waiting};
use super::{clock, cpus};

/// The median round trip in nanoseconds, over a queue for each direction.
pub(crate) fn round_trip<T: Transport>(there: &T, back: &T, waiting: Waiting, trips: u64) -> f64 {
    f64::from_bits(run(there, back, waiting, trips).reports[0][0])
}

/// Runs so many round trips.
pub(crate) fn run<T: Transport>(there: &T, back: &T, waiting: Waiting, trips: u64) -> Outcome {
    let [here, across] = cpus::two();
    let scale = clock::ns_per_tick();
    let mut crew = Crew::default();
    crew.add(here, move |place| {
        let mut samples = Vec::with_capacity(trips as usize);
        let mut out = T::buffer();
        place.start();
        let mut before = clock::ticks();
        for number in 0..trips {
            there.put_waiting(&payload::write(number), waiting);
            back.get_waiting(&mut out, waiting);
            assert_eq!(payload::read(out.as_ref()), number, "out of order");
            let now = clock::ticks();
            samples.push((now - before) as u32);
            before = now;
        }
        place.end();
        let median = clock::percentile(&mut samples, 0.5) * scale;
        place.report(&[median.to_bits()]);
    });
    crew.add(across, move |place| {
        let mut out = T::buffer();
        place.start();
        for number in 0..trips {
            there.get_waiting(&mut out, waiting);
            let got = payload::read(out.as_ref());
            assert_eq!(got, number, "out of order");
            back.put_waiting(&payload::write(got), waiting);
        }
        place.end();
    });
    crew.run()
}
