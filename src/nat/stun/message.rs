//! Reads messages. What a datagram says is checked once, without allocating; then it is looked at where it lies.

use std::net::SocketAddr;

use super::attribute::{Attribute, OPTIONAL, kind};
use super::error::StunError;
use super::header::{Class, HEADER, Header, Method, TransactionId};
use super::integrity::{self, ATTRIBUTE_HEADER};
use super::password::Key;
use crate::base::limits::STUN_ATTRIBUTES;

/// A well-formed STUN message.
///
/// ```
/// use srudp::nat::stun::{Attribute, Builder, Class, Message, Method, TransactionId};
///
/// let request = Builder::new(Class::Request, Method::BINDING, TransactionId::new([7; 12]))
///     .attribute(&Attribute::Software("an example"))
///     .fingerprint()
///     .finish()?;
/// let message = Message::decode(&request)?;
/// assert_eq!(message.class(), Class::Request);
/// assert_eq!(message.attributes().next(), Some(Attribute::Software("an example")));
/// # Ok::<(), srudp::nat::stun::StunError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    header: Header,
    /// Where the codes over the message stand.
    sha1: Option<usize>,
    sha256: Option<usize>,
    fingerprint: bool,
}

/// An attribute where it lies.
#[derive(Clone, Copy, Debug)]
struct Raw<'a> {
    at: usize,
    kind: u16,
    value: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a datagram that holds one message and nothing else.
    ///
    /// # Errors
    ///
    /// What is wrong with it. Such a datagram is not answered (RFC 8489 §6.3).
    pub fn decode(bytes: &'a [u8]) -> Result<Self, StunError> {
        let start = bytes.first_chunk::<HEADER>().ok_or(StunError::Length)?;
        let header = Header::decode(start)?;
        if bytes.len() != HEADER + usize::from(header.length) {
            return Err(StunError::Length);
        }
        let mut message = Self { bytes, header, sha1: None, sha256: None, fingerprint: false };
        message.check()?;
        Ok(message)
    }

    /// Walks over all attributes once.
    fn check(&mut self) -> Result<(), StunError> {
        let (mut at, mut count) = (HEADER, 0);
        while at < self.bytes.len() {
            let raw = raw(self.bytes, at).ok_or(StunError::Length)?;
            count += 1;
            if count > STUN_ATTRIBUTES {
                return Err(StunError::TooManyAttributes);
            }
            self.check_one(&raw)?;
            at = end(&raw);
        }
        Ok(())
    }

    fn check_one(&mut self, raw: &Raw<'_>) -> Result<(), StunError> {
        let malformed = Err(StunError::Malformed(raw.kind));
        if self.fingerprint {
            return Err(StunError::Fingerprint);
        }
        match raw.kind {
            kind::FINGERPRINT => {
                let before = self.bytes.get(..raw.at).unwrap_or_default();
                if raw.value != integrity::fingerprint(before) {
                    return Err(StunError::Fingerprint);
                }
                self.fingerprint = true;
            }
            // What follows a code is not protected by it, and does not count (RFC 8489 §14.5, §14.6).
            _ if self.sha256.is_some() => {}
            kind::MESSAGE_INTEGRITY_SHA256 => {
                let length = raw.value.len();
                if !(integrity::SHA256_MIN..=integrity::SHA256).contains(&length)
                    || !length.is_multiple_of(4)
                {
                    return malformed;
                }
                self.sha256 = Some(raw.at);
            }
            _ if self.sha1.is_some() => {}
            kind::MESSAGE_INTEGRITY => {
                if raw.value.len() != integrity::SHA1 {
                    return malformed;
                }
                self.sha1 = Some(raw.at);
            }
            _ => {
                Attribute::decode(raw.kind, raw.value, &self.header.transaction)?;
            }
        }
        Ok(())
    }

    /// What the message is to its transaction.
    pub fn class(&self) -> Class {
        self.header.class
    }

    /// What it is about.
    pub fn method(&self) -> Method {
        self.header.method
    }

    /// Which transaction it belongs to.
    pub fn transaction(&self) -> TransactionId {
        self.header.transaction
    }

    /// Whether it carries a FINGERPRINT, which is then right.
    pub fn has_fingerprint(&self) -> bool {
        self.fingerprint
    }

    /// Whether it carries MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256, right or wrong.
    pub fn has_integrity(&self) -> bool {
        self.sha1.is_some() || self.sha256.is_some()
    }

    /// The attributes that its codes protect, if there are any codes, in order; the codes themselves are not among them.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let protected = [self.sha1, self.sha256].into_iter().flatten().min();
        let bytes = &self.bytes[..protected.unwrap_or(self.bytes.len()).min(self.bytes.len())];
        let transaction = self.header.transaction;
        let mut at = HEADER;
        let raws = std::iter::from_fn(move || {
            let raw = raw(bytes, at)?;
            at = end(&raw);
            Some(raw)
        });
        raws.filter(|raw| raw.kind != kind::FINGERPRINT)
            .filter_map(move |raw| Attribute::decode(raw.kind, raw.value, &transaction).ok())
    }

    /// What the first attribute of a kind says: others of its kind do not count (RFC 8489 §14).
    pub fn find<T>(&self, pick: impl FnMut(Attribute<'a>) -> Option<T>) -> Option<T> {
        self.attributes().find_map(pick)
    }

    /// The sender's address as the server saw it. Falls back to the attribute in the clear, which is all that servers of RFC 3489 know.
    pub fn reflexive(&self) -> Option<SocketAddr> {
        let hidden = self.find(|attribute| match attribute {
            Attribute::XorMappedAddress(address) => Some(address),
            _ => None,
        });
        hidden.or_else(|| self.mapped())
    }

    /// MAPPED-ADDRESS: the same in the clear, where NATs may have changed it on the way.
    pub fn mapped(&self) -> Option<SocketAddr> {
        self.find(|attribute| match attribute {
            Attribute::MappedAddress(address) => Some(address),
            _ => None,
        })
    }

    /// ERROR-CODE: the code, and words for people.
    pub fn error(&self) -> Option<(u16, &'a str)> {
        self.find(|attribute| match attribute {
            Attribute::ErrorCode { code, reason } => Some((code, reason)),
            _ => None,
        })
    }

    /// Types of attributes that this code does not know, and without which the message must not be acted on.
    pub fn unknown_required(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.attributes().filter_map(|attribute| match attribute {
            Attribute::Unknown { kind, .. } if kind < OPTIONAL => Some(kind),
            _ => None,
        })
    }

    /// Whether MESSAGE-INTEGRITY is there and right.
    pub fn verify_sha1(&self, key: &Key) -> bool {
        let Some((before, value)) = self.code(self.sha1) else { return false };
        integrity::equal(&integrity::sha1(key, before), value)
    }

    /// Whether MESSAGE-INTEGRITY-SHA256 is there and right.
    pub fn verify_sha256(&self, key: &Key) -> bool {
        let Some((before, value)) = self.code(self.sha256) else { return false };
        let full = integrity::sha256(key, before, value.len());
        full.get(..value.len()).is_some_and(|cut| integrity::equal(cut, value))
    }

    /// The message before a code, and the code.
    fn code(&self, at: Option<usize>) -> Option<(&'a [u8], &'a [u8])> {
        let at = at?;
        Some((self.bytes.get(..at)?, raw(self.bytes, at)?.value))
    }
}

/// The attribute that begins here.
fn raw(bytes: &[u8], at: usize) -> Option<Raw<'_>> {
    let (&[k0, k1, l0, l1], rest) = bytes.get(at..)?.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    // The padding belongs to the attribute; it may hold anything.
    rest.get(..length.next_multiple_of(4))?;
    Some(Raw { at, kind: u16::from_be_bytes([k0, k1]), value: rest.get(..length)? })
}

/// Where the next one begins.
fn end(raw: &Raw<'_>) -> usize {
    raw.at + ATTRIBUTE_HEADER + raw.value.len().next_multiple_of(4)
}
