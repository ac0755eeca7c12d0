//! The real binary over loopback: what it promises to shells and to people.

mod demo;
mod errors;
#[cfg(unix)]
mod files;
mod harness;
mod keygen;
#[cfg(unix)]
mod link;
mod meeting;
mod nat;
mod perf;
mod pipe;
#[cfg(unix)]
mod trouble;
