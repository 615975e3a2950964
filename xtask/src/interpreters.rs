//! Which Pythons there are on this machine, and which of them can be used for tests.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The minor versions of Python 3 that the package is tested on.
pub(crate) const TESTED: std::ops::RangeInclusive<u32> = 9..=13;

/// A Python that answers.
#[derive(Clone, Debug)]
pub(crate) struct Interpreter {
    pub(crate) program: PathBuf,
    pub(crate) minor: u32,
}

/// Asked of a Python: its version, what kind it is, and whether its threads have a common lock.
const WHO: &str = "import sys, sysconfig; print(sys.version_info[0], sys.version_info[1], sys.implementation.name, \
                   int(bool(sysconfig.get_config_var('Py_GIL_DISABLED'))))";

impl Interpreter {
    /// Asks a program which Python it is; the error says why it cannot be used.
    pub(crate) fn ask(program: &Path) -> Result<Self> {
        let mut ask = Command::new(program);
        ask.args(["-c", WHO]);
        let said = output(ask)?;
        let [major, minor, kind, free] = said.split_whitespace().collect::<Vec<_>>()[..] else {
            bail!("{} is no Python: it said {said:?}", program.display());
        };
        if kind != "cpython" || free != "0" {
            bail!(
                "{} is not a CPython with its lock (it is {kind}, free-threaded: {free})",
                program.display()
            );
        }
        let minor = minor.parse()?;
        if major != "3" || minor < *TESTED.start() {
            bail!("{} is Python {major}.{minor}: too old", program.display());
        }
        Ok(Self {
            program: program.to_owned(),
            minor,
        })
    }

    /// The one that the package is built with: PYTHON, or the first python3 on the PATH.
    pub(crate) fn default() -> Result<Self> {
        let program = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        Self::ask(Path::new(&program)).context(
            "the Python package needs Python 3.9 or later with its headers: install it (on Debian and Ubuntu: apt \
             install python3 python3-venv python3-dev), or name one by PYTHON=/path/to/python3",
        )
    }

    pub(crate) fn version(&self) -> String {
        format!("3.{}", self.minor)
    }
}

/// Where Python 3.`minor` may be: on the PATH, and among the versions that pyenv keeps.
pub(crate) fn candidates(minor: u32) -> Vec<PathBuf> {
    let pyenv = env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".pyenv")));
    let path = env::var_os("PATH").unwrap_or_default();
    candidates_in(minor, &path, pyenv.as_deref())
}

fn candidates_in(minor: u32, path: &OsStr, pyenv: Option<&Path>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = env::split_paths(path).collect();
    if let Some(versions) = pyenv.and_then(|root| root.join("versions").read_dir().ok()) {
        let mut kept: Vec<_> = versions.flatten().map(|v| v.path().join("bin")).collect();
        kept.sort();
        folders.extend(kept);
    }
    let name = format!("python3.{minor}");
    let mut found: Vec<PathBuf> = Vec::new();
    for program in folders.iter().map(|folder| folder.join(&name)) {
        if program.is_file() && !found.contains(&program) {
            found.push(program);
        }
    }
    found
}

/// What a command prints. The error is what it complains about.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command
        .output()
        .with_context(|| format!("{program} could not be started"))?;
    let said = String::from_utf8_lossy(&done.stdout);
    if !done.status.success() {
        let complained = String::from_utf8_lossy(&done.stderr);
        let lines: Vec<_> = complained
            .lines()
            .chain(said.lines())
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let arguments: Vec<OsString> = command.get_args().map(Into::into).collect();
        bail!(
            "{program} {:?} failed ({}): {}",
            arguments,
            done.status,
            lines[..lines.len().min(4)].join(" / ")
        );
    }
    Ok(said.into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn fake(folder: &Path, name: &str, script: &str) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let program = folder.join(name);
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    #[test]
    fn looks_on_the_path_first_and_then_at_what_pyenv_keeps() {
        let root = env::temp_dir().join(format!("ringpost-xtask-pythons-{}", std::process::id()));
        let on_path = fake(&root.join("path"), "python3.9", "");
        let kept = fake(&root.join("pyenv/versions/3.9.7/bin"), "python3.9", "");
        fake(&root.join("pyenv/versions/3.8.7/bin"), "python3.8", "");
        let path = env::join_paths([root.join("path"), root.join("path")]).unwrap();
        let pyenv = root.join("pyenv");
        let found = candidates_in(9, &path, Some(&pyenv));
        let none = candidates_in(12, &path, None);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(found, [on_path, kept]);
        assert_eq!(none, Vec::<PathBuf>::new());
    }

    #[test]
    fn says_why_a_python_cannot_be_used() {
        let root = env::temp_dir().join(format!("ringpost-xtask-ask-{}", std::process::id()));
        let ask = |script: &str| Interpreter::ask(&fake(&root, "python3.9", script));
        let good = ask("echo 3 12 cpython 0").map(|good| good.minor);
        let reasons = [
            ask("echo no such version >&2; exit 127"),
            ask("echo 3 9 pypy 0"),
            ask("echo 3 13 cpython 1"),
            ask("echo 3 8 cpython 0"),
        ]
        .map(|answer| format!("{:#}", answer.unwrap_err()));
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(good.unwrap(), 12);
        for (reason, what) in
            reasons
                .iter()
                .zip(["no such version", "pypy", "free-threaded: 1", "too old"])
        {
            assert!(reason.contains(what), "{reason}");
        }
    }
}
