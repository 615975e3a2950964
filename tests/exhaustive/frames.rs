//! The calls that a thread is in. A frame is where one function of the code stands, and holds what that function still
//! needs. Running it does exactly one access to shared memory, and whatever the process then decides on its own.
//!
//! Two accesses are merged into one where no other process can tell: a load that only spares a CAS which would fail, and
//! what a participant does to memory that is its own alone. The exception is what a recoverer would look at: that is a step.
//! The queue's state is not loaded where nobody ever changes it.

use super::arena::Refit;
use super::attach::Place;
use super::audit::Join;
use super::claim::Get;
use super::free::Free;
use super::hints::{GuessHead, GuessTail};
use super::put::Put;
use super::quarantine::Aside;
use super::recover::Recover;
use super::room::Room;
use super::setup::{Op, Setup};
use super::used::Used;
use super::words::*;
use super::world::{Action, Process, Thread, World};

/// A function of the code, by file.
#[derive(Clone, Copy, Hash, Debug, Default)]
pub(crate) enum Frame {
    #[default]
    None,
    Put(Put),
    Room(Room),
    GuessTail(GuessTail),
    GuessHead(GuessHead),
    Get(Get),
    Used(Used),
    Aside(Aside),
    Refit(Refit),
    Free(Free),
    Recover(Recover),
    Place(Place),
    Join(Join),
}

/// What a function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Done,
    /// A guess.
    At(Position),
    /// A free position and the slot word that a commit there must replace.
    Room(Position, Slot),
    /// No room, no descriptor, no memory.
    Short,
    Empty,
    /// Shut down.
    Closed,
}

/// What follows a step.
#[derive(Clone, Copy)]
pub(crate) enum Next {
    Go(Frame),
    /// The second is called, and the first goes on with its value.
    Call(Frame, Frame),
    Return(Value),
}

/// A promise that was broken.
pub(crate) type Broken = &'static str;
pub(crate) type Step = Result<Next, Broken>;

/// One thread, about to do something.
pub(crate) struct Actor<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) setup: &'a Setup,
    pub(crate) thread: usize,
}

impl World {
    /// Does `action`. An error says which promise it broke.
    pub(crate) fn act(&mut self, setup: &Setup, action: Action) -> Result<(), Broken> {
        match action {
            Action::Kill(p) => self.kill(p),
            Action::Start(p) => self.start(setup, p),
            Action::ScribbleTail(position) => {
                self.scribbles -= 1;
                self.memory.tail_hint = position;
            }
            Action::ScribbleHead(position) => {
                self.scribbles -= 1;
                self.memory.head_hint = position;
            }
            Action::Step(t) | Action::Look(t, _) | Action::Attach(t, _) => {
                let thread = t.into();
                let mut actor = Actor {
                    world: self,
                    setup,
                    thread,
                };
                actor.begin(action);
                let frame = actor.thread().stack.pop();
                return actor.run(frame.expect("every operation begins with a frame"));
            }
        }
        Ok(())
    }
}

