//! `quarantine`: what it lists, and what becomes of what it is told to put back or drop.

mod common;

use common::Queue;

/// A queue with these items in its quarantine, and their positions.
fn with(items: &[u8]) -> (Queue, Vec<String>) {
    let queue = Queue::new();
    queue.feed("put", &[], items).expect_code(0);
    queue
        .work(&["--quiet", "--max-deliveries", "2"], &["false"])
        .expect_code(5);
    let positions = queue
        .quarantined()
        .into_iter()
        .map(|item| item.0.to_string());
    let positions = positions.collect();
    (queue, positions)
}

#[test]
fn it_lists_printable_text_whatever_is_in_it() {
    let (queue, positions) = with(b"plain\n\x1b[31mred\xff\n");
    let list = queue.run("quarantine", &[]).expect_code(0).expect_quiet();
    let lines: Vec<_> = list.text().lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].ends_with("payload"), "{lines:?}");
    assert!(lines[1].contains(&positions[0]) && lines[1].ends_with(" plain"));
    assert!(lines[2].ends_with(r" \u{1b}[31mred\xff"), "{}", lines[2]);
    let json = queue.run("quarantine", &["--json"]).expect_code(0).json();
    assert_eq!(json[0]["deliveries"], 2);
    assert_eq!(json[0]["len"], 5);
    assert_eq!(json[1]["preview"], r"\u{1b}[31mred\xff");
    let show = queue.run("quarantine", &["--show", &positions[1]]);
    assert_eq!(show.expect_code(0).stdout(), b"\x1b[31mred\xff");
}

#[test]
fn an_empty_one_lists_nothing() {
    let queue = Queue::new();
    let list = queue.run("quarantine", &[]).expect_code(0).expect_quiet();
    assert_eq!(list.text(), "");
    let json = queue.run("quarantine", &["--json"]).expect_code(0).json();
    assert_eq!(json, serde_json::json!([]));
    for action in ["--requeue", "--discard"] {
        let ended = queue.run("quarantine", &["--all", action]);
        ended.expect_code(0).expect_quiet();
    }
}

#[test]
fn what_is_put_back_is_delivered_and_counted_anew() {
    let (queue, positions) = with(b"a\nb\nc\n");
    let args = ["--requeue", &positions[0], &positions[2]];
    queue.run("quarantine", &args).expect_code(0).expect_quiet();
    let script = "echo $(cat) $RINGPOST_DELIVERIES";
    let worked = queue.work(&[], &["sh", "-c", script]).expect_code(0);
    assert_eq!(worked.text(), "a 1\nc 1\n");
    let left: Vec<_> = queue.quarantined().into_iter().map(|item| item.2).collect();
    assert_eq!(left, ["b"]);
    queue
        .run("quarantine", &["--all", "--requeue"])
        .expect_code(0);
    assert_eq!(queue.run("get", &[]).stdout(), b"b\n");
}

#[test]
fn what_is_discarded_is_gone() {
    let (queue, positions) = with(b"a\nb\nc\n");
    queue
        .run("quarantine", &[&positions[1], "--discard"])
        .expect_code(0);
    let left: Vec<_> = queue.quarantined().into_iter().map(|item| item.2).collect();
    assert_eq!(left, ["a", "c"]);
    queue
        .run("quarantine", &["--all", "--discard"])
        .expect_code(0);
    assert_eq!(queue.figure("free"), queue.figure("descriptors"));
}

#[test]
fn one_that_is_not_there_is_told_and_the_others_are_done() {
    let (queue, positions) = with(b"a\n");
    let ended = queue.run("quarantine", &["--requeue", "7", &positions[0]]);
    ended
        .expect_code(3)
        .expect_complaint("item 7 is not in the quarantine");
    assert_eq!(queue.run("get", &[]).stdout(), b"a\n");
    let ended = queue.run("quarantine", &["--show", "7"]);
    ended
        .expect_code(3)
        .expect_complaint("item 7 is not in the quarantine");
}

#[test]
fn stat_tells_how_many_are_leased_and_quarantined() {
    let (queue, _) = with(b"a\nb\n");
    queue.feed("put", &[], b"c\n").expect_code(0);
    let worker = queue.start("work", &["--", "sleep", "600"]);
    common::eventually("it is leased", || queue.figure("loaned") == 1);
    let stat = queue.run("stat", &[]).expect_code(0);
    let text = stat.text();
    assert!(text.contains("2 in quarantine, 1 leased"), "{text}");
    drop(worker);
}
