//! A pipe between two machines: `srudp listen` and `srudp connect`.
//!
//! ```text
//!  stdin ──▶ Input ──▶ one-way stream ═══════▶ one-way stream ──▶ stdout
//!  stdout ◀─────────── one-way stream ◀═══════ one-way stream ◀── Input ◀── stdin
//!
//!  both directions over?   the dialler closes with code 0; the listener waits for that
//! ```
//!
//! Each direction is a stream of its own, opened by the side that sends: a single two-way stream would begin with its opener's
//! first byte, and a listener that has much to say would have to wait for a dialler that has nothing. The end of stdin ends a
//! direction and leaves the other one alone. Only the dialler closes, and only after it has read everything and everything of
//! its own was acknowledged: so code 0 tells the listener that nothing is missing.
//!
//! A peer that closes earlier ends the pipe, even if stdin goes on. A terminal as stdin is read only if stdout is one too: who
//! writes `srudp listen > file` does not want to type.

mod connect;
mod conversation;
mod input;
mod listen;
mod output;

pub(crate) use connect::Args as ConnectArgs;
pub(crate) use listen::Args as ListenArgs;

/// What both sides have to speak (SPEC §10).
const PROTOCOL: &[u8] = b"srudp-pipe/1";

/// Bytes in one read and write.
const CHUNK: usize = 256 * 1024;
