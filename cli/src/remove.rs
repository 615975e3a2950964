//! `ringpost rm`.

use crate::args::RmArgs;
use crate::exit::{Code, Outcome, Stop, complain};
use ringpost::OpenError;

pub(crate) fn run(args: &RmArgs) -> Outcome {
    let mut failed = false;
    for name in &args.names {
        match ringpost::unlink(name) {
            Ok(()) => {}
            Err(OpenError::NotFound { .. }) if args.force => {}
            Err(error) => {
                complain(error);
                failed = true;
            }
        }
    }
    match failed {
        true => Err(Stop::quiet(Code::Failed)),
        false => Ok(()),
    }
}
