//! The segment as its file shows it: what a debugger sees, or a hostile peer overwrites. The offsets are those of
//! `docs/layout.md`.

use ringpost::BytesQueue;
use rustix::fd::{AsFd, OwnedFd};
use std::rc::Rc;

pub(crate) const RETRY: usize = 392;
pub(crate) const STATE: usize = 532;
pub(crate) const PARTICIPANTS: usize = 1024;
pub(crate) const PARTICIPANT: usize = 64;
pub(crate) const SLOT: usize = 0;
pub(crate) const DESCRIPTOR: usize = 8;
pub(crate) const EXTENT: usize = 16;
pub(crate) const ITEM: usize = 24;

/// The states of a descriptor, as its upper three bits say.
pub(crate) mod state {
    pub(crate) const FREE: u64 = 0;
    pub(crate) const PEND: u64 = 2;
    pub(crate) const LOAN: u64 = 3;
    pub(crate) const RETRY: u64 = 4;
    pub(crate) const QUAR: u64 = 6;
}

const POSITION: u64 = (1 << 44) - 1;

/// The file behind a queue, and where its parts lie.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    fd: Rc<OwnedFd>,
    pub(crate) bytes: usize,
    pub(crate) slots: usize,
    pub(crate) descriptors: usize,
    pub(crate) participants: usize,
    pub(crate) chunks: usize,
    stride: usize,
    descriptors_at: usize,
}

/// One descriptor's words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptor {
    pub(crate) state: u64,
    /// The participant and its incarnation: what [`Seen::attached`] names.
    pub(crate) owner: u64,
    pub(crate) position: u64,
    pub(crate) deliveries: u32,
    /// Did somebody have it before, whatever the count says?
    pub(crate) again: bool,
    /// Was it set aside, so that it goes back there if somebody dies over it?
    pub(crate) aside: bool,
    /// Does a slot name it at this position?
    pub(crate) named: bool,
}

/// All words at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) descriptors: Vec<Descriptor>,
    /// Who is entered as attached, alive or not.
    pub(crate) attached: Vec<u64>,
    pub(crate) retry: bool,
    pub(crate) state: u32,
    /// The longest run of free chunks.
    pub(crate) free_run: usize,
}

impl Peer {
    pub(crate) fn of(queue: &BytesQueue) -> Peer {
        let fd = queue.as_fd().try_clone_to_owned().expect("a descriptor");
        let mut peer = Peer {
            fd: Rc::new(fd),
            bytes: rustix::fs::fstat(queue.as_fd()).expect("a file").st_size as usize,
            slots: 0,
            descriptors: 0,
            participants: 0,
            chunks: 0,
            stride: 0,
            descriptors_at: 0,
        };
        let header = peer.read();
        let field = |at| word(&header, at) as usize;
        peer.slots = field(32);
        peer.descriptors = field(40);
        peer.stride = field(48);
        peer.participants = field(56);
        peer.chunks = field(72);
        peer.descriptors_at =
            (PARTICIPANTS + PARTICIPANT * peer.participants).next_multiple_of(4096);
        peer
    }

    /// A further handle's descriptor.
    pub(crate) fn fd(&self) -> OwnedFd {
        self.fd.try_clone().expect("a descriptor")
    }

    pub(crate) fn read(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.bytes];
        let read = rustix::io::pread(&self.fd, &mut bytes, 0).expect("readable");
        assert_eq!(read, self.bytes, "the file has another size");
        bytes
    }

    pub(crate) fn write(&self, at: usize, bytes: &[u8]) {
        let written = rustix::io::pwrite(&self.fd, bytes, at as u64).expect("writable");
        assert_eq!(written, bytes.len());
    }

    pub(crate) fn read_word(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        rustix::io::pread(&self.fd, &mut bytes, at as u64).expect("readable");
        u64::from_ne_bytes(bytes)
    }

    /// Where a word of descriptor `index` lies.
    pub(crate) fn record(&self, index: usize, field: usize) -> usize {
        self.descriptors_at + index * self.stride + field
    }

    /// Where the word of chunk `index` lies.
    pub(crate) fn chunk_word(&self, index: usize) -> usize {
        self.descriptors_at + self.descriptors * self.stride + 4 * index
    }

    /// What the words say now.
    pub(crate) fn look(&self) -> Seen {
        let bytes = self.read();
        let slots: Vec<_> = (0..self.slots)
            .map(|i| word(&bytes, self.record(i, SLOT)))
            .collect();
        let descriptors = (0..self.descriptors).map(|i| {
            let d = word(&bytes, self.record(i, DESCRIPTOR));
            let item = word(&bytes, self.record(i, ITEM));
            let position = d & POSITION;
            Descriptor {
                state: d >> 61,
                owner: d >> 44 & ((1 << 17) - 1),
                position,
                deliveries: (item >> 44) as u32 & 4095,
                again: item >> 57 & 1 == 1,
                aside: item >> 58 & 1 == 1,
                named: slots.contains(&(position << 20 | i as u64)),
            }
        });
        let entry = |i| word(&bytes, PARTICIPANTS + PARTICIPANT * i);
        let attached = (0..self.participants)
            .filter(|&i| entry(i) & 1 == 1)
            .map(|i| (i as u64) << 7 | entry(i) >> 1 & 127);
        let mut free_run = 0;
        let mut run = 0;
        for i in 0..self.chunks {
            run = if half(&bytes, self.chunk_word(i)) == 0 {
                run + 1
            } else {
                0
            };
            free_run = free_run.max(run);
        }
        Seen {
            descriptors: descriptors.collect(),
            attached: attached.collect(),
            retry: word(&bytes, RETRY) & 1 == 1,
            state: half(&bytes, STATE),
            free_run,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

fn half(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}
