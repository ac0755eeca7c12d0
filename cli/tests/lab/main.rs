//! The program and the library among real NATs: routers of the Linux kernel, in network namespaces of this machine.
//!
//! Run by `cargo test --test lab` as root. Without root, or without `ip`, `nft` and `conntrack`, nothing is tested, and a line says so.

#![cfg(target_os = "linux")]

mod behaviour;
mod conversation;
mod detour;
mod dialling;
mod ground;
mod keeping;
mod lifetime;
mod mapped;
mod meeting;
mod net;
mod peer;
mod ports;
mod punching;
mod reflexive;
mod relaying;
mod say;
mod servers;
mod skewed;
mod stopwatch;
mod survival;
mod table;
mod transfer;
