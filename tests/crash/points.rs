//! The process under test: forked, counted step by step, killed or stopped at the step that it was armed for.
//!
//! A page that is shared with the children holds the count, the trace of the steps, and the log of what every process did.

use crate::common::{child, state};
use ringpost::steps::{Step, set_hook};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// The most steps of one process that are remembered, and the most entries of the log.
const TRACE: usize = 1 << 16;
const LOG: usize = 1 << 20;
/// A process that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20);

#[repr(C)]
struct Page {
    steps: AtomicUsize,
    /// Before the step of this number the process gets `signal`.
    at: AtomicUsize,
    signal: AtomicI32,
    /// Tells a process that runs beside the one under test to end.
    enough: AtomicUsize,
    logged: AtomicUsize,
    log: [[AtomicU64; 2]; LOG],
    trace: [UnsafeCell<MaybeUninit<Step>>; TRACE],
}

// SAFETY: a place of the trace is written once by the one process under test, then counted, and only then read.
unsafe impl Sync for Page {}

fn page() -> &'static Page {
    static PAGE: OnceLock<usize> = OnceLock::new();
    let at = *PAGE.get_or_init(|| {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses.
        let mapped = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                size_of::<Page>(),
                access,
                MapFlags::SHARED,
            )
        };
        mapped.expect("memory that children share") as usize
    });
    // SAFETY: mapped for good; zeros are a valid page.
    unsafe { &*(at as *const Page) }
}

/// Steps are `'static`, and a fork has them at the same addresses.
fn hook(step: Step) {
    let page = page();
    let k = page.steps.load(SeqCst);
    if let Some(place) = page.trace.get(k) {
        // SAFETY: only the process under test, which has one thread, writes here, and nobody reads before it is counted.
        unsafe { (*place.get()).write(step) };
    }
    page.steps.store(k + 1, SeqCst);
    if k == page.at.load(SeqCst) {
        let me = std::process::id() as i32;
        // SAFETY: this process alone; it was asked for.
        unsafe { libc::kill(me, page.signal.load(SeqCst)) };
    }
}

/// From here on the process under test takes counted steps.
pub(crate) fn begin() {
    set_hook(Some(hook));
}

/// What follows is not counted.
pub(crate) fn end() {
    set_hook(None);
}

/// The next signal, and the step that it comes before; the steps go on being counted.
pub(crate) fn arm(at: usize, signal: i32) {
    page().at.store(at, SeqCst);
    page().signal.store(signal, SeqCst);
}

/// A step that is never reached.
pub(crate) const NEVER: usize = usize::MAX;

/// The steps that were taken, and at last the one before which the process was killed, if it was.
pub(crate) fn trace() -> Vec<Step> {
    let taken = page().steps.load(SeqCst);
    assert!(taken <= TRACE, "{taken} steps: more than are remembered");
    (0..taken).map(step).collect()
}

/// Step `k`, which the process under test has counted.
fn step(k: usize) -> Step {
    // SAFETY: each place is written once, before its step is counted.
    let written = unsafe { &*page().trace[k].get() };
    // SAFETY: as above.
    unsafe { written.assume_init() }
}

/// The last step so far.
fn last() -> Option<Step> {
    let taken = page().steps.load(SeqCst);
    (1..=TRACE).contains(&taken).then(|| step(taken - 1))
}

/// Adds an entry to the log. No step lies between an operation's last and this, so no kill does either.
pub(crate) fn log(entry: [u64; 2]) {
    let at = page().logged.fetch_add(1, SeqCst);
    let place = page().log.get(at).expect("room in the log");
    place[1].store(entry[1], SeqCst);
    place[0].store(entry[0], SeqCst);
}

/// What was logged since [`clear`].
pub(crate) fn logged() -> Vec<[u64; 2]> {
    let entries = &page().log[..page().logged.load(SeqCst)];
    // A process that was killed by another may have left its entry empty.
    let read = entries
        .iter()
        .map(|[a, b]| [a.load(SeqCst), b.load(SeqCst)]);
    read.filter(|entry| entry[0] != 0).collect()
}

pub(crate) fn log_is_filling() -> bool {
    page().logged.load(SeqCst) > LOG * 3 / 4
}

/// Forgets the log.
pub(crate) fn clear() {
    let logged = page().logged.swap(0, SeqCst);
    for entry in &page().log[..logged] {
        entry[0].store(0, SeqCst);
    }
}

pub(crate) fn tell_enough(enough: bool) {
    page().enough.store(usize::from(enough), SeqCst);
}

pub(crate) fn is_enough() -> bool {
    page().enough.load(SeqCst) == 1
}

/// From now on this process has its time again.
pub(crate) fn limit() {
    child::die_after(LIMIT);
}

/// How a wait for a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Ended(i32),
    Killed,
    Stopped,
}

/// A forked process; it is killed with this value.
pub(crate) struct Process {
    pid: i32,
    is_there: bool,
}

impl Process {
    /// Forks a process that is to be signalled at step `at`, counted from [`begin`] on.
    pub(crate) fn under_test(at: usize, signal: i32, work: impl FnOnce()) -> Process {
        page().steps.store(0, SeqCst);
        arm(at, signal);
        Self::start(work)
    }

    /// Forks a process. It ends without destructors, and with its parent.
    pub(crate) fn start(work: impl FnOnce()) -> Process {
        // The driver's own limit, from now on.
        child::die_after(2 * LIMIT);
        let pid = child::fork(|| {
            limit();
            // SAFETY: concerns this process alone.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            work();
            end();
            0
        });
        Process {
            pid,
            is_there: true,
        }
    }

    fn look(&mut self, options: i32) -> Option<Happened> {
        let mut status = 0;
        // SAFETY: a child of this process that was not waited for yet.
        let found = unsafe { libc::waitpid(self.pid, &raw mut status, options | libc::WUNTRACED) };
        assert!(found >= 0, "waitpid: {}", std::io::Error::last_os_error());
        if found == 0 {
            return None;
        }
        if libc::WIFSTOPPED(status) {
            return Some(Happened::Stopped);
        }
        self.is_there = false;
        if libc::WIFEXITED(status) {
            return Some(Happened::Ended(libc::WEXITSTATUS(status)));
        }
        let signal = libc::WTERMSIG(status);
        assert_eq!(signal, libc::SIGKILL, "a hang, or a crash of its own");
        Some(Happened::Killed)
    }

    /// Waits until it has ended or stopped.
    pub(crate) fn wait(&mut self) -> Happened {
        self.look(0).expect("waited for")
    }

    /// The same; does `peer` each time when it sleeps in a futex.
    pub(crate) fn wait_beside(&mut self, mut peer: impl FnMut()) -> Happened {
        loop {
            if let Some(happened) = self.look(libc::WNOHANG) {
                return happened;
            }
            if self.sleeps() && last().is_some_and(|step| step.name == Some("futex: wait")) {
                peer();
            }
            std::thread::sleep(Duration::from_micros(20));
        }
    }

    pub(crate) fn sleeps(&self) -> bool {
        state(self.pid as u32, self.pid as u32) == Some('S')
    }

    pub(crate) fn await_sleep(&self) {
        while !self.sleeps() {
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    pub(crate) fn go_on(&self) {
        self.signal(libc::SIGCONT);
    }

    fn signal(&self, signal: i32) {
        // SAFETY: the number is the child's until it is waited for.
        unsafe { libc::kill(self.pid, signal) };
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_there {
            self.signal(libc::SIGKILL);
            self.look(0);
        }
    }
}
