//! crash: a process is killed, or stopped, at every one of its steps, while others go on; then everything must add up.
//!
//! `RUSTFLAGS="--cfg kill_points" cargo test --test crash --target-dir target/crash`; without that cfg it is empty. With
//! `RINGPOST_SOAK=1` also: whoever recovers the dead is killed at each of its own steps, after each death.
#![cfg(kill_points)]

/// A test for each scenario, under its name.
macro_rules! scenarios {
    ($($(#[$doc:meta])* $name:ident: $scenario:expr;)*) => {
        pub(crate) const ALL: &[Scenario] = &[$(Scenario { name: stringify!($name), ..$scenario }),*];
        $(
            $(#[$doc])*
            #[test]
            fn $name() {
                crate::report::passes(stringify!($name));
            }
        )*
    };
}

#[path = "../common/mod.rs"]
mod common;
#[path = "../open/refusal.rs"]
mod refusal;

mod beside;
mod coverage;
mod ledger;
mod places;
mod points;
mod report;
mod run;
mod scene;

mod attaching;
mod getting;
mod leasing;
mod memory;
mod putting;
mod recovering;
mod sleeping;
mod stopping;

use scene::Scenario;

/// What a child can be asked to do.
const ROLES: &[&[common::child::Role]] = &[&[("crash: drive", report::drive)]];

/// All that is killed.
fn all() -> impl Iterator<Item = &'static Scenario> {
    [
        putting::ALL,
        memory::ALL,
        getting::ALL,
        leasing::ALL,
        attaching::ALL,
        recovering::ALL,
        stopping::ALL,
        sleeping::ALL,
    ]
    .into_iter()
    .flatten()
}
