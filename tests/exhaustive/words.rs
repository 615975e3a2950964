//! The words of the segment, as small as a model needs them, and the locks that the kernel keeps beside it.

/// The number of an item since the queue was created. So few items never wrap it.
pub(crate) type Position = u8;
/// The index of a slot, a descriptor, a chunk or a participant's place.
pub(crate) type Index = u8;
/// An item's payload; 0 is what memory holds that nobody may read.
pub(crate) type Payload = u8;

/// The most that any model has of each.
pub(crate) const SLOTS: usize = 4;
pub(crate) const DESCRIPTORS: usize = 5;
pub(crate) const CHUNKS: usize = 3;
pub(crate) const PLACES: usize = 5;

/// A participant and its incarnation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Owner {
    pub(crate) place: Index,
    pub(crate) incarnation: u8,
}

/// D: who has the descriptor, and at which position its item is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum Word {
    #[default]
    Free,
    Own(Owner),
    Pend(Owner, Position),
    Loan(Owner, Position),
    Retry(Position),
    Recl(Owner),
    Quar(Position),
    Held(Owner, Position),
}

impl Word {
    pub(crate) fn owner(self) -> Option<Owner> {
        match self {
            Word::Own(owner)
            | Word::Recl(owner)
            | Word::Pend(owner, _)
            | Word::Loan(owner, _)
            | Word::Held(owner, _) => Some(owner),
            Word::Free | Word::Retry(_) | Word::Quar(_) => None,
        }
    }

    pub(crate) fn is_pending(self, position: Position) -> bool {
        matches!(self, Word::Pend(_, p) if p == position)
    }
}

/// S: the last filled position and the descriptor that filled it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Slot {
    pub(crate) position: Position,
    pub(crate) descriptor: Option<Index>,
}

/// A run of chunks; no chunks: no extent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Extent {
    pub(crate) start: Index,
    pub(crate) count: u8,
}

impl Extent {
    pub(crate) const NONE: Extent = Extent { start: 0, count: 0 };

    pub(crate) fn chunks(self) -> std::ops::Range<Index> {
        self.start..self.start + self.count
    }
}

/// The item word and the inline payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Item {
    pub(crate) payload: Payload,
    /// The payload's length: so many chunks; 0: it is inline.
    pub(crate) chunks: u8,
    pub(crate) deliveries: u8,
}

/// A descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Record {
    pub(crate) word: Word,
    pub(crate) extent: Extent,
    pub(crate) item: Item,
}

/// A chunk's word, and what lies in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) of: Option<Index>,
    pub(crate) payload: Payload,
}

/// The queue's state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) enum State {
    #[default]
    Open,
    Draining,
    Closed,
}

/// The word of a participant's entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) incarnation: u8,
    pub(crate) attached: bool,
}

/// The segment.
#[derive(Clone, Hash, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) tail_hint: Position,
    pub(crate) head_hint: Position,
    /// Bit 0: there may be RETRY items. The rest counts how often that was said.
    pub(crate) retry: u8,
    pub(crate) state: State,
    pub(crate) entries: [Entry; PLACES],
    /// Which process holds the lock of a place's byte.
    pub(crate) locks: [Option<u8>; PLACES],
    pub(crate) slots: [Slot; SLOTS],
    pub(crate) records: [Record; DESCRIPTORS],
    pub(crate) chunks: [Chunk; CHUNKS],
}
