//! The 20 bytes that every STUN message begins with (RFC 8489 §5).
//!
//! ```text
//!  0                   1                   2                   3
//! |0 0| class and method, mixed   | length of the attributes      |
//! | magic cookie 0x2112a442                                       |
//! | transaction id, 96 bits                                       |
//! ```

use std::fmt;

use super::error::StunError;
use crate::base::Entropy;

pub(super) const HEADER: usize = 20;
pub(super) const COOKIE: u32 = 0x2112_a442;

/// What a message is to its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Asks.
    Request,
    /// Tells, and wants no answer.
    Indication,
    /// Answers that it worked.
    Success,
    /// Answers that it did not.
    Error,
}

/// What a message is about: a number of 12 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method(u16);

impl Method {
    /// Which address do you see me at? (RFC 8489 §3)
    pub const BINDING: Self = Self(0x001);
    /// Be my relay (RFC 8656 §17).
    pub const ALLOCATE: Self = Self(0x003);
    /// Go on being it, or stop.
    pub const REFRESH: Self = Self(0x004);
    /// This is for that peer.
    pub const SEND: Self = Self(0x006);
    /// This is from that peer.
    pub const DATA: Self = Self(0x007);
    /// Let in what comes from that IP address.
    pub const CREATE_PERMISSION: Self = Self(0x008);
    /// Let a number stand for that peer.
    pub const CHANNEL_BIND: Self = Self(0x009);

    /// The method with this number; `None` above 12 bits.
    pub const fn new(number: u16) -> Option<Self> {
        if number < 0x1000 { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// Ties an answer to its request, and keeps those off the path from forging one: 96 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId([u8; 12]);

impl TransactionId {
    /// From its bytes.
    pub const fn new(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// A fresh one.
    pub fn random(entropy: &mut dyn Entropy) -> Self {
        Self(entropy.array())
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) class: Class,
    pub(super) method: Method,
    /// Bytes of attributes.
    pub(super) length: u16,
    pub(super) transaction: TransactionId,
}

impl Header {
    pub(super) fn decode(bytes: &[u8; HEADER]) -> Result<Self, StunError> {
        let [t0, t1, l0, l1, c0, c1, c2, c3, transaction @ ..] = *bytes;
        let kind = u16::from_be_bytes([t0, t1]);
        let length = u16::from_be_bytes([l0, l1]);
        if kind & 0xc000 != 0 || u32::from_be_bytes([c0, c1, c2, c3]) != COOKIE {
            return Err(StunError::NotStun);
        }
        if length % 4 != 0 {
            return Err(StunError::Length);
        }
        let (class, method) = split(kind);
        Ok(Self { class, method, length, transaction: TransactionId(transaction) })
    }

    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..2].copy_from_slice(&join(self.class, self.method).to_be_bytes());
        bytes[2..4].copy_from_slice(&self.length.to_be_bytes());
        bytes[4..8].copy_from_slice(&COOKIE.to_be_bytes());
        bytes[8..].copy_from_slice(&self.transaction.0);
        bytes
    }
}

/// The class is two bits among the method's twelve: `MMMMM C MMM C MMMM`.
const fn split(kind: u16) -> (Class, Method) {
    let class = match (kind & 0x100 != 0, kind & 0x10 != 0) {
        (false, false) => Class::Request,
        (false, true) => Class::Indication,
        (true, false) => Class::Success,
        (true, true) => Class::Error,
    };
    let method = (kind & 0xf) | (kind & 0xe0) >> 1 | (kind & 0x3e00) >> 2;
    (class, Method(method))
}

const fn join(class: Class, method: Method) -> u16 {
    let class = match class {
        Class::Request => 0,
        Class::Indication => 0x010,
        Class::Success => 0x100,
        Class::Error => 0x110,
    };
    let method = method.0;
    class | (method & 0xf) | (method & 0x70) << 1 | (method & 0xf80) << 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_and_method_share_a_field() {
        assert_eq!(join(Class::Request, Method::BINDING), 0x0001);
        assert_eq!(join(Class::Indication, Method::BINDING), 0x0011);
        assert_eq!(join(Class::Success, Method::BINDING), 0x0101);
        assert_eq!(join(Class::Error, Method::BINDING), 0x0111);
        for number in 0..0x1000 {
            let method = Method::new(number).unwrap();
            for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
                assert_eq!(split(join(class, method)), (class, method));
            }
        }
        assert_eq!(Method::new(0x1000), None);
    }

    #[test]
    fn a_header_with_another_cookie_is_not_stun() {
        let header = Header {
            class: Class::Request,
            method: Method::BINDING,
            length: 4,
            transaction: TransactionId([7; 12]),
        };
        let good = header.encode();
        assert_eq!(Header::decode(&good), Ok(header));
        for (at, error) in
            [(0, StunError::NotStun), (4, StunError::NotStun), (3, StunError::Length)]
        {
            let mut bad = good;
            bad[at] ^= 0x81;
            assert_eq!(Header::decode(&bad), Err(error));
        }
    }
}
