//! `ringpost-report`: makes the report again from a file of results, alone or beside an older run's.

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use ringpost_suite::report;

/// Makes the report again from a file of results.
#[derive(Parser)]
struct Arguments {
    /// The results: the JSON file of a run
    results: PathBuf,
    /// The results of an older run: what changed, and is it more than noise?
    #[arg(long, value_name = "OLD.json")]
    compare: Option<PathBuf>,
    /// Where the report goes
    #[arg(long, value_name = "FOLDER", default_value = "bench-report")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let results = report::read(&arguments.results)?;
    let old = arguments.compare.as_deref().map(report::read).transpose()?;
    report::write(&results, &arguments.out, old.as_ref())?;
    println!("{}", arguments.out.join("index.html").display());
    Ok(())
}
