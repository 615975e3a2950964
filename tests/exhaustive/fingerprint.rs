//! A fast fingerprint of 64 bits. States are made of small numbers, so eight of them are mixed at once.

use std::hash::{BuildHasherDefault, Hash, Hasher};

/// The hasher of a map whose keys are fingerprints: they need no more mixing.
pub(crate) type Fingerprinted = BuildHasherDefault<AsItIs>;

pub(crate) fn fingerprint<T: Hash>(value: &T) -> u64 {
    let mut mixer = Mixer {
        state: FACTOR,
        word: 0,
        bytes: 0,
    };
    value.hash(&mut mixer);
    mixer.finish()
}

/// An odd number without a pattern.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Collects bytes into words, and folds the product of each.
struct Mixer {
    state: u64,
    word: u64,
    bytes: u32,
}

fn fold(word: u64) -> u64 {
    let product = u128::from(word) * u128::from(FACTOR);
    product as u64 ^ (product >> 64) as u64
}

impl Hasher for Mixer {
    fn write_u8(&mut self, byte: u8) {
        self.word = self.word << 8 | u64::from(byte);
        self.bytes += 1;
        if self.bytes == 8 {
            self.state = fold(self.state.rotate_left(29) ^ self.word);
            (self.word, self.bytes) = (0, 0);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u8(byte);
        }
    }

    /// The variant of an enum, of which there are few.
    fn write_isize(&mut self, variant: isize) {
        self.write_u8(variant as u8);
    }

    /// The length of an array: always the same.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        fold(fold(self.state ^ u64::from(self.bytes)) ^ self.word.rotate_left(17))
    }
}

/// Takes a fingerprint for its own hash.
#[derive(Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints are hashed")
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
