//! One worker is stopped for 100 ms, again and again, in the middle of whatever it does: how long do the others stand still?
//!
//! Two senders and two receivers; one of each is stopped, in turn, by a signal whose handler sleeps, so that threads and
//! processes are stopped alike. The other two are watched. A payload of 2 KiB is copied in and out of the same buffer, and next to
//! nothing is done between operations, so that a random moment is likely to be within one, for all peers alike: for a ring
//! that claims a position before it copies, about as likely as the copy is long. Between two stops the same workers run for as
//! long unstopped; what that shows (time slices of the scheduler) is taken away.

use super::pulse::{self, Moments};
use super::{KIB, Outcome, Pace, as_it_does, flow};
use crate::controller::Control;
use crate::crew::{self, Part, Report};
use crate::failure::{Failure, Kind};
use crate::histogram;
use hdrhistogram::Histogram;
use ringpost_peers::{Peer, Spec};
use rustix::process::Pid;
use std::time::Duration;

/// Bytes that are copied in and out.
pub(super) const PAYLOAD: usize = 2 * KIB;
/// Items that fit: so few that whoever is stopped is soon missed.
pub(super) const DEPTH: usize = 64;
/// How long one is stopped.
const STOP: Duration = Duration::from_millis(100);
/// The least time before a stop and after it, and what a random time adds before it at most.
const AROUND: Duration = Duration::from_millis(10);
const JITTER_US: u64 = 6_000;

const UNSTOPPED: u32 = 1;
const STOPPED: u32 = 2;

/// The workers: who is stopped, and who is watched.
const VICTIMS: [usize; 2] = [0, 2];
const OTHERS: [usize; 2] = [1, 3];

/// The shape of the pause test and of the kill test.
pub(super) fn spec<P: Peer>() -> Spec {
    Spec {
        payload: PAYLOAD,
        depth: DEPTH,
        senders: 2,
        receivers: 2,
        waiting: as_it_does::<P>().waiting(),
    }
}

/// A part with a stop in it, and one without, which is as long.
fn part() -> Duration {
    AROUND + Duration::from_micros(JITTER_US / 2) + STOP + AROUND
}

pub(super) fn time(pace: &Pace) -> Duration {
    pace.warm + 2 * pace.stops * part()
}

pub(super) fn run<P: Peer>(control: &Control, pace: &Pace) -> Result<Outcome, Failure> {
    let spec = spec::<P>();
    sleep_on_signal();
    let setup = P::set_up(&spec)?;
    let board = flow::board(&spec);
    let reports = crew::run(control, P::ABOUT.place, &board, |crew| {
        for i in 0..2 {
            crew.add(Part::Sender(i), pulse::sender::<P>(&setup, spec, i));
        }
        for i in 0..2 {
            let receiver = pulse::receiver::<P>(&setup, spec, i, true);
            crew.add(Part::Receiver(i), receiver);
        }
        crew.begin()?;
        crew.work(pace.warm)?;
        let mut moments = Moments::new();
        for stop in 0..pace.stops as usize {
            board.begin(UNSTOPPED);
            crew.work(part())?;
            board.begin(STOPPED);
            crew.work(AROUND + Duration::from_micros(moments.below(JITTER_US)))?;
            signal(board.seat(VICTIMS[stop % VICTIMS.len()]).who())?;
            crew.work(STOP + AROUND)?;
        }
        board.stop();
        crew.join()
    })?;
    flow::verify(&spec, &reports)?;
    let [before, after] = [UNSTOPPED, STOPPED].map(|part| of_others(&reports, part));
    let less = |figure: fn(&Histogram<u64>) -> u64| {
        (figure(&after) as f64 - figure(&before) as f64).max(0.0) / 1e6
    };
    let longest = less(|waits| waits.max());
    let curve = histogram::counts(&after);
    Ok(Outcome {
        figures: vec![longest, less(|waits| waits.value_at_quantile(0.999))],
        curves: vec![curve],
    })
}

/// How long the watched workers' observers waited in a part of the run.
fn of_others(reports: &[Report], part: u32) -> Histogram<u64> {
    let mut all = histogram::empty();
    for other in OTHERS {
        histogram::add(&mut all, &reports[other].histograms[part as usize]);
    }
    all
}

/// From now on the signal makes the thread that gets it sleep. Inherited by forked workers.
fn sleep_on_signal() {
    extern "C" fn sleep(_: libc::c_int) {
        let time = libc::timespec {
            tv_sec: 0,
            tv_nsec: STOP.as_nanos() as i64,
        };
        // SAFETY: may be called in a handler; the time is readable, and what is left is not asked for. `errno` stays: only
        // another signal could set it.
        unsafe { libc::nanosleep(&raw const time, std::ptr::null_mut()) };
    }
    // SAFETY: plain data, for which zero is a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = sleep as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does only what a handler may.
    let set = unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
    assert_eq!(set, 0, "sigaction");
}

/// Sends that signal to one thread.
fn signal((process, thread): (Option<Pid>, Option<Pid>)) -> Result<(), Failure> {
    let (Some(process), Some(thread)) = (process, thread) else {
        let reason = "a worker has no thread";
        return Err(Failure::new(Kind::Crashed, reason));
    };
    let (process, thread) = (process.as_raw_pid(), thread.as_raw_pid());
    // SAFETY: a system call on three numbers.
    unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGUSR1) };
    Ok(())
}
