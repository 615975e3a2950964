//! A queue without a name: its descriptor is handed to a child process, and to nobody else.
//!
//! `cargo run --example anonymous`

use ringpost::{GetError, Options};
use rustix::fd::{AsRawFd, FromRawFd, OwnedFd};
use rustix::io::{FdFlags, fcntl_setfd};
use std::error::Error;
use std::os::fd::AsFd;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        None => parent(),
        Some(fd) => child(fd.parse()?),
    }
}

fn parent() -> Result<(), Box<dyn Error>> {
    let queue = Options::new().anonymous()?;
    // The queue's own descriptor is close-on-exec; this copy is inherited.
    let fd = queue.as_fd().try_clone_to_owned()?;
    fcntl_setfd(&fd, FdFlags::empty())?;
    let program = std::env::current_exe()?;
    let mut child = Command::new(program)
        .arg(fd.as_raw_fd().to_string())
        .spawn()?;
    for word in ["one", "two", "three"] {
        queue.put(word.as_bytes())?;
    }
    queue.shutdown();
    assert!(child.wait()?.success());
    Ok(())
}

fn child(number: i32) -> Result<(), Box<dyn Error>> {
    // SAFETY: the parent left this descriptor open for us, and nothing else in this process has it.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    let queue = ringpost::from_fd(fd)?;
    loop {
        match queue.get() {
            Ok(item) => println!("child got {}", String::from_utf8_lossy(&item)),
            Err(GetError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
