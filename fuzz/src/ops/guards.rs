//! One participant with what it holds, and the operations on that.

use super::model::{PutAnswer, State};
use super::world::World;
use crate::input::length;
use ringpost::{BytesQueue, GetError, Lease, Message, PutError, Shortage, WriteLoan};

/// A participant: its handles, all clones of one, and its guards with the bytes that they must show.
pub(super) struct Party {
    pub(super) owner: u64,
    strict: bool,
    loans: Vec<(WriteLoan, Vec<u8>)>,
    messages: Vec<(Message, Vec<u8>)>,
    /// With the items' positions.
    leases: Vec<(Lease, u64)>,
    handles: Vec<BytesQueue>,
}

impl Party {
    pub(super) fn new(owner: u64, strict: bool, queue: BytesQueue) -> Party {
        Party {
            owner,
            strict,
            loans: Vec::new(),
            messages: Vec::new(),
            leases: Vec::new(),
            handles: vec![queue],
        }
    }

    pub(super) fn queue(&self, which: u8) -> BytesQueue {
        self.handles[usize::from(which) % self.handles.len()].clone()
    }

    pub(super) fn clone_or_drop(&mut self, b: u8) {
        if self.handles.len() > 1 && b & 1 == 1 {
            self.handles.pop();
        } else if self.handles.len() < 3 {
            self.handles.push(self.handles[0].clone());
        }
    }
}

/// One of them, if there are any.
fn take<T>(guards: &mut Vec<T>, which: usize) -> Option<T> {
    (!guards.is_empty()).then(|| guards.swap_remove(which % guards.len()))
}

impl World {
    // ---- loans ----

    pub(super) fn loan(&mut self, i: usize, a: u8) {
        let length = length(a);
        let payload = self.payload(length);
        let answer = self.parties[i].queue(a).try_loan(length);
        let expected = self.model.put(length, false);
        if expected == PutAnswer::DoneOrNoMemory && self.no_memory(&answer, length) {
            return;
        }
        match answer {
            Ok(mut loan) => {
                assert!(matches!(
                    expected,
                    PutAnswer::Done | PutAnswer::DoneOrNoMemory
                ));
                loan.copy_from_slice(&payload);
                let party = &mut self.parties[i];
                party.loans.push((loan, payload));
                self.model.member(party.owner).others += 1;
            }
            Err(error) => self.check_put(Err(error), &payload, false),
        }
    }

    pub(super) fn truncate(&mut self, i: usize, which: usize, b: u8) {
        let loans = &mut self.parties[i].loans;
        let count = loans.len();
        if let Some((loan, payload)) = loans.get_mut(which % count.max(1)) {
            loan.truncate(length(b));
            payload.truncate(length(b));
        }
    }

    pub(super) fn commit(&mut self, i: usize, which: usize) {
        let party = &mut self.parties[i];
        let Some((loan, payload)) = take(&mut party.loans, which) else {
            return;
        };
        assert_eq!(*loan, *payload, "somebody wrote into a loan");
        let full = self.model.queued() == self.model.capacity;
        let open = self.model.state == State::Open;
        match loan.try_commit() {
            Ok(()) => {
                assert!(open && !full);
                self.model.member(party.owner).others -= 1;
                self.model.commit(&payload);
            }
            Err((loan, PutError::Full(Shortage::Slots))) => {
                assert!(open && full);
                party.loans.push((loan, payload));
            }
            Err((loan, PutError::Closed)) => {
                assert!(!open);
                drop(loan);
                self.model.member(party.owner).others -= 1;
            }
            Err((_, error)) => panic!("{error}"),
        }
    }

    pub(super) fn drop_loan(&mut self, i: usize, which: usize) {
        let party = &mut self.parties[i];
        if take(&mut party.loans, which).is_some() {
            self.model.member(party.owner).others -= 1;
        }
    }

    // ---- messages ----

