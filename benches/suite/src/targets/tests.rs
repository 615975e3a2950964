//! Targets computed from figures that can be checked by hand.

use super::*;
use crate::results::{Better, Contestant, Figure, LeftOut, Machine, Results, SCHEMA};

fn results(peers: &[(&str, Role, Place, bool)], figures: &[(&str, &str, &[f64])]) -> Results {
    let contestant = |(name, role, place, claims): &(&str, Role, Place, bool)| Contestant {
        name: (*name).into(),
        version: "1".into(),
        role: *role,
        place: *place,
        claims_before_writing: *claims,
        locks: false,
        note: String::new(),
    };
    let figure = |(measurement, peer, rounds): &(&str, &str, &[f64])| Figure {
        measurement: (*measurement).into(),
        peer: (*peer).into(),
        unit: "ns".into(),
        better: Better::Lower,
        rounds: rounds.iter().copied().map(Some).collect(),
        observed: None,
    };
    Results {
        schema: SCHEMA,
        started: "2026-01-02T03:04:05Z".into(),
        seconds: 1.0,
        command: "cargo xtask bench".into(),
        quick: true,
        rounds: 3,
        machine: Machine {
            processor: "one".into(),
            processors: 2,
            caches: Vec::new(),
            memory: 1,
            kernel: "Linux".into(),
            governor: None,
            virtual_machine: None,
            steal_percent: 0.0,
            load: 0.0,
            versions: Vec::new(),
        },
        peers: peers.iter().map(contestant).collect(),
        figures: figures.iter().map(figure).collect(),
        curves: Vec::new(),
        left_out: vec![LeftOut {
            peer: "shaq".into(),
            measurement: String::new(),
            reason: "it does not build".into(),
        }],
    }
}

const OURS: (&str, Role, Place, bool) = ("ringpost", Role::Ours, Place::Processes, false);

fn with<T>(results: &Results, key: &str, check: impl FnOnce(Outcome) -> T) -> T {
    let target = TARGETS.iter().find(|target| target.key() == key);
    let target = target.unwrap_or_else(|| panic!("no target has the key {key}"));
    check(target.outcome(&View::new(results)))
}

#[test]
fn a_bound_is_kept_by_what_equals_it() {
    assert!(Bound::AtMost(0.9).holds(0.9) && !Bound::AtMost(0.9).holds(0.91));
    assert!(Bound::AtLeast(2.0).holds(2.0) && !Bound::AtLeast(2.0).holds(1.99));
}

#[test]
fn a_ratio_is_the_median_of_the_rounds_ratios() {
    let spinning = "round-trip/spinning/64 B";
    let results = results(
        &[
            OURS,
            ("Vyukov ring", Role::Yardstick, Place::Processes, true),
        ],
        &[
            (spinning, "ringpost", &[440.0, 600.0, 480.0]),
            (spinning, "Vyukov ring", &[400.0, 400.0, 400.0]),
        ],
    );
    with(
        &results,
        "round-trip/spinning/64 B vs Vyukov ring",
        |outcome| {
            let measured = outcome.measured.unwrap();
            assert!((measured.median - 1.2).abs() < 1e-12);
            assert!((measured.least - 1.1).abs() < 1e-12);
            assert!((measured.greatest - 1.5).abs() < 1e-12);
            assert_eq!(outcome.met, Some(true), "at most 1.2");
        },
    );
    with(&results, "round-trip/spinning/64 B vs shaq", |outcome| {
        assert_eq!((outcome.met, outcome.measured), (None, None));
        assert_eq!(outcome.missing, "shaq: it does not build");
    });
    with(
        &results,
        "round-trip/spinning/64 B vs iceoryx2",
        |outcome| {
            assert_eq!(
                outcome.missing,
                "no figure of iceoryx2 in round-trip/spinning/64 B"
            );
        },
    );
    with(
        &results,
        "round-trip/busy/64 B vs every sleeper",
        |outcome| {
            assert_eq!(
                outcome.missing,
                "no figure of ringpost in round-trip/busy/64 B"
            );
        },
    );
}

