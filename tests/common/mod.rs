//! What the integration tests share: names of their own, an end to every wait, and threads that can be seen asleep.

// Each test program uses its own part of this.
#![allow(dead_code)]

pub(crate) mod child;
pub(crate) mod user;

use ringpost::Options;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Runs before `main`: a child plays its role and ends here; a test program gets a limit to its time.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = {
    extern "C" fn before_main() {
        child::enter(crate::ROLES);
        child::die_after(10 * PATIENCE);
    }
    before_main
};

/// Nothing here takes that long, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A queue name that no other test has.
pub(crate) fn name(tag: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("test-{tag}.{}.{number}", std::process::id())
}

/// A directory that goes with this value; in memory, where mappings and locks are sure to work.
pub(crate) fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").expect("a new directory in /dev/shm")
}

/// Eight items, an arena of sixteen chunks.
pub(crate) fn small() -> Options {
    Options::new().capacity(8).arena(16 * 4096)
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Does it in a thread of its own, so that a hang becomes a failure.
#[track_caller]
pub(crate) fn within<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    Background::start(work).end(what)
}

/// Work in another thread.
pub(crate) struct Background<T> {
    thread: u32,
    result: Receiver<Result<T, Box<dyn Any + Send>>>,
}

impl<T: Send + 'static> Background<T> {
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (done, result) = mpsc::channel();
        let (tell, started) = mpsc::channel();
        thread::spawn(move || {
            let _ = tell.send(rustix::thread::gettid().as_raw_nonzero().get() as u32);
            let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
        });
        let thread = started.recv().expect("it tells its number first");
        Background { thread, result }
    }

    /// Starts it and waits until it sleeps: what is tested is a call that blocks, not one that comes late.
    #[track_caller]
    pub(crate) fn blocked(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let background = Self::start(work);
        eventually("the thread sleeps", || {
            asleep(std::process::id(), background.thread)
        });
        background
    }

    /// The thread's number, for signals.
    pub(crate) fn thread(&self) -> u32 {
        self.thread
    }

    /// Has it ended?
    pub(crate) fn has_ended(&self) -> bool {
        !asleep(std::process::id(), self.thread)
            && !std::path::Path::new(&format!("/proc/self/task/{}", self.thread)).exists()
    }

    /// What it returned; its panic is this thread's panic.
    #[track_caller]
    pub(crate) fn end(self, what: &str) -> T {
        match self.result.recv_timeout(PATIENCE) {
            Ok(Ok(value)) => value,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(RecvTimeoutError::Timeout) => panic!("it hangs: {what}"),
            Err(RecvTimeoutError::Disconnected) => panic!("it is gone: {what}"),
        }
    }
}

/// Does this thread of this process sleep?
pub(crate) fn asleep(process: u32, thread: u32) -> bool {
    state(process, thread) == Some('S')
}

/// The state of a thread, as `/proc` has it.
pub(crate) fn state(process: u32, thread: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/task/{thread}/stat")).ok()?;
    // The command's name stands in brackets and may itself hold any.
    stat.rsplit_once(") ")?.1.chars().next()
}

/// The numbers from 0 on, scrambled: contents and lengths that differ from item to item, the same in every run.
pub(crate) fn scrambled(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    })
}

/// The payload of item `number`: any receiver can make it again and compare.
pub(crate) fn payload(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 8);
    let mut words = scrambled(number + 1);
    while bytes.len() < length {
        bytes.extend(words.next().expect("endless").to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
