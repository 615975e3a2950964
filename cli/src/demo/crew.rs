//! The processes of the demo, as their parent sees them: started, listened to, and never left behind.

use super::latency::Counts;
use super::ledger::Ledger;
use super::roles::Role;
use crate::exit::{Outcome, Stop};
use crate::signals::Signals;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// A look at the signals at least this often.
const LOOK: Duration = Duration::from_millis(50);
/// When nobody has said anything for so long, something is wrong.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a process that has reported may take to end.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a process tells its parent, a line of JSON each.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Note {
    /// It has opened its queues.
    Ready,
    /// A consumer got so many messages so far.
    Received { count: u64 },
    /// A producer has put everything.
    Produced(Produced),
    /// A consumer has got everything.
    Consumed(Consumed),
    /// All round trips are done.
    Pinged(Counts),
    /// It cannot go on.
    Failed { message: String },
}

/// A producer's report.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Produced {
    /// When it began, in nanoseconds of the monotonic clock.
    pub(crate) first: u64,
    /// How many bytes its lines had.
    pub(crate) bytes: u64,
}

/// A consumer's report.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Consumed {
    /// When it got its last message, or 0 if it got none.
    pub(crate) last: u64,
    pub(crate) ledger: Ledger,
    pub(crate) latency: Counts,
}

/// What one process is to do.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) role: Role,
    pub(crate) index: u32,
    pub(crate) producers: u32,
    pub(crate) queue: String,
    pub(crate) reply: String,
}

impl Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, self.index)
    }
}

/// All processes of one part of the demo; dropped, it ends them.
#[derive(Debug)]
pub(crate) struct Crew {
    members: Vec<Member>,
    notes: Receiver<(usize, Heard)>,
    last_heard: Instant,
}

#[derive(Debug)]
struct Member {
    job: Job,
    child: Child,
    stdin: Option<ChildStdin>,
    reported: bool,
}

#[derive(Debug)]
enum Heard {
    Note(Note),
    /// A line that is no note.
    Nonsense,
    /// Its stdout has ended, and so has it.
    End,
}

impl Crew {
    /// Starts a process for each job.
    pub(crate) fn start(jobs: Vec<Job>, messages: u64, input: Option<&Path>) -> Result<Self, Stop> {
        let (sender, notes) = mpsc::channel();
        let mut crew = Crew {
            members: Vec::new(),
            notes,
            last_heard: Instant::now(),
        };
        for job in jobs {
            let fail =
                |error: io::Error| Stop::failed(error).context(format!("demo: starting {job}"));
            let mut child = command(&job, messages, input).and_then(|mut command| command.spawn());
            let (stdin, stdout) = match &mut child {
                Ok(child) => (child.stdin.take(), child.stdout.take()),
                Err(_) => (None, None),
            };
            let child = child.map_err(fail)?;
            let number = crew.members.len();
            crew.members.push(Member {
                job,
                child,
                stdin,
                reported: false,
            });
            if let Some(stdout) = stdout {
                let sender = sender.clone();
                std::thread::spawn(move || listen(number, stdout, &sender));
            }
        }
        Ok(crew)
    }

    /// Waits until all are ready, then lets them begin.
    pub(crate) fn go(&mut self, signals: &Signals) -> Outcome {
        let mut missing = self.members.len();
        while missing > 0 {
            let (_, note) = self.next(signals, || ())?;
            missing -= usize::from(matches!(note, Note::Ready));
        }
        for member in &mut self.members {
            if let Some(mut stdin) = member.stdin.take() {
                // One that is gone by now will be missed soon enough.
                let _ = stdin.write_all(b"go\n");
            }
        }
        Ok(())
    }

    /// The next note; an error when a process has failed or died, when all are silent for long, or
    /// when a signal has arrived. Calls `idle` while nothing is heard.
    pub(crate) fn next(
        &mut self,
        signals: &Signals,
        mut idle: impl FnMut(),
    ) -> Result<(Job, Note), Stop> {
        loop {
            if signals.arrived() {
                return Err(signals.stop());
            }
            let (number, heard) = match self.notes.recv_timeout(LOOK) {
                Ok(heard) => heard,
                Err(RecvTimeoutError::Timeout) if self.last_heard.elapsed() < SILENCE => {
                    idle();
                    continue;
                }
                Err(_) => return Err(self.silence()),
            };
            self.last_heard = Instant::now();
            let member = &mut self.members[number];
            let job = member.job.clone();
            match heard {
                Heard::Note(Note::Failed { message }) => {
                    return Err(Stop::failed(format!("demo: {job}: {message}")));
                }
                Heard::Note(note) => {
                    let goes_on = matches!(note, Note::Ready | Note::Received { .. });
                    member.reported |= !goes_on;
                    return Ok((job, note));
                }
                Heard::Nonsense => {
                    return Err(Stop::failed(format!(
                        "demo: {job} wrote something that is no report"
                    )));
                }
                Heard::End if member.reported => {}
                Heard::End => {
                    let status = member.child.wait()?;
                    return Err(Stop::failed(format!(
                        "demo: {job} ended before its work was done: {status}"
                    )));
                }
            }
        }
    }

    /// Waits until every process has ended; an error if one did so badly.
    pub(crate) fn finish(mut self, signals: &Signals) -> Outcome {
        let deadline = Instant::now() + FAREWELL;
        for member in &mut self.members {
            let status = loop {
                match member.child.try_wait()? {
                    Some(status) => break status,
                    None if signals.arrived() => return Err(signals.stop()),
                    None if Instant::now() > deadline => {
                        return Err(Stop::failed(format!("demo: {} does not end", member.job)));
                    }
                    None => signals.sleep(Duration::from_millis(1)),
                }
            };
            if !status.success() {
                return Err(Stop::failed(format!(
                    "demo: {} failed: {status}",
                    member.job
                )));
            }
        }
        Ok(())
    }

    fn silence(&self) -> Stop {
        let busy = self.members.iter().filter(|member| !member.reported);
        let busy: Vec<String> = busy.map(|member| member.job.to_string()).collect();
        let (seconds, busy) = (SILENCE.as_secs(), busy.join(", "));
        Stop::failed(format!(
            "demo: nothing has moved for {seconds} seconds; still at work: {busy}"
        ))
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for member in &mut self.members {
            // An error means that it has ended.
            let _ = member.child.kill();
        }
        for member in &mut self.members {
            let _ = member.child.wait();
        }
    }
}

/// This same program, in another role.
fn command(job: &Job, messages: u64, input: Option<&Path>) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["demo-role", &job.role.to_string(), "--queue", &job.queue]);
    if !job.reply.is_empty() {
        command.args(["--reply", &job.reply]);
    }
    if let Some(input) = input {
        command.arg("--input").arg(input);
    }
    command.args([
        "--index",
        &job.index.to_string(),
        "--producers",
        &job.producers.to_string(),
    ]);
    command.args([
        "--messages",
        &messages.to_string(),
        "--parent",
        &std::process::id().to_string(),
    ]);
    // Ctrl-C goes to a terminal's whole foreground group: only the parent is to see it.
    command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    Ok(command)
}

fn listen(number: usize, stdout: ChildStdout, sender: &Sender<(usize, Heard)>) {
    for line in BufReader::new(stdout).lines() {
        let note = line.ok().and_then(|line| serde_json::from_str(&line).ok());
        // A parent that does not listen any more is about to end.
        let _ = sender.send((number, note.map_or(Heard::Nonsense, Heard::Note)));
    }
    let _ = sender.send((number, Heard::End));
}
