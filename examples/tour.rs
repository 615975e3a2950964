//! The code of the README's tour: where a queue can live, and the ways to put and get.
//!
//! `cargo run --example tour`
use ringpost::{GetError, Options, Queue};
use std::os::fd::AsFd;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Where a queue lives: by name in /dev/shm, at a path, or as a memfd whose descriptor is handed on.
    let options = Options::new().mode(0o660).unlink_on_drop(true);
    let named = options.create("tour")?;
    let at_path = options.arena(1 << 30).create_path("/dev/shm/tour.queue")?;
    let unnamed = Options::new().anonymous()?;
    let same = ringpost::from_fd(unnamed.as_fd().try_clone_to_owned()?)?;

    // Waiting for ever, not at all, for a time, until a deadline, or until a signal handler asks to stop.
    named.put(b"one")?;
    named.try_put(b"two")?;
    named.put_timeout(b"three", Duration::from_secs(1))?;
    assert_eq!(named.get()?, b"one");
    assert_eq!(named.get_many(10)?, [&b"two"[..], b"three"]); // up to ten, waits for the first only
    assert!(matches!(named.try_get(), Err(GetError::Empty)));

    // Without copies: written where it lies, read where it lies, held as long as one likes.
    let mut loan = unnamed.loan(1 << 20)?;
    loan.fill(7);
    loan.commit()?; // dropped instead, it never was
    let message = same.get_ref()?;
    at_path.put_parts(&[b"header", &message[..4096]], 64)?; // gathered, each part aligned

    // Values: serde and postcard, straight into the segment; borrowed decoding.
    let jobs = Queue::<(u32, String)>::from(named.clone());
    jobs.put(&(1, "resize".into()))?;
    let job = jobs.get_ref()?;
    assert_eq!(job.decode::<(u32, &str)>()?, (1, "resize"));

    // A descriptor for poll and epoll; what is in the queue; the end, seen by all processes at once.
    let _readable = named.readiness()?;
    println!("{} held, {} queued", named.stats().held, named.len());
    named.join(); // until all that was put is delivered
    named.shutdown();
    assert!(matches!(named.get(), Err(GetError::Closed)));
    Ok(())
}
