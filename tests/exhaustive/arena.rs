//! The arena: extents of contiguous chunks, which belong to descriptors.

use super::frames::{Actor, Frame, Next, Step, Value};
use super::mutants::Mutant;
use super::words::*;

/// A run of chunks to be taken, for a descriptor; `again`: memory was reclaimed before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Run {
    pub(crate) h: Index,
    pub(crate) count: u8,
    pub(crate) start: Index,
    pub(crate) again: bool,
}

/// `refit`, `allocate`, `search`, `take`, `trim` and `reclaim`.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum Refit {
    /// Chunks that the payload does not need; the record follows.
    TrimChunk {
        h: Index,
        c: Index,
        end: Index,
        count: u8,
    },
    TrimRecord {
        h: Index,
        count: u8,
    },
    /// The old extent is given back, chunk by chunk, then the record; afterwards `count` are searched.
    GiveBackChunk {
        h: Index,
        c: Index,
        count: u8,
    },
    GiveBackRecord {
        h: Index,
        count: u8,
    },
    Search(Run, Index),
    StoreRecord(Run),
    TakeChunk(Run, Index),
    /// A conflict at the second chunk: what was taken before it is given back.
    UndoChunk {
        run: Run,
        c: Index,
        conflict: Index,
    },
    UndoRecord {
        run: Run,
        conflict: Index,
    },
    /// Memory is short: which FREE descriptor keeps some?
    Peek {
        h: Index,
        count: u8,
        other: Index,
        any: bool,
    },
    Reclaim {
        h: Index,
        count: u8,
        other: Index,
        seen: Extent,
        any: bool,
    },
    Reclaiming {
        h: Index,
        count: u8,
        other: Index,
    },
}

