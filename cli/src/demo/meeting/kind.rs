//! The kinds of access to the Internet that the demonstration knows, by names for people.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use srudp_links::{Dependence, NatConfig, PortAllocation};

/// The end of `srudp demo --help`. It has to name every [`Kind`].
pub(crate) const HELP: &str = "\
Example:
  srudp demo
  srudp demo --seed 7                  other packets get lost
  srudp demo --nat home,symmetric      a path through two NATs

Kinds for --nat:
  public      no NAT: everybody comes in
  firewall    no NAT, but only answers come in
  full-cone   a NAT with one port for all peers, and everybody comes in there
  restricted  the same, but only hosts that were sent to come in
  home        the common router: only hosts and ports that were sent to come in
  cgnat       a home router behind the NAT of its provider
  sequential  another port for every peer, one after the other
  mobile      another port for every peer, by chance from a block of 512, as in mobile networks
  symmetric   another port for every peer, any, as in companies
  blocked     no UDP passes

The peers, the STUN server and the relay that they ask, the NATs and the links between them run in this process, in real time and
without sockets. Data waits for the direct path, and goes by the relay if there is none. A pair that finds no path at all ends with
the reason and exit code 3; so does one with a blocked peer, as
this relay speaks UDP alone: srudp itself reaches relays over TCP then.";

/// What stands between a peer and the Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Public,
    Firewall,
    FullCone,
    Restricted,
    Home,
    Cgnat,
    Sequential,
    Mobile,
    Symmetric,
    Blocked,
}

/// Two of them: `home,symmetric`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair(pub(super) [Kind; 2]);

/// Ports that a provider gives a customer at a time.
const BLOCK: u16 = 512;

impl Kind {
    const ALL: [Self; 10] = [
        Self::Public,
        Self::Firewall,
        Self::FullCone,
        Self::Restricted,
        Self::Home,
        Self::Cgnat,
        Self::Sequential,
        Self::Mobile,
        Self::Symmetric,
        Self::Blocked,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Firewall => "firewall",
            Self::FullCone => "full-cone",
            Self::Restricted => "restricted",
            Self::Home => "home",
            Self::Cgnat => "cgnat",
            Self::Sequential => "sequential",
            Self::Mobile => "mobile",
            Self::Symmetric => "symmetric",
            Self::Blocked => "blocked",
        }
    }

    /// The NATs, the nearest to the peer first. `external`: the address that the Internet sees.
    pub(super) fn boxes(self, external: IpAddr) -> Vec<NatConfig> {
        let home = || NatConfig::new(external);
        let symmetric =
            |allocation| home().mapping(Dependence::AddressAndPortDependent).allocation(allocation);
        match self {
            Self::Public | Self::Firewall | Self::Blocked => vec![],
            Self::FullCone => vec![NatConfig::full_cone(external)],
            Self::Restricted => vec![home().filtering(Dependence::AddressDependent)],
            Self::Home => vec![home()],
            Self::Cgnat => vec![NatConfig::new([100, 64, 0, 2].into()), home()],
            Self::Sequential => vec![symmetric(PortAllocation::Sequential)],
            Self::Mobile => vec![symmetric(PortAllocation::Blocks(BLOCK))],
            Self::Symmetric => vec![symmetric(PortAllocation::Random)],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (left, right) = text.split_once(',').ok_or("two kinds with a comma between them")?;
        Ok(Self([find(left)?, find(right)?]))
    }
}

fn find(name: &str) -> Result<Kind, String> {
    Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let names = Kind::ALL.map(Kind::name).join(", ");
        format!("there is no kind \"{name}\"; there are {names}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_and_an_explanation() {
        for kind in Kind::ALL {
            assert_eq!(find(kind.name()), Ok(kind));
            assert!(HELP.contains(&format!("\n  {:<11} ", kind.name())), "{kind}");
        }
    }

    #[test]
    fn what_is_no_pair_is_told_what_there_is() {
        assert_eq!("home,symmetric".parse(), Ok(Pair([Kind::Home, Kind::Symmetric])));
        for text in ["home", "home,", "home,house", "home,home,home"] {
            assert!(text.parse::<Pair>().is_err(), "{text}");
        }
        let error = "home,house".parse::<Pair>().unwrap_err();
        assert!(error.contains("\"house\"") && error.contains("symmetric"), "{error}");
    }
}
