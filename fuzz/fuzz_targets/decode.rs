//! Any bytes as a value. `cargo xtask fuzz decode`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringpost_fuzz::decode(data));
