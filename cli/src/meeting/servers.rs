//! The STUN servers that the user names.

use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use crate::exit::{Code, Failure};

/// Who tells this side how it is seen from outside.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Servers {
    /// STUN server that tells how this side is seen from outside; two of them tell more [default: none, which is enough in one network]
    #[arg(long = "stun", value_name = "HOST:PORT")]
    servers: Vec<Server>,
}

impl Servers {
    pub(crate) fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// All addresses of all servers.
    pub(crate) fn resolve(&self) -> Result<Vec<SocketAddr>, Failure> {
        let mut found = Vec::new();
        for Server(name) in &self.servers {
            let addresses = name.to_socket_addrs().map_err(|error| {
                Failure::of(format!("cannot find the STUN server {name}: check the name"), error)
            })?;
            found.extend(addresses);
        }
        if found.is_empty() && !self.is_empty() {
            return Err(Failure::new(Code::Here, "the STUN servers have no address"));
        }
        Ok(found)
    }
}

/// `HOST:PORT`.
#[derive(Clone, Debug)]
struct Server(String);

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once(':').map(|(_, port)| port.parse::<u16>()) {
            Some(Ok(1..)) => Ok(Self(text.to_owned())),
            _ => Err(format!("{text:?} has no port; STUN servers have 3478 mostly: {text}:3478")),
        }
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
    }

    #[test]
    fn every_address_of_every_server_is_asked() {
        let servers = ["127.0.0.1:1", "[::1]:2"].map(|text| text.parse().unwrap()).to_vec();
        let found = Servers { servers }.resolve().unwrap();
        assert_eq!(found.iter().map(SocketAddr::port).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(Servers::default().resolve().unwrap(), []);
    }
}
