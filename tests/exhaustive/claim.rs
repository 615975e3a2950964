//! get: find the next item and claim it.

use super::frames::{Actor, Frame, Next, Step, Value};
use super::hints::{GUESS_HEAD, RESTART_HEAD};
use super::mutants::Mutant;
use super::setup::{Op, Then};
use super::used::Used;
use super::words::*;

/// What a get knows while it looks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Look {
    /// The queue's state before.
    pub(crate) before: State,
    /// The retry flag before; 0: it looks at the ring alone.
    pub(crate) retry: u8,
    /// The position after the one that this process has refused: the ring comes first, and RETRY items from there on.
    pub(crate) refused: Option<Position>,
}

/// `claim`, `claim_again`, `claim_next`, `take_up`, `drain` and `nothing`.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum Get {
    LoadState,
    LoadRetry {
        before: State,
    },
    Scan {
        look: Look,
        h: Index,
        best: Option<(Index, Position)>,
    },
    ClearFlag {
        look: Look,
    },
    ClaimAgain {
        look: Look,
        h: Index,
        p: Position,
    },
    GuessingHead {
        look: Look,
    },
    LoadSlot {
        look: Look,
        c: Position,
    },
    LoadDescriptor {
        look: Look,
        c: Position,
        h: Index,
    },
    Claim {
        look: Look,
        c: Position,
        h: Index,
        seen: Word,
    },
    StoreHint {
        before: State,
        c: Position,
        h: Index,
    },
    TakeUp {
        before: State,
        h: Index,
        p: Position,
    },
    Dropping,
    Census {
        h: Index,
    },
    /// Only a mutant reads the state here.
    LoadStateAfter,
}

