//! The messages of the Port Control Protocol (RFC 6887).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::reply::Reply;
use super::types::PortMapError;

pub(super) const VERSION: u8 = 2;
const ANNOUNCE: u8 = 0;
const MAP: u8 = 1;
const RESPONSE: u8 = 0x80;
const UDP: u8 = 17;

/// Header and MAP request.
const HEADER: usize = 24;
const MAP_LEN: usize = 60;

/// UNSUPP_VERSION (RFC 6887 §7.4).
pub(super) const UNSUPPORTED_VERSION: u8 = 1;

/// One mapping: these three tie an answer to its request, so that nobody else can answer it (RFC 6887 §11.2, §18.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Pcp {
    pub(super) nonce: [u8; 12],
    pub(super) local: SocketAddr,
}

impl Pcp {
    fn header(&self, opcode: u8, lifetime: Duration) -> Vec<u8> {
        let mut out = vec![VERSION, opcode, 0, 0];
        out.extend(u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend(octets(self.local.ip()));
        out
    }

    /// Are you there? (RFC 6887 §14.1)
    pub(super) fn probe(&self) -> Vec<u8> {
        self.header(ANNOUNCE, Duration::ZERO)
    }

    /// Asks for a port, or gives it back with a lifetime of zero (RFC 6887 §11.1, §15.1).
    pub(super) fn map(&self, wanted: Option<SocketAddr>, port: u16, lifetime: Duration) -> Vec<u8> {
        let mut out = self.header(MAP, lifetime);
        out.extend(self.nonce);
        out.extend([UDP, 0, 0, 0]);
        out.extend(self.local.port().to_be_bytes());
        out.extend(wanted.map_or(port, |wanted| wanted.port()).to_be_bytes());
        let any: IpAddr =
            if self.local.is_ipv4() { [0, 0, 0, 0].into() } else { Ipv6Addr::UNSPECIFIED.into() };
        out.extend(octets(wanted.map_or(any, |wanted| wanted.ip())));
        out
    }

    /// What an answer says; `None` if it is not for us.
    pub(super) fn read(&self, datagram: &[u8]) -> Option<Reply> {
        let &[version, opcode, _, result] = datagram.first_chunk()?;
        if version != VERSION {
            // The gateway answers in a version of its own: 0 is NAT-PMP (RFC 6887 §9).
            return (result == UNSUPPORTED_VERSION)
                .then_some(Reply::Refused(PortMapError::Version));
        }
        let lifetime = u32::from_be_bytes(*datagram.get(4..)?.first_chunk()?);
        match (opcode.checked_sub(RESPONSE)?, result) {
            // In our own version this answers somebody who asked in another one: NAT-PMP, from the same port.
            (_, UNSUPPORTED_VERSION) => None,
            (ANNOUNCE, _) if datagram.len() < HEADER => None,
            // Who refuses to announce itself is there all the same, and may map.
            (ANNOUNCE, _) => Some(Reply::Alive),
            (MAP, _) => self.read_map(datagram, result, Duration::from_secs(lifetime.into())),
            _ => None,
        }
    }

    fn read_map(&self, datagram: &[u8], result: u8, lifetime: Duration) -> Option<Reply> {
        let map: &[u8; MAP_LEN - HEADER] = datagram.get(HEADER..)?.first_chunk()?;
        let (nonce, rest) = map.split_first_chunk::<12>()?;
        let &[UDP, _, _, _, i0, i1, e0, e1, ref ip @ ..] = rest else { return None };
        if *nonce != self.nonce || u16::from_be_bytes([i0, i1]) != self.local.port() {
            return None;
        }
        if result != 0 {
            return Some(Reply::Refused(PortMapError::Refused(result.into())));
        }
        let ip = Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?).to_canonical();
        let external = Some(ip);
        Some(Reply::Mapped { external, port: u16::from_be_bytes([e0, e1]), lifetime })
    }
}

/// Addresses of both families are written as 16 bytes (RFC 6887 §5).
fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pcp() -> Pcp {
        Pcp { nonce: [7; 12], local: "192.168.1.2:5000".parse().unwrap() }
    }

    /// The answer of a gateway that gives what it is asked for.
    fn answer(request: &[u8], result: u8) -> Vec<u8> {
        let mut out = request.to_vec();
        out[1] |= RESPONSE;
        out[3] = result;
        out[8..24].fill(0);
        out[44..60].copy_from_slice(&octets("203.0.113.5".parse().unwrap()));
        out
    }

    #[test]
    fn a_request_for_a_port_is_laid_out_as_the_rfc_says() {
        let request = pcp().map(None, 5000, Duration::from_secs(7200));
        assert_eq!(request.len(), MAP_LEN);
        assert_eq!(request[..8], [2, 1, 0, 0, 0, 0, 0x1c, 0x20]);
        assert_eq!(request[8..24], octets("::ffff:192.168.1.2".parse().unwrap()));
        assert_eq!(
            request[24..44],
            [[7; 12].as_slice(), &[17, 0, 0, 0, 0x13, 0x88, 0x13, 0x88]].concat()
        );
        assert_eq!(request[44..], octets("::ffff:0.0.0.0".parse().unwrap()));
    }

    #[test]
    fn an_answer_counts_with_the_right_nonce_and_port_alone() {
        let request = pcp().map(None, 5000, Duration::from_secs(7200));
        let good = answer(&request, 0);
        let external = Some("203.0.113.5".parse().unwrap());
        let mapped = Reply::Mapped { external, port: 5000, lifetime: Duration::from_secs(7200) };
        assert_eq!(pcp().read(&good), Some(mapped));
        for at in [24, 35, 36, 40, 41] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(pcp().read(&bad), None, "{at}");
        }
        assert_eq!(pcp().read(&good[..59]), None);
        let refused = Reply::Refused(PortMapError::Refused(2));
        assert_eq!(pcp().read(&answer(&request, 2)), Some(refused));
    }

    #[test]
    fn an_older_gateway_is_recognised() {
        let version = Some(Reply::Refused(PortMapError::Version));
        assert_eq!(pcp().read(&[0, 0x80, 0, 1, 0, 0, 0, 9]), version);
        assert_eq!(pcp().read(&[0, 0x80, 0, 0, 0, 0, 0, 9]), None);
        assert_eq!(pcp().read(&[]), None);
    }
}
