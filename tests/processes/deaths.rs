//! Processes that end without a word, or stand still, in the middle of a call: what they held comes back, and nobody waits
//! for them.
//!
//! The middle of a get is reached through the allocator: a get copies into a buffer that it allocates after it has claimed
//! the item. The middle of a put is reached through a value's `Serialize`.

use crate::common::child::{Child, Role, listen, say};
use crate::common::{Background, PATIENCE, eventually, name, payload, small};
use ringpost::{BytesQueue, GetError, Options, Queue};
use serde::{Serialize, Serializer};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub(crate) const ROLES: &[Role] = &[
    ("deaths: hold", hold),
    ("deaths: get", get),
    ("deaths: put", put),
    ("deaths: serialize", serialize),
];

/// The length of the payload at which a process stops itself.
const TRAP: usize = 77_777;

struct Trap;

/// The trap of this process; 0: none.
static ARMED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Trap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() == TRAP && ARMED.load(Relaxed) == TRAP {
            stop();
        }
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Trap = Trap;

/// Stands still, until it is told to go on or killed.
fn stop() {
    // SAFETY: a signal to this process.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Arguments: the queue. Holds an item and a loan, then ends as it is told.
fn hold(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let _message = queue.get_ref().unwrap();
    let _loan = queue.loan(10_000).unwrap();
    say("holding");
    match &*listen() {
        // SAFETY: ends this process, without a destructor.
        "exit" => unsafe { libc::_exit(0) },
        "abort" => std::process::abort(),
        other => panic!("no way {other}"),
    }
}

/// Arguments: the queue. Gets, and stands still when it has claimed the trap's item.
fn get(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    ARMED.store(TRAP, Relaxed);
    let got = queue.get();
    ARMED.store(0, Relaxed);
    say(&format!(
        "{}",
        got.is_ok_and(|bytes| bytes == payload(1, TRAP))
    ));
}

/// Arguments: the queue, how many items. Puts them and waits.
fn put(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    for n in 0..arguments[1].parse().unwrap() {
        queue.put(&payload(n, 3000)).unwrap();
    }
    say("put");
    listen();
}

/// A value that stands still whenever it is serialized.
struct Slow;

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        stop();
        serializer.serialize_bytes(&payload(1, 50_000))
    }
}

/// Arguments: the queue. Stands still in the middle of a put.
fn serialize(arguments: &[&str]) {
    let queue = Queue::<Slow>::from(ringpost::open(arguments[0]).unwrap());
    queue.put(&Slow).unwrap();
    say("put");
}

/// An arena of 32 chunks, of which the trap's item takes 20.
fn options() -> Options {
    small().arena(32 * 4096)
}

fn scene(options: Options) -> (String, BytesQueue) {
    let name = name("deaths");
    let queue = options.unlink_on_drop(true).create(&name).unwrap();
    (name, queue)
}

/// A queue whose oldest item a child has claimed, and not yet got.
fn stopped_in_get(options: Options) -> (BytesQueue, Child) {
    let (name, queue) = scene(options);
    queue.put(&payload(1, TRAP)).unwrap();
    let child = Child::start("deaths: get", &[&name]);
    child.expect_stopped();
    assert_eq!(queue.stats().loaned, 1);
    (queue, child)
}

/// A child that has memory of the arena, and has not yet written all of its payload there.
fn stopped_in_put(name: &str, queue: &BytesQueue) -> Child {
    let child = Child::start("deaths: serialize", &[name]);
    child.expect_stopped();
    // How often a value is serialized before its length is known does not matter here.
    while queue.stats().arena_used_bytes == 0 {
        child.signal(libc::SIGCONT);
        child.expect_stopped();
    }
    assert_eq!((queue.stats().filling, queue.is_empty()), (1, true));
    child
}

fn nothing_is_left(queue: &BytesQueue) {
    let stats = queue.stats();
    assert_eq!(
        (stats.free, stats.participants.len()),
        (stats.descriptors, 1)
    );
    let longest = payload(7, queue.max_payload());
    queue.try_put(&longest).unwrap();
    assert!(queue.try_get().unwrap() == longest);
}

