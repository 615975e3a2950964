//! Several queues and other file descriptors in one event loop, by `poll`.
//!
//! `echo stop | cargo run --example readiness`, or type lines and end with `stop`.

use ringpost::{BytesQueue, GetError, Options};
use rustix::event::{PollFd, PollFlags, poll};
use std::error::Error;
use std::io::{BufRead, stdin};
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let ticks = Options::new().anonymous()?;
    let orders = Options::new().anonymous()?;
    spawn_clock(ticks.clone());

    // Each is readable while its queue holds something, or was shut down. Never read from them.
    let (tick_ready, order_ready) = (ticks.readiness()?, orders.readiness()?);
    let keyboard = stdin();
    let mut open = true;
    while open {
        let mut fds = [
            PollFd::new(&tick_ready, PollFlags::IN),
            PollFd::new(&order_ready, PollFlags::IN),
            PollFd::new(&keyboard, PollFlags::IN),
        ];
        poll(&mut fds, None)?;
        let typed = !fds[2].revents().is_empty();
        drain(&ticks, "tick")?;
        open = drain(&orders, "order")?;
        if typed {
            let mut line = String::new();
            if keyboard.lock().read_line(&mut line)? == 0 || line.trim() == "stop" {
                orders.shutdown(); // seen at once, here and everywhere
            } else {
                orders.put(line.trim().as_bytes())?;
            }
        }
    }
    Ok(())
}

/// Takes what is there. Another consumer may have been faster, so `try_get`. Says whether more may come.
fn drain(queue: &BytesQueue, what: &str) -> Result<bool, GetError> {
    loop {
        match queue.try_get() {
            Ok(item) => println!("{what}: {}", String::from_utf8_lossy(&item)),
            Err(GetError::Empty) => return Ok(true),
            Err(GetError::Closed) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// Somebody else who puts.
fn spawn_clock(queue: BytesQueue) {
    std::thread::spawn(move || {
        for tick in 1.. {
            std::thread::sleep(Duration::from_secs(1));
            if queue.put(tick.to_string().as_bytes()).is_err() {
                break;
            }
        }
    });
}
