//! How a command ends: the exit codes, and the one line on stderr that goes with a failure.

use ringpost::{GetError, OpenError, PutError};
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit codes, as `ringpost --help` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// There was nothing to take, or a timeout passed.
    Nothing,
    /// The queue, a file or the demo's check failed.
    Failed,
    /// The queue was shut down before the work was done.
    Closed,
    /// Some items could not be worked on, and are in the quarantine.
    Quarantined,
    /// A signal ended the command: 128 and its number.
    Signal(u8),
    /// Who read our output went away: what SIGPIPE would have given.
    BrokenPipe,
}

impl Code {
    pub(crate) fn number(self) -> u8 {
        match self {
            Code::Nothing => 1,
            Code::Failed => 3,
            Code::Closed => 4,
            Code::Quarantined => 5,
            Code::Signal(number) => 128 + number,
            Code::BrokenPipe => 141,
        }
    }
}

/// Why a command stopped short.
#[derive(Debug)]
pub(crate) struct Stop {
    code: Code,
    message: Option<String>,
}

/// What every command returns.
pub(crate) type Outcome = Result<(), Stop>;

impl Stop {
    /// Ends without a word.
    pub(crate) fn quiet(code: Code) -> Self {
        let message = None;
        Stop { code, message }
    }

    /// Ends with one line on stderr.
    pub(crate) fn new(code: Code, message: impl Display) -> Self {
        let message = Some(message.to_string());
        Stop { code, message }
    }

    /// A failure, code 3.
    pub(crate) fn failed(message: impl Display) -> Self {
        Self::new(Code::Failed, message)
    }

    /// Puts `what: ` before the message, if there is one.
    pub(crate) fn context(mut self, what: impl Display) -> Self {
        self.message = self.message.map(|message| format!("{what}: {message}"));
        self
    }

    /// The code this will end with.
    pub(crate) fn code(&self) -> Code {
        self.code
    }
}

impl Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("stopped"))
    }
}

impl From<OpenError> for Stop {
    fn from(error: OpenError) -> Self {
        Stop::failed(error)
    }
}

impl From<PutError> for Stop {
    fn from(error: PutError) -> Self {
        let code = match error {
            PutError::Closed => Code::Closed,
            PutError::Full(_) | PutError::TimedOut(_) => Code::Nothing,
            _ => Code::Failed,
        };
        Stop::new(code, error)
    }
}

impl From<GetError> for Stop {
    fn from(error: GetError) -> Self {
        let code = match error {
            GetError::Closed => Code::Closed,
            GetError::Empty | GetError::TimedOut => Code::Nothing,
            _ => Code::Failed,
        };
        Stop::new(code, error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::quiet(Code::BrokenPipe),
            _ => Stop::failed(error),
        }
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Stop::from(io::Error::from(error))
    }
}

/// Says on stderr why a command stopped short, and gives its exit code.
pub(crate) fn report(outcome: Outcome) -> ExitCode {
    let Err(stop) = outcome else {
        return ExitCode::SUCCESS;
    };
    if let Some(message) = &stop.message {
        complain(message);
    }
    ExitCode::from(stop.code.number())
}

/// Writes one `ringpost: …` line to stderr; a stderr that is gone is no reason to fail.
pub(crate) fn complain(message: impl Display) {
    let _ = writeln!(io::stderr(), "ringpost: {message}");
}
