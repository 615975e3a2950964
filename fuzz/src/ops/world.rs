//! The queue under test, all its participants, and the oracle beside it.

use super::guards::Party;
use super::model::{Member, Model, Place, State};
use super::{ARENA, CHUNK, INLINE, PLACES};
use crate::input::Instruction;
use crate::peer::Peer;
use ringpost::{BytesQueue, Options};
use std::collections::BTreeMap;

pub(super) struct World {
    pub(super) peer: Peer,
    pub(super) parties: Vec<Party>,
    pub(super) model: Model,
    /// Fills payloads.
    stamp: u8,
    /// Whose turn it is to be asked.
    turn: usize,
}

/// How many kinds of instruction there are.
const CODES: u8 = 40;
const PUT_MANY: u8 = 5;
const GET_MANY: u8 = 17;

impl World {
    pub(super) fn new(
        capacity: usize,
        in_flight: usize,
        max_deliveries: u32,
        strict: bool,
    ) -> World {
        let queue = Options::new()
            .capacity(capacity)
            .in_flight(in_flight)
            .max_deliveries(max_deliveries)
            .inline(INLINE)
            .chunk(CHUNK)
            .arena(ARENA as u64)
            .participants(PLACES)
            .strict(strict)
            .anonymous()
            .expect("a small queue");
        let slots = capacity.next_power_of_two();
        let model = Model {
            capacity,
            descriptors: slots + in_flight,
            max_deliveries,
            arena: ARENA,
            state: State::Open,
            items: BTreeMap::new(),
            members: BTreeMap::new(),
            flag: false,
            next: slots as u64,
            claimed: Vec::new(),
        };
        let mut world = World {
            peer: Peer::of(&queue),
            parties: Vec::new(),
            model,
            stamp: 0,
            turn: 0,
        };
        world.join_in(queue, strict);
        world
    }

    /// A new participant, whose entry is the one that was not there before.
    pub(super) fn join_in(&mut self, queue: BytesQueue, strict: bool) {
        // Whoever attaches recovers the dead, and may take over the place of one.
        let dead: Vec<_> = self.dead().collect();
        for owner in dead {
            self.model.recovered(owner);
        }
        let attached = self.peer.look().attached;
        let members = &self.model.members;
        let new: Vec<_> = attached
            .iter()
            .filter(|owner| !members.contains_key(owner))
            .collect();
        let [&owner] = new[..] else {
            panic!("new participants: {new:?}");
        };
        let member = Member {
            alive: true,
            refused: 0,
            others: 0,
        };
        self.model.members.insert(owner, member);
        self.parties.push(Party::new(owner, strict, queue));
    }

    pub(super) fn dead(&self) -> impl Iterator<Item = u64> {
        let members = self.model.members.iter();
        members
            .filter(|(_, member)| !member.alive)
            .map(|(&owner, _)| owner)
    }

    /// A batch may look for the dead between two items, if the last look was long ago, and then get theirs. So that it does
    /// not depend on the clock, they are recovered first.
    pub(super) fn prepare(&mut self, instruction: Instruction) {
        let is_batch = [PUT_MANY, GET_MANY].contains(&(instruction.code % CODES));
        if is_batch && !self.parties.is_empty() {
            self.model.claimed.clear();
            self.recover(0);
        }
    }

    /// Carries out one instruction. Returns who has done so, if anybody.
    pub(super) fn act(&mut self, instruction: Instruction) -> Option<u64> {
        self.model.claimed.clear();
        let owner = self.dispatch(instruction);
        self.note_recoveries();
        owner
    }

    /// Whoever finds nothing, or no room, looks for the dead if the last look was long ago.
    fn note_recoveries(&mut self) {
        let gone: Vec<_> = self.dead().collect();
        if !gone.is_empty() {
            let attached = self.peer.look().attached;
            for owner in gone.into_iter().filter(|owner| !attached.contains(owner)) {
                self.model.recovered(owner);
            }
        }
    }

    fn dispatch(&mut self, instruction: Instruction) -> Option<u64> {
        let Instruction { code, who, a, b } = instruction;
        let code = code % CODES;
        if self.parties.is_empty() || code == 36 {
            if self.parties.len() < PLACES - 1 {
                let strict = a & 1 == 1;
                let queue = Options::new().strict(strict).from_fd(self.peer.fd());
                self.join_in(queue.expect("a place is free, or a dead one's"), strict);
                return self.parties.last().map(|party| party.owner);
            }
            return None;
        }
        let i = usize::from(who & 15) % self.parties.len();
        let owner = self.parties[i].owner;
        let which = usize::from(who >> 4);
        match code {
            0..=3 => self.put(i, a, b),
            4 => self.put_parts(i, a, b),
            PUT_MANY => self.put_many(i, a, b),
            6..=8 => self.loan(i, a),
            9 => self.truncate(i, which, b),
            10..=12 => self.commit(i, which),
            13 => self.drop_loan(i, which),
            14..=16 => self.get(i, b),
            GET_MANY => self.get_many(i, b),
            18 | 19 => self.get_ref(i),
            20 => self.write(i, which),
            21 => self.drop_message(i, which),
            22..=24 => self.lease(i),
            25 => self.ack(i, which),
            26 | 27 => self.refuse(i, which),
            28 => self.take_message(i, which),
            29 => self.set_aside(i, which),
            30 => self.inspect(i, a),
            31 => self.requeue(i, a),
            32 => self.discard(i, a),
            33 => self.recover(i),
            34 => self.audit(i),
            35 => self.parties[i].clone_or_drop(b),
            37 => self.detach(i),
            38 => self.join(i),
            _ => self.shut_down(i, a),
        }
        Some(owner)
    }

    pub(super) fn payload(&mut self, length: usize) -> Vec<u8> {
        self.stamp = self.stamp.wrapping_add(1);
        (0..length).map(|i| self.stamp ^ (i as u8)).collect()
    }

    /// What must hold between any two operations.
    pub(super) fn check(&mut self) {
        if self.parties.is_empty() {
            return;
        }
        self.turn += 1;
        let i = self.turn % self.parties.len();
        let (model, queue) = (&self.model, self.parties[i].queue(0));
        assert_eq!(queue.len(), model.queued());
        assert_eq!(queue.is_full(), model.queued() == model.capacity);
        let again = model.count(|place| place == Place::Retry);
        let aside = model.count(|place| place == Place::Aside);
        assert_eq!(
            queue.is_empty(),
            model.queued() == 0 && (again == 0 || !model.flag)
        );
        let stats = queue.stats();
        let found = [
            stats.queued,
            stats.retry,
            stats.quarantined,
            stats.loaned,
            stats.free,
        ];
        let expected = [model.queued(), again, aside, model.loaned(), model.free()];
        assert_eq!(
            found.map(|n| n as usize),
            expected,
            "queued, retry, quarantined, loaned, free: {model:?}"
        );
        let positions: Vec<_> = queue
            .quarantined()
            .iter()
            .map(|item| item.position)
            .collect();
        let items = model.items.iter();
        let aside = items.filter(|(_, item)| item.place == Place::Aside);
        assert!(positions.iter().eq(aside.map(|(p, _)| p)), "{positions:?}");
        assert_eq!(self.peer.look().retry, model.flag);
        assert_eq!(stats.participants.len(), model.members.len());
        assert_eq!(
            stats.total_put,
            model.next - model.capacity.next_power_of_two() as u64
        );
        self.check_guards();
    }
}
