//! What the library promises, checked at the very step that would break it.

use super::frames::{Actor, Broken, Value};
use super::setup::{Script, Setup};
use super::words::*;
use super::world::World;

/// What has become of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum Fate {
    /// Not committed, and perhaps never.
    #[default]
    Unput,
    Queued,
    /// Delivered to a process that has not acknowledged it.
    With(u8),
    /// Its consumer has died or refused it: it may be delivered again.
    Again,
    Done,
    Quarantined,
    /// Taken back by its own put, which says that the queue is closed.
    Retracted,
}

const TAKEN: Broken = "an item was taken out of its consumer's hands";

impl World {
    /// What holds in every state.
    pub(crate) fn check(&self, setup: &Setup) -> Result<(), Broken> {
        let records = &self.memory.records;
        for h in setup.all_descriptors() {
            let Record { word, extent, .. } = records[usize::from(h)];
            let holds = |c: Index| self.memory.chunks[usize::from(c)].of == Some(h);
            if word == Word::Free && !extent.chunks().all(holds) {
                return Err("I6: the extent of a FREE descriptor is not exact");
            }
        }
        for (c, chunk) in self.memory.chunks.iter().enumerate() {
            if let Some(h) = chunk.of
                && !records[usize::from(h)]
                    .extent
                    .chunks()
                    .contains(&(c as Index))
            {
                return Err("I6: a chunk word lies outside the extent of its descriptor");
            }
        }
        if self.queued(setup) > setup.capacity {
            return Err("more items are queued than the capacity allows");
        }
        Ok(())
    }

    /// The payloads that were put and are not done with, a bit each.
    fn on_their_way(&self) -> u16 {
        let is_on_its_way = |fate| matches!(fate, Fate::Queued | Fate::With(_) | Fate::Again);
        let bits = self.fates.iter().enumerate();
        bits.map(|(payload, &fate)| u16::from(is_on_its_way(fate)) << payload)
            .sum()
    }

    fn queued(&self, setup: &Setup) -> u8 {
        let queued = |&h: &Index| self.is_queued(setup, h);
        setup.all_descriptors().filter(queued).count() as u8
    }

    /// What holds when everything is over: those who get until the queue is closed leave nothing behind whose put returned.
    /// (Only one who dies after the others have left may do so.)
    pub(crate) fn check_closed(&self, setup: &Setup) -> Result<(), Broken> {
        let mut getters = setup.until_closed().peekable();
        let lives = |script: &Script| self.processes[usize::from(script.process)].alive;
        let all_left = getters.peek().is_some() && getters.all(lives);
        if all_left && self.on_their_way() & self.returned != 0 {
            return Err("an item was stranded");
        }
        Ok(())
    }

    /// What holds when everything is over, the dead are recovered, and an auditor has taken all there was.
    pub(crate) fn check_end(&self, setup: &Setup) -> Result<(), Broken> {
        for fate in self.fates {
            let accounted = match fate {
                Fate::Queued | Fate::Again => false,
                Fate::With(p) => self.processes[usize::from(p)].alive,
                Fate::Unput | Fate::Done | Fate::Quarantined | Fate::Retracted => true,
            };
            if !accounted {
                return Err("an item was lost");
            }
        }
        let records = &self.memory.records[..usize::from(setup.descriptors)];
        for Record { word, extent, item } in records {
            let accounted = match word {
                Word::Free => extent.count <= setup.sticky,
                Word::Quar(_) => self.fates[usize::from(item.payload)] == Fate::Quarantined,
                Word::Loan(..) => {
                    matches!(self.fates[usize::from(item.payload)], Fate::With(_))
                }
                _ => false,
            };
            if !accounted {
                return Err("a descriptor was lost");
            }
        }
        Ok(())
    }
}

