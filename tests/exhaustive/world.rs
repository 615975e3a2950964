//! A state of the whole: the segment, the processes and their threads, and what was promised about each item.

use super::frames::Frame;
use super::mutants::Mutant;
use super::promises::Fate;
use super::setup::{Op, Setup};
use super::words::*;
use std::hash::{Hash, Hasher};

/// The most threads, the auditor of an end state included.
pub(crate) const THREADS: usize = 5;
/// The most payloads.
pub(crate) const PAYLOADS: usize = 8;
/// The deepest nesting of calls.
const DEPTH: usize = 4;

/// What one process remembers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Process {
    pub(crate) alive: bool,
    /// As whom it is attached.
    pub(crate) me: Option<Owner>,
    /// 0, or 1 after a kill.
    pub(crate) life: u8,
    /// Its own last position of either side, plus one.
    pub(crate) tail: Position,
    pub(crate) head: Position,
    /// The position after the one that it refused last, until it looks again.
    pub(crate) refused: Option<Position>,
    /// The payload that it refused last, until it looks again: for the promise, not for the code.
    pub(crate) refused_payload: Payload,
}

/// The calls that a thread is in, the innermost last.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stack {
    frames: [Frame; DEPTH],
    depth: u8,
}

impl Stack {
    pub(crate) fn push(&mut self, frame: Frame) {
        self.frames[usize::from(self.depth)] = frame;
        self.depth += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<Frame> {
        self.depth = self.depth.checked_sub(1)?;
        Some(self.frames[usize::from(self.depth)])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.depth == 0
    }

    pub(crate) fn frames(&self) -> &[Frame] {
        &self.frames[..usize::from(self.depth)]
    }
}

impl Hash for Stack {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.depth.hash(state);
        for frame in self.frames() {
            frame.hash(state);
        }
    }
}

/// A thread: the operation that it is in, or would begin next.
#[derive(Clone, Copy, Hash, Default)]
pub(crate) struct Thread {
    pub(crate) process: u8,
    pub(crate) op: u8,
    pub(crate) stack: Stack,
    /// The payload that its process refused before this look, and those that waited when it began, a bit each.
    pub(crate) refused: Payload,
    pub(crate) waiting: u16,
    /// The payloads that were on their way when this get began, if the queue was draining already.
    pub(crate) owed: u16,
}

/// A state.
#[derive(Clone, Hash)]
pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) processes: [Process; PLACES],
    pub(crate) threads: [Thread; THREADS],
    pub(crate) fates: [Fate; PAYLOADS + 1],
    /// The payloads whose puts returned Ok, a bit each; kept only where a shutdown might strand them.
    pub(crate) returned: u16,
    /// The payloads that were put back from the quarantine, a bit each.
    pub(crate) requeued: u16,
    pub(crate) kills: u8,
    pub(crate) lives: u8,
    pub(crate) scribbles: u8,
}

/// What can happen next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// A thread takes its next step.
    Step(u8),
    /// A thread between two operations looks at a place whose participant seems to be gone.
    Look(u8, Index),
    /// A process without a place tries to take this one.
    Attach(u8, Index),
    Kill(u8),
    /// A killed process starts again.
    Start(u8),
    ScribbleTail(Position),
    ScribbleHead(Position),
}

impl World {
    /// Everybody attached, nothing put.
    pub(crate) fn new(setup: &Setup) -> World {
        let first = setup.first_position();
        let mut memory = Memory {
            tail_hint: first,
            head_hint: first,
            ..Memory::default()
        };
        for position in first - setup.slots..first {
            memory.slots[setup.slot_of(position)].position = position;
        }
        let mut processes = [Process::default(); PLACES];
        for i in 0..setup.processes() {
            let place = usize::from(i);
            memory.entries[place].attached = true;
            memory.locks[place] = Some(i);
            processes[place] = Process {
                alive: true,
                me: Some(Owner {
                    place: i,
                    incarnation: 0,
                }),
                tail: first,
                head: first,
                ..Process::default()
            };
        }
        let mut threads = [Thread::default(); THREADS];
        for (thread, script) in threads.iter_mut().zip(setup.scripts) {
            thread.process = script.process;
        }
        assert!(setup.payloads() <= PAYLOADS && setup.scripts.len() < THREADS);
        World {
            memory,
            processes,
            threads,
            fates: [Fate::default(); PAYLOADS + 1],
            returned: 0,
            requeued: 0,
            kills: setup.kills,
            lives: setup.lives,
            scribbles: setup.scribbles,
        }
    }

