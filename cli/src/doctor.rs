//! `ringpost doctor`: is a queue as it should be, and what can be mended?

use crate::args::DoctorArgs;
use crate::exit::{Code, Outcome, Stop};
use crate::units::thousands;
use ringpost::{Audit, BytesQueue, Finding};
use serde::Serialize;
use std::io::{self, Write};

/// The report as `--json` prints it.
#[derive(Serialize)]
struct Json<'a> {
    name: &'a str,
    /// What was found at first.
    #[serde(flatten)]
    audit: &'a Audit,
    /// How many things `--repair` has changed.
    mended: Option<u64>,
    /// What is wrong still.
    remaining: &'a [Finding],
}

pub(crate) fn run(args: &DoctorArgs) -> Outcome {
    let queue = ringpost::open(&args.name)?;
    let audit = queue.audit()?;
    let (mended, remaining) = match args.repair {
        true => repair(&queue)?,
        false => (None, audit.findings.clone()),
    };
    if args.json {
        let json = Json {
            name: &args.name,
            audit: &audit,
            mended,
            remaining: &remaining,
        };
        writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&json)?)?;
    } else {
        say(&args.name, &audit, mended, &remaining)?;
    }
    match remaining.is_empty() {
        true => Ok(()),
        false => Err(Stop::quiet(Code::Failed)),
    }
}

fn repair(queue: &BytesQueue) -> Result<(Option<u64>, Vec<Finding>), Stop> {
    let mended = queue.repair()?;
    Ok((Some(mended), queue.audit()?.findings))
}

fn say(name: &str, audit: &Audit, mended: Option<u64>, remaining: &[Finding]) -> Outcome {
    let mut out = io::stdout().lock();
    let (slots, descriptors) = (thousands(audit.slots), thousands(audit.descriptors));
    let (chunks, places) = (thousands(audit.chunks), thousands(audit.places));
    writeln!(
        out,
        "{name}: looked at {slots} slots, {descriptors} descriptors, {chunks} chunks, {places} places"
    )?;
    for finding in &audit.findings {
        writeln!(out, "  {}", line(finding))?;
    }
    if let Some(mended) = mended.filter(|&mended| mended > 0) {
        let things = if mended == 1 { "thing" } else { "things" };
        writeln!(out, "mended {} {things}", thousands(mended))?;
    }
    let left = match remaining.len() as u64 {
        1 => "1 thing is wrong".into(),
        count => format!("{} things are wrong", thousands(count)),
    };
    match (mended, remaining) {
        (_, []) => writeln!(out, "healthy")?,
        (None, _) if remaining.iter().any(|finding| finding.repairable) => writeln!(
            out,
            "{left}; `ringpost doctor {name} --repair` mends what is marked with *"
        )?,
        (None, _) => writeln!(
            out,
            "{left}, which nobody can mend: drain the queue as far as possible, then create it anew"
        )?,
        (Some(_), remaining) => {
            writeln!(
                out,
                "{left} still: drain the queue as far as possible, then create it anew"
            )?;
            for finding in remaining {
                writeln!(out, "  {}", line(finding))?;
            }
        }
    }
    Ok(())
}

fn line(finding: &Finding) -> String {
    let Finding {
        what, place, index, ..
    } = finding;
    let mark = if finding.repairable { '*' } else { ' ' };
    match *place {
        "header" | "control word" => format!("{mark} {place}: {what}"),
        _ => format!("{mark} {place} {index}: {what}"),
    }
}