impl Actor<'_> {
    fn fate(&mut self, payload: Payload) -> &mut Fate {
        &mut self.world.fates[usize::from(payload)]
    }

    fn payload(&mut self, h: Index) -> Payload {
        self.record(h).item.payload
    }

    /// I7: only the participant that the word names touches what belongs to the descriptor.
    pub(crate) fn promise_mine(&mut self, h: Index, word: Word) -> Result<(), Broken> {
        if self.record(h).word != word {
            return Err("I7: memory is used that another one holds");
        }
        Ok(())
    }

    pub(crate) fn promise_chunk(&mut self, h: Index, c: Index) -> Result<(), Broken> {
        if c >= self.setup.chunks || self.chunk(c).of != Some(h) {
            return Err("I7: a chunk is used that belongs to another descriptor");
        }
        Ok(())
    }

    /// I1, I2 and I7 at the commit of `h` at `p`, which replaces `w`.
    pub(crate) fn promise_commit(&mut self, h: Index, p: Position, w: Slot) -> Result<(), Broken> {
        if self.slot(p - 1).position < p - 1 {
            return Err("I1: a position was filled before the one that precedes it");
        }
        if w.descriptor.is_some_and(|h| {
            self.world.is_queued(self.setup, h) && self.record(h).word.is_pending(w.position)
        }) {
            return Err(
                "I2: a position was filled while the last one of its slot was not consumed",
            );
        }
        self.promise_mine(h, Word::Pend(self.me(), p))?;
        let payload = self.payload(h);
        *self.fate(payload) = Fate::Queued;
        Ok(())
    }

    /// What a put answers is true.
    pub(crate) fn promise_answer(&mut self, value: Value) -> Result<(), Broken> {
        let payload = self.filling();
        let was_put = !matches!(self.fate(payload), Fate::Unput | Fate::Retracted);
        if value == Value::Done && self.setup.is_shut_down() {
            self.world.returned |= 1 << payload;
        }
        match (value, was_put) {
            (Value::Done, false) => Err("a put returned Ok and nothing was put"),
            (Value::Short | Value::Closed, true) => Err("a put failed and its item is there"),
            _ => Ok(()),
        }
    }

    /// As many items as the capacity are queued at this instant.
    pub(crate) fn promise_full(&mut self) -> Result<(), Broken> {
        let is_open = self.world.memory.state == State::Open;
        if is_open && self.world.queued(self.setup) < self.setup.capacity {
            return Err("a queue that has room was called full");
        }
        Ok(())
    }

    /// Nothing is queued at this instant.
    pub(crate) fn promise_empty(&mut self) -> Result<(), Broken> {
        if self.world.queued(self.setup) > 0 {
            return Err("a queue that has items was called empty");
        }
        Ok(())
    }

    /// First deliveries come in the order of the positions.
    pub(crate) fn promise_order(&mut self, c: Position) -> Result<(), Broken> {
        for h in self.setup.all_descriptors() {
            let earlier = matches!(self.record(h).word, Word::Pend(_, p) if p < c);
            if earlier && self.world.is_queued(self.setup, h) {
                return Err("an item overtook an earlier one");
            }
        }
        Ok(())
    }

    /// The item of `h`, which this consumer has just claimed, is nobody else's, and was not delivered before; unless that
    /// consumer died or refused it.
    pub(crate) fn promise_delivery(&mut self, h: Index) -> Result<(), Broken> {
        let payload = self.payload(h);
        if !matches!(self.fate(payload), Fate::Queued | Fate::Again) {
            return Err("an item was delivered that was not there to be delivered");
        }
        let thread = self.thread();
        if payload == thread.refused && thread.waiting != 0 {
            return Err("the item that was refused came before others");
        }
        self.moved(payload);
        *self.fate(payload) = Fate::With(self.process_number());
        Ok(())
    }

    /// What a process refused comes last at its next look: after everything that waits now, and waits until then.
    pub(crate) fn begin_promise_to_take_the_refused_last(&mut self) {
        let refused = std::mem::take(&mut self.process().refused_payload);
        let mut waiting = 0;
        if refused != 0 {
            for h in self.setup.all_descriptors() {
                let Record { word, item, .. } = *self.record(h);
                let waits = matches!(word, Word::Retry(_)) || self.world.is_queued(self.setup, h);
                if waits && item.payload != refused {
                    waiting |= 1 << item.payload;
                }
            }
        }
        let thread = self.thread();
        (thread.refused, thread.waiting) = (refused, waiting);
    }

    /// A get says closed only when what is on its way now has been done with.
    pub(crate) fn begin_promise_to_wait_for_all(&mut self) {
        self.thread().owed = match self.world.memory.state {
            State::Draining => self.world.on_their_way(),
            _ => 0,
        };
    }

    pub(crate) fn promise_closed(&mut self, owed: u16) -> Result<(), Broken> {
        if self.world.on_their_way() & owed != 0 {
            return Err("closed was said while an item might come back");
        }
        Ok(())
    }

    /// It does not wait any more.
    fn moved(&mut self, payload: Payload) {
        for thread in &mut self.world.threads {
            thread.waiting &= !(1 << payload);
        }
    }

    pub(crate) fn promise_acknowledged(&mut self, h: Index) -> Result<(), Broken> {
        self.mine_becomes(h, Fate::Done)
    }

    /// Refused by its consumer; or by recovery, after its death.
    pub(crate) fn promise_again(&mut self, h: Index) -> Result<(), Broken> {
        self.mine_becomes(h, Fate::Again)
    }

    pub(crate) fn promise_aside(&mut self, h: Index) -> Result<(), Broken> {
        self.mine_becomes(h, Fate::Quarantined)
    }

    fn mine_becomes(&mut self, h: Index, to: Fate) -> Result<(), Broken> {
        let (payload, me) = (self.payload(h), self.process_number());
        let fate = self.fate(payload);
        if *fate != Fate::With(me) && *fate != Fate::Again {
            return Err(TAKEN);
        }
        *fate = to;
        Ok(())
    }

    pub(crate) fn promise_taken_aside(&mut self, h: Index) {
        let payload = self.payload(h);
        *self.fate(payload) = Fate::With(self.process_number());
        self.world.requeued |= 1 << payload;
    }

    /// Discarded, or dropped because the queue is closed.
    pub(crate) fn promise_dropped(&mut self, h: Index) {
        let payload = self.payload(h);
        *self.fate(payload) = Fate::Done;
    }

    pub(crate) fn promise_retracted(&mut self, payload: Payload) {
        self.moved(payload);
        *self.fate(payload) = Fate::Retracted;
    }

    /// A join says that everything put so far is acknowledged, or was in the quarantine.
    pub(crate) fn promise_finished(&mut self) -> Result<(), Broken> {
        if self.world.on_their_way() & !self.world.requeued != 0 {
            return Err("a join returned before all was done");
        }
        Ok(())
    }
}
