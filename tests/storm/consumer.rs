//! The part of a consumer: every way to get, in a random order.

use crate::item::Item;
use crate::ledger::{Doing, Fault};
use crate::player::Player;
use ringpost::{GetError, Lease, Message};
use std::time::Duration;

/// Gets until it is told to end, or the queue has nothing more to give.
pub(crate) fn play(player: Player<'_>, only_leases: bool) {
    let mut consumer = Consumer {
        latest: Vec::new(),
        buffer: Vec::new(),
        closed: false,
        player,
    };
    while consumer.player.ledger.ending() < 2 && !consumer.closed {
        match consumer.player.dice.below(16) {
            0..=4 => consumer.acknowledge_one(),
            5 => consumer.acknowledge_several(),
            6 => consumer.acknowledge_and_keep(),
            7 if consumer.player.survivor.is_none() => consumer.refuse(),
            _ if only_leases => consumer.acknowledge_one(),
            8..=10 => consumer.get(),
            11 | 12 => consumer.get_many(),
            _ => consumer.get_ref(),
        }
    }
    consumer.player.hand_over();
}

/// How long a call waits for an item.
enum Wait {
    Not,
    For(Duration),
    Forever,
}

struct Consumer<'a> {
    player: Player<'a>,
    /// For each producer, the index of the latest of its items that this process has had.
    latest: Vec<Option<usize>>,
    buffer: Vec<u8>,
    closed: bool,
}

