//! What every test of the command needs: the binary, a queue of its own, and an end to every wait.

#![allow(dead_code, unreachable_pub)]

pub mod family;

use nix::sys::signal;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub use rustix::process::Signal;

/// Nothing here takes that long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command with these arguments. No signal is ignored: a shell ignores Ctrl-C for what it runs in the background, which
/// may be these tests.
pub fn ringpost(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringpost"));
    command.args(args);
    let heed = || {
        for number in [signal::SIGINT, signal::SIGTERM, signal::SIGHUP] {
            // SAFETY: the default action is no handler that could run anything.
            unsafe { signal::signal(number, signal::SigHandler::SigDfl) }?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec, `signal` is allowed, and nothing else is done.
    unsafe { command.pre_exec(heed) };
    command
}

/// A queue name that no other test has; the queue goes with this value, on a panic too.
pub struct Queue(pub String);

impl Queue {
    /// Only a name: no such queue is there.
    pub fn missing() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        Queue(format!("cli-test.{}.{number}", std::process::id()))
    }

    /// A queue of the default size.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// A queue made with these options of `create`.
    pub fn with(options: &[&str]) -> Self {
        let queue = Self::missing();
        let mut args = vec!["create", &queue.0];
        args.extend(options);
        run(&args).expect_code(0);
        queue
    }

    /// Runs a subcommand on it.
    pub fn run(&self, subcommand: &str, options: &[&str]) -> Ended {
        self.feed(subcommand, options, b"")
    }

    /// Runs a subcommand on it with this on stdin.
    pub fn feed(&self, subcommand: &str, options: &[&str], stdin: &[u8]) -> Ended {
        let mut args = vec![subcommand, &self.0];
        args.extend(options);
        Running::start(&args).feed(stdin)
    }

    /// Runs `work` on it until it is empty.
    pub fn work(&self, options: &[&str], command: &[&str]) -> Ended {
        let options = [&["--until-empty"], options, &["--"], command].concat();
        self.run("work", &options)
    }

    /// What is in its quarantine: positions, deliveries and previews.
    pub fn quarantined(&self) -> Vec<(u64, u64, String)> {
        let json = self.run("quarantine", &["--json"]).expect_code(0).json();
        let items = json.as_array().expect("an array").iter();
        let number = |value: &serde_json::Value| value.as_u64().expect("a number");
        items
            .map(|item| {
                let preview = item["preview"].as_str().expect("text");
                (
                    number(&item["position"]),
                    number(&item["deliveries"]),
                    preview.to_owned(),
                )
            })
            .collect()
    }

    /// A figure of `stat`.
    pub fn figure(&self, name: &str) -> u64 {
        let json = self.run("stat", &["--json"]).expect_code(0).json();
        json[name].as_u64().expect("a number")
    }

    /// Starts a subcommand on it.
    pub fn start(&self, subcommand: &str, options: &[&str]) -> Running {
        let mut args = vec![subcommand, &self.0];
        args.extend(options);
        Running::start(&args)
    }

    /// How many items are in it.
    pub fn len(&self) -> u64 {
        self.figure("queued")
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let _ = ringpost(&["rm", "--force", &self.0]).status();
    }
}

/// Runs the command with nothing on stdin.
pub fn run(args: &[&str]) -> Ended {
    Running::start(args).feed(b"")
}

/// A process that runs; it is killed with this value.
pub struct Running(pub Child);

impl Running {
    /// Starts the command, with pipes all around.
    pub fn start(args: &[&str]) -> Self {
        let mut command = ringpost(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Running(command.spawn().expect("the command starts"))
    }

    /// Writes all of `stdin`, closes it, and waits for the end.
    pub fn feed(mut self, stdin: &[u8]) -> Ended {
        let mut pipe = self.0.stdin.take().expect("a pipe");
        let stdin = stdin.to_vec();
        let writer = thread::spawn(move || {
            // A command that does not read all of it is no failure here.
            let _ = pipe.write_all(&stdin);
        });
        let ended = self.finish();
        writer.join().expect("no panic");
        ended
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.0.id()).expect("a pid");
        let pid = rustix::process::Pid::from_raw(pid).expect("not 0");
        rustix::process::kill_process(pid, signal).expect("it runs");
    }

    /// Waits for the end, and reads all that it writes meanwhile.
    pub fn finish(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let mut stdout = self.0.stdout.take();
        let mut stderr = self.0.stderr.take();
        let read = thread::spawn(move || (read_all(&mut stdout), read_all(&mut stderr)));
        let status = loop {
            match self.0.try_wait().expect("it is ours") {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("it hangs"),
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        let (stdout, stderr) = read.join().expect("no panic");
        Ended(Output {
            status,
            stdout,
            stderr,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read_all(pipe: &mut Option<impl std::io::Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.read_to_end(&mut bytes).expect("readable");
    }
    bytes
}

/// What a process left.
#[derive(Debug)]
pub struct Ended(pub Output);

impl Ended {
    /// Fails unless it ended with this exit code.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(code), "{self:#?}");
        self
    }

    /// Fails unless stderr is one line: `ringpost: ` and something with `part` in it.
    #[track_caller]
    pub fn expect_complaint(self, part: &str) -> Self {
        let stderr = self.stderr();
        assert!(stderr.starts_with("ringpost: "), "{stderr}");
        assert!(stderr.contains(part), "{part} is not in: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        self
    }

    /// Fails if there is anything on stderr.
    #[track_caller]
    pub fn expect_quiet(self) -> Self {
        assert_eq!(self.stderr(), "");
        self
    }

    /// What it wrote to stdout.
    pub fn stdout(&self) -> &[u8] {
        &self.0.stdout
    }

    /// What it wrote to stdout, as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.0.stdout).expect("text")
    }

    /// What it wrote to stderr.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// What it wrote to stdout, as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.0.stdout).expect("JSON")
    }
}

/// Waits until something holds.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A folder of its own; it goes with this value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringpost-cli-test.{}.{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a place for it");
        Folder(path)
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_owned()
    }

    /// The lines of a file in it; none if there is none.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.0.join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
