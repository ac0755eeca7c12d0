//! What several commands let the user choose: this side's socket and identity, and whom to dial.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use srudp::nat::TicketError;
use srudp::proto::TransportConfig;
use srudp::{CongestionAlgorithm, Connection, Endpoint, EndpointBuilder, Identity, PeerId, Ticket};

use crate::exit::{Code, Failure};
use crate::identity;
use crate::meeting::{self, Approach, Invitation};

/// A dial that takes longer has failed.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Often enough for the NAT mappings that live shortest (RFC 4787 REQ-5 asks for 2 minutes, many give 30 s).
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// This side of the connection.
#[derive(Debug, clap::Args)]
pub(crate) struct Local {
    /// UDP address and port of this side [default: any free port, of every IPv4 address if it listens]
    #[arg(long, value_name = "IP:PORT")]
    bind: Option<SocketAddr>,

    /// Identity file of this side [default: the one that keygen makes, else a fresh identity]
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,

    /// Give up when nothing was heard from the peer for this long
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    idle_timeout: Duration,

    /// Congestion controller of this side, which decides how fast it sends
    #[arg(long, value_enum, default_value_t = Congestion::Bbr)]
    congestion: Congestion,

    /// Show the path on stderr: addresses, round-trip time, congestion control, MTU, losses
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

impl Local {
    /// The transport settings that these options stand for.
    pub(crate) fn transport(&self) -> TransportConfig {
        TransportConfig::default()
            .congestion(self.congestion.into())
            .idle_timeout(self.idle_timeout)
            .keep_alive(Some(KEEP_ALIVE.min(self.idle_timeout / 3)))
            .handshake_timeout(HANDSHAKE_TIMEOUT.min(self.idle_timeout))
    }

    /// The identity that a file holds: the named one, or this user's if there is one.
    fn stored_identity(&self) -> Result<Option<Identity>, Failure> {
        let users = || identity::default_path().filter(|path| path.exists());
        self.identity.clone().or_else(users).map(|path| identity::read(&path)).transpose()
    }

    /// Without a file, a listener is told that its peer id will be another one next time.
    fn listener_identity(&self) -> Result<Identity, Failure> {
        Ok(self.stored_identity()?.unwrap_or_else(|| {
            eprintln!(
                "srudp: no identity file, so this peer id is for this run only (srudp keygen makes one that stays)"
            );
            Identity::generate()
        }))
    }

    /// Nobody can dial himself. So if a user's two programs talk to each other, the dialler gets a fresh identity, unless the
    /// command line names one.
    fn dialler_identity(&self, peer: PeerId) -> Result<Identity, Failure> {
        let stored = self.stored_identity()?;
        let usable = stored.filter(|stored| self.identity.is_some() || stored.peer_id() != peer);
        Ok(usable.unwrap_or_else(Identity::generate))
    }

    /// Binds an endpoint that takes connections.
    pub(crate) fn listen(&self, builder: EndpointBuilder) -> Result<Endpoint, Failure> {
        let address = self.bind.unwrap_or((Ipv4Addr::UNSPECIFIED, 0).into());
        bind(self.listener(builder)?, address)
    }

    /// As [`Self::listen`], and lets peers in that cannot dial, if that is wanted.
    pub(crate) fn invite(
        &self,
        builder: EndpointBuilder,
        invitation: &Invitation,
    ) -> Result<Endpoint, Failure> {
        let builder = invitation.servers().tell(builder)?;
        if self.bind.is_some() || !invitation.is_wanted() {
            return self.listen(builder);
        }
        meeting::bind(&self.listener(builder)?)
    }

    fn listener(&self, builder: EndpointBuilder) -> Result<EndpointBuilder, Failure> {
        Ok(builder.identity(self.listener_identity()?).accept(true))
    }

    /// Binds an endpoint from which the target can be reached.
    pub(crate) fn endpoint_for(
        &self,
        builder: EndpointBuilder,
        target: &Target,
    ) -> Result<Endpoint, Failure> {
        let builder = builder.identity(self.dialler_identity(target.peer())?);
        match target {
            Target::Ticket(ticket) => meeting::bind_for(&builder, self.bind, ticket),
            Target::Address { .. } => {
                let remote = target.resolve()?;
                bind(builder, self.bind.unwrap_or_else(|| any_port(remote.ip())))
            }
        }
    }

    /// Reaches the target from an endpoint of [`Self::endpoint_for`].
    pub(crate) fn reach(
        &self,
        endpoint: &Endpoint,
        target: &Target,
        approach: &Approach,
    ) -> Result<Connection, Failure> {
        match target {
            Target::Ticket(ticket) => meeting::reach(endpoint, ticket, approach, self.verbose),
            Target::Address { .. } => dial(endpoint, target),
        }
    }

