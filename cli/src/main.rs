//! The `srudp` program.
fn main() {}
