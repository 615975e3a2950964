//! Why an operation stopped, in one or two machine words: what the fast paths return. The public errors are made from it
//! at the very end, out of their way.

use crate::error::{GetError, OpenError, PutError, Shortage};
use crate::ring::{Fault, GetFailure, PutFailure};
use crate::shared::Shared;

/// Why a put stopped.
#[derive(Debug)]
pub(crate) enum PutStop {
    Ring(PutFailure),
    TimedOut(Shortage),
    Interrupted,
    Inherited,
    TooLarge(u64),
    NoSpace(u64),
    Attach(Box<OpenError>),
}

/// Why a get stopped.
#[derive(Debug)]
pub(crate) enum GetStop {
    Empty,
    TimedOut,
    Closed,
    Interrupted,
    Attach(Box<OpenError>),
    Corrupt(Fault),
}

const _: () = assert!(size_of::<PutStop>() <= 16 && size_of::<GetStop>() <= 16);

impl From<PutFailure> for PutStop {
    #[inline(always)]
    fn from(failure: PutFailure) -> PutStop {
        PutStop::Ring(failure)
    }
}

impl From<GetFailure> for GetStop {
    #[inline(always)]
    fn from(failure: GetFailure) -> GetStop {
        match failure {
            GetFailure::Empty => GetStop::Empty,
            GetFailure::Corrupt(fault) => GetStop::Corrupt(fault),
        }
    }
}

impl PutStop {
    /// What there was too little of, if that was the reason.
    #[inline(always)]
    pub(crate) fn shortage(&self) -> Option<Shortage> {
        match self {
            PutStop::Ring(PutFailure::Full) => Some(Shortage::Slots),
            PutStop::Ring(PutFailure::NoDescriptor) => Some(Shortage::Descriptors),
            PutStop::Ring(PutFailure::NoMemory) => Some(Shortage::Arena),
            _ => None,
        }
    }
}

impl Shared {
    /// The public error of a put.
    #[cold]
    #[inline(never)]
    pub(crate) fn put_error(&self, stop: PutStop) -> PutError {
        if let Some(shortage) = stop.shortage() {
            return PutError::Full(shortage);
        }
        match stop {
            PutStop::Ring(PutFailure::Corrupt(fault)) => PutError::Corrupt(fault.into()),
            PutStop::TimedOut(shortage) => PutError::TimedOut(shortage),
            PutStop::Interrupted => PutError::Interrupted,
            PutStop::Inherited => PutError::Inherited,
            PutStop::TooLarge(len) => PutError::TooLarge {
                len,
                max: self.segment.geometry.max_payload(),
            },
            PutStop::NoSpace(needed) => PutError::NoSpace { needed },
            PutStop::Attach(error) => PutError::Attach(error),
            // Closed; the shortages are above.
            PutStop::Ring(_) => PutError::Closed,
        }
    }
}

impl From<GetStop> for GetError {
    #[cold]
    fn from(stop: GetStop) -> GetError {
        match stop {
            GetStop::Empty => GetError::Empty,
            GetStop::TimedOut => GetError::TimedOut,
            GetStop::Closed => GetError::Closed,
            GetStop::Interrupted => GetError::Interrupted,
            GetStop::Attach(error) => GetError::Attach(error),
            GetStop::Corrupt(fault) => GetError::Corrupt(fault.into()),
        }
    }
}