    /// Binds an endpoint and dials the target's address.
    pub(crate) fn dial(
        &self,
        builder: EndpointBuilder,
        target: &Target,
    ) -> Result<(Endpoint, Connection), Failure> {
        let endpoint = self.endpoint_for(builder, target)?;
        let connection = dial(&endpoint, target)?;
        Ok((endpoint, connection))
    }
}

fn dial(endpoint: &Endpoint, target: &Target) -> Result<Connection, Failure> {
    endpoint
        .connect(target.peer(), target.resolve()?)
        .map_err(|error| Failure::of(format!("cannot connect to {target}"), error))
}

/// Any port, in the address family of the other side.
pub(crate) fn any_port(other: IpAddr) -> SocketAddr {
    match other {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// Binds; the library's message names the address and the way out.
pub(crate) fn bind(builder: EndpointBuilder, address: SocketAddr) -> Result<Endpoint, Failure> {
    builder.bind(address).map_err(|error| Failure::new(Code::Here, error.to_string()))
}

/// Whom to reach: `PEER_ID@HOST:PORT`, or a ticket.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Address { peer: PeerId, host: String },
    Ticket(Box<Ticket>),
}

impl Target {
    /// The peer that has to answer.
    pub(crate) fn peer(&self) -> PeerId {
        match self {
            Self::Address { peer, .. } => *peer,
            Self::Ticket(ticket) => ticket.peer_id(),
        }
    }

    /// The first address of the host.
    pub(crate) fn resolve(&self) -> Result<SocketAddr, Failure> {
        let Self::Address { host, .. } = self else {
            let text = "this needs an address, PEER_ID@HOST:PORT: a ticket is for one connection";
            return Err(Failure::new(Code::Here, text));
        };
        let mut found = host.to_socket_addrs().map_err(|error| {
            Failure::of(format!("cannot resolve {host}: give an address as 192.0.2.7:41000, [2001:db8::7]:41000 or host:41000"), error)
        })?;
        found.next().ok_or_else(|| {
            Failure::new(Code::Here, format!("{host} has no address: check the name"))
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { peer, host } => write!(f, "{peer}@{host}"),
            Self::Ticket(ticket) => ticket.peer_id().fmt(f),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("srudp:")) {
            let ticket = text.parse().map_err(|error: TicketError| error.to_string())?;
            return Ok(Self::Ticket(Box::new(ticket)));
        }
        let (peer, host) = text
            .split_once('@')
            .ok_or("no @ in it; write PEER_ID@HOST:PORT, as listen prints them, or a ticket")?;
        let peer = peer.parse().map_err(|error| format!("{peer:?} is no peer id: {error}"))?;
        let port = host.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        match port {
            Some(Ok(1..)) => Ok(Self::Address { peer, host: host.to_owned() }),
            _ => Err(format!("{host:?} has no port; write HOST:PORT with a port from 1 to 65535")),
        }
    }
}

/// The congestion controllers, by the names that the command line uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Congestion {
    /// CUBIC (RFC 9438): shares well, slows down at every loss
    Cubic,
    /// NewReno (RFC 9002): the most cautious
    #[value(name = "newreno")]
    NewReno,
    /// BBR version 3: keeps its speed where radio links lose packets, and queues short
    Bbr,
}

impl From<Congestion> for CongestionAlgorithm {
    fn from(name: Congestion) -> Self {
        match name {
            Congestion::Cubic => Self::Cubic,
            Congestion::NewReno => Self::NewReno,
            Congestion::Bbr => Self::Bbr,
        }
    }
}

/// A positive number of seconds, with a fraction or without.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<f64>().ok().and_then(|value| Duration::try_from_secs_f64(value).ok());
    parsed
        .filter(|duration| !duration.is_zero() && *duration <= Duration::from_hours(24 * 365))
        .ok_or_else(|| "give a positive number of seconds, for instance 30 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> String {
        Identity::from_secret_bytes([7; 32]).peer_id().to_string()
    }

    #[test]
    fn targets_name_a_peer_and_an_address() {
        for host in ["127.0.0.1:1", "[::1]:65535", "localhost:41000"] {
            let target: Target = format!("{}@{host}", id()).parse().unwrap();
            assert_eq!(target.to_string(), format!("{}@{host}", id()));
        }
    }

    #[test]
    fn targets_without_all_their_parts_are_refused_with_the_part_named() {
        let parse = |text: String| text.parse::<Target>().unwrap_err();
        assert!(parse("127.0.0.1:9".into()).contains("no @"));
        assert!(parse("abc@127.0.0.1:9".into()).contains("no peer id"));
        for host in ["127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", ""] {
            assert!(parse(format!("{}@{host}", id())).contains("port"), "{host}");
        }
    }

    #[test]
    fn seconds_are_positive_and_finite() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "nan", "inf", "1e300", "ten", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_dialler_binds_in_the_family_of_its_target() {
        assert!(any_port(IpAddr::V4(Ipv4Addr::LOCALHOST)).is_ipv4());
        assert!(any_port(IpAddr::V6(Ipv6Addr::LOCALHOST)).is_ipv6());
    }
}
