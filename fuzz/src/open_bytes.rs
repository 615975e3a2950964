//! Any bytes as a segment: an open answers with an error or a queue, and the queue with errors or items; never with a panic, an
//! access outside the segment, or an endless loop.

use crate::steps;
use ringpost::{BytesQueue, Options};
use rustix::fd::AsFd;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use std::sync::LazyLock;
use std::time::Duration;

/// A small queue's segment, which the input is laid over: most inputs would not even have the magic.
static TEMPLATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let queue = Options::new()
        .capacity(4)
        .in_flight(4)
        .inline(32)
        .chunk(64)
        .arena(512)
        .participants(2)
        .max_deliveries(2)
        .anonymous()
        .expect("a small queue");
    queue.put(b"inline").expect("room");
    queue.put(&[7; 100]).expect("room");
    queue.put(b"aside").expect("room");
    queue.lease().expect("an item").quarantine().expect("ours");
    let size = rustix::fs::fstat(queue.as_fd()).expect("a file").st_size as usize;
    let mut bytes = vec![0; size];
    rustix::io::pread(queue.as_fd(), &mut bytes, 0).expect("readable");
    bytes
});

/// The first byte chooses: the bare input, or patches (offset, value) over a good segment.
pub fn run(data: &[u8]) {
    let Some((&mode, data)) = data.split_first() else {
        return;
    };
    let bytes = if mode & 1 == 0 {
        data.to_vec()
    } else {
        let mut bytes = TEMPLATE.clone();
        for patch in data.chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([patch[0], patch[1]])) % bytes.len();
            bytes[at] = patch[2];
        }
        bytes
    };
    let fd = memfd_create("fuzz", MemfdFlags::CLOEXEC).expect("memfd");
    ftruncate(&fd, bytes.len() as u64).expect("sizing");
    rustix::io::pwrite(&fd, &bytes, 0).expect("writing");
    let opened = bounded(|| Options::new().strict(mode & 2 != 0).from_fd(fd));
    if let Ok(queue) = opened {
        use_it(&queue);
        bounded(|| drop(queue));
    }
}

/// Each operation on its own must end.
fn bounded<T>(operation: impl FnOnce() -> T) -> T {
    steps::during(None, |_| None, operation)
}

fn use_it(queue: &BytesQueue) {
    let mut leases = Vec::new();
    for round in 0..6 {
        let _ = bounded(|| queue.try_put(b"one"));
        let _ = bounded(|| queue.try_put(&[1; 70]));
        let _ = bounded(|| queue.try_get_ref().map(|message| message.len()));
        let _ = bounded(|| queue.try_get());
        let _ = bounded(|| queue.len());
        let _ = bounded(|| queue.stats());
        if let Ok(lease) = bounded(|| queue.try_lease()) {
            leases.push(lease);
        }
        let ended = bounded(|| leases.pop().map(|lease| (lease.len(), lease)));
        if let Some((_, lease)) = ended {
            match round % 3 {
                0 => bounded(|| lease.refuse()),
                1 => _ = bounded(|| lease.quarantine()),
                _ => _ = bounded(|| lease.ack()),
            }
        }
    }
    for item in bounded(|| queue.quarantined()) {
        let _ = bounded(|| queue.inspect(item.position));
        if item.position % 2 == 0 {
            let _ = bounded(|| queue.requeue(item.position));
        }
        let _ = bounded(|| queue.discard(item.position));
    }
    let _ = bounded(|| queue.recover());
    let _ = bounded(|| queue.join_timeout(Duration::ZERO));
    bounded(|| queue.shutdown());
    let _ = bounded(|| queue.try_get());
    bounded(|| queue.shutdown_now());
}