    /// The operation that a thread is in or would begin; `None`: it has done all.
    pub(crate) fn op(&self, setup: &Setup, thread: usize) -> Option<Op> {
        let life = self.processes[usize::from(self.threads[thread].process)].life;
        let script = setup.script(thread, life);
        script.get(usize::from(self.threads[thread].op)).copied()
    }

    /// Everything that can happen next.
    pub(crate) fn actions(&self, setup: &Setup, actions: &mut Vec<Action>) {
        actions.clear();
        for (t, thread) in self.threads[..setup.scripts.len()].iter().enumerate() {
            let process = &self.processes[usize::from(thread.process)];
            if process.alive {
                let t = t as u8;
                match self.op(setup, t.into()) {
                    _ if !thread.stack.is_empty() => actions.push(Action::Step(t)),
                    Some(Op::Attach) => self.attachments(setup, t, actions),
                    op => {
                        if op.is_some() {
                            actions.push(Action::Step(t));
                        }
                        self.looks(setup, t, actions);
                    }
                }
            }
        }
        for p in 0..setup.processes() {
            let process = &self.processes[usize::from(p)];
            if process.alive && self.kills > 0 {
                actions.push(Action::Kill(p));
            }
            if !process.alive && self.lives > 0 && process.life == 0 {
                actions.push(Action::Start(p));
            }
        }
        if self.scribbles > 0 {
            let low = setup.first_position() - 1;
            for position in low..=low + 2 * setup.slots + 2 {
                actions.push(Action::ScribbleTail(position));
                actions.push(Action::ScribbleHead(position));
            }
        }
    }

    /// A look starts only where somebody seems to be gone; its first load may be old by the time of its second.
    fn looks(&self, setup: &Setup, thread: u8, actions: &mut Vec<Action>) {
        let me = self.processes[usize::from(self.threads[usize::from(thread)].process)].me;
        for place in 0..setup.processes() {
            if me.is_some_and(|me| me.place != place) && self.seems_gone(setup, place) {
                actions.push(Action::Look(thread, place));
            }
        }
    }

    /// Is there an attached participant whose process is gone?
    pub(crate) fn seems_gone(&self, setup: &Setup, place: Index) -> bool {
        let gone = if setup.is(Mutant::RecoveryWithoutLock) {
            let lives = |process: &Process| process.me.is_some_and(|me| me.place == place);
            !self.processes.iter().any(lives)
        } else {
            self.memory.locks[usize::from(place)].is_none()
        };
        gone && self.memory.entries[usize::from(place)].attached
    }

    fn attachments(&self, setup: &Setup, thread: u8, actions: &mut Vec<Action>) {
        for place in 0..setup.processes() {
            if self.memory.locks[usize::from(place)].is_none() {
                actions.push(Action::Attach(thread, place));
            }
        }
    }

    /// All threads of a process stop where they are, and the kernel drops its locks.
    pub(crate) fn kill(&mut self, p: u8) {
        self.kills -= 1;
        self.processes[usize::from(p)] = Process {
            life: self.processes[usize::from(p)].life,
            ..Process::default()
        };
        for thread in self.threads.iter_mut().filter(|thread| thread.process == p) {
            *thread = Thread {
                process: p,
                ..Thread::default()
            };
        }
        for lock in &mut self.memory.locks {
            if *lock == Some(p) {
                *lock = None;
            }
        }
        for fate in &mut self.fates {
            if *fate == Fate::With(p) {
                *fate = Fate::Again;
            }
        }
    }

    /// A killed process starts again, not attached yet; its hints are as far behind as hints can be.
    pub(crate) fn start(&mut self, setup: &Setup, p: u8) {
        self.lives -= 1;
        self.processes[usize::from(p)] = Process {
            alive: true,
            life: 1,
            tail: setup.first_position(),
            head: setup.first_position(),
            ..Process::default()
        };
    }

    /// Is the item of this descriptor committed and unconsumed (I3)?
    pub(crate) fn is_queued(&self, setup: &Setup, h: Index) -> bool {
        let Word::Pend(_, position) = self.memory.records[usize::from(h)].word else {
            return false;
        };
        let named = Slot {
            position,
            descriptor: Some(h),
        };
        self.memory.slots[setup.slot_of(position)] == named
    }
}
