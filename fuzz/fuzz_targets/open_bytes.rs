//! Any bytes as a segment: an open answers with an error or a queue, and the queue with errors or items; never with a panic, an
//! access outside the segment, or an endless loop.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run open_bytes`
#![no_main]

use libfuzzer_sys::fuzz_target;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

/// A small queue's segment, which the input is laid over: most inputs would not even have the magic.
fn template() -> Vec<u8> {
    use std::os::fd::AsFd;
    let queue = ringpost::Options::new()
        .capacity(4)
        .in_flight(4)
        .inline(32)
        .chunk(64)
        .arena(512)
        .participants(2)
        .anonymous()
        .expect("a small queue");
    queue.put(b"inline").expect("room");
    queue.put(&[7; 100]).expect("room");
    let size = rustix::fs::fstat(queue.as_fd()).expect("a file").st_size as usize;
    let mut bytes = vec![0; size];
    rustix::io::pread(queue.as_fd(), &mut bytes, 0).expect("readable");
    bytes
}

fuzz_target!(|data: &[u8]| {
    // The first byte chooses: the bare input, or patches (offset, value) over a good segment.
    let Some((&mode, data)) = data.split_first() else {
        return;
    };
    let bytes = if mode & 1 == 0 {
        data.to_vec()
    } else {
        let mut bytes = template();
        for patch in data.chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([patch[0], patch[1]])) % bytes.len();
            bytes[at] = patch[2];
        }
        bytes
    };
    let fd = memfd_create("fuzz", MemfdFlags::CLOEXEC).expect("memfd");
    ftruncate(&fd, bytes.len() as u64).expect("sizing");
    rustix::io::pwrite(&fd, &bytes, 0).expect("writing");
    let Ok(queue) = ringpost::from_fd(fd) else {
        return;
    };
    for _ in 0..6 {
        let _ = queue.try_put(b"one");
        let _ = queue.try_put(&[1; 70]);
        let held = queue.try_get_ref().map(|message| message.len());
        let _ = (held, queue.try_get(), queue.len(), queue.stats());
    }
    queue.shutdown();
    let _ = queue.try_get();
});
