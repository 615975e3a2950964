//! Blocking calls: try, spin a little, sleep until woken, look for the dead now and then.
//!
//! A sleep and a wake-up cost a hundred times what everything else costs here. So a wait first spins: as long as spinning
//! has lately been worth it, and not at all on one CPU. The sleep ends at the caller's deadline or after a slice, whichever
//! is sooner; at the end of a slice it looks for participants that have died, since what is waited for may be theirs.

use crate::error::Shortage;
use crate::failure::{GetStop, PutStop};
use crate::layout::state;
use crate::shared::Shared;
use crate::sync::AtomicU32;
use crate::sync::Ordering::Relaxed;
use crate::sync::futex::{self, Woken};
use crate::{sys, wait};
use std::time::{Duration, Instant};

/// The rounds of spinning: where it starts, and between which it adapts. A round is one try and one pause, about 50 ns.
pub(crate) const SPIN_START: u32 = 1024;
const SPIN_LEAST: u32 = 64;
const SPIN_MOST: u32 = 2048;
/// After so many rounds the CPU is offered to others: with more processes than CPUs, the peer may need just this one.
const SPIN_YIELD: u32 = 32;
/// A sleep ends after this long, plus up to as much again, so that not all waiters wake together.
const SLICE: Duration = Duration::from_millis(50);

/// How long a call may wait.
pub(crate) struct Patience<'a> {
    pub(crate) deadline: Option<Instant>,
    /// Asked after a signal handler has run, and at the end of every slice: stop?
    pub(crate) interrupted: Option<&'a mut dyn FnMut() -> bool>,
}

impl Patience<'_> {
    /// Waits for ever, whatever signals come.
    pub(crate) const FOREVER: Patience<'static> = Patience {
        deadline: None,
        interrupted: None,
    };

    pub(crate) fn until(deadline: Instant) -> Patience<'static> {
        Patience {
            deadline: Some(deadline),
            interrupted: None,
        }
    }

    /// So far from now; for ever, if that is beyond what the clock can say.
    pub(crate) fn for_(timeout: Duration) -> Patience<'static> {
        Patience {
            deadline: Instant::now().checked_add(timeout),
            interrupted: None,
        }
    }

    fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn is_interrupted(&mut self) -> bool {
        self.interrupted
            .as_mut()
            .is_some_and(|interrupted| interrupted())
    }
}

/// An error that waiting may cure.
pub(crate) trait Waitable: Sized {
    /// The futex word whose change may cure it; `None`: nothing will.
    fn event<'a>(&self, shared: &'a Shared) -> Option<&'a AtomicU32>;
    /// Does this wait for items, and so pace its looking?
    const PACED: bool;
    /// The same, when the deadline has passed.
    fn timed_out(self) -> Self;
    fn interrupted() -> Self;
}

impl Waitable for PutStop {
    const PACED: bool = false;

    #[inline(always)]
    fn event<'a>(&self, shared: &'a Shared) -> Option<&'a AtomicU32> {
        let memory = &shared.ring.memory;
        self.shortage().map(|shortage| match shortage {
            Shortage::Slots => memory.ev_put(),
            Shortage::Descriptors => memory.ev_desc(),
            Shortage::Arena => memory.ev_mem(),
        })
    }

    fn timed_out(self) -> PutStop {
        match self.shortage() {
            Some(shortage) => PutStop::TimedOut(shortage),
            None => self,
        }
    }

    fn interrupted() -> PutStop {
        PutStop::Interrupted
    }
}

impl Waitable for GetStop {
    const PACED: bool = true;

    #[inline(always)]
    fn event<'a>(&self, shared: &'a Shared) -> Option<&'a AtomicU32> {
        match self {
            GetStop::Empty if shared.ring.state() == state::OPEN => {
                Some(shared.ring.memory.ev_get())
            }
            // Draining: nothing new comes, but what another consumer has claimed may come back, or be done with.
            GetStop::Empty => Some(shared.ring.memory.ev_done()),
            _ => None,
        }
    }

    fn timed_out(self) -> GetStop {
        match self {
            GetStop::Empty => GetStop::TimedOut,
            other => other,
        }
    }

    fn interrupted() -> GetStop {
        GetStop::Interrupted
    }
}

