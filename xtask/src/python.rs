//! The Python package: `cargo xtask wheel`, and its tests, each version of Python in a virtual environment of its own.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};

use crate::interpreters::{Interpreter, TESTED, candidates, output};
use crate::project;
use crate::tally::Tally;
use crate::test::stream;

/// What builds the wheel, and what its tests need.
const BUILD: &[&str] = &["maturin>=1.9,<2"];
const TEST: &[&str] = &["pytest>=8,<10", "numpy>=1.26", "uvloop>=0.19"];
/// Nothing of it is built here: that would take minutes, and a compiler's help.
const AS_THEY_COME: [&str; 2] = ["--only-binary", ":all:"];

/// From this minor version on, one wheel is for all; the stable ABI of those before has no buffer protocol.
const ABI3: u32 = 11;
/// The versions that CPython's own tests of multiprocessing are taken from.
const CPYTHONS_TESTS: [u32; 2] = [11, 13];
/// So many Pythons are tested at once: the tests wait most of the time.
const AT_ONCE: usize = 2;

/// What the benchmark suite measures beside the package; one that cannot be installed is left out there, with the reason.
const PEERS: &[&str] = &["faster-fifo", "py-sharedmemory"];

/// Builds the wheel into `target/wheels`.
pub(crate) fn wheel() -> Result<bool> {
    let python = Environment::make(Interpreter::default()?)?;
    println!("{}", Builder::new(&python)?.wheel(&python)?.display());
    Ok(true)
}

/// Installs the wheel, and runs its tests against that: all of them on the default Python, and on every other one from 3.9 to
/// 3.13 that is found, those that are not heavy.
pub(crate) fn test(shown: &mut (impl Write + Send)) -> Result<(bool, Tally)> {
    let default = Environment::make(Interpreter::default()?)?;
    let (mut usable, mut rows) = (Vec::new(), Vec::new());
    for minor in TESTED.filter(|&minor| minor != default.python.minor) {
        match find(minor) {
            Ok(Some(environment)) => usable.push(environment),
            Ok(None) => rows.push((minor, "not found on this machine".to_owned())),
            Err(reason) => rows.push((minor, format!("not usable: {reason:#}"))),
        }
    }
    let mut builder = Builder::new(&default)?;
    let mut minors: Vec<u32> = usable.iter().map(|other| other.python.minor).collect();
    minors.push(default.python.minor);
    // If neither is here, the default one has its own.
    let cpythons = match CPYTHONS_TESTS.iter().any(|minor| minors.contains(minor)) {
        true => CPYTHONS_TESTS.to_vec(),
        false => vec![default.python.minor],
    };
    let in_full = default.python.minor;
    let mut runs = Vec::new();
    for environment in usable.into_iter().chain([default]) {
        let minor = environment.python.minor;
        environment.prepare(&mut builder)?;
        runs.push(Run {
            environment,
            brief: minor != in_full,
            suites: cpythons.contains(&minor),
        });
    }
    // The longest first.
    runs.sort_by_key(|run| (run.brief, !run.suites));
    let (mut good, mut sum) = (true, Tally::default());
    for ran in Run::all(runs, shown)? {
        rows.push((ran.minor, ran.row));
        good &= ran.passed;
        sum += ran.tally;
    }
    rows.sort();
    writeln!(shown)?;
    for (minor, row) in rows {
        writeln!(shown, "Python 3.{minor:<3} {row}")?;
    }
    Ok((good, sum))
}

/// The tests on one Python.
struct Run {
    environment: Environment,
    brief: bool,
    /// With CPython's own tests.
    suites: bool,
}

/// What has come of them.
struct Ran {
    minor: u32,
    passed: bool,
    tally: Tally,
    row: String,
}

