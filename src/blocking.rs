//! Blocking calls: try, spin a little, sleep until woken, look for the dead now and then.
//!
//! A sleep and a wake-up cost a hundred times what everything else costs here. So a wait first spins: as long as spinning
//! has lately been worth it, and not at all on one CPU. The sleep ends at the caller's deadline or after a slice, whichever
//! is sooner; at the end of a slice it looks for participants that have died, since what is waited for may be theirs.

use crate::error::Shortage;
use crate::failure::{GetStop, PutStop};
use crate::layout::state;
use crate::ring::vain_looks;
use crate::shared::Shared;
use crate::sync::Ordering::Relaxed;
use crate::sync::futex::{self, Woken};
use crate::sys;
use crate::wait::{self, Event};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// The turns of spinning, a few tens of nanoseconds each: where it starts, and between which it adapts.
pub(crate) const SPIN_START: u32 = 4096;
const SPIN_LEAST: u32 = 128;
const SPIN_MOST: u32 = 8192;
/// The most turns between two looks.
const SPIN_LONGEST: u32 = 32;
/// After so many looks the CPU is offered to others: with more processes than CPUs, the peer may need just this one. Not in
/// the shortest spins: there it was of no use lately.
const SPIN_YIELD: u32 = 32;
/// A spin that has lasted so long is over. Somebody else had the CPU meanwhile, and kept it: whoever sleeps is preferred to
/// him when it is woken, whoever offers his CPU again and again is not.
const SPIN_TOO_LONG: Duration = Duration::from_millis(1);
/// How long to spin for chunks or a descriptor: about what a sleep and a wake-up cost.
const SPIN_FOR_MEMORY: Duration = Duration::from_micros(100);
/// A sleep ends after this long, plus up to as much again, so that not all waiters wake together.
const SLICE: Duration = Duration::from_millis(50);

/// How long a call may wait.
pub(crate) struct Patience<'a> {
    pub(crate) deadline: Option<Instant>,
    /// Asked whenever a sleep has ended, if nothing was there: by a signal handler, a wake, or at the end of its slice.
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

    /// The same patience, for another wait.
    pub(crate) fn again(&mut self) -> Patience<'_> {
        Patience {
            deadline: self.deadline,
            interrupted: match &mut self.interrupted {
                Some(interrupted) => Some(&mut **interrupted),
                None => None,
            },
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
    /// What may cure it; `None`: nothing will.
    fn event<'a>(&self, shared: &'a Shared) -> Option<Event<'a>>;
    /// Does this wait for items, and so pace its looking?
    const PACED: bool;
    /// Does a try that finds this cost next to nothing?
    fn is_cheap(&self) -> bool;
    /// The same, when the deadline has passed.
    fn timed_out(self) -> Self;
    fn interrupted() -> Self;
}

impl Waitable for PutStop {
    const PACED: bool = false;

    fn is_cheap(&self) -> bool {
        self.shortage() == Some(Shortage::Slots)
    }

