//! The code of the README's first screen: a queue, two sides, and a large item without a copy.
//!
//! `cargo run --example first`
use ringpost::Options;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let jobs = Options::new().unlink_on_drop(true).create("readme-jobs")?;
    jobs.put(b"resize cat.png")?; // waits while the queue is full

    let worker = ringpost::open("readme-jobs")?; // in any other process
    let job = worker.get()?; // waits while the queue is empty
    println!("{}", String::from_utf8_lossy(&job));

    let mut image = jobs.loan(16 << 20)?; // 16 MiB, written where they lie …
    image.fill(255);
    image.commit()?;
    println!("{} bytes", worker.get_ref()?.len()); // … and read there
    Ok(())
}
