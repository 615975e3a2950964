//! Which processors the suite may use, and how a worker is pinned to one.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processors that this process may run on, lowest first.
pub fn allowed() -> Vec<usize> {
    let set = sched_getaffinity(None).expect("sched_getaffinity");
    (0..CpuSet::MAX_CPU)
        .filter(|&cpu| set.is_set(cpu))
        .collect()
}

/// Where the `index`-th sender runs: on every second processor.
pub fn of_sender(cpus: &[usize], index: usize) -> usize {
    cpus[2 * index % cpus.len()]
}

/// Where the `index`-th receiver runs: on the processors between the senders'. With a single one both sides share it, and the
/// figures mean little.
pub fn of_receiver(cpus: &[usize], index: usize) -> usize {
    cpus[(2 * index + 1) % cpus.len()]
}

/// Keeps the calling thread on one processor.
pub fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).expect("sched_setaffinity to an allowed processor");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_and_receivers_are_apart() {
        let two = [4, 7];
        for i in 0..3 {
            assert_eq!((of_sender(&two, i), of_receiver(&two, i)), (4, 7));
        }
        let four = [0, 1, 2, 3];
        let places: Vec<_> = (0..3)
            .map(|i| (of_sender(&four, i), of_receiver(&four, i)))
            .collect();
        assert_eq!(places, [(0, 1), (2, 3), (0, 1)]);
        assert_eq!((of_sender(&[5], 1), of_receiver(&[5], 1)), (5, 5));
    }
}
