//! A peer's id and addresses as a text that people carry: by voice, mail or QR code (SPEC §18.3). Everybody may read it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use data_encoding::BASE32_NOPAD;

use super::{Description, Nonce, body};
use crate::base::Entropy;
use crate::base::limits::{TICKET_MAX, TICKET_PERIOD};
use crate::crypto::{Identity, PeerId, PunchSecrets};
use crate::wire::Reader;

const SCHEME: &str = "srudp:";
const LABEL: &[u8] = b"srudp1 ticket";
const VERSION: u8 = 1;

/// Whom to dial and where, signed by the one to be dialled.
///
/// The text is `srudp:` and base32. Upper case is read too: QR codes hold it in less space.
///
/// ```
/// use srudp::Identity;
/// use srudp::nat::{Candidate, CandidateKind, Description, NatSummary, Ticket};
/// use srudp::proto::SeededEntropy;
///
/// let me = Identity::from_secret_bytes([7; 32]);
/// let address = Candidate::new(CandidateKind::Reflexive, "203.0.113.7:4000".parse()?);
/// let about_me = Description::new(NatSummary::UNKNOWN, &[address]);
/// let text = Ticket::new(&me, 1_800_000_000, about_me, &mut SeededEntropy::new(1)).to_string();
///
/// let ticket: Ticket = text.parse()?;
/// assert_eq!(ticket.peer_id(), me.peer_id());
/// assert!(!ticket.has_expired(1_799_999_999));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    peer: PeerId,
    nonce: Nonce,
    expiry: u64,
    description: Description,
    signature: [u8; 64],
}

/// Why a text is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TicketError {
    /// It does not begin with `srudp:`.
    Scheme,
    /// It holds characters that a ticket does not have, was cut short, or is too long.
    Text,
    /// A ticket of another version.
    Version,
    /// Something in it was changed: the signature is not that of the peer.
    Signature,
}

impl fmt::Display for TicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "a ticket begins with \"srudp:\"; copy the whole text",
            Self::Text => "this is no whole ticket; copy the text again",
            Self::Version => "a ticket of another version of srudp; update the older side",
            Self::Signature => "this ticket was changed on its way; copy the text again",
        })
    }
}

impl std::error::Error for TicketError {}

impl Ticket {
    /// A ticket to ourselves that is good until `expiry`, in seconds of Unix time.
    pub fn new(
        identity: &Identity,
        expiry: u64,
        description: Description,
        entropy: &mut dyn Entropy,
    ) -> Self {
        let mut ticket = Self {
            peer: identity.peer_id(),
            nonce: entropy.array(),
            expiry,
            description,
            signature: [0; 64],
        };
        ticket.signature = identity.sign(&[LABEL, &ticket.encode()].concat());
        ticket
    }

    /// Whom it leads to.
    pub fn peer_id(&self) -> PeerId {
        self.peer
    }

    /// What the peer says about itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Whether its time is over. `unix`: the time in seconds.
    pub fn has_expired(&self, unix: u64) -> bool {
        self.expiry < unix
    }

    /// How long to wait until both sides of two tickets begin, without a word to each other: their clocks tell. `unix`: the time.
    pub fn wait(unix: Duration) -> Duration {
        let nanos = unix.as_nanos() % TICKET_PERIOD.as_nanos();
        TICKET_PERIOD.saturating_sub(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
    }

    /// The number of the time at which both begin next. Searches with different numbers do not disturb each other: see
    /// [`PunchConfig::at`](crate::nat::PunchConfig::at). `unix`: the time.
    pub fn turn(unix: Duration) -> u64 {
        (unix.as_secs() / TICKET_PERIOD.as_secs()).saturating_add(1)
    }

    /// The secrets of the one that it leads to and us, whom `ours` leads to.
    pub(crate) fn secrets(&self, ours: &Self, identity: &Identity) -> Option<PunchSecrets> {
        PunchSecrets::new(identity, &self.peer, &ours.nonce, &self.nonce)
    }

    /// All but the signature.
    fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(self.peer.as_bytes());
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&self.expiry.to_be_bytes());
        body::encode_description(&self.description, &mut out);
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, TicketError> {
        let (signed, signature) = bytes.split_last_chunk().ok_or(TicketError::Text)?;
        let reader = &mut Reader::new(signed);
        if reader.u8() != Ok(VERSION) {
            return Err(TicketError::Version);
        }
        let peer = reader.array().map_err(|_| TicketError::Text)?;
        let peer = PeerId::from_bytes(&peer).map_err(|_| TicketError::Signature)?;
        if !peer.verify(&[LABEL, signed].concat(), signature) {
            return Err(TicketError::Signature);
        }
        let mut rest = || {
            let (nonce, expiry) = (reader.array()?, u64::from_be_bytes(reader.array()?));
            Ok((nonce, expiry, body::decode_description(reader)?))
        };
        let (nonce, expiry, description) =
            rest().map_err(|_: crate::wire::DecodeError| TicketError::Text)?;
        if !reader.is_empty() {
            return Err(TicketError::Text);
        }
        Ok(Self { peer, nonce, expiry, description, signature: *signature })
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.encode();
        bytes.extend_from_slice(&self.signature);
        let mut text = BASE32_NOPAD.encode(&bytes);
        text.make_ascii_lowercase();
        f.write_str(SCHEME)?;
        f.write_str(&text)
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let (scheme, text) = text.split_at_checked(SCHEME.len()).ok_or(TicketError::Scheme)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(TicketError::Scheme);
        }
        if text.len() > TICKET_MAX {
            return Err(TicketError::Text);
        }
        let text = text.to_ascii_uppercase();
        let bytes = BASE32_NOPAD.decode(text.as_bytes()).map_err(|_| TicketError::Text)?;
        Self::decode(&bytes)
    }
}
