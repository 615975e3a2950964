//! Processes that die, or stand still, on cue: while they hold something, in the middle of a get, in the middle of a put.
//!
//! The middle of a get is reached through the allocator: a get copies into a buffer that it allocates after it has claimed
//! the item. The middle of a put is reached through a value's `Serialize`.

use crate::common::child::{Child, Role, listen, say};
use crate::common::{name, payload, small};
use ringpost::{BytesQueue, Options, Queue};
use serde::{Serialize, Serializer};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub(crate) const ROLES: &[Role] = &[
    ("deaths: hold", hold),
    ("deaths: get", get),
    ("deaths: get_many", get_many),
    ("deaths: inspect", inspect),
    ("deaths: put", put),
    ("deaths: serialize", serialize),
];

/// The length of the payload at which a process stops itself.
pub(crate) const TRAP: usize = 77_777;

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

/// Arguments: the queue. Gets three items in one call, and stands still when it comes to the trap's.
fn get_many(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    ARMED.store(TRAP, Relaxed);
    let got = queue.get_many(3);
    ARMED.store(0, Relaxed);
    say(&format!("{}", got.is_ok_and(|items| items.len() == 3)));
}

/// Arguments: the queue. Looks at what is set aside, and stands still when it comes to the trap's item.
fn inspect(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let position = queue.quarantined()[0].position;
    ARMED.store(TRAP, Relaxed);
    let seen = queue.inspect(position);
    ARMED.store(0, Relaxed);
    say(&format!("{}", seen.is_ok_and(|seen| seen.is_some())));
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
pub(crate) fn options() -> Options {
    small().arena(32 * 4096)
}

pub(crate) fn scene(options: Options) -> (String, BytesQueue) {
    let name = name("deaths");
    let queue = options.unlink_on_drop(true).create(&name).unwrap();
    (name, queue)
}

/// A queue whose oldest item a child has claimed, and not yet got.
pub(crate) fn stopped_in_get(options: Options) -> (BytesQueue, Child) {
    let (name, queue) = scene(options);
    queue.put(&payload(1, TRAP)).unwrap();
    let child = Child::start("deaths: get", &[&name]);
    child.expect_stopped();
    assert_eq!(queue.stats().loaned, 1);
    (queue, child)
}

/// A child that has memory of the arena, and has not yet written all of its payload there.
pub(crate) fn stopped_in_put(name: &str, queue: &BytesQueue) -> Child {
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

pub(crate) fn nothing_is_left(queue: &BytesQueue) {
    let stats = queue.stats();
    assert_eq!(
        (stats.free, stats.participants.len()),
        (stats.descriptors, 1)
    );
    let longest = payload(7, queue.max_payload());
    queue.try_put(&longest).unwrap();
    assert!(queue.try_get().unwrap() == longest);
}
