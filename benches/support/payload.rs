//! What the contestants carry: 64 bytes, written in full, read in full, and numbered so that a lost item shows.

/// The payload of most contests.
pub(crate) const BYTES: usize = 64;

/// So many bits of a tag count the items of one producer; the bits above name the producer.
const PRODUCER_SHIFT: u32 = 48;
/// Producer 255 does not exist: this tag tells a consumer that nothing more comes.
pub(crate) const STOP: u64 = 255 << PRODUCER_SHIFT;

/// The tag of a producer's item.
#[inline(always)]
pub(crate) fn tag(producer: u64, number: u64) -> u64 {
    producer << PRODUCER_SHIFT | number
}

/// Who put the item with this tag.
#[inline(always)]
pub(crate) fn producer(tag: u64) -> usize {
    (tag >> PRODUCER_SHIFT) as usize
}

/// All bytes of a payload, made from its tag.
#[inline(always)]
pub(crate) fn write(tag: u64) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (i, word) in bytes.chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&(tag ^ i as u64).to_ne_bytes());
    }
    bytes
}

/// Reads all bytes of a payload, checks them, and returns its tag.
#[inline(always)]
pub(crate) fn read(bytes: &[u8]) -> u64 {
    let bytes: &[u8; BYTES] = bytes.try_into().expect("a payload of 64 bytes");
    let word = |i: usize| u64::from_ne_bytes(bytes[8 * i..8 * i + 8].try_into().expect("8 bytes"));
    let tag = word(0);
    let mut difference = 0;
    for i in 1..BYTES / 8 {
        difference |= word(i) ^ tag ^ i as u64;
    }
    assert_eq!(difference, 0, "a torn payload");
    tag
}

/// One consumer's account of what it got.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) items: u64,
    pub(crate) sum: u64,
    /// The next number that each producer may have, at least: a consumer sees them in order.
    next: [u64; 16],
}

impl Account {
    #[inline(always)]
    pub(crate) fn note(&mut self, tag: u64) {
        let number = tag & ((1 << PRODUCER_SHIFT) - 1);
        let next = &mut self.next[producer(tag)];
        assert!(number >= *next, "item {number} came after {next}");
        *next = number + 1;
        self.items += 1;
        self.sum = self.sum.wrapping_add(number);
    }
}
