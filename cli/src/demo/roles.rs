//! What each process of the demo does.
//!
//! Every one of them opens the queue, says that it is ready, waits for a line on stdin, works, and
//! reports on stdout. It dies with its parent, so an interrupted demo leaves nobody behind.

use super::crew::{Consumed, Note, Produced};
use super::latency::Counts;
use super::ledger::Ledger;
use super::message::{HEADER, Header, now};
use super::workload::Workload;
use crate::args::RoleArgs;
use crate::exit::{Code, Outcome, Stop};
use clap::ValueEnum;
use ringpost::GetError;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::fmt::{self, Display};
use std::io::{self, BufRead, Write};

/// Nanoseconds between two words about how far a consumer is.
const PROGRESS_EVERY: u64 = 50_000_000;
const PING_LENGTH: usize = 64;
const WARM_UP: u64 = 1_000;

/// A part in the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Puts its share of the lines.
    Producer,
    /// Gets what comes, and checks it.
    Consumer,
    /// Puts one message, waits for the answer, and again.
    Ping,
    /// Answers.
    Pong,
}

impl Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Producer => "producer",
            Role::Consumer => "consumer",
            Role::Ping => "ping",
            Role::Pong => "pong",
        })
    }
}

/// Plays one role; a failure is told to the parent, who tells the user.
pub(crate) fn run(args: &RoleArgs) -> Outcome {
    let outcome = play(args);
    outcome.map_err(|stop| {
        let message = stop.to_string();
        let _ = say(&Note::Failed { message });
        Stop::quiet(Code::Failed)
    })
}

fn play(args: &RoleArgs) -> Outcome {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    if getppid().map(Pid::as_raw_pid) != Some(args.parent) {
        return Err(Stop::failed("the process that started this one has ended"));
    }
    match args.role {
        Role::Producer => produce(args),
        Role::Consumer => consume(args),
        Role::Ping => ping(args),
        Role::Pong => pong(args),
    }
}

fn produce(args: &RoleArgs) -> Outcome {
    let queue = ringpost::open(&args.queue)?;
    let workload = Workload::load(args.input.as_deref(), args.producers, Some(args.messages))?;
    let producer = u64::from(args.index);
    wait_for_go()?;

    let mut sent = Produced {
        first: now(),
        bytes: 0,
    };
    for sequence in 0..workload.count(producer) {
        let line = workload.line(producer, sequence);
        let mut loan = queue.loan(HEADER + line.len())?;
        Header {
            producer,
            sequence,
            sent: now(),
        }
        .write(line, &mut loan);
        loan.commit()?;
        sent.bytes += line.len() as u64;
    }
    say(&Note::Produced(sent))
}

fn consume(args: &RoleArgs) -> Outcome {
    let queue = ringpost::open(&args.queue)?;
    let workload = Workload::load(args.input.as_deref(), args.producers, Some(args.messages))?;
    let mut ledger = Ledger::new(&workload);
    let mut latency = Counts::histogram();
    wait_for_go()?;

    let (mut count, mut last, mut said) = (0_u64, 0, now());
    loop {
        let message = match queue.get_ref() {
            Ok(message) => message,
            Err(GetError::Closed) => break,
            Err(error) => return Err(error.into()),
        };
        last = now();
        if let Some(header) = ledger.record(&message, &workload) {
            latency.saturating_record(last.saturating_sub(header.sent));
        }
        drop(message);
        count += 1;
        if last - said >= PROGRESS_EVERY {
            said = last;
            say(&Note::Received { count })?;
        }
    }
    let latency = Counts::from(&latency);
    say(&Note::Consumed(Consumed {
        last,
        ledger,
        latency,
    }))
}

fn ping(args: &RoleArgs) -> Outcome {
    let (there, back) = (ringpost::open(&args.queue)?, ringpost::open(&args.reply)?);
    let mut latency = Counts::histogram();
    let mut payload = vec![0; PING_LENGTH];
    wait_for_go()?;

    for trip in 0..WARM_UP + args.messages {
        payload[..8].copy_from_slice(&trip.to_le_bytes());
        let start = now();
        there.put(&payload)?;
        back.get_into(&mut payload)?;
        let time = now() - start;
        if payload.len() != PING_LENGTH || payload[..8] != trip.to_le_bytes() {
            return Err(Stop::failed(format!(
                "round trip {trip} came back as another one"
            )));
        }
        if trip >= WARM_UP {
            latency.saturating_record(time);
        }
    }
    say(&Note::Pinged(Counts::from(&latency)))
}

fn pong(args: &RoleArgs) -> Outcome {
    let (there, back) = (ringpost::open(&args.queue)?, ringpost::open(&args.reply)?);
    let mut payload = Vec::new();
    wait_for_go()?;

    loop {
        match there.get_into(&mut payload) {
            Ok(()) => back.put(&payload)?,
            Err(GetError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Tells the parent something.
fn say(note: &Note) -> Outcome {
    let mut line = serde_json::to_vec(note)?;
    line.push(b'\n');
    Ok(io::stdout().lock().write_all(&line)?)
}

/// Says that this process is ready, and waits until all are.
fn wait_for_go() -> Outcome {
    say(&Note::Ready)?;
    match io::stdin().lock().read_line(&mut String::new())? {
        0 => Err(Stop::failed("the process that started this one has ended")),
        _ => Ok(()),
    }
}
