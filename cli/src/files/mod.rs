//! `srudp send` and `srudp receive`: files and folders, resumed after a break.
//!
//! ```text
//!  send ── walk ── sending ──┐                       ┌── receiving ── store ── dir      receive
//!            what to send    message ═ channel ═ message               where it goes
//! ```
//!
//! # The protocol `srudp-files/1`
//!
//! The application protocol of the connection is `srudp-files/1`. The sender dials. It opens one bidirectional
//! *control stream*, and one bidirectional stream for every file or folder, several of them at once. All
//! numbers are big-endian. A message is
//!
//! ```text
//! kind (1) | length of the body (4) | body
//! ```
//!
//! | kind | message | from | body |
//! |---|---|---|---|
//! | 0x01 | ANNOUNCE | sender | files and folders (8), bytes in them (8) |
//! | 0x02 | END | sender | |
//! | 0x03 | OFFER | sender | flags (1), size (8), seconds (8, signed) and nanoseconds (4) since 1970 of the last change, path |
//! | 0x04 | SAME | sender | |
//! | 0x05 | DIFFERENT | sender | |
//! | 0x06 | BEGIN | sender | offset (8) |
//! | 0x07 | DATA | sender | bytes of the file |
//! | 0x08 | WHOLE | sender | SHA-256 of the file (32) |
//! | 0x09 | ABORT | sender | an explanation for people |
//! | 0x81 | HAVE | receiver | SHA-256 of the file in place (32) |
//! | 0x82 | PREFIX | receiver | bytes that it has (8), their SHA-256 (32) |
//! | 0x83 | REFUSE | receiver | reason (1), bytes of free space that are missing (8), an explanation for people |
//! | 0x84 | DONE | receiver | |
//!
//! Flags of an OFFER: 0x01 the owner may execute it, 0x02 it is a folder; others are an error. A path is UTF-8,
//! at most 4096 bytes, relative, its names (each at most 255 bytes) separated by `/`. Explanations are UTF-8, at most
//! 512 bytes. The body of DATA has at most 131072 bytes, every other body at most 4160. Reasons of a
//! REFUSE: 1 the name is taken, 2 the name is not safe, 3 the disk is full, 4 wrong checksum, 5 the same file was offered
//! again, 6 another process receives it, 7 the storage failed, 8 protocol.
//!
//! On the control stream the sender writes ANNOUNCE, and END when every other stream is over; the receiver answers with
//! DONE, and the sender closes the connection. On the stream of a file:
//!
//! 1. The sender writes OFFER.
//! 2. The receiver answers REFUSE, or for a folder that it has made DONE, or HAVE if a file of this size has the name, or PREFIX.
//! 3. After HAVE the sender compares, and writes SAME (answered by DONE) or DIFFERENT (answered by REFUSE or PREFIX).
//! 4. After PREFIX the sender writes BEGIN, with the offset of the PREFIX if the file begins like that, and with 0
//!    otherwise; then DATA until the size is reached, then WHOLE. Instead of any of these it may write ABORT: the file
//!    cannot be read, or changed; what the receiver has of it is worth nothing.
//! 5. The receiver verifies the SHA-256, writes the file through to the disk, moves it to its name in one step, and answers DONE.
//!
//! REFUSE may come at any time instead of another answer. After it the receiver stops its half of the stream: a sender whose
//! writes fail looks for a REFUSE before it believes that the connection broke. A stream that ends early leaves the
//! partial file: the next OFFER of the same path, size and time by the same peer finds it.

mod channel;
mod dir;
mod hash;
mod limits;
mod message;
mod name;
mod progress;
mod receive;
mod receiving;
mod send;
mod sending;
#[cfg(test)]
mod session_tests;
mod slots;
mod store;
mod transfer;
mod walk;

pub(crate) use receive::Args as ReceiveArgs;
pub(crate) use send::Args as SendArgs;

/// What both sides name as their application protocol.
const PROTOCOL: &[u8] = b"srudp-files/1";
