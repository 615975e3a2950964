//! Why a run of a contestant gave no figure.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why there is no figure: one sentence, and of what kind it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind.
    pub kind: Kind,
    /// The sentence, without a full stop.
    pub reason: String,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// It cannot do what is measured. Not tried again.
    Unfit,
    /// It lost, repeated, reordered or changed items: none of its figures of this measurement counts.
    Faulty,
    /// It did not end in time.
    Hung,
    /// One of its processes died, or panicked.
    Crashed,
    /// The user ended the suite.
    Interrupted,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: Kind, reason: impl Into<String>) -> Failure {
        let reason = reason.into();
        Failure { kind, reason }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {}
