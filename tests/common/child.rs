//! Child processes: the test program, started again in a role.
//!
//! The roles run before `main`, so the test harness is never started in a child: no output but the role's own, and one
//! thread. Parent and child talk in lines over the child's stdin and stdout.

use super::PATIENCE;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// The name of a role, and what it does with its arguments.
pub(crate) type Role = (&'static str, fn(&[&str]));

const ROLE: &str = "RINGPOST_TEST_ROLE";
const ARGUMENTS: &str = "RINGPOST_TEST_ARGUMENTS";
const SEPARATOR: char = '\x1f';

/// To be called before `main`: plays the role that the parent asks for, and ends the process.
pub(crate) fn enter(roles: &[&[Role]]) {
    let Ok(wanted) = std::env::var(ROLE) else {
        return;
    };
    die_after(2 * PATIENCE);
    let arguments = std::env::var(ARGUMENTS).unwrap_or_default();
    let arguments: Vec<&str> = match arguments.as_str() {
        "" => Vec::new(),
        some => some.split(SEPARATOR).collect(),
    };
    let found = roles
        .iter()
        .copied()
        .flatten()
        .find(|role| role.0 == wanted);
    let play = found.unwrap_or_else(|| panic!("no role {wanted}")).1;
    let played = catch_unwind(AssertUnwindSafe(|| play(&arguments)));
    std::process::exit(if played.is_ok() { 0 } else { 101 });
}

/// The kernel kills this process if it is still there then: a hang ends as a failure, whatever hangs.
pub(crate) fn die_after(time: Duration) {
    // SAFETY: only sets this process's timer.
    unsafe { libc::alarm(time.as_secs() as u32) };
}

/// For roles: tells the parent a line.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").expect("the parent listens");
    out.flush().expect("the parent listens");
}

/// For roles: the next line from the parent, who has died if there is none.
pub(crate) fn listen() -> String {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => std::process::exit(3),
        Ok(_) => line.trim_end().to_owned(),
    }
}

/// A child in a role; it is killed with this value.
pub(crate) struct Child {
    role: String,
    process: std::process::Child,
    lines: Receiver<String>,
    ended: bool,
}

impl Child {
    #[track_caller]
    pub(crate) fn start(role: &str, arguments: &[&str]) -> Child {
        Self::start_by(command(role, arguments), role)
    }

    /// Starts it by a command of [`command`], changed in some way.
    #[track_caller]
    pub(crate) fn start_by(mut command: Command, role: &str) -> Child {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the child starts");
        let out = process.stdout.take().expect("a pipe");
        let (heard, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if heard.send(line).is_err() {
                    break;
                }
            }
        });
        Child {
            role: role.to_owned(),
            process,
            lines,
            ended: false,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The next line that the child says.
    #[track_caller]
    pub(crate) fn hear(&self) -> String {
        let role = &self.role;
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(error) => panic!("the child {role:?} says nothing: {error}"),
        }
    }

    /// The next line that the child says, if it does not end before.
    #[track_caller]
    pub(crate) fn try_hear(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("the child {:?} says nothing", self.role)
            }
        }
    }

    /// Waits for this line.
    #[track_caller]
    pub(crate) fn expect(&self, line: &str) {
        assert_eq!(self.hear(), line, "from the child {:?}", self.role);
    }

    /// All that it says until it ends.
    #[track_caller]
    pub(crate) fn hear_all(&self) -> Vec<String> {
        self.hear_all_within(PATIENCE)
    }

    /// The same of a child whose work takes longer than most.
    #[track_caller]
    pub(crate) fn hear_all_within(&self, patience: Duration) -> Vec<String> {
        let deadline = Instant::now() + patience;
        let mut lines = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => lines.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return lines,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("{:?} does not end", self.role),
            }
        }
    }

    /// Tells the child a line.
    #[track_caller]
    pub(crate) fn tell(&mut self, line: &str) {
        let stdin = self.process.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{line}").expect("the child listens");
    }

    /// Waits for the child's line `blocking`, which is the last before a call that blocks, then until it sleeps.
    #[track_caller]
    pub(crate) fn expect_blocked(&self) {
        self.expect("blocking");
        super::eventually("the child sleeps", || super::asleep(self.pid(), self.pid()));
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: a number that stays the child's until it is waited for.
        let sent = unsafe { libc::kill(self.pid() as i32, signal) };
        assert_eq!(sent, 0, "the child is there");
    }

    /// Waits until it has stopped itself.
    #[track_caller]
    pub(crate) fn expect_stopped(&self) {
        super::eventually("the child has stopped", || {
            super::state(self.pid(), self.pid()) == Some('T')
        });
    }

    /// Lets it go on, as often as it stops itself, until it says this line.
    #[track_caller]
    pub(crate) fn go_on_until(&self, line: &str) {
        super::eventually("it says something", || {
            self.signal(libc::SIGCONT);
            match self.lines.try_recv() {
                Ok(said) => {
                    assert_eq!(said, line, "from the child {:?}", self.role);
                    true
                }
                Err(_) => false,
            }
        });
    }

    /// Kills it at once, whatever it does.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if !self.ended {
            self.ended = true;
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().expect("it is ours") {
                self.ended = true;
                return status;
            }
            let role = &self.role;
            assert!(Instant::now() < deadline, "the child {role:?} does not end");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits for its end, which must be a good one.
    #[track_caller]
    pub(crate) fn succeed(self) {
        let role = self.role.clone();
        let status = self.wait();
        assert!(status.success(), "the child {role:?}: {status}");
    }

    /// Waits for its end by a signal.
    #[track_caller]
    pub(crate) fn expect_signal(self, signal: i32) {
        assert_eq!(self.wait().signal(), Some(signal));
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// This program in a role.
pub(crate) fn command(role: &str, arguments: &[&str]) -> Command {
    command_through(&[], role, arguments)
}

/// This program in a role, run by another program.
pub(crate) fn command_through(runner: &[&str], role: &str, arguments: &[&str]) -> Command {
    let this = std::env::current_exe().expect("its own path");
    let mut command = match runner {
        [] => Command::new(this),
        [program, options @ ..] => {
            let mut command = Command::new(program);
            command.args(options).arg(this);
            command
        }
    };
    command
        .env(ROLE, role)
        .env(ARGUMENTS, arguments.join(&SEPARATOR.to_string()))
        .env("RUST_BACKTRACE", "0");
    command
}

/// For roles, which have one thread: forks, does the work in the new process, and waits for its end. Returns what the work
/// returned, 101 if it panicked, `None` if it was killed.
pub(crate) fn in_a_fork(work: impl FnOnce() -> i32) -> Option<i32> {
    let pid = fork(work);
    let mut status = 0;
    // SAFETY: waits for the child that was just made.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(waited, pid);
    libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
}

/// For roles: forks, does the work in the new process, which then ends without any destructor. With other threads about, the
/// work may do little more than system calls.
pub(crate) fn fork(work: impl FnOnce() -> i32) -> i32 {
    // SAFETY: roles have one thread, so the child finds no lock that another one holds; or their work takes none.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", std::io::Error::last_os_error()),
        0 => {
            die_after(2 * PATIENCE);
            let code = catch_unwind(AssertUnwindSafe(work)).unwrap_or(101);
            // SAFETY: ends this process.
            unsafe { libc::_exit(code) }
        }
        pid => pid,
    }
}
