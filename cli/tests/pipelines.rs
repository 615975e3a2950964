//! Items in, items out: framing, files, pipes, and more than one process at a queue.

mod common;

use common::{Queue, Running, run};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};

#[test]
fn lines_come_out_as_they_went_in() {
    let queue = Queue::new();
    queue
        .feed("put", &[], b"one\n\n  three\t\n\xff\xfe\nfive")
        .expect_code(0)
        .expect_quiet();
    assert_eq!(queue.len(), 5);
    let got = queue.run("get", &[]).expect_code(0).expect_quiet();
    assert_eq!(got.stdout(), b"one\n\n  three\t\n\xff\xfe\nfive\n");
    assert_eq!(queue.len(), 0);
}

#[test]
fn a_file_is_put_line_by_line() {
    let queue = Queue::new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/text/alice29.txt");
    let text = std::fs::read(path).expect("shipped");
    let mut put = queue.start("put", &[path]);
    drop(put.0.stdin.take());
    let got = queue.run("get", &["--count", "3608"]).expect_code(0);
    put.finish().expect_code(0);
    assert!(got.stdout() == text, "the text has changed on the way");
}

#[test]
fn a_dash_is_stdin() {
    let queue = Queue::new();
    queue.feed("put", &["-"], b"a\n").expect_code(0);
    assert_eq!(queue.run("get", &[]).stdout(), b"a\n");
}

#[test]
fn nul_keeps_line_ends_within_items() {
    let queue = Queue::new();
    queue
        .feed("put", &["--null"], b"a\nb\0\0c\0")
        .expect_code(0);
    assert_eq!(queue.len(), 3);
    let got = queue.run("get", &["-0"]).expect_code(0);
    assert_eq!(got.stdout(), b"a\nb\0\0c\0");
}

#[test]
fn length_prefixes_keep_any_bytes() {
    let queue = Queue::with(&["--arena", "1M"]);
    let every_byte: Vec<u8> = (0..=255).collect();
    let long = vec![7; 300_000];
    let items: [&[u8]; 6] = [b"", b"\n", &every_byte, b"", &long, b"a\0b\nc"];
    let stream = length_prefixed(&items);
    queue
        .feed("put", &["--length-prefixed"], &stream)
        .expect_code(0)
        .expect_quiet();
    assert_eq!(queue.len(), 6);
    let got = queue.run("get", &["--length-prefixed"]).expect_code(0);
    assert!(got.stdout() == stream, "the bytes have changed on the way");
}

#[test]
fn one_queue_feeds_another() {
    let (from, to) = (Queue::new(), Queue::new());
    let stream = length_prefixed(&[b"", b"x\n\0", b"last"]);
    from.feed("put", &["--length-prefixed"], &stream)
        .expect_code(0);
    let mut get = from.start("get", &["--length-prefixed"]);
    let stdout = get.0.stdout.take().expect("a pipe");
    let mut put = common::ringpost(&["put", &to.0, "--length-prefixed"]);
    let put = Running(put.stdin(stdout).spawn().expect("it starts"));
    get.finish().expect_code(0);
    put.finish().expect_code(0);
    assert_eq!(to.run("get", &["--length-prefixed"]).stdout(), stream);
}

#[test]
fn a_hundred_thousand_lines_pass_through_a_small_queue() {
    let queue = Queue::with(&["--capacity", "7"]);
    let text: String = (0..100_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    let get = queue.start("get", &["--count", "100000"]);
    let put = queue.start("put", &[]);
    let writer = std::thread::spawn({
        let text = text.clone();
        move || put.feed(text.as_bytes())
    });
    let got = get.finish().expect_code(0).expect_quiet();
    writer
        .join()
        .expect("no panic")
        .expect_code(0)
        .expect_quiet();
    assert!(
        got.stdout() == text.as_bytes(),
        "the lines have changed on the way"
    );
}

#[test]
fn followers_share_what_comes_until_the_shutdown() {
    let queue = Queue::new();
    let followers: Vec<Running> = (0..3).map(|_| queue.start("get", &["--follow"])).collect();
    let readers: Vec<_> = followers
        .into_iter()
        .map(|one| std::thread::spawn(move || one.finish()))
        .collect();
    let text: String = (0..20_000).map(|number| format!("{number}\n")).collect();
    queue.feed("put", &[], text.as_bytes()).expect_code(0);
    queue.run("shutdown", &[]).expect_code(0);

    let mut all = BTreeSet::new();
    let mut count = 0;
    for reader in readers {
        let ended = reader
            .join()
            .expect("no panic")
            .expect_code(0)
            .expect_quiet();
        let numbers: Vec<u32> = ended
            .text()
            .lines()
            .map(|line| line.parse().expect("whole"))
            .collect();
        assert!(
            numbers.is_sorted(),
            "one producer's items are in order for every consumer"
        );
        count += numbers.len();
        all.extend(numbers);
    }
    assert_eq!(count, 20_000);
    assert_eq!(all.len(), 20_000);
}

#[test]
fn an_item_goes_all_the_way_at_once() {
    let queue = Queue::new();
    let mut put = queue.start("put", &[]);
    let mut get = queue.start("get", &["--follow"]);
    let mut stdin = put.0.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(get.0.stdout.take().expect("a pipe"));
    // Neither end is closed: each line must arrive before the next one is written.
    for number in 0..20 {
        let line = format!("{number}\n");
        stdin.write_all(line.as_bytes()).expect("it reads");
        let mut arrived = String::new();
        stdout.read_line(&mut arrived).expect("it writes");
        assert_eq!(arrived, line);
    }
    drop(stdin);
    put.finish().expect_code(0);
    queue.run("shutdown", &["--now"]).expect_code(0);
    get.finish().expect_code(0);
}

#[test]
fn put_creates_only_when_told() {
    let queue = Queue::missing();
    queue
        .feed("put", &[], b"a\n")
        .expect_code(3)
        .expect_complaint("no queue");
    queue.feed("put", &["--create"], b"a\n").expect_code(0);
    queue.feed("put", &["--create"], b"b\n").expect_code(0);
    assert_eq!(queue.run("get", &[]).stdout(), b"a\nb\n");
}

#[test]
fn count_takes_no_more_than_that() {
    let queue = Queue::new();
    queue.feed("put", &[], b"a\nb\nc\n").expect_code(0);
    assert_eq!(
        queue.run("get", &["-n", "2"]).expect_code(0).stdout(),
        b"a\nb\n"
    );
    assert_eq!(queue.run("get", &["-n", "0"]).expect_code(0).stdout(), b"");
    assert_eq!(queue.len(), 1);
}

#[test]
fn help_has_examples_and_exit_codes() {
    let help = run(&["--help"]).expect_code(0);
    assert!(help.text().contains("Exit codes:") && help.text().contains("141"));
    for subcommand in [
        "create",
        "put",
        "get",
        "work",
        "quarantine",
        "stat",
        "ls",
        "rm",
        "shutdown",
        "demo",
    ] {
        let help = run(&[subcommand, "--help"]).expect_code(0);
        assert!(help.text().contains("Examples:"), "{subcommand}");
        let wide = help.text().lines().find(|line| line.chars().count() > 100);
        assert_eq!(wide, None, "{subcommand}");
    }
}

/// The stream that `--length-prefixed` means.
fn length_prefixed(items: &[&[u8]]) -> Vec<u8> {
    let mut stream = Vec::new();
    for item in items {
        let length = u32::try_from(item.len()).expect("short");
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(item);
    }
    stream
}
