//! Values instead of bytes: serde and postcard, encoded straight into the segment.
//!
//! `cargo run --example typed`

use ringpost::{GetError, Options, Queue};
use serde::{Deserialize, Serialize};
use std::error::Error;

#[derive(Serialize, Deserialize, Debug)]
enum Job {
    Fetch { url: String, retries: u8 },
    Stop,
}

/// The same in memory, borrowed from the message: no string is copied.
#[derive(Deserialize, Debug)]
enum JobRef<'a> {
    Fetch { url: &'a str, retries: u8 },
    Stop,
}

fn main() -> Result<(), Box<dyn Error>> {
    let queue = Queue::<Job>::from(Options::new().anonymous()?);
    for url in ["https://example.org/a", "https://example.org/b"] {
        let url = url.to_owned();
        queue.put(&Job::Fetch { url, retries: 3 })?;
    }
    queue.put(&Job::Stop)?;

    println!("{:?}", queue.get()?); // a value of one's own

    let message = queue.get_ref()?; // lies in the segment as long as this lives
    match message.decode()? {
        JobRef::Fetch { url, retries } => println!("borrowed: {url}, {retries} retries"),
        JobRef::Stop => println!("borrowed: stop"),
    }

    // What is no Job is an error that hands out the bytes.
    queue.as_bytes().put(&[200])?;
    println!("{:?}", queue.get()?);
    if let Err(GetError::Decode { payload, .. }) = queue.get() {
        println!("not a job: {payload:?}");
    }
    Ok(())
}
