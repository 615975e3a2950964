//! What can be wrong with a segment, as the ring meets it.

use crate::error::Corrupt;

/// Something that no correct process writes into a segment, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A slot names a descriptor that does not exist.
    NoSuchDescriptor { slot: u32 },
    /// A search ended at this slot without an end of the queue.
    Endless { slot: u32 },
    /// A descriptor's extent reaches beyond the arena.
    ExtentBeyondArena { descriptor: u32 },
    /// A descriptor that this process holds was changed by another.
    NotOurs { descriptor: u32 },
    /// A payload is longer than the memory that it lies in.
    PayloadBeyondMemory { descriptor: u32 },
}

impl From<Fault> for Corrupt {
    fn from(fault: Fault) -> Corrupt {
        let (what, place, index) = match fault {
            Fault::NoSuchDescriptor { slot } => ("a descriptor that does not exist", "slot", slot),
            Fault::Endless { slot } => ("no end to the search for a position", "slot", slot),
            Fault::ExtentBeyondArena { descriptor } => {
                ("an extent beyond the arena", "descriptor", descriptor)
            }
            Fault::NotOurs { descriptor } => {
                ("another word than its holder's", "descriptor", descriptor)
            }
            Fault::PayloadBeyondMemory { descriptor } => (
                "a payload longer than its memory (the item is quarantined)",
                "descriptor",
                descriptor,
            ),
        };
        Corrupt {
            what,
            place,
            index: index.into(),
        }
    }
}
