//! What a hostile peer writes, where, and when.

use crate::input::Instruction;
use crate::peer::{DESCRIPTOR, EXTENT, ITEM, PARTICIPANT, PARTICIPANTS, Peer, SLOT};

/// One write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scribble {
    /// Before which step of the next operation; 0: now.
    pub(super) step: u64,
    place: u8,
    which: u8,
    value: u8,
}

/// Control words: offset and size.
const CONTROL: [(usize, usize); 10] = [
    (256, 8),
    (384, 8),
    (392, 8),
    (512, 4),
    (516, 4),
    (520, 4),
    (524, 4),
    (528, 4),
    (640, 8),
    (648, 8),
];

impl Scribble {
    /// The code says the place's kind and how the value is made, `who` the step, `a` which one, `b` the operand.
    pub(super) fn new(instruction: Instruction) -> Scribble {
        Scribble {
            step: u64::from(instruction.who),
            place: instruction.code & 0x7f,
            which: instruction.a,
            value: instruction.b,
        }
    }

    /// Writes it.
    pub(super) fn write(self, peer: &Peer) {
        let (at, size) = self.place(peer);
        let present = peer.read_word(at);
        let value = self.value(peer, present).to_ne_bytes();
        peer.write(at, &value[..size]);
    }

    /// Offset and size.
    fn place(self, peer: &Peer) -> (usize, usize) {
        let which = usize::from(self.which);
        match self.place % 10 {
            0 => CONTROL[which % CONTROL.len()],
            1 => (532, 4), // the queue's state
            2 => (768 + 4 * (which % 16), 4),
            3 => (PARTICIPANTS + PARTICIPANT * (which % peer.participants), 8),
            4 => (peer.record(which % peer.slots, SLOT), 8),
            5 => (peer.record(which % peer.descriptors, DESCRIPTOR), 8),
            6 => (peer.record(which % peer.descriptors, EXTENT), 8),
            7 => (peer.record(which % peer.descriptors, ITEM), 8),
            8 => (peer.chunk_word(which % peer.chunks), 4),
            // Any byte at all, header and payloads included.
            _ => (
                (which * 37 + usize::from(self.value) * 8191) % (peer.bytes - 8),
                1,
            ),
        }
    }

    /// From the value that is there: the operand decides by how much, the kind which bits.
    fn value(self, peer: &Peer, present: u64) -> u64 {
        let operand = u64::from(self.value);
        match self.place / 10 {
            0 => 0,
            1 => u64::MAX,
            2 => present.wrapping_add(operand),
            3 => present.wrapping_sub(operand),
            4 => present ^ (1 << (operand % 64)),
            // Positions in slots; owners and states in descriptors; starts of extents; deliveries and flags of items.
            5 => present.wrapping_add(operand << 20),
            6 => present.wrapping_sub(operand << 20),
            7 => present & !(7 << 61) | (operand & 7) << 61 | (operand >> 3) << 44,
            8 => present ^ operand << 32,
            9 => present ^ operand << 44,
            // The word of another descriptor, or any other word.
            10 => peer.read_word(peer.record(
                (self.value % 8).into(),
                usize::from(self.value >> 3 & 3) * 8,
            )),
            11 => peer.read_word(operand as usize * 8 % (peer.bytes - 8)),
            _ => operand.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        }
    }
}
