//! What must be in the queue, and in which order it comes.

use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) payload: Vec<u8>,
    /// Its position.
    pub(crate) position: u64,
    pub(crate) deliveries: u32,
    pub(crate) redelivered: bool,
}

#[derive(Debug)]
pub(crate) struct Items {
    pub(crate) queued: VecDeque<Item>,
    /// To be delivered again.
    pub(crate) waiting: BTreeMap<u64, Item>,
    pub(crate) aside: BTreeMap<u64, Item>,
    max_deliveries: u32,
    /// The next position.
    next: u64,
    /// Consumers look for what waits since something was offered again, until one has found nothing.
    looking: bool,
    /// What each participant has refused since it last looked there.
    refused: BTreeMap<usize, u64>,
}

impl Items {
    pub(crate) fn new(max_deliveries: u32, first: u64) -> Items {
        Items {
            queued: VecDeque::new(),
            waiting: BTreeMap::new(),
            aside: BTreeMap::new(),
            max_deliveries,
            next: first,
            looking: false,
            refused: BTreeMap::new(),
        }
    }

    pub(crate) fn put(&mut self, payload: Vec<u8>) {
        self.queued.push_back(Item {
            payload,
            position: self.next,
            deliveries: 0,
            redelivered: false,
        });
        self.next += 1;
    }

    /// What the next get of this participant must deliver.
    ///
    /// What waits comes first, the lowest position first. Only for one that has just refused an item, new ones come before,
    /// and then those that wait from the one after the refused on, in a circle.
    pub(crate) fn take(&mut self, participant: usize) -> Option<Item> {
        let mut item = None;
        if self.looking {
            let refused = self.refused.remove(&participant);
            if refused.is_some() {
                item = self.queued.pop_front();
            }
            let after = refused.map_or(0, |position| position + 1);
            let next = self.waiting.range(after..).next();
            if item.is_none()
                && let Some((&position, _)) = next.or(self.waiting.iter().next())
            {
                item = self.waiting.remove(&position);
            }
            self.looking = item.is_some();
        }
        let mut item = item.or_else(|| self.queued.pop_front())?;
        item.redelivered |= item.deliveries > 0;
        item.deliveries += 1;
        Some(item)
    }

    pub(crate) fn refuse(&mut self, item: Item, participant: usize) {
        if item.deliveries >= self.max_deliveries {
            self.set_aside(item);
        } else {
            self.refused.insert(participant, item.position);
            self.offer(item);
        }
    }

    pub(crate) fn set_aside(&mut self, item: Item) {
        self.aside.insert(item.position, item);
    }

    pub(crate) fn requeue(&mut self, position: u64) {
        let mut item = self.aside.remove(&position).expect("it was chosen there");
        item.deliveries = 0;
        item.redelivered = true;
        self.offer(item);
    }

    fn offer(&mut self, item: Item) {
        self.waiting.insert(item.position, item);
        self.looking = true;
    }

    /// The position of one of those that are set aside.
    pub(crate) fn any_aside(&self, which: usize) -> Option<u64> {
        self.aside.keys().nth(which).copied()
    }

    pub(crate) fn clear(&mut self) {
        self.queued.clear();
        self.waiting.clear();
        self.looking = false;
    }

    /// Nothing that a get could deliver.
    pub(crate) fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.waiting.is_empty()
    }

    /// All that has a descriptor, though nobody holds it.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Item> {
        let apart = self.waiting.values().chain(self.aside.values());
        self.queued.iter().chain(apart)
    }
}
