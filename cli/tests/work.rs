//! `work`: what the command gets, what becomes of each item, and how a worker stops.

mod common;

use common::family::{Process, commands, guard};
use common::{Folder, Queue, Running, Signal, eventually, run};
use std::process::{Command, Stdio};

#[test]
fn each_item_is_the_standard_input_of_a_fresh_command() {
    let queue = Queue::new();
    let items: [&[u8]; 4] = [b"one", b"", b"two\nlines", b"any\0\xff"];
    let stream = items.concat();
    queue
        .feed("put", &["-0"], b"one\0\0two\nlines\0")
        .expect_code(0);
    queue
        .feed("put", &["--length-prefixed"], b"\x05\0\0\0any\0\xff")
        .expect_code(0);
    let worked = queue.work(&["--quiet"], &["cat"]).expect_code(0);
    assert_eq!(worked.expect_quiet().stdout(), stream);
    assert_eq!(queue.figure("free"), queue.figure("descriptors"));
}

#[test]
fn a_long_item_need_not_be_read() {
    let queue = Queue::new();
    let item = vec![b'x'; 3 << 20];
    queue.feed("put", &[], &item).expect_code(0);
    queue.work(&[], &["true"]).expect_code(0);
    queue.feed("put", &[], &item).expect_code(0);
    let worked = queue.work(&[], &["wc", "-c"]).expect_code(0);
    assert_eq!(worked.text().trim(), "3145728");
}

#[test]
fn an_item_replaces_its_place_in_the_arguments() {
    let queue = Queue::new();
    queue.feed("put", &[], b"a b\n$x;{}\n\n").expect_code(0);
    let worked = queue.work(&[], &["printf", "<%s>", "{}", "-{}{}-"]);
    let text = worked.expect_code(0);
    assert_eq!(
        text.text(),
        "<a b><-a ba b-><$x;{}><-$x;{}$x;{}-><><-->",
        "the item is one argument, whatever is in it"
    );
    queue.feed("put", &[], b"x\n").expect_code(0);
    let worked = queue.work(&[], &["sh", "-c", "cat; echo \"$1\"", "sh", "{}"]);
    assert_eq!(worked.expect_code(0).text(), "x\n", "stdin is empty");
}

#[test]
fn what_cannot_be_an_argument_fails_and_is_told() {
    let queue = Queue::new();
    let long = vec![b'x'; 200_000];
    queue.feed("put", &[], &long).expect_code(0);
    queue
        .feed("put", &["--length-prefixed"], b"\x03\0\0\0a\0b")
        .expect_code(0);
    queue.feed("put", &[], b"good\n").expect_code(0);
    let worked = queue.work(&[], &["echo", "{}"]).expect_code(5);
    assert_eq!(worked.text(), "good\n");
    let stderr = worked.stderr();
    for part in [
        "delivery 1 of 3: 200,000 bytes are too long for an argument",
        "delivery 1 of 3: a NUL byte cannot be in an argument",
        "1 done, 4 failed, 2 quarantined",
    ] {
        assert!(stderr.contains(part), "{part} is not in: {stderr}");
    }
    let there = queue.quarantined();
    assert_eq!(there.len(), 2);
    assert!(there.iter().all(|&(_, deliveries, _)| deliveries == 3));
}

#[test]
fn the_command_knows_its_item_and_its_delivery() {
    let queue = Queue::new();
    queue.feed("put", &[], b"a\n").expect_code(0);
    let script = "echo $RINGPOST_POSITION $RINGPOST_DELIVERIES; [ $RINGPOST_DELIVERIES = 3 ]";
    let worked = queue.work(&[], &["sh", "-c", script]).expect_code(0);
    let lines: Vec<_> = worked
        .text()
        .lines()
        .map(|line| line.split_once(' '))
        .collect();
    let position = lines[0].expect("two numbers").0;
    let expected = ["1", "2", "3"].map(|number| Some((position, number)));
    assert_eq!(lines, expected);
    assert!(worked.stderr().contains("1 done, 2 failed, 0 quarantined"));
}

