//! SIGKILL for every process of the command line: nothing is lost, and no two runs of an item overlap.

mod common;

use common::family::{Process, children, commands, guard};
use common::{Folder, Queue, Running, Signal, eventually};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[test]
fn a_get_that_is_killed_before_it_has_written_loses_nothing() {
    const ITEMS: usize = 300;
    let queue = Queue::new();
    let line = |number: usize| format!("{number:0999}\n");
    let text: String = (0..ITEMS).map(line).collect();
    queue.feed("put", &[], text.as_bytes()).expect_code(0);
    let mut get = queue.start("get", &[]);
    // Nobody reads: the pipe is full, and get waits in a write.
    let mut stdout = get.0.stdout.take().expect("a pipe");
    eventually("it has taken items", || queue.figure("loaned") > 0);
    let mut before = u64::MAX;
    eventually("it writes no more", || {
        sleep(Duration::from_millis(50));
        std::mem::replace(&mut before, queue.len()) == queue.len()
    });
    get.signal(Signal::KILL);
    drop(get);
    let mut written = String::new();
    stdout.read_to_string(&mut written).expect("text");
    let rest = queue.run("get", &[]).expect_code(0);
    let whole = |text: &str| -> BTreeSet<String> {
        let lines = text.split_inclusive('\n').filter(|line| line.len() == 1000);
        lines.map(str::to_owned).collect()
    };
    let all: BTreeSet<_> = whole(&written)
        .union(&whole(rest.text()))
        .cloned()
        .collect();
    assert_eq!(all, (0..ITEMS).map(line).collect());
    assert!(!written.is_empty() && !rest.text().is_empty());
    assert_eq!(queue.quarantined(), []);
}

/// Writes its pid and that of a grandchild, then runs for ever, at the first delivery of `item`; anything else ends at once.
const ENDLESS: &str = "cd $FOLDER; echo $RINGPOST_DELIVERIES >> runs; \
    [ $RINGPOST_DELIVERIES$(cat) = 1item ] || exit 0; sleep 600 & echo $! >> pids; echo $$ >> pids; wait";

/// The same, but both have closed all descriptors that they were given, the lock's among them.
const CLOSED: &str = "cd $FOLDER; echo $RINGPOST_DELIVERIES >> runs; \
    [ $RINGPOST_DELIVERIES$(cat) = 1item ] || exit 0; \
    exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; sleep 600 & echo $! >> pids; echo $$ >> pids; wait";

struct Scene {
    queue: Queue,
    folder: Folder,
    script: &'static str,
}

impl Scene {
    /// A queue with one item, and a worker whose command runs.
    fn new(script: &'static str) -> (Scene, Running) {
        let scene = Scene {
            queue: Queue::new(),
            folder: Folder::new(),
            script,
        };
        scene.queue.feed("put", &[], b"item\n").expect_code(0);
        let worker = scene.worker();
        eventually("it runs", || scene.folder.lines("pids").len() == 2);
        (scene, worker)
    }

    fn worker(&self) -> Running {
        let command = ["work", &self.queue.0, "--", "sh", "-c", self.script];
        start(&command, &self.folder)
    }

    /// The command and its grandchild.
    fn running(&self) -> Vec<Process> {
        let pids = self.folder.lines("pids").into_iter();
        let running = pids.filter_map(|pid| Process::find(pid.parse().expect("a pid")));
        running.collect()
    }

    fn runs(&self) -> usize {
        self.folder.lines("runs").len()
    }

    fn expect_done(&self) {
        eventually("the item is done", || self.runs() == 2);
        eventually("it is acknowledged", || {
            self.queue.figure("free") == self.queue.figure("descriptors")
        });
    }

    /// Another worker has the item, and does not run it before `release`.
    fn expect_waiting(&self, release: impl FnOnce()) {
        let told = |line: &String| line.contains("waits for a process that an earlier run");
        eventually("it says that it waits", || {
            self.folder.lines("stderr").iter().any(told)
        });
        assert_eq!(self.runs(), 1, "it ran while the first run was not over");
        assert!(!self.running().is_empty());
        release();
        self.expect_done();
        assert_eq!(self.running(), []);
    }
}

/// Starts a worker whose commands know the folder.
fn start(command: &[&str], folder: &Folder) -> Running {
    let path = folder.path("stderr");
    let stderr = File::options().create(true).append(true).open(path);
    let mut worker = common::ringpost(command);
    worker
        .env("FOLDER", &folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr.expect("ours"));
    Running(worker.spawn().expect("it starts"))
}

#[test]
fn a_worker_that_is_killed_takes_all_that_runs_with_it() {
    for script in [ENDLESS, CLOSED] {
        let (scene, worker) = Scene::new(script);
        let guard = guard(&worker);
        worker.signal(Signal::KILL);
        eventually("all are gone", || {
            scene.running().is_empty() && guard.is_gone()
        });
        let _next = scene.worker();
        scene.expect_done();
    }
}

