//! The figures of `docs/performance.md`: the queue against plain yardsticks, in one run, as ratios.
//!
//! Absolute figures differ between machines and between hours; ratios of two contestants that ran a moment apart hardly
//! do. So in every round each contestant runs once, in an order that changes from round to round, in real processes that
//! are pinned apart, and a row's ratio is the median of its rounds' ratios.

mod support;

use ringpost::{BytesQueue, Options};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use support::table::{Contestant, Row, Table, Target};
use support::transport::Waiting::{AsItDoes, Spinning};
use support::transport::{Blocking, CAPACITY, Trying};
use support::vyukov::Vyukov;
use support::{
    arguments, clock, costs, cpus, handover, ping_pong, round_trip::round_trip, throughput,
};

/// Items of a throughput run: some 100 to 300 ms.
const ITEMS: u64 = 3_000_000;
/// Round trips of a run that spins: some 100 ms.
const TRIPS: u64 = 150_000;
const MIB: usize = 1 << 20;
/// Contestants of one process: it does not matter to them how far apart the processors are.
const ALONE: &[&str] = &[
    "queue alone",
    "ring alone",
    "waiting",
    "loan 1 MiB",
    "loan 64 B",
    "touched",
];

/// The targets of two to two and four to four are for the ring as it is, which only spins. Where both offer the processor to
/// others, one of each side runs at any moment: that is one to one again, with the one-to-one ratio.
const ROWS: &[Row] = &[
    ratio(
        "1 to 1, 64 B",
        "queue 1-1",
        "ring 1-1",
        Target::AtLeast(0.9),
    ),
    ratio(
        "2 to 2, 64 B, both yielding",
        "queue 2-2",
        "ring 2-2",
        Target::None,
    ),
    ratio(
        "4 to 4, 64 B, both yielding",
        "queue 4-4",
        "ring 4-4",
        Target::None,
    ),
    ratio(
        "2 to 2, 64 B, both only spinning",
        "spinning queue 2-2",
        "spinning ring 2-2",
        Target::AtLeast(1.8),
    ),
    ratio(
        "4 to 4, 64 B, both only spinning",
        "spinning queue 4-4",
        "spinning ring 4-4",
        Target::AtLeast(1.8),
    ),
    ratio(
        "1 to 1, 64 B, blocking calls",
        "blocking 1-1",
        "ring 1-1",
        Target::None,
    ),
    ratio(
        "2 to 2, 64 B, blocking calls",
        "blocking 2-2",
        "ring 2-2",
        Target::None,
    ),
    ratio(
        "4 to 4, 64 B, blocking calls",
        "blocking 4-4",
        "ring 4-4",
        Target::None,
    ),
    ratio(
        "put + get in one thread",
        "queue alone",
        "ring alone",
        Target::None,
    ),
    ratio(
        "round trip, spinning",
        "queue trip",
        "ring trip",
        Target::AtMost(1.4),
    ),
    ratio(
        "round trip, spinning, to a bare cache line",
        "queue trip",
        "line trip",
        Target::None,
    ),
    ratio(
        "round trip, blocking calls to spinning",
        "blocking trip",
        "queue trip",
        Target::AtMost(1.3),
    ),
    ratio(
        "put_many, get_many of 64 to put, get",
        "batches",
        "singles",
        Target::AtLeast(1.5),
    ),
    alone(
        "waiting process, % of a processor",
        "waiting",
        Target::Below(1.0),
    ),
    ratio(
        "loan cycle, 1 MiB to 64 B",
        "loan 1 MiB",
        "loan 64 B",
        Target::AtMost(2.0),
    ),
    ratio(
        "1 MiB by copy to bare processes",
        "queue 1 MiB",
        "bare 1 MiB",
        Target::AtLeast(0.85),
    ),
    alone(
        "opened queue, 1 GiB of arena, MiB touched",
        "touched",
        Target::Below(2.0),
    ),
];

const fn ratio(
    figure: &'static str,
    ours: &'static str,
    baseline: &'static str,
    target: Target,
) -> Row {
    Row {
        figure,
        ours,
        baseline: Some(baseline),
        target,
    }
}

const fn alone(figure: &'static str, ours: &'static str, target: Target) -> Row {
    Row {
        figure,
        ours,
        baseline: None,
        target,
    }
}