impl Actor<'_> {
    /// The call that makes an owned descriptor's extent fit `count` chunks; `None`: it does.
    pub(crate) fn begin_refit(&mut self, h: Index, count: u8) -> Option<Frame> {
        let Extent { start, count: has } = self.record(h).extent;
        if count > 0 && has >= count {
            return self.begin_trim(h, count);
        }
        let step = match (has, count) {
            (0, 0) => return None,
            (0, _) => search(Run {
                h,
                count,
                start: 0,
                again: false,
            }),
            _ => Refit::GiveBackChunk { h, c: start, count },
        };
        Some(Frame::Refit(step))
    }

    /// The call that gives back what `count` chunks do not need, unless they need half of it.
    pub(crate) fn begin_trim(&mut self, h: Index, count: u8) -> Option<Frame> {
        let Extent { start, count: has } = self.record(h).extent;
        let c = start + count;
        let end = start + has;
        let too_much = has > 2 * count;
        too_much.then_some(Frame::Refit(Refit::TrimChunk { h, c, end, count }))
    }

    pub(crate) fn refit(&mut self, step: Refit) -> Step {
        use Refit::*;
        match step {
            TrimChunk { h, c, end, count } => {
                self.clear(h, c);
                let c = c + 1;
                go(if c < end {
                    TrimChunk { h, c, end, count }
                } else {
                    TrimRecord { h, count }
                })
            }
            TrimRecord { h, count } => {
                self.record(h).extent.count = count;
                Ok(Next::Return(Value::Done))
            }
            GiveBackChunk { h, c, count } => {
                self.clear(h, c);
                let end = self.record(h).extent.chunks().end;
                go(if c + 1 < end {
                    let c = c + 1;
                    GiveBackChunk { h, c, count }
                } else {
                    GiveBackRecord { h, count }
                })
            }
            GiveBackRecord { h, count } => {
                self.record(h).extent = Extent::NONE;
                if count == 0 {
                    return Ok(Next::Return(Value::Done));
                }
                self.search_from(Run {
                    h,
                    count,
                    start: 0,
                    again: false,
                })
            }
            Search(run, c) => {
                if self.chunk(c).of.is_some() {
                    return self.search_from(Run {
                        start: c + 1,
                        ..run
                    });
                }
                go(if c + 1 < run.start + run.count {
                    Search(run, c + 1)
                } else if self.setup.is(Mutant::RecordAfterChunks) {
                    TakeChunk(run, run.start)
                } else {
                    StoreRecord(run)
                })
            }
            StoreRecord(run) => {
                self.record(run.h).extent = run.extent();
                if self.setup.is(Mutant::RecordAfterChunks) {
                    return Ok(Next::Return(Value::Done));
                }
                go(TakeChunk(run, run.start))
            }
            TakeChunk(run, c) => self.take(run, c),
            UndoChunk { run, c, conflict } => {
                self.clear(run.h, c);
                let c = c + 1;
                go(if c < conflict {
                    UndoChunk { run, c, conflict }
                } else {
                    UndoRecord { run, conflict }
                })
            }
            UndoRecord { run, conflict } => {
                self.record(run.h).extent = Extent::NONE;
                let start = conflict + 1;
                self.search_from(Run { start, ..run })
            }
            Peek {
                h,
                count,
                other,
                any,
            } => {
                let seen = self.record(other).extent;
                if seen == Extent::NONE {
                    return self.peek_next(h, count, other, any);
                }
                go(Reclaim {
                    h,
                    count,
                    other,
                    seen,
                    any,
                })
            }
            Reclaim {
                h,
                count,
                other,
                seen,
                any,
            } => {
                let me = self.me();
                if !self.cas(other, Word::Free, Word::Recl(me)) {
                    return self.peek_next(h, count, other, any);
                }
                if self.setup.is(Mutant::PeekedExtentTrusted) {
                    self.record(other).extent = seen;
                }
                let free = self.begin_free(other, me);
                Ok(Next::Call(
                    Frame::Refit(Reclaiming { h, count, other }),
                    free,
                ))
            }
            Reclaiming { .. } => unreachable!("{step:?} waits for a value"),
        }
    }

    pub(crate) fn refit_resumed(&mut self, step: Refit) -> Step {
        match step {
            Refit::Reclaiming { h, count, other } => self.peek_next(h, count, other, true),
            _ => unreachable!("{step:?} calls nothing"),
        }
    }

    /// From left to right; on a conflict what was taken is given back.
    fn take(&mut self, run: Run, c: Index) -> Step {
        let end = run.start + run.count;
        if self.chunk(c).of.is_some() {
            return go(
                if c > run.start && !self.setup.is(Mutant::ConflictKeepsChunks) {
                    Refit::UndoChunk {
                        run,
                        c: run.start,
                        conflict: c,
                    }
                } else {
                    Refit::UndoRecord { run, conflict: c }
                },
            );
        }
        self.chunk(c).of = Some(run.h);
        if c + 1 < end {
            return go(Refit::TakeChunk(run, c + 1));
        }
        if self.setup.is(Mutant::RecordAfterChunks) {
            return go(Refit::StoreRecord(run));
        }
        Ok(Next::Return(Value::Done))
    }

    /// The next candidate, or memory is short.
    fn search_from(&mut self, run: Run) -> Step {
        if run.start + run.count <= self.setup.chunks {
            return go(search(run));
        }
        if run.again {
            return Ok(Next::Return(Value::Short));
        }
        go(Refit::Peek {
            h: run.h,
            count: run.count,
            other: 0,
            any: false,
        })
    }

    fn peek_next(&mut self, h: Index, count: u8, other: Index, any: bool) -> Step {
        let other = other + 1;
        if other < self.setup.descriptors {
            return go(Refit::Peek {
                h,
                count,
                other,
                any,
            });
        }
        if !any {
            return Ok(Next::Return(Value::Short));
        }
        self.search_from(Run {
            h,
            count,
            start: 0,
            again: true,
        })
    }
}

impl Run {
    fn extent(self) -> Extent {
        Extent {
            start: self.start,
            count: self.count,
        }
    }
}

fn search(run: Run) -> Refit {
    Refit::Search(run, run.start)
}

fn go(step: Refit) -> Step {
    Ok(Next::Go(Frame::Refit(step)))
}
