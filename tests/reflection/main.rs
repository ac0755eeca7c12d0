//! Nobody makes a node send much to an address that did not ask: no stranger, no peer that lies, no server that lies (SPEC §14.1,
//! §17.2, §17.3, §18.1, §18.4, §18.5).
//!
//! Each test aims something at a victim, and counts what the victim gets.

mod aim;
mod peers;
mod servers;
mod strangers;
