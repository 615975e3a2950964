//! The line on the terminal that says what runs, and how long it still takes.

use crate::rounds::Watcher;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// A line on stderr, if that is a terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    rounds: usize,
}

impl Progress {
    /// For so many rounds, of which all runs are planned to take `planned`.
    pub fn new(planned: Duration, rounds: usize) -> Progress {
        let bar = ProgressBar::new(planned.as_millis() as u64);
        let style = "{bar:24} {percent:>3} %  {eta:>4} left  {wide_msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("a good template"));
        // No thread draws it: the processors belong to the workers.
        Progress { bar, rounds }
    }

    /// Removes the line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watcher for Progress {
    fn begins(&mut self, round: usize, measurement: &str, contestant: &str) {
        let (round, rounds) = (round + 1, self.rounds);
        let message = format!("round {round} of {rounds}  {measurement}  {contestant}");
        self.bar.set_message(message);
        self.bar.tick();
    }

    fn ended(&mut self, planned: Duration) {
        self.bar.inc(planned.as_millis() as u64);
    }

    fn says(&mut self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}