#[test]
fn until_a_killed_workers_guard_is_through_nobody_runs_the_item() {
    for script in [ENDLESS, CLOSED] {
        let (scene, worker) = Scene::new(script);
        let guard = guard(&worker);
        // With a process in its group that has a parent elsewhere, the kernel lets it sleep when the worker dies.
        let anchor = Command::new("sleep")
            .arg("600")
            .process_group(guard.group)
            .stdout(Stdio::null())
            .spawn();
        let _anchor = Running(anchor.expect("it starts"));
        guard.signal(Signal::STOP);
        worker.signal(Signal::KILL);
        let _next = scene.worker();
        scene.expect_waiting(|| guard.signal(Signal::CONT));
    }
}

#[test]
fn until_the_worker_has_cleared_up_after_a_killed_guard_nobody_runs_the_item() {
    for script in [ENDLESS, CLOSED] {
        let (scene, worker) = Scene::new(script);
        let guard = guard(&worker);
        worker.signal(Signal::STOP);
        guard.signal(Signal::KILL);
        let _next = scene.worker();
        eventually("the kernel has killed the command", || {
            scene.running().len() == 1
        });
        sleep(Duration::from_millis(300));
        assert_eq!((scene.running().len(), scene.runs()), (1, 1));
        worker.signal(Signal::CONT);
        eventually("the worker has killed the rest", || {
            scene.running().is_empty()
        });
        scene.expect_done();
    }
}

/// A long line of processes that have closed all they were given, each the child of the one before. To kill it takes a while,
/// since each comes up only when its parent is gone. The second run looks whether the last one is still there.
const DEEP: &str = "cd $FOLDER; echo $RINGPOST_DELIVERIES >> runs; \
    [ $RINGPOST_DELIVERIES = 1 ] && exec sh nest 24; \
    kill -0 $(tail -n1 pids) && echo alive >> overlaps; exit 0";
const NEST: &str = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; \
    [ $1 = 0 ] && { echo $PPID >> pids; echo $$ >> pids; exec sleep 600; }; sh nest $(($1 - 1)) & wait";

#[test]
fn a_long_line_of_processes_is_gone_before_the_item_runs_again() {
    for kills_guard in [false, true] {
        let scene = Scene {
            queue: Queue::new(),
            folder: Folder::new(),
            script: DEEP,
        };
        std::fs::write(scene.folder.path("nest"), NEST).expect("ours");
        scene.queue.feed("put", &[], b"item\n").expect_code(0);
        let worker = scene.worker();
        eventually("all are there", || scene.folder.lines("pids").len() == 2);
        let _next = scene.worker();
        sleep(Duration::from_millis(200));
        match kills_guard {
            false => worker.signal(Signal::KILL),
            true => guard(&worker).signal(Signal::KILL),
        }
        scene.expect_done();
        assert_eq!(scene.folder.lines("overlaps"), [] as [&str; 0]);
    }
}

#[test]
fn what_a_killed_worker_and_guard_have_left_keeps_its_item() {
    let (scene, worker) = Scene::new(ENDLESS);
    let guard = guard(&worker);
    // Stopped, neither can do anything for the other.
    for process in [
        &guard,
        &Process::find(worker.0.id() as i32).expect("it runs"),
    ] {
        process.signal(Signal::STOP);
    }
    guard.signal(Signal::KILL);
    worker.signal(Signal::KILL);
    eventually("the kernel has killed the command", || {
        scene.running().len() == 1
    });
    let left = scene.running().remove(0);
    let _next = scene.worker();
    scene.expect_waiting(|| left.signal(Signal::KILL));
}

#[test]
fn a_guard_that_is_killed_leaves_nothing_and_is_replaced() {
    let (scene, worker) = Scene::new(ENDLESS);
    let (first, left) = (guard(&worker), scene.running());
    assert!(commands(&first).contains(&left[1]));
    first.signal(Signal::KILL);
    scene.expect_done();
    assert!(left.iter().all(Process::is_gone));
    // Also one that has nothing to do.
    guard(&worker).signal(Signal::KILL);
    scene.queue.feed("put", &[], b"next\n").expect_code(0);
    eventually("the next one runs", || scene.runs() == 3);
    // And a launcher that waits for its job.
    let guard = guard(&worker);
    let children = Process::children(guard.pid);
    for launcher in children.iter().filter(|child| child.is_launcher()) {
        launcher.signal(Signal::KILL);
    }
    scene.queue.feed("put", &[], b"last\n").expect_code(0);
    eventually("the last one runs", || scene.runs() == 4);
}

