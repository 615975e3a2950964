//! What arrived: one bit for each message, and a count for everything that must not be.
//!
//! Each consumer keeps a ledger of its own and hands it to the parent at the end, which merges
//! them: a bit that two ledgers have set is a message that was delivered twice.

use super::message::Header;
use super::workload::Workload;
use serde::{Deserialize, Serialize};

/// One consumer's, or everyone's, account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// For each producer, a bit for each of its messages.
    arrived: Vec<Bits>,
    /// For each producer, the sequence number that must come next, at least.
    #[serde(skip)]
    next: Vec<u64>,
    faults: Faults,
}

/// What must not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Faults {
    /// Messages that did not arrive.
    pub(crate) lost: u64,
    /// Messages that arrived more than once.
    pub(crate) duplicated: u64,
    /// Messages that one consumer got after a later one of the same producer.
    pub(crate) reordered: u64,
    /// Messages whose line is not the one that was sent.
    pub(crate) altered: u64,
    /// Messages that nobody sent.
    pub(crate) unknown: u64,
}

/// The result of the check.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Verdict {
    /// Whether what arrived is what was sent.
    pub(crate) passed: bool,
    /// How many different messages arrived.
    pub(crate) arrived: u64,
    #[serde(flatten)]
    pub(crate) faults: Faults,
}

impl Ledger {
    /// Nothing has arrived.
    pub(crate) fn new(workload: &Workload) -> Self {
        let bits = |producer| Bits::new(workload.count(producer));
        let arrived: Vec<Bits> = (0..workload.producers()).map(bits).collect();
        let next = vec![0; arrived.len()];
        Ledger {
            arrived,
            next,
            faults: Faults::default(),
        }
    }

    /// Enters one payload; its header, if it has one.
    pub(crate) fn record(&mut self, payload: &[u8], workload: &Workload) -> Option<Header> {
        let parts = Header::read(payload).filter(|(header, _)| {
            header.producer < workload.producers()
                && header.sequence < workload.count(header.producer)
        });
        let Some((header, line)) = parts else {
            self.faults.unknown += 1;
            return None;
        };
        let producer = header.producer as usize;
        if self.arrived[producer].set(header.sequence) {
            self.faults.duplicated += 1;
        }
        self.faults.reordered += u64::from(header.sequence < self.next[producer]);
        self.next[producer] = header.sequence + 1;
        self.faults.altered += u64::from(line != workload.line(header.producer, header.sequence));
        Some(header)
    }

    /// Adds another consumer's account; an error if that is about another workload.
    pub(crate) fn merge(&mut self, other: &Ledger) -> Result<(), &'static str> {
        if self.arrived.len() != other.arrived.len() {
            return Err("another number of producers");
        }
        for (mine, theirs) in self.arrived.iter_mut().zip(&other.arrived) {
            self.faults.duplicated += mine.merge(theirs)?;
        }
        self.faults.duplicated += other.faults.duplicated;
        self.faults.reordered += other.faults.reordered;
        self.faults.altered += other.faults.altered;
        self.faults.unknown += other.faults.unknown;
        Ok(())
    }

    /// Compares what arrived with what was sent.
    pub(crate) fn verdict(&self) -> Verdict {
        let sent: u64 = self.arrived.iter().map(|bits| bits.length).sum();
        let arrived = self.arrived.iter().map(Bits::count).sum();
        let faults = Faults {
            lost: sent - arrived,
            ..self.faults
        };
        let passed = faults == Faults::default();
        Verdict {
            passed,
            arrived,
            faults,
        }
    }
}

/// A set of the numbers below `length`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bits {
    length: u64,
    words: Vec<u64>,
}

impl Bits {
    fn new(length: u64) -> Self {
        let words = vec![0; length.div_ceil(64) as usize];
        Bits { length, words }
    }

