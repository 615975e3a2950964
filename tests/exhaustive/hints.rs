//! Hints: where to start looking for a free position, or for an item.

use super::frames::{Actor, Frame, Next, Step, Value};
use super::mutants::Mutant;
use super::words::*;

/// `tail_guess`, `adopt_tail`, `verified_tail` and `restart_tail`.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum GuessTail {
    LoadHint,
    LoadHintAgain,
    LoadSlot { hint: Position },
    Restart { slot: Index, largest: Position },
    StoreHint { p: Position },
}

/// `head_guess`, `adopt_head`, `verified_head` and `restart_head`.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum GuessHead {
    LoadHint,
    LoadHintAgain,
    LoadSlot { hint: Position },
    LoadDescriptor { hint: Position, h: Index },
    Restart { slot: Index, largest: Position },
    StoreHint { c: Position },
}

pub(crate) const GUESS_TAIL: Frame = Frame::GuessTail(GuessTail::LoadHint);
pub(crate) const GUESS_HEAD: Frame = Frame::GuessHead(GuessHead::LoadHint);
pub(crate) const RESTART_TAIL: Frame = Frame::GuessTail(GuessTail::Restart {
    slot: 0,
    largest: 0,
});
pub(crate) const RESTART_HEAD: Frame = Frame::GuessHead(GuessHead::Restart {
    slot: 0,
    largest: 0,
});

impl Actor<'_> {
    pub(crate) fn guess_tail(&mut self, step: GuessTail) -> Step {
        use GuessTail::*;
        let next = match step {
            LoadHint => {
                let own = self.process().tail;
                if self.world.memory.tail_hint <= own {
                    return Ok(Next::Return(Value::At(own)));
                }
                LoadHintAgain
            }
            LoadHintAgain => {
                let hint = self.world.memory.tail_hint;
                if self.setup.is(Mutant::TailHintTrusted) {
                    return self.tail_is(hint);
                }
                LoadSlot { hint }
            }
            LoadSlot { hint } => {
                let last = hint - 1;
                if self.slot(last).position >= last {
                    return self.tail_is(hint);
                }
                Restart {
                    slot: 0,
                    largest: 0,
                }
            }
            Restart { slot, largest } => {
                let largest = largest.max(self.slot(slot).position);
                if slot + 1 < self.setup.slots {
                    let slot = slot + 1;
                    Restart { slot, largest }
                } else {
                    StoreHint { p: largest + 1 }
                }
            }
            StoreHint { p } => {
                self.world.memory.tail_hint = p;
                return self.tail_is(p);
            }
        };
        Ok(Next::Go(Frame::GuessTail(next)))
    }

    fn tail_is(&mut self, p: Position) -> Step {
        self.process().tail = p;
        Ok(Next::Return(Value::At(p)))
    }

    pub(crate) fn guess_head(&mut self, step: GuessHead) -> Step {
        use GuessHead::*;
        let next = match step {
            LoadHint => {
                let own = self.process().head;
                if self.world.memory.head_hint <= own {
                    return Ok(Next::Return(Value::At(own)));
                }
                LoadHintAgain
            }
            LoadHintAgain => {
                let hint = self.world.memory.head_hint;
                if self.setup.is(Mutant::HeadHintTrusted) {
                    return self.head_is(hint);
                }
                LoadSlot { hint }
            }
            LoadSlot { hint } => {
                let last = hint - 1;
                let w = *self.slot(last);
                match w.descriptor {
                    Some(h) if w.position == last => LoadDescriptor { hint, h },
                    _ if w.position >= last => return self.head_is(hint),
                    _ => Restart {
                        slot: 0,
                        largest: 0,
                    },
                }
            }
            LoadDescriptor { hint, h } => {
                if !self.record(h).word.is_pending(hint - 1) {
                    return self.head_is(hint);
                }
                Restart {
                    slot: 0,
                    largest: 0,
                }
            }
            Restart { slot, largest } => {
                let largest = largest.max(self.slot(slot).position);
                if slot + 1 < self.setup.slots {
                    let slot = slot + 1;
                    Restart { slot, largest }
                } else {
                    let c = largest + 1 - self.setup.slots;
                    StoreHint { c }
                }
            }
            StoreHint { c } => {
                self.world.memory.head_hint = c;
                return self.head_is(c);
            }
        };
        Ok(Next::Go(Frame::GuessHead(next)))
    }

    fn head_is(&mut self, c: Position) -> Step {
        self.process().head = c;
        Ok(Next::Return(Value::At(c)))
    }
}
