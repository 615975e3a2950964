//! The words that processes share, bit by bit.

/// ```text
/// slot word S       63            20 19         0
///                  ┌────────────────┬────────────┐
///                  │ position    44 │ desc    20 │   the last filled position and the descriptor that filled it
///                  └────────────────┴────────────┘
/// ```
pub(crate) mod slot {
    /// The descriptor index of a slot that was never filled.
    pub(crate) const NONE: u32 = (1 << 20) - 1;
    #[inline(always)]
    pub(crate) const fn pack(position: u64, descriptor: u32) -> u64 {
        position << 20 | descriptor as u64
    }
    #[inline(always)]
    pub(crate) const fn position(word: u64) -> u64 {
        word >> 20
    }
    #[inline(always)]
    pub(crate) const fn descriptor(word: u64) -> u32 {
        word as u32 & NONE
    }
}

/// Positions count items for ever, modulo 2^44.
pub(crate) mod position {
    /// All bits of a position.
    pub(crate) const MASK: u64 = (1 << 44) - 1;
    #[inline(always)]
    pub(crate) const fn add(position: u64, n: u64) -> u64 {
        position.wrapping_add(n) & MASK
    }
    #[inline(always)]
    pub(crate) const fn sub(position: u64, n: u64) -> u64 {
        position.wrapping_sub(n) & MASK
    }
    /// How far `a` is ahead of `b`; negative when it is behind.
    #[inline(always)]
    pub(crate) const fn distance(a: u64, b: u64) -> i64 {
        ((a.wrapping_sub(b) << 20) as i64) >> 20
    }
    /// The later of two positions.
    #[inline(always)]
    pub(crate) const fn later(a: u64, b: u64) -> u64 {
        if distance(a, b) >= 0 { a } else { b }
    }
}

/// ```text
/// descriptor word D 63   61 60         51 50        44 43           0
///                  ┌───────┬─────────────┬────────────┬──────────────┐
///                  │state 3│participant10│incarnation7│ position  44 │
///                  └───────┴─────────────┴────────────┴──────────────┘
/// ```
/// Whoever may change a descriptor is named in the same word that says so: there is no anonymous claim.
pub(crate) mod descriptor {
    /// Nobody's. The whole word is zero.
    pub(crate) const FREE: u64 = 0;
    /// OWN(P): being filled by P.
    pub(crate) const OWN: u64 = 1 << 61;
    /// PEND(P,p): filled by P and offered at position p.
    pub(crate) const PEND: u64 = 2 << 61;
    /// LOAN(C,p): claimed by consumer C.
    pub(crate) const LOAN: u64 = 3 << 61;
    /// RETRY(p): to be delivered again, to anyone.
    pub(crate) const RETRY: u64 = 4 << 61;
    /// RECL(P): P is giving its memory back.
    pub(crate) const RECL: u64 = 5 << 61;
    /// QUAR(p): set aside after too many deliveries.
    pub(crate) const QUAR: u64 = 6 << 61;
    /// HELD(C,p): delivered; C still uses its memory.
    pub(crate) const HELD: u64 = 7 << 61;

    /// The bits of a state.
    pub(crate) const STATE: u64 = 7 << 61;
    /// The bits of an owner: participant and incarnation.
    pub(crate) const OWNER: u64 = ((1 << 17) - 1) << 44;

    #[inline(always)]
    pub(crate) const fn owner(participant: u32, incarnation: u32) -> u64 {
        (participant as u64) << 51 | (incarnation as u64 & 127) << 44
    }
    #[inline(always)]
    pub(crate) const fn participant(word: u64) -> u32 {
        (word >> 51) as u32 & 1023
    }
    #[inline(always)]
    pub(crate) const fn incarnation(word: u64) -> u32 {
        (word >> 44) as u32 & 127
    }
    #[inline(always)]
    pub(crate) const fn position(word: u64) -> u64 {
        word & super::position::MASK
    }
    /// Is this PEND(·, position)?
    #[inline(always)]
    pub(crate) const fn is_pending(word: u64, position: u64) -> bool {
        word & !OWNER == PEND | position
    }
}

/// ```text
/// extent word E     63            32 31         0
///                  ┌────────────────┬────────────┐
///                  │ first chunk 32 │ chunks  32 │   zero: no extent
///                  └────────────────┴────────────┘
/// ```
pub(crate) mod extent {
    #[inline(always)]
    pub(crate) const fn pack(start: u32, count: u32) -> u64 {
        (start as u64) << 32 | count as u64
    }
    #[inline(always)]
    pub(crate) const fn start(word: u64) -> u32 {
        (word >> 32) as u32
    }
    #[inline(always)]
    pub(crate) const fn count(word: u64) -> u32 {
        word as u32
    }
}

/// ```text
/// item word         63    56 55         44 43         0
///                  ┌────────┬─────────────┬────────────┐
///                  │flags  8│deliveries 12│ length  44 │
///                  └────────┴─────────────┴────────────┘
/// flags: bit 56 IN_EXTENT  the payload lies in the extent
///        bit 57 AGAIN      somebody had it before
///        bit 58 ASIDE      it was set aside
/// ```
pub(crate) mod item {
    /// The greatest number of deliveries that is counted; beyond it the count stands still.
    pub(crate) const MAX_DELIVERIES: u32 = (1 << 12) - 1;
    /// The payload lies in the extent, not in the inline room.
    pub(crate) const IN_EXTENT: u64 = 1 << 56;
    /// Somebody had it before, whatever its count says: he died with it, perhaps before he had counted; or it was set aside
    /// and put back, and is counted anew.
    pub(crate) const AGAIN: u64 = 1 << 57;
    /// It was set aside: whoever dies over it meanwhile, nobody gets it until it is put back.
    pub(crate) const ASIDE: u64 = 1 << 58;
    #[inline(always)]
    pub(crate) const fn length(word: u64) -> u64 {
        word & ((1 << 44) - 1)
    }
    #[inline(always)]
    pub(crate) const fn deliveries(word: u64) -> u32 {
        (word >> 44) as u32 & MAX_DELIVERIES
    }
    /// The same item, not delivered since it was put back.
    pub(crate) const fn requeued(word: u64) -> u64 {
        (word & !((MAX_DELIVERIES as u64) << 44 | ASIDE)) | AGAIN
    }
    /// The same item, its last delivery not counted.
    pub(crate) const fn uncounted(word: u64) -> u64 {
        match deliveries(word) {
            0 | MAX_DELIVERIES => word | AGAIN,
            _ => (word - (1 << 44)) | AGAIN,
        }
    }
    /// The same item, delivered once more.
    #[inline(always)]
    pub(crate) const fn delivered(word: u64) -> u64 {
        if deliveries(word) == MAX_DELIVERIES {
            word
        } else {
            word + (1 << 44)
        }
    }
}

/// ```text
/// participant word  63             9 8           1 0
///                  ┌────────────────┬─────────────┬───┐
///                  │ 0              │incarnation 7│ A │   A: attached
///                  └────────────────┴─────────────┴───┘
/// ```
pub(crate) mod entry {
    /// Set while a process is attached here (or has died and was not recovered yet).
    pub(crate) const ATTACHED: u64 = 1;
    #[inline(always)]
    pub(crate) const fn pack(incarnation: u32, attached: bool) -> u64 {
        (incarnation as u64 & 127) << 1 | attached as u64
    }
    #[inline(always)]
    pub(crate) const fn incarnation(word: u64) -> u32 {
        (word >> 1) as u32 & 127
    }
}