#[test]
fn what_a_dead_process_held_is_free_again() {
    for ending in ["exit", "abort", "kill"] {
        let (name, queue) = scene(options());
        queue
            .put_many(&[payload(1, 20_000), payload(2, 50)])
            .unwrap();
        let mut child = Child::start("deaths: hold", &[&name]);
        child.expect("holding");
        let stats = queue.stats();
        assert_eq!((stats.held, stats.filling, stats.queued), (1, 1, 1));
        if ending == "kill" {
            child.kill();
        } else {
            child.tell(ending);
            child.wait();
        }
        assert_eq!(queue.recover().unwrap(), 1, "{ending}");
        assert_eq!(queue.recover().unwrap(), 0);
        assert!(queue.try_get().unwrap() == payload(2, 50));
        assert!(
            matches!(queue.try_get(), Err(GetError::Empty)),
            "it was delivered"
        );
        nothing_is_left(&queue);
    }
}

#[test]
fn several_deaths_are_found_at_once() {
    let (name, queue) = scene(options());
    queue
        .put_many(&[payload(1, 10), payload(2, 10), payload(3, 10)])
        .unwrap();
    let children: Vec<_> = (0..3)
        .map(|_| Child::start("deaths: hold", &[&name]))
        .collect();
    for child in &children {
        child.expect("holding");
    }
    children.into_iter().for_each(Child::kill);
    assert_eq!(queue.recover().unwrap(), 3);
    nothing_is_left(&queue);
}

#[test]
fn the_living_are_left_alone_even_when_they_stand_still() {
    let (name, queue) = scene(options());
    queue.put(&payload(1, 10)).unwrap();
    let child = Child::start("deaths: hold", &[&name]);
    child.expect("holding");
    child.signal(libc::SIGSTOP);
    child.expect_stopped();
    assert_eq!(queue.recover().unwrap(), 0);
    drop(ringpost::open(&name).unwrap());
    assert_eq!((queue.stats().held, queue.stats().filling), (1, 1));
}

#[test]
fn an_item_whose_consumer_died_in_its_get_is_delivered_again_and_first() {
    let (queue, child) = stopped_in_get(options());
    queue.put(&payload(2, 50)).unwrap();
    child.kill();
    assert_eq!(queue.recover().unwrap(), 1);
    assert_eq!((queue.stats().retry, queue.is_empty()), (1, false));
    let message = queue.try_get_ref().unwrap();
    assert!(*message == *payload(1, TRAP));
    assert_eq!(message.deliveries(), 2);
    drop(message);
    let next = queue.try_get_ref().unwrap();
    assert!(*next == *payload(2, 50));
    assert_eq!(next.deliveries(), 1);
    drop(next);
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    nothing_is_left(&queue);
}

#[test]
fn a_blocked_get_receives_it_without_anybodys_doing() {
    let (queue, child) = stopped_in_get(options());
    let getter = Background::blocked({
        let queue = queue.clone();
        move || queue.get()
    });
    child.kill();
    assert!(getter.end("a get when a consumer has died").unwrap() == payload(1, TRAP));
    nothing_is_left(&queue);
}

#[test]
fn a_polling_get_receives_it_without_anybodys_doing() {
    let (queue, child) = stopped_in_get(options());
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    child.kill();
    let mut got = None;
    eventually("it is delivered again", || {
        got = queue.try_get().ok();
        got.is_some()
    });
    assert!(got.unwrap() == payload(1, TRAP));
    nothing_is_left(&queue);
}

#[test]
fn an_event_loop_receives_it_without_anybodys_doing() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let (queue, child) = stopped_in_get(options());
    let readiness = queue.readiness().unwrap();
    let ready = |patience| {
        let patience = Timespec::try_from(patience).unwrap();
        poll(
            &mut [PollFd::new(&readiness, PollFlags::IN)],
            Some(&patience),
        )
        .unwrap()
            == 1
    };
    assert!(!ready(std::time::Duration::ZERO), "somebody has claimed it");
    child.kill();
    assert!(ready(PATIENCE));
    assert!(queue.try_get().unwrap() == payload(1, TRAP));
}

