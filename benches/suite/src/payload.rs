//! What every queue carries: payloads that are written in full and read in full, and numbered, so that a lost item shows.

use std::fmt;

/// So many bits of a tag count the items of one sender; the bits above name the sender.
const SENDER_SHIFT: u32 = 48;
/// Sender 255 does not exist: this tag tells a receiver that nothing more comes.
pub const STOP: u64 = 255 << SENDER_SHIFT;
/// No more senders than that.
const SENDERS: usize = 64;

/// What is wrong with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The payload has another length than was sent.
    Length { got: usize, sent: usize },
    /// Its words do not belong together.
    Torn,
    /// No sender has this number.
    Stranger,
    /// Some before it never came.
    Missing { expected: u64, got: u64 },
    /// It came before, or after a later one.
    Backwards { expected: u64, got: u64 },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Fault::Length { got, sent } => {
                write!(
                    f,
                    "a payload of {got} bytes was received, and {sent} were sent"
                )
            }
            Fault::Torn => f.write_str("a payload is not what was sent"),
            Fault::Stranger => f.write_str("an item came that nobody sent"),
            Fault::Missing { expected, got } => {
                write!(
                    f,
                    "item {got} came when {expected} was next: items were lost or overtaken"
                )
            }
            Fault::Backwards { expected, got } => {
                write!(
                    f,
                    "item {got} came when {expected} was next: it came twice or was overtaken"
                )
            }
        }
    }
}

/// The tag of a sender's item.
#[inline(always)]
pub fn tag(sender: usize, number: u64) -> u64 {
    (sender as u64) << SENDER_SHIFT | number
}

/// The number of the item with this tag.
#[inline(always)]
pub fn number(tag: u64) -> u64 {
    tag & ((1 << SENDER_SHIFT) - 1)
}

/// Writes all bytes of a payload, made from its tag. Its length is a multiple of 8.
#[inline(always)]
pub fn write(bytes: &mut [u8], tag: u64) {
    if let Ok(short) = <&mut [u8; 64]>::try_from(&mut *bytes) {
        words(short, tag); // the compiler unrolls it
    } else {
        words(bytes, tag);
    }
}

#[inline(always)]
fn words(bytes: &mut [u8], tag: u64) {
    for (i, word) in bytes.chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&(tag ^ i as u64).to_ne_bytes());
    }
}

/// Reads all bytes of a payload, checks them, and returns its tag.
#[inline(always)]
pub fn read(bytes: &[u8], sent: usize) -> Result<u64, Fault> {
    if bytes.len() != sent {
        let got = bytes.len();
        return Err(Fault::Length { got, sent });
    }
    if let Ok(short) = <&[u8; 64]>::try_from(bytes) {
        checked(short)
    } else {
        checked(bytes)
    }
}

#[inline(always)]
fn checked(bytes: &[u8]) -> Result<u64, Fault> {
    let tag = first(bytes);
    let mut difference = 0;
    for (i, word) in bytes.chunks_exact(8).enumerate() {
        difference |= first(word) ^ tag ^ i as u64;
    }
    if difference == 0 {
        Ok(tag)
    } else {
        Err(Fault::Torn)
    }
}

/// Writes the tag alone: for payloads that are handed over untouched.
#[inline(always)]
pub fn write_tag(bytes: &mut [u8], tag: u64) {
    bytes[..8].copy_from_slice(&tag.to_ne_bytes());
}

/// Reads the tag alone.
#[inline(always)]
pub fn read_tag(bytes: &[u8], sent: usize) -> Result<u64, Fault> {
    if bytes.len() != sent {
        let got = bytes.len();
        return Err(Fault::Length { got, sent });
    }
    Ok(first(bytes))
}

#[inline(always)]
fn first(bytes: &[u8]) -> u64 {
    u64::from_ne_bytes(bytes[..8].try_into().expect("8 bytes"))
}

/// One worker's account of what it sent or got.
#[derive(Debug)]
pub struct Account {
    /// How many items.
    pub items: u64,
    /// A sum over their tags that tells one set of items from another of as many.
    pub digest: u64,
    /// The next number that each sender may have.
    next: [u64; SENDERS],
    /// This worker gets every item, so a gap is a loss.
    alone: bool,
}

impl Account {
    /// Nothing so far.
    pub fn new(alone: bool) -> Account {
        Account {
            items: 0,
            digest: 0,
            next: [0; SENDERS],
            alone,
        }
    }

    /// Notes an item that was received, unless it is out of order.
    #[inline(always)]
    pub fn note(&mut self, tag: u64) -> Result<(), Fault> {
        let number = number(tag);
        let next = self.next.get_mut((tag >> SENDER_SHIFT) as usize);
        let next = next.ok_or(Fault::Stranger)?;
        let (expected, got) = (*next, number);
        if got < expected {
            return Err(Fault::Backwards { expected, got });
        }
        if self.alone && got > expected {
            return Err(Fault::Missing { expected, got });
        }
        *next = number + 1;
        self.add(tag);
        Ok(())
    }

    /// Notes an item that was sent.
    #[inline(always)]
    pub fn add(&mut self, tag: u64) {
        self.items += 1;
        self.digest = self.digest.wrapping_add(tag.wrapping_mul(tag | 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_as_it_was_written() {
        for length in [8, 16, 64, 1024] {
            let mut bytes = vec![0; length];
            write(&mut bytes, tag(3, 77));
            assert_eq!(read(&bytes, length), Ok(tag(3, 77)), "{length}");
        }
    }

    #[test]
    fn any_changed_word_shows() {
        let mut bytes = vec![0; 1024];
        for at in (8..1024).step_by(8) {
            write(&mut bytes, 5);
            bytes[at + 3] ^= 1;
            assert_eq!(read(&bytes, 1024), Err(Fault::Torn), "{at}");
        }
    }

    #[test]
    fn a_short_payload_shows() {
        let fault = Fault::Length { got: 56, sent: 64 };
        assert_eq!(read(&[0; 56], 64), Err(fault));
        assert_eq!(read_tag(&[0; 56], 64), Err(fault));
    }

    #[test]
    fn an_account_finds_what_is_out_of_order() {
        let mut alone = Account::new(true);
        assert_eq!(alone.note(tag(0, 0)), Ok(()));
        let (expected, got) = (1, 2);
        assert_eq!(alone.note(tag(0, 2)), Err(Fault::Missing { expected, got }));
        let (expected, got) = (1, 0);
        assert_eq!(
            alone.note(tag(0, 0)),
            Err(Fault::Backwards { expected, got })
        );
        assert_eq!(alone.note(tag(99, 0)), Err(Fault::Stranger));
        let mut shared = Account::new(false);
        assert_eq!(shared.note(tag(1, 5)), Ok(()), "the others have the rest");
    }

    #[test]
    fn accounts_of_other_items_differ() {
        let (mut one, mut other) = (Account::new(true), Account::new(true));
        [1, 4]
            .into_iter()
            .for_each(|number| one.add(tag(0, number)));
        [2, 3]
            .into_iter()
            .for_each(|number| other.add(tag(0, number)));
        assert_ne!(one.digest, other.digest);
    }
}