#[test]
fn an_item_that_fails_k_times_is_quarantined_and_starves_no_other() {
    let queue = Queue::new();
    queue.feed("put", &[], b"bad\ngood\nworse\n").expect_code(0);
    let script = "read line; echo $line; [ $line = good ] || kill -9 $$";
    let worked = queue.work(&["--max-deliveries", "2"], &["sh", "-c", script]);
    let worked = worked.expect_code(5);
    let lines: Vec<_> = worked.text().lines().collect();
    assert_eq!(lines[..2], ["bad", "good"]);
    assert_eq!(lines.len(), 5, "{lines:?}");
    let stderr = worked.stderr();
    assert!(
        stderr.contains("delivery 1 of 2: killed by signal 9"),
        "{stderr}"
    );
    assert!(
        stderr.contains("quarantined, delivery 2 of 2: killed"),
        "{stderr}"
    );
    let previews: Vec<_> = queue.quarantined().into_iter().map(|item| item.2).collect();
    assert_eq!(previews, ["bad", "worse"]);
}

#[test]
fn an_item_that_killed_its_workers_is_quarantined_without_another_run() {
    let queue = Queue::new();
    queue.feed("put", &[], b"deadly\n").expect_code(0);
    let folder = Folder::new();
    let script = format!("echo run >> {}; sleep 600", folder.path("runs"));
    for runs in 1..=2 {
        let worker = queue.start(
            "work",
            &["--max-deliveries", "2", "--", "sh", "-c", &script],
        );
        eventually("it runs", || folder.lines("runs").len() == runs);
        worker.signal(Signal::KILL);
        drop(worker);
    }
    let worked = queue.work(&["--max-deliveries", "2"], &["sh", "-c", &script]);
    let stderr = worked.expect_code(5).stderr();
    assert!(stderr.contains("not run: delivered 2 times"), "{stderr}");
    assert_eq!(folder.lines("runs").len(), 2);
}

#[test]
fn the_queues_own_limit_counts_as_well() {
    let queue = Queue::new();
    queue.feed("put", &[], b"bad\n").expect_code(0);
    let worked = queue.work(&["--max-deliveries", "4095"], &["false"]);
    let stderr = worked.expect_code(5).stderr();
    assert!(
        stderr.contains("quarantined, delivery 16 of 16"),
        "{stderr}"
    );
}

#[test]
fn so_many_run_at_once() {
    let (queue, folder) = (Queue::new(), Folder::new());
    queue.feed("put", &[], b"1\n2\n3\n4\n5\n6\n").expect_code(0);
    // Each waits until three are there: with fewer at once, none would ever end.
    let script = format!(
        "cd {}; touch up.$RINGPOST_POSITION; while [ $(ls up.* | wc -l) -lt 3 ]; do sleep 0.01; done",
        folder.path("")
    );
    queue
        .work(&["-j", "3"], &["sh", "-c", &script])
        .expect_code(0);
    assert_eq!(std::fs::read_dir(&folder.0).expect("ours").count(), 6);
}

#[test]
fn it_waits_for_items_until_the_shutdown() {
    let queue = Queue::new();
    let worker = queue.start("work", &["-j2", "--", "cat"]);
    eventually("it has opened the queue", || {
        let json = queue.run("stat", &["--json"]).json();
        json["participants"]
            .as_array()
            .is_some_and(|all| all.len() == 2)
    });
    for number in ["1\n", "2\n"] {
        queue.feed("put", &[], number.as_bytes()).expect_code(0);
        eventually("it is worked on", || {
            queue.figure("free") == queue.figure("descriptors")
        });
    }
    queue.feed("put", &[], b"3\n").expect_code(0);
    queue.run("shutdown", &[]).expect_code(0);
    let ended = worker.finish().expect_code(0);
    assert_eq!(ended.text(), "123");
    assert!(ended.stderr().contains("3 done, 0 failed, 0 quarantined"));
}

