//! `ringpost get`: items become a stream.

use crate::args::GetArgs;
use crate::exit::{Code, Outcome, Stop};
use crate::output::Output;
use crate::progress::{Progress, Unit};
use crate::signals::Signals;
use crate::units::thousands;
use ringpost::{BytesQueue, GetError, Lease};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// Leased at once on the way to stdout, at most.
const MOST_LEASED: usize = 64;

pub(crate) fn run(args: &GetArgs) -> Outcome {
    let signals = Signals::install()?;
    let queue = ringpost::open(&args.name)?;
    let most_leased = usize::try_from((queue.stats().in_flight / 2).max(1)).unwrap_or(MOST_LEASED);
    let output = Output::new(args.framing.framing(), MOST_LEASED.min(most_leased))?;
    let wish = match (args.follow, args.count) {
        (true, _) => Wish::Everything,
        (_, Some(count)) => Wish::Count(count),
        _ => Wish::WhatIsThere,
    };
    let total = match wish {
        Wish::Everything => None,
        Wish::Count(count) => Some(count),
        Wish::WhatIsThere => Some(queue.len() as u64),
    };
    // A follower may run for days, and a bar among items on the same terminal is no help.
    let wanted = !args.quiet && !args.follow && !io::stdout().is_terminal();
    let progress = Progress::new(total, Unit::Items, wanted);
    let timeout = args.timeout;
    Getter {
        queue,
        signals,
        output,
        progress,
        wish,
        timeout,
    }
    .get_all()
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
enum Wish {
    /// When the queue is empty.
    WhatIsThere,
    /// After so many items.
    Count(u64),
    /// When the queue is shut down.
    Everything,
}

/// What came of looking for an item.
enum Found {
    Item(Lease),
    /// None is there now, or none came in time.
    Nothing,
    /// The queue is shut down, and drained.
    Closed,
}

struct Getter {
    queue: BytesQueue,
    signals: Signals,
    output: Output,
    progress: Progress,
    wish: Wish,
    timeout: Option<Duration>,
}

impl Getter {
    /// Takes items until the wish is fulfilled; whatever happens, what was taken is written.
    fn get_all(mut self) -> Outcome {
        let taken = self.take();
        let flushed = self.output.flush();
        match taken {
            Err(stop) if stop.code() == Code::BrokenPipe => Err(stop),
            taken => flushed.and(taken),
        }
    }

    fn take(&mut self) -> Outcome {
        loop {
            if let Wish::Count(count) = self.wish
                && self.output.taken() >= count
            {
                return Ok(());
            }
            if self.signals.arrived() {
                return Err(self.signals.stop());
            }
            match self.next()? {
                Found::Item(item) => self.output.add(item)?,
                Found::Nothing => return self.ran_dry(),
                Found::Closed => return self.was_closed(),
            }
            self.progress.set(self.output.taken());
        }
    }

    /// The next item: at once, or else, with all that was taken written, after a wait.
    fn next(&mut self) -> Result<Found, Stop> {
        // Nothing is taken for a reader that has gone.
        if self.output.taken() == self.output.written() && self.output.is_broken() {
            return Err(Stop::quiet(Code::BrokenPipe));
        }
        match self.queue.try_lease() {
            Ok(item) => return Ok(Found::Item(item)),
            Err(GetError::Empty) => {}
            Err(GetError::Closed) => return Ok(Found::Closed),
            Err(error) => return Err(error.into()),
        }
        self.output.flush()?;
        let waits = match self.wish {
            Wish::WhatIsThere => self.timeout.is_some() && self.output.taken() == 0,
            Wish::Count(_) | Wish::Everything => true,
        };
        match waits {
            true => self.wait(),
            false => self.look_again(),
        }
    }

    /// What a killed process has left belongs to what is there.
    fn look_again(&self) -> Result<Found, Stop> {
        self.queue.recover()?;
        match self.queue.try_lease() {
            Ok(item) => Ok(Found::Item(item)),
            Err(GetError::Empty) => Ok(Found::Nothing),
            Err(GetError::Closed) => Ok(Found::Closed),
            Err(error) => Err(error.into()),
        }
    }

    fn wait(&mut self) -> Result<Found, Stop> {
        let deadline = self
            .timeout
            .and_then(|timeout| Instant::now().checked_add(timeout));
        let interrupted = || {
            self.progress.look();
            self.signals.arrived() || self.output.is_broken()
        };
        match self.queue.lease_interruptible(deadline, interrupted) {
            Ok(item) => Ok(Found::Item(item)),
            Err(GetError::TimedOut) => Ok(Found::Nothing),
            Err(GetError::Closed) => Ok(Found::Closed),
            Err(GetError::Interrupted) if self.signals.arrived() => Err(self.signals.stop()),
            Err(GetError::Interrupted) => Err(Stop::quiet(Code::BrokenPipe)),
            Err(error) => Err(error.into()),
        }
    }

    fn ran_dry(&self) -> Outcome {
        let taken = self.output.taken();
        match self.wish {
            Wish::Count(count) => {
                let (taken, count) = (thousands(taken), thousands(count));
                Err(Stop::new(
                    Code::Nothing,
                    format!("timed out with {taken} of {count} items"),
                ))
            }
            _ if taken == 0 => Err(Stop::quiet(Code::Nothing)),
            _ => Ok(()),
        }
    }

    fn was_closed(&self) -> Outcome {
        let taken = self.output.taken();
        match self.wish {
            Wish::Everything => Ok(()),
            Wish::Count(count) => {
                let (taken, count) = (thousands(taken), thousands(count));
                let message = format!("the queue was shut down after {taken} of {count} items");
                Err(Stop::new(Code::Closed, message))
            }
            Wish::WhatIsThere if taken == 0 => Err(GetError::Closed.into()),
            Wish::WhatIsThere => Ok(()),
        }
    }
}
