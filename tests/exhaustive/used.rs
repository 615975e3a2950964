//! An item in a consumer's hand: read, held, acknowledged, refused or set aside.

use super::frames::{Actor, Frame, Next, Step, Value};
use super::hints::GUESS_TAIL;
use super::mutants::Mutant;
use super::put::{Filling, Put};
use super::setup::{Op, Then};
use super::words::*;

/// The payload, and the end of its use: `hold`, `release`, `refuse`, `offer`, `set_aside` and `flag_retry`.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum Used {
    ReadChunk {
        h: Index,
        p: Position,
        i: Index,
    },
    Hold {
        h: Index,
        p: Position,
    },
    /// Consumed memory is the consumer's alone.
    OverwriteChunk {
        h: Index,
        p: Position,
        i: Index,
    },
    /// LOAN or HELD → FREE, or → RECL when the extent is given back.
    Release {
        h: Index,
        from: Word,
    },
    /// Is the queue closed? Then a refused item is dropped.
    LoadState {
        h: Index,
        p: Position,
    },
    Offer {
        h: Index,
        p: Position,
    },
    FlagRetry,
    /// Only a mutant says so before.
    FlagRetryFirst {
        h: Index,
        p: Position,
    },
    SetAside {
        h: Index,
        p: Position,
    },
    /// Only a mutant takes the item out to put it at the tail.
    TakeOut {
        h: Index,
        p: Position,
    },
}

/// What an item's bytes become once they are overwritten.
const OVERWRITTEN: Payload = Payload::MAX;

impl Actor<'_> {
    pub(crate) fn used(&mut self, step: Used) -> Step {
        use Used::*;
        match step {
            ReadChunk { h, p, i } => {
                self.promise_mine(h, Word::Loan(self.me(), p))?;
                let record = *self.record(h);
                let c = record.extent.start + i;
                self.promise_chunk(h, c)?;
                if self.chunk(c).payload != record.item.payload {
                    return Err("a payload was torn");
                }
                if i + 1 < record.item.chunks {
                    let i = i + 1;
                    return go(ReadChunk { h, p, i });
                }
                Ok(self.begin_end(h, p))
            }
            Hold { h, p } => {
                let me = self.me();
                if !self.cas(h, Word::Loan(me, p), Word::Held(me, p)) {
                    return Err("an item was taken out of its consumer's hands");
                }
                self.promise_acknowledged(h)?;
                let from = Word::Held(me, p);
                go(match self.record(h).item.chunks {
                    0 => Release { h, from },
                    _ => OverwriteChunk { h, p, i: 0 },
                })
            }
            OverwriteChunk { h, p, i } => {
                let from = Word::Held(self.me(), p);
                self.promise_mine(h, from)?;
                let record = *self.record(h);
                let c = record.extent.start + i;
                self.promise_chunk(h, c)?;
                self.chunk(c).payload = OVERWRITTEN;
                go(if i + 1 < record.item.chunks {
                    let i = i + 1;
                    OverwriteChunk { h, p, i }
                } else {
                    Release { h, from }
                })
            }
            Release { h, from } => self.release(h, from),
            LoadState { h, p } => match self.world.memory.state {
                State::Closed => go(Release {
                    h,
                    from: Word::Loan(self.me(), p),
                }),
                _ => go(self.offer_or_set_aside(h, p)),
            },
            Offer { h, p } => {
                self.remember_the_refusal(h, p);
                if !self.cas(h, Word::Loan(self.me(), p), Word::Retry(p)) {
                    return Err("an item was taken out of its consumer's hands");
                }
                self.promise_again(h)?;
                if self.setup.is(Mutant::FlagBeforeRetry) {
                    return Ok(Next::Return(Value::Done));
                }
                go(FlagRetry)
            }
            FlagRetry => {
                self.flag_retry();
                Ok(Next::Return(Value::Done))
            }
            FlagRetryFirst { h, p } => {
                self.flag_retry();
                go(Offer { h, p })
            }
            SetAside { h, p } => {
                if !self.cas(h, Word::Loan(self.me(), p), Word::Quar(p)) {
                    return Err("an item was taken out of its consumer's hands");
                }
                self.promise_aside(h)?;
                Ok(Next::Return(Value::Done))
            }
            TakeOut { h, p } => {
                let me = self.me();
                self.cas(h, Word::Loan(me, p), Word::Own(me));
                let w = Slot::default();
                let put = Put::GuessingAgain(Filling { h, p: 0, w });
                Ok(Next::Call(Frame::Put(put), GUESS_TAIL))
            }
        }
    }

    /// What this consumer does with an item that it has read.
    pub(crate) fn begin_end(&mut self, h: Index, p: Position) -> Next {
        let loan = Word::Loan(self.me(), p);
        let used = match self.then(h) {
            Then::Keep => return Next::Return(Value::Done),
            Then::Hold => Used::Hold { h, p },
            Then::Quarantine => Used::SetAside { h, p },
            Then::Refuse if self.setup.is(Mutant::RefusedToTheTail) => Used::TakeOut { h, p },
            Then::Refuse if self.setup.is_shut_down() => Used::LoadState { h, p },
            Then::Refuse => self.offer_or_set_aside(h, p),
            Then::Acknowledge | Then::RefuseOnce => Used::Release { h, from: loan },
        };
        Next::Go(Frame::Used(used))
    }

    /// The call that frees an item that was only claimed.
    pub(crate) fn begin_release(&mut self, h: Index, p: Position) -> Frame {
        let from = Word::Loan(self.me(), p);
        Frame::Used(Used::Release { h, from })
    }

    fn offer_or_set_aside(&mut self, h: Index, p: Position) -> Used {
        if self.record(h).item.deliveries >= self.setup.max_deliveries {
            Used::SetAside { h, p }
        } else if self.setup.is(Mutant::FlagBeforeRetry) {
            Used::FlagRetryFirst { h, p }
        } else {
            Used::Offer { h, p }
        }
    }

    fn release(&mut self, h: Index, from: Word) -> Step {
        let me = self.me();
        if self.record(h).word != from {
            return Err("an item was taken out of its consumer's hands");
        }
        if let Word::Loan(..) = from {
            self.promise_acknowledged(h)?;
        }
        if self.keeps(h) {
            self.set_free(h, from);
            return Ok(Next::Return(Value::Done));
        }
        self.cas(h, from, Word::Recl(me));
        let free = self.begin_free(h, me);
        Ok(Next::Go(free))
    }

    /// A refusal, and not a return from the quarantine: this process takes other items first.
    fn remember_the_refusal(&mut self, h: Index, p: Position) {
        if let Some(Op::Get(_) | Op::GetUntilClosed(_)) = self.world.op(self.setup, self.thread) {
            let payload = self.record(h).item.payload;
            let process = self.process();
            process.refused = Some(p + 1);
            process.refused_payload = payload;
        }
    }

    pub(crate) fn flag_retry(&mut self) {
        let flag = &mut self.world.memory.retry;
        *flag = (*flag | 1) + 2;
    }
}

fn go(step: Used) -> Step {
    Ok(Next::Go(Frame::Used(step)))
}
