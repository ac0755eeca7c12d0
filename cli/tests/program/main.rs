//! The real binary over loopback: what it promises to shells and to people.

mod demo;
mod errors;
mod files;
mod harness;
mod keygen;
mod link;
mod perf;
mod pipe;