impl Run {
    /// Runs all, `AT_ONCE` at a time; what each has said is shown when it is over.
    fn all(runs: Vec<Run>, shown: &mut (impl Write + Send)) -> Result<Vec<Ran>> {
        let waiting = Mutex::new(runs.into_iter());
        let shown = Mutex::new(shown);
        let next = || lock(&waiting).next();
        let work = || {
            let mut done = Vec::new();
            while let Some(run) = next() {
                let mut said = Vec::new();
                done.push(run.tests(&mut said)?);
                lock(&shown).write_all(&said)?;
            }
            Ok(done)
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
            let mut done = Vec::new();
            for thread in threads {
                let theirs: Result<Vec<Ran>> =
                    thread.join().map_err(|_| anyhow!("a thread panicked"))?;
                done.extend(theirs?);
            }
            Ok(done)
        })
    }

    fn tests(&self, said: &mut impl Write) -> Result<Ran> {
        let python = &self.environment.python;
        let start = Instant::now();
        let path = python.program.display();
        writeln!(said, "\n-- Python {}: {path}", python.version())?;
        let pytest = self.environment.pytest(self.brief, self.suites);
        let (passed, tally) = stream(pytest, said)?;
        let verdict = if passed { "passed" } else { "FAILED" };
        let mut row = format!("{verdict}: {tally}, {:.0} s", start.elapsed().as_secs_f64());
        let kinds = [
            (self.brief, ", brief"),
            (self.suites, ", with CPython's own tests"),
        ];
        for (is_so, what) in kinds {
            row.push_str(if is_so { what } else { "" });
        }
        Ok(Ran {
            minor: python.minor,
            passed,
            tally,
            row,
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An interpreter with the wheel and its peers, for the benchmark suite.
pub(crate) fn with_peers() -> Result<PathBuf> {
    let python = Environment::make(Interpreter::default()?)?;
    python.prepare(&mut Builder::new(&python)?)?;
    for peer in PEERS {
        if let Err(error) = python.pip(["--upgrade-strategy", "only-if-needed"], &[peer]) {
            eprintln!("{peer}: {error:#}");
        }
    }
    Ok(python.program)
}

/// The first Python 3.`minor` that can be used, if there is one at all. The error says why none of them can.
fn find(minor: u32) -> Result<Option<Environment>> {
    let mut reasons = Vec::new();
    for program in candidates(minor) {
        let made = Interpreter::ask(&program).and_then(|python| {
            let environment = Environment::make(python)?;
            environment.pip(AS_THEY_COME, TEST)?;
            Ok(environment)
        });
        match made {
            Ok(environment) => return Ok(Some(environment)),
            Err(error) => reasons.push(format!("{error:#}")),
        }
    }
    match reasons.is_empty() {
        true => Ok(None),
        false => Err(anyhow!(reasons.join("; "))),
    }
}

/// A virtual environment.
struct Environment {
    /// The one that it was made with.
    python: Interpreter,
    /// Its own.
    program: PathBuf,
}

impl Environment {
    /// That of this interpreter, made at need.
    fn make(python: Interpreter) -> Result<Self> {
        let folder = project::target().join("venv").join(python.version());
        let program = folder.join("bin/python");
        // One whose interpreter was removed, or replaced by another version, is made again.
        if !Interpreter::ask(&program).is_ok_and(|kept| kept.minor == python.minor) {
            let mut venv = Command::new(&python.program);
            venv.args(["-m", "venv", "--clear"]).arg(&folder);
            output(venv).context(
                "no virtual environment could be made; on Debian and Ubuntu: apt install python3-venv",
            )?;
        }
        Ok(Self { python, program })
    }

    fn pip<A: AsRef<OsStr>>(&self, options: [&str; 2], packages: &[A]) -> Result<()> {
        let mut install = Command::new(&self.program);
        install
            .args(["-m", "pip", "install", "--quiet"])
            .arg("--disable-pip-version-check")
            .args(options)
            .args(packages);
        output(install).map(drop)
    }

    /// Installs the package, and what its tests need.
    fn prepare(&self, builder: &mut Builder) -> Result<()> {
        self.pip(AS_THEY_COME, TEST)?;
        let wheel = builder.wheel(self)?;
        self.pip(["--force-reinstall", "--no-deps"], &[&wheel])
    }

    fn pytest(&self, brief: bool, cpythons: bool) -> Command {
        let left_out = [(brief, "not heavy"), (!cpythons, "not cpythons")];
        let chosen: Vec<_> = left_out
            .iter()
            .filter(|out| out.0)
            .map(|out| out.1)
            .collect();
        let mut pytest = Command::new(&self.program);
        // In isolated mode the package is not found beside its tests: what is tested is what was installed.
        pytest
            .args([
                "-I",
                "-m",
                "pytest",
                "-p",
                "no:cacheprovider",
                "--color=no",
                "-rs",
            ])
            .args(["--durations=5", "--import-mode=prepend"])
            .args(brief.then_some("--brief"))
            .args(["-m", &chosen.join(" and ")])
            .arg("tests")
            .current_dir(project::root().join("python"));
        pytest
    }
}

/// Builds wheels, with the maturin of one environment.
struct Builder {
    maturin: PathBuf,
    /// The wheel for all later versions, once it is built.
    abi3: Option<PathBuf>,
}

impl Builder {
    fn new(environment: &Environment) -> Result<Self> {
        environment.pip(["--upgrade-strategy", "only-if-needed"], BUILD)?;
        Ok(Self {
            maturin: environment.program.clone(),
            abi3: None,
        })
    }

    /// Builds the wheel for this interpreter, and says where it is.
    fn wheel(&mut self, environment: &Environment) -> Result<PathBuf> {
        let (python, minor) = (&environment.program, environment.python.minor);
        if minor < ABI3 {
            // A build folder for each of them: in a common one, each would undo the other's.
            let folder = project::target().join(format!("python-3.{minor}"));
            return self.build(python, &folder, &[]);
        }
        if let Some(built) = &self.abi3 {
            return Ok(built.clone());
        }
        let built = self.build(python, &project::target(), &["--features", "abi3"])?;
        Ok(self.abi3.insert(built).clone())
    }

    fn build(&self, python: &Path, target: &Path, features: &[&str]) -> Result<PathBuf> {
        let folder = project::target().join("wheels");
        let fresh = folder.join("new");
        let _ = fs::remove_dir_all(&fresh);
        let mut maturin = Command::new(&self.maturin);
        maturin
            .args(["-m", "maturin", "build", "--release", "--quiet"])
            .arg("--manifest-path")
            .arg(project::root().join("python/Cargo.toml"))
            .arg("--interpreter")
            .arg(python)
            .arg("--out")
            .arg(&fresh)
            .args(features)
            .env("CARGO_TARGET_DIR", target);
        let status = maturin.status().context("maturin could not be started")?;
        if !status.success() {
            return Err(anyhow!("{maturin:?} has failed ({status})"));
        }
        let built = fs::read_dir(&fresh)?
            .next()
            .context("maturin has built no wheel")??;
        let kept = folder.join(built.file_name());
        fs::rename(built.path(), &kept)?;
        fs::remove_dir(&fresh)?;
        Ok(kept)
    }
}