#[test]
fn who_opens_the_queue_finds_it() {
    let name = name("deaths");
    let queue = options().unlink_on_drop(true).create(&name).unwrap();
    queue.put(&payload(1, TRAP)).unwrap();
    let child = Child::start("deaths: get", &[&name]);
    child.expect_stopped();
    child.kill();
    let other = ringpost::open(&name).unwrap();
    assert!(other.try_get().unwrap() == payload(1, TRAP));
    assert_eq!(queue.recover().unwrap(), 0, "opening has done it");
}

#[test]
fn an_item_that_kills_its_consumers_is_set_aside() {
    let (name, queue) = scene(options().max_deliveries(2));
    queue.put_many(&[payload(1, TRAP), payload(2, 50)]).unwrap();
    for _ in 0..2 {
        let child = Child::start("deaths: get", &[&name]);
        child.expect_stopped();
        child.kill();
        assert_eq!(queue.recover().unwrap(), 1);
    }
    let stats = queue.stats();
    assert_eq!((stats.quarantined, stats.retry, stats.queued), (1, 0, 1));
    assert!(queue.get().unwrap() == payload(2, 50));
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    queue.join();
}

#[test]
fn join_waits_for_an_item_that_may_come_back() {
    let (queue, child) = stopped_in_get(options());
    let joiner = Background::blocked({
        let queue = queue.clone();
        move || queue.join()
    });
    child.kill();
    eventually("the dead one is found by who waits", || {
        queue.stats().retry == 1
    });
    assert!(!joiner.has_ended());
    queue.get().unwrap();
    joiner.end("a join when all is delivered");
}

#[test]
fn a_draining_queue_waits_for_an_item_that_may_come_back() {
    let (queue, child) = stopped_in_get(options());
    queue.shutdown();
    assert!(
        matches!(queue.try_get(), Err(GetError::Empty)),
        "not yet closed"
    );
    let getter = Background::blocked({
        let queue = queue.clone();
        move || queue.get()
    });
    child.kill();
    assert!(getter.end("a get when a consumer has died").unwrap() == payload(1, TRAP));
    assert!(matches!(queue.get(), Err(GetError::Closed)));
}

#[test]
fn a_draining_queue_closes_when_the_last_get_is_done() {
    let (queue, child) = stopped_in_get(options());
    queue.shutdown();
    let getter = Background::blocked({
        let queue = queue.clone();
        move || queue.get()
    });
    child.signal(libc::SIGCONT);
    child.expect("true");
    let ended = getter.end("a get when another one has got the last item");
    assert!(matches!(ended, Err(GetError::Closed)));
}

#[test]
fn a_closed_queue_drops_an_item_that_comes_back() {
    let (queue, child) = stopped_in_get(options());
    queue.shutdown_now();
    child.kill();
    queue.recover().unwrap();
    assert!(matches!(queue.try_get(), Err(GetError::Closed)));
    assert!(queue.join_timeout(PATIENCE / 10), "nobody will ever get it");
    assert!(queue.is_empty());
}

#[test]
fn a_consumer_that_stands_still_in_its_get_stops_nobody() {
    let (queue, child) = stopped_in_get(options().capacity(1).in_flight(2));
    for n in 0..500 {
        queue.put_timeout(&payload(n, 20_000), PATIENCE).unwrap();
        assert!(queue.get_timeout(PATIENCE).unwrap() == payload(n, 20_000));
    }
    assert_eq!(queue.recover().unwrap(), 0);
    child.signal(libc::SIGCONT);
    child.expect("true");
    child.succeed();
    nothing_is_left(&queue);
}

#[test]
fn a_producer_that_stands_still_in_its_put_stops_nobody() {
    let (name, queue) = scene(options().capacity(1).in_flight(2));
    let child = stopped_in_put(&name, &queue);
    for n in 0..500 {
        queue.put_timeout(&payload(n, 20_000), PATIENCE).unwrap();
        assert!(queue.get_timeout(PATIENCE).unwrap() == payload(n, 20_000));
    }
    child.go_on_until("put");
    let message = queue.get_ref().unwrap();
    let bytes: &[u8] = message.decode().unwrap();
    assert!(bytes == payload(1, 50_000));
}

