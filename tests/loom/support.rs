//! A queue over loom's memory, with one word of payload that loom watches for data races.

use crate::layout::{Geometry, Request, extent};
use crate::memory::Memory;
use crate::ring::{Claim, Filling, GetFailure, Owner, PutFailure, Ring};
use loom::sync::Arc;

/// Explores with at most this many preemptions: enough for every known bug of such rings, and it ends.
pub(crate) fn explore(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 100_000;
    builder.check(body);
}

/// A queue of `capacity` items with `chunks` chunks of 64 bytes; every payload beyond 32 bytes goes there.
pub(crate) fn queue(capacity: u64, in_flight: u64, chunks: u64) -> Arc<Ring> {
    let request = Request {
        capacity,
        in_flight: Some(in_flight),
        inline: 32,
        arena: 64 * chunks,
        chunk: 64,
        participants: 4,
    };
    let geometry = Geometry::plan(&request).unwrap();
    Arc::new(Ring::new(Memory::new(geometry), 16))
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

/// Everything that is left, in its order.
pub(crate) fn drain(ring: &Ring, me: u32) -> Vec<u64> {
    std::iter::from_fn(|| get(ring, me).ok()).collect()
}