fn contestants() -> Vec<Contestant> {
    let contestant = |name, unit, measure| Contestant {
        name,
        unit,
        most: if name == "waiting" { 3 } else { usize::MAX },
        between: !ALONE.contains(&name),
        measure,
        samples: Vec::new(),
    };
    vec![
        contestant("queue 1-1", "M/s", || {
            throughput::many(&Trying::new(), 1, AsItDoes, ITEMS)
        }),
        contestant("ring 1-1", "M/s", || {
            throughput::many(&ring(), 1, AsItDoes, ITEMS)
        }),
        contestant("blocking 1-1", "M/s", || {
            throughput::many(&Blocking::new(), 1, AsItDoes, ITEMS)
        }),
        contestant("queue 2-2", "M/s", || {
            throughput::many(&Trying::new(), 2, AsItDoes, ITEMS)
        }),
        contestant("ring 2-2", "M/s", || {
            throughput::many(&ring(), 2, AsItDoes, ITEMS)
        }),
        contestant("spinning queue 2-2", "M/s", || {
            throughput::many(&Trying::new(), 2, Spinning, ITEMS)
        }),
        contestant("spinning ring 2-2", "M/s", || {
            throughput::many(&ring(), 2, Spinning, ITEMS)
        }),
        contestant("blocking 2-2", "M/s", || {
            throughput::many(&Blocking::new(), 2, AsItDoes, ITEMS)
        }),
        contestant("queue 4-4", "M/s", || {
            throughput::many(&Trying::new(), 4, AsItDoes, ITEMS)
        }),
        contestant("ring 4-4", "M/s", || {
            throughput::many(&ring(), 4, AsItDoes, ITEMS)
        }),
        contestant("spinning queue 4-4", "M/s", || {
            throughput::many(&Trying::new(), 4, Spinning, ITEMS)
        }),
        contestant("spinning ring 4-4", "M/s", || {
            throughput::many(&ring(), 4, Spinning, ITEMS)
        }),
        contestant("blocking 4-4", "M/s", || {
            throughput::many(&Blocking::new(), 4, AsItDoes, ITEMS)
        }),
        contestant("queue alone", "ns", || {
            costs::put_and_get(&Trying::new(), 2_000_000)
        }),
        contestant("ring alone", "ns", || {
            costs::put_and_get(&ring(), 2_000_000)
        }),
        contestant("queue trip", "ns", || {
            round_trip(&Trying::new(), &Trying::new(), Spinning, TRIPS)
        }),
        contestant("ring trip", "ns", || {
            round_trip(&ring(), &ring(), Spinning, TRIPS)
        }),
        contestant("blocking trip", "ns", || {
            round_trip(&Blocking::new(), &Blocking::new(), AsItDoes, TRIPS)
        }),
        contestant("line trip", "ns", || ping_pong::ping_pong(TRIPS)),
        contestant("batches", "M/s", || {
            throughput::in_batches(&queue(), ITEMS / 2)
        }),
        contestant("singles", "M/s", || throughput::singly(&queue(), ITEMS / 2)),
        contestant("waiting", "%", costs::waiting),
        contestant("loan 1 MiB", "ns", || costs::loan_cycle(MIB, 500_000)),
        contestant("loan 64 B", "ns", || costs::loan_cycle(64, 500_000)),
        contestant("queue 1 MiB", "GB/s", || handover::through_queue(1000)),
        contestant("bare 1 MiB", "GB/s", || handover::bare(1000)),
        contestant("touched", "MiB", costs::touched),
    ]
}

fn ring() -> Vyukov {
    Vyukov::new(CAPACITY)
}

fn queue() -> BytesQueue {
    let options = Options::new().capacity(CAPACITY);
    options.anonymous().expect("creating a queue")
}

fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if cpus::allowed().len() < 2 {
        eprintln!("warning: only one processor: both sides share it, and the ratios mean little");
    }
    clock::ns_per_tick();
    let rows: Vec<Row> = ROWS
        .iter()
        .filter(|row| row.figure.contains(&arguments.only))
        .copied()
        .collect();
    let mut contestants = contestants();
    contestants.retain(|contestant| {
        let name = contestant.name;
        rows.iter()
            .any(|row| row.ours == name || row.baseline == Some(name))
    });
    if contestants.is_empty() {
        eprintln!("no figure's name contains {:?}", arguments.only);
        return ExitCode::from(2);
    }
    for round in 0..arguments.rounds {
        run_round(&mut contestants, round, arguments.line);
        eprintln!("round {} of {}", round + 1, arguments.rounds);
    }
    let table = Table {
        rows: &rows,
        contestants: &contestants,
    };
    print!("{}", table.markdown());
    if let Some(path) = arguments.json
        && let Err(error) = std::fs::write(&path, table.json())
    {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    if !table.all_met() {
        eprintln!("not every target is met");
    }
    ExitCode::SUCCESS
}

/// Every contestant once: from another one on in each round, and backwards in every other.
fn run_round(contestants: &mut [Contestant], round: usize, line: (f64, f64)) {
    let count = contestants.len();
    for i in 0..count {
        let step = if round.is_multiple_of(2) {
            i
        } else {
            count - 1 - i
        };
        let contestant = &mut contestants[(step + round / 2 * 5) % count];
        if round < contestant.most {
            contestant.samples.push(measure(contestant, line));
        }
    }
}

/// Measures while the processors are as far apart as was asked for: a hypervisor may run two of them as threads of one
/// core, where a cache line is shared for nothing, and then again on two cores. The same contest has two outcomes.
fn measure(contestant: &Contestant, (least, greatest): (f64, f64)) -> f64 {
    if !contestant.between || (least <= 0.0 && greatest.is_infinite()) {
        return (contestant.measure)();
    }
    let as_asked = || (least..=greatest).contains(&ping_pong::ping_pong(5_000));
    let deadline = Instant::now() + Duration::from_secs(600);
    loop {
        if as_asked() {
            let figure = (contestant.measure)();
            if as_asked() {
                return figure;
            }
        }
        assert!(
            Instant::now() < deadline,
            "a cache line never took {least} to {greatest} ns"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
