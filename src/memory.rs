//! A view of a mapped segment: words as atomics, payloads as pointers, every index checked before it becomes an address.
//!
//! This is the one file that turns offsets into addresses. Its invariant, which the SAFETY comments cite:
//!
//! * **V1** `base` points to `geometry.file_bytes` mapped, readable and writable bytes on a page boundary, for as long as
//!   the view is used; `Shared` owns the mapping and drops it last.
//! * **V2** `geometry` was planned or checked by `layout/geometry.rs`, so all parts lie within those bytes, one after the other.
//! * **V3** every word is only ever accessed as the atomic of its size; payload bytes only by the holder of the descriptor.

#[cfg(not(loom))]
use crate::layout::item;
use crate::layout::{Geometry, control, record};
#[cfg(not(loom))]
use crate::sync::Ordering::Relaxed;
use crate::sync::{AtomicU32, AtomicU64};
use crate::wait::Event;

/// A cache line.
#[cfg(not(loom))]
const LINE: usize = 64;
/// How much of an inline payload lies in the first line of its descriptor.
#[cfg(not(loom))]
const LINE_ROOM: u64 = (LINE - record::INLINE) as u64;

/// The index of a descriptor that exists in this segment, and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    number: u32,
    /// Its offset: made once, since each multiplication would stand in the way of the next load.
    at: usize,
}

impl Index {
    #[inline(always)]
    pub(crate) fn get(self) -> u32 {
        self.number
    }
}

/// The index of a chunk word that exists in this segment.
pub(crate) type Chunk = u32;

#[cfg(not(loom))]
mod view {
    use super::{AtomicU32, AtomicU64, Geometry};
    use std::ptr::NonNull;

    #[derive(Debug)]
    pub(crate) struct Memory {
        base: NonNull<u8>,
        pub(crate) geometry: Geometry,
    }

    // SAFETY: V3: words are atomics, and payloads are reached through pointers by the holder of their descriptor alone.
    unsafe impl Send for Memory {}
    // SAFETY: as above.
    unsafe impl Sync for Memory {}

    impl Memory {
        /// # Safety
        ///
        /// V1 and V2 must hold of `base` and `geometry`.
        pub(crate) unsafe fn new(base: NonNull<u8>, geometry: Geometry) -> Memory {
            Memory { base, geometry }
        }

        #[inline(always)]
        pub(super) fn u64_at(&self, offset: usize) -> &AtomicU64 {
            debug_assert!(
                offset.is_multiple_of(8) && (offset + 8) as u64 <= self.geometry.file_bytes
            );
            // SAFETY: callers pass offsets of layout.rs and checked indices only, so the word lies in the segment (V2).
            let word = unsafe { self.base.as_ptr().add(offset) }.cast::<AtomicU64>();
            // SAFETY: mapped (V1), aligned (V1, and offsets are multiples of 8), only ever used as an atomic (V3).
            unsafe { &*word }
        }

        #[inline(always)]
        pub(super) fn u32_at(&self, offset: usize) -> &AtomicU32 {
            debug_assert!(
                offset.is_multiple_of(4) && (offset + 4) as u64 <= self.geometry.file_bytes
            );
            // SAFETY: as in `u64_at`.
            let word = unsafe { self.base.as_ptr().add(offset) }.cast::<AtomicU32>();
            // SAFETY: as in `u64_at`.
            unsafe { &*word }
        }

