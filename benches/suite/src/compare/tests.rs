//! A change is found, noise is not, and another machine is noticed.

use super::*;
use crate::results::{Contestant, Place, SCHEMA};

/// A run of twenty figures of twenty contestants in `rounds` rounds; the seed makes the noise.
fn run(seed: u64, rounds: usize, factor_of: impl Fn(&str) -> f64) -> Results {
    let mut state = seed;
    let mut noise = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        0.95 + 0.1 * ((state >> 11) as f64 / (1_u64 << 53) as f64)
    };
    let names = (0..20).map(|n| match n {
        0 => "ringpost".to_owned(),
        1 => "SPSC ring".to_owned(),
        n => format!("peer {n}"),
    });
    let mut peers = Vec::new();
    let mut figures = Vec::new();
    for name in names {
        peers.push(Contestant {
            name: name.clone(),
            version: "1".into(),
            role: match name.as_str() {
                "ringpost" => Role::Ours,
                "SPSC ring" => Role::Yardstick,
                _ => Role::Peer,
            },
            place: Place::Processes,
            claims_before_writing: false,
            locks: false,
            note: String::new(),
        });
        for n in 0..20 {
            let values = (0..rounds).map(|_| Some(100.0 * factor_of(&name) * noise()));
            figures.push(Figure {
                measurement: format!("m/{n}"),
                peer: name.clone(),
                unit: "ns".into(),
                better: Better::Lower,
                rounds: values.collect(),
                observed: None,
            });
        }
    }
    Results {
        schema: SCHEMA,
        started: String::new(),
        seconds: 1.0,
        command: String::new(),
        quick: false,
        rounds,
        machine: Machine {
            processor: "one".into(),
            processors: 2,
            caches: Vec::new(),
            memory: 1,
            kernel: "Linux 6.1".into(),
            governor: None,
            virtual_machine: None,
            steal_percent: 0.0,
            load: 0.0,
            versions: vec![("rustc".into(), "1.95.0".into())],
        },
        peers,
        figures,
        curves: Vec::new(),
        left_out: Vec::new(),
    }
}

fn count(comparison: &Comparison, verdict: Verdict) -> usize {
    let changes = comparison.changes.iter();
    changes.filter(|change| change.verdict == verdict).count()
}

#[test]
fn two_runs_of_the_same_show_nothing_but_noise() {
    for seed in 0..5 {
        let (new, old) = (run(2 * seed, 9, |_| 1.0), run(2 * seed + 1, 9, |_| 1.0));
        let comparison = compare(&new, &old);
        assert_eq!(comparison.changes.len(), 400);
        assert_eq!(count(&comparison, Verdict::Real), 0, "seed {seed}");
        assert!(count(&comparison, Verdict::Likely) <= 2, "seed {seed}");
    }
}

#[test]
fn a_change_of_a_quarter_is_found_and_only_that() {
    let faster = |name: &str| if name == "ringpost" { 0.75 } else { 1.0 };
    let (new, old) = (run(1, 9, faster), run(2, 9, |_| 1.0));
    let comparison = compare(&new, &old);
    let real = comparison
        .changes
        .iter()
        .filter(|c| c.verdict == Verdict::Real);
    let real: Vec<&Change> = real.collect();
    assert_eq!(real.len(), 20);
    assert!(
        real.iter()
            .all(|c| c.figure.peer == "ringpost" && c.improved())
    );
    assert!((real[0].factor - 0.75).abs() < 0.05);
}

#[test]
fn one_change_in_few_rounds_is_only_likely() {
    let (mut new, old) = (run(1, 3, |_| 1.0), run(2, 3, |_| 1.0));
    for value in new.figures[5].rounds.iter_mut().flatten() {
        *value *= 2.0;
    }
    let comparison = compare(&new, &old);
    assert_eq!(count(&comparison, Verdict::Real), 0);
    let likely = comparison
        .changes
        .iter()
        .find(|c| c.verdict == Verdict::Likely);
    let likely = likely.expect("a factor of two is seen");
    assert_eq!(likely.figure.measurement, new.figures[5].measurement);
    assert!(!likely.improved());
}

#[test]
fn what_befalls_everybody_is_no_change_of_ours() {
    // All but ours are another 30 % off, up or down: on such a machine 20 % of ours mean nothing.
    let drifting = |name: &str| match name {
        "ringpost" => 1.2,
        name if name.ends_with(['1', '3', '5', '7', '9']) => 1.3,
        _ => 0.75,
    };
    let (new, old) = (run(1, 9, drifting), run(2, 9, |_| 1.0));
    let comparison = compare(&new, &old);
    assert!(comparison.drift.unwrap() > 1.25);
    let ours = comparison
        .changes
        .iter()
        .filter(|c| c.figure.peer == "ringpost");
    assert!(ours.clone().count() == 20);
    assert!(ours.into_iter().all(|c| c.verdict == Verdict::Noise));
}

#[test]
fn on_another_machine_ratios_to_the_yardstick_are_compared() {
    let (mut new, old) = (run(1, 9, |_| 3.0), run(2, 9, |_| 1.0));
    new.machine.kernel = "Linux 6.2".into();
    let comparison = compare(&new, &old);
    assert_eq!(
        comparison.machine,
        [("kernel", "Linux 6.1".to_owned(), "Linux 6.2".to_owned())]
    );
    // The yardstick itself has nothing to be compared with.
    assert_eq!(comparison.changes.len(), 380);
    for change in &comparison.changes {
        assert_eq!(change.reference, Some("SPSC ring"));
        assert!(
            (change.factor - 1.0).abs() < 0.1,
            "everything was three times slower"
        );
    }
    assert_eq!(count(&comparison, Verdict::Real), 0);
}

#[test]
fn what_only_one_run_has_and_other_versions_are_named() {
    let (mut new, mut old) = (run(1, 3, |_| 1.0), run(2, 3, |_| 1.0));
    new.figures.remove(0);
    old.figures.remove(399);
    new.machine.versions[0].1 = "1.96.0".into();
    new.peers[2].version = "2".into();
    let comparison = compare(&new, &old);
    assert_eq!(
        comparison.unmatched,
        [("m/19", "peer 19", true), ("m/0", "ringpost", false)]
    );
    let text = |name: &str, then: &str, now: &str| (name.into(), then.into(), now.into());
    assert_eq!(
        comparison.versions,
        [text("rustc", "1.95.0", "1.96.0"), text("peer 2", "1", "2")]
    );
}

#[test]
fn nothing_is_said_of_ratios_with_zero() {
    let (mut new, mut old) = (run(1, 3, |_| 1.0), run(2, 3, |_| 1.0));
    new.figures[0].rounds = vec![Some(0.0); 3];
    old.figures[1].rounds = vec![Some(-1.0); 3];
    new.figures[2].rounds = vec![None; 3];
    let comparison = compare(&new, &old);
    assert_eq!(comparison.changes.len(), 397);
    assert!(comparison.changes.iter().all(|c| c.factor.is_finite()));
}