impl Shared {
    /// Tries until it works, something else than a shortage is wrong, or patience is over.
    #[inline(always)]
    pub(crate) fn block<T, E: Waitable>(
        &self,
        patience: Patience<'_>,
        mut attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        match attempt() {
            Ok(done) => Ok(done),
            Err(error) if error.event(self).is_none() => Err(error),
            Err(error) => self.spin_then_sleep(error, patience, attempt),
        }
    }

    #[cold]
    #[inline(never)]
    fn spin_then_sleep<T, E: Waitable>(
        &self,
        mut error: E,
        mut patience: Patience<'_>,
        mut attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let rounds = self.spin.load(Relaxed);
        if !patience.is_over() {
            if E::PACED {
                self.pace.pause(self.ring.own_head());
            }
            for round in 1..=rounds {
                if round.is_multiple_of(SPIN_YIELD) {
                    std::thread::yield_now();
                } else {
                    std::hint::spin_loop();
                }
                match attempt() {
                    Ok(done) => {
                        if E::PACED {
                            self.pace.ended(self.ring.own_head(), round);
                        }
                        self.spin
                            .store((rounds + rounds / 8).min(SPIN_MOST), Relaxed);
                        return Ok(done);
                    }
                    Err(other) if other.event(self).is_none() => return Err(other),
                    Err(other) => error = other,
                }
            }
        }
        if rounds > 0 {
            self.spin
                .store((rounds - rounds / 4).max(SPIN_LEAST), Relaxed);
        }
        self.sleep(error, &mut patience, attempt)
    }

    fn sleep<T, E: Waitable>(
        &self,
        mut error: E,
        patience: &mut Patience<'_>,
        mut attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut woken_on = None;
        let result = loop {
            let Some(event) = error.event(self) else {
                break Err(error);
            };
            let seen = wait::announce(event);
            match attempt() {
                Ok(done) => return Ok(done),
                Err(other) => error = other,
            }
            // Another event than the one announced (first no slot, then no memory, say): announce that one.
            match error.event(self) {
                Some(now) if std::ptr::eq(now, event) => {}
                _ => continue,
            }
            if patience.is_over() {
                break Err(error.timed_out());
            }
            let slice = Instant::now() + SLICE + jitter();
            let until = patience
                .deadline
                .map_or(slice, |deadline| deadline.min(slice));
            match futex::wait(event, seen, Some(&sys::kernel_time(until))) {
                Woken::Perhaps => woken_on = Some(event),
                Woken::Interrupted if patience.is_interrupted() => break Err(E::interrupted()),
                Woken::Interrupted => {}
                Woken::TimedOut => {
                    self.look_now_and_then();
                    if patience.is_interrupted() {
                        break Err(E::interrupted());
                    }
                }
            }
        };
        // Leaves without having taken anything: whoever else waits gets the wake.
        if let Some(event) = woken_on {
            wait::notify_one(event);
        }
        result
    }

    /// Waits until everything that was put has been acknowledged. Says whether it has been.
    pub(crate) fn join(&self, mut patience: Patience<'_>) -> bool {
        use crate::ring::Finished;
        let event = self.ring.memory.ev_done();
        loop {
            let seen = wait::announce(event);
            if self.ring.finished() == Finished::Yes {
                return true;
            }
            if patience.is_over() || patience.is_interrupted() {
                return false;
            }
            let slice = Instant::now() + SLICE + jitter();
            let until = patience
                .deadline
                .map_or(slice, |deadline| deadline.min(slice));
            if futex::wait(event, seen, Some(&sys::kernel_time(until))) == Woken::TimedOut {
                self.look_now_and_then();
            }
        }
    }
}

/// Up to one more slice: the low bits of a clock are as good as chance here.
fn jitter() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    SLICE * (now.tv_nsec as u32 & 1023) / 1024
}
