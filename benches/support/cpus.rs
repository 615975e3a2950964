//! Which processors the benchmark may use, and how a process is pinned to one.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processors that this process may run on, lowest first.
pub(crate) fn allowed() -> Vec<usize> {
    let set = sched_getaffinity(None).expect("sched_getaffinity");
    (0..CpuSet::MAX_CPU)
        .filter(|&cpu| set.is_set(cpu))
        .collect()
}

/// Two processors, one for each side. With a single one both sides share it, and the figures mean little.
pub(crate) fn two() -> [usize; 2] {
    let allowed = allowed();
    [allowed[0], allowed.get(1).copied().unwrap_or(allowed[0])]
}

/// Keeps the calling thread on one processor.
pub(crate) fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).expect("sched_setaffinity to an allowed processor");
}
