//! Large items without copies: frames that are written in place, read in place, and kept as long as one likes.
//!
//! `cargo run --release --example zero_copy`

use ringpost::{BytesQueue, Message, Options};
use std::error::Error;
use std::time::Instant;

const FRAME: usize = 4 << 20;
const FRAMES: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    // Room for eight frames. It is address space until it is used.
    let queue = Options::new()
        .capacity(4)
        .arena(8 * FRAME as u64)
        .anonymous()?;
    let camera = queue.clone();
    let start = Instant::now();
    let producer = std::thread::spawn(move || film(&camera));

    // Held until the end. It holds its own memory; the other frames go on flowing.
    let first: Message = queue.get_ref()?;
    for number in 1..FRAMES {
        let mut frame = queue.get_ref()?;
        assert_eq!(frame[FRAME - 1], number as u8);
        // It has been consumed: its memory is ours alone, and may be written to.
        frame[0] = 255;
    } // dropped: its memory is free for a next one
    assert_eq!(first[0], 0);

    producer.join().expect("the producer does not panic")?;
    let stats = queue.stats();
    println!(
        "{FRAMES} frames of {} MiB in {:.1?}; {} MiB of the arena were ever touched",
        FRAME >> 20,
        start.elapsed(),
        stats.arena_reserved_bytes >> 20
    );
    Ok(())
}

fn film(queue: &BytesQueue) -> Result<(), ringpost::PutError> {
    for number in 0..FRAMES {
        let mut frame = queue.loan(FRAME)?; // waits while the arena is full
        frame.fill(number as u8);
        frame.commit()?; // dropped instead, it would never have been
    }
    Ok(())
}
