//! Counting test results from what test programs print.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// Reads one line of output; `None` when it is not the result line of a test program, which is
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in …`,
    /// or of pytest: `=== 1 failed, 3 passed, 2 skipped in 4.56s ===`.
    pub(crate) fn of_line(line: &str) -> Option<Self> {
        Self::of_pytest(line).or_else(|| Self::of_rust(line))
    }

    fn of_pytest(line: &str) -> Option<Self> {
        let inner = line.strip_prefix("==")?.strip_suffix("==")?;
        let (counts, _seconds) = inner.trim_matches(['=', ' ']).split_once(" in ")?;
        let mut tally = Self::default();
        for part in counts.split(", ") {
            let (number, what) = part.split_once(' ')?;
            let number: u64 = number.parse().ok()?;
            match what {
                "passed" => tally.passed += number,
                "failed" | "error" | "errors" => tally.failed += number,
                "skipped" | "deselected" | "xfailed" | "xpassed" | "warning" | "warnings" => {}
                _ => return None,
            }
        }
        Some(tally)
    }

    fn of_rust(line: &str) -> Option<Self> {
        let (_verdict, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count = |what: &str| {
            counts.split(';').find_map(|part| {
                let (number, name) = part.trim().split_once(' ')?;
                (name == what).then(|| number.parse().ok())?
            })
        };
        Some(Self {
            passed: count("passed")?,
            failed: count("failed")?,
        })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn reads_result_lines() {
        let ok = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.10s";
        let bad = "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        let mut sum = Tally::of_line(ok).unwrap();
        sum += Tally::of_line(bad).unwrap();
        assert_eq!(sum.to_string(), "16 passed, 2 failed");
    }

    #[test]
    fn reads_result_lines_of_pytest() {
        let ok = "======================== 57 passed, 2 skipped in 10.90s ========================";
        let bad = "=== 1 failed, 3 passed, 2 errors, 1 warning in 63.01s (0:01:03) ===";
        let mut sum = Tally::of_line(ok).unwrap();
        sum += Tally::of_line(bad).unwrap();
        assert_eq!(sum.to_string(), "60 passed, 3 failed");
    }

    #[test]
    fn ignores_every_other_line() {
        for line in [
            "=================================== FAILURES ===================================",
            "====== 5 slowest durations in 3 ======",
            "57 passed in 10.90s",
            "test layout::golden ... ok",
            "12 passed; 0 failed",
            "note: test result: ok. 1 passed; 0 failed",
            "test result: ok. many passed; 0 failed",
            "test result: ok. 1 passed; 0 ignored",
        ] {
            assert_eq!(Tally::of_line(line), None, "{line}");
        }
    }
}
