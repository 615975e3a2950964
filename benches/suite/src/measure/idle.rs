//! What a reader costs that waits, and nothing ever comes.

use super::{LINE, Outcome, depth, flow};
use crate::board::Board;
use crate::controller::Control;
use crate::crew::{self, Part, Report, Work};
use crate::ends::{In, Out, Way};
use crate::failure::Failure;
use crate::payload;
use ringpost_peers::{Peer, Place, Spec};
use rustix::process::Pid;
use std::time::{Duration, Instant};

/// Before it is watched: whoever spins a little first has gone to sleep.
pub(super) const SETTLE: Duration = Duration::from_millis(200);
/// While it is.
pub(super) const WATCH: Duration = Duration::from_millis(1000);

pub(super) fn run<P: Peer>(control: &Control) -> Result<Outcome, Failure> {
    let spec = Spec {
        payload: LINE,
        depth: depth(LINE),
        senders: 1,
        receivers: 1,
        waiting: Way::Blocking.waiting(),
    };
    let setup = P::set_up(&spec)?;
    let board = Board::new(2);
    crew::run(control, P::ABOUT.place, &board, |crew| {
        crew.add(Part::Sender(0), sender::<P>(&setup));
        crew.add(Part::Receiver(0), receiver::<P>(&setup));
        crew.begin()?;
        crew.work(SETTLE)?;
        // Of threads: the whole process, in which nobody else does anything.
        let process = match P::ABOUT.place {
            Place::Threads => None,
            Place::Processes => board.seat(1).who().0,
        };
        let (start, before) = (Instant::now(), used(process));
        crew.work(WATCH)?;
        let (elapsed, after) = (start.elapsed(), used(process));
        board.stop();
        crew.join()?;
        let part = (after - before).as_secs_f64() / elapsed.as_secs_f64();
        Ok(Outcome::of(part * 100.0))
    })
}

fn sender<'e, P: Peer>(setup: &'e P::Setup) -> Work<'e> {
    Box::new(move |seat| {
        let mut out = Out::new(P::sender(setup, 0)?, Way::Blocking, LINE);
        seat.start();
        std::thread::sleep(SETTLE + WATCH); // of threads the process is watched: nobody else may do anything
        while !seat.board.stopped() {
            std::thread::sleep(Duration::from_millis(20));
        }
        out.send(payload::STOP);
        Ok(Report::default())
    })
}

fn receiver<'e, P: Peer>(setup: &'e P::Setup) -> Work<'e> {
    Box::new(move |seat| {
        let mut inlet = In::new(P::receiver(setup, 0)?, Way::Blocking, LINE);
        let account = payload::Account::new(true);
        seat.start();
        let tag = inlet.receive()?;
        if tag != payload::STOP {
            return Err(payload::Fault::Stranger.into());
        }
        Ok(flow::report(&account))
    })
}

/// The processor time that a process (without one: this one) has used.
fn used(process: Option<Pid>) -> Duration {
    let mut clock = libc::CLOCK_PROCESS_CPUTIME_ID;
    if let Some(process) = process {
        // SAFETY: writes the clock's name to a variable of its type.
        let got = unsafe { libc::clock_getcpuclockid(process.as_raw_pid(), &raw mut clock) };
        assert_eq!(got, 0, "the worker's clock");
    }
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: fills the variable that it is given.
    let got = unsafe { libc::clock_gettime(clock, &raw mut time) };
    assert_eq!(got, 0, "the worker's clock");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