        /// Asks for the line at `offset` as one that will be written, without waiting for it.
        #[inline(always)]
        pub(super) fn fetch_to_write(&self, offset: usize) {
            #[cfg(target_arch = "x86_64")]
            {
                let at = self.base.as_ptr().wrapping_add(offset);
                // SAFETY: a prefetch changes nothing and faults on nothing, whatever the address. The intrinsic would
                // become a prefetch to read, as the instruction is not in every x86-64; those without it ignore it.
                unsafe {
                    std::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = offset;
        }

        /// Asks for the line at `offset`, without waiting for it.
        #[inline(always)]
        pub(super) fn fetch_to_read(&self, offset: usize) {
            #[cfg(target_arch = "x86_64")]
            {
                use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
                let at = self.base.as_ptr().wrapping_add(offset);
                // SAFETY: a prefetch changes nothing and faults on nothing, whatever the address.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = offset;
        }

        /// The address of `offset`, for payload bytes.
        #[inline(always)]
        pub(super) fn address(&self, offset: usize) -> NonNull<u8> {
            debug_assert!(offset as u64 <= self.geometry.file_bytes);
            // SAFETY: callers pass the start of an inline room or of a checked extent (V2).
            unsafe { self.base.add(offset) }
        }

        /// Do `length` bytes from `start` on lie in the segment? They do: this is for debug assertions.
        pub(crate) fn holds(&self, start: NonNull<u8>, length: u64) -> bool {
            let offset = start.addr().get() - self.base.addr().get();
            offset as u64 + length <= self.geometry.file_bytes
        }
    }
}

#[cfg(loom)]
mod view {
    //! The same words as loom's atomics, found by their offsets. Payloads are cells in which loom sees data races.

    use super::{AtomicU32, AtomicU64, Geometry};
    use crate::layout::{control, position, record, slot};
    use std::collections::HashMap;
    use std::sync::Arc;

    /// A clone is another process's view of the same segment.
    #[derive(Clone)]
    pub(crate) struct Memory {
        u64s: Arc<HashMap<usize, AtomicU64>>,
        u32s: Arc<HashMap<usize, AtomicU32>>,
        pub(crate) geometry: Geometry,
        /// One cell for each descriptor's inline room, then one for each chunk.
        pub(crate) payloads: Arc<Vec<loom::cell::UnsafeCell<u64>>>,
    }

    impl std::fmt::Debug for Memory {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Memory")
        }
    }

    impl Memory {
        /// A new, empty queue of these sizes.
        pub(crate) fn new(geometry: Geometry) -> Memory {
            let mut u64s = HashMap::new();
            let mut u32s = HashMap::new();
            let mut put = |offset: usize, value| u64s.insert(offset, AtomicU64::new(value));
            put(control::TAIL_HINT, geometry.slots);
            put(control::HEAD_HINT, geometry.slots);
            put(control::RETRY, 0);
            put(control::RESERVED, 0);
            put(control::FREE_HINT, 0);
            put(control::UNFINISHED, 0);
            for h in 0..geometry.descriptors {
                let at = (geometry.descriptors_at + h * geometry.stride) as usize;
                if h < geometry.slots {
                    // The position whose slot this is.
                    let p = (0..geometry.slots)
                        .find(|p| (p * geometry.spread) & (geometry.slots - 1) == h)
                        .expect("every slot has a position");
                    put(
                        at + record::SLOT,
                        slot::pack(p & position::MASK, slot::NONE),
                    );
                }
                put(at + record::DESCRIPTOR, 0);
                put(at + record::EXTENT, 0);
                put(at + record::ITEM, 0);
            }
            let mut put = |offset: usize| u32s.insert(offset, AtomicU32::new(0));
            for word in [
                control::EV_GET,
                control::EV_PUT,
                control::EV_MEM,
                control::EV_DONE,
                control::EV_DESC,
                control::STATE,
            ] {
                put(word);
            }
            for hint in 0..crate::layout::HOT_HINTS {
                put(control::HOT + 4 * hint);
            }
            for chunk in 0..geometry.chunks {
                put(geometry.chunk_words_at as usize + 4 * chunk as usize);
            }
            let payloads = (0..geometry.descriptors + geometry.chunks)
                .map(|_| loom::cell::UnsafeCell::new(0))
                .collect();
            Memory {
                u64s: Arc::new(u64s),
                u32s: Arc::new(u32s),
                geometry,
                payloads: Arc::new(payloads),
            }
        }

        pub(super) fn u64_at(&self, offset: usize) -> &AtomicU64 {
            &self.u64s[&offset]
        }

        pub(super) fn u32_at(&self, offset: usize) -> &AtomicU32 {
            &self.u32s[&offset]
        }
    }
}

pub(crate) use view::Memory;

/// The words of one descriptor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    memory: &'a Memory,
    at: usize,
}

impl<'a> Record<'a> {
    /// The descriptor word D.
    #[inline(always)]
    pub(crate) fn word(self) -> &'a AtomicU64 {
        self.memory.u64_at(self.at + record::DESCRIPTOR)
    }

