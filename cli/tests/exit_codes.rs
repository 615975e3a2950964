//! Every exit code that `--help` documents, and the line on stderr that goes with it.

mod common;

use common::{Queue, Signal, eventually, run};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn nothing_there_is_1() {
    let queue = Queue::new();
    queue.run("get", &[]).expect_code(1).expect_quiet();
    let start = Instant::now();
    queue
        .run("get", &["--timeout", "0.2"])
        .expect_code(1)
        .expect_quiet();
    queue
        .run("get", &["--follow", "--timeout", "200ms"])
        .expect_code(1)
        .expect_quiet();
    assert!(start.elapsed() >= Duration::from_millis(400));

    queue.feed("put", &[], b"a\nb\n").expect_code(0);
    let got = queue
        .run("get", &["--count", "3", "--timeout", "0.1"])
        .expect_code(1);
    assert_eq!(got.stdout(), b"a\nb\n");
    got.expect_complaint("2 of 3");

    queue.feed("put", &[], b"a\n").expect_code(0);
    queue
        .run("get", &["--follow", "--timeout", "0.1"])
        .expect_code(0)
        .expect_quiet();
}

#[test]
fn no_room_in_time_is_1() {
    let queue = Queue::with(&["--capacity", "2"]);
    let put = queue
        .feed("put", &["--timeout", "0.1"], b"a\nb\nc\n")
        .expect_code(1);
    put.expect_complaint("after 2 items: timed out");
    assert_eq!(queue.run("get", &[]).stdout(), b"a\nb\n");
}

#[test]
fn a_wrong_command_line_is_2() {
    let wrong: [&[&str]; 16] = [
        &[],
        &["fetch"],
        &["put"],
        &["rm"],
        &["create", "x", "--capacity", "many"],
        &["create", "x", "--arena", "4X"],
        &["create", "x", "--mode", "999"],
        &["get", "x", "--null", "--length-prefixed"],
        &["get", "x", "--follow", "--count", "1"],
        &["work", "x"],
        &["work", "x", "true"],
        &["work", "x", "-j", "0", "--", "true"],
        &["quarantine", "x", "--requeue"],
        &["quarantine", "x", "--all"],
        &["quarantine", "x", "7"],
        &["quarantine", "x", "--requeue", "--discard", "--all"],
    ];
    for args in wrong {
        let stderr = run(args).expect_code(2).stderr();
        assert!(
            stderr.contains("--help") || stderr.contains("Usage"),
            "{args:?}: {stderr}"
        );
    }
}

#[test]
fn a_queue_that_is_not_there_is_3() {
    let queue = Queue::missing();
    for subcommand in ["put", "get", "stat", "rm", "shutdown"] {
        queue
            .run(subcommand, &[])
            .expect_code(3)
            .expect_complaint("no queue");
    }
    run(&["get", "a/b"]).expect_code(3).expect_complaint("a/b");
    run(&["get", &"x".repeat(300)])
        .expect_code(3)
        .expect_complaint("200 bytes");
    queue
        .run("create", &["--capacity", "0"])
        .expect_code(3)
        .expect_complaint("capacity of 0");
    queue
        .run("create", &["--chunk", "5000"])
        .expect_code(3)
        .expect_complaint("power of two");
}

#[test]
fn a_queue_that_is_there_already_is_3_unless_it_may_be() {
    let queue = Queue::new();
    queue
        .run("create", &[])
        .expect_code(3)
        .expect_complaint("exists already");
    queue.feed("put", &[], b"kept\n").expect_code(0);
    queue
        .run("create", &["--if-missing"])
        .expect_code(0)
        .expect_quiet();
    assert_eq!(queue.run("get", &[]).stdout(), b"kept\n");
}

#[test]
fn a_damaged_queue_is_3() {
    let queue = Queue::new();
    let path = format!("/dev/shm/ringpost.{}", queue.0);
    std::fs::write(&path, b"something else entirely").expect("ours");
    queue.run("get", &[]).expect_code(3);
    queue.run("rm", &[]).expect_code(0);
}

#[test]
fn a_bad_input_is_3_and_what_preceded_it_is_put() {
    let queue = Queue::with(&["--arena", "64K"]);
    let ended = queue.feed("put", &["/no/such/file"], b"").expect_code(3);
    ended.expect_complaint("/no/such/file");
    queue
        .run("put", &["/dev/shm"])
        .expect_code(3)
        .expect_complaint("is a directory");

    let mut input = b"first\n".to_vec();
    input.extend([b'x'; 70_000]);
    let ended = queue.feed("put", &[], &input).expect_code(3);
    ended.expect_complaint("after 1 item: the item is too long");
    assert_eq!(queue.run("get", &[]).stdout(), b"first\n");

    let ended = queue.feed(
        "put",
        &["--length-prefixed"],
        b"\x01\0\0\0a\xff\xff\xff\xffb",
    );
    ended.expect_code(3).expect_complaint("4,294,967,295 bytes");
    let ended = queue.feed("put", &["--length-prefixed"], b"\x01\0\0\0a\x09\0\0\0b");
    ended.expect_code(3).expect_complaint("1 of 9 bytes");
    assert_eq!(queue.run("get", &[]).stdout(), b"a\na\n");
}

#[test]
fn a_full_disk_is_3_and_the_item_stays() {
    let queue = Queue::new();
    queue.feed("put", &[], b"precious\n").expect_code(0);
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("there");
    let mut get = common::ringpost(&["get", &queue.0]);
    let get = get
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    common::Running(get)
        .finish()
        .expect_code(3)
        .expect_complaint("writing to stdout");
    assert_eq!(queue.run("get", &[]).stdout(), b"precious\n");
}