    pub(super) fn get_ref(&mut self, i: usize) {
        let owner = self.parties[i].owner;
        let got = self.parties[i].queue(0).try_get_ref();
        if let Some((position, message)) = self.check_claim(owner, got) {
            self.keep(i, position, message);
        }
    }

    fn keep(&mut self, i: usize, position: u64, message: Message) {
        let item = self.model.item(position);
        assert_eq!(message.position(), position);
        assert_eq!(message.deliveries(), item.deliveries);
        assert_eq!(message.is_redelivered(), item.deliveries > 1 || item.again);
        self.delivered(position, &message);
        let party = &mut self.parties[i];
        let bytes = message.to_vec();
        party.messages.push((message, bytes));
        self.model.member(party.owner).others += usize::from(!party.strict);
    }

    pub(super) fn write(&mut self, i: usize, which: usize) {
        let messages = &mut self.parties[i].messages;
        let count = messages.len();
        if let Some((message, bytes)) = messages.get_mut(which % count.max(1)) {
            message.fill(0xee);
            bytes.fill(0xee);
        }
    }

    pub(super) fn drop_message(&mut self, i: usize, which: usize) {
        let party = &mut self.parties[i];
        if take(&mut party.messages, which).is_some() {
            self.model.member(party.owner).others -= usize::from(!party.strict);
        }
    }

    // ---- leases ----

    pub(super) fn lease(&mut self, i: usize) {
        let owner = self.parties[i].owner;
        let got = self.parties[i].queue(0).try_lease();
        if let Some((position, lease)) = self.check_claim(owner, got) {
            let item = self.model.item(position);
            assert_eq!(*lease, *item.payload);
            assert_eq!(lease.position(), position);
            assert_eq!(lease.deliveries(), item.deliveries);
            assert_eq!(lease.is_redelivered(), item.deliveries > 1 || item.again);
            self.parties[i].leases.push((lease, position));
        }
    }

    /// Ends a lease; says the item's position.
    fn end<T>(
        &mut self,
        i: usize,
        which: usize,
        how: impl FnOnce(Lease) -> Result<T, GetError>,
    ) -> Option<(u64, T)> {
        let (lease, position) = take(&mut self.parties[i].leases, which)?;
        assert_eq!(*lease, *self.model.item(position).payload);
        let ended = how(lease).expect("the item is leased");
        self.model.claimed.push(position);
        Some((position, ended))
    }

    pub(super) fn ack(&mut self, i: usize, which: usize) {
        if let Some((position, ())) = self.end(i, which, Lease::ack) {
            self.model.items.remove(&position);
        }
    }

    pub(super) fn refuse(&mut self, i: usize, which: usize) {
        let owner = self.parties[i].owner;
        let refuse = |lease| {
            drop(lease);
            Ok(())
        };
        if let Some((position, ())) = self.end(i, which, refuse) {
            self.model.refuse(owner, position);
        }
    }

    pub(super) fn take_message(&mut self, i: usize, which: usize) {
        if let Some((position, message)) = self.end(i, which, Lease::into_message) {
            self.keep(i, position, message);
        }
    }

    pub(super) fn set_aside(&mut self, i: usize, which: usize) {
        if let Some((position, ())) = self.end(i, which, Lease::quarantine) {
            self.model.set_aside(position);
        }
    }

    // ---- all of them ----

    /// An orderly end of a participant: whatever it holds is given back.
    pub(super) fn detach(&mut self, i: usize) {
        let owner = self.parties[i].owner;
        while !self.parties[i].leases.is_empty() {
            self.refuse(i, 0);
        }
        self.parties.swap_remove(i);
        self.model.members.remove(&owner);
        self.model.announce();
    }

    pub(super) fn check_guards(&self) {
        for party in &self.parties {
            for (loan, bytes) in &party.loans {
                assert_eq!(**loan, **bytes, "somebody wrote into a loan");
            }
            for (message, bytes) in &party.messages {
                assert_eq!(**message, **bytes, "somebody wrote into a message");
            }
            for (lease, position) in &party.leases {
                assert_eq!(**lease, *self.model.items[position].payload);
            }
        }
    }
}
