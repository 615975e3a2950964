//! What producers and consumers have in common: a process that plays a part until it is killed or told to end.

use crate::common::scrambled;
use crate::ledger::Ledger;
use crate::pauses::Pauses;
use crate::words::Words;
use ringpost::BytesQueue;
use std::time::Duration;

/// Numbers that look random and are the same for the same seed.
pub(crate) struct Dice(Box<dyn Iterator<Item = u64>>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(Box::new(scrambled(seed).skip(8)))
    }

    /// 0 to `sides` − 1.
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        let word = self.0.next().expect("endless");
        (word >> 8) % sides
    }

    pub(crate) fn microseconds(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.below(most + 1))
    }
}

/// One process.
pub(crate) struct Player<'a> {
    pub(crate) queue: BytesQueue,
    pub(crate) ledger: &'a Ledger,
    pub(crate) number: usize,
    pub(crate) incarnation: u64,
    /// The longest payload.
    pub(crate) longest: usize,
    pub(crate) dice: Dice,
    /// It is never killed, never idles on purpose, and keeps account of its pauses.
    pub(crate) survivor: Option<Survivor<'a>>,
}

pub(crate) struct Survivor<'a> {
    pub(crate) pauses: Pauses,
    pub(crate) account: &'a Words,
}

impl Player<'_> {
    /// Something has succeeded.
    pub(crate) fn success(&mut self) {
        if let Some(survivor) = &mut self.survivor {
            survivor.pauses.success(self.ledger);
        }
    }

    /// Holds what it has for a while, now and then: a kill should meet every state.
    pub(crate) fn linger(&mut self) {
        if self.survivor.is_none() && self.dice.below(16) == 0 {
            std::thread::sleep(self.dice.microseconds(3000));
        }
    }

    /// A survivor's end.
    pub(crate) fn hand_over(&self) {
        if let Some(survivor) = &self.survivor {
            survivor.pauses.hand_over(survivor.account);
        }
    }
}
