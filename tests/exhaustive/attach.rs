//! Places: attaching, leaving, and looking for the dead. The lock of a place's byte lives exactly as long as its holder.

use super::frames::{Actor, Frame, Next, Step, Value};
use super::mutants::Mutant;
use super::words::*;

/// `look_for_a_place`, `look_for_the_dead`, `detach` and `leave`.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum Place {
    LookLoad {
        place: Index,
    },
    LookLock {
        place: Index,
        seen: Entry,
    },
    /// Under the lock it can only be its last holder's word.
    LookLoadAgain {
        place: Index,
        seen: Entry,
    },
    Looking {
        place: Index,
        incarnation: u8,
    },
    Leave {
        place: Index,
        incarnation: u8,
    },
    Unlock {
        place: Index,
    },
    /// Only a mutant ends like this.
    UnlockFirst {
        place: Index,
        incarnation: u8,
    },
    LeaveLast {
        place: Index,
        incarnation: u8,
    },
    AttachLock {
        place: Index,
    },
    AttachLoad {
        place: Index,
    },
    Attaching {
        place: Index,
        incarnation: u8,
    },
    Enter {
        place: Index,
        incarnation: u8,
    },
    Detaching {
        me: Owner,
    },
    DetachLeave {
        me: Owner,
    },
    DetachUnlock {
        place: Index,
    },
}

impl Place {
    pub(crate) fn ends_a_look(self) -> bool {
        use Place::*;
        matches!(
            self,
            LookLoad { .. } | LookLock { .. } | Unlock { .. } | LeaveLast { .. }
        )
    }
}

impl Actor<'_> {
    /// A process that detaches recovers itself.
    pub(crate) fn begin_detach(&mut self) -> Frame {
        let me = self.me();
        self.process().me = None;
        self.thread()
            .stack
            .push(Frame::Place(Place::Detaching { me }));
        self.begin_recover(me)
    }

    pub(crate) fn place(&mut self, step: Place) -> Step {
        use Place::*;
        match step {
            LookLoad { place } => {
                let seen = *self.entry(place);
                if !seen.attached {
                    return Ok(Next::Return(Value::Done));
                }
                go(LookLock { place, seen })
            }
            LookLock { place, seen } => {
                if !self.try_lock(place) && !self.setup.is(Mutant::RecoveryWithoutLock) {
                    return Ok(Next::Return(Value::Done));
                }
                go(LookLoadAgain { place, seen })
            }
            LookLoadAgain { place, seen } => {
                let seen = match self.setup.is(Mutant::EntryTrustedBeforeLock) {
                    true => seen,
                    false => *self.entry(place),
                };
                if !seen.attached {
                    return go(Unlock { place });
                }
                let incarnation = seen.incarnation;
                let gone = Owner { place, incarnation };
                if self.setup.is(Mutant::LeftBeforeRecovery) {
                    self.leave(gone);
                }
                Ok(Next::Call(
                    Frame::Place(Looking { place, incarnation }),
                    self.begin_recover(gone),
                ))
            }
            Leave { place, incarnation } => {
                self.leave(Owner { place, incarnation });
                go(Unlock { place })
            }
            Unlock { place } => {
                self.unlock(place);
                Ok(Next::Return(Value::Done))
            }
            UnlockFirst { place, incarnation } => {
                self.unlock(place);
                go(LeaveLast { place, incarnation })
            }
            LeaveLast { place, incarnation } => {
                self.leave(Owner { place, incarnation });
                Ok(Next::Return(Value::Done))
            }
            AttachLock { place } => {
                let locked = self.try_lock(place);
                assert!(locked, "only a place that nobody has locked is tried");
                go(AttachLoad { place })
            }
            AttachLoad { place } => {
                let Entry {
                    incarnation,
                    attached,
                } = *self.entry(place);
                if !attached || self.setup.is(Mutant::DeadPlaceTakenAsItIs) {
                    return go(Enter { place, incarnation });
                }
                Ok(Next::Call(
                    Frame::Place(Attaching { place, incarnation }),
                    self.begin_recover(Owner { place, incarnation }),
                ))
            }
            Enter { place, incarnation } => {
                *self.entry(place) = Entry {
                    incarnation,
                    attached: true,
                };
                self.process().me = Some(Owner { place, incarnation });
                Ok(Next::Return(Value::Done))
            }
            DetachLeave { me } => {
                self.leave(me);
                go(DetachUnlock { place: me.place })
            }
            DetachUnlock { place } => {
                self.unlock(place);
                Ok(Next::Return(Value::Done))
            }
            Looking { .. } | Attaching { .. } | Detaching { .. } => {
                unreachable!("{step:?} waits for a value")
            }
        }
    }

    pub(crate) fn place_resumed(&mut self, step: Place) -> Step {
        use Place::*;
        go(match step {
            Looking { place, .. } if self.setup.is(Mutant::LeftBeforeRecovery) => Unlock { place },
            Looking { place, incarnation } if self.setup.is(Mutant::UnlockedBeforeLeaving) => {
                UnlockFirst { place, incarnation }
            }
            Looking { place, incarnation } => Leave { place, incarnation },
            Attaching { place, incarnation } => Enter {
                place,
                incarnation: incarnation + 1,
            },
            Detaching { me } => DetachLeave { me },
            _ => unreachable!("{step:?} calls nothing"),
        })
    }

    /// The place is free for the next incarnation.
    fn leave(&mut self, owner: Owner) {
        let incarnation = owner.incarnation + 1;
        *self.entry(owner.place) = Entry {
            incarnation,
            attached: false,
        };
    }

    fn entry(&mut self, place: Index) -> &mut Entry {
        &mut self.world.memory.entries[usize::from(place)]
    }

    fn try_lock(&mut self, place: Index) -> bool {
        let process = self.process_number();
        let lock = &mut self.world.memory.locks[usize::from(place)];
        let free = lock.is_none();
        if free {
            *lock = Some(process);
        }
        free
    }

    fn unlock(&mut self, place: Index) {
        self.world.memory.locks[usize::from(place)] = None;
    }
}

fn go(step: Place) -> Step {
    Ok(Next::Go(Frame::Place(step)))
}
