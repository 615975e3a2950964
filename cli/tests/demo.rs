//! The demo with small numbers: what it prints, what it leaves, and how it fails.

mod common;

use common::{Running, Signal, eventually, run};
use std::io::Write;

#[test]
fn it_passes_with_its_own_text() {
    let ended = run(&["demo", "--messages", "5000"])
        .expect_code(0)
        .expect_quiet();
    let text = ended.text();
    assert!(
        text.starts_with("5,000 lines, 0.2 MB, from 2 producers to 2 consumers\n"),
        "{text}"
    );
    for part in [
        "check       passed",
        "messages/s",
        "B/s",
        "p99.9",
        "round trip",
        "█",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let wide = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(wide, None);
}

#[test]
fn it_moves_any_file_with_any_crew() {
    let path = std::env::temp_dir().join(format!("ringpost-demo-test.{}", std::process::id()));
    let mut file = std::fs::File::create(&path).expect("a place for it");
    file.write_all(b"short\n\n\xff\xfe\n").expect("room");
    file.write_all(&vec![b'x'; 300_000]).expect("room");
    drop(file);
    let input = path.to_str().expect("text");
    for (producers, consumers) in [("1", "1"), ("3", "1"), ("1", "4")] {
        let args = [
            "demo",
            "--json",
            "--input",
            input,
            "--producers",
            producers,
            "--consumers",
            consumers,
        ];
        let json = run(&args).expect_code(0).expect_quiet().json();
        assert_eq!(json["messages"], 4);
        assert_eq!(json["bytes"], 300_007);
        assert_eq!(json["check"]["passed"], true);
        assert_eq!(json["check"]["arrived"], 4);
        assert_eq!(json["producers"].to_string(), producers);
        assert_eq!(json["consumers"].to_string(), consumers);
    }
    std::fs::remove_file(&path).expect("ours");
}

#[test]
fn its_json_has_every_figure() {
    let json = run(&["demo", "--json", "--messages", "3000"])
        .expect_code(0)
        .json();
    for fault in ["lost", "duplicated", "reordered", "altered", "unknown"] {
        assert_eq!(json["check"][fault], 0, "{fault}");
    }
    for figure in ["seconds", "messages_per_second", "bytes_per_second"] {
        assert!(json[figure].as_f64().expect("a number") > 0.0, "{figure}");
    }
    for latency in ["latency_under_load_ns", "round_trip_ns"] {
        let at = |percentile| json[latency][percentile].as_u64().expect("a number");
        let percentiles = ["p50", "p90", "p99", "p99.9", "max"].map(at);
        assert!(
            percentiles[0] > 0 && percentiles.is_sorted(),
            "{latency}: {percentiles:?}"
        );
    }
}

#[test]
fn its_queue_goes_unless_it_is_kept() {
    let name = |json: &serde_json::Value| json["queue"].as_str().expect("a name").to_owned();
    let gone = name(
        &run(&["demo", "--json", "--messages", "10"])
            .expect_code(0)
            .json(),
    );
    run(&["stat", &gone]).expect_code(3);
    let kept = common::Queue(name(
        &run(&["demo", "--json", "--messages", "10", "--keep"]).json(),
    ));
    assert_eq!(kept.len(), 0);
}

#[test]
fn ctrl_c_ends_it_and_leaves_nothing() {
    let demo = Running::start(&["demo", "--messages", "1000000000"]);
    let children = children(&demo, 4);
    let name = format!("demo.{}", demo.0.id());
    demo.signal(Signal::INT);
    demo.finish().expect_code(130).expect_quiet();
    run(&["stat", &name]).expect_code(3);
    eventually("its processes are gone", || {
        children
            .iter()
            .all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())
    });
}

#[test]
fn a_process_that_is_killed_fails_it() {
    for victim in ["consumer", "producer"] {
        let demo = Running::start(&["demo", "--messages", "1000000000"]);
        let name = format!("demo.{}", demo.0.id());
        let plays = |pid: &&i32| {
            let path = format!("/proc/{pid}/cmdline");
            std::fs::read_to_string(path).is_ok_and(|line| line.contains(&format!("\0{victim}\0")))
        };
        let children = children(&demo, 4);
        let pid = *children.iter().find(plays).expect("there is one");
        let pid = rustix::process::Pid::from_raw(pid).expect("not 0");
        rustix::process::kill_process(pid, Signal::KILL).expect("it runs");
        let ended = demo
            .finish()
            .expect_code(3)
            .expect_complaint("ended before its work was done");
        assert!(ended.stderr().contains(victim), "{}", ended.stderr());
        run(&["stat", &name]).expect_code(3);
    }
}

#[test]
fn its_processes_die_with_it() {
    let demo = Running::start(&["demo", "--messages", "1000000000"]);
    let children = children(&demo, 4);
    let queue = common::Queue(format!("demo.{}", demo.0.id()));
    demo.signal(Signal::KILL);
    drop(demo);
    eventually("its processes are gone", || {
        children
            .iter()
            .all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())
    });
    drop(queue);
}

#[test]
fn a_bad_input_is_told() {
    run(&["demo", "--input", "/no/such/file"])
        .expect_code(3)
        .expect_complaint("/no/such/file");
    run(&["demo", "--input", "/dev/null"])
        .expect_code(3)
        .expect_complaint("not a regular file");
    run(&["demo", "--producers", "0"]).expect_code(2);
    run(&[
        "demo-role",
        "producer",
        "--queue",
        "x",
        "--messages",
        "1",
        "--parent",
        "1",
    ])
    .expect_code(3);
}

/// The demo's processes, once all of them run.
fn children(demo: &Running, number: usize) -> Vec<i32> {
    let pid = demo.0.id();
    let path = format!("/proc/{pid}/task/{pid}/children");
    let mut children = Vec::new();
    eventually("all processes have started", || {
        let line = std::fs::read_to_string(&path).unwrap_or_default();
        children = line
            .split_whitespace()
            .map(|pid| pid.parse().expect("a pid"))
            .collect();
        children.len() == number
    });
    // Past the exec, and into the work.
    std::thread::sleep(std::time::Duration::from_millis(200));
    children
}
