//! `ringpost put`: a stream becomes items.

use crate::args::PutArgs;
use crate::exit::{Outcome, Stop};
use crate::framing::{Framing, Splitter};
use crate::input::Input;
use crate::progress::{Progress, Unit};
use crate::signals::Signals;
use crate::units::count;
use ringpost::{BytesQueue, Options, PutError};
use std::time::{Duration, Instant};

/// Put at once, between two looks at the signals.
const BATCH: usize = 64;

pub(crate) fn run(args: &PutArgs) -> Outcome {
    let signals = Signals::install()?;
    let mut input = Input::open(&args.file)?;
    let queue = match args.create {
        true => Options::new().open_or_create(&args.name)?,
        false => ringpost::open(&args.name)?,
    };
    let framing = args.framing.framing();
    // Of a file, its bytes are counted, so that the end can be foreseen; of a stream, its items.
    let unit = if input.length().is_some() {
        Unit::Bytes
    } else {
        Unit::Items
    };
    let progress = Progress::new(input.length(), unit, !args.quiet);
    let splitter = Splitter::new(framing, queue.max_payload());
    let mut putter = Putter {
        queue,
        signals,
        timeout: args.timeout,
        framing,
        unit,
        progress,
        put: 0,
    };
    let outcome = putter.put_all(&mut input, splitter);
    outcome.map_err(|stop| putter.explain(stop))
}

struct Putter {
    queue: BytesQueue,
    signals: Signals,
    timeout: Option<Duration>,
    framing: Framing,
    unit: Unit,
    progress: Progress,
    put: u64,
}

impl Putter {
    fn put_all(&mut self, input: &mut Input, mut splitter: Splitter) -> Outcome {
        while let Some(piece) = input.read(&self.signals)? {
            splitter.extend(piece);
            loop {
                let (items, taken) = splitter.complete()?;
                if taken == 0 {
                    break;
                }
                self.put_items(&items)?;
                splitter.consume(taken);
            }
        }
        match splitter.finish()? {
            Some(last) => self.put_items(&[last]),
            None => Ok(()),
        }
    }

    fn put_items(&mut self, items: &[&[u8]]) -> Outcome {
        let mut left = items;
        while let Some(first) = left.first() {
            if self.signals.arrived() {
                return Err(self.signals.stop());
            }
            let batch = &left[..left.len().min(BATCH)];
            let done = match self.queue.try_put_many(batch) {
                Ok(done) => done,
                Err(PutError::Full(_)) => 0,
                Err(error) => return Err(error.into()),
            };
            if done == 0 {
                self.wait_and_put(first)?;
            }
            let (put, rest) = left.split_at(done.max(1));
            self.count(put);
            left = rest;
        }
        Ok(())
    }

    /// Puts one item, when there is room.
    fn wait_and_put(&mut self, item: &[u8]) -> Outcome {
        let deadline = self
            .timeout
            .and_then(|timeout| Instant::now().checked_add(timeout));
        let interrupted = || {
            self.progress.look();
            self.signals.arrived()
        };
        match self.queue.put_interruptible(item, deadline, interrupted) {
            Ok(()) => Ok(()),
            Err(PutError::Interrupted) => Err(self.signals.stop()),
            Err(error) => Err(error.into()),
        }
    }

    /// These items are in the queue.
    fn count(&mut self, items: &[&[u8]]) {
        let count = items.len() as u64;
        self.put += count;
        self.progress.add(match self.unit {
            Unit::Items => count,
            Unit::Bytes => items
                .iter()
                .map(|item| self.framing.encoded_length(item))
                .sum(),
        });
    }

    /// Says how far it came: whoever repairs the input wants to know.
    fn explain(&self, stop: Stop) -> Stop {
        let put = count(self.put, "item");
        if self.signals.arrived() {
            return Stop::new(self.signals.code(), format!("interrupted after {put}"));
        }
        stop.context(format!("after {put}"))
    }
}