    /// Adds a number; whether it was there before.
    fn set(&mut self, number: u64) -> bool {
        let word = &mut self.words[(number / 64) as usize];
        let bit = 1 << (number % 64);
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    /// Adds a whole set; how many of its numbers were there before.
    fn merge(&mut self, other: &Bits) -> Result<u64, &'static str> {
        if (self.length, self.words.len()) != (other.length, other.words.len()) {
            return Err("another number of messages");
        }
        let mut common = 0;
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            common += u64::from((*mine & theirs).count_ones());
            *mine |= theirs;
        }
        Ok(common)
    }

    fn count(&self) -> u64 {
        self.words
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::HEADER;
    use super::*;

    const PRODUCERS: u64 = 3;

    fn workload() -> Workload {
        Workload::load(None, PRODUCERS as u32, Some(200)).expect("the built-in text")
    }

    fn payload(workload: &Workload, producer: u64, sequence: u64) -> Vec<u8> {
        let line = workload.line(producer, sequence);
        let mut payload = vec![0; HEADER + line.len()];
        Header {
            producer,
            sequence,
            sent: 0,
        }
        .write(line, &mut payload);
        payload
    }

    /// Two consumers that share all messages fairly.
    fn two_ledgers(workload: &Workload) -> [Ledger; 2] {
        let mut ledgers = [Ledger::new(workload), Ledger::new(workload)];
        for producer in 0..PRODUCERS {
            for sequence in 0..workload.count(producer) {
                let payload = payload(workload, producer, sequence);
                let header = ledgers[(sequence % 2) as usize].record(&payload, workload);
                assert_eq!(header.map(|header| header.sequence), Some(sequence));
            }
        }
        ledgers
    }

    fn verdict(workload: &Workload, ledgers: &[Ledger]) -> Verdict {
        let mut all = Ledger::new(workload);
        for ledger in ledgers {
            let json = serde_json::to_string(ledger).expect("as it travels");
            let ledger = serde_json::from_str(&json).expect("as it travels");
            all.merge(&ledger).expect("the same workload");
        }
        all.verdict()
    }

    #[test]
    fn everything_once_passes() {
        let workload = workload();
        let verdict = verdict(&workload, &two_ledgers(&workload));
        assert!(verdict.passed, "{verdict:?}");
        assert_eq!(verdict.arrived, 200);
    }

    #[test]
    fn every_fault_is_found() {
        let workload = workload();
        let good = two_ledgers(&workload);
        let faults = |ledgers: &[Ledger]| {
            let verdict = verdict(&workload, ledgers);
            assert!(!verdict.passed, "{verdict:?}");
            verdict.faults
        };

        assert_eq!(faults(&good[..1]).lost, 99);
        assert_eq!(
            faults(&[good[0].clone(), good[1].clone(), good[1].clone()]).duplicated,
            99
        );

        let mut again = good.clone();
        again[0].record(&payload(&workload, 1, 1), &workload);
        let found = faults(&again);
        assert_eq!((found.duplicated, found.reordered), (1, 1));

        let mut altered = Ledger::new(&workload);
        let mut wrong = payload(&workload, 2, 5);
        wrong.push(b'!');
        altered.record(&wrong, &workload);
        assert_eq!(faults(&[altered]).altered, 1);

        let mut unknown = Ledger::new(&workload);
        assert_eq!(unknown.record(b"short", &workload), None);
        wrong[0] = PRODUCERS as u8;
        assert_eq!(unknown.record(&wrong, &workload), None);
        assert_eq!(faults(&[unknown]).unknown, 2);
    }

    #[test]
    fn an_account_of_something_else_is_refused() {
        let mut ledger = Ledger::new(&workload());
        let other = Workload::load(None, 2, Some(200)).expect("the built-in text");
        assert!(ledger.merge(&Ledger::new(&other)).is_err());
        let other = Workload::load(None, PRODUCERS as u32, Some(1000)).expect("the built-in text");
        assert!(ledger.merge(&Ledger::new(&other)).is_err());
    }
}
