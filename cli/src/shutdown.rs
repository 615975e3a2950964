//! `ringpost shutdown`.

use crate::args::ShutdownArgs;
use crate::exit::Outcome;

pub(crate) fn run(args: &ShutdownArgs) -> Outcome {
    let queue = ringpost::open(&args.name)?;
    match args.now {
        true => queue.shutdown_now(),
        false => queue.shutdown(),
    };
    Ok(())
}
