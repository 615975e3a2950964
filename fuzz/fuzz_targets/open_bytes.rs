//! Any bytes as a segment. `cargo xtask fuzz open_bytes`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringpost_fuzz::open_bytes(data));
