//! A queue over loom's memory, with one word of payload that loom watches for data races; and deaths.

use crate::layout::{Geometry, Request, descriptor, extent};
use crate::memory::Memory;
use crate::ring::{Claim, Filling, GetFailure, Owner, PutFailure, Ring};
use crate::steps::{self, Step};
use crate::sync::Ordering::Relaxed;
use loom::sync::Arc;
use loom::thread::ThreadId;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Explores with at most this many preemptions: enough for every known bug of such rings, and it ends.
pub(crate) fn explore(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    steps::set_hook(Some(die_if_due));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 100_000;
    builder.check(body);
}

/// The words of an empty queue of `capacity` items with `chunks` chunks of 64 bytes; every payload beyond 32 bytes goes
/// there. Each `Ring` over a clone of them is a process of its own, with private hints.
pub(crate) fn segment(capacity: u64, in_flight: u64, chunks: u64) -> Memory {
    let request = Request {
        capacity,
        in_flight: Some(in_flight),
        inline: 32,
        arena: 64 * chunks,
        chunk: 64,
        participants: 4,
    };
    Memory::new(Geometry::plan(&request).unwrap())
}

/// A process's view of a segment.
pub(crate) fn view(memory: &Memory) -> Ring {
    Ring::new(memory.clone(), 16)
}

/// One process, whose threads share its hints.
pub(crate) fn queue(capacity: u64, in_flight: u64, chunks: u64) -> Arc<Ring> {
    Arc::new(view(&segment(capacity, in_flight, chunks)))
}

pub(crate) fn owner(participant: u32) -> Owner {
    Owner::new(participant, 0)
}

/// The cell that stands for the payload of a descriptor.
fn cell<'a>(
    ring: &'a Ring,
    index: u32,
    first_chunk: Option<u32>,
) -> &'a loom::cell::UnsafeCell<u64> {
    let memory = &ring.memory;
    match first_chunk {
        Some(chunk) => &memory.payloads[memory.geometry.descriptors as usize + chunk as usize],
        None => &memory.payloads[index as usize],
    }
}

pub(crate) fn write(ring: &Ring, filling: &Filling, value: u64) {
    let first_chunk = (filling.extent != 0).then(|| extent::start(filling.extent));
    // SAFETY: loom checks the access.
    cell(ring, filling.index.get(), first_chunk).with_mut(|payload| unsafe { *payload = value });
}

pub(crate) fn read(ring: &Ring, claim: &Claim) -> u64 {
    // SAFETY: loom checks the access.
    cell(ring, claim.index.get(), claim.first_chunk()).with(|payload| unsafe { *payload })
}

/// One put of `length` bytes that hold `value`, without waiting.
pub(crate) fn put(ring: &Ring, me: u32, length: u64, value: u64) -> Result<(), PutFailure> {
    let filling = ring.reserve(owner(me), length, false)?;
    write(ring, &filling, value);
    let committed = ring.commit(filling);
    if committed == Err(PutFailure::Full) {
        ring.abandon(filling.index, filling.owner);
    }
    committed
}

/// One get without waiting.
pub(crate) fn get(ring: &Ring, me: u32) -> Result<u64, GetFailure> {
    let claim = ring.claim(owner(me))?;
    let value = read(ring, &claim);
    ring.release(claim);
    Ok(value)
}

/// As many of these values, in their order, as go the straight way. Says how many.
pub(crate) fn put_run(ring: &Ring, me: u32, values: &[u64]) -> usize {
    let payloads: Vec<[u8; 8]> = values.iter().map(|value| value.to_ne_bytes()).collect();
    let payloads = payloads.iter().map(|payload| &payload[..]);
    ring.put_run(owner(me), payloads, |filling, payload| {
        write(
            ring,
            &filling,
            u64::from_ne_bytes(payload.try_into().unwrap()),
        );
    })
}

/// Up to `most` items that are there, in their order.
pub(crate) fn get_run(ring: &Ring, me: u32, most: usize) -> Vec<u64> {
    let mut claims = Vec::new();
    ring.claim_run(owner(me), most, |claim| claims.push(claim));
    let got = claims.iter().map(|claim| read(ring, claim)).collect();
    ring.release_all(&claims);
    got
}

/// Everything that is left, in its order.
pub(crate) fn drain(ring: &Ring, me: u32) -> Vec<u64> {
    std::iter::from_fn(|| get(ring, me).ok()).collect()
}

/// No descriptor may keep a large extent: the hot line names others.
pub(crate) fn fill_hot_line(memory: &Memory) {
    for hint in 0..crate::layout::HOT_HINTS {
        memory.hot(hint).store(u32::MAX, Relaxed);
    }
}

/// I6, when nobody is at work: every chunk word that is not 0 lies in the extent of the descriptor that it names.
pub(crate) fn assert_consistent(ring: &Ring) {
    for chunk in 0..ring.memory.geometry.chunks as u32 {
        let named = ring.memory.chunk(chunk).load(Relaxed);
        if named != 0 {
            let index = ring.memory.index(named - 1).unwrap();
            let word = ring.memory.record(index).extent().load(Relaxed);
            let run = extent::start(word)..extent::start(word) + extent::count(word);
            assert!(
                run.contains(&chunk),
                "chunk {chunk} names {named}, whose extent is {run:?}"
            );
        }
    }
    for index in ring.memory.indices() {
        let word = ring.memory.record(index).extent().load(Relaxed);
        for chunk in extent::start(word)..extent::start(word) + extent::count(word) {
            assert_eq!(ring.memory.chunk(chunk).load(Relaxed), index.get() + 1);
        }
    }
}