#[test]
fn a_command_that_cannot_be_run_costs_no_item() {
    let (queue, folder) = (Queue::new(), Folder::new());
    queue.feed("put", &[], b"precious\n").expect_code(0);
    let plain = folder.path("plain");
    std::fs::write(&plain, "no program").expect("ours");
    for (command, why) in [
        ("no-such-command", "No such file"),
        ("/no/such/command", "No such file"),
        (&plain, "Permission denied"),
        ("/tmp", "permission denied"),
    ] {
        let worked = queue.work(&[], &[command]).expect_code(3);
        worked.expect_complaint(why);
    }
    let text = queue.run("get", &["--count", "1"]);
    assert_eq!(text.stdout(), b"precious\n");

    // What only the exec finds out ends the worker too.
    queue.feed("put", &[], b"precious\n").expect_code(0);
    let script = folder.path("script");
    std::fs::write(&script, "#!/no/such/interpreter\n").expect("ours");
    run_ok("chmod", &["+x", &script]);
    let stderr = queue.work(&[], &[&script]).expect_code(3).stderr();
    assert!(stderr.contains("cannot run"), "{stderr}");
    assert_eq!(queue.run("get", &[]).stdout(), b"precious\n");
}

fn run_ok(program: &str, args: &[&str]) {
    let status = Command::new(program).args(args).status();
    assert!(status.expect("it starts").success());
}

#[test]
fn the_first_ctrl_c_waits_for_what_runs() {
    let (queue, folder) = (Queue::new(), Folder::new());
    queue.feed("put", &[], b"1\n2\n").expect_code(0);
    let script = format!(
        "cd {}; touch up; while ! [ -e go ]; do sleep 0.01; done; echo done",
        folder.path("")
    );
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let worker = queue.start("work", &["--", "sh", "-c", &script]);
        eventually("it runs", || folder.0.join("up").exists());
        worker.signal(signal);
        std::thread::sleep(std::time::Duration::from_millis(200));
        std::fs::write(folder.path("go"), "").expect("ours");
        let ended = worker.finish().expect_code(code);
        assert_eq!(ended.text(), "done\n");
        let stderr = ended.stderr();
        assert!(stderr.contains("waits for 1 job"), "{stderr}");
        assert!(stderr.contains("1 done, 0 failed"), "{stderr}");
        for file in ["up", "go"] {
            std::fs::remove_file(folder.path(file)).expect("ours");
        }
    }
    assert_eq!(queue.figure("free"), queue.figure("descriptors"));
}

#[test]
fn a_signal_that_is_ignored_stays_so() {
    let (queue, folder) = (Queue::new(), Folder::new());
    let script = "trap '' HUP; exec \"$0\" work \"$1\" -- touch \"$2\"/{}";
    let ringpost = env!("CARGO_BIN_EXE_ringpost");
    let worker = Command::new("sh")
        .args(["-c", script, ringpost, &queue.0, &folder.path("")])
        .stderr(Stdio::piped())
        .spawn();
    let worker = Running(worker.expect("it starts"));
    for name in ["one", "two"] {
        queue.feed("put", &[], name.as_bytes()).expect_code(0);
        eventually("it is worked on", || folder.0.join(name).exists());
        worker.signal(Signal::HUP);
    }
    queue.run("shutdown", &[]).expect_code(0);
    let ended = worker.finish().expect_code(0);
    assert!(ended.stderr().contains("2 done"), "{}", ended.stderr());
}

