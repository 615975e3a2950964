//! The Python package: `cargo xtask wheel`, and its tests in a virtual environment of their own.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::project;
use crate::tally::Tally;
use crate::test::stream;

/// What builds the wheel, and what its tests need.
const BUILD: &[&str] = &["maturin>=1.9,<2"];
const TEST: &[&str] = &["pytest>=8,<10", "numpy>=1.26"];

/// What the benchmark suite measures beside the package; one that cannot be installed is left out there, with the reason.
const PEERS: &[&str] = &["faster-fifo", "py-sharedmemory"];

/// Builds the wheel into `target/wheels`.
pub(crate) fn wheel() -> Result<bool> {
    let built = build(&environment(BUILD)?)?;
    println!("{}", built.display());
    Ok(true)
}

/// Installs the wheel and runs its tests against that.
pub(crate) fn test(shown: &mut impl Write) -> Result<(bool, Tally)> {
    let python = environment(&[BUILD, TEST].concat())?;
    let wheel = build(&python)?;
    pip(&python, ["--force-reinstall", "--no-deps"], &[&wheel])?;
    let mut pytest = Command::new(&python);
    // In isolated mode the package is not found beside its tests: what is tested is what was installed.
    pytest
        .args(["-I", "-m", "pytest", "-p", "no:cacheprovider", "--color=no"])
        .args(["--durations=5", "--import-mode=prepend", "tests"])
        .current_dir(project::root().join("python"));
    stream(pytest, shown)
}

/// An interpreter with the wheel and its peers, for the benchmark suite.
pub(crate) fn with_peers() -> Result<PathBuf> {
    let python = environment(&[BUILD, TEST].concat())?;
    let wheel = build(&python)?;
    pip(&python, ["--force-reinstall", "--no-deps"], &[&wheel])?;
    for peer in PEERS {
        if let Err(error) = pip(&python, ["--upgrade-strategy", "only-if-needed"], &[peer]) {
            eprintln!("{peer}: {error:#}");
        }
    }
    Ok(python)
}

/// The interpreter of a virtual environment with these packages, made at need.
fn environment(packages: &[&str]) -> Result<PathBuf> {
    let folder = project::target().join("python-venv");
    let python = folder.join("bin/python");
    if !python.exists() {
        let host = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        check_version(&host)?;
        let mut venv = Command::new(&host);
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        succeed(venv).context(
            "no virtual environment could be made; on Debian and Ubuntu: apt install python3-venv",
        )?;
    }
    pip(&python, ["--upgrade-strategy", "only-if-needed"], packages)?;
    Ok(python)
}

/// The package is for Python 3.9 and later.
fn check_version(python: &OsStr) -> Result<()> {
    let needed = "the Python package needs Python 3.9 or later with its headers: install it (on Debian and Ubuntu: apt \
                  install python3 python3-venv python3-dev), or name one by PYTHON=/path/to/python3";
    match is_at_least(python, 9) {
        Ok(true) => Ok(()),
        Ok(false) => bail!("{} is too old: {needed}", python.to_string_lossy()),
        Err(error) => bail!("{error:#}: {needed}"),
    }
}

/// Is it Python 3.`minor` or later?
fn is_at_least(python: &OsStr, minor: u32) -> Result<bool> {
    let mut ask = Command::new(python);
    ask.arg("-c").arg(format!(
        "import sys; sys.exit(sys.version_info < (3, {minor}))"
    ));
    let status = ask
        .status()
        .with_context(|| format!("{} could not be started", python.to_string_lossy()))?;
    Ok(status.success())
}

fn pip<A: AsRef<OsStr>>(python: &Path, options: [&str; 2], packages: &[A]) -> Result<()> {
    let mut install = Command::new(python);
    install
        .args(["-m", "pip", "install", "--quiet"])
        .arg("--disable-pip-version-check")
        .args(options)
        .args(packages);
    succeed(install)
}

/// Builds the wheel for this interpreter, and says where it is.
fn build(python: &Path) -> Result<PathBuf> {
    let folder = project::target().join("wheels");
    let fresh = folder.join("new");
    let _ = fs::remove_dir_all(&fresh);
    let mut maturin = Command::new(python);
    maturin
        .args(["-m", "maturin", "build", "--release", "--quiet"])
        .arg("--manifest-path")
        .arg(project::root().join("python/Cargo.toml"))
        .arg("--interpreter")
        .arg(python)
        .arg("--out")
        .arg(&fresh)
        .env("CARGO_TARGET_DIR", project::target());
    // From 3.11 on, one wheel is for all versions; the stable ABI of those before has no buffer protocol.
    if is_at_least(python.as_os_str(), 11)? {
        maturin.args(["--features", "abi3"]);
    }
    succeed(maturin)?;
    let built = fs::read_dir(&fresh)?
        .next()
        .context("maturin has built no wheel")??;
    let kept = folder.join(built.file_name());
    fs::rename(built.path(), &kept)?;
    fs::remove_dir(&fresh)?;
    Ok(kept)
}

fn succeed(mut command: Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{:?} could not be started", command.get_program()))?;
    if !status.success() {
        bail!("{command:?} has failed ({status})");
    }
    Ok(())
}
