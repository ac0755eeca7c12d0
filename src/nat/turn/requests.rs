//! Requests on their way to the relay: proved, sent again, and sent anew when the relay wants another proof (RFC 8489 §6, §9.2).

use std::net::{IpAddr, SocketAddr};

use super::config::Relays;
use super::error::TurnError;
use crate::base::limits::STUN_ROUNDS;
use crate::base::time::earliest;
use crate::base::{Entropy, Instant};
use crate::nat::stun::{
    AddressFamily, Attribute, Auth, Builder, Class, Credentials, Due, Message, Method, Patience,
    Reply, Schedule, TransactionId, redirection,
};

/// What our messages say of the program.
const SOFTWARE: &str = "srudp";

/// The number of UDP among the protocols over IP.
const UDP: u8 = 17;

/// What to ask of the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Allocate {
        relays: Relays,
        seconds: Option<u32>,
    },
    Refresh {
        seconds: Option<u32>,
    },
    /// The same, because something has fallen silent: perhaps not the relay.
    Verify {
        seconds: Option<u32>,
    },
    /// Refresh to nothing.
    Release,
    Permit(IpAddr),
    Bind {
        number: u16,
        peer: SocketAddr,
    },
}

impl Purpose {
    fn method(self) -> Method {
        match self {
            Self::Allocate { .. } => Method::ALLOCATE,
            Self::Refresh { .. } | Self::Verify { .. } | Self::Release => Method::REFRESH,
            Self::Permit(_) => Method::CREATE_PERMISSION,
            Self::Bind { .. } => Method::CHANNEL_BIND,
        }
    }

    fn write(self, builder: Builder) -> Builder {
        let lifetime = |builder: Builder, seconds: Option<u32>| match seconds {
            Some(seconds) => builder.attribute(&Attribute::Lifetime(seconds)),
            None => builder,
        };
        match self {
            Self::Allocate { relays, seconds } => {
                let builder = builder.attribute(&Attribute::RequestedTransport(UDP));
                let builder = match relays {
                    // Relays that know only RFC 5766 refuse the attribute, and need none for IPv4.
                    Relays::One(AddressFamily::Ipv4) => builder,
                    Relays::One(family) => {
                        builder.attribute(&Attribute::RequestedAddressFamily(family))
                    }
                    Relays::Both => {
                        builder.attribute(&Attribute::AdditionalAddressFamily(AddressFamily::Ipv6))
                    }
                };
                lifetime(builder, seconds)
            }
            Self::Refresh { seconds } | Self::Verify { seconds } => lifetime(builder, seconds),
            Self::Release => lifetime(builder, Some(0)),
            Self::Permit(ip) => {
                builder.attribute(&Attribute::XorPeerAddress(SocketAddr::new(ip, 0)))
            }
            Self::Bind { number, peer } => builder
                .attribute(&Attribute::ChannelNumber(number))
                .attribute(&Attribute::XorPeerAddress(peer)),
        }
    }
}

#[derive(Debug)]
struct Request {
    purpose: Purpose,
    transaction: TransactionId,
    bytes: Vec<u8>,
    schedule: Schedule,
    /// A send is due and was not fetched.
    pending: bool,
    /// Which of the relay's challenges it meets.
    generation: u32,
    /// Times that it was written anew.
    rounds: u8,
}

/// What came of a message from the relay.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It answers nothing that was asked.
    Foreign,
    /// It was taken, and the request is still on its way.
    Taken,
    /// The request is over.
    Done(Purpose, Result<(), TurnError>),
}

#[derive(Debug)]
pub(super) struct Requests {
    auth: Auth,
    generation: u32,
    patience: Patience,
    in_flight: Vec<Request>,
}

impl Requests {
    pub(super) fn new(credentials: Credentials, patience: Patience) -> Self {
        let auth = Auth::new(Some(credentials));
        Self { auth, generation: 0, patience, in_flight: Vec::new() }
    }

    /// Forgets all, also what the relay asked for: the next one is another.
    pub(super) fn reset(&mut self) {
        self.auth.reset();
        self.in_flight.clear();
    }

    pub(super) fn clear(&mut self) {
        self.in_flight.clear();
    }

