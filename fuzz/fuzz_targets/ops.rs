//! Any operations and kills against an oracle. `cargo xtask fuzz ops`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringpost_fuzz::ops(data));
