//! `cargo xtask tidy`: finds where the code, its comments and the documents have drifted apart.
//!
//! Each check is a function from the [`Tree`] to the differences it found, and is tested with a
//! sample it accepts and one it refuses.

use std::fmt;

use anyhow::Result;

use crate::project;

mod dependencies;
mod links;
mod ordering;
mod source;
mod tree;

use tree::Tree;

/// One difference: where it is and what to do about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    file: String,
    line: usize,
    message: String,
}

impl Problem {
    /// `line` counts from 1.
    fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// A check: what it makes sure of, and how.
type Check = (&'static str, fn(&Tree) -> Vec<Problem>);

const CHECKS: &[Check] = &[
    ("every Rust file says what it is", source::first_lines),
    ("library files stay short", source::lengths),
    ("unsafe code stays in its rooms", source::unsafe_rooms),
    ("memory orderings name both ends", ordering::labels),
    ("dependencies have reasons", dependencies::documented),
    ("links lead somewhere", links::relative),
];

/// Runs every check on the project; true when all agree.
pub(crate) fn run() -> Result<bool> {
    let tree = Tree::read(&project::root())?;
    let mut good = true;
    for (what, check) in CHECKS {
        let mut problems = check(&tree);
        problems.sort();
        println!(
            "{} {what}",
            if problems.is_empty() { "ok  " } else { "FAIL" }
        );
        for problem in &problems {
            println!("     {problem}");
        }
        good &= problems.is_empty();
    }
    Ok(good)
}
