//! The codes over a message: two keyed ones, and FINGERPRINT, which only tells STUN from other protocols (RFC 8489 §14.5 to §14.7).
//!
//! Each covers the message before it, with the header's length set as if the message ended right behind it.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::header::HEADER;
use super::password::Key;

/// The header of an attribute.
pub(super) const ATTRIBUTE_HEADER: usize = 4;

pub(super) const SHA1: usize = 20;
pub(super) const SHA256: usize = 32;
/// MESSAGE-INTEGRITY-SHA256 may be cut, but not below this (RFC 8489 §14.6).
pub(super) const SHA256_MIN: usize = 16;
pub(super) const CRC: usize = 4;

/// RFC 8489 §14.7: the CRC is made different from that of other protocols which end in one.
const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// The message up to an attribute whose value has this length: what stands before the header's length, that length, and the rest.
fn covered(before: &[u8], value: usize) -> (&[u8], [u8; 2], &[u8]) {
    let (kind, rest) = before.split_at_checked(2).unwrap_or_default();
    let end = before.len().saturating_add(ATTRIBUTE_HEADER).saturating_add(value);
    let length = u16::try_from(end.saturating_sub(HEADER)).unwrap_or(u16::MAX);
    (kind, length.to_be_bytes(), rest.get(2..).unwrap_or_default())
}

fn keyed<M: Mac + KeyInit>(key: &Key, before: &[u8], value: usize) -> M {
    let mut mac =
        <M as KeyInit>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of every length");
    let (kind, length, rest) = covered(before, value);
    mac.update(kind);
    mac.update(&length);
    mac.update(rest);
    mac
}

/// MESSAGE-INTEGRITY of the message up to it.
pub(super) fn sha1(key: &Key, before: &[u8]) -> [u8; SHA1] {
    keyed::<Hmac<Sha1>>(key, before, SHA1).finalize().into_bytes().into()
}

/// MESSAGE-INTEGRITY-SHA256 of the message up to it, before it is cut to `cut` bytes.
pub(super) fn sha256(key: &Key, before: &[u8], cut: usize) -> [u8; SHA256] {
    keyed::<Hmac<Sha256>>(key, before, cut).finalize().into_bytes().into()
}

/// FINGERPRINT of the message up to it.
pub(super) fn fingerprint(before: &[u8]) -> [u8; CRC] {
    let mut crc = crc32fast::Hasher::new();
    let (kind, length, rest) = covered(before, CRC);
    crc.update(kind);
    crc.update(&length);
    crc.update(rest);
    (crc.finalize() ^ FINGERPRINT_XOR).to_be_bytes()
}

/// Compares in a time that does not depend on the contents.
pub(super) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
