//! See `srudp::internals::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| srudp::internals::fuzz::frames(data));
