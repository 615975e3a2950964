//! One side of a named queue; the other is `producer`. Start them in two terminals, in any order.
//!
//! `cargo run --example consumer`

use ringpost::{GetError, Options};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let queue = Options::new()
        .capacity(256)
        .open_or_create("example-messages")?;

    let mut message = Vec::new(); // used again for each
    let mut got = 0_u64;
    loop {
        match queue.get_into(&mut message) {
            Ok(()) => got += 1,
            Err(GetError::Closed) => break, // shut down, and nothing is left
            Err(error) => return Err(error.into()),
        }
        if got.is_multiple_of(10_000) {
            println!("{got}: {}", String::from_utf8_lossy(&message));
        }
    }
    println!("{got} messages got");
    Ok(())
}