    #[inline(always)]
    fn event<'a>(&self, shared: &'a Shared) -> Option<Event<'a>> {
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

    fn is_cheap(&self) -> bool {
        true
    }

    #[inline(always)]
    fn event<'a>(&self, shared: &'a Shared) -> Option<Event<'a>> {
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
    /// Tries until it works, something else than a shortage is wrong, or patience is over; `finish` makes of that what the
    /// caller wants.
    ///
    /// It is called in two places, so that what works at once never lies in the memory in which the other way returns it.
    #[inline(always)]
    pub(crate) fn block<T, E: Waitable, U>(
        &self,
        patience: Patience<'_>,
        mut attempt: impl FnMut() -> Result<T, E>,
        finish: impl FnOnce(Result<T, E>) -> U,
    ) -> U {
        match attempt() {
            Ok(done) => finish(Ok(done)),
            Err(error) => self.wait_and_finish(error, patience, attempt, finish),
        }
    }

    #[cold]
    #[inline(never)]
    fn wait_and_finish<T, E: Waitable, U>(
        &self,
        error: E,
        mut patience: Patience<'_>,
        mut attempt: impl FnMut() -> Result<T, E>,
        finish: impl FnOnce(Result<T, E>) -> U,
    ) -> U {
        if error.event(self).is_none() {
            return finish(Err(error));
        }
        finish(match self.spin(error, &patience, &mut attempt) {
            ControlFlow::Break(result) => result,
            ControlFlow::Continue(error) => self.sleep(error, &mut patience, attempt),
        })
    }

    /// Tries for a while without sleeping.
    #[inline(always)]
    fn spin<T, E: Waitable>(
        &self,
        mut error: E,
        patience: &Patience<'_>,
        attempt: &mut impl FnMut() -> Result<T, E>,
    ) -> ControlFlow<Result<T, E>, E> {
        let budget = self.spin.load(Relaxed);
        if budget == 0 || patience.is_over() {
            return ControlFlow::Continue(error);
        }
        if !error.is_cheap() {
            return self.spin_for_memory(error, patience, attempt);
        }
        if E::PACED {
            vain_looks::count();
            self.pace.pause(self.ring.own_head());
        } else {
            self.ring.await_a_run();
        }
        let mut spent = 0;
        let mut offered: Option<Instant> = None;
        let mut too_long = false;
        for look in 1_u32.. {
            if spent >= budget {
                break;
            }
            // The longer it has taken, the longer it may take: looking less often leaves the caches, and a sibling thread of
            // the same core, to whoever works.
            let turns = (1 + spent / 64).min(SPIN_LONGEST);
            spent += turns;
            if look.is_multiple_of(SPIN_YIELD) && budget > SPIN_LEAST {
                if patience.is_over() {
                    return ControlFlow::Continue(error);
                }
                too_long = offer_the_cpu(&mut offered);
            } else {
                for _ in 0..turns {
                    std::hint::spin_loop();
                }
            }
            match attempt() {
                Ok(done) => {
                    if E::PACED {
                        self.pace.ended(self.ring.own_head(), look);
                    }
                    let next = match too_long {
                        false => budget + budget / 8,
                        true => budget / 4,
                    };
                    self.spin.store(next.clamp(SPIN_LEAST, SPIN_MOST), Relaxed);
                    return ControlFlow::Break(Ok(done));
                }
                Err(other) if other.event(self).is_none() => return ControlFlow::Break(Err(other)),
                Err(other) => error = other,
            }
            if too_long {
                break;
            }
        }
        let next = match too_long {
            false => budget - budget / 4,
            true => budget / 4,
        };
        self.spin.store(next.max(SPIN_LEAST), Relaxed);
        ControlFlow::Continue(error)
    }

    /// The same where each try searches the arena or the descriptors: fewer of them, and by the clock.
    #[inline(never)]
    fn spin_for_memory<T, E: Waitable>(
        &self,
        mut error: E,
        patience: &Patience<'_>,
        attempt: &mut impl FnMut() -> Result<T, E>,
    ) -> ControlFlow<Result<T, E>, E> {
        let until = Instant::now() + SPIN_FOR_MEMORY;
        while Instant::now() < until && !patience.is_over() {
            for _ in 0..SPIN_YIELD {
                std::hint::spin_loop();
            }
            match attempt() {
                Ok(done) => return ControlFlow::Break(Ok(done)),
                Err(other) if other.event(self).is_none() => return ControlFlow::Break(Err(other)),
                Err(other) => error = other,
            }
        }
        ControlFlow::Continue(error)
    }

    fn sleep<T, E: Waitable>(
        &self,
        mut error: E,
        patience: &mut Patience<'_>,
        mut attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        // A wake that was meant for one who takes something, and has not been passed on yet.
        let mut wake: Option<Event<'_>> = None;
        let mut asked = true;
        let result = loop {
            let Some(event) = error.event(self) else {
                break Err(error);
            };
            let seen = wait::announce(event);
            match attempt() {
                Ok(done) => return Ok(done),
                Err(other) => error = other,
            }
            if !asked && patience.is_interrupted() {
                break Err(E::interrupted());
            }
            asked = true;
            // Woken for one thing (a slot, say), it now lacks another (memory): somebody else may lack only the first.
            match error.event(self) {
                Some(now) if std::ptr::eq(now.word, event.word) => {}
                _ => {
                    if let Some(event) = wake.take() {
                        wait::notify_one(event);
                    }
                    if patience.is_over() {
                        break Err(error.timed_out());
                    }
                    continue;
                }
            }
            if patience.is_over() {
                break Err(error.timed_out());
            }
            let slice = Instant::now() + event.slice(SLICE + jitter());
            let until = patience
                .deadline
                .map_or(slice, |deadline| deadline.min(slice));
            match futex::wait(event.word, seen, Some(&sys::kernel_time(until))) {
                Woken::Perhaps => wake = Some(event),
                Woken::Interrupted => {}
                Woken::TimedOut => self.look_now_and_then(),
            }
            asked = false;
        };
        // Leaves without having taken anything: whoever else waits gets the wake.
        if let Some(event) = wake {
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
            self.drop_the_rest_if_closed();
            let finished = self.ring.finished() == Finished::Yes;
            let unfinished = self.unfinished();
            // Below zero, some of it was called done while its item is still leased.
            if unfinished <= 0
                && (finished
                    || unfinished < 0
                        && self.ring.census().unacknowledged() <= unfinished.saturating_neg())
            {
                return true;
            }
            if patience.is_over() || patience.is_interrupted() {
                return false;
            }
            let slice = Instant::now() + event.slice(SLICE + jitter());
            let until = patience
                .deadline
                .map_or(slice, |deadline| deadline.min(slice));
            if futex::wait(event.word, seen, Some(&sys::kernel_time(until))) == Woken::TimedOut {
                self.look_now_and_then();
            }
        }
    }
}

/// Lets others have this CPU. Says whether the spin has lasted too long by now; `since` is when it first did this.
#[cold]
#[inline(never)]
fn offer_the_cpu(since: &mut Option<Instant>) -> bool {
    let since = *since.get_or_insert_with(Instant::now);
    std::thread::yield_now();
    since.elapsed() > SPIN_TOO_LONG
}

/// Up to one more slice: the low bits of a clock are as good as chance here.
fn jitter() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    SLICE * (now.tv_nsec as u32 & 1023) / 1024
}
