//! A network of bad links: one in each direction between any two nodes, and a NAT box before those that have one.
//!
//! ```text
//!  node ─▶ own NAT (outbound) ─▶ link ─▶ peer's NAT (inbound) ─▶ peer
//! ```

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use srudp::proto::{EcnMark, Instant};
use srudp_links::{Ecn, Link, LinkConfig, Nat, NatConfig, Packet};

use super::{Datagram, Network, address};

/// All links and boxes.
pub(crate) struct Internet {
    hosts: Vec<Host>,
    /// From each node to each other, row by row.
    links: Vec<Link>,
}

struct Host {
    address: SocketAddr,
    nat: Option<Nat>,
}

impl Internet {
    /// All links alike.
    pub(crate) fn new(seed: u64, nodes: usize, config: &LinkConfig) -> Self {
        let count = (nodes * nodes) as u64;
        let link = |number| Link::new(config.clone(), seed.wrapping_mul(101).wrapping_add(number));
        Self {
            hosts: (0..nodes).map(|node| Host { address: address(node), nat: None }).collect(),
            links: (0..count).map(link).collect(),
        }
    }

    pub(crate) fn link(&mut self, from: usize, to: usize) -> &mut Link {
        let nodes = self.hosts.len();
        &mut self.links[from * nodes + to]
    }

    /// Gives every link another configuration.
    pub(crate) fn reconfigure(&mut self, config: &LinkConfig) {
        for link in &mut self.links {
            link.set_up(true);
            link.reconfigure(config.clone());
        }
    }

    /// Puts a node behind a box.
    pub(crate) fn put_behind(&mut self, node: usize, config: NatConfig, seed: u64) {
        self.hosts[node].nat = Some(Nat::new(config, seed));
    }

    pub(crate) fn nat(&mut self, node: usize) -> Option<&mut Nat> {
        self.hosts[node].nat.as_mut()
    }

    /// A node has another address.
    pub(crate) fn moved(&mut self, node: usize, address: SocketAddr) {
        self.hosts[node].address = address;
    }

    /// Where others find a node, if its box preserves ports.
    pub(crate) fn public(&self, node: usize) -> SocketAddr {
        let host = &self.hosts[node];
        let ip = host.nat.as_ref().map_or(host.address.ip(), Nat::external);
        SocketAddr::new(ip, host.address.port())
    }

    fn with_public_ip(&self, ip: IpAddr) -> Option<usize> {
        (0..self.hosts.len()).find(|node| self.public(*node).ip() == ip)
    }
}

fn since_start(now: Instant) -> Duration {
    Duration::from_nanos(now.as_nanos())
}

impl Network for Internet {
    fn carry(&mut self, now: Instant, datagram: Datagram, _out: &mut Vec<(Instant, Datagram)>) {
        let now = since_start(now);
        let Some(from) = self.hosts.iter().position(|host| host.address == datagram.from) else {
            return;
        };
        let source = match &mut self.hosts[from].nat {
            Some(nat) => nat.outbound(now, datagram.from, datagram.to),
            None => Some(datagram.from),
        };
        let (Some(source), Some(to)) = (source, self.with_public_ip(datagram.to.ip())) else {
            return;
        };
        let ecn = match datagram.ecn {
            None => Ecn::NotEct,
            Some(EcnMark::Ect0) => Ecn::Ect0,
            Some(EcnMark::Ect1) => Ecn::Ect1,
            Some(EcnMark::Ce) => Ecn::Ce,
        };
        let packet = Packet { from: source, to: datagram.to, ecn, payload: datagram.payload };
        self.link(from, to).send(now, packet);
    }

    fn next(&self) -> Option<Instant> {
        let first = self.links.iter().filter_map(Link::next_deadline).min()?;
        Some(Instant::from_nanos(u64::try_from(first.as_nanos()).unwrap()))
    }

    fn poll(&mut self, now: Instant) -> Option<Datagram> {
        let now = since_start(now);
        loop {
            let due = |number: &usize| self.links[*number].next_deadline();
            let first =
                (0..self.links.len()).filter(|number| due(number).is_some()).min_by_key(due)?;
            let packet = self.links[first].poll(now)?;
            let to = first % self.hosts.len();
            let inside = match &mut self.hosts[to].nat {
                Some(nat) => nat.inbound(now, packet.from, packet.to),
                None => Some(packet.to),
            };
            let ecn = match packet.ecn {
                Ecn::NotEct => None,
                Ecn::Ect0 => Some(EcnMark::Ect0),
                Ecn::Ect1 => Some(EcnMark::Ect1),
                Ecn::Ce => Some(EcnMark::Ce),
            };
            if let Some(inside) = inside {
                return Some(Datagram {
                    from: packet.from,
                    to: inside,
                    ecn,
                    payload: packet.payload,
                });
            }
        }
    }
}
