//! The ledger: what must come out of a segment that a killed process has left, and that nothing of it is lost.

use crate::common::payload;
use ringpost::{BytesQueue, PutError, Shortage};
use std::os::fd::OwnedFd;

/// What the operation does to the items that were put before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It puts this item.
    Puts(u64, usize),
    /// It claims so many, the oldest first.
    Claims(usize),
    /// Nothing.
    Nothing,
}

/// What has become of the operation's item, in the order in which it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// As if the operation had never begun.
    Untouched,
    /// Claimed: offered again, as one that nobody has seen yet.
    Claimed,
    /// Claimed and counted: offered again, as redelivered.
    Again,
    /// In the quarantine.
    Aside,
    /// Delivered for good are some, and not yet all.
    Partly,
    /// Put for good, or delivered for good.
    Done,
}

/// What was found in one segment.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// `None`: no fate that there can be.
    pub(crate) fate: Option<Fate>,
    pub(crate) redelivered: usize,
    pub(crate) lost: usize,
    pub(crate) leaked: u64,
    pub(crate) faults: Vec<String>,
}

/// What came out of it.
struct Found {
    /// Payloads, how often they were delivered, and whether they say that they come again.
    delivered: Vec<(Vec<u8>, u32, bool)>,
    /// How many were offered again.
    retry: u64,
    /// What was in the quarantine.
    aside: Vec<Vec<u8>>,
}

impl Found {
    fn is(&self, wanted: &[Vec<u8>]) -> bool {
        self.delivered.len() == wanted.len()
            && self.delivered.iter().zip(wanted).all(|(d, w)| d.0 == *w)
    }

    fn fate_of_the_first(&self, claimed: usize, earlier: &[Vec<u8>]) -> Option<Fate> {
        if self.is(earlier) {
            let (_, deliveries, again) = self.delivered[0];
            return match (self.retry, deliveries, again) {
                (0, 1, false) => Some(Fate::Untouched),
                (1.., 1, true) => Some(Fate::Claimed),
                (1.., 2, true) => Some(Fate::Again),
                _ => None,
            };
        }
        let gone = (1..=claimed).find(|&gone| self.is(&earlier[gone..]))?;
        match () {
            () if self.aside == earlier[..gone] => Some(Fate::Aside),
            () if gone < claimed => Some(Fate::Partly),
            () => Some(Fate::Done),
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let delivered: Vec<_> = self.delivered.iter().map(|d| (d.0.len(), d.1)).collect();
        let (retry, aside) = (self.retry, self.aside.len());
        write!(
            f,
            "{retry} offered again, {aside} set aside; lengths and deliveries: {delivered:?}"
        )
    }
}

/// Opens the segment, which recovers the dead, and takes stock of all that it holds.
pub(crate) fn take_stock(segment: OwnedFd, earlier: &[Vec<u8>], effect: Effect) -> Account {
    let mut account = Account::default();
    if let Err(fault) = account.fill(segment, earlier, effect) {
        account.faults.push(fault);
    }
    account
}

impl Account {
    fn fill(
        &mut self,
        segment: OwnedFd,
        earlier: &[Vec<u8>],
        effect: Effect,
    ) -> Result<(), String> {
        let queue = ringpost::from_fd(segment).map_err(|error| error.to_string())?;
        let stats = queue.stats();
        if stats.participants.len() != 1 {
            self.fault(format!(
                "the dead are still there: {:?}",
                stats.participants
            ));
        }
        self.nothing_is_found(&queue)?;
        let mut delivered = Vec::new();
        while let Ok(message) = queue.try_get_ref() {
            self.redelivered += usize::from(message.is_redelivered());
            let again = message.is_redelivered();
            delivered.push((message.to_vec(), message.deliveries(), again));
        }
        let mut aside = Vec::new();
        for item in queue.quarantined() {
            let payload = queue.inspect(item.position);
            aside.extend(payload.map_err(|error| error.to_string())?);
            let discarded = queue.discard(item.position);
            discarded.map_err(|error| error.to_string())?;
        }
        let found = Found {
            delivered,
            retry: stats.retry,
            aside,
        };
        self.judge(&found, earlier, effect);
        self.nothing_leaks(&queue);
        self.nothing_is_found(&queue)
    }

    /// The queue's own audit.
    fn nothing_is_found(&mut self, queue: &BytesQueue) -> Result<(), String> {
        let audit = queue.audit().map_err(|error| error.to_string())?;
        let found = audit.findings.into_iter();
        self.faults.extend(
            found.map(|finding| format!("{} {}: {}", finding.place, finding.index, finding.what)),
        );
        Ok(())
    }

    fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// Every earlier item once and in order; the operation's own whole or not at all.
    fn judge(&mut self, found: &Found, earlier: &[Vec<u8>], effect: Effect) {
        self.fate = match effect {
            Effect::Puts(number, length) => {
                let own = payload(number, length);
                match () {
                    () if found.is(earlier) => Some(Fate::Untouched),
                    () if found.is(&[earlier, &[own]].concat()) => Some(Fate::Done),
                    () => None,
                }
            }
            Effect::Claims(all) => found.fate_of_the_first(all, earlier),
            Effect::Nothing => found.is(earlier).then_some(Fate::Untouched),
        };
        if self.fate != Some(Fate::Aside) && !found.aside.is_empty() {
            self.fate = None;
        }
        if self.fate.is_none() {
            let missing = |item: &&Vec<u8>| !found.delivered.iter().any(|d| d.0 == **item);
            self.lost = earlier.iter().filter(missing).count();
            self.fault(format!(
                "no such queue can be: {} earlier items lost, {found}",
                self.lost
            ));
        }
    }

    /// All is free again, and can be used.
    fn nothing_leaks(&mut self, queue: &BytesQueue) {
        let stats = queue.stats();
        self.leaked = stats.descriptors - stats.free;
        if self.leaked > 0 {
            self.fault(format!("not all free: {stats:?}"));
        }
        let longest = payload(7, queue.max_payload());
        match queue.try_put(&longest) {
            Ok(()) if queue.try_get().is_ok_and(|got| got == longest) => {}
            Ok(()) => self.fault("the longest payload does not come back".into()),
            Err(error) => {
                self.leaked += 1;
                self.fault(format!("not all chunks are free: {error}"));
            }
        }
        for _ in 0..queue.capacity() {
            if let Err(error) = queue.try_put(b"x") {
                self.fault(format!("not all slots are free: {error}"));
            }
        }
        if !matches!(queue.try_put(b"x"), Err(PutError::Full(Shortage::Slots))) {
            self.fault("more than the capacity".into());
        }
    }
}
