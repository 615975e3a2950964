//! The command `ringpost`: queues in shared memory for shell pipelines.
//!
//! Every subcommand is a module with one function `run`; it returns `Ok(())` or the reason why it
//! stopped short ([`exit::Stop`]), which carries the exit code. Above that there is nothing.

mod args;
mod create;
mod demo;
mod doctor;
mod exit;
mod framing;
mod get;
mod help;
mod input;
mod list;
mod output;
mod progress;
mod put;
mod quarantine;
mod remove;
mod shutdown;
mod signals;
mod stat;
mod units;
mod work;

use args::{Args, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Command::Create(args) => create::run(&args),
        Command::Put(args) => put::run(&args),
        Command::Get(args) => get::run(&args),
        Command::Work(args) => work::run(&args),
        Command::Quarantine(args) => quarantine::run(&args),
        Command::Stat(args) => stat::run(&args),
        Command::Ls(args) => list::run(&args),
        Command::Rm(args) => remove::run(&args),
        Command::Shutdown(args) => shutdown::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::DemoRole(args) => demo::roles::run(&args),
        Command::WorkGuard(args) => work::guard::run(&args),
        Command::WorkLaunch(args) => work::launch::run(&args),
    };
    exit::report(outcome)
}
