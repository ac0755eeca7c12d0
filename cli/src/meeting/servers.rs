//! The STUN and TURN servers that the user names.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use srudp::EndpointBuilder;
use srudp::nat::turn::{Framing, TurnConfig};

use crate::exit::{Code, Failure};

/// Who helps those behind NATs.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Servers {
    /// STUN server that tells how this side is seen from outside; two of them tell more [default: none, which is enough in one network]
    #[arg(long = "stun", value_name = "HOST:PORT")]
    stun: Vec<Server>,

    /// TURN server that relays where nothing else works: over TCP if it does not answer over UDP, over TCP alone with ?transport=tcp behind
    /// the port; or a file of such lines, as others on this machine see the command line
    #[arg(long = "turn", value_name = "USER:PASSWORD@HOST:PORT")]
    turn: Vec<Relays>,

    /// Leave the router of this network alone. With --stun or --turn it is asked otherwise (PCP, NAT-PMP, UPnP) to pass on to this side what
    /// anybody sends to one of its ports, until the end; what is not SRUDP is dropped
    #[arg(long)]
    no_port_mapping: bool,
}

impl Servers {
    pub(crate) fn is_empty(&self) -> bool {
        self.stun.is_empty() && self.turn.is_empty()
    }

    /// An endpoint that asks all of them.
    pub(crate) fn tell(&self, builder: EndpointBuilder) -> Result<EndpointBuilder, Failure> {
        let mut stun = Vec::new();
        for server in &self.stun {
            stun.extend(server.resolve()?);
        }
        let mut turn = Vec::new();
        for relay in self.turn.iter().flat_map(|Relays(relays)| relays) {
            let addresses = relay.server.resolve()?;
            turn.extend(addresses.map(|at| relay.at(at)));
        }
        let port_mapping = !self.is_empty() && !self.no_port_mapping;
        Ok(builder.stun(stun).turn(turn).port_mapping(port_mapping))
    }
}

/// `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Server(String);

impl Server {
    fn resolve(&self) -> Result<impl Iterator<Item = SocketAddr> + use<>, Failure> {
        let Self(name) = self;
        let found = name.to_socket_addrs().map_err(|error| {
            Failure::of(format!("cannot find the server {name}: check the name"), error)
        })?;
        let mut found = found.peekable();
        match found.peek() {
            Some(_) => Ok(found),
            None => Err(Failure::new(Code::Here, format!("{name} has no address: check the name"))),
        }
    }
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once(':').map(|(_, port)| port.parse::<u16>()) {
            Some(Ok(1..)) => Ok(Self(text.to_owned())),
            _ => Err(format!("{text:?} has no port; such servers have 3478 mostly: {text}:3478")),
        }
    }
}

/// A server with what it wants to know of its users.
#[derive(Clone, PartialEq, Eq)]
struct Relay {
    user: String,
    password: String,
    server: Server,
    /// How it is asked first, and with [`Framing::Stream`] at all.
    framing: Framing,
}

impl Relay {
    fn at(&self, address: SocketAddr) -> TurnConfig {
        TurnConfig::new(address, &self.user, &self.password).framing(self.framing)
    }
}

impl FromStr for Relay {
    type Err = String;

    /// Passwords may hold anything: the last @ and the first : count.
    fn from_str(text: &str) -> Result<Self, String> {
        let hint = "write USER:PASSWORD@HOST:PORT";
        let (user, server) = text.rsplit_once('@').ok_or(hint)?;
        let (user, password) = user.split_once(':').ok_or(hint)?;
        // As in the URIs of RFC 7065.
        let (server, framing) = match server.split_once("?transport=") {
            None => (server, Framing::Datagrams),
            Some((server, "udp")) => (server, Framing::Datagrams),
            Some((server, "tcp")) => (server, Framing::Stream),
            Some((_, other)) => return Err(format!("{other:?} is neither udp nor tcp")),
        };
        let server = server.parse()?;
        Ok(Self { user: user.to_owned(), password: password.to_owned(), server, framing })
    }
}

impl fmt::Debug for Relay {
    /// Leaves the password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("server", &self.server).finish_non_exhaustive()
    }
}

/// One relay, or all that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Relays(Vec<Relay>);

impl FromStr for Relays {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('@') {
            return Ok(Self(vec![text.parse()?]));
        }
        let hint = "write USER:PASSWORD@HOST:PORT, or name a file that holds such lines";
        let lines = std::fs::read_to_string(text).map_err(|error| format!("{error}; {hint}"))?;
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_with_a_port() {
        assert!("stun.example.net:3478".parse::<Server>().is_ok());
        for text in ["stun.example.net", "stun.example.net:", "192.0.2.1:0", "192.0.2.1:stun"] {
            assert!(text.parse::<Server>().unwrap_err().contains(":3478"), "{text}");
        }
        let found: Vec<_> = Server("127.0.0.1:1".into()).resolve().unwrap().collect();
        assert_eq!(found, ["127.0.0.1:1".parse().unwrap()]);
    }

    #[test]
    fn a_relay_is_a_server_with_a_user_and_a_password_that_may_hold_anything() {
        let relay: Relay = "me:p@ss:word@turn.example.net:3478".parse().unwrap();
        assert_eq!((&*relay.user, &*relay.password), ("me", "p@ss:word"));
        assert!(!format!("{relay:?}").contains("word"));
        for text in ["turn.example.net:3478", "me@turn.example.net:3478", "me:pw@turn.example.net"]
        {
            assert!(text.parse::<Relay>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_relay_may_be_for_tcp_alone() {
        let framing = |text: &str| text.parse::<Relay>().map(|relay| relay.framing);
        assert_eq!(framing("me:pw@192.0.2.1:3478"), Ok(Framing::Datagrams));
        assert_eq!(framing("me:pw@192.0.2.1:3478?transport=udp"), Ok(Framing::Datagrams));
        assert_eq!(framing("me:pw@192.0.2.1:3478?transport=tcp"), Ok(Framing::Stream));
        assert!(framing("me:pw@192.0.2.1:3478?transport=tls").unwrap_err().contains("tls"));
    }

    #[test]
    fn a_file_keeps_passwords_from_the_command_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("relays");
        std::fs::write(&path, "me:pw@127.0.0.1:1\n\n you:pw@127.0.0.1:2 \n").unwrap();
        let Relays(relays) = path.display().to_string().parse().unwrap();
        assert_eq!(relays.len(), 2);
        assert!("no such file".parse::<Relays>().unwrap_err().contains("USER:PASSWORD"));
    }
}
