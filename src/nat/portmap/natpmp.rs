//! The messages of the NAT Port Mapping Protocol (RFC 6886).

use std::net::Ipv4Addr;
use std::time::Duration;

use super::pcp;
use super::reply::Reply;
use super::types::PortMapError;

const VERSION: u8 = 0;
const EXTERNAL_ADDRESS: u8 = 0;
const MAP_UDP: u8 = 1;
const RESPONSE: u8 = 0x80;

/// RFC 6886 §3.5.
const UNSUPPORTED_VERSION: u16 = 1;

/// Which address do you have? (RFC 6886 §3.2)
pub(super) fn probe() -> Vec<u8> {
    vec![VERSION, EXTERNAL_ADDRESS]
}

/// Asks for a port, or gives it back with a lifetime of zero (RFC 6886 §3.3, §3.4).
pub(super) fn map(internal: u16, wanted: u16, lifetime: Duration) -> Vec<u8> {
    let wanted = if lifetime.is_zero() { 0 } else { wanted };
    let mut out = vec![VERSION, MAP_UDP, 0, 0];
    out.extend(internal.to_be_bytes());
    out.extend(wanted.to_be_bytes());
    out.extend(u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX).to_be_bytes());
    out
}

/// What an answer says; `None` if it is not for us.
pub(super) fn read(internal: u16, datagram: &[u8]) -> Option<Reply> {
    let (&[version, opcode, r0, r1], rest) = datagram.split_first_chunk()?;
    match version {
        VERSION => {}
        // A gateway that speaks PCP alone (RFC 6887 §9).
        pcp::VERSION if r1 == pcp::UNSUPPORTED_VERSION => {
            return Some(Reply::Refused(PortMapError::Version));
        }
        _ => return None,
    }
    let (result, opcode) = (u16::from_be_bytes([r0, r1]), opcode.checked_sub(RESPONSE)?);
    match result {
        _ if opcode > MAP_UDP => return None,
        0 => {}
        // In our own version this answers somebody who asked in another one: PCP, from the same port.
        UNSUPPORTED_VERSION => return None,
        code => return Some(Reply::Refused(PortMapError::Refused(code))),
    }
    // The first four bytes are the epoch.
    match (opcode, rest.get(4..)?) {
        (EXTERNAL_ADDRESS, &[a, b, c, d]) => Some(Reply::Address(Ipv4Addr::new(a, b, c, d).into())),
        (MAP_UDP, &[i0, i1, e0, e1, l0, l1, l2, l3]) => {
            let lifetime = Duration::from_secs(u32::from_be_bytes([l0, l1, l2, l3]).into());
            let port = u16::from_be_bytes([e0, e1]);
            (u16::from_be_bytes([i0, i1]) == internal).then_some(Reply::Mapped {
                external: None,
                port,
                lifetime,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateways_address_is_read() {
        let reply = read(5000, &[0, 128, 0, 0, 0, 0, 0, 1, 203, 0, 113, 5]);
        assert_eq!(reply, Some(Reply::Address("203.0.113.5".parse().unwrap())));
        assert_eq!(read(5000, &[0, 128, 0, 0, 0, 0, 0, 1, 203, 0, 113]), None);
    }

    #[test]
    fn a_port_counts_only_for_its_internal_one() {
        let request = map(5000, 5000, Duration::from_secs(7200));
        assert_eq!(request, [0, 1, 0, 0, 0x13, 0x88, 0x13, 0x88, 0, 0, 0x1c, 0x20]);
        let answer = [0, 129, 0, 0, 0, 0, 0, 9, 0x13, 0x88, 0x13, 0x89, 0, 0, 0x1c, 0x20];
        let lifetime = Duration::from_secs(7200);
        assert_eq!(
            read(5000, &answer),
            Some(Reply::Mapped { external: None, port: 5001, lifetime })
        );
        assert_eq!(read(5001, &answer), None);
        let refused = Reply::Refused(PortMapError::Refused(3));
        assert_eq!(read(5000, &[0, 129, 0, 3, 0, 0, 0, 9]), Some(refused));
        let version = Reply::Refused(PortMapError::Version);
        assert_eq!(read(5000, &[2, 128, 0, 1, 0, 0, 0, 0]), Some(version));
        for other in
            [&[][..], &[0, 128, 0, 1], &[0, 1, 0, 0, 0, 0, 0, 0], &[2, 129, 0, 0], &[0, 131, 0, 0]]
        {
            assert_eq!(read(5000, other), None);
        }
    }
}
