//! put: find room, own a descriptor, fill it, commit it.

use super::frames::{Actor, Frame, Next, Step, Value};
use super::hints::GUESS_TAIL;
use super::mutants::Mutant;
use super::room::Room;
use super::setup::Op;
use super::words::*;

/// A descriptor that is being filled: where it will probably go, and the slot word that was seen there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Filling {
    pub(crate) h: Index,
    pub(crate) p: Position,
    pub(crate) w: Slot,
}

/// `reserve`, `own`, `commit`, `committed`, `retract` and `abandon`.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum Put {
    LoadState,
    Guessing,
    Looking,
    Own {
        p: Position,
        w: Slot,
        tried: u8,
    },
    Refitting(Filling),
    Truncating(Filling),
    WriteChunk(Filling, Index),
    /// The item word and the inline payload; nobody looks at them before D = PEND.
    Fill(Filling),
    /// I4: after the descriptor is owned.
    LoadSlotAgain(Filling),
    Offer(Filling),
    Commit(Filling),
    /// Somebody else has filled the position: PEND that no slot names becomes OWN again.
    TakeBack(Filling),
    GuessingAgain(Filling),
    LookingAgain {
        h: Index,
    },
    StoreHint {
        h: Index,
        p: Position,
    },
    LoadStateAgain {
        h: Index,
        p: Position,
    },
    Retract {
        h: Index,
        p: Position,
    },
    Retracting,
    Abandon {
        h: Index,
    },
    /// RECL → FREE, with the extent.
    Settle {
        h: Index,
    },
    /// RECL → FREE, without.
    Abandoning,
}

