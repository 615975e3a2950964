//! The quarantine, the doctor, the end: what is neither put nor get.

use super::model::{Place, State};
use super::world::World;
use ringpost::GetError;
use std::time::Duration;

impl World {
    pub(super) fn inspect(&mut self, i: usize, a: u8) {
        let position = self.aside(a);
        let found = self.parties[i].queue(a).inspect(position);
        let found = found.expect("nothing is damaged");
        let expected = self.model.items.get(&position);
        let expected = expected.filter(|item| item.place == Place::Aside);
        assert_eq!(found.as_deref(), expected.map(|item| &*item.payload));
        if found.is_some() {
            self.model.set_aside(position);
            self.model.claimed.push(position);
        }
    }

    pub(super) fn requeue(&mut self, i: usize, a: u8) {
        let position = self.aside(a);
        let done = self.parties[i].queue(a).requeue(position);
        let expected = self.is_aside(position);
        match done {
            Err(GetError::Closed) => return assert_eq!(self.model.state, State::Closed),
            done => assert_eq!(done.expect("nothing is damaged"), expected),
        }
        assert_ne!(self.model.state, State::Closed);
        if expected {
            self.model.requeue(position);
            self.model.claimed.push(position);
        }
    }

    pub(super) fn discard(&mut self, i: usize, a: u8) {
        let position = self.aside(a);
        let done = self.parties[i].queue(a).discard(position);
        let expected = self.is_aside(position);
        assert_eq!(done.expect("attached"), expected);
        if expected {
            self.model.items.remove(&position);
            self.model.claimed.push(position);
        }
    }

    /// The position of some item in the quarantine; of none, if there are fewer.
    fn aside(&self, which: u8) -> u64 {
        let items = self.model.items.iter();
        let mut aside = items.filter(|(_, item)| item.place == Place::Aside);
        aside
            .nth((which % 4).into())
            .map_or(which.into(), |(&p, _)| p)
    }

    fn is_aside(&self, position: u64) -> bool {
        let item = self.model.items.get(&position);
        item.is_some_and(|item| item.place == Place::Aside)
    }

    pub(super) fn recover(&mut self, i: usize) {
        let dead: Vec<_> = self.dead().collect();
        let found = self.parties[i]
            .queue(0)
            .recover()
            .expect("locks can be asked");
        assert_eq!(found as usize, dead.len());
        for owner in dead {
            self.model.recovered(owner);
        }
    }

    /// Only the dead are a finding, and what the death of one may leave: an item to be delivered again of which nobody is told.
    pub(super) fn audit(&mut self, i: usize) {
        let dead = self.model.dead();
        let audit = self.parties[i]
            .queue(0)
            .audit()
            .expect("locks can be asked");
        let findings = audit.findings.iter();
        let (of_dead, other): (Vec<_>, Vec<_>) =
            findings.partition(|finding| finding.place == "participant");
        assert_eq!(of_dead.len(), dead, "{audit:?}");
        let unannounced = match self.model.flag {
            true => 0,
            false => self.model.count(|place| place == Place::Retry),
        };
        assert_eq!(other.len(), unannounced, "{audit:?}");
    }

    pub(super) fn join(&mut self, i: usize) {
        let done = self.parties[i].queue(0).join_timeout(Duration::ZERO);
        if self.model.state == State::Closed {
            self.model.drop_the_rest(self.parties[i].owner);
        }
        let waits = |place| place != Place::Aside;
        assert_eq!(done, self.model.count(waits) == 0);
    }

    /// Rarely, or nothing else would ever be tried.
    pub(super) fn shut_down(&mut self, i: usize, a: u8) {
        let queue = self.parties[i].queue(a);
        match a {
            0x20..=0x27 => {
                queue.shutdown();
                self.model.state = self.model.state.max(State::Draining);
            }
            0x28..=0x2f => {
                queue.shutdown_now();
                self.model.state = State::Closed;
                self.model.drop_the_rest(self.parties[i].owner);
            }
            _ => {}
        }
    }
}
