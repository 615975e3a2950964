//! A peer that overwrites words at any time. `cargo xtask fuzz scribble`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringpost_fuzz::scribble(data));
