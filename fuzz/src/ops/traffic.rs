//! Puts and gets, and what they must answer.

use super::CHUNK;
use super::model::{Nothing, PutAnswer};
use super::world::World;
use crate::input::length;
use ringpost::{GetError, PutError, Shortage};
use std::time::Duration;

impl World {
    // ---- put ----

    /// Compares the answer of a put with the oracle's, and notes the item if it was put.
    pub(super) fn check_put(&mut self, answer: Result<(), PutError>, payload: &[u8], apart: bool) {
        let expected = self.model.put(payload.len(), apart);
        if expected == PutAnswer::DoneOrNoMemory && self.no_memory(&answer, payload.len()) {
            return;
        }
        let answer = match answer {
            Ok(()) => PutAnswer::Done,
            Err(PutError::Closed) => PutAnswer::Closed,
            Err(PutError::TooLarge { .. }) => PutAnswer::TooLarge,
            Err(PutError::Full(Shortage::Slots) | PutError::TimedOut(Shortage::Slots)) => {
                PutAnswer::NoSlot
            }
            Err(
                PutError::Full(Shortage::Descriptors) | PutError::TimedOut(Shortage::Descriptors),
            ) => PutAnswer::NoDescriptor,
            Err(other) => panic!("{other}, expected {expected:?}"),
        };
        match expected {
            PutAnswer::DoneOrNoMemory => assert_eq!(answer, PutAnswer::Done),
            expected => assert_eq!(answer, expected),
        }
        if answer == PutAnswer::Done {
            self.model.commit(payload);
        }
    }

    /// Was there no memory? Then there is no free run that is long enough, and free descriptors keep none.
    pub(super) fn no_memory<T>(&self, answer: &Result<T, PutError>, length: usize) -> bool {
        let short = matches!(
            answer,
            Err(PutError::Full(Shortage::Arena) | PutError::TimedOut(Shortage::Arena))
        );
        if short {
            let seen = self.peer.look();
            let needed = length.div_ceil(CHUNK).max(1);
            // The call may have recovered a dead participant after it had found no memory.
            let recovered = self.dead().any(|owner| !seen.attached.contains(&owner));
            assert!(
                seen.free_run < needed || recovered,
                "{} chunks are free in a row",
                seen.free_run
            );
        }
        short
    }

    pub(super) fn put(&mut self, i: usize, a: u8, b: u8) {
        let payload = self.payload(length(a));
        let queue = self.parties[i].queue(b);
        let answer = match b {
            0..=0xef => queue.try_put(&payload),
            _ => queue.put_timeout(&payload, Duration::ZERO),
        };
        self.check_put(answer, &payload, false);
    }

    pub(super) fn put_parts(&mut self, i: usize, a: u8, b: u8) {
        let (one, two) = (self.payload(length(a)), self.payload(usize::from(b >> 3)));
        let align = 1 << (b % 7);
        let mut whole = one.clone();
        whole.resize(one.len().next_multiple_of(align), 0);
        whole.extend(&two);
        let answer = self.parties[i].queue(b).try_put_parts(&[&one, &two], align);
        self.check_put(answer, &whole, align > 32);
    }

    pub(super) fn put_many(&mut self, i: usize, a: u8, b: u8) {
        let lengths = [a, b, a ^ b, 10];
        let items = lengths[..usize::from(b % 5)].iter();
        let items: Vec<_> = items.map(|&byte| self.payload(length(byte))).collect();
        match self.parties[i].queue(b).try_put_many(&items) {
            Ok(done) => {
                for item in &items[..done] {
                    self.check_put(Ok(()), item, false);
                }
                if let Some(next) = items.get(done) {
                    assert_ne!(self.model.put(next.len(), false), PutAnswer::Done);
                }
            }
            Err(error) => self.check_put(Err(error), &items[0], false),
        }
    }

    // ---- get ----

    /// Compares what a get has claimed with what the oracle would; the item stays claimed there.
    pub(super) fn check_claim<T>(
        &mut self,
        owner: u64,
        got: Result<T, GetError>,
    ) -> Option<(u64, T)> {
        match (self.model.claim(owner), got) {
            (Ok(position), Ok(got)) => Some((position, got)),
            (Err(Nothing::Empty), Err(GetError::Empty | GetError::TimedOut)) => None,
            (Err(Nothing::Closed), Err(GetError::Closed)) => None,
            (expected, got) => panic!("{:?}, expected {expected:?}", got.err()),
        }
    }

    /// An item was delivered.
    pub(super) fn delivered(&mut self, position: u64, bytes: &[u8]) {
        let item = self.model.items.remove(&position).expect("it was claimed");
        assert_eq!(*item.payload, *bytes, "another payload at {position}");
    }

    pub(super) fn get(&mut self, i: usize, b: u8) {
        let queue = self.parties[i].queue(b);
        let mut out = vec![1, 2, 3];
        let got = match b % 4 {
            0 | 1 => queue.try_get(),
            2 => queue.try_get_into(&mut out).map(|()| out),
            _ => queue.get_timeout(Duration::ZERO),
        };
        if let Some((position, got)) = self.check_claim(self.parties[i].owner, got) {
            self.delivered(position, &got);
        }
    }

    pub(super) fn get_many(&mut self, i: usize, b: u8) {
        let owner = self.parties[i].owner;
        let most = usize::from(b % 6);
        let slots = self.model.capacity.next_power_of_two();
        let most = most.min(self.model.descriptors - slots);
        match self.parties[i].queue(b).try_get_many((b % 6).into()) {
            Ok(items) => {
                let claimed: Vec<_> = (0..most)
                    .map_while(|_| self.model.claim(owner).ok())
                    .collect();
                assert_eq!(claimed.len(), items.len());
                for (position, item) in claimed.into_iter().zip(&items) {
                    self.delivered(position, item);
                }
            }
            Err(error) => _ = self.check_claim(owner, Err::<(), _>(error)),
        }
    }
}
