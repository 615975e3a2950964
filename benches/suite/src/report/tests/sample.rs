//! A run that never was: figures of the size that real ones have, with what goes wrong in real runs.

use super::rows::{PYTHON, ROWS, contestant, empty};
use crate::results::{Better, Curve, Figure, Place, Results, Role};

/// Deterministic noise.
struct Noise(u64);

impl Noise {
    /// A factor within that share of one.
    fn factor(&mut self, share: f64) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let unit = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        1.0 + share * (2.0 * unit - 1.0)
    }
}

struct Builder {
    results: Results,
    noise: Noise,
    rounds: usize,
}

impl Builder {
    fn figure(&mut self, measurement: &str, peer: &str, unit: &str, better: Better, value: f64) {
        let rounds = (0..self.rounds).map(|_| Some(value * self.noise.factor(0.06)));
        let rounds = rounds.collect();
        self.exact(measurement, peer, unit, better, rounds);
    }

    fn exact(
        &mut self,
        measurement: &str,
        peer: &str,
        unit: &str,
        better: Better,
        rounds: Vec<Option<f64>>,
    ) {
        self.results.figures.push(Figure {
            measurement: measurement.into(),
            peer: peer.into(),
            unit: unit.into(),
            better,
            rounds,
            observed: None,
        });
    }

    /// A distribution with a tail, around that median.
    fn curve(&mut self, measurement: &str, peer: &str, median: f64) {
        let wake = 60_000.0 * self.noise.factor(0.5);
        let steps = (0..=40).map(|n| n as f64 / 10.0);
        let mut points: Vec<(f64, f64)> = steps
            .map(|nines| {
                let tail = (nines - 0.3_f64).max(0.0);
                let value = median * (0.8 + 0.66 * nines.min(0.3)) * (1.0 + 0.25 * tail);
                let jump = if nines > 2.6 {
                    wake * (nines - 2.6)
                } else {
                    0.0
                };
                (100.0 * (1.0 - 10_f64.powf(-nines)), value + jump)
            })
            .collect();
        points.extend([(50.0, median), (100.0, 4.1e6 * self.noise.factor(0.9))]);
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.results.curves.push(Curve {
            measurement: measurement.into(),
            peer: peer.into(),
            count: 1_250_000,
            points,
        });
    }
}

/// A run; another seed is another run of the same code on the same machine.
pub(super) fn sample(seed: u64) -> Results {
    let mut builder = Builder {
        results: empty(),
        noise: Noise(seed),
        rounds: 9,
    };
    for (name, role, place, values) in ROWS {
        builder.results.peers.push(contestant(name, *role, *place));
        library(&mut builder, name, *place, values);
    }
    for (name, role, values) in PYTHON {
        builder
            .results
            .peers
            .push(contestant(name, *role, Place::Python));
        python(&mut builder, name, values);
    }
    stops(&mut builder);
    let mut results = builder.results;
    // One round that failed, and one contestant that never got through.
    let spoiled = results
        .figures
        .iter_mut()
        .filter(|f| f.peer == "kanal")
        .nth(1);
    spoiled.expect("kanal has figures").rounds[3] = None;
    let lost = results
        .figures
        .iter_mut()
        .filter(|f| f.peer == "ZeroMQ ipc")
        .nth(3);
    lost.expect("ZeroMQ has figures").rounds.fill(None);
    results
}

