//! `stat` and `ls`, for people and as JSON; `create`'s options as `stat` shows them; `rm`.

mod common;

use common::{Queue, run};
use std::os::unix::fs::PermissionsExt;

#[test]
fn stat_shows_what_create_was_told() {
    let options = [
        "--capacity",
        "100",
        "--in-flight",
        "7",
        "--inline",
        "200",
        "--arena",
        "1.5M",
    ];
    let more = ["--chunk", "8K", "--participants", "9", "--mode", "640"];
    let queue = Queue::with(&[&options[..], &more[..]].concat());
    queue.feed("put", &[], b"a\nb\n").expect_code(0);
    let json = queue
        .run("stat", &["--json"])
        .expect_code(0)
        .expect_quiet()
        .json();
    assert_eq!(json["name"], queue.0);
    assert_eq!(json["path"], format!("/dev/shm/ringpost.{}", queue.0));
    assert_eq!(json["state"], "open");
    assert_eq!(json["queued"], 2);
    assert_eq!(json["total_put"], 2);
    assert_eq!(json["capacity"], 100);
    assert_eq!(json["arena_bytes"], 3 << 19);
    assert_eq!(json["chunk_bytes"], 8192);
    assert!(json["inline_bytes"].as_u64() >= Some(200));
    assert_eq!(json["places"], 9);
    assert_eq!(json["participants"][0]["command"], "ringpost");

    let file = std::fs::metadata(format!("/dev/shm/ringpost.{}", queue.0)).expect("there");
    assert_eq!(file.permissions().mode() & 0o777, 0o640);
}

#[test]
fn the_help_of_create_says_what_it_makes() {
    let queue = Queue::new();
    let stat = queue.run("stat", &["--json"]).expect_code(0).json();
    let made = |key: &str| stat[key].as_u64().expect("a number");
    let file = std::fs::metadata(format!("/dev/shm/ringpost.{}", queue.0)).expect("there");
    let help = run(&["create", "--help"]).expect_code(0);
    let help = help.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let defaults = [
        ("--capacity", made("capacity").to_string()),
        ("--inline", made("inline_bytes").to_string()),
        ("--arena", format!("{}M", made("arena_bytes") >> 20)),
        ("--chunk", format!("{}K", made("chunk_bytes") >> 10)),
        ("--participants", made("places").to_string()),
        ("--mode", format!("{:o}", file.permissions().mode() & 0o777)),
    ];
    for (option, default) in defaults {
        let said = format!("[default: {default}]");
        let text = help.split(option).nth(1).expect("an option");
        assert!(text.contains(&said), "{option} {said}\n{help}");
        let others = text.split(&said).next().expect("what is before it");
        assert!(!others.contains("[default"), "{option} {said}");
    }
}

#[test]
fn stat_is_readable() {
    let queue = Queue::new();
    queue.feed("put", &[], b"a\n").expect_code(0);
    let stat = queue.run("stat", &[]).expect_code(0).expect_quiet();
    assert!(stat.text().contains("1 of 1,024 queued"), "{}", stat.text());
    assert!(stat.text().contains("(this one)"), "{}", stat.text());
    let wide = stat.text().lines().find(|line| line.chars().count() > 80);
    assert_eq!(wide, None);
}

#[test]
fn ls_finds_every_queue_also_those_it_cannot_use() {
    let (good, shut, broken) = (Queue::new(), Queue::new(), Queue::new());
    good.feed("put", &[], b"a\nb\n").expect_code(0);
    shut.run("shutdown", &[]).expect_code(0);
    std::fs::write(format!("/dev/shm/ringpost.{}", broken.0), b"nonsense").expect("ours");

    let json = run(&["ls", "--json"]).expect_code(0).expect_quiet().json();
    let all = json.as_array().expect("an array");
    let find = |queue: &Queue| {
        all.iter()
            .find(|entry| entry["name"] == queue.0)
            .expect("listed")
    };
    assert_eq!(find(&good)["queued"], 2);
    assert_eq!(find(&good)["shutdown"], false);
    assert_eq!(find(&good)["mode"], "600");
    assert_eq!(find(&shut)["shutdown"], true);
    assert!(find(&broken)["error"].is_string());

    let text = run(&["ls"]).expect_code(0).expect_quiet();
    let line = |queue: &Queue| {
        let mut lines = text.text().lines();
        lines
            .find(|line| line.split(' ').next() == Some(&queue.0))
            .expect("listed")
            .to_owned()
    };
    assert!(line(&good).contains(" 2 "), "{}", text.text());
    assert!(line(&shut).ends_with("shut down"), "{}", text.text());
    assert!(line(&broken).ends_with("unusable"), "{}", text.text());
}

#[test]
fn rm_removes_all_it_can() {
    let (first, missing, last) = (Queue::new(), Queue::missing(), Queue::new());
    let args = ["rm", &first.0, &missing.0, &last.0];
    run(&args).expect_code(3).expect_complaint("no queue");
    first.run("stat", &[]).expect_code(3);
    last.run("stat", &[]).expect_code(3);
    run(&["rm", "--force", &missing.0])
        .expect_code(0)
        .expect_quiet();
}

#[test]
fn who_has_it_open_keeps_a_removed_queue() {
    let queue = Queue::new();
    let get = queue.start("get", &["--count", "1"]);
    common::eventually("it is open", || {
        let json = queue.run("stat", &["--json"]).json();
        json["participants"]
            .as_array()
            .is_some_and(|all| all.len() == 2)
    });
    queue.run("rm", &[]).expect_code(0);
    // A new queue of that name is another one.
    queue.run("create", &[]).expect_code(0);
    queue.feed("put", &[], b"for the new one\n").expect_code(0);
    assert_eq!(queue.run("get", &[]).stdout(), b"for the new one\n");
    drop(get);
}
