//! The queue's own figures, and three yardsticks in the same run: a cache line between two processes, a plain Vyukov ring
//! over the same kind of memory, and `memcpy`.
//!
//! `cargo bench --bench queue`. Everything between processes runs in real ones, pinned apart; what a sample says is the time
//! from the first process's start to the last one's end.

// The macros of criterion make public functions without a word about them.
#![allow(missing_docs)]

mod support;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use std::hint::black_box;
use std::time::Duration;
use support::payload::{self, BYTES};
use support::round_trip::run;
use support::sizes::{self, By};
use support::transport::{Blocking, CAPACITY, Transport, Trying, Waiting};
use support::vyukov::Vyukov;
use support::{ping_pong, throughput};

/// Ten samples of 60 ms a figure, after 100 ms to settle: what is compared here differs by more than that blurs.
fn settings() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(600))
        .configure_from_args()
}

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    criterion.benchmark_group(name)
}

/// A put and a get of 64 bytes in one thread.
fn one_process(criterion: &mut Criterion) {
    fn cycle<T: Transport>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, transport: &T) {
        let mut out = T::buffer();
        let bytes = payload::write(7);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                transport.put(black_box(&bytes));
                transport.get(&mut out);
                payload::read(black_box(out.as_ref()))
            });
        });
    }
    let mut group = group(criterion, "round trip, one process");
    cycle(&mut group, "queue", &Blocking::new());
    cycle(&mut group, "yardstick: Vyukov ring", &Vyukov::new(CAPACITY));
    group.finish();
}

/// 64 bytes to another process and back.
fn two_processes(criterion: &mut Criterion) {
    let mut group = group(criterion, "round trip, two processes");
    group.bench_function("queue, spinning", |bencher| {
        let (there, back) = (Trying::new(), Trying::new());
        bencher.iter_custom(|trips| run(&there, &back, Waiting::Spinning, trips).elapsed);
    });
    group.bench_function("queue, blocking calls", |bencher| {
        let (there, back) = (Blocking::new(), Blocking::new());
        bencher.iter_custom(|trips| run(&there, &back, Waiting::AsItDoes, trips).elapsed);
    });
    group.bench_function("yardstick: Vyukov ring, spinning", |bencher| {
        let (there, back) = (Vyukov::new(CAPACITY), Vyukov::new(CAPACITY));
        bencher.iter_custom(|trips| run(&there, &back, Waiting::Spinning, trips).elapsed);
    });
    group.bench_function("yardstick: cache line", |bencher| {
        bencher.iter_custom(|trips| ping_pong::run(trips).elapsed);
    });
    group.finish();
}

/// From so many processes to as many others, by size, copied and lent.
fn between_processes(criterion: &mut Criterion) {
    for pairs in [1, 2, 4] {
        let mut group = group(criterion, &format!("throughput, {pairs} to {pairs}"));
        for size in [8, 64, 1 << 10, 64 << 10, 1 << 20] {
            group.throughput(Throughput::Bytes(size as u64));
            for by in [By::Copy, By::Loan] {
                let id = BenchmarkId::new(format!("{by:?}"), size);
                group.bench_function(id, |bencher| {
                    bencher.iter_custom(|items| sizes::run(size, pairs, by, items));
                });
            }
        }
        group.throughput(Throughput::Bytes(BYTES as u64));
        group.bench_function(
            BenchmarkId::new("yardstick: Vyukov ring", BYTES),
            |bencher| {
                bencher.iter_custom(|items| {
                    throughput::run(&Vyukov::new(CAPACITY), pairs, Waiting::AsItDoes, items)
                });
            },
        );
        group.finish();
    }
}

/// One copy within one process: what no queue that copies can beat, and a hand-over copies twice.
fn memcpy(criterion: &mut Criterion) {
    let mut group = group(criterion, "yardstick: memcpy");
    for size in [8, 64, 1 << 10, 64 << 10, 1 << 20] {
        let (from, mut to) = (vec![7_u8; size], vec![0_u8; size]);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| black_box(&mut to[..]).copy_from_slice(black_box(&from)));
        });
    }
    group.finish();
}

criterion_group! {
    name = queue;
    config = settings();
    targets = one_process, two_processes, between_processes, memcpy
}
criterion_main!(queue);