impl Consumer<'_> {
    fn wait(&mut self) -> Wait {
        let choice = self.player.dice.below(4);
        match choice {
            0 => Wait::Not,
            // A survivor must find out by itself that the round is over.
            1 => Wait::For(Duration::from_millis(20)),
            _ if self.player.survivor.is_some() => Wait::For(Duration::from_millis(60)),
            _ => Wait::Forever,
        }
    }

    /// What was got, if anything was.
    fn found<T>(&mut self, got: Result<T, GetError>) -> Option<T> {
        match got {
            Ok(got) => {
                self.player.success();
                return Some(got);
            }
            Err(GetError::Empty) => std::thread::yield_now(),
            Err(GetError::TimedOut) => {}
            Err(GetError::Closed) => self.closed = true,
            Err(error) => panic!("a get: {error}"),
        }
        None
    }

    /// Enters a payload that was received; `None` if it is damaged.
    fn received(
        &mut self,
        payload: &[u8],
        again: Option<bool>,
        position: Option<u64>,
        done: bool,
    ) -> Option<Item> {
        let ledger = self.player.ledger;
        let Some(item) = Item::read(payload, self.player.longest) else {
            ledger.fault(Fault::Damaged, &payload[..payload.len().min(32)]);
            return None;
        };
        ledger.received(item, again, position, done);
        ledger.success(self.player.number);
        if self.latest.len() <= item.producer {
            self.latest.resize(item.producer + 1, None);
        }
        let latest = &mut self.latest[item.producer];
        if again == Some(false) && latest.is_some_and(|latest| latest >= item.index) {
            ledger.fault(Fault::Disorder, (item, *latest));
        }
        *latest = Some(item.index).max(*latest);
        Some(item)
    }

    // ---- calls whose items are delivered when they return ----

    fn plain<T>(
        &mut self,
        items: u64,
        call: impl FnOnce(&mut Self) -> Result<T, GetError>,
        mut enter: impl FnMut(&mut Self, &T),
    ) -> Option<T> {
        let (ledger, number) = (self.player.ledger, self.player.number);
        ledger.doing(number, Doing::Plain(items));
        let got = call(self);
        let got = self.found(got);
        if let Some(got) = &got {
            enter(self, got);
        }
        ledger.doing(number, Doing::Nothing);
        got
    }

    fn get(&mut self) {
        let wait = self.wait();
        if self.player.dice.below(2) == 0 {
            let call = |this: &mut Self| match wait {
                Wait::Not => this.player.queue.try_get(),
                Wait::For(time) => this.player.queue.get_timeout(time),
                Wait::Forever => this.player.queue.get(),
            };
            self.plain(1, call, |this, got| {
                this.received(got, None, None, true);
            });
        } else {
            let mut buffer = std::mem::take(&mut self.buffer);
            let call = |this: &mut Self| {
                let queue = &this.player.queue;
                match wait {
                    Wait::Not => queue.try_get_into(&mut buffer),
                    Wait::For(time) => {
                        let deadline = std::time::Instant::now() + time;
                        queue.get_into_deadline(&mut buffer, deadline)
                    }
                    Wait::Forever => queue.get_into(&mut buffer),
                }?;
                Ok(std::mem::take(&mut buffer))
            };
            let got = self.plain(1, call, |this, got| {
                this.received(got, None, None, true);
            });
            self.buffer = got.unwrap_or_default();
        }
    }

    fn get_many(&mut self) {
        let most = 2 + self.player.dice.below(4);
        let call = |this: &mut Self| this.player.queue.try_get_many(most as usize);
        self.plain(most, call, |this, got| {
            for payload in got {
                this.received(payload, None, None, true);
            }
        });
    }

    fn get_ref(&mut self) {
        let wait = self.wait();
        let call = |this: &mut Self| match wait {
            Wait::Not => this.player.queue.try_get_ref(),
            Wait::For(time) => this.player.queue.get_ref_timeout(time),
            Wait::Forever => this.player.queue.get_ref(),
        };
        let message = self.plain(1, call, |this, message: &Message| {
            let (again, position) = (message.is_redelivered(), message.position());
            this.received(message, Some(again), Some(position), true);
        });
        if message.is_some() {
            self.player.linger();
        }
    }

    // ---- leases ----

    fn lease(&mut self, wait: Wait) -> Option<(Lease, Option<Item>)> {
        let queue = &self.player.queue;
        let got = match wait {
            Wait::Not => queue.try_lease(),
            Wait::For(time) => queue.lease_timeout(time),
            Wait::Forever => queue.lease(),
        };
        let lease = self.found(got)?;
        let (again, position) = (lease.is_redelivered(), lease.position());
        let item = self.received(&lease, Some(again), Some(position), false);
        self.player.linger();
        Some((lease, item))
    }

    /// Ends a lease for good, in one of two ways.
    fn end<T>(&mut self, item: Option<Item>, how: impl FnOnce() -> Result<T, GetError>) -> T {
        let (ledger, number) = (self.player.ledger, self.player.number);
        ledger.doing(number, Doing::Acknowledging);
        if let Some(item) = item {
            ledger.acknowledging(item);
        }
        let ended = how().expect("it is this process's lease");
        if let Some(item) = item {
            ledger.acknowledged(item);
        }
        ledger.doing(number, Doing::Nothing);
        ended
    }

    fn acknowledge_one(&mut self) {
        let wait = self.wait();
        if let Some((lease, item)) = self.lease(wait) {
            self.end(item, || lease.ack());
        }
    }

    /// Holds several at once; the last is acknowledged first.
    fn acknowledge_several(&mut self) {
        let mut leases = Vec::new();
        for _ in 0..2 {
            leases.extend(self.lease(Wait::Not));
        }
        while let Some((lease, item)) = leases.pop() {
            self.end(item, || lease.ack());
        }
    }

    fn acknowledge_and_keep(&mut self) {
        let wait = self.wait();
        if let Some((lease, item)) = self.lease(wait) {
            let message = self.end(item, || lease.into_message());
            self.player.linger();
            drop(message);
        }
    }

    fn refuse(&mut self) {
        let wait = self.wait();
        if let Some((lease, _)) = self.lease(wait) {
            if self.player.dice.below(2) == 0 {
                lease.refuse();
            } else {
                drop(lease);
            }
        }
    }
}
