//! Is there room? The first free position and the slot word that a commit there must replace.

use super::frames::{Actor, Broken, Frame, Next, Step, Value};
use super::hints::{GUESS_HEAD, RESTART_TAIL};
use super::mutants::Mutant;
use super::words::*;

/// `room`, `consumed` and `below_capacity`.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum Room {
    LoadSlot {
        p: Position,
    },
    LoadDescriptor {
        p: Position,
        w: Slot,
        h: Index,
    },
    GuessingHead {
        p: Position,
        w: Slot,
    },
    LoadOldestSlot {
        p: Position,
        w: Slot,
    },
    LoadOldestDescriptor {
        p: Position,
        w: Slot,
        h: Index,
    },
    /// Where it looked is not where it should be: the hint was wrong.
    Restarting,
}

impl Actor<'_> {
    pub(crate) fn room(&mut self, step: Room) -> Step {
        use Room::*;
        match step {
            LoadSlot { p } => {
                let w = *self.slot(p);
                let q = w.position;
                if q >= p {
                    return go(LoadSlot { p: q + 1 });
                }
                if q + self.setup.slots != p {
                    return Ok(Next::Call(Frame::Room(Restarting), RESTART_TAIL));
                }
                match w.descriptor {
                    Some(h) if !self.setup.is(Mutant::ConsumedUnchecked) => {
                        go(LoadDescriptor { p, w, h })
                    }
                    _ => self.consumed(p, w),
                }
            }
            LoadDescriptor { p, w, h } => {
                if self.record(h).word.is_pending(w.position) {
                    return self.full();
                }
                self.consumed(p, w)
            }
            LoadOldestSlot { p, w } => {
                let oldest = p - self.setup.capacity;
                let there = *self.slot(oldest);
                match there.descriptor {
                    Some(h) if there.position == oldest => go(LoadOldestDescriptor { p, w, h }),
                    _ => found(p, w),
                }
            }
            LoadOldestDescriptor { p, w, h } => {
                if self.record(h).word.is_pending(p - self.setup.capacity) {
                    return self.full();
                }
                found(p, w)
            }
            GuessingHead { .. } | Restarting => unreachable!("{step:?} waits for a value"),
        }
    }

    /// The slot's last position is consumed; and the one that the capacity looks at?
    fn consumed(&mut self, p: Position, w: Slot) -> Step {
        if self.setup.capacity < self.setup.slots {
            return Ok(Next::Call(
                Frame::Room(Room::GuessingHead { p, w }),
                GUESS_HEAD,
            ));
        }
        found(p, w)
    }

    pub(crate) fn room_resumed(&mut self, step: Room, value: Value) -> Step {
        match (step, value) {
            (Room::GuessingHead { p, w }, Value::At(head)) => {
                if head > p - self.setup.capacity {
                    return found(p, w);
                }
                go(Room::LoadOldestSlot { p, w })
            }
            (Room::Restarting, Value::At(p)) => go(Room::LoadSlot { p }),
            _ => unreachable!("{step:?} does not wait for {value:?}"),
        }
    }

    fn full(&mut self) -> Step {
        self.promise_full()?;
        Ok(Next::Return(Value::Short))
    }
}

fn go(step: Room) -> Step {
    Ok(Next::Go(Frame::Room(step)))
}

fn found(p: Position, w: Slot) -> Result<Next, Broken> {
    Ok(Next::Return(Value::Room(p, w)))
}