#[test]
fn the_second_ctrl_c_kills_what_runs_and_the_items_come_again() {
    let (queue, folder) = (Queue::new(), Folder::new());
    queue.feed("put", &[], b"1\n2\n3\n").expect_code(0);
    let script = format!(
        "trap '' INT TERM; sleep 600 & echo $! >> {}; wait",
        folder.path("pids")
    );
    let worker = queue.start("work", &["-j2", "--", "sh", "-c", &script]);
    eventually("both run", || folder.lines("pids").len() == 2);
    let pids = folder.lines("pids");
    worker.signal(Signal::INT);
    std::thread::sleep(std::time::Duration::from_millis(200));
    worker.signal(Signal::INT);
    let ended = worker.finish().expect_code(130);
    let stderr = ended.stderr();
    assert!(
        stderr.contains("0 done, 0 failed, 0 quarantined, 2 given back"),
        "{stderr}"
    );
    for pid in pids {
        let pid = pid.parse().expect("a pid");
        assert_eq!(Process::find(pid), None, "it outlives its worker");
    }
    let got = queue.run("get", &[]).expect_code(0);
    assert_eq!(got.text(), "1\n2\n3\n");
}

#[test]
fn a_terminals_ctrl_c_reaches_no_command() {
    let queue = Queue::new();
    queue.feed("put", &[], b"1\n").expect_code(0);
    let worker = queue.start("work", &["--", "sleep", "600"]);
    let guard = guard(&worker);
    let mut running = Vec::new();
    // For a moment after the fork it is still in its guard's. `kill 0` is the command's own affair.
    eventually("it runs in a group that is not its guard's", || {
        running = commands(&guard);
        running.len() == 1 && running[0].group != guard.group
    });
    let own = Process::find(worker.0.id() as i32).expect("it runs").group;
    for other in [guard.group, running[0].group] {
        assert_ne!(other, own, "the worker's group is the terminal's");
    }
}

#[test]
fn what_a_command_leaves_in_the_background_outlives_its_worker() {
    let (queue, folder) = (Queue::new(), Folder::new());
    queue.feed("put", &[], b"1\n").expect_code(0);
    let script = format!(
        "sleep 600 >/dev/null 2>&1 & echo $! > {}",
        folder.path("pid")
    );
    queue.work(&[], &["sh", "-c", &script]).expect_code(0);
    let pid = folder.lines("pid")[0].parse().expect("a pid");
    let left = Process::find(pid).expect("it goes on");
    left.signal(Signal::KILL);
}

#[test]
fn an_item_that_failed_waits_for_what_its_command_has_left() {
    let (queue, folder) = (Queue::new(), Folder::new());
    queue.feed("put", &[], b"1\n").expect_code(0);
    let script = format!(
        "cd {}; echo run >> runs; [ $RINGPOST_DELIVERIES = 2 ] && exit; sleep 600 >/dev/null 2>&1 & echo $! > pid; exit 1",
        folder.path("")
    );
    let worker = queue.start("work", &["--until-empty", "--", "sh", "-c", &script]);
    eventually("it has failed", || !folder.lines("pid").is_empty());
    std::thread::sleep(std::time::Duration::from_millis(1300));
    assert_eq!(folder.lines("runs").len(), 1);
    let pid = folder.lines("pid")[0].parse().expect("a pid");
    Process::find(pid).expect("it goes on").signal(Signal::KILL);
    let ended = worker.finish().expect_code(0);
    assert_eq!(folder.lines("runs").len(), 2);
    let stderr = ended.stderr();
    assert!(
        stderr.contains("waits for a process that an earlier run"),
        "{stderr}"
    );
}

#[test]
fn quiet_tells_only_what_failed() {
    let queue = Queue::new();
    queue.feed("put", &[], b"1\n").expect_code(0);
    queue.work(&["-q"], &["true"]).expect_code(0).expect_quiet();
    queue.feed("put", &[], b"1\n").expect_code(0);
    let worked = queue.work(&["-q", "--max-deliveries", "1"], &["false"]);
    worked
        .expect_code(5)
        .expect_complaint("quarantined, delivery 1 of 1: exit code 1");
    run(&["work", "no-such-queue", "--", "true"])
        .expect_code(3)
        .expect_complaint("no queue");
}
