//! What a consumer leaves that dies right after its claim, before it has counted the delivery: the words, and what comes of
//! them. `tests/storm` meets this moment by chance.

use crate::segment_file::{Field, SegmentFile, items};

const STATE: u64 = 7 << 61;
const PEND: u64 = 2 << 61;
const LOAN: u64 = 3 << 61;
const POSITION: u64 = (1 << 44) - 1;
/// Where a descriptor has its word.
const WORD: u64 = 8;
/// The place of the one who died, and the bits by which a descriptor names it.
const ENTRY_5: Field = ("participant 5", 1024 + 5 * 64, 8);
const OWNER_5: u64 = 5 << 51;

#[test]
fn an_item_that_was_claimed_and_not_counted_says_that_it_comes_again() {
    let file = SegmentFile::new();
    let (position, index) = (0..8)
        .map(|index| (file.word(index, WORD), index))
        .filter(|(word, _)| word & STATE == PEND)
        .map(|(word, index)| (word & POSITION, index))
        .min()
        .unwrap();
    file.damage(ENTRY_5, 1);
    file.set_word(index, WORD, LOAN | OWNER_5 | position);
    let queue = file.open().unwrap();
    let first = queue.try_lease().unwrap();
    assert!(*first == items()[0]);
    assert_eq!((first.is_redelivered(), first.deliveries()), (true, 1));
    let second = queue.try_lease().unwrap();
    assert!(*second == items()[1]);
    assert!(!second.is_redelivered());
}
