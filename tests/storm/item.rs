//! Items: who put them, and a payload that follows from that to the last byte.

use crate::common::scrambled;

/// One item, as its payload names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) producer: usize,
    /// Which of the processes that had this producer's place, one after the other.
    pub(crate) incarnation: u64,
    /// Counted through all incarnations.
    pub(crate) index: usize,
}

/// The words that name it, before the bytes that follow from them.
const HEADER: usize = 16;
/// Lengths up to here need no arena with the default options.
const INLINE: usize = 88;

impl Item {
    /// The bytes behind the name, and what decides the length.
    fn words(&self) -> impl Iterator<Item = u64> {
        scrambled(self.name() ^ (self.index as u64).rotate_left(40))
    }

    fn name(&self) -> u64 {
        (self.producer as u64) << 32 | self.incarnation
    }

    /// Most are short, some take a few chunks, few as much as any item of the queue may: `longest`.
    pub(crate) fn length(&self, longest: usize) -> usize {
        let mut words = self.words();
        let mut next = || words.next().expect("endless") >> 8;
        let limit = match next() % 16 {
            0..=9 => INLINE,
            10..=13 => longest / 4,
            _ => longest,
        };
        HEADER + next() as usize % (limit - HEADER + 1)
    }

    /// Fills `out`, which has the item's length.
    pub(crate) fn write(&self, out: &mut [u8]) {
        let words = [self.name(), self.index as u64].into_iter();
        for (bytes, word) in out.chunks_mut(8).zip(words.chain(self.words())) {
            bytes.copy_from_slice(&word.to_le_bytes()[..bytes.len()]);
        }
    }

    pub(crate) fn payload(&self, longest: usize) -> Vec<u8> {
        let mut payload = vec![0; self.length(longest)];
        self.write(&mut payload);
        payload
    }

    /// The item that this payload names, if it is that item's to the last byte.
    pub(crate) fn read(payload: &[u8], longest: usize) -> Option<Item> {
        let word = |at: usize| {
            Some(u64::from_le_bytes(
                payload.get(at..at + 8)?.try_into().ok()?,
            ))
        };
        let (name, index) = (word(0)?, word(8)?);
        let item = Item {
            producer: (name >> 32) as usize,
            incarnation: name & u64::from(u32::MAX),
            index: index as usize,
        };
        let intact = payload.len() == item.length(longest)
            && payload[HEADER..]
                .chunks(8)
                .zip(item.words())
                .all(|(bytes, word)| *bytes == word.to_le_bytes()[..bytes.len()]);
        intact.then_some(item)
    }
}
