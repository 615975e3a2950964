//! The quarantine: items that were set aside are read there, offered again, or discarded.

use super::frames::{Actor, Frame, Next, Step, Value};
use super::setup::Op;
use super::used::Used;
use super::words::*;

/// `quarantine`, `take_set_aside`, `claim_set_aside`, `requeue` and `discard`.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum Aside {
    Find {
        h: Index,
    },
    /// QUAR → LOAN, or → RECL to discard it.
    Take {
        h: Index,
        p: Position,
    },
    /// Its deliveries are counted anew.
    Recount {
        h: Index,
        p: Position,
    },
}

impl Actor<'_> {
    pub(crate) fn aside(&mut self, step: Aside) -> Step {
        let me = self.me();
        let next = match step {
            Aside::Find { h } => match self.world.memory.records[usize::from(h)].word {
                Word::Quar(p) => Aside::Take { h, p },
                _ if h + 1 < self.setup.descriptors => Aside::Find { h: h + 1 },
                _ => return Ok(Next::Return(Value::Done)),
            },
            Aside::Take { h, p } => {
                let op = self.world.op(self.setup, self.thread);
                let to = match op {
                    Some(Op::Discard) => Word::Recl(me),
                    _ => Word::Loan(me, p),
                };
                if !self.cas(h, Word::Quar(p), to) {
                    return Ok(Next::Return(Value::Done));
                }
                match op {
                    Some(Op::Discard) => {
                        self.promise_dropped(h);
                        return Ok(Next::Go(self.begin_free(h, me)));
                    }
                    Some(Op::Requeue) => {
                        self.promise_taken_aside(h);
                        Aside::Recount { h, p }
                    }
                    _ => {
                        self.promise_taken_aside(h);
                        return Ok(self.begin_use(h, p));
                    }
                }
            }
            Aside::Recount { h, p } => {
                self.record(h).item.deliveries = 0;
                return Ok(Next::Go(Frame::Used(Used::Offer { h, p })));
            }
        };
        Ok(Next::Go(Frame::Aside(next)))
    }
}
