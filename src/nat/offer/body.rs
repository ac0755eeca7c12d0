//! The bytes of offers and tickets (SPEC §18.2, §18.3). Reading is strict, so that each has one form.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Description, NatSummary, Offer};
use crate::base::limits::CANDIDATES;
use crate::nat::behaviour::{Allocation, Dependence};
use crate::nat::candidate::{Candidate, CandidateKind};
use crate::wire::{DecodeError, Reader};

const OFFER: u8 = 1;
const ANSWER: u8 = 2;

/// Offers are padded to a multiple of this: their length says nothing about their candidates.
const PADDING: usize = 64;

const IPV6: u8 = 0x10;

pub(super) fn encode(offer: &Offer) -> Vec<u8> {
    let milliseconds = |time: Duration| u16::try_from(time.as_millis()).unwrap_or(u16::MAX);
    let mut out = vec![if offer.reply.is_some() { ANSWER } else { OFFER }];
    out.extend_from_slice(&offer.nonce);
    out.extend_from_slice(&offer.reply.unwrap_or_default());
    out.extend_from_slice(&offer.expiry.to_be_bytes());
    out.extend_from_slice(&milliseconds(offer.delay).to_be_bytes());
    out.extend_from_slice(&milliseconds(offer.hold).to_be_bytes());
    encode_description(&offer.description, &mut out);
    out.resize(out.len().next_multiple_of(PADDING), 0);
    out
}

pub(super) fn decode(bytes: &[u8]) -> Result<Offer, DecodeError> {
    let reader = &mut Reader::new(bytes);
    let kind = reader.u8()?;
    let (nonce, reply) = (reader.array()?, reader.array()?);
    let reply = match kind {
        OFFER if reply == [0; 16] => None,
        ANSWER => Some(reply),
        _ => return Err(DecodeError::InvalidValue),
    };
    let expiry = u64::from_be_bytes(reader.array()?);
    let delay = Duration::from_millis(reader.u16()?.into());
    let hold = Duration::from_millis(reader.u16()?.into());
    let description = decode_description(reader)?;
    let padding = reader.take_rest();
    if padding.len() >= PADDING || padding.iter().any(|byte| *byte != 0) {
        return Err(DecodeError::InvalidValue);
    }
    Ok(Offer { nonce, reply, expiry, delay, hold, description })
}

pub(super) fn encode_description(description: &Description, out: &mut Vec<u8>) {
    let nat = &description.nat;
    let (allocation, lowest, highest) = match nat.allocation {
        None => (0, 0, 0),
        Some(Allocation::Preserving) => (1, 0, 0),
        Some(Allocation::Sequential) => (2, 0, 0),
        Some(Allocation::Block { lowest, highest }) => (3, lowest, highest),
        Some(Allocation::Random) => (4, 0, 0),
    };
    let (latest, step) = nat.latest.unwrap_or_default();
    out.extend_from_slice(&[dependence(nat.mapping), dependence(nat.filtering), allocation]);
    for port in [lowest, highest, latest] {
        out.extend_from_slice(&port.to_be_bytes());
    }
    out.extend_from_slice(&step.to_be_bytes());
    out.push(u8::try_from(description.candidates.len()).unwrap_or(u8::MAX));
    for candidate in &description.candidates {
        encode_candidate(candidate, out);
    }
}

pub(super) fn decode_description(reader: &mut Reader<'_>) -> Result<Description, DecodeError> {
    let (mapping, filtering) = (read_dependence(reader)?, read_dependence(reader)?);
    let allocation = reader.u8()?;
    let (lowest, highest, latest) = (reader.u16()?, reader.u16()?, reader.u16()?);
    let step = i8::from_be_bytes(reader.array()?);
    let allocation = match allocation {
        3 if lowest <= highest => Some(Allocation::Block { lowest, highest }),
        _ if lowest != 0 || highest != 0 => return Err(DecodeError::InvalidValue),
        0 => None,
        1 => Some(Allocation::Preserving),
        2 => Some(Allocation::Sequential),
        4 => Some(Allocation::Random),
        _ => return Err(DecodeError::InvalidValue),
    };
    let latest = (latest != 0).then_some((latest, step));
    if latest.is_none() && step != 0 {
        return Err(DecodeError::InvalidValue);
    }
    let nat = NatSummary { mapping, filtering, allocation, latest };
    let count = usize::from(reader.u8()?);
    if count > CANDIDATES {
        return Err(DecodeError::InvalidValue);
    }
    let candidates = (0..count).map(|_| decode_candidate(reader)).collect::<Result<_, _>>()?;
    Ok(Description { nat, candidates })
}

const fn dependence(of: Option<Dependence>) -> u8 {
    match of {
        None => 0,
        Some(Dependence::EndpointIndependent) => 1,
        Some(Dependence::AddressDependent) => 2,
        Some(Dependence::AddressAndPortDependent) => 3,
        Some(Dependence::EndpointDependent) => 4,
    }
}

fn read_dependence(reader: &mut Reader<'_>) -> Result<Option<Dependence>, DecodeError> {
    Ok(Some(match reader.u8()? {
        0 => return Ok(None),
        1 => Dependence::EndpointIndependent,
        2 => Dependence::AddressDependent,
        3 => Dependence::AddressAndPortDependent,
        4 => Dependence::EndpointDependent,
        _ => return Err(DecodeError::InvalidValue),
    }))
}

fn encode_candidate(candidate: &Candidate, out: &mut Vec<u8>) {
    let kind = CandidateKind::ALL.iter().position(|kind| *kind == candidate.kind());
    let kind = kind.and_then(|kind| u8::try_from(kind).ok()).unwrap_or_default();
    let address = candidate.address();
    match address.ip() {
        IpAddr::V4(ip) => {
            out.extend_from_slice(&[kind, candidate.socket()]);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.extend_from_slice(&[kind | IPV6, candidate.socket()]);
            out.extend_from_slice(&ip.octets());
        }
    }
    out.extend_from_slice(&address.port().to_be_bytes());
}

fn decode_candidate(reader: &mut Reader<'_>) -> Result<Candidate, DecodeError> {
    let (kind, socket) = (reader.u8()?, reader.u8()?);
    let ip = if kind & IPV6 == 0 {
        IpAddr::from(reader.array::<4>()?)
    } else {
        IpAddr::from(reader.array::<16>()?)
    };
    let address = SocketAddr::new(ip, reader.u16()?);
    let kind =
        CandidateKind::ALL.get(usize::from(kind & !IPV6)).ok_or(DecodeError::InvalidValue)?;
    Ok(Candidate::new(*kind, address).of_socket(socket))
}
