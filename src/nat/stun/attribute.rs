//! What attributes mean: those of RFC 8489 §14, RFC 5780 §7 and RFC 8656 §18. Values are borrowed from the datagram.
//!
//! MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT cover the message before them, and are dealt with where messages are
//! read and written.

use std::net::SocketAddr;

use super::address::{self, AddressFamily};
use super::error::StunError;
use super::header::TransactionId;
use super::integrity::ATTRIBUTE_HEADER;
use super::password::PasswordAlgorithm;

/// Attribute types, as IANA numbers them.
pub(super) mod kind {
    pub(in super::super) const MAPPED_ADDRESS: u16 = 0x0001;
    pub(in super::super) const CHANGE_REQUEST: u16 = 0x0003;
    pub(in super::super) const USERNAME: u16 = 0x0006;
    pub(in super::super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(in super::super) const ERROR_CODE: u16 = 0x0009;
    pub(in super::super) const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub(in super::super) const CHANNEL_NUMBER: u16 = 0x000c;
    pub(in super::super) const LIFETIME: u16 = 0x000d;
    pub(in super::super) const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub(in super::super) const DATA: u16 = 0x0013;
    pub(in super::super) const REALM: u16 = 0x0014;
    pub(in super::super) const NONCE: u16 = 0x0015;
    pub(in super::super) const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub(in super::super) const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    pub(in super::super) const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub(in super::super) const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
    pub(in super::super) const PASSWORD_ALGORITHM: u16 = 0x001d;
    pub(in super::super) const USERHASH: u16 = 0x001e;
    pub(in super::super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(in super::super) const PADDING: u16 = 0x0026;
    pub(in super::super) const RESPONSE_PORT: u16 = 0x0027;
    pub(in super::super) const ADDITIONAL_ADDRESS_FAMILY: u16 = 0x8000;
    pub(in super::super) const ADDRESS_ERROR_CODE: u16 = 0x8001;
    pub(in super::super) const PASSWORD_ALGORITHMS: u16 = 0x8002;
    pub(in super::super) const ALTERNATE_DOMAIN: u16 = 0x8003;
    pub(in super::super) const SOFTWARE: u16 = 0x8022;
    pub(in super::super) const ALTERNATE_SERVER: u16 = 0x8023;
    pub(in super::super) const FINGERPRINT: u16 = 0x8028;
    pub(in super::super) const RESPONSE_ORIGIN: u16 = 0x802b;
    pub(in super::super) const OTHER_ADDRESS: u16 = 0x802c;
}

/// Types from here up may be ignored by those who do not know them (RFC 8489 §14).
pub(super) const OPTIONAL: u16 = 0x8000;

/// CHANGE-REQUEST's bits (RFC 5780 §7.2).
const CHANGE_IP: u32 = 4;
const CHANGE_PORT: u32 = 2;

/// The longest texts, in bytes (RFC 8489 §14.3, §14.8 to §14.10, §14.14).
const USERNAME_MAX: usize = 508;
const TEXT_MAX: usize = 763;

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute<'a> {
    /// The sender's address as the server saw it, in the clear; NATs may have changed it on the way.
    MappedAddress(SocketAddr),
    /// The sender's address as the server saw it.
    XorMappedAddress(SocketAddr),
    /// Who asks.
    Username(&'a str),
    /// Who asks, as SHA-256 of `username:realm`.
    UserHash([u8; 32]),
    /// Where the user's name and password are valid.
    Realm(&'a str),
    /// The server's proof that it has seen the client lately.
    Nonce(&'a str),
    /// The algorithms that the server offers for keys, best first.
    PasswordAlgorithms(PasswordAlgorithms<'a>),
    /// The algorithm that the client chose.
    PasswordAlgorithm(PasswordAlgorithm),
    /// Why it failed: a code from 300 to 699, and words.
    ErrorCode {
        /// As in HTTP.
        code: u16,
        /// For people.
        reason: &'a str,
    },
    /// Which attributes of the request the server did not know.
    UnknownAttributes(AttributeTypes<'a>),
    /// The program at the other end.
    Software(&'a str),
    /// Ask there instead.
    AlternateServer(SocketAddr),
    /// The name in the certificate of the server to ask instead.
    AlternateDomain(&'a str),
    /// Answer from your other IP address, your other port, or both (RFC 5780 §7.2).
    ChangeRequest {
        /// From the other IP address.
        ip: bool,
        /// From the other port.
        port: bool,
    },
    /// Ballast (RFC 5780 §7.6).
    Padding(&'a [u8]),
    /// Answer to this port of mine (RFC 5780 §7.5).
    ResponsePort(u16),
    /// Where the answer comes from, as the server believes (RFC 5780 §7.3).
    ResponseOrigin(SocketAddr),
    /// The server's other IP address and other port (RFC 5780 §7.4).
    OtherAddress(SocketAddr),
    /// A peer at the other side of a relay (RFC 8656 §18.3).
    XorPeerAddress(SocketAddr),
    /// The address at a relay that peers send to (RFC 8656 §18.5).
    XorRelayedAddress(SocketAddr),
    /// A datagram to a peer or from it (RFC 8656 §18.4).
    Data(&'a [u8]),
    /// The number that stands for a peer (RFC 8656 §18.1).
    ChannelNumber(u16),
    /// Seconds that an allocation is wanted, or lasts (RFC 8656 §18.2).
    Lifetime(u32),
    /// How the relay talks to peers, as IP numbers protocols: 17 is UDP (RFC 8656 §18.8).
    RequestedTransport(u8),
    /// The family of the address that is wanted (RFC 8656 §18.6).
    RequestedAddressFamily(AddressFamily),
    /// A second address is wanted, of this family (RFC 8656 §18.11).
    AdditionalAddressFamily(AddressFamily),
    /// There is no address of this family, and why (RFC 8656 §18.12).
    AddressErrorCode {
        /// The family.
        family: AddressFamily,
        /// As in [`Self::ErrorCode`].
        code: u16,
    },
    /// One that this code does not know.
    Unknown {
        /// Its type.
        kind: u16,
        /// Its bytes, without padding.
        value: &'a [u8],
    },
}

impl<'a> Attribute<'a> {
    /// The attribute's type.
    pub fn kind(&self) -> u16 {
        match self {
            Self::MappedAddress(_) => kind::MAPPED_ADDRESS,
            Self::XorMappedAddress(_) => kind::XOR_MAPPED_ADDRESS,
            Self::Username(_) => kind::USERNAME,
            Self::UserHash(_) => kind::USERHASH,
            Self::Realm(_) => kind::REALM,
            Self::Nonce(_) => kind::NONCE,
            Self::PasswordAlgorithms(_) => kind::PASSWORD_ALGORITHMS,
            Self::PasswordAlgorithm(_) => kind::PASSWORD_ALGORITHM,
            Self::ErrorCode { .. } => kind::ERROR_CODE,
            Self::UnknownAttributes(_) => kind::UNKNOWN_ATTRIBUTES,
            Self::Software(_) => kind::SOFTWARE,
            Self::AlternateServer(_) => kind::ALTERNATE_SERVER,
            Self::AlternateDomain(_) => kind::ALTERNATE_DOMAIN,
            Self::ChangeRequest { .. } => kind::CHANGE_REQUEST,
            Self::Padding(_) => kind::PADDING,
            Self::ResponsePort(_) => kind::RESPONSE_PORT,
            Self::ResponseOrigin(_) => kind::RESPONSE_ORIGIN,
            Self::OtherAddress(_) => kind::OTHER_ADDRESS,
            Self::XorPeerAddress(_) => kind::XOR_PEER_ADDRESS,
            Self::XorRelayedAddress(_) => kind::XOR_RELAYED_ADDRESS,
            Self::Data(_) => kind::DATA,
            Self::ChannelNumber(_) => kind::CHANNEL_NUMBER,
            Self::Lifetime(_) => kind::LIFETIME,
            Self::RequestedTransport(_) => kind::REQUESTED_TRANSPORT,
            Self::RequestedAddressFamily(_) => kind::REQUESTED_ADDRESS_FAMILY,
            Self::AdditionalAddressFamily(_) => kind::ADDITIONAL_ADDRESS_FAMILY,
            Self::AddressErrorCode { .. } => kind::ADDRESS_ERROR_CODE,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// Bytes that it takes in a message; nothing if it cannot be written.
    pub(super) fn size(&self) -> usize {
        let mut value = Vec::new();
        match self.encode(&TransactionId::new([0; 12]), &mut value) {
            Ok(()) => ATTRIBUTE_HEADER + value.len().next_multiple_of(4),
            Err(_) => 0,
        }
    }

    /// Gives a value its meaning. A malformed value of an attribute that may be ignored is one that is not known.
    pub(super) fn decode(
        kind: u16,
        value: &'a [u8],
        transaction: &TransactionId,
    ) -> Result<Self, StunError> {
        match Self::decode_known(kind, value, transaction) {
            Some(attribute) => Ok(attribute),
            None if kind >= OPTIONAL => Ok(Self::Unknown { kind, value }),
            None => Err(StunError::Malformed(kind)),
        }
    }

    fn decode_known(kind: u16, value: &'a [u8], transaction: &TransactionId) -> Option<Self> {
        Some(match kind {
            kind::MAPPED_ADDRESS => Self::MappedAddress(address::decode(value)?),
            kind::XOR_MAPPED_ADDRESS => Self::XorMappedAddress(hidden(value, transaction)?),
            kind::ALTERNATE_SERVER => Self::AlternateServer(address::decode(value)?),
            kind::RESPONSE_ORIGIN => Self::ResponseOrigin(address::decode(value)?),
            kind::OTHER_ADDRESS => Self::OtherAddress(address::decode(value)?),
            kind::USERNAME => Self::Username(text(value, USERNAME_MAX)?),
            kind::REALM => Self::Realm(text(value, TEXT_MAX)?),
            kind::NONCE => Self::Nonce(text(value, TEXT_MAX)?),
            kind::SOFTWARE => Self::Software(text(value, TEXT_MAX)?),
            kind::ALTERNATE_DOMAIN => Self::AlternateDomain(text(value, TEXT_MAX)?),
            kind::USERHASH => Self::UserHash(value.try_into().ok()?),
            kind::PASSWORD_ALGORITHMS => Self::PasswordAlgorithms(PasswordAlgorithms::new(value)?),
            kind::PASSWORD_ALGORITHM => match algorithm(value)? {
                (algorithm, []) => Self::PasswordAlgorithm(algorithm?),
                _ => return None,
            },
            kind::ERROR_CODE => decode_error(value)?,
            kind::UNKNOWN_ATTRIBUTES => Self::UnknownAttributes(AttributeTypes::new(value)?),
            kind::CHANGE_REQUEST => {
                let bits = u32::from_be_bytes(value.try_into().ok()?);
                Self::ChangeRequest { ip: bits & CHANGE_IP != 0, port: bits & CHANGE_PORT != 0 }
            }
            kind::PADDING => Self::Padding(value),
            kind::RESPONSE_PORT => match value {
                // RFC 5780 §7.5 pads the port with two bytes that RFC 8489 would not count. Both lengths are met.
                [p0, p1] | [p0, p1, _, _] => Self::ResponsePort(u16::from_be_bytes([*p0, *p1])),
                _ => return None,
            },
            kind::XOR_PEER_ADDRESS => Self::XorPeerAddress(hidden(value, transaction)?),
            kind::XOR_RELAYED_ADDRESS => Self::XorRelayedAddress(hidden(value, transaction)?),
            kind::DATA => Self::Data(value),
            // The fields of these four are followed, or preceded, by ones that are reserved.
            kind::CHANNEL_NUMBER => match value {
                [n0, n1, _, _] => Self::ChannelNumber(u16::from_be_bytes([*n0, *n1])),
                _ => return None,
            },
            kind::REQUESTED_TRANSPORT => match value {
                [protocol, _, _, _] => Self::RequestedTransport(*protocol),
                _ => return None,
            },
            kind::REQUESTED_ADDRESS_FAMILY => Self::RequestedAddressFamily(family(value)?),
            kind::ADDITIONAL_ADDRESS_FAMILY => Self::AdditionalAddressFamily(family(value)?),
            kind::LIFETIME => Self::Lifetime(u32::from_be_bytes(value.try_into().ok()?)),
            kind::ADDRESS_ERROR_CODE => {
                let (&[number, _, class, rest], _) = value.split_first_chunk()?;
                let code = error_code(class, rest)?;
                Self::AddressErrorCode { family: AddressFamily::from_number(number)?, code }
            }
            _ => Self::Unknown { kind, value },
        })
    }

    /// Appends the value, without padding.
    pub(super) fn encode(
        &self,
        transaction: &TransactionId,
        out: &mut Vec<u8>,
    ) -> Result<(), StunError> {
        match self {
            Self::MappedAddress(at)
            | Self::AlternateServer(at)
            | Self::ResponseOrigin(at)
            | Self::OtherAddress(at) => address::encode(*at, out),
            Self::XorMappedAddress(at) | Self::XorPeerAddress(at) | Self::XorRelayedAddress(at) => {
                address::encode(address::xor(*at, transaction), out);
            }
            Self::Username(name) => put_text(name, USERNAME_MAX, out)?,
            Self::Realm(text)
            | Self::Nonce(text)
            | Self::Software(text)
            | Self::AlternateDomain(text) => put_text(text, TEXT_MAX, out)?,
            Self::UserHash(hash) => out.extend(hash),
            Self::PasswordAlgorithms(list) => out.extend(list.0),
            Self::PasswordAlgorithm(algorithm) => {
                out.extend(algorithm.number().to_be_bytes());
                out.extend([0, 0]);
            }
            Self::ErrorCode { code, reason } => {
                let (class, number) = split_code(*code)?;
                out.extend([0, 0, class, number]);
                put_text(reason, TEXT_MAX, out)?;
            }
            Self::UnknownAttributes(list) => out.extend(list.0),
            Self::ChangeRequest { ip, port } => {
                let bits = if *ip { CHANGE_IP } else { 0 } | if *port { CHANGE_PORT } else { 0 };
                out.extend(bits.to_be_bytes());
            }
            Self::Padding(bytes) | Self::Data(bytes) | Self::Unknown { value: bytes, .. } => {
                out.extend(*bytes);
            }
            Self::ResponsePort(port) => out.extend(port.to_be_bytes()),
            Self::ChannelNumber(number) => {
                out.extend(number.to_be_bytes());
                out.extend([0, 0]);
            }
            Self::Lifetime(seconds) => out.extend(seconds.to_be_bytes()),
            Self::RequestedTransport(first) => out.extend([*first, 0, 0, 0]),
            Self::RequestedAddressFamily(family) | Self::AdditionalAddressFamily(family) => {
                out.extend([family.number(), 0, 0, 0]);
            }
            Self::AddressErrorCode { family, code } => {
                let (class, number) = split_code(*code)?;
                out.extend([family.number(), 0, class, number]);
            }
        }
        Ok(())
    }
}

fn text(value: &[u8], limit: usize) -> Option<&str> {
    if value.len() > limit {
        return None;
    }
    std::str::from_utf8(value).ok()
}

fn put_text(text: &str, limit: usize, out: &mut Vec<u8>) -> Result<(), StunError> {
    if text.len() > limit {
        return Err(StunError::TooLong);
    }
    out.extend(text.as_bytes());
    Ok(())
}

fn hidden(value: &[u8], transaction: &TransactionId) -> Option<SocketAddr> {
    Some(address::xor(address::decode(value)?, transaction))
}

fn family(value: &[u8]) -> Option<AddressFamily> {
    match value {
        [number, _, _, _] => AddressFamily::from_number(*number),
        _ => None,
    }
}

/// RFC 8489 §14.8.
fn decode_error(value: &[u8]) -> Option<Attribute<'_>> {
    let (&[_, _, class, number], reason) = value.split_first_chunk()?;
    let code = error_code(class, number)?;
    // The code counts; words in another encoding are as good as none.
    Some(Attribute::ErrorCode { code, reason: text(reason, TEXT_MAX).unwrap_or_default() })
}

fn error_code(class: u8, number: u8) -> Option<u16> {
    let class = class & 7;
    let known = (3..=6).contains(&class) && number <= 99;
    known.then_some(u16::from(class) * 100 + u16::from(number))
}

fn split_code(code: u16) -> Result<(u8, u8), StunError> {
    match u8::try_from(code / 100) {
        Ok(class @ 3..=6) => Ok((class, (code % 100) as u8)),
        _ => Err(StunError::Malformed(kind::ERROR_CODE)),
    }
}

/// The first algorithm of a list, `None` in its place if its number is unknown, and what follows it (RFC 8489 §14.11, §14.12).
fn algorithm(value: &[u8]) -> Option<(Option<PasswordAlgorithm>, &[u8])> {
    let (&[n0, n1, l0, l1], rest) = value.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let parameters = rest.get(..length)?;
    // The parameters of the last one may stand without their padding.
    let rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    let known = PasswordAlgorithm::from_number(u16::from_be_bytes([n0, n1]));
    Some((known.filter(|_| parameters.is_empty()), rest))
}

/// A list of algorithms, as the server wrote it: the client sends it back unchanged, so that nobody can shorten it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordAlgorithms<'a>(&'a [u8]);

impl<'a> PasswordAlgorithms<'a> {
    /// The list in these bytes; `None` if they are no list.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            (_, rest) = algorithm(rest)?;
        }
        Some(Self(bytes))
    }

    /// The bytes of the list.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Those of the list that are known here, in its order.
    pub fn known(&self) -> impl Iterator<Item = PasswordAlgorithm> + use<'a> {
        let mut rest = self.0;
        let next = move || {
            let (first, after) = algorithm(rest)?;
            rest = after;
            Some(first)
        };
        std::iter::from_fn(next).flatten()
    }
}

/// A list of attribute types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeTypes<'a>(&'a [u8]);

impl<'a> AttributeTypes<'a> {
    /// The list in these bytes, two for each; `None` if their number is odd.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        bytes.len().is_multiple_of(2).then_some(Self(bytes))
    }

    /// The types.
    pub fn iter(&self) -> impl Iterator<Item = u16> + use<'a> {
        let (pairs, _) = self.0.as_chunks();
        pairs.iter().map(|pair| u16::from_be_bytes(*pair))
    }
}
