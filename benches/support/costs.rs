//! Costs of the queue alone: a loan by its length, waiting, and memory that is not used yet.

use super::cpus;
use super::processes::Crew;
use ringpost::Options;
use std::hint::black_box;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Nanoseconds for loan, commit, get_ref and release of `len` bytes that nobody touches, in one process.
pub(crate) fn loan_cycle(len: usize, cycles: u64) -> f64 {
    let queue = Options::new().anonymous().expect("creating a queue");
    let mut crew = Crew::default();
    crew.add(cpus::two()[0], |place| {
        let cycle = || {
            let loan = queue.loan(len).expect("an open queue");
            loan.commit().expect("an open queue");
            let message = queue.get_ref().expect("an open queue");
            assert_eq!(black_box(&message).len(), len);
        };
        (0..1000).for_each(|_| cycle()); // attached, extents settled
        place.start();
        (0..cycles).for_each(|_| cycle());
        place.end();
    });
    crew.run().elapsed.as_nanos() as f64 / cycles as f64
}

/// Which part of a processor, in percent, a process uses that waits in `get`, from its second second to its fourth.
pub(crate) fn waiting() -> f64 {
    let queue = Options::new().anonymous().expect("creating a queue");
    let mut crew = Crew::default();
    crew.add(cpus::two()[0], |place| {
        place.start();
        std::thread::scope(|scope| {
            // The same process's only other thread, which sleeps between its two looks.
            scope.spawn(|| {
                std::thread::sleep(Duration::from_secs(1));
                let (start, before) = (Instant::now(), used());
                std::thread::sleep(Duration::from_secs(3));
                let part = (used() - before).as_secs_f64() / start.elapsed().as_secs_f64();
                place.report(&[(part * 100.0).to_bits()]);
            });
            queue
                .get_timeout(Duration::from_millis(4200))
                .expect_err("nothing is ever put");
        });
        place.end();
    });
    f64::from_bits(crew.run().reports[0][0])
}

/// The processor time that this process has used.
fn used() -> Duration {
    // SAFETY: rusage is plain data, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills the structure that it is given.
    let answer = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    assert_eq!(answer, 0, "getrusage");
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// MiB that an opened queue of 1024 slots with an arena of 1 GiB has touched: the larger of what its file holds and what
/// this process has mapped in.
pub(crate) fn touched() -> f64 {
    let queue = Options::new()
        .capacity(1024)
        .arena(1 << 30)
        .anonymous()
        .expect("creating a queue");
    let file = rustix::fs::fstat(queue.as_fd()).expect("fstat");
    let held = file.st_blocks as u64 * 512;
    let mapped = resident(file.st_ino);
    assert!(mapped > 0, "the mapping was not found in smaps");
    held.max(mapped) as f64 / f64::from(1 << 20)
}

/// Bytes of the mappings of this file that are resident in this process.
fn resident(inode: u64) -> u64 {
    let smaps = std::fs::read_to_string("/proc/self/smaps").expect("/proc/self/smaps");
    let mut ours = false;
    let mut total = 0;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or("");
        if !first.ends_with(':') {
            // start-end perms offset device inode path
            ours = words.nth(3).and_then(|word| word.parse().ok()) == Some(inode);
        } else if ours && first == "Rss:" {
            total += words
                .next()
                .and_then(|word| word.parse::<u64>().ok())
                .unwrap_or(0)
                * 1024;
        }
    }
    total
}

/// Nanoseconds for a put and a get of 64 bytes in one thread.
pub(crate) fn put_and_get<T: super::transport::Transport>(transport: &T, cycles: u64) -> f64 {
    use super::payload;
    let mut crew = Crew::default();
    crew.add(cpus::two()[0], |place| {
        let mut out = T::buffer();
        let mut cycle = |number: u64| {
            transport.put(&payload::write(payload::tag(0, number)));
            transport.get(&mut out);
            assert_eq!(payload::read(out.as_ref()), number);
        };
        (0..2000).for_each(&mut cycle); // attached, every slot touched
        place.start();
        (0..cycles).for_each(&mut cycle);
        place.end();
    });
    crew.run().elapsed.as_nanos() as f64 / cycles as f64
}