#[test]
fn of_several_the_worst_counts_and_threads_only_where_they_are_meant() {
    let wide = "throughput/2-2/64 B/copy";
    let mut results = results(
        &[
            OURS,
            ("pipe", Role::Peer, Place::Processes, false),
            ("robust mutex", Role::Peer, Place::Processes, false),
            ("kanal", Role::Peer, Place::Threads, false),
            ("Vyukov ring", Role::Yardstick, Place::Processes, true),
        ],
        &[
            (wide, "ringpost", &[14.0]),
            (wide, "pipe", &[1.0]),
            (wide, "robust mutex", &[5.6]),
            (wide, "kanal", &[10.0]),
            (wide, "Vyukov ring", &[99.0]),
        ],
    );
    with(
        &results,
        "throughput/2-2/64 B/copy vs every peer",
        |outcome| {
            assert_eq!(outcome.against, Some("robust mutex"));
            assert_eq!(
                (outcome.measured.unwrap().median, outcome.met),
                (2.5, Some(true))
            );
        },
    );
    with(
        &results,
        "throughput/2-2/64 B/copy vs every peer and thread",
        |outcome| {
            assert_eq!(outcome.against, Some("kanal"));
            assert_eq!(
                (outcome.measured.unwrap().median, outcome.met),
                (1.4, Some(false))
            );
        },
    );
    results.figures.truncate(1);
    with(
        &results,
        "throughput/2-2/64 B/copy vs every peer",
        |outcome| {
            assert_eq!(outcome.met, None);
            assert!(outcome.missing.contains("nobody to compare with"));
        },
    );
}

#[test]
fn a_peer_that_spins_first_is_no_sleeper() {
    let busy = "round-trip/busy/64 B";
    let results = results(
        &[
            OURS,
            ("futex", Role::Limit, Place::Processes, false),
            ("kanal", Role::Peer, Place::Threads, false),
            ("pipe", Role::Peer, Place::Processes, false),
            ("ipc-channel", Role::Peer, Place::Processes, false),
        ],
        &[
            (busy, "ringpost", &[800.0]),
            (busy, "kanal", &[1200.0]),
            (busy, "pipe", &[80_000.0]),
            (busy, "ipc-channel", &[100_000.0]),
            ("round-trip/idle/64 B", "futex", &[80_000.0]),
        ],
    );
    with(
        &results,
        "round-trip/busy/64 B vs every sleeper",
        |outcome| {
            assert_eq!(outcome.against, Some("pipe"));
            assert_eq!(
                (outcome.measured.unwrap().median, outcome.met),
                (0.01, Some(true))
            );
        },
    );
}

#[test]
fn who_claims_first_is_told_by_the_results() {
    let results = results(
        &[
            OURS,
            ("Vyukov ring", Role::Yardstick, Place::Processes, true),
            ("shaq", Role::Peer, Place::Processes, true),
            ("pipe", Role::Peer, Place::Processes, false),
        ],
        &[
            ("pause/longest", "ringpost", &[6.0]),
            ("pause/longest", "Vyukov ring", &[200.0]),
            ("pause/longest", "shaq", &[100.0]),
            ("pause/longest", "pipe", &[0.1]),
            ("kill/stand-still", "ringpost", &[0.4]),
            ("kill/stand-still", "pipe", &[0.2]),
        ],
    );
    with(&results, "pause/longest vs every claimer", |outcome| {
        assert_eq!(outcome.against, Some("shaq"));
        assert_eq!(
            (outcome.measured.unwrap().median, outcome.met),
            (0.06, Some(false))
        );
    });
    with(&results, "kill/stand-still vs itself", |outcome| {
        assert_eq!(
            (outcome.measured.unwrap().median, outcome.met),
            (0.4, Some(true))
        );
        assert_eq!(outcome.beside.len(), 1);
    });
}

#[test]
fn batches_and_calls_of_another_measurement_are_compared() {
    let results = results(
        &[
            OURS,
            ("SPSC ring", Role::Yardstick, Place::Processes, false),
            ("faster-fifo", Role::Peer, Place::Python, false),
            ("faster-fifo polling", Role::Peer, Place::Python, false),
        ],
        &[
            ("batches/64 B", "ringpost", &[31.0]),
            ("throughput/1-1/64 B/copy", "SPSC ring", &[62.0]),
            ("python/throughput/1-1/tuple", "ringpost", &[0.9]),
            ("python/batches/tuple", "faster-fifo", &[0.3]),
            ("python/batches/tuple", "faster-fifo polling", &[9.0]),
        ],
    );
    let key = "batches/64 B vs SPSC ring in throughput/1-1/64 B/copy";
    with(&results, key, |outcome| {
        assert_eq!(
            (outcome.measured.unwrap().median, outcome.met),
            (0.5, Some(true))
        );
    });
    let key = "python/throughput/1-1/tuple vs faster-fifo in python/batches/tuple";
    with(&results, key, |outcome| {
        assert_eq!(outcome.against, Some("faster-fifo"));
        assert!((outcome.measured.unwrap().median - 3.0).abs() < 1e-12);
    });
}

#[test]
fn keys_are_unique_and_every_explanation_has_its_target() {
    let mut keys: Vec<String> = TARGETS.iter().map(Target::key).collect();
    for (key, _) in EXPLANATIONS {
        assert!(keys.iter().any(|k| k == key), "no target has the key {key}");
    }
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), all);
}
