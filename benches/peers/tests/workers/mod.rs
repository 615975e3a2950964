//! The workers of a trial: threads, or forked processes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{scope, sleep};
use std::time::Duration;

use ringpost_peers::{Peer, Place, Spec, Unfit};

/// A trial that takes longer hangs.
const PATIENCE: u32 = 60;

/// Forks; the child does the work and ends without any destructor.
fn fork(work: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the trials' processes have one thread when they fork, so the child finds no lock that another one holds.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", std::io::Error::last_os_error()),
        0 => {
            // SAFETY: this process is killed if it is still there then, or when its parent ends.
            unsafe { libc::alarm(PATIENCE) };
            // SAFETY: as above.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            let done = catch_unwind(AssertUnwindSafe(work));
            // SAFETY: ends this process.
            unsafe { libc::_exit(i32::from(done.is_err())) }
        }
        child => child,
    }
}

/// Waits for a child; what was wrong with it, if anything.
fn wait(child: libc::pid_t) -> Result<(), String> {
    let mut status = 0;
    // SAFETY: a child of ours that was not waited for.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child);
    match (libc::WIFEXITED(status), libc::WEXITSTATUS(status)) {
        (true, 0) => Ok(()),
        (true, _) => Err("it has panicked: see above".into()),
        _ => Err(format!("killed by signal {}", libc::WTERMSIG(status))),
    }
}

/// Runs a trial in a process of its own.
pub(crate) fn in_a_child(trial: fn()) -> Result<(), String> {
    wait(fork(trial))
}

/// How often this thread has given up the processor to wait for something.
pub(crate) fn naps() -> i64 {
    // SAFETY: plain numbers, for which zero is valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: writes to where it is told.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    usage.ru_nvcsw
}

/// From now on this process gets a signal each millisecond, whose handler does nothing. The timer was the one that ends a
/// worker that hangs: now only its parent does, by dying.
pub(crate) fn be_signalled() {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: plain data, for which zero is valid.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as *const () as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler may be called at any time: it does nothing.
    let set = unsafe { libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()) };
    let time = libc::timeval {
        tv_sec: 0,
        tv_usec: 1000,
    };
    let timer = libc::itimerval {
        it_interval: time,
        it_value: time,
    };
    // SAFETY: only reads the times.
    let started =
        unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
    assert_eq!((set, started), (0, 0));
}

#[track_caller]
fn open<T>(end: Result<T, Unfit>) -> T {
    end.unwrap_or_else(|Unfit(why)| panic!("it cannot: {why}"))
}

/// Starts so many senders and receivers as the spec says, where the peer has them, and waits for them.
pub(crate) fn work<P: Peer>(
    setup: &P::Setup,
    spec: &Spec,
    send: impl Fn(&mut P::Sender, usize) + Sync,
    receive: impl Fn(&mut P::Receiver, usize) + Sync,
) {
    let send = |index| send(&mut open(P::sender(setup, index)), index);
    let receive = |index| receive(&mut open(P::receiver(setup, index)), index);
    match P::ABOUT.place {
        Place::Threads => scope(|threads| {
            for index in 0..spec.receivers {
                threads.spawn(move || receive(index));
            }
            for index in 0..spec.senders {
                threads.spawn(move || send(index));
            }
        }),
        Place::Processes => {
            let receivers = (0..spec.receivers).map(|index| fork(|| receive(index)));
            let mut children: Vec<_> = receivers.collect();
            children.extend((0..spec.senders).map(|index| fork(|| send(index))));
            for child in children {
                if let Err(why) = wait(child) {
                    panic!("a worker: {why}");
                }
            }
        }
    }
}

/// Starts a receiver that never receives and a sender that always sends, and kills both. Threads cannot be killed: there
/// the ends are only opened and dropped.
pub(crate) fn kill_in_the_middle<P: Peer>(setup: &P::Setup, send: impl Fn(&mut P::Sender)) {
    if P::ABOUT.place == Place::Threads {
        drop((open(P::sender(setup, 0)), open(P::receiver(setup, 0))));
        return;
    }
    let receiver = fork(|| {
        let _receiver = open(P::receiver(setup, 0));
        sleep(Duration::from_secs(u64::from(PATIENCE)));
    });
    let sender = fork(|| send(&mut open(P::sender(setup, 0))));
    sleep(Duration::from_millis(100));
    for child in [sender, receiver] {
        // SAFETY: a child of ours that was not waited for.
        unsafe { libc::kill(child, libc::SIGKILL) };
        assert_eq!(wait(child), Err("killed by signal 9".into()));
    }
}