#[test]
fn a_shutdown_is_4_for_those_who_wanted_more() {
    let queue = Queue::new();
    queue.feed("put", &[], b"a\n").expect_code(0);
    queue.run("shutdown", &[]).expect_code(0).expect_quiet();
    queue.run("shutdown", &[]).expect_code(0);
    queue
        .feed("put", &[], b"b\n")
        .expect_code(4)
        .expect_complaint("after 0 items: the queue is shut down");
    assert_eq!(
        queue.run("get", &["--count", "2"]).expect_code(4).stdout(),
        b"a\n"
    );
    queue
        .run("get", &[])
        .expect_code(4)
        .expect_complaint("shut down and drained");
    queue
        .run("get", &["--follow"])
        .expect_code(0)
        .expect_quiet();
}

#[test]
fn a_shutdown_wakes_those_who_wait() {
    let queue = Queue::with(&["--capacity", "1"]);
    queue.feed("put", &[], b"a\n").expect_code(0);
    let put = queue.start("put", &[]);
    let waiting = std::thread::spawn(move || put.feed(b"b\n"));
    std::thread::sleep(Duration::from_millis(300));
    queue.run("shutdown", &["--now"]).expect_code(0);
    waiting
        .join()
        .expect("no panic")
        .expect_code(4)
        .expect_complaint("after 0 items");
    queue.run("get", &[]).expect_code(4);
}

#[test]
fn ctrl_c_is_130_and_sigterm_143() {
    let queue = Queue::with(&["--capacity", "1"]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut get = queue.start("get", &["--follow"]);
        // Once an item has passed, it is up and waits for the next one.
        queue.feed("put", &[], b"a\n").expect_code(0);
        let mut stdout = BufReader::new(get.0.stdout.take().expect("a pipe"));
        stdout.read_line(&mut String::new()).expect("it writes");
        std::thread::sleep(Duration::from_millis(200));
        let start = Instant::now();
        get.signal(signal);
        get.finish().expect_code(code).expect_quiet();
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );
    }
}

#[test]
fn ctrl_c_ends_a_put_that_waits_for_room() {
    let queue = Queue::with(&["--capacity", "1"]);
    let mut put = queue.start("put", &["--length-prefixed"]);
    let mut stdin = put.0.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, b"\x01\0\0\0a\x01\0\0\0b").expect("it reads");
    eventually("the first item is put", || queue.len() == 1);
    std::thread::sleep(Duration::from_millis(200));
    put.signal(Signal::INT);
    put.finish()
        .expect_code(130)
        .expect_complaint("interrupted after 1 item");
    assert_eq!(queue.run("get", &[]).stdout(), b"a\n");
}

#[test]
fn ctrl_c_ends_a_put_that_waits_for_input() {
    let queue = Queue::new();
    let mut put = queue.start("put", &[]);
    let mut stdin = put.0.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, b"whole\nhalf").expect("it reads");
    eventually("the first item is put", || queue.len() == 1);
    put.signal(Signal::INT);
    put.finish()
        .expect_code(130)
        .expect_complaint("interrupted after 1 item");
    assert_eq!(queue.run("get", &[]).stdout(), b"whole\n");
}

#[test]
fn a_closed_pipe_is_141_and_takes_nothing_with_it() {
    let queue = Queue::new();
    queue.feed("put", &[], b"one\n").expect_code(0);
    let mut get = queue.start("get", &["--follow"]);
    let mut stdout = BufReader::new(get.0.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it writes");
    assert_eq!(line, "one\n");
    drop(stdout);
    // It notices while it waits: no item must be spent to find out.
    get.finish().expect_code(141).expect_quiet();

    queue.feed("put", &[], b"two\n").expect_code(0);
    assert_eq!(queue.run("get", &[]).stdout(), b"two\n");
}

#[test]
fn what_a_closed_pipe_did_not_take_comes_again_in_its_order() {
    const ITEMS: usize = 800;
    const LENGTH: usize = 1_000;
    const PIPE: usize = 64 << 10;
    let queue = Queue::new();
    let text: String = (0..ITEMS)
        .map(|number| format!("{number:0width$}\n", width = LENGTH - 1))
        .collect();
    queue.feed("put", &[], text.as_bytes()).expect_code(0);
    let mut get = queue.start("get", &[]);
    let stdout = get.0.stdout.take().expect("a pipe");
    // Nobody reads: it fills the pipe, and then holds items that it cannot write.
    eventually("it takes items", || queue.len() < ITEMS as u64);
    std::thread::sleep(Duration::from_millis(300));
    drop(stdout);
    get.finish().expect_code(141).expect_quiet();

    let rest = queue.run("get", &[]).expect_code(0);
    let numbers: Vec<usize> = rest
        .text()
        .lines()
        .map(|line| line.parse().expect("whole"))
        .collect();
    assert!(
        numbers.len() >= ITEMS - PIPE / LENGTH,
        "{} came back",
        numbers.len()
    );
    let last: Vec<usize> = (ITEMS - numbers.len()..ITEMS).collect();
    assert_eq!(numbers, last);
}

#[test]
fn what_cannot_be_written_stays_also_after_a_shutdown() {
    let queue = Queue::new();
    queue.feed("put", &[], b"precious\n").expect_code(0);
    queue.run("shutdown", &[]).expect_code(0);
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("there");
    let mut get = common::ringpost(&["get", &queue.0]);
    let get = get
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let ended = common::Running(get).finish().expect_code(3);
    ended.expect_complaint("writing to stdout");
    assert_eq!(queue.run("get", &[]).stdout(), b"precious\n");
}
