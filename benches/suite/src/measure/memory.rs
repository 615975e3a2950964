//! How much memory a queue takes for room of 64 MiB, of which little is used.
//!
//! Counted is what this process has more than before (resident, private), and what shared files that it maps hold, mapped in
//! or not. What the kernel keeps for pipes, sockets and message queues is not seen from here.

use super::{KIB, Outcome};
use crate::ends::{In, Out, Way};
use crate::failure::Failure;
use ringpost_peers::{Peer, Spec, Waiting};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

/// Items that fit, and their longest payload.
const DEPTH: usize = 1024;
const LONGEST: usize = 64 * KIB;
/// Items that go through before memory is counted.
const ITEMS: u64 = 100;

pub(super) fn run<P: Peer>() -> Result<Outcome, Failure> {
    let waiting = if P::ABOUT.polls {
        Waiting::Spinning
    } else {
        Waiting::Blocking
    };
    let spec = Spec {
        payload: P::ABOUT.longest.unwrap_or(LONGEST).min(LONGEST),
        depth: DEPTH,
        senders: 1,
        receivers: 1,
        waiting,
    };
    let way = if P::ABOUT.polls {
        Way::Polling
    } else {
        Way::Blocking
    };
    // What the suite itself uses is there before.
    let length = spec.payload;
    drop(vec![1_u8; 2 * length]);
    let before = held();
    let setup = P::set_up(&spec)?;
    let mut out = Out::new(P::sender(&setup, 0)?, way, length);
    let mut inlet = In::new(P::receiver(&setup, 0)?, way, length);
    for number in 0..ITEMS {
        out.send(number);
        inlet.receive()?;
    }
    let more = held().saturating_sub(before);
    let buffers = 2 * length.next_multiple_of(4 * KIB) as u64;
    drop((out, inlet));
    Ok(Outcome::of(
        more.saturating_sub(buffers) as f64 / super::MIB as f64,
    ))
}

/// Bytes that this process holds: private ones that are resident, and whole shared files.
fn held() -> u64 {
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let mut private = 0;
    // By inode: what is mapped in, and what the file has.
    let mut files: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let mut file = None;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or("");
        if !first.ends_with(':') {
            // start-end permissions offset device inode path
            let shared = words.next().is_some_and(|flags| flags.ends_with('s'));
            let inode: u64 = words.nth(2).and_then(|word| word.parse().ok()).unwrap_or(0);
            file = shared.then_some(inode);
            if shared {
                let path = words.next().unwrap_or("");
                files.entry(inode).or_default().1 = size(inode, path);
            }
        } else if first == "Rss:" {
            let kib: u64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            match file {
                Some(inode) => files.entry(inode).or_default().0 += kib * 1024,
                None => private += kib * 1024,
            }
        }
    }
    let shared: u64 = files.values().map(|&(mapped, has)| mapped.max(has)).sum();
    private + shared
}

/// Bytes of memory that a shared file holds, if it can be found by its path or among the open descriptors.
fn size(inode: u64, path: &str) -> u64 {
    let at_path = std::fs::metadata(path).ok();
    let opened = || {
        let descriptors = std::fs::read_dir("/proc/self/fd").ok()?;
        descriptors
            .filter_map(|entry| std::fs::metadata(entry.ok()?.path()).ok())
            .find(|file| file.ino() == inode)
    };
    at_path
        .filter(|file| file.ino() == inode)
        .or_else(opened)
        .map_or(0, |file| file.blocks() * 512)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringpost_peers::area::Area;

    #[test]
    fn touched_memory_is_seen() {
        // A size that no other test of this program comes near.
        let before = held();
        let area = Area::new(512 << 20);
        let mapped = held().saturating_sub(before);
        assert!(mapped < 64 << 20, "{mapped}: nothing was touched");
        for page in 0..(256 << 20) / 4096 {
            area.u64_at(page * 4096)
                .store(1, std::sync::atomic::Ordering::Relaxed);
        }
        let touched = held().saturating_sub(before);
        assert!((250 << 20..400 << 20).contains(&touched), "{touched}");
    }
}
