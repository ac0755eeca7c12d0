//! Nobody makes a node send much to an address that did not ask: no stranger, no peer that lies, no server that lies (SPEC §14.1,
//! §17.2, §17.3, §18.1, §18.3, §18.4, §18.5, §18.7, §19.3).
//!
//! Each test aims something at a victim, and counts what the victim gets.

mod aim;
#[path = "../crossing/mod.rs"]
mod crossing;
mod detours;
mod dials;
mod lists;
mod peers;
mod relays;
mod servers;
mod strangers;
