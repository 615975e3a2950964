//! Recovery: what a participant that is gone has left is finished in its name.

use super::frames::{Actor, Frame, Next, Step, Value};
use super::mutants::Mutant;
use super::words::*;

/// How far a recovery has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Recovery {
    pub(crate) gone: Owner,
    pub(crate) h: Index,
    pub(crate) any_retry: bool,
}

/// `recover`, `free_for`, `offer_again` and `flag_retry`.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum Recover {
    Load(Recovery),
    /// Is it committed?
    LoadSlot(Recovery, Word),
    /// Is the queue closed?
    LoadState(Recovery, Word),
    /// → RECL, in the name of the one that is gone.
    Take(Recovery, Word),
    Freeing(Recovery),
    /// LOAN → RETRY or QUAR.
    OfferAgain(Recovery, Word),
    FlagRetry,
}

impl Actor<'_> {
    pub(crate) fn begin_recover(&self, gone: Owner) -> Frame {
        Frame::Recover(Recover::Load(Recovery {
            gone,
            h: 0,
            any_retry: false,
        }))
    }

    pub(crate) fn recover(&mut self, step: Recover) -> Step {
        use Recover::*;
        match step {
            Load(mut recovery) => {
                let d = self.record(recovery.h).word;
                if matches!(d, Word::Retry(_)) && !self.setup.is(Mutant::FlagOnlyForOwnRetries) {
                    recovery.any_retry = true;
                }
                if d.owner() != Some(recovery.gone) {
                    return self.recovered(recovery);
                }
                match d {
                    Word::Pend(..) if !self.setup.is(Mutant::RecoveryFreesCommitted) => {
                        go(LoadSlot(recovery, d))
                    }
                    Word::Loan(..) if self.setup.is_shut_down() => go(LoadState(recovery, d)),
                    Word::Loan(..) => go(OfferAgain(recovery, d)),
                    Word::Held(..) if self.setup.is(Mutant::HeldIsOfferedAgain) => {
                        go(OfferAgain(recovery, d))
                    }
                    _ => go(Take(recovery, d)),
                }
            }
            LoadSlot(recovery, d) => {
                if self.world.is_queued(self.setup, recovery.h) {
                    return self.recovered(recovery);
                }
                go(Take(recovery, d))
            }
            LoadState(recovery, d) => go(match self.world.memory.state {
                State::Closed => Take(recovery, d),
                _ => OfferAgain(recovery, d),
            }),
            Take(recovery, d) => {
                let Recovery { gone, h, .. } = recovery;
                if self.setup.is(Mutant::RecoveryTakesWithoutCas) {
                    self.record(h).word = Word::Recl(gone);
                } else if !self.cas(h, d, Word::Recl(gone)) {
                    return self.recovered(recovery);
                }
                if let Word::Loan(..) = d {
                    self.promise_dropped(h);
                }
                let free = self.begin_free(h, gone);
                Ok(Next::Call(Frame::Recover(Freeing(recovery)), free))
            }
            OfferAgain(mut recovery, d) => {
                self.offer_again(&mut recovery, d)?;
                self.recovered(recovery)
            }
            FlagRetry => {
                self.flag_retry();
                Ok(Next::Return(Value::Done))
            }
            Freeing(_) => unreachable!("{step:?} waits for a value"),
        }
    }

    pub(crate) fn recover_resumed(&mut self, step: Recover) -> Step {
        match step {
            Recover::Freeing(recovery) => self.recovered(recovery),
            _ => unreachable!("{step:?} calls nothing"),
        }
    }

    fn offer_again(&mut self, recovery: &mut Recovery, d: Word) -> Result<(), &'static str> {
        let h = recovery.h;
        let (Word::Loan(_, p) | Word::Held(_, p)) = d else {
            unreachable!("{d:?} is not offered again")
        };
        let again = self.record(h).item.deliveries < self.setup.max_deliveries;
        let to = if again { Word::Retry(p) } else { Word::Quar(p) };
        if self.cas(h, d, to) {
            if again {
                recovery.any_retry = true;
                self.promise_again(h)?;
            } else {
                self.promise_aside(h)?;
            }
        }
        Ok(())
    }

    /// One descriptor is done.
    fn recovered(&mut self, recovery: Recovery) -> Step {
        let h = recovery.h + 1;
        if h < self.setup.descriptors {
            return go(Recover::Load(Recovery { h, ..recovery }));
        }
        if recovery.any_retry {
            return go(Recover::FlagRetry);
        }
        Ok(Next::Return(Value::Done))
    }
}

fn go(step: Recover) -> Step {
    Ok(Next::Go(Frame::Recover(step)))
}
