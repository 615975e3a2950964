//! A process under ptrace: it runs an operation instruction by instruction, and can be killed after any of them.

use crate::common::child::fork;
use crate::heap;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, getpid};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{pread, pwrite};
use std::os::fd::OwnedFd;

/// What the traced process plays: it opens the segment, gets ready, and does the operation between two marks.
pub(crate) type Play = fn(OwnedFd, &Marks);

/// How the traced process tells where it is: by signals to itself, which its tracer sees and keeps from it. They leave no
/// trace in the segment, and cost a few instructions each.
pub(crate) struct Marks(());

impl Marks {
    /// The operation's first instruction comes next.
    pub(crate) fn start(&self) {
        mark(Signal::SIGSTOP);
    }

    /// A call of the library has returned.
    pub(crate) fn returned(&self) {
        mark(Signal::SIGUSR1);
    }

    /// The operation is over. What comes now is not stepped: checks of what was got.
    pub(crate) fn end(&self) {
        mark(Signal::SIGSTOP);
    }
}

#[inline(always)]
fn mark(signal: Signal) {
    kill(getpid(), signal).expect("a signal to this process");
}

/// Where a step has led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// One instruction further.
    Instruction,
    /// A call has returned; no instruction was run.
    Returned,
    /// The operation is over.
    End,
}

/// A traced process that has stopped; it is killed with this value.
pub(crate) struct Victim {
    pid: Pid,
    segment: OwnedFd,
    ended: bool,
}

impl Victim {
    /// Starts it with a segment of these bytes, and lets it get ready. An error: ptrace is not permitted here.
    pub(crate) fn start(bytes: &[u8], play: Play) -> nix::Result<Victim> {
        const DENIED: i32 = 77;
        let segment = segment_of(bytes);
        let own = segment.try_clone().expect("a descriptor");
        let pid = Pid::from_raw(fork(|| {
            if ptrace::traceme().is_err() {
                return DENIED;
            }
            heap::begin_anew();
            play(own, &Marks(()));
            0
        }));
        let mut victim = Victim {
            pid,
            segment,
            ended: false,
        };
        loop {
            match victim.wait() {
                WaitStatus::Exited(_, DENIED) => {
                    victim.ended = true;
                    return Err(nix::Error::EPERM);
                }
                // A child of its own has ended.
                WaitStatus::Stopped(_, Signal::SIGCHLD) => ptrace::cont(pid, None)?,
                WaitStatus::Stopped(_, Signal::SIGSTOP) => break,
                other => panic!("it gets ready: {other:?}"),
            }
        }
        ptrace::setoptions(pid, Options::PTRACE_O_EXITKILL)?;
        Ok(victim)
    }

    fn wait(&self) -> WaitStatus {
        waitpid(self.pid, None).expect("a child of this process")
    }

    pub(crate) fn step(&self) -> Stop {
        ptrace::step(self.pid, None).expect("it has stopped");
        match self.wait() {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => Stop::Instruction,
            WaitStatus::Stopped(_, Signal::SIGUSR1) => Stop::Returned,
            WaitStatus::Stopped(_, Signal::SIGSTOP) => Stop::End,
            other => panic!("in the middle of the operation: {other:?}"),
        }
    }

    /// The address of its next instruction; 0 where there is no way to ask.
    pub(crate) fn address(&self) -> u64 {
        #[cfg(target_arch = "x86_64")]
        return ptrace::getregs(self.pid).expect("it has stopped").rip;
        #[cfg(not(target_arch = "x86_64"))]
        return 0;
    }

    /// From the start to after instruction `k` of a path that another one went, at full speed as far as possible. False: it
    /// has not gone that way, or there is none.
    pub(crate) fn follow(&self, path: &[u64], k: usize) -> bool {
        // Where an instruction repeats itself (`rep`), or there are no addresses, no breakpoint tells the turns apart.
        let entered = |&i: &usize| i > 0 && path[i] != path[i - 1];
        let Some(near) = (1..=k).rev().find(entered) else {
            return k == 0;
        };
        let same = |i: &usize| path[*i] == path[near] && (*i == 0 || entered(i));
        let times = (0..=near).filter(same).count();
        self.run_to(path[near], times) && self.advance(k - near)
    }

    /// So many instructions further. False: its operation has ended before.
    pub(crate) fn advance(&self, instructions: usize) -> bool {
        let mut left = instructions;
        while left > 0 {
            match self.step() {
                Stop::Instruction => left -= 1,
                Stop::Returned => {}
                Stop::End => return false,
            }
        }
        true
    }

    /// Lets it run until it comes to this address for the so-many-th time: a breakpoint in the processor's debug registers.
    fn run_to(&self, address: u64, times: usize) -> bool {
        self.set_debug_register(0, address as i64);
        self.set_debug_register(7, 1); // the first one, for execution
        let mut left = times;
        while left > 0 {
            ptrace::cont(self.pid, None).expect("it has stopped");
            match self.wait() {
                WaitStatus::Stopped(_, Signal::SIGTRAP) => left -= 1,
                WaitStatus::Stopped(_, Signal::SIGUSR1) => {}
                WaitStatus::Stopped(_, Signal::SIGSTOP) => return false,
                other => panic!("before the breakpoint: {other:?}"),
            }
        }
        self.set_debug_register(7, 0);
        assert_eq!(self.address(), address, "where the breakpoint is");
        true
    }

    #[cfg(target_arch = "x86_64")]
    fn set_debug_register(&self, register: usize, value: i64) {
        let offset = std::mem::offset_of!(libc::user, u_debugreg) + 8 * register;
        ptrace::write_user(self.pid, offset as *mut _, value).expect("a debug register");
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn set_debug_register(&self, _: usize, _: i64) {
        unreachable!("without addresses there are no breakpoints");
    }

    /// What its segment holds now.
    pub(crate) fn read(&self, bytes: &mut [u8]) {
        read(&self.segment, bytes);
    }

    /// Does its own memory hold these bytes?
    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        heap::holds(self.pid.as_raw(), bytes)
    }

    /// Kills it where it stands. What is left of it: the segment.
    pub(crate) fn kill(self) -> OwnedFd {
        let segment = self.segment.try_clone().expect("a descriptor");
        drop(self); // this is the kill
        segment
    }

    /// Lets it go on to its end: it checks what it got.
    pub(crate) fn finish(mut self) {
        ptrace::cont(self.pid, None).expect("it has stopped");
        let ended = self.wait();
        self.ended = true;
        assert_eq!(ended, WaitStatus::Exited(self.pid, 0), "its own checks");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        if !self.ended {
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = waitpid(self.pid, None);
        }
    }
}

/// A new file of these bytes, in which nobody holds a lock.
pub(crate) fn segment_of(bytes: &[u8]) -> OwnedFd {
    let segment = memfd_create("single step", MemfdFlags::CLOEXEC).expect("a memfd");
    let written = pwrite(&segment, bytes, 0).expect("memory");
    assert_eq!(written, bytes.len());
    segment
}

/// What a segment of this length holds.
pub(crate) fn bytes_of(segment: &OwnedFd, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    read(segment, &mut bytes);
    bytes
}

fn read(segment: &OwnedFd, bytes: &mut [u8]) {
    let read = pread(segment, &mut *bytes, 0).expect("it can be read");
    assert_eq!(read, bytes.len());
}
