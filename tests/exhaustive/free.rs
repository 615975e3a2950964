//! Freeing a descriptor: its chunks, its record, its word, in this order.

use super::frames::{Actor, Frame, Next, Step, Value};
use super::mutants::Mutant;
use super::words::*;

/// `free`: RECL(owner) → FREE, without an extent.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum Free {
    ClearChunk {
        h: Index,
        owner: Owner,
        extent: Extent,
        c: Index,
    },
    ClearRecord {
        h: Index,
        owner: Owner,
        extent: Extent,
    },
    SetWord {
        h: Index,
        owner: Owner,
        extent: Extent,
    },
}

impl Actor<'_> {
    /// Frees a chunk's word, if it names `h`.
    pub(crate) fn clear(&mut self, h: Index, c: Index) {
        let chunk = self.chunk(c);
        if chunk.of == Some(h) {
            *chunk = Chunk::default();
        }
    }

    /// May this descriptor keep its extent while it is free?
    pub(crate) fn keeps(&mut self, h: Index) -> bool {
        self.record(h).extent.count <= self.setup.sticky
    }

    /// The call that frees a descriptor that is RECL(owner).
    pub(crate) fn begin_free(&mut self, h: Index, owner: Owner) -> Frame {
        let extent = self.record(h).extent;
        Frame::Free(
            if extent == Extent::NONE || self.setup.is(Mutant::ChunksAfterFree) {
                Free::SetWord { h, owner, extent }
            } else if self.setup.is(Mutant::RecordClearedFirst) {
                Free::ClearRecord { h, owner, extent }
            } else {
                let c = extent.start;
                Free::ClearChunk {
                    h,
                    owner,
                    extent,
                    c,
                }
            },
        )
    }

    pub(crate) fn free(&mut self, step: Free) -> Step {
        let next = match step {
            Free::ClearChunk {
                h,
                owner,
                extent,
                c,
            } => {
                self.clear(h, c);
                if c + 1 < extent.chunks().end {
                    let c = c + 1;
                    Free::ClearChunk {
                        h,
                        owner,
                        extent,
                        c,
                    }
                } else if self.setup.is(Mutant::RecordClearedFirst) {
                    Free::SetWord { h, owner, extent }
                } else {
                    Free::ClearRecord { h, owner, extent }
                }
            }
            Free::ClearRecord { h, owner, extent } => {
                self.record(h).extent = Extent::NONE;
                if self.setup.is(Mutant::RecordClearedFirst) {
                    let c = extent.start;
                    Free::ClearChunk {
                        h,
                        owner,
                        extent,
                        c,
                    }
                } else if self.setup.is(Mutant::ChunksAfterFree) {
                    return Ok(Next::Return(Value::Done));
                } else {
                    Free::SetWord { h, owner, extent }
                }
            }
            Free::SetWord { h, owner, extent } => {
                self.set_free(h, Word::Recl(owner));
                if !self.setup.is(Mutant::ChunksAfterFree) || extent == Extent::NONE {
                    return Ok(Next::Return(Value::Done));
                }
                let c = extent.start;
                Free::ClearChunk {
                    h,
                    owner,
                    extent,
                    c,
                }
            }
        };
        Ok(Next::Go(Frame::Free(next)))
    }

    /// D: `from` → FREE. What lies there is nobody's from now on, and is wiped so that whoever reads it is caught.
    pub(crate) fn set_free(&mut self, h: Index, from: Word) -> bool {
        let freed = self.cas(h, from, Word::Free);
        if freed {
            self.record(h).item = Item::default();
            for chunk in &mut self.world.memory.chunks {
                if chunk.of == Some(h) {
                    chunk.payload = 0;
                }
            }
        }
        freed
    }
}