    pub(super) fn start(
        &mut self,
        now: Instant,
        purpose: Purpose,
        entropy: &mut dyn Entropy,
    ) -> Result<(), TurnError> {
        self.write(now, purpose, 0, entropy)
    }

    fn write(
        &mut self,
        now: Instant,
        purpose: Purpose,
        rounds: u8,
        entropy: &mut dyn Entropy,
    ) -> Result<(), TurnError> {
        let transaction = TransactionId::random(entropy);
        let builder = Builder::new(Class::Request, purpose.method(), transaction)
            .attribute(&Attribute::Software(SOFTWARE));
        let signed = self.auth.sign(purpose.write(builder));
        let bytes = signed.fingerprint().finish().map_err(TurnError::Unwritable)?;
        let mut schedule = Schedule::new(now, self.patience);
        let pending = schedule.poll(now) == Due::Send;
        let generation = self.generation;
        let request =
            Request { purpose, transaction, bytes, schedule, pending, generation, rounds };
        self.in_flight.push(request);
        Ok(())
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.in_flight.iter().map(|request| Some(request.schedule.next())).fold(None, earliest)
    }

    /// Lets time pass. Returns what nobody answers.
    pub(super) fn poll_expired(&mut self, now: Instant) -> Option<Purpose> {
        for at in 0..self.in_flight.len() {
            let request = self.in_flight.get_mut(at)?;
            match request.schedule.poll(now) {
                Due::Nothing => {}
                Due::Send => request.pending = true,
                Due::GiveUp => return Some(self.in_flight.remove(at).purpose),
            }
        }
        None
    }

    pub(super) fn poll_transmit(&mut self) -> Option<&[u8]> {
        let due = self.in_flight.iter_mut().find(|request| request.pending)?;
        due.pending = false;
        Some(&due.bytes)
    }

    /// Looks for the request that a response from the relay answers.
    pub(super) fn on_response(
        &mut self,
        now: Instant,
        from: SocketAddr,
        message: &Message<'_>,
        entropy: &mut dyn Entropy,
    ) -> Outcome {
        let answered = |request: &Request| {
            request.transaction == message.transaction()
                && request.purpose.method() == message.method()
        };
        let Some(at) = self.in_flight.iter().position(answered) else { return Outcome::Foreign };
        let result = match (message.class(), message.error()) {
            (Class::Error, Some((code @ (401 | 438), _))) => {
                return self.on_challenge(now, at, (message, code == 438), entropy);
            }
            // Only these two may lack the code that proves the relay (RFC 8489 §9.2.5).
            _ if !self.auth.accepts(message) => return Outcome::Taken,
            (Class::Error, Some((300, _))) => {
                Err(redirection(from, message)
                    .map_or(TurnError::BadRedirection, TurnError::Redirected))
            }
            (Class::Error, _) => Err(TurnError::of(message)),
            _ if message.unknown_required().next().is_some() => Err(TurnError::Incomprehensible),
            _ => Ok(()),
        };
        Outcome::Done(self.in_flight.remove(at).purpose, result)
    }

    fn on_challenge(
        &mut self,
        now: Instant,
        at: usize,
        (message, stale): (&Message<'_>, bool),
        entropy: &mut dyn Entropy,
    ) -> Outcome {
        let Some(request) = self.in_flight.get(at) else { return Outcome::Foreign };
        // Another request that was sent at the same time has met the new challenge already.
        let reply = if request.generation != self.generation {
            Reply::Again
        } else {
            let reply = self.auth.on_challenge(message, stale);
            if reply == Reply::Again {
                self.generation = self.generation.wrapping_add(1);
            }
            reply
        };
        if reply == Reply::Ignore {
            return Outcome::Taken;
        }
        let Request { purpose, rounds, .. } = self.in_flight.remove(at);
        let result = match reply {
            Reply::Again if rounds < STUN_ROUNDS => self.write(now, purpose, rounds + 1, entropy),
            Reply::NoCommonAlgorithm => Err(TurnError::NoCommonAlgorithm),
            _ => Err(TurnError::Unauthorized),
        };
        match result {
            Ok(()) => Outcome::Taken,
            Err(error) => Outcome::Done(purpose, Err(error)),
        }
    }
}
