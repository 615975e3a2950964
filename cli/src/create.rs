//! `ringpost create`.

use crate::args::CreateArgs;
use crate::exit::{Outcome, Stop};
use ringpost::{OpenError, Options};

pub(crate) fn run(args: &CreateArgs) -> Outcome {
    let options = options(args);
    let created = match args.if_missing {
        true => options.open_or_create(&args.name),
        false => options.create(&args.name),
    };
    match created {
        Ok(_) => Ok(()),
        // The library's advice is for programs.
        Err(OpenError::Exists { path }) => Err(Stop::failed(format!(
            "{} exists already: remove it with `ringpost rm`, or keep it with --if-missing",
            path.display()
        ))),
        Err(error) => Err(error.into()),
    }
}

/// The library's defaults, but for what the command line says.
fn options(args: &CreateArgs) -> Options {
    let mut options = Options::new();
    if let Some(capacity) = args.capacity {
        options = options.capacity(capacity);
    }
    if let Some(in_flight) = args.in_flight {
        options = options.in_flight(in_flight);
    }
    if let Some(inline) = args.inline {
        options = options.inline(inline);
    }
    if let Some(arena) = args.arena {
        options = options.arena(arena);
    }
    if let Some(chunk) = args.chunk {
        options = options.chunk(chunk);
    }
    if let Some(participants) = args.participants {
        options = options.participants(participants);
    }
    if let Some(mode) = args.mode {
        options = options.mode(mode);
    }
    options
}
