//! A progress bar on stderr, for those who wait: only on a terminal, and only after half a second.

use crate::units::rate;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_millis(500);
const REDRAWS_PER_SECOND: u8 = 10;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes of an input.
    Bytes,
    /// Items of a queue.
    Items,
}

/// A bar that shows itself when the work turns out to be long.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Nothing, if there is nobody to see it.
    bar: Option<ProgressBar>,
    shown: bool,
    count: u64,
    next_look: u64,
    started: Instant,
}

impl Progress {
    /// Shows how many of `total` are done, or only how many if there is no total.
    pub(crate) fn new(total: Option<u64>, unit: Unit, wanted: bool) -> Self {
        let bar = (wanted && io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
            bar.with_style(style(total.is_some(), unit))
        });
        let started = Instant::now();
        Progress {
            bar,
            shown: false,
            count: 0,
            next_look: 0,
            started,
        }
    }

    /// Adds `more` to what is done; cheap enough to call for each item.
    pub(crate) fn add(&mut self, more: u64) {
        self.set(self.count + more);
    }

    /// Says how much is done in all.
    pub(crate) fn set(&mut self, count: u64) {
        self.count = count;
        if count >= self.next_look {
            self.look();
            self.next_look = count + 64;
        }
    }

    /// Draws the bar if it is time; to be called now and then while nothing moves.
    pub(crate) fn look(&mut self) {
        let Some(bar) = &self.bar else { return };
        if !self.shown && self.started.elapsed() >= PATIENCE {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND));
            self.shown = true;
        }
        bar.set_position(self.count);
        if self.shown {
            bar.tick();
        }
    }

    /// Writes something to stderr with the bar out of the way.
    pub(crate) fn aside(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Since it was made.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(has_total: bool, unit: Unit) -> ProgressStyle {
    let template = match (has_total, unit) {
        (true, Unit::Bytes) => {
            "{wide_bar} {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  eta {eta}"
        }
        (true, Unit::Items) => "{wide_bar} {human_pos}/{human_len}  {items_per_second}  eta {eta}",
        (false, Unit::Bytes) => "{spinner} {binary_bytes}  {binary_bytes_per_sec}  {elapsed}",
        (false, Unit::Items) => "{spinner} {human_pos}  {items_per_second}  {elapsed}",
    };
    let style = ProgressStyle::with_template(template);
    style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key(
            "items_per_second",
            |state: &ProgressState, out: &mut dyn Write| {
                let _ = out.write_str(&rate(state.per_sec(), "/s"));
            },
        )
        .progress_chars("█▉▊▋▌▍▎▏ ")
}