#[test]
fn a_put_whose_process_died_never_happened() {
    let (name, queue) = scene(options());
    let child = stopped_in_put(&name, &queue);
    let putter = Background::start({
        let queue = queue.clone();
        let longest = payload(3, queue.max_payload());
        move || queue.put(&longest)
    });
    child.kill();
    putter
        .end("a put beside one whose process has died")
        .unwrap();
    assert!(queue.get().unwrap() == payload(3, queue.max_payload()));
    eventually("the dead one is gone", || {
        queue.recover().unwrap();
        queue.stats().participants.len() == 1
    });
    assert!(queue.is_empty());
    nothing_is_left(&queue);
}

#[test]
fn a_blocked_put_gets_the_memory_of_a_dead_process() {
    let (queue, child) = stopped_in_get(options());
    // The trap's item comes back and is to be got: then its memory is free.
    let putter = Background::blocked({
        let queue = queue.clone();
        let longest = payload(3, queue.max_payload());
        move || queue.put(&longest)
    });
    child.kill();
    assert!(queue.get().unwrap() == payload(1, TRAP));
    putter
        .end("a put that waits for a dead process's memory")
        .unwrap();

    let (name, queue) = scene(options());
    queue.put(&payload(1, 90_000)).unwrap();
    let child = Child::start("deaths: hold", &[&name]);
    child.expect("holding");
    let putter = Background::blocked({
        let queue = queue.clone();
        let longest = payload(3, queue.max_payload());
        move || queue.put(&longest)
    });
    child.kill();
    putter
        .end("a put that waits for what a dead process held")
        .unwrap();
}

#[test]
fn what_a_dead_process_had_put_stays() {
    let (name, queue) = scene(options());
    let child = Child::start("deaths: put", &[&name, "5"]);
    child.expect("put");
    child.kill();
    for n in 0..5 {
        assert!(queue.get().unwrap() == payload(n, 3000));
    }
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    queue.recover().unwrap();
    nothing_is_left(&queue);
}

#[test]
fn a_full_table_has_room_again_when_somebody_dies() {
    let (name, queue) = scene(options().participants(3));
    let mut children: Vec<_> = (0..2)
        .map(|_| Child::start("deaths: put", &[&name, "0"]))
        .collect();
    children.iter().for_each(|child| child.expect("put"));
    for _ in 0..5 {
        let error = ringpost::open(&name).unwrap_err();
        assert!(error.to_string().contains("all 3 places"), "{error}");
        children.remove(0).kill();
        let other = ringpost::open(&name).unwrap();
        other.put(b"in").unwrap();
        assert_eq!(queue.get().unwrap(), b"in");
        drop(other);
        let child = Child::start("deaths: put", &[&name, "0"]);
        child.expect("put");
        children.push(child);
    }
}

#[test]
fn a_table_full_of_the_dead_is_taken_over_with_what_they_left() {
    let name = name("deaths");
    drop(options().participants(1).create(&name).unwrap());
    let child = Child::start("deaths: put", &[&name, "3"]);
    child.expect("put");
    child.kill();
    let child = Child::start("deaths: hold", &[&name]);
    child.expect("holding");
    child.kill();
    let queue = options().unlink_on_drop(true).open(&name).unwrap();
    assert!(queue.get().unwrap() == payload(1, 3000));
    assert!(queue.get().unwrap() == payload(2, 3000));
    nothing_is_left(&queue);
}

/// Who looks for the dead holds their places for a moment: an opening process must not take that for a full table.
#[test]
fn a_dead_ones_place_can_be_had_while_somebody_looks() {
    let (name, queue) = scene(options().participants(2));
    let looking = std::sync::atomic::AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while looking.load(Relaxed) {
                queue.recover().unwrap();
            }
        });
        let failed = (0..15).find_map(|_| {
            let child = Child::start("deaths: put", &[&name, "0"]);
            let said = child.hear();
            child.kill();
            let opened = ringpost::open(&name);
            (said != "put")
                .then_some(said)
                .or(opened.err().map(|error| error.to_string()))
        });
        looking.store(false, Relaxed);
        assert_eq!(failed, None);
    });
}