fn library(builder: &mut Builder, name: &str, place: Place, values: &[f64; 6]) {
    let [spinning, busy, idle, small, wide, large] = *values;
    for (kind, micros) in [("spinning", spinning), ("busy", busy), ("idle", idle)] {
        if micros > 0.0 {
            let measurement = format!("round-trip/{kind}/64 B");
            builder.figure(&measurement, name, "ns", Better::Lower, micros * 1e3);
            builder.curve(&measurement, name, micros * 1e3);
        }
    }
    let peer = !["cache line", "futex", "memcpy"].contains(&name);
    if small > 0.0 && peer {
        let payloads = [("8 B", 1.1), ("64 B", 1.0), ("1 KiB", 0.3)];
        for (payload, share) in payloads {
            let measurement = format!("throughput/1-1/{payload}/copy");
            builder.figure(&measurement, name, "M/s", Better::Higher, small * share);
        }
        for (rate, micros) in [("10 %", 1.0), ("50 %", 1.4), ("90 %", 30.0)] {
            let measurement = format!("latency/{rate}/64 B");
            builder.figure(
                &measurement,
                name,
                "ns",
                Better::Lower,
                spinning.max(0.3) * 900.0 * micros,
            );
            builder.curve(&measurement, name, spinning.max(0.3) * 300.0 * micros);
        }
        builder.figure("batches/64 B", name, "M/s", Better::Higher, small * 1.7);
        builder.figure(
            "memory/touched",
            name,
            "MiB",
            Better::Lower,
            0.08 + large / 3.0,
        );
        for depth in [16, 64, 256, 1024, 4096, 65_536] {
            let share = 0.4 + 0.1 * f64::from(depth).log2().min(6.0);
            builder.figure(
                &format!("growth/depth/{depth}"),
                name,
                "M/s",
                Better::Higher,
                small * share,
            );
        }
    }
    if wide > 0.0 {
        builder.figure(
            "throughput/2-2/64 B/copy",
            name,
            "M/s",
            Better::Higher,
            wide,
        );
        for participants in [1, 2, 4, 8] {
            let measurement = format!("growth/participants/{participants}");
            builder.figure(
                &measurement,
                name,
                "M/s",
                Better::Higher,
                wide / f64::from(participants).sqrt(),
            );
        }
    }
    if large > 0.0 {
        builder.figure(
            "throughput/1-1/64 KiB/copy",
            name,
            "GB/s",
            Better::Higher,
            large * 1.3,
        );
        builder.figure(
            "throughput/1-1/1 MiB/copy",
            name,
            "GB/s",
            Better::Higher,
            large,
        );
    }
    if ["ringpost", "iceoryx2", "Vyukov ring"].contains(&name) {
        builder.figure(
            "throughput/1-1/64 KiB/in place",
            name,
            "GB/s",
            Better::Higher,
            large * 1.9,
        );
        builder.figure(
            "throughput/1-1/1 MiB/in place",
            name,
            "GB/s",
            Better::Higher,
            large * 1.4,
        );
        let handovers = if name == "iceoryx2" { 1.2 } else { 15.0 };
        builder.figure(
            "throughput/1-1/1 MiB/untouched",
            name,
            "M/s",
            Better::Higher,
            handovers,
        );
    }
    if idle > 0.0 && place == Place::Processes && peer {
        let share = if name == "ZeroMQ ipc" { 0.8 } else { 0.0 };
        builder.figure("idle/processor", name, "%", Better::Lower, share);
    }
}

fn python(builder: &mut Builder, name: &str, values: &[f64; 6]) {
    let [trip, tuple, batches, kilobyte, wide, arrays] = *values;
    let mut add = |measurement: &str, unit, better, value: f64| {
        if value > 0.0 {
            builder.figure(&format!("python/{measurement}"), name, unit, better, value);
        }
    };
    add("round-trip/64 B", "ns", Better::Lower, trip * 1e3);
    add("throughput/1-1/tuple", "M/s", Better::Higher, tuple / 1e3);
    add(
        "throughput/1-1/1 KiB",
        "M/s",
        Better::Higher,
        kilobyte / 1e3,
    );
    add(
        "throughput/1-1/1 MB array",
        "M/s",
        Better::Higher,
        arrays / 1e6,
    );
    add("throughput/2-2/64 B", "M/s", Better::Higher, wide / 1e3);
    add("batches/tuple", "M/s", Better::Higher, batches / 1e3);
    builder.curve("python/round-trip/64 B", name, trip * 1e3);
}

/// The pause and the kill test: who stands still, and one that does so for good.
fn stops(builder: &mut Builder) {
    for (name, longest, killed) in [
        ("ringpost", 0.9, 0.2),
        ("Vyukov ring", 99.0, 2000.0),
        ("crossbeam ArrayQueue", 99.4, 0.0),
        ("shaq", 98.0, 2000.0),
        ("Boost message_queue", 97.0, 2000.0),
        ("robust mutex", 96.0, 4.0),
        ("pipe", -0.01, 0.1),
    ] {
        builder.figure("pause/longest", name, "ms", Better::Lower, longest);
        builder.figure("pause/p99.9", name, "ms", Better::Lower, longest / 3.0);
        if killed > 0.0 {
            let rounds = vec![Some(killed); builder.rounds];
            builder.exact("kill/stand-still", name, "ms", Better::Lower, rounds);
            let last = builder.results.figures.last_mut();
            last.expect("one was just added").observed = Some(2000.0);
        }
    }
}

/// A run of very many with very long names, all in the same place, or extremely far apart.
pub(super) fn crowd() -> Results {
    let mut builder = Builder {
        results: empty(),
        noise: Noise(7),
        rounds: 3,
    };
    for n in 0..30 {
        let name = format!("Wonderfully.Multiparticipant WWWW message_queue number {n}");
        let role = if n == 0 { Role::Ours } else { Role::Peer };
        builder
            .results
            .peers
            .push(contestant(&name, role, Place::Processes));
        builder.curve("round-trip/busy/64 B", &name, 1000.0);
        builder.figure("round-trip/busy/64 B", &name, "ns", Better::Lower, 1000.0);
        builder.figure("idle/processor", &name, "%", Better::Lower, 0.0);
        let extreme = 10_f64.powi(n - 12);
        builder.figure("round-trip/idle/64 B", &name, "ns", Better::Lower, extreme);
        for depth in [16, 17, 18, 65_536] {
            builder.figure(
                &format!("growth/depth/{depth}"),
                &name,
                "M/s",
                Better::Higher,
                extreme,
            );
        }
    }
    builder.results
}
