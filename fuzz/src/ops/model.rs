//! The oracle: what the queue must hold, and what each operation must answer.

use std::collections::BTreeMap;
use std::rc::Rc;

/// Positions count modulo 2^44.
const POSITION: u64 = (1 << 44) - 1;

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) place: Place,
    pub(super) payload: Rc<[u8]>,
    pub(super) deliveries: u32,
    /// Did somebody have it before, whatever the count says?
    pub(super) again: bool,
    /// Was it set aside, so that it goes back there if somebody dies over it?
    pub(super) aside: bool,
}

/// Where an item is that is not yet delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Queued,
    Retry,
    Aside,
    /// Claimed by this participant: leased, or, of a dead one, in the middle of a get.
    Loaned(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Open,
    Draining,
    Closed,
}

/// A participant that is entered in the segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) alive: bool,
    /// The position after the one that it refused last; 0: none, or it has looked again.
    pub(super) refused: u64,
    /// Descriptors that it holds and that are no items: loans, delivered messages, what a death left half done.
    pub(super) others: usize,
}

/// Why nothing was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nothing {
    Empty,
    Closed,
}

/// What a put must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PutAnswer {
    Done,
    /// Done, or no room in the arena: that depends on where what lies.
    DoneOrNoMemory,
    Closed,
    TooLarge,
    NoSlot,
    NoDescriptor,
}

#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) capacity: usize,
    pub(super) descriptors: usize,
    pub(super) max_deliveries: u32,
    pub(super) arena: usize,
    pub(super) state: State,
    /// By their positions.
    pub(super) items: BTreeMap<u64, Item>,
    pub(super) members: BTreeMap<u64, Member>,
    /// The flag that tells consumers of items to be delivered again.
    pub(super) flag: bool,
    /// The position of the next item.
    pub(super) next: u64,
    /// The items that this operation has claimed, in that order.
    pub(super) claimed: Vec<u64>,
}

impl Model {
    pub(super) fn count(&self, place: impl Fn(Place) -> bool) -> usize {
        self.items.values().filter(|item| place(item.place)).count()
    }

    pub(super) fn queued(&self) -> usize {
        self.count(|place| place == Place::Queued)
    }

    pub(super) fn loaned(&self) -> usize {
        self.count(|place| matches!(place, Place::Loaned(_)))
    }

    pub(super) fn others(&self, alive: bool) -> usize {
        let members = self.members.values().filter(|member| member.alive == alive);
        members.map(|member| member.others).sum()
    }

    /// Each item has a descriptor, whoever has it.
    pub(super) fn free(&self) -> usize {
        self.descriptors - self.items.len() - self.others(true) - self.others(false)
    }

    pub(super) fn dead(&self) -> usize {
        self.members.values().filter(|member| !member.alive).count()
    }

    pub(super) fn member(&mut self, owner: u64) -> &mut Member {
        self.members.get_mut(&owner).expect("a participant")
    }

    pub(super) fn item(&mut self, position: u64) -> &mut Item {
        self.items.get_mut(&position).expect("an item")
    }

    fn first(&self, place: Place) -> Option<u64> {
        let mut items = self.items.iter();
        items.find(|(_, item)| item.place == place).map(|(&p, _)| p)
    }

    // ---- put ----

    /// What a put of so many bytes must answer; `apart`: even a short payload goes into the arena.
    pub(super) fn put(&self, length: usize, apart: bool) -> PutAnswer {
        let inline = length <= super::INLINE && !apart;
        if self.state != State::Open {
            PutAnswer::Closed
        } else if !inline && length > self.arena {
            PutAnswer::TooLarge
        } else if self.queued() == self.capacity {
            PutAnswer::NoSlot
        } else if self.free() == 0 {
            PutAnswer::NoDescriptor
        } else if inline {
            PutAnswer::Done
        } else {
            PutAnswer::DoneOrNoMemory
        }
    }

    pub(super) fn commit(&mut self, payload: &[u8]) {
        let item = Item {
            place: Place::Queued,
            payload: payload.into(),
            deliveries: 0,
            again: false,
            aside: false,
        };
        self.items.insert(self.next, item);
        self.next = (self.next + 1) & POSITION;
    }

    // ---- get ----

    /// Claims the next item for `me`, its delivery counted.
    pub(super) fn claim(&mut self, me: u64) -> Result<u64, Nothing> {
        if self.state == State::Closed {
            self.drop_the_rest(me);
            return Err(Nothing::Closed);
        }
        let Some(position) = self.choose(me) else {
            let waits = self.count(|place| matches!(place, Place::Loaned(_) | Place::Retry));
            let open = self.state == State::Open || waits > 0;
            return Err(if open {
                Nothing::Empty
            } else {
                Nothing::Closed
            });
        };
        let item = self.item(position);
        item.place = Place::Loaned(me);
        item.deliveries += 1;
        self.claimed.push(position);
        Ok(position)
    }

    /// First what is to be delivered again, in its order; but who has refused an item takes others first, and that one last.
    fn choose(&mut self, me: u64) -> Option<u64> {
        if self.flag {
            let refused = std::mem::take(&mut self.member(me).refused);
            if refused != 0
                && let Some(queued) = self.first(Place::Queued)
            {
                return Some(queued);
            }
            let items = self.items.iter();
            let again = items.filter(|(_, item)| item.place == Place::Retry);
            let from_there_on = |&&p: &&u64| p.wrapping_sub(refused) & POSITION;
            if let Some(&p) = again.map(|(p, _)| p).min_by_key(from_there_on) {
                return Some(p);
            }
            self.flag = false;
        }
        self.first(Place::Queued)
    }

    /// After `shutdown_now`: whoever looks drops what is queued, and what is to be delivered again.
    pub(super) fn drop_the_rest(&mut self, me: u64) {
        while let Some(position) = self.choose(me) {
            self.items.remove(&position);
            self.claimed.push(position);
        }
    }

    /// A leased item is given back.
    pub(super) fn refuse(&mut self, me: u64, position: u64) {
        let (closed, most) = (self.state == State::Closed, self.max_deliveries);
        let item = self.item(position);
        if closed {
            self.items.remove(&position);
        } else if item.deliveries < most {
            item.place = Place::Retry;
            self.member(me).refused = ((position + 1) & POSITION).max(1);
            self.flag = true;
        } else {
            self.set_aside(position);
        }
    }

    /// Into the quarantine, or back there.
    pub(super) fn set_aside(&mut self, position: u64) {
        let item = self.item(position);
        item.place = Place::Aside;
        item.aside = true;
    }

    /// From the quarantine, its deliveries counted anew.
    pub(super) fn requeue(&mut self, position: u64) {
        let item = self.item(position);
        item.place = Place::Retry;
        item.deliveries = 0;
        item.again = true;
        item.aside = false;
        self.flag = true;
    }

    // ---- participants ----

    /// A dead participant was recovered.
    pub(super) fn recovered(&mut self, owner: u64) {
        self.members.remove(&owner);
        let (closed, most) = (self.state == State::Closed, self.max_deliveries);
        self.items.retain(|_, item| {
            if item.place != Place::Loaned(owner) {
                return true;
            }
            item.place = match item.deliveries < most && !item.aside {
                true => Place::Retry,
                false => Place::Aside,
            };
            item.again = true;
            !closed
        });
        self.announce();
    }

    /// Recovery, of oneself too, sets the flag if anything is to be delivered again.
    pub(super) fn announce(&mut self) {
        self.flag |= self.first(Place::Retry).is_some();
    }
}
