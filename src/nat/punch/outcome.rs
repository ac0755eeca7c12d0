//! How a punch went, in types: what won, what was tried, and why the rest failed.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::strategy::Strategy;
use crate::nat::candidate::CandidateKind;
use crate::nat::socket::SocketId;

/// The path that both sides take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Winner {
    /// The socket of ours.
    pub socket: SocketId,
    /// The address of the peer's.
    pub remote: SocketAddr,
    /// How that address was known: peer-reflexive if the peer did not tell it.
    pub kind: CandidateKind,
}

/// Why no path was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The peer told no address, or none that may be sent to.
    NoCandidates,
    /// Both NATs give every peer another port, and by chance.
    BothSymmetric,
    /// One of the NATs uses another port for the peer than for everybody else: something that came in unasked spoilt it.
    Poisoned,
    /// We hear the peer, but it does not hear us.
    OneWay,
    /// Nothing came from the peer: it is offline, UDP is blocked, or a firewall lets nothing in.
    Silence,
}

impl Failure {
    /// Whether another search finds nothing either, as long as addresses and NATs are the same. That there is no address may mean that a
    /// server was not heard.
    pub(crate) fn is_final(self) -> bool {
        self == Self::BothSymmetric
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCandidates => "the peer told no address that may be sent to",
            Self::BothSymmetric => {
                "both NATs give every peer another port by chance: only a relay helps"
            }
            Self::Poisoned => {
                "a NAT uses another port for this peer: unasked packets spoilt the mapping"
            }
            Self::OneWay => "the peer is heard, but does not hear us",
            Self::Silence => {
                "nothing came from the peer: it is offline, or one of the networks lets no UDP in"
            }
        })
    }
}

impl std::error::Error for Failure {}

/// What a punch tells once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PunchEvent {
    /// Both sides know that this path works both ways.
    Won(Winner),
    /// There is none.
    Failed(Failure),
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PunchReport {
    /// What was done about the pair of NATs.
    pub strategy: Strategy,
    /// Checks that were sent.
    pub sent: u32,
    /// Checks of the peer that came in.
    pub received: u32,
    /// Addresses of the peer that must not be sent to.
    pub forbidden: u32,
    /// Sockets that were opened.
    pub sockets: u16,
    /// Somebody saw another port than a NAT that has one for all peers should show.
    pub poisoned: bool,
    /// From the start to the end.
    pub elapsed: Option<Duration>,
}
