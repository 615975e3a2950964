//! The arguments of `ratios`.

use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
The figures of docs/performance.md, as ratios measured in one run.

cargo bench --bench ratios -- [--rounds N | --quick] [--line-min NS] [--line-max NS] [--only TEXT]
    [--json FILE]

--rounds N   how often every contestant runs (default 20)
--quick      5 rounds
--line-min NS, --line-max NS
             counts a run between processes only if a bare cache line takes so long there and back before and after it,
             and waits for such a time: a hypervisor may move two processors onto one core and apart again
--only TEXT  only the figures whose name contains this
--json FILE  also writes the table as JSON";

pub(crate) struct Arguments {
    pub(crate) rounds: usize,
    /// The least and the greatest round trip of a bare cache line, in nanoseconds.
    pub(crate) line: (f64, f64),
    pub(crate) only: String,
    pub(crate) json: Option<PathBuf>,
}

/// The arguments, or what is wrong with them.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Arguments, String> {
    // Without cargo's `--bench` it is a test run of all targets, which only wants to see that it works.
    let mut parsed = Arguments {
        rounds: 1,
        line: (0.0, f64::INFINITY),
        only: String::new(),
        json: None,
    };
    let mut arguments = arguments.into_iter();
    let mut rounds = None;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => parsed.rounds = 20,
            "--quick" => rounds = Some(5),
            "--rounds" => match value()?.parse() {
                Ok(n) if n > 0 => rounds = Some(n),
                _ => return Err("--rounds needs a number from 1".to_owned()),
            },
            "--line-min" => parsed.line.0 = number(&value()?)?,
            "--line-max" => parsed.line.1 = number(&value()?)?,
            "--only" => parsed.only = value()?,
            "--json" => parsed.json = Some(value()?.into()),
            _ => return Err(format!("unknown argument {argument}\n\n{USAGE}")),
        }
    }
    parsed.rounds = rounds.unwrap_or(parsed.rounds);
    Ok(parsed)
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}