    /// The extent word E.
    #[inline(always)]
    pub(crate) fn extent(self) -> &'a AtomicU64 {
        self.memory.u64_at(self.at + record::EXTENT)
    }

    /// The item word: length, deliveries, flags.
    #[inline(always)]
    pub(crate) fn item(self) -> &'a AtomicU64 {
        self.memory.u64_at(self.at + record::ITEM)
    }

    /// The inline room, `geometry.inline` bytes long.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(crate) fn inline(self) -> std::ptr::NonNull<u8> {
        self.memory.address(self.at + record::INLINE)
    }
}

macro_rules! control_words {
    ($($(#[$doc:meta])* $name:ident: $at:ident, $type:ty, $get:ident;)*) => {
        impl Memory {
            $($(#[$doc])* #[inline(always)] pub(crate) fn $name(&self) -> $type { self.$get(control::$at) })*
        }
    };
}

control_words! {
    /// The next position to fill, or a little behind it.
    tail_hint: TAIL_HINT, &AtomicU64, u64_at;
    /// The next position to consume, or a little behind it.
    head_hint: HEAD_HINT, &AtomicU64, u64_at;
    /// Bit 0: some descriptor may be RETRY. The rest counts up, so that clearing the bit cannot miss a new one.
    retry: RETRY, &AtomicU64, u64_at;
    /// How many chunks of the arena have memory behind them.
    reserved: RESERVED, &AtomicU64, u64_at;
    /// Every chunk below it is probably taken.
    free_hint: FREE_HINT, &AtomicU64, u64_at;
    /// Work whose items were acknowledged and that is not done, in two's complement.
    unfinished: UNFINISHED, &AtomicU64, u64_at;
    /// Consumers wait here for items.
    ev_get: EV_GET, Event<'_>, usual_event_at;
    /// Producers wait here for slots.
    ev_put: EV_PUT, Event<'_>, usual_event_at;
    /// Producers wait here for chunks.
    ev_mem: EV_MEM, Event<'_>, rare_event_at;
    /// Producers wait here for descriptors. Apart from `ev_mem`, or producers that own a descriptor for a moment and
    /// then find no chunks would wake each other for ever.
    ev_desc: EV_DESC, Event<'_>, rare_event_at;
    /// `join` waits here.
    ev_done: EV_DONE, Event<'_>, rare_event_at;
    /// Open, draining or closed.
    state: STATE, &AtomicU32, u32_at;
}

impl Memory {
    #[inline(always)]
    fn usual_event_at(&self, offset: usize) -> Event<'_> {
        Event::usual(self.u32_at(offset))
    }

    #[inline(always)]
    fn rare_event_at(&self, offset: usize) -> Event<'_> {
        Event::rare(self.u32_at(offset))
    }

    /// The index of the slot in which `position` lives.
    #[inline(always)]
    pub(crate) fn slot_of(&self, position: u64) -> u64 {
        position.wrapping_mul(self.geometry.spread) & (self.geometry.slots - 1)
    }

    /// The slot word of `position`.
    #[inline(always)]
    pub(crate) fn slot(&self, position: u64) -> &AtomicU64 {
        self.slot_at(self.home(position))
    }

    /// The slot word beside a home descriptor.
    #[inline(always)]
    pub(crate) fn slot_at(&self, home: Index) -> &AtomicU64 {
        self.u64_at(home.at + record::SLOT)
    }

    /// Asks for a slot and its home descriptor, to write to them and to `length` bytes of payload.
    ///
    /// Where the payload reaches into a second line, that one is asked for by a store, to a word that is there for nothing
    /// else: an x86 processor keeps its changes in their order, and so has that line before it takes the first one for good.
    /// The other way round, a consumer's look takes the first line away again while its producer waits for the second.
    /// Elsewhere the store does no harm.
    #[inline(always)]
    pub(crate) fn fetch_home(&self, home: Index, length: u64) {
        #[cfg(not(loom))]
        {
            if length > LINE_ROOM {
                if self.geometry.has_lead() {
                    self.u64_at(home.at + record::LEAD).store(0, Relaxed);
                } else {
                    self.fetch_to_write(home.at + LINE);
                }
            }
            self.fetch_to_write(home.at);
        }
        #[cfg(loom)]
        let _ = (home, length);
    }

    /// The same for a position whose turn comes later: nobody else uses these lines now, and nothing waits for them.
    #[inline(always)]
    pub(crate) fn fetch_later(&self, home: Index, length: u64) {
        #[cfg(not(loom))]
        {
            if length > LINE_ROOM {
                self.fetch_to_write(home.at + LINE);
            }
            self.fetch_to_write(home.at);
        }
        #[cfg(loom)]
        let _ = (home, length);
    }

    /// Asks for the second line of a payload that the caller is about to claim, if its item word says that it lies inline and
    /// reaches there.
    #[inline(always)]
    pub(crate) fn fetch_payload(&self, index: Index) {
        #[cfg(not(loom))]
        {
            // Only a guess, before the claim: whatever it is, a fetch does no harm.
            let item = self.record(index).item().load(Relaxed);
            if item & item::IN_EXTENT == 0 && item::length(item) > LINE_ROOM {
                self.fetch_to_read(index.at + LINE);
            }
        }
        #[cfg(loom)]
        let _ = index;
    }

    /// The home descriptor of `position`.
    #[inline(always)]
    pub(crate) fn home(&self, position: u64) -> Index {
        self.place(self.slot_of(position) as u32)
    }

    /// Descriptor `number`, which exists.
    #[inline(always)]
    fn place(&self, number: u32) -> Index {
        let at = self.geometry.descriptors_at + u64::from(number) * self.geometry.stride;
        Index {
            number,
            at: at as usize,
        }
    }

    /// The descriptor `index`, if it exists.
    #[inline(always)]
    pub(crate) fn index(&self, index: u32) -> Option<Index> {
        (u64::from(index) < self.geometry.descriptors).then(|| self.place(index))
    }

    /// [`index`](Self::index), where it is probably that of `home`: whose place is known already, so that nothing waits for
    /// the word that names it.
    #[inline(always)]
    pub(crate) fn index_near(&self, home: Index, index: u32) -> Option<Index> {
        if index == home.number {
            Some(home)
        } else {
            self.index(index)
        }
    }

    /// All descriptors.
    pub(crate) fn indices(&self) -> impl Iterator<Item = Index> {
        (0..self.geometry.descriptors as u32).map(|number| self.place(number))
    }

    #[inline(always)]
    pub(crate) fn record(&self, index: Index) -> Record<'_> {
        Record {
            memory: self,
            at: index.at,
        }
    }

    /// The word of a chunk that exists.
    #[inline(always)]
    pub(crate) fn chunk(&self, chunk: Chunk) -> &AtomicU32 {
        assert!(
            u64::from(chunk) < self.geometry.chunks,
            "callers check extents first"
        );
        self.u32_at(self.geometry.chunk_words_at as usize + 4 * chunk as usize)
    }

    /// A hint of the hot line.
    #[inline(always)]
    pub(crate) fn hot(&self, hint: usize) -> &AtomicU32 {
        assert!(hint < crate::layout::HOT_HINTS);
        self.u32_at(control::HOT + 4 * hint)
    }
}

#[cfg(not(loom))]
impl Memory {
    /// Where chunk `start` begins in the file; `start` exists or is the arena's end.
    pub(crate) fn chunk_offset(&self, start: u64) -> u64 {
        debug_assert!(start <= self.geometry.chunks);
        self.geometry.arena_at + start * self.geometry.chunk
    }

    /// The first byte of a checked extent.
    #[inline(always)]
    pub(crate) fn chunk_address(&self, start: Chunk) -> std::ptr::NonNull<u8> {
        self.address(self.chunk_offset(u64::from(start)) as usize)
    }

    /// The header's magic.
    pub(crate) fn magic(&self) -> &AtomicU64 {
        self.u64_at(0)
    }

    /// A word of the participant entry `participant`, which exists.
    pub(crate) fn participant(&self, participant: u32, field: usize) -> &AtomicU64 {
        assert!(u64::from(participant) < self.geometry.participants);
        let at = control::PARTICIPANTS + participant as usize * crate::layout::participant::SIZE;
        self.u64_at(at + field)
    }
}
