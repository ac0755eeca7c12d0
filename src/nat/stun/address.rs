//! Addresses in attributes, plain and hidden from NATs that rewrite what looks like one (RFC 8489 §14.1, §14.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::header::{COOKIE, TransactionId};

const IPV4: u8 = 1;
const IPV6: u8 = 2;

/// One of the two kinds of IP addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressFamily {
    /// 32 bits.
    Ipv4,
    /// 128 bits.
    Ipv6,
}

impl AddressFamily {
    /// That of an address.
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }

    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Ipv4 => IPV4,
            Self::Ipv6 => IPV6,
        }
    }

    pub(super) const fn from_number(number: u8) -> Option<Self> {
        match number {
            IPV4 => Some(Self::Ipv4),
            IPV6 => Some(Self::Ipv6),
            _ => None,
        }
    }
}

/// Reads a plain address; `None` if it is none.
pub(super) fn decode(value: &[u8]) -> Option<SocketAddr> {
    let (&[_, family, p0, p1], address) = value.split_first_chunk()?;
    let ip: IpAddr = match family {
        IPV4 => <[u8; 4]>::try_from(address).ok()?.into(),
        IPV6 => <[u8; 16]>::try_from(address).ok()?.into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes([p0, p1])))
}

/// Writes a plain address.
pub(super) fn encode(address: SocketAddr, out: &mut Vec<u8>) {
    out.extend([0, AddressFamily::of(address.ip()).number()]);
    out.extend(address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => out.extend(ip.octets()),
        IpAddr::V6(ip) => out.extend(ip.octets()),
    }
}

/// Hides an address, or uncovers a hidden one.
pub(super) fn xor(address: SocketAddr, transaction: &TransactionId) -> SocketAddr {
    let port = address.port() ^ (COOKIE >> 16) as u16;
    let ip = match address.ip() {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() ^ COOKIE)),
        IpAddr::V6(ip) => {
            let mut mask = [0; 16];
            mask[..4].copy_from_slice(&COOKIE.to_be_bytes());
            mask[4..].copy_from_slice(transaction.as_bytes());
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() ^ u128::from_be_bytes(mask)))
        }
    };
    SocketAddr::new(ip, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_come_back() {
        for text in ["192.0.2.1:32853", "[2001:db8::7]:0", "0.0.0.0:65535"] {
            let address: SocketAddr = text.parse().unwrap();
            let mut bytes = Vec::new();
            encode(address, &mut bytes);
            assert_eq!(decode(&bytes), Some(address));
            let id = TransactionId::new([3; 12]);
            assert_ne!(xor(address, &id), address);
            assert_eq!(xor(xor(address, &id), &id), address);
        }
    }

    #[test]
    fn other_families_and_lengths_are_no_addresses() {
        for bytes in [&[][..], &[0, 1, 0, 1, 1, 2, 3], &[0, 1, 0, 1, 1, 2, 3, 4, 5], &[0; 20]] {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }
}