/// One run, and what it leaves in the background: each writes again and again which delivery of which item it belongs to, in one
/// file, whose order is that of the writes. (A lock of the test's own would be no proof: of a process that ends, the kernel
/// drops one lock after the other, in an order of its own, and other processes run in between.)
const BEATING: &str = "read id; cd $FOLDER; beat() { \
        for i in 1 2 3 4 5 6; do echo $id $RINGPOST_DELIVERIES >> beats; sleep 0.005; done; }; \
    case $id in *3) ( beat & ) ;; esac; beat; \
    case $id.$RINGPOST_DELIVERIES in *7.1) exit 1 ;; esac; \
    echo $id >> ended";

/// The runs, and the beats that came after the first beat of a later run of the same item.
fn runs_and_overlaps(beats: &[String]) -> (usize, Vec<String>) {
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut runs, mut overlaps) = (0, Vec::new());
    for beat in beats {
        let (id, delivery) = beat.split_once(' ').expect("two numbers");
        let delivery: u32 = delivery.parse().expect("a number");
        let last = last.entry(id).or_default();
        runs += usize::from(delivery > *last);
        if delivery < *last {
            overlaps.push(format!("{beat} after {last}"));
        }
        *last = delivery.max(*last);
    }
    (runs, overlaps)
}

#[test]
fn whatever_is_killed_every_item_is_run_to_its_end_and_never_twice_at_once() {
    const ITEMS: u64 = 300;
    const WORKERS: usize = 3;
    const KINDS: [&str; 6] = [
        "worker",
        "guard",
        "command",
        "worker and guards",
        "all of them",
        "grandchild",
    ];
    let seed = std::process::id() ^ Instant::now().elapsed().subsec_nanos();
    let mut dice = Dice(u64::from(seed) | 1);
    eprintln!("seed {seed}");
    let (queue, folder) = (Queue::new(), Folder::new());
    let text: String = (0..ITEMS).map(|number| format!("{number}\n")).collect();
    queue.feed("put", &[], text.as_bytes()).expect_code(0);
    let worker = || {
        let options = [
            "-j2",
            "-q",
            "--max-deliveries",
            "8",
            "--",
            "sh",
            "-c",
            BEATING,
        ];
        start(&[&["work", &queue.0], &options[..]].concat(), &folder)
    };
    let mut workers: Vec<Running> = (0..WORKERS).map(|_| worker()).collect();
    let mut kills: BTreeMap<&str, u32> = BTreeMap::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    let ended = || folder.lines("ended").into_iter().collect::<BTreeSet<_>>();
    while (ended().len() as u64) < ITEMS * 9 / 10 {
        assert!(Instant::now() < deadline, "no progress: {kills:?}");
        sleep(Duration::from_millis(10 + dice.below(40)));
        let victim = &mut workers[dice.below(WORKERS as u64) as usize];
        // Each kind once, whatever the dice say.
        let kind = dice.below(6);
        let kind = (0..6)
            .find(|kind| !kills.contains_key(KINDS[*kind]))
            .unwrap_or(kind as usize);
        let all = Process::all();
        let under = |process: &Process| children(&all, process.pid);
        let pid = victim.0.id() as i32;
        let itself = all.iter().find(|process| process.pid == pid).cloned();
        let guards = children(&all, pid);
        let mut below: Vec<_> = guards.iter().flat_map(under).collect();
        below.retain(|process| !process.is_launcher());
        let what = KINDS[kind];
        let killed: Vec<_> = match kind {
            0 => itself.into_iter().collect(),
            1 => guards.into_iter().take(1).collect(),
            2 => below.into_iter().take(1).collect(),
            3 => itself.into_iter().chain(guards).collect(),
            4 => {
                let family = itself.into_iter().chain(guards).chain(below);
                family.collect()
            }
            _ => below.iter().flat_map(under).take(1).collect(),
        };
        if killed.is_empty() {
            continue;
        }
        *kills.entry(what).or_default() += 1;
        for process in &killed {
            process.signal(Signal::KILL);
        }
        if matches!(what, "worker" | "worker and guards" | "all of them") {
            *victim = worker();
        }
    }
    queue.run("shutdown", &[]).expect_code(0);
    for worker in workers {
        let code = worker.finish().0.status.code();
        assert!(matches!(code, Some(0 | 5)), "{code:?}, {kills:?}");
    }
    let aside = queue.quarantined();
    assert_eq!(
        queue.figure("free") + aside.len() as u64,
        queue.figure("descriptors")
    );
    let (runs, overlaps) = runs_and_overlaps(&folder.lines("beats"));
    assert_eq!(overlaps, [] as [&str; 0], "{kills:?}");
    let mut seen = ended();
    seen.extend(aside.into_iter().map(|item| item.2));
    assert_eq!(seen.len() as u64, ITEMS, "{kills:?}");
    assert!(
        kills.len() == KINDS.len() && runs as u64 > ITEMS,
        "{runs} runs, {kills:?}"
    );
    eprintln!("{runs} runs of {ITEMS} items, kills: {kills:?}");
}

/// Random numbers (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
