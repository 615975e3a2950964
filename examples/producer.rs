//! One side of a named queue; the other is `consumer`. Start them in two terminals, in any order.
//!
//! ```text
//! cargo run --example consumer               as many as you like; kill some of them
//! cargo run --example producer -- 100000     how many messages; default 100000
//! ```

use ringpost::Options;
use std::error::Error;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let count: u64 = std::env::args().nth(1).map_or(Ok(100_000), |n| n.parse())?;
    // Whoever comes first creates it; sizes matter to the creator only.
    let queue = Options::new()
        .capacity(256)
        .open_or_create("example-messages")?;

    let start = Instant::now();
    for number in 1..=count {
        // Waits while the queue is full: for a consumer, if need be.
        queue.put(format!("message {number} of process {}", std::process::id()).as_bytes())?;
    }
    println!("{count} messages put in {:.1?}", start.elapsed());

    // No more puts, by anyone. Consumers drain what is queued, then their get says Closed.
    queue.shutdown();
    while !queue.join_timeout(Duration::from_secs(2)) {
        println!(
            "{} not got yet: cargo run --example consumer",
            queue.stats().queued
        );
    }
    // The name stays until somebody removes it; who has the queue open keeps it.
    queue.unlink()?;
    Ok(())
}
