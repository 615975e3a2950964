//! Where the project is, and how its cargo is called.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the workspace's `Cargo.toml`.
///
/// Cargo names this package's folder at run time, which stays right when one build directory
/// serves several checkouts; the value of compile time is for a binary started by hand.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map(Path::to_path_buf).unwrap_or(package)
}

/// The cargo that started this task, in the workspace's folder.
pub(crate) fn cargo<I, S>(arguments: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<std::ffi::OsStr>,
{
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// The build directory, with `CARGO_TARGET_DIR` respected.
pub(crate) fn target() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// A storm of kills of so many seconds.
pub(crate) fn storm(seconds: u64, seed: Option<u64>) -> Command {
    let mut command = cargo(["test", "--release", "--package", "ringpost"]);
    command.args(["--test", "storm", "--", "--seconds"]);
    command.arg(seconds.to_string());
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    command
}
