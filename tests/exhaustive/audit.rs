//! Ends: shutting down, and waiting until all is done.

use super::claim::Get;
use super::frames::{Actor, Frame, Next, Step, Value};
use super::hints::GUESS_TAIL;
use super::mutants::Mutant;
use super::words::*;

/// `set_state`, `close_now`, `drop_the_rest_if_closed`, `finished`, `find_tail` and `census`.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum Join {
    SetState {
        to: State,
    },
    /// `shutdown_now` drops what is queued.
    Draining,
    LoadState,
    DroppingTheRest,
    GuessingTail {
        before: Option<Position>,
    },
    LoadTailSlot {
        before: Option<Position>,
        p: Position,
    },
    /// Each descriptor: is there an item on its way?
    Load {
        before: Position,
        h: Index,
    },
    LoadSlot {
        before: Position,
        h: Index,
        p: Position,
    },
}

impl Actor<'_> {
    pub(crate) fn begin_join(&mut self) -> Frame {
        if self.setup.is_shut_down() {
            return Frame::Join(Join::LoadState);
        }
        self.thread()
            .stack
            .push(Frame::Join(Join::GuessingTail { before: None }));
        GUESS_TAIL
    }

    pub(crate) fn join(&mut self, step: Join) -> Step {
        use Join::*;
        match step {
            SetState { to } => {
                let state = &mut self.world.memory.state;
                *state = to.max(*state);
                match to {
                    State::Closed => self.drop_the_rest(Draining),
                    _ => Ok(Next::Return(Value::Done)),
                }
            }
            LoadState => match self.world.memory.state {
                State::Closed => self.drop_the_rest(DroppingTheRest),
                _ => find_tail(None),
            },
            LoadTailSlot { before, p } => {
                let q = self.slot(p).position;
                if q >= p {
                    return go(LoadTailSlot { before, p: q + 1 });
                }
                if q + self.setup.slots != p {
                    return Err("a hint that was verified is beyond the tail");
                }
                match before {
                    None => go(Load { before: p, h: 0 }),
                    Some(before) if before == p => self.finished(),
                    Some(_) => Ok(Next::Return(Value::Short)),
                }
            }
            Load { before, h } => match self.world.memory.records[usize::from(h)].word {
                Word::Pend(_, p) => go(LoadSlot { before, h, p }),
                Word::Retry(_) if self.setup.is(Mutant::JoinOverlooksRetry) => {
                    self.look_on(before, h)
                }
                Word::Loan(..) | Word::Retry(_) => Ok(Next::Return(Value::Short)),
                _ => self.look_on(before, h),
            },
            LoadSlot { before, h, p } => {
                let named = Slot {
                    position: p,
                    descriptor: Some(h),
                };
                if *self.slot(p) == named {
                    return Ok(Next::Return(Value::Short));
                }
                self.look_on(before, h)
            }
            Draining | DroppingTheRest | GuessingTail { .. } => {
                unreachable!("{step:?} waits for a value")
            }
        }
    }

    pub(crate) fn join_resumed(&mut self, step: Join, value: Value) -> Step {
        match (step, value) {
            (Join::Draining, _) => Ok(Next::Return(Value::Done)),
            (Join::DroppingTheRest, _) => find_tail(None),
            (Join::GuessingTail { before }, Value::At(p)) => go(Join::LoadTailSlot { before, p }),
            _ => unreachable!("{step:?} does not wait for {value:?}"),
        }
    }

    fn drop_the_rest(&mut self, caller: Join) -> Step {
        let before = State::Closed;
        Ok(Next::Call(
            Frame::Join(caller),
            Frame::Get(Get::LoadRetry { before }),
        ))
    }

    fn look_on(&mut self, before: Position, h: Index) -> Step {
        if h + 1 < self.setup.descriptors {
            return go(Join::Load { before, h: h + 1 });
        }
        if self.setup.is(Mutant::JoinReadsTheTailOnce) {
            return self.finished();
        }
        find_tail(Some(before))
    }

    fn finished(&mut self) -> Step {
        self.promise_finished()?;
        Ok(Next::Return(Value::Done))
    }
}

/// The tail, as of some moment; for the second time, if it was read `before`.
fn find_tail(before: Option<Position>) -> Step {
    Ok(Next::Call(
        Frame::Join(Join::GuessingTail { before }),
        GUESS_TAIL,
    ))
}

fn go(step: Join) -> Step {
    Ok(Next::Go(Frame::Join(step)))
}
