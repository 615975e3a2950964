//! 1 MiB by copy: through the queue, and between two bare processes over three reused buffers.

use super::area::Area;
use super::cpus;
use super::processes::{Crew, Place};
use ringpost::Options;
use std::sync::atomic::Ordering::{Acquire, Release};

const MIB: usize = 1 << 20;
const BUFFERS: usize = 3;
const LINE: usize = 128;

/// GB/s through the queue, by `put` and `get_into`.
///
/// Its arena holds three payloads, so that both contestants reuse the same amount of memory: with more of it, a producer
/// that runs ahead would fill buffers that the caches no longer hold.
pub(crate) fn through_queue(items: u64) -> f64 {
    let queue = Options::new()
        .capacity(4)
        .arena((BUFFERS * MIB) as u64)
        .anonymous()
        .expect("creating a queue");
    rate(
        items,
        |bytes, _| queue.put(bytes).expect("an open queue"),
        |out, _| queue.get_into(out).expect("an open queue"),
    )
}

/// GB/s between two processes that copy in and out of three buffers, each with a flag that says whose it is.
pub(crate) fn bare(items: u64) -> f64 {
    let area = Area::new(4096 + BUFFERS * MIB);
    let flag = |number: u64| area.u64_at((number as usize % BUFFERS) * LINE);
    let buffer = |number: u64| area.at(4096 + (number as usize % BUFFERS) * MIB);
    rate(
        items,
        |bytes, number| {
            wait(|| flag(number).load(Acquire) == 0);
            let from = std::ptr::NonNull::from(bytes).cast();
            // SAFETY: the buffer has 1 MiB, and its flag says that it is the producer's.
            unsafe { buffer(number).copy_from_nonoverlapping(from, MIB) };
            flag(number).store(1, Release);
        },
        |out, number| {
            wait(|| flag(number).load(Acquire) == 1);
            out.clear();
            out.reserve(MIB);
            let to = std::ptr::NonNull::new(out.as_mut_ptr()).expect("not null");
            // SAFETY: the buffer has 1 MiB, and its flag says that it is the consumer's; `out` has room.
            unsafe { buffer(number).copy_to_nonoverlapping(to, MIB) };
            // SAFETY: so many bytes have just been written.
            unsafe { out.set_len(MIB) };
            flag(number).store(0, Release);
        },
    )
}

#[inline(always)]
fn wait(ready: impl Fn() -> bool) {
    super::transport::until(ready);
}

/// Both contestants: the producer copies out of a private buffer, the consumer into one. The copies touch every byte; the
/// number in the first and last word shows whether each arrived whole and in order.
fn rate(items: u64, put: impl Fn(&[u8; MIB], u64), get: impl Fn(&mut Vec<u8>, u64)) -> f64 {
    let [here, there] = cpus::two();
    let mut crew = Crew::default();
    crew.add(here, |place: &Place<'_>| {
        let mut bytes: Box<[u8; MIB]> = vec![7; MIB].try_into().expect("1 MiB");
        place.start();
        for number in 0..items {
            bytes[..8].copy_from_slice(&number.to_ne_bytes());
            bytes[MIB - 8..].copy_from_slice(&number.to_ne_bytes());
            put(&bytes, number);
        }
        place.end();
    });
    crew.add(there, |place: &Place<'_>| {
        let mut out = vec![1; MIB];
        place.start();
        for number in 0..items {
            get(&mut out, number);
            assert_eq!(out.len(), MIB);
            assert_eq!(out[..8], number.to_ne_bytes(), "out of order");
            assert_eq!(out[MIB - 8..], number.to_ne_bytes(), "a torn payload");
        }
        place.end();
    });
    let elapsed = crew.run().elapsed;
    (items * MIB as u64) as f64 / elapsed.as_secs_f64() / 1e9
}
