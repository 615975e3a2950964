//! Who takes part in the run that never was, how fast they are, and where.

use crate::results::{Contestant, LeftOut, Machine, Place, Results, Role, SCHEMA};

/// Name, role, place, and in µs the round trip spinning, busy, idle; 64 B one to one and two to two in M/s; 1 MiB in GB/s.
/// What is zero was not measured.
pub(super) type Row = (&'static str, Role, Place, [f64; 6]);

pub(super) const ROWS: &[Row] = {
    use Place::{Processes, Threads};
    use Role::{Limit, Ours, Peer, Yardstick};
    &[
        (
            "ringpost",
            Ours,
            Processes,
            [0.46, 0.78, 81.0, 17.6, 14.1, 13.2],
        ),
        (
            "ringpost single-consumer",
            Ours,
            Processes,
            [0.41, 0.0, 0.0, 19.1, 0.0, 0.0],
        ),
        (
            "cache line",
            Limit,
            Processes,
            [0.308, 0.0, 0.0, 0.0, 0.0, 0.0],
        ),
        ("futex", Limit, Processes, [0.0, 0.0, 80.0, 0.0, 0.0, 0.0]),
        ("memcpy", Limit, Processes, [0.0, 0.0, 0.0, 0.0, 0.0, 27.0]),
        (
            "SPSC ring",
            Yardstick,
            Processes,
            [0.50, 0.0, 0.0, 62.0, 0.0, 14.4],
        ),
        (
            "Vyukov ring",
            Yardstick,
            Processes,
            [0.40, 0.67, 79.0, 16.7, 6.2, 13.8],
        ),
        (
            "crossbeam ArrayQueue",
            Peer,
            Threads,
            [0.86, 0.0, 0.0, 14.8, 10.8, 13.0],
        ),
        (
            "crossbeam-channel",
            Peer,
            Threads,
            [0.87, 1.2, 80.0, 11.5, 12.0, 12.4],
        ),
        ("kanal", Peer, Threads, [1.52, 1.24, 79.0, 6.2, 10.3, 10.5]),
        ("flume", Peer, Threads, [1.61, 2.2, 84.0, 5.1, 6.3, 9.8]),
        (
            "iceoryx2",
            Peer,
            Processes,
            [1.38, 99.0, 101.0, 1.27, 0.0, 15.6],
        ),
        ("shaq", Peer, Processes, [0.84, 0.0, 0.0, 5.6, 0.4, 12.9]),
        (
            "Boost message_queue",
            Peer,
            Processes,
            [2.71, 82.0, 83.0, 5.9, 6.9, 3.8],
        ),
        ("pipe", Peer, Processes, [2.06, 84.0, 85.0, 2.95, 1.1, 0.49]),
        (
            "POSIX message queue",
            Peer,
            Processes,
            [2.96, 84.5, 85.0, 0.14, 0.79, 0.0],
        ),
        (
            "Unix stream socket",
            Peer,
            Processes,
            [4.17, 88.0, 89.0, 0.92, 0.0, 2.6],
        ),
        (
            "Unix seqpacket socket",
            Peer,
            Processes,
            [4.4, 87.0, 90.0, 0.81, 0.66, 2.1],
        ),
        (
            "ipc-channel",
            Peer,
            Processes,
            [4.55, 92.0, 93.0, 0.99, 0.0, 1.8],
        ),
        (
            "ZeroMQ ipc",
            Peer,
            Processes,
            [82.0, 95.0, 104.0, 6.8, 0.0, 1.4],
        ),
        (
            "robust mutex",
            Peer,
            Processes,
            [1.9, 83.0, 86.0, 7.2, 5.4, 6.1],
        ),
    ]
};

/// In µs the round trip; in K/s tuples, batches, 1 KiB, 2 to 2; arrays a second.
pub(super) const PYTHON: &[(&str, Role, [f64; 6])] = &[
    (
        "ringpost",
        Role::Ours,
        [3.1, 1410.0, 2100.0, 1230.0, 1602.0, 16_200.0],
    ),
    (
        "multiprocessing.Queue",
        Role::Peer,
        [131.0, 172.0, 0.0, 142.0, 195.0, 284.0],
    ),
    (
        "SimpleQueue",
        Role::Peer,
        [107.0, 256.0, 0.0, 214.0, 0.0, 367.0],
    ),
    ("Pipe", Role::Peer, [79.0, 327.0, 0.0, 275.0, 0.0, 448.0]),
    (
        "faster-fifo",
        Role::Peer,
        [120.0, 200.0, 325.0, 190.0, 241.0, 725.0],
    ),
    (
        "faster-fifo polling",
        Role::Peer,
        [14.8, 0.0, 0.0, 0.0, 0.0, 0.0],
    ),
    (
        "py-sharedmemory",
        Role::Peer,
        [260.0, 61.0, 0.0, 60.0, 0.0, 1380.0],
    ),
];

pub(super) fn contestant(name: &str, role: Role, place: Place) -> Contestant {
    Contestant {
        name: name.into(),
        version: "1.2.3".into(),
        role,
        place,
        claims_before_writing: ["Vyukov ring", "crossbeam ArrayQueue", "shaq"].contains(&name),
        locks: name.contains("mutex") || name.starts_with("Boost"),
        note: match name {
            "POSIX message queue" => {
                "At most 10 messages of 8 KiB fit, unless root allows more.".into()
            }
            _ => String::new(),
        },
    }
}

pub(super) fn empty() -> Results {
    let versions = [
        ("rustc", "1.95.0"),
        ("python3", "3.13.5"),
        ("gcc", "12.2.0"),
    ];
    let left_out = [
        (
            "iceoryx2",
            "throughput/2-2",
            "pairs of one sender and one receiver: no queue for many",
        ),
        (
            "Boost message_queue",
            "round-trip/spinning/64 KiB",
            "a message is at most 8 KiB",
        ),
        (
            "Aeron",
            "",
            "needs a driver in a process of its own, which is not in Debian",
        ),
    ];
    Results {
        schema: SCHEMA,
        started: "2026-11-21T07:45:26Z".into(),
        seconds: 1834.0,
        command: "cargo xtask bench --json results.json".into(),
        quick: false,
        rounds: 9,
        machine: Machine {
            processor: "AMD EPYC 9R14 96-Core Processor".into(),
            processors: 2,
            caches: vec![
                ("L1d".into(), 32 << 10),
                ("L2".into(), 1 << 20),
                ("L3".into(), 32 << 20),
            ],
            memory: 8_321_499_136,
            kernel: "Linux 6.18.44".into(),
            governor: None,
            virtual_machine: Some("Amazon EC2".into()),
            steal_percent: 1.9,
            load: 0.31,
            versions: versions
                .map(|(name, version)| (name.into(), version.into()))
                .into(),
        },
        peers: Vec::new(),
        figures: Vec::new(),
        curves: Vec::new(),
        left_out: left_out
            .map(|(peer, measurement, reason)| LeftOut {
                peer: peer.into(),
                measurement: measurement.into(),
                reason: reason.into(),
            })
            .into(),
    }
}