/// Does participant `me` hold an item that it has not acknowledged?
pub(crate) fn holds_a_loan(ring: &Ring, me: u32) -> bool {
    ring.memory.indices().any(|index| {
        let d = ring.memory.record(index).word().load(Relaxed);
        d & (descriptor::STATE | descriptor::OWNER) == descriptor::LOAN | owner(me).0
    })
}

// ---- deaths ----

/// What ends a life early. No other panic is caught.
struct Killed;

thread_local! {
    /// The threads of the model that are to die, and how many accesses they have left. Std's own: loom runs all threads of
    /// a model on one.
    static MORTALS: RefCell<Vec<(ThreadId, usize)>> = const { RefCell::new(Vec::new()) };
}

/// Runs `life` and ends it, as a kill would, before it accesses an atomic word once more than `accesses` times. Says
/// whether it was ended.
pub(crate) fn dies_after(accesses: usize, life: impl FnOnce()) -> bool {
    let me = loom::thread::current().id();
    MORTALS.with_borrow_mut(|mortals| mortals.push((me, accesses)));
    let ended = catch_unwind(AssertUnwindSafe(life));
    MORTALS.with_borrow_mut(|mortals| mortals.retain(|&(mortal, _)| mortal != me));
    match ended {
        Ok(()) => false,
        Err(panic) if panic.is::<Killed>() => true,
        Err(panic) => resume_unwind(panic),
    }
}

fn die_if_due(_: Step) {
    if MORTALS.with_borrow(Vec::is_empty) {
        return;
    }
    let me = loom::thread::current().id();
    let due = MORTALS.with_borrow_mut(|mortals| {
        let mine = mortals.iter_mut().find(|(mortal, _)| *mortal == me);
        mine.is_some_and(|(_, left)| match left.checked_sub(1) {
            Some(fewer) => {
                *left = fewer;
                false
            }
            None => true,
        })
    });
    if due {
        resume_unwind(Box::new(Killed)); // silent, as a kill is
    }
}

/// Every number of accesses after which a kill leaves something else in the segment than one before it; `act` is given a
/// fresh queue each time, and does what comes before with [`usize::MAX`] accesses to live.
pub(crate) fn moments(
    prepare: impl Fn() -> Ring + Sync + Send + 'static,
    act: impl Fn(&Ring) + Sync + Send + 'static,
) -> Vec<usize> {
    let found = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let results = found.clone();
    explore(0, move || {
        let mut moments = Vec::new();
        let mut last = None;
        for accesses in 0.. {
            let ring = prepare();
            if !dies_after(accesses, || act(&ring)) {
                break;
            }
            let left = Some(words(&ring));
            if left != last {
                moments.push(accesses);
                last = left;
            }
        }
        *results.lock().unwrap() = moments;
    });
    let mut found = found.lock().unwrap();
    std::mem::take(&mut found)
}

/// All that a kill can leave behind, but the hints and who waits.
fn words(ring: &Ring) -> Vec<u64> {
    let memory = &ring.memory;
    let mut words = vec![
        memory.retry().load(Relaxed),
        memory.state().load(Relaxed).into(),
    ];
    for slot in 0..memory.geometry.slots {
        words.push(memory.slot(slot).load(Relaxed));
    }
    for index in memory.indices() {
        let record = memory.record(index);
        for word in [record.word(), record.extent(), record.item()] {
            words.push(word.load(Relaxed));
        }
    }
    for chunk in 0..memory.geometry.chunks as u32 {
        words.push(memory.chunk(chunk).load(Relaxed).into());
    }
    words
}

/// A participant's entry and its liveness lock, with the steps of `participant.rs`, which loom cannot compile.
pub(crate) mod place {
    use super::{dies_after, owner};
    use crate::layout::entry;
    use crate::ring::{Owner, Ring};
    use crate::sync::{AtomicU64, Ordering::*};
    use loom::sync::{Mutex, MutexGuard};

    /// The entry of participant 3.
    pub(crate) struct Place {
        byte: Mutex<()>,
        word: AtomicU64,
    }

    /// What a look at a place came to.
    #[derive(Debug, Default, PartialEq, Eq)]
    pub(crate) struct Look {
        pub(crate) recovered: bool,
        pub(crate) died: bool,
    }

    impl Place {
        /// Participant 3 is attached here, incarnation 0.
        pub(crate) fn new() -> Place {
            Place {
                byte: Mutex::new(()),
                word: AtomicU64::new(entry::pack(0, true)),
            }
        }

        /// What participant 3 keeps until it dies.
        pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
            self.byte.lock().unwrap()
        }

        /// `look_for_the_dead`, by one that may die of it after so many accesses: then the kernel unlocks the byte.
        pub(crate) fn look(&self, ring: &Ring, accesses: usize) -> Look {
            let mut look = Look::default();
            if self.word.load(Acquire) & entry::ATTACHED == 0 {
                return look;
            }
            let Ok(lock) = self.byte.try_lock() else {
                return look;
            };
            look.died = dies_after(accesses, || {
                let seen = self.word.load(Acquire);
                if seen & entry::ATTACHED != 0 {
                    let incarnation = entry::incarnation(seen);
                    assert_eq!(Owner::new(3, incarnation), owner(3));
                    ring.recover(owner(3));
                    self.word
                        .store(entry::pack(incarnation + 1, false), Release);
                    look.recovered = true;
                }
            });
            drop(lock);
            look
        }

        /// Is participant 3 recovered?
        pub(crate) fn is_free(&self) -> bool {
            self.word.load(Acquire) & entry::ATTACHED == 0
        }
    }
}
