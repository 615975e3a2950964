//! The public interface, function by function and error by error, as one process sees it.

#[path = "../common/mod.rs"]
mod common;

mod batches;
mod get;
mod handles;
mod join;
mod lease_ends;
mod leases;
#[cfg(feature = "shared_memory")]
mod lent;
mod loans;
mod messages;
mod names;
mod options;
mod parts;
mod put;
mod quarantine;
mod readiness;
mod refusals;
mod shortages;
mod shutdown;
mod signals;
mod sizes;
mod stats;
mod strict;
mod threads;
mod typed;

/// No test here needs a child process.
const ROLES: &[&[common::child::Role]] = &[];
