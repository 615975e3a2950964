//! Any operations of several participants, some of which are killed at any step, against an oracle.
//!
//! **A kill is simulated by going back.** Before the chosen step the whole segment is copied. Then the operation runs to its
//! end, and its participant is dropped in an orderly way; and then the copy is written back. What the others see is what a kill
//! at that step leaves: every store before it and none after it (they do not run meanwhile), a place that is still taken, and
//! no lock on it any more, since the lock went with the participant's page. No destructor has repaired anything that
//! counts, no stack was unwound, and nothing leaks in this process.

mod guards;
mod kill;
mod model;
mod questions;
mod traffic;
mod world;

use crate::input;
use world::World;

/// Payloads up to so many bytes lie beside their slot.
const INLINE: usize = 32;
const CHUNK: usize = 64;
const ARENA: usize = 512;
/// Participants: one more than ever live at once, so that the places of the dead must be taken over.
const PLACES: usize = 4;
/// The code from which on an instruction kills the participant of the next one, instead of being one.
const KILL: u8 = 0xe0;

/// Head: capacity, further descriptors and max deliveries, whether the first handle is strict. Then instructions.
pub fn run(data: &[u8]) {
    let Some(([capacity, more, strict], instructions)) = input::split(data) else {
        return;
    };
    let mut world = World::new(
        1 + usize::from(capacity % 9),
        1 + usize::from(more % 4),
        1 + u32::from(more >> 4 & 3),
        strict & 1 == 1,
    );
    let mut kill = None;
    for instruction in instructions {
        if instruction.code >= KILL {
            // Most operations take fewer than a hundred steps. Then the kill comes after the operation.
            kill = Some(u64::from(instruction.a) | u64::from(instruction.b & 1) << 8);
            continue;
        }
        world.prepare(instruction);
        match kill.take() {
            None => _ = world.act(instruction),
            Some(step) => world.kill(instruction, step),
        }
        world.check();
    }
    world.settle();
}
