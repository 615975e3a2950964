//! `cargo xtask bench`: the figures of `docs/performance.md`.

use std::ffi::OsString;

use anyhow::{Context, Result};

use crate::project;

/// Runs the benchmark; true when it succeeded.
pub(crate) fn run(arguments: &[OsString]) -> Result<bool> {
    let status = project::cargo(["bench", "--package", "ringpost", "--bench", "ratios", "--"])
        .args(arguments)
        .status()
        .context("cargo could not be started")?;
    Ok(status.success())
}
