//! Kills: how one is simulated, and what it may leave.

use super::model::{Item, Member, Model, Place, State};
use super::world::World;
use crate::input::Instruction;
use crate::peer::{Descriptor, Seen, state};
use crate::steps;
use ringpost::Options;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Descriptors that a step of an operation may hold beside those before and after it: one that is being filled, and one
/// whose memory is being taken back.
const IN_BETWEEN: usize = 2;

impl World {
    /// Carries out an instruction whose participant dies before its step `step`, or after it, if it has fewer.
    pub(super) fn kill(&mut self, instruction: Instruction, step: u64) {
        let before = self.model.clone();
        let copy = Rc::new(RefCell::new(None));
        let (peer, kept) = (self.peer.clone(), Rc::clone(&copy));
        let action = move |_| {
            *kept.borrow_mut() = Some(peer.read());
            None
        };
        let victim = steps::during(Some(step), action, || self.act(instruction));
        let copy = copy.take().unwrap_or_else(|| self.peer.read());
        let Some(victim) = victim else { return };
        // What the oracle says of the operation as a whole; what comes now is undone.
        let after = self.model.clone();
        if let Some(i) = self.parties.iter().position(|party| party.owner == victim) {
            drop(self.parties.swap_remove(i));
        }
        self.peer.write(0, &copy);
        self.model = Death {
            before: &before,
            after: &after,
            victim,
            seen: &self.peer.look(),
        }
        .left();
    }

    /// At the end everything comes back, whatever was killed: each item is delivered or in the quarantine, and all memory is
    /// one run again.
    pub(super) fn settle(mut self) {
        while !self.parties.is_empty() {
            self.detach(0);
        }
        let queue = Options::new().from_fd(self.peer.fd());
        self.join_in(queue.expect("a place is free, or a dead one's"), false);
        let owner = self.parties[0].owner;
        let queue = self.parties[0].queue(0);
        self.check();
        for item in queue.quarantined() {
            if self.model.state == State::Closed {
                assert!(queue.discard(item.position).expect("attached"));
                self.model.items.remove(&item.position);
            } else {
                assert!(queue.requeue(item.position).expect("nothing is damaged"));
                self.model.requeue(item.position);
            }
        }
        loop {
            let got = queue.try_get();
            let ended = got.is_err();
            if let Some((position, got)) = self.check_claim(owner, got) {
                self.delivered(position, &got);
            }
            if ended {
                break;
            }
        }
        assert!(self.model.items.is_empty(), "{:?}", self.model.items);
        self.check();
        let stats = queue.stats();
        assert_eq!(
            (stats.free, stats.participants.len()),
            (stats.descriptors, 1)
        );
        let audit = queue.audit().expect("locks can be asked");
        assert!(audit.findings.is_empty(), "{audit:?}");
        assert!(queue.join_timeout(std::time::Duration::ZERO));
        if self.model.state == State::Open {
            let longest = vec![7; self.model.arena];
            queue.try_put(&longest).expect("the whole arena is free");
            assert_eq!(queue.try_get().expect("it was put"), longest);
        }
    }
}

/// Where an item was before an operation, is now, and would be after it.
type Places = (Option<Place>, Option<Place>, Option<Place>);

/// A kill: the oracle before and after the operation, who has died in it, and what the words say.
struct Death<'a> {
    before: &'a Model,
    after: &'a Model,
    victim: u64,
    seen: &'a Seen,
}

