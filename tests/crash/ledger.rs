//! What every process put and got, and whether that adds up.

use crate::common::payload;
use crate::points;
use std::collections::BTreeMap;

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Actor {
    /// The process that looks on, and goes on.
    Driver,
    /// The process under test.
    Victim,
    /// One that runs, or sleeps, beside it.
    Partner,
    /// One that was killed before.
    Corpse,
}

/// What happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A put has begun.
    Putting = 1,
    /// It has returned: the item is there.
    Put,
    /// It has returned an error: the item is not there.
    NotPut,
    /// The item was delivered for good.
    Got,
    /// The item was found in the quarantine.
    Aside,
    /// The item was thrown away on purpose.
    Dropped,
    /// Somebody was told that there is nothing left, and never will be. No item.
    Closed,
}

const ACTORS: [Actor; 4] = [Actor::Driver, Actor::Victim, Actor::Partner, Actor::Corpse];
const KINDS: [Kind; 7] = [
    Kind::Putting,
    Kind::Put,
    Kind::NotPut,
    Kind::Got,
    Kind::Aside,
    Kind::Dropped,
    Kind::Closed,
];

/// An entry of the ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) actor: Actor,
    pub(crate) kind: Kind,
    pub(crate) number: u32,
    /// Of a delivery whose position is known.
    pub(crate) position: Option<u64>,
    pub(crate) redelivered: bool,
}

pub(crate) fn note(actor: Actor, kind: Kind, number: u32) {
    note_delivery(actor, kind, number, None, false);
}

pub(crate) fn note_delivery(
    actor: Actor,
    kind: Kind,
    number: u32,
    position: Option<u64>,
    redelivered: bool,
) {
    let what = kind as u64 | (actor as u64) << 8 | u64::from(redelivered) << 16;
    points::log([
        what | u64::from(number) << 32,
        position.map_or(0, |position| position + 1),
    ]);
}

pub(crate) fn entries() -> Vec<Entry> {
    let read = |[what, position]: [u64; 2]| Entry {
        actor: ACTORS[(what >> 8 & 0xff) as usize],
        kind: KINDS[(what & 0xff) as usize - 1],
        number: (what >> 32) as u32,
        position: position.checked_sub(1),
        redelivered: what >> 16 & 1 == 1,
    };
    points::logged().into_iter().map(read).collect()
}

/// The bytes of item `number`: its number and its length, then what only follows from the number.
pub(crate) fn item(number: u32, length: usize) -> Vec<u8> {
    let mut bytes = payload(number.into(), length);
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    bytes[4..8].copy_from_slice(&(length as u32).to_le_bytes());
    bytes
}

/// Which item this is. It must be whole.
pub(crate) fn number(bytes: &[u8]) -> u32 {
    assert!(bytes.len() >= 8, "an item of {} bytes", bytes.len());
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let (number, length) = (word(0), word(4) as usize);
    assert!(
        length == bytes.len() && bytes == item(number, length),
        "item {number} of {length} bytes is torn: {} bytes",
        bytes.len()
    );
    number
}

/// What the whole ledger says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) put: usize,
    pub(crate) delivered: usize,
    pub(crate) redelivered: usize,
    /// Items that were put, or were there, and that nobody living has got: had by the dead, or lost.
    pub(crate) missing: Vec<u32>,
}

/// Holds the ledger against what must be true whatever died: nothing twice, nothing torn, nothing invented, in order.
pub(crate) fn judge(entries: &[Entry]) -> Verdict {
    #[derive(Default)]
    struct Item {
        kinds: Vec<Kind>,
        got: Vec<Entry>,
        /// It was got after somebody was told that nothing would come any more.
        is_late: bool,
    }
    let mut items: BTreeMap<u32, Item> = BTreeMap::new();
    let mut latest: BTreeMap<Actor, u64> = BTreeMap::new();
    let mut closed = false;
    for &entry in entries {
        if entry.kind == Kind::Closed {
            closed = true;
            continue;
        }
        let item = items.entry(entry.number).or_default();
        item.kinds.push(entry.kind);
        if entry.kind != Kind::Got {
            continue;
        }
        item.got.push(entry);
        item.is_late = closed;
        if let Some(position) = entry.position
            && !entry.redelivered
        {
            let before = latest.insert(entry.actor, position);
            assert!(
                before.is_none_or(|before| before < position),
                "{entry:?} comes after position {before:?}, and nobody says that it was delivered before"
            );
        }
    }
    let mut verdict = Verdict::default();
    for (&number, item) in &items {
        let was = |kind| item.kinds.contains(&kind);
        let got = item.got.len();
        assert!(
            got <= 1,
            "item {number} was delivered twice: {:?}",
            item.got
        );
        assert!(was(Kind::Putting), "item {number} was never put");
        assert!(
            got == 0 || !was(Kind::NotPut),
            "item {number} was delivered, though its put had failed"
        );
        assert!(
            !item.is_late || !was(Kind::Put),
            "item {number}, whose put has returned, came after somebody was told that the queue is closed"
        );
        verdict.put += usize::from(was(Kind::Put) || got == 1);
        verdict.delivered += got;
        verdict.redelivered += item.got.iter().filter(|got| got.redelivered).count();
        if was(Kind::Put) && got == 0 && !was(Kind::Dropped) {
            verdict.missing.push(number);
        }
    }
    verdict
}

/// What became of item `number`, as the living see it.
pub(crate) fn fate(entries: &[Entry], number: u32) -> &'static str {
    let of_it = |kind| {
        entries.iter().find(move |entry| {
            entry.number == number && entry.kind == kind && entry.actor != Actor::Victim
        })
    };
    match (of_it(Kind::Aside), of_it(Kind::Got)) {
        (Some(_), _) => "aside",
        (None, Some(got)) if got.redelivered => "again",
        (None, Some(_)) => "first",
        (None, None) => "-",
    }
}