impl Actor<'_> {
    pub(crate) fn begin_put(&mut self) -> Frame {
        if self.setup.is_shut_down() {
            return Frame::Put(Put::LoadState);
        }
        self.thread().stack.push(Frame::Put(Put::Guessing));
        GUESS_TAIL
    }

    pub(crate) fn put(&mut self, step: Put) -> Step {
        use Put::*;
        match step {
            LoadState => match self.world.memory.state {
                State::Open => Ok(Next::Call(Frame::Put(Guessing), GUESS_TAIL)),
                _ => Ok(Next::Return(Value::Closed)),
            },
            Own { p, w, tried } => self.own(p, w, tried),
            WriteChunk(f, i) => {
                self.promise_mine(f.h, Word::Own(self.me()))?;
                let c = self.record(f.h).extent.start + i;
                self.promise_chunk(f.h, c)?;
                self.chunk(c).payload = self.filling();
                go(self.fill_from(f, i + 1))
            }
            Fill(f) => {
                self.promise_mine(f.h, Word::Own(self.me()))?;
                self.record(f.h).item = Item {
                    payload: self.filling(),
                    chunks: self.needs().1,
                    deliveries: 0,
                };
                if self.setup.is(Mutant::CommitFromAnOldLook) {
                    return go(Offer(f));
                }
                go(LoadSlotAgain(f))
            }
            LoadSlotAgain(f) => {
                if *self.slot(f.p) == f.w {
                    return go(Offer(f));
                }
                Ok(Next::Call(Frame::Put(GuessingAgain(f)), GUESS_TAIL))
            }
            Offer(f) => {
                self.record(f.h).word = Word::Pend(self.me(), f.p);
                go(Commit(f))
            }
            Commit(f) => self.commit(f),
            StoreHint { h, p } => {
                self.world.memory.tail_hint = p + 1;
                let looks = self.setup.is_shut_down() && !self.setup.is(Mutant::ShutdownUnchecked);
                if looks {
                    return go(LoadStateAgain { h, p });
                }
                Ok(Next::Return(Value::Done))
            }
            LoadStateAgain { h, p } => match self.world.memory.state {
                State::Open => Ok(Next::Return(Value::Done)),
                _ => go(Retract { h, p }),
            },
            Retract { h, p } => self.retract(h, p),
            TakeBack(f) => {
                self.record(f.h).word = Word::Own(self.me());
                Ok(Next::Call(Frame::Put(GuessingAgain(f)), GUESS_TAIL))
            }
            Abandon { h } => {
                let me = self.me();
                if !self.cas(h, Word::Own(me), Word::Recl(me)) {
                    return Ok(Next::Return(Value::Short));
                }
                if self.keeps(h) {
                    return go(Settle { h });
                }
                Ok(Next::Call(Frame::Put(Abandoning), self.begin_free(h, me)))
            }
            Settle { h } => {
                self.set_free(h, Word::Recl(self.me()));
                Ok(Next::Return(Value::Short))
            }
            _ => unreachable!("{step:?} waits for a value"),
        }
    }

    pub(crate) fn put_resumed(&mut self, step: Put, value: Value) -> Step {
        use Put::*;
        match (step, value) {
            (Guessing, Value::At(p)) => Ok(Next::Call(
                Frame::Put(Looking),
                Frame::Room(Room::LoadSlot { p }),
            )),
            (Looking, Value::Room(p, w)) => go(Own { p, w, tried: 0 }),
            (Looking, Value::Short) => Ok(Next::Return(Value::Short)),
            (Refitting(f), Value::Done) => self.truncate(f),
            (Refitting(f), Value::Short) => go(Abandon { h: f.h }),
            (Truncating(f), Value::Done) => go(self.fill_from(f, 0)),
            (GuessingAgain(f), Value::At(guess)) => Ok(Next::Call(
                Frame::Put(LookingAgain { h: f.h }),
                Frame::Room(Room::LoadSlot { p: guess.max(f.p) }),
            )),
            (LookingAgain { h }, Value::Room(p, w)) => go(LoadSlotAgain(Filling { h, p, w })),
            (LookingAgain { h }, Value::Short) => go(Abandon { h }),
            (Retracting, Value::Done) => Ok(Next::Return(Value::Closed)),
            (Abandoning, Value::Done) => Ok(Next::Return(Value::Short)),
            _ => unreachable!("{step:?} does not wait for {value:?}"),
        }
    }

    /// The home descriptor, the spill descriptors, then any.
    fn own(&mut self, p: Position, w: Slot, tried: u8) -> Step {
        let (slots, all) = (self.setup.slots, self.setup.descriptors);
        let h = match tried {
            0 => self.setup.slot_of(p) as Index,
            _ if tried <= all - slots => slots + tried - 1,
            _ => tried - 1 - (all - slots),
        };
        if !self.cas(h, Word::Free, Word::Own(self.me())) {
            return match tried {
                0 if self.setup.is(Mutant::WaitsForItsHome) => go(Put::Own { p, w, tried }),
                _ if tried == all => Ok(Next::Return(Value::Short)),
                _ => {
                    let tried = tried + 1;
                    go(Put::Own { p, w, tried })
                }
            };
        }
        let f = Filling { h, p, w };
        match self.begin_refit(h, self.needs().0) {
            Some(refit) => Ok(Next::Call(Frame::Put(Put::Refitting(f)), refit)),
            None => self.truncate(f),
        }
    }

    /// A loan that is cut before its commit gives back what it will not use.
    fn truncate(&mut self, f: Filling) -> Step {
        let (chunks, cut) = self.needs();
        match self.begin_trim(f.h, cut) {
            Some(trim) if cut < chunks => Ok(Next::Call(Frame::Put(Put::Truncating(f)), trim)),
            _ => go(self.fill_from(f, 0)),
        }
    }

    /// Chunk by chunk; the item word last.
    fn fill_from(&self, f: Filling, i: Index) -> Put {
        if i < self.needs().1 {
            Put::WriteChunk(f, i)
        } else {
            Put::Fill(f)
        }
    }

    fn commit(&mut self, f: Filling) -> Step {
        let Filling { h, p, w } = f;
        if *self.slot(p) != w {
            if self.setup.is(Mutant::PendingWhenFull) {
                return Ok(Next::Call(Frame::Put(Put::GuessingAgain(f)), GUESS_TAIL));
            }
            return go(Put::TakeBack(f));
        }
        self.promise_commit(h, p, w)?;
        *self.slot(p) = Slot {
            position: p,
            descriptor: Some(h),
        };
        self.process().tail = p + 1;
        go(Put::StoreHint { h, p })
    }

    fn retract(&mut self, h: Index, p: Position) -> Step {
        let me = self.me();
        let payload = self.record(h).item.payload;
        if self.setup.is(Mutant::RetractWithoutCas) {
            self.record(h).word = Word::Recl(me);
        } else if !self.cas(h, Word::Pend(me, p), Word::Recl(me)) {
            return Ok(Next::Return(
                match self.setup.is(Mutant::RetractNeverFails) {
                    true => Value::Closed,
                    false => Value::Done,
                },
            ));
        }
        self.promise_retracted(payload);
        Ok(Next::Call(
            Frame::Put(Put::Retracting),
            self.begin_free(h, me),
        ))
    }

    /// How many chunks the payload needs: at first, and when it is committed.
    fn needs(&self) -> (u8, u8) {
        match self.world.op(self.setup, self.thread) {
            Some(Op::Put(chunks)) => (chunks, chunks),
            Some(Op::PutTruncated(chunks, cut)) => (chunks, cut),
            _ => (0, 0),
        }
    }

    /// The payload that the present operation puts.
    pub(crate) fn filling(&self) -> Payload {
        let process = usize::from(self.process_number());
        let life = self.world.processes[process].life;
        let op = self.world.threads[self.thread].op.into();
        self.setup.payload(self.thread, life, op)
    }
}

fn go(step: Put) -> Step {
    Ok(Next::Go(Frame::Put(step)))
}