impl Actor<'_> {
    pub(crate) fn thread(&mut self) -> &mut Thread {
        &mut self.world.threads[self.thread]
    }

    pub(crate) fn process_number(&self) -> u8 {
        self.world.threads[self.thread].process
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        let p = self.process_number();
        &mut self.world.processes[usize::from(p)]
    }

    /// As whom this process is attached.
    pub(crate) fn me(&self) -> Owner {
        let p = self.process_number();
        let me = self.world.processes[usize::from(p)].me;
        me.expect("a process that is not attached does nothing else")
    }

    pub(crate) fn slot(&mut self, position: Position) -> &mut Slot {
        let slot = self.setup.slot_of(position);
        &mut self.world.memory.slots[slot]
    }

    pub(crate) fn record(&mut self, h: Index) -> &mut Record {
        &mut self.world.memory.records[usize::from(h)]
    }

    pub(crate) fn chunk(&mut self, c: Index) -> &mut Chunk {
        &mut self.world.memory.chunks[usize::from(c)]
    }

    /// The compare-and-swap of D.
    pub(crate) fn cas(&mut self, h: Index, from: Word, to: Word) -> bool {
        let word = &mut self.record(h).word;
        let done = *word == from;
        if done {
            *word = to;
        }
        done
    }

    /// Pushes what `action` begins, unless the thread is in the middle of something.
    pub(crate) fn begin(&mut self, action: Action) {
        let frame = match action {
            Action::Look(_, place) => Frame::Place(Place::LookLoad { place }),
            Action::Attach(_, place) => Frame::Place(Place::AttachLock { place }),
            _ if !self.thread().stack.is_empty() => return,
            _ => {
                let op = self.world.op(self.setup, self.thread);
                match op.expect("only a thread with something to do takes a step") {
                    Op::Put(_) | Op::PutTruncated(..) => self.begin_put(),
                    Op::Get(_) | Op::GetUntilClosed(_) => self.begin_get(),
                    Op::ShutDown(to) => Frame::Join(Join::SetState { to }),
                    Op::Join => self.begin_join(),
                    Op::Inspect | Op::Requeue | Op::Discard => Frame::Aside(Aside::Find { h: 0 }),
                    Op::Detach => self.begin_detach(),
                    Op::Attach => unreachable!("an attach begins with a place"),
                }
            }
        };
        self.thread().stack.push(frame);
    }

    /// One access to shared memory, and what follows from it without another.
    pub(crate) fn run(&mut self, frame: Frame) -> Result<(), Broken> {
        let mut next = match frame {
            Frame::None => unreachable!("no such frame is ever pushed"),
            Frame::Put(step) => self.put(step),
            Frame::Room(step) => self.room(step),
            Frame::GuessTail(step) => self.guess_tail(step),
            Frame::GuessHead(step) => self.guess_head(step),
            Frame::Get(step) => self.get(step),
            Frame::Used(step) => self.used(step),
            Frame::Aside(step) => self.aside(step),
            Frame::Refit(step) => self.refit(step),
            Frame::Free(step) => self.free(step),
            Frame::Recover(step) => self.recover(step),
            Frame::Place(step) => self.place(step),
            Frame::Join(step) => self.join(step),
        }?;
        loop {
            match next {
                Next::Go(frame) => {
                    self.thread().stack.push(frame);
                    return Ok(());
                }
                Next::Call(caller, callee) => {
                    self.thread().stack.push(caller);
                    self.thread().stack.push(callee);
                    return Ok(());
                }
                Next::Return(value) => match self.thread().stack.pop() {
                    Some(frame) => next = self.resume(frame, value)?,
                    None => return self.ended(frame, value),
                },
            }
        }
    }

    /// What a function does with the value that it called for.
    fn resume(&mut self, frame: Frame, value: Value) -> Step {
        match frame {
            Frame::Put(step) => self.put_resumed(step, value),
            Frame::Room(step) => self.room_resumed(step, value),
            Frame::Get(step) => self.get_resumed(step, value),
            Frame::Refit(step) => self.refit_resumed(step),
            Frame::Recover(step) => self.recover_resumed(step),
            Frame::Place(step) => self.place_resumed(step),
            Frame::Join(step) => self.join_resumed(step, value),
            other => unreachable!("{other:?} calls nothing"),
        }
    }

    /// The outermost call has returned, out of `last`.
    fn ended(&mut self, last: Frame, value: Value) -> Result<(), Broken> {
        let thread = self.thread();
        (thread.refused, thread.waiting) = (0, 0);
        let owed = std::mem::take(&mut thread.owed);
        if let Frame::Place(step) = last
            && step.ends_a_look()
        {
            return Ok(()); // between two operations
        }
        match self.world.op(self.setup, self.thread) {
            Some(Op::Put(_) | Op::PutTruncated(..)) => self.promise_answer(value)?,
            Some(Op::GetUntilClosed(_)) if value != Value::Closed => return Ok(()),
            Some(Op::GetUntilClosed(_)) => self.promise_closed(owed)?,
            _ => {}
        }
        self.thread().op += 1;
        Ok(())
    }
}
