//! `ringpost-suite`: measures ringpost beside everything that a user would pick instead.

use anyhow::{Context, Result};
use clap::Parser;
use ringpost_suite::contestants;
use ringpost_suite::machine::Watch;
use ringpost_suite::plan::{self, Plan};
use ringpost_suite::progress::Progress;
use ringpost_suite::results::{LeftOut, Results, SCHEMA};
use ringpost_suite::{python, report, rounds};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Measures ringpost beside everything that a user would pick instead
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// Fewer rounds and sizes: less than five minutes instead of less than forty
    #[arg(long)]
    quick: bool,
    /// Only measurements, or contestants, with this in their name; may be repeated
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// Where the results go, beside the report
    #[arg(long, value_name = "FILE", default_value = "bench-report/results.json")]
    json: PathBuf,
    /// Results of an earlier run: the report says what has changed
    #[arg(long, value_name = "OLD.json")]
    compare: Option<PathBuf>,
}

/// Where the report goes.
const FOLDER: &str = "bench-report";

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(130),
        Err(error) => {
            eprintln!("cargo xtask bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and writes; true when it came to its end.
fn run(arguments: &Arguments) -> Result<bool> {
    let old = arguments.compare.as_deref().map(report::read).transpose()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // The second one kills.
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupted))?;
        flag::register(signal, Arc::clone(&interrupted))?;
    }
    let mut entries = contestants::all();
    let mut plan = Plan::new(arguments.quick, &entries);
    let (of_python, others) = plan::split(&arguments.only);
    if others.is_empty() && !of_python.is_empty() {
        plan.measurements.clear();
    }
    plan::only(&others, &mut plan, &mut entries)?;
    let with_python = others.is_empty() || !of_python.is_empty();

    let started = jiff::Timestamp::now();
    let (start, watch) = (Instant::now(), Watch::begin());
    let mut planned = plan.time(&entries);
    if with_python {
        planned += python::time(arguments.quick, plan.rounds);
    }
    eprintln!(
        "{} contestants, {} measurements, about {} s",
        entries.len(),
        plan.measurements.len(),
        planned.as_secs() + 1
    );
    let mut progress = Progress::new(planned, plan.rounds);
    let mut measured = rounds::run(&plan, &entries, &interrupted, &mut progress);
    let mut of_package = Vec::new();
    if with_python && !measured.interrupted {
        let pattern = of_python.first().map_or("", String::as_str);
        let (quick, rounds) = (arguments.quick, plan.rounds);
        let found = python::run(
            quick,
            rounds,
            pattern,
            &interrupted,
            &mut progress,
            &mut measured,
        );
        of_package = found.unwrap_or_else(|error| {
            measured.left_out.push(LeftOut {
                peer: "Python".into(),
                measurement: python::PREFIX.into(),
                reason: format!("{error:#}"),
            });
            Vec::new()
        });
    }
    progress.finish();

    let missing = ringpost_peers::LEFT_OUT.iter();
    let missing = missing.map(|&(peer, reason)| LeftOut {
        peer: peer.into(),
        measurement: String::new(),
        reason: reason.into(),
    });
    measured.left_out.extend(missing);
    let taking_part = |name: &str| measured.figures.iter().any(|figure| figure.peer == name);
    let results = Results {
        schema: SCHEMA,
        started: started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        seconds: start.elapsed().as_secs_f64(),
        command: command(),
        quick: arguments.quick,
        rounds: plan.rounds,
        machine: watch.end(),
        peers: entries
            .iter()
            .map(|entry| entry.contestant.clone())
            .filter(|contestant| taking_part(&contestant.name))
            .chain(of_package)
            .collect(),
        figures: measured.figures,
        curves: measured.curves,
        left_out: measured.left_out,
    };
    write_json(&results, &arguments.json)?;
    report::write(&results, Path::new(FOLDER), old.as_ref())?;
    if measured.interrupted {
        eprintln!("ended before its time: the report has what was measured until then");
    }
    println!("{FOLDER}/index.html");
    Ok(!measured.interrupted)
}

/// The command that the user gave.
fn command() -> String {
    let arguments = std::env::args().skip(1).map(|argument| {
        if argument.contains(' ') {
            format!(" '{argument}'")
        } else {
            format!(" {argument}")
        }
    });
    format!("cargo xtask bench{}", arguments.collect::<String>())
}

fn write_json(results: &Results, path: &Path) -> Result<()> {
    let shown = path.display();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {shown}'s folder"))?;
    }
    std::fs::write(path, report::json(results)?).with_context(|| format!("cannot write {shown}"))
}
