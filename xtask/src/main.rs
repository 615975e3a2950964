//! The project's own tasks, run as `cargo xtask <task>`.

use std::ffi::OsString;
use std::io::stdout;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod fuzz;
mod interpreters;
mod project;
mod python;
mod sanitize;
mod soak;
mod tally;
mod test;
mod tidy;

/// The tasks of this project. Each does all of its own set-up.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test: the drift checks, the unit, integration and doc tests, the loom models
    ///
    /// Stops at the first step that fails. The last line is `N passed, N failed`, summed up from
    /// what the test programs report; a step that breaks without naming a failed test counts as
    /// one failed.
    Test,
    /// Run the long forms of the tests, one after the other
    ///
    /// A storm of kills of the given time first, then the tests that kill, stop and explore at every
    /// step, for as long as they take. Ctrl-C ends it with a summary.
    Soak {
        /// How long the storm lasts
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
        minutes: u64,
        /// Repeat the choices of an earlier storm, which has printed this
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
    },
    /// Check that the code, its comments and the documents still agree
    ///
    /// Names every difference as file:line and exits with 1 if there is one.
    Tidy,
    /// Run the tests of one process under AddressSanitizer, with leaks, and ThreadSanitizer
    ///
    /// Prints what ran and what was found, and exits with 1 if there was a finding, or if the
    /// toolchain cannot.
    Sanitize,
    /// Build the Python package's wheel into target/wheels
    ///
    /// Needs Python 3.9 or later with its headers; PYTHON=/path/to/python3 names another than the
    /// first on the PATH. Makes a virtual environment in target/venv for maturin.
    Wheel,
    /// Measure ringpost beside everything that a user would pick instead, and write a report
    ///
    /// Builds the suite in benches/ with every peer that can be built, in target/suite, and runs it: less than forty minutes,
    /// with --quick less than five. The report goes to bench-report/index.html. The older table of ratios to plain yardsticks is
    /// `cargo bench --bench ratios`.
    Bench {
        /// --quick, --only PATTERN, --json FILE, --compare OLD.json
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Replay the fuzz targets' committed inputs, then let each target look for new ones
    ///
    /// Needs a C++ compiler. New inputs are kept in `fuzz/corpus`, failed ones in `fuzz/artifacts`.
    Fuzz {
        /// How long each target runs
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
        seconds: u32,
        /// The targets, by name; all of them if none is named
        targets: Vec<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Test => test::run(),
        Task::Soak { minutes, seed } => soak::run(minutes, seed),
        Task::Tidy => tidy::run(),
        Task::Sanitize => sanitize::run(),
        Task::Wheel => python::wheel(),
        Task::Bench { arguments } => bench::run(&arguments),
        Task::Fuzz { seconds, targets } => {
            fuzz::run(seconds, &targets, &mut stdout()).map(|(good, _)| good)
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
