//! A hostile peer: it overwrites any word of the segment between any two operations, and between any two steps of one.
//!
//! Whatever it does, each operation ends with an error or an answer, right or wrong; there is no panic, no access outside
//! the segment, and no endless loop.

mod act;
mod plan;

use crate::input::{self, Instruction};
use crate::peer::Peer;
use crate::steps;
use act::Handle;
use plan::Scribble;
use std::time::{Duration, Instant};

/// The code of a scribble; other codes are operations.
const SCRIBBLE: std::ops::Range<u8> = 0x80..0xff;

/// Head: capacity, further descriptors and max deliveries, whether the first handle is strict and what the doctor does in the
/// end. Then instructions.
pub fn run(data: &[u8]) {
    let Some(([capacity, more, flags], instructions)) = input::split(data) else {
        return;
    };
    let queue = ringpost::Options::new()
        .capacity(1 + usize::from(capacity % 16))
        .in_flight(1 + usize::from(more % 4))
        .max_deliveries(1 + u32::from(more >> 4 & 3))
        .inline(32)
        .chunk(512)
        .arena(4096) // to the end of the last page: beyond it is no memory, or somebody else's
        .participants(4)
        .strict(flags & 1 == 1)
        .anonymous()
        .expect("a small queue");
    let peer = Peer::of(&queue);
    let mut handles = vec![Handle::new(queue)];
    let mut pending: Vec<Scribble> = Vec::new();
    let threads = threads();
    let mut bridges = false;
    for instruction in instructions {
        if SCRIBBLE.contains(&instruction.code) {
            match Scribble::new(instruction) {
                scribble if scribble.step == 0 => scribble.write(&peer),
                scribble => pending.push(scribble),
            }
            continue;
        }
        bridges |= act::starts_a_thread(instruction);
        let plan = std::mem::take(&mut pending);
        disturbed(&peer, plan, || act::act(&peer, &mut handles, instruction));
    }
    disturbed(&peer, pending, || act::see_the_doctor(&handles, flags));
    while let Some(handle) = handles.pop() {
        disturbed(&peer, Vec::new(), || drop(handle));
    }
    if bridges {
        come_back_to(threads);
    }
}

/// Runs an operation, and each scribble of `plan` before the step that it names.
fn disturbed(peer: &Peer, mut plan: Vec<Scribble>, operation: impl FnOnce()) {
    plan.sort_by_key(|scribble| std::cmp::Reverse(scribble.step));
    let first = plan.last().map(|scribble| scribble.step);
    let peer = peer.clone();
    let action = move |taken| {
        while let Some(scribble) = plan.pop_if(|scribble| scribble.step <= taken) {
            scribble.write(&peer);
        }
        plan.last().map(|scribble| scribble.step)
    };
    steps::during(first, action, operation);
}

/// How many threads this process has.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task");
    tasks.expect("this process's threads").count()
}

/// The threads behind `readiness` end soon after their handles, whatever the segment holds.
fn come_back_to(before: usize) {
    let start = Instant::now();
    while threads() > before {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "a readiness thread does not end"
        );
        std::thread::sleep(Duration::from_micros(200));
    }
}

impl Instruction {
    /// A payload's length: inline or a little longer, or up to the whole arena and more.
    fn length(self) -> usize {
        match input::length(self.a) {
            short @ 0..=40 => short,
            long => 8 * long,
        }
    }
}
