//! How one waits for what knows no waiting: the loop that every polled queue gets.

/// After so many tries the processor is offered to others, as ringpost's own blocking calls do.
const YIELD_EVERY: u32 = 32;

/// Tries until it works; kind to whoever must run first.
#[inline(always)]
pub fn until(mut attempt: impl FnMut() -> bool) {
    let mut round = 0_u32;
    while !attempt() {
        round = round.wrapping_add(1);
        if round.is_multiple_of(YIELD_EVERY) {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

/// Tries until it works, and lets nobody else run.
#[inline(always)]
pub fn spin(mut attempt: impl FnMut() -> bool) {
    while !attempt() {
        std::hint::spin_loop();
    }
}