impl Death<'_> {
    /// The oracle from now on. What is seen must be possible: for each item, it is where it was before the operation, or
    /// where it is after it, or claimed by the dead one, if the operation claims it.
    fn left(&self) -> Model {
        let (before, after, seen) = (self.before, self.after, self.seen);
        let mut left = before.clone();
        left.items.clear();
        let mut positions: BTreeSet<u64> = before.items.keys().copied().collect();
        positions.extend(after.items.keys());
        for &position in &positions {
            if let Some(item) = self.item(position) {
                left.items.insert(position, item);
            }
        }
        let strange = |d: &&Descriptor| place(d).is_some() && !positions.contains(&d.position);
        let strange = seen.descriptors.iter().find(strange);
        assert!(strange.is_none(), "an item from nowhere: {strange:?}");
        self.check_order();
        let new = left.items.keys().filter(|p| !before.items.contains_key(p));
        left.next = before.next + new.count() as u64;
        let queued = left.items.iter();
        let queued = queued.filter(|(_, item)| item.place == Place::Queued);
        assert!(
            queued.rev().zip(1..).all(|((p, _), n)| p + n == left.next),
            "a hole in the queue: {:?}",
            left.items
        );
        left.state = match seen.state {
            0 => State::Open,
            1 => State::Draining,
            _ => State::Closed,
        };
        assert!([before.state, after.state].contains(&left.state));
        left.flag = seen.retry;
        left.members = seen
            .attached
            .iter()
            .map(|&owner| (owner, self.member(owner)))
            .collect();
        self.check_owners();
        left
    }

    fn item(&self, position: u64) -> Option<Item> {
        let (before, after) = (
            self.before.items.get(&position),
            self.after.items.get(&position),
        );
        let mut found = self.seen.descriptors.iter();
        let found = found.find(|d| d.position == position && place(d).is_some());
        let now = found.and_then(place);
        let claimed = self.after.claimed.contains(&position);
        let possible = now == before.map(|item| item.place)
            || now == after.map(|item| item.place)
            || claimed && now == Some(Place::Loaned(self.victim));
        assert!(
            possible,
            "{position} is {now:?}, was {before:?}, and would be {after:?}"
        );
        let (found, place) = (found?, now?);
        let mut item = before.or(after)?.clone();
        let counts = [Some(item.deliveries), after.map(|item| item.deliveries)];
        let claim = item.deliveries + u32::from(claimed);
        assert!(
            counts.contains(&Some(found.deliveries)) || found.deliveries == claim,
            "{found:?} was {before:?}, and would be {after:?}"
        );
        item.place = place;
        item.deliveries = found.deliveries;
        item.again = found.again;
        item.aside = found.aside;
        Some(item)
    }

    /// One operation has the items in order: first those with which it has finished, then those that it has claimed, then
    /// those that it has not touched. Those that it delivers together are either all claimed, or none is delivered.
    fn check_order(&self) {
        let places = |position: &u64| {
            let at = |model: &Model| model.items.get(position).map(|item| item.place);
            let mut found = self.seen.descriptors.iter();
            let found = found.find(|d| d.position == *position && place(d).is_some());
            (at(self.before), found.and_then(place), at(self.after))
        };
        let changed = self.after.claimed.iter().map(places);
        let changed: Vec<_> = changed
            .filter(|(before, _, after)| before != after)
            .collect();
        let rank = |&(before, now, after): &Places| match now {
            now if now == after => 0,
            now if now == before => 2,
            _ => 1,
        };
        let ranks: Vec<u32> = changed.iter().map(rank).collect();
        assert!(ranks.is_sorted(), "{changed:?}");
        let waited = |place| matches!(place, Some(Place::Queued | Place::Retry));
        let got = |&(before, _, after): &Places| waited(before) && after.is_none();
        let delivered = self.after.state != State::Closed && changed.iter().all(got);
        let torn = ranks.contains(&0) && ranks.contains(&2);
        assert!(!(delivered && torn), "{changed:?}");
    }

    /// A participant that is entered: the others are as they were; the victim, and those who had died before, are dead.
    fn member(&self, owner: u64) -> Member {
        let (before, after) = (
            self.before.members.get(&owner),
            self.after.members.get(&owner),
        );
        let known = before.or(after);
        assert!(known.is_some() || owner == self.victim, "a stranger");
        let others = self.others(owner);
        if owner != self.victim
            && let Some(member) = known.filter(|member| member.alive)
        {
            assert_eq!(others, member.others);
            return *member;
        }
        let most = [before, after].map(|member| member.map_or(0, |member| member.others));
        assert!(others <= most[0].max(most[1]) + IN_BETWEEN);
        Member {
            alive: false,
            refused: 0,
            others,
        }
    }

    /// How many descriptors it holds that are no items.
    fn others(&self, owner: u64) -> usize {
        let descriptors = self.seen.descriptors.iter();
        let held =
            |d: &&Descriptor| d.state != state::FREE && place(d).is_none() && d.owner == owner;
        descriptors.filter(held).count()
    }

    /// Whatever is held, is held by somebody who is entered.
    fn check_owners(&self) {
        for d in &self.seen.descriptors {
            let has_owner = match place(d) {
                None => d.state != state::FREE,
                Some(place) => matches!(place, Place::Loaned(_)),
            };
            assert!(
                !has_owner || self.seen.attached.contains(&d.owner),
                "{d:?} is nobody's"
            );
        }
    }
}

/// The item that a descriptor holds, if it is not yet delivered.
fn place(d: &Descriptor) -> Option<Place> {
    match d.state {
        state::PEND if d.named => Some(Place::Queued),
        state::LOAN => Some(Place::Loaned(d.owner)),
        state::RETRY => Some(Place::Retry),
        state::QUAR => Some(Place::Aside),
        _ => None,
    }
}