impl Actor<'_> {
    pub(crate) fn begin_get(&mut self) -> Frame {
        Frame::Get(if self.setup.is_shut_down() {
            Get::LoadState
        } else {
            Get::LoadRetry {
                before: State::Open,
            }
        })
    }

    pub(crate) fn get(&mut self, step: Get) -> Step {
        use Get::*;
        match step {
            LoadState => {
                let before = self.world.memory.state;
                self.begin_promise_to_wait_for_all();
                go(LoadRetry { before })
            }
            LoadRetry { before } => {
                self.begin_promise_to_take_the_refused_last();
                let retry = self.world.memory.retry;
                if retry & 1 == 0 {
                    return ring(Look {
                        before,
                        retry: 0,
                        refused: None,
                    });
                }
                let refused = match self.process().refused.take() {
                    Some(_) if self.setup.is(Mutant::RefusedFirst) => None,
                    refused => refused,
                };
                let look = Look {
                    before,
                    retry,
                    refused,
                };
                if refused.is_some() {
                    return ring(look);
                }
                go(first(look))
            }
            Scan { look, h, best } => self.scan(look, h, best),
            ClearFlag { look } => {
                let flag = &mut self.world.memory.retry;
                if *flag == look.retry || self.setup.is(Mutant::FlagClearedByStore) {
                    *flag = look.retry & !1;
                }
                ring(Look {
                    before: look.before,
                    retry: 0,
                    refused: None,
                })
            }
            ClaimAgain { look, h, p } => {
                if !self.cas(h, Word::Retry(p), Word::Loan(self.me(), p)) {
                    return go(first(look));
                }
                self.promise_delivery(h)?;
                let before = look.before;
                go(TakeUp { before, h, p })
            }
            LoadSlot { look, c } => {
                let w = *self.slot(c);
                let (q, slots) = (w.position, self.setup.slots);
                if q == c {
                    go(match w.descriptor {
                        Some(h) => LoadDescriptor { look, c, h },
                        None => LoadSlot { look, c: c + 1 },
                    })
                } else if q + slots == c {
                    self.promise_empty()?;
                    self.process().head = c;
                    self.empty(look)
                } else if q > c {
                    let c = q - slots + 1;
                    go(LoadSlot { look, c })
                } else {
                    Ok(Next::Call(Frame::Get(GuessingHead { look }), RESTART_HEAD))
                }
            }
            LoadDescriptor { look, c, h } => {
                let seen = self.record(h).word;
                if seen.is_pending(c) {
                    return go(Claim { look, c, h, seen });
                }
                let c = c + 1;
                go(LoadSlot { look, c })
            }
            Claim { look, c, h, seen } => {
                let loan = Word::Loan(self.me(), c);
                if self.setup.is(Mutant::ClaimWithoutCas) {
                    self.record(h).word = loan;
                } else if !self.cas(h, seen, loan) {
                    let c = c + 1;
                    return go(LoadSlot { look, c });
                }
                self.promise_order(c)?;
                self.promise_delivery(h)?;
                self.process().head = c + 1;
                let before = look.before;
                go(StoreHint { before, c, h })
            }
            StoreHint { before, c, h } => {
                self.world.memory.head_hint = c + 1;
                go(TakeUp { before, h, p: c })
            }
            TakeUp { before, h, p } => {
                self.promise_mine(h, Word::Loan(self.me(), p))?;
                let item = &mut self.record(h).item;
                item.deliveries += 1;
                if before == State::Closed {
                    return Ok(Next::Call(Frame::Get(Dropping), self.begin_release(h, p)));
                }
                Ok(self.begin_use(h, p))
            }
            Census { h } => {
                if matches!(self.record(h).word, Word::Loan(..) | Word::Retry(_)) {
                    return Ok(Next::Return(Value::Empty));
                }
                if h + 1 < self.setup.descriptors {
                    return go(Census { h: h + 1 });
                }
                Ok(Next::Return(Value::Closed))
            }
            LoadStateAfter => match self.world.memory.state {
                State::Open => Ok(Next::Return(Value::Empty)),
                _ => go(Census { h: 0 }),
            },
            GuessingHead { .. } | Dropping => unreachable!("{step:?} waits for a value"),
        }
    }

    pub(crate) fn get_resumed(&mut self, step: Get, value: Value) -> Step {
        match (step, value) {
            (Get::GuessingHead { look }, Value::At(c)) => go(Get::LoadSlot { look, c }),
            (Get::Dropping, Value::Done) => go(Get::LoadRetry {
                before: State::Closed,
            }),
            _ => unreachable!("{step:?} does not wait for {value:?}"),
        }
    }

    /// The RETRY item of the lowest position; after a refusal, of the next one round the circle.
    fn scan(&mut self, look: Look, h: Index, best: Option<(Index, Position)>) -> Step {
        let rank = |p: Position| p.wrapping_sub(look.refused.unwrap_or(0));
        let best = match (self.record(h).word, best) {
            (Word::Retry(p), None) => Some((h, p)),
            (Word::Retry(p), Some((_, least))) if rank(p) < rank(least) => Some((h, p)),
            _ => best,
        };
        if h + 1 < self.setup.descriptors {
            let h = h + 1;
            return go(Get::Scan { look, h, best });
        }
        go(match best {
            Some((h, p)) => Get::ClaimAgain { look, h, p },
            None => Get::ClearFlag { look },
        })
    }

    /// The ring is empty.
    fn empty(&mut self, look: Look) -> Step {
        if look.refused.is_some() {
            return go(first(look));
        }
        match look.before {
            State::Closed => Ok(Next::Return(Value::Closed)),
            _ if self.setup.is(Mutant::StateAfterLooking) => go(Get::LoadStateAfter),
            State::Open => Ok(Next::Return(Value::Empty)),
            State::Draining if self.setup.is(Mutant::ClosedWithLoans) => {
                Ok(Next::Return(Value::Closed))
            }
            State::Draining => go(Get::Census { h: 0 }),
        }
    }

    /// What this consumer does with the item of `h`.
    pub(crate) fn then(&mut self, h: Index) -> Then {
        let first_time = self.record(h).item.deliveries == 1;
        match self.world.op(self.setup, self.thread) {
            Some(Op::Get(then) | Op::GetUntilClosed(then)) => match then {
                Then::RefuseOnce if first_time => Then::Refuse,
                Then::RefuseOnce => Then::Acknowledge,
                then => then,
            },
            Some(Op::Inspect) => Then::Quarantine,
            _ => Then::Acknowledge,
        }
    }

    /// The first step with an item in hand: its payload is read, unless it is inline and came with the item word.
    pub(crate) fn begin_use(&mut self, h: Index, p: Position) -> Next {
        if self.record(h).item.chunks > 0 {
            return Next::Go(Frame::Used(Used::ReadChunk { h, p, i: 0 }));
        }
        self.begin_end(h, p)
    }
}

fn first(look: Look) -> Get {
    Get::Scan {
        look,
        h: 0,
        best: None,
    }
}

fn ring(look: Look) -> Step {
    Ok(Next::Call(
        Frame::Get(Get::GuessingHead { look }),
        GUESS_HEAD,
    ))
}

fn go(step: Get) -> Step {
    Ok(Next::Go(Frame::Get(step)))
}
