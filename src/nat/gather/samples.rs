//! What servers saw of our sockets, and what follows from it for a peer that has to find them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::nat::behaviour::{Allocation, Behaviour, Findings, Heard, judge};
use crate::nat::offer::NatSummary;
use crate::nat::socket::SocketId;

/// A socket as a server saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sample {
    /// Its place in the row of questions: mappings were made in this order.
    pub(super) order: u16,
    pub(super) socket: SocketId,
    /// The port of the socket, if it is known.
    pub(super) port: u16,
    pub(super) server: SocketAddr,
    pub(super) seen: SocketAddr,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Samples {
    all: Vec<Sample>,
    pub(super) other_address: Heard,
    pub(super) other_port: Heard,
    /// A server's other address answers when it is asked itself.
    pub(super) other_works: bool,
}

impl Samples {
    pub(super) fn add(&mut self, sample: Sample) {
        let at = self.all.partition_point(|known| known.order < sample.order);
        self.all.insert(at, sample);
    }

    /// The addresses at which others saw a socket, one for each IP address, the first first.
    pub(super) fn seen(&self, socket: SocketId) -> Vec<SocketAddr> {
        let mut seen: Vec<SocketAddr> = Vec::new();
        for sample in self.all.iter().filter(|sample| sample.socket == socket) {
            if !seen.iter().any(|known| known.ip() == sample.seen.ip()) {
                seen.push(sample.seen);
            }
        }
        seen
    }

    /// Who saw a socket first.
    pub(super) fn first(&self, socket: SocketId) -> Option<&Sample> {
        self.all.iter().find(|sample| sample.socket == socket)
    }

    /// Those of one family: IPv4 if there are any, because that is where NATs are.
    fn comparable(&self) -> impl Iterator<Item = &Sample> {
        let ipv4 = self.all.iter().any(|sample| sample.seen.is_ipv4());
        self.all.iter().filter(move |sample| sample.seen.is_ipv4() == ipv4)
    }

    pub(super) fn behaviour(&self, local: SocketAddr, gateway: Option<IpAddr>) -> Behaviour {
        let main = self.comparable().filter(|sample| sample.socket == SocketId::MAIN);
        let findings = Findings {
            main: main.map(|sample| (sample.server, sample.seen)).collect(),
            other_address: self.other_address,
            other_port: self.other_port,
            other_works: self.other_works,
            ..Findings::default()
        };
        let mut behaviour = findings.report(&[local], gateway);
        let translated = behaviour.translated != Some(false);
        behaviour.allocation = judge::allocation(&self.ports()).filter(|_| translated);
        behaviour
    }

    /// Inner and outer ports of all mappings, in the order in which they were made.
    fn ports(&self) -> Vec<(u16, u16)> {
        let mut mappings: Vec<(SocketId, u16, u16)> = Vec::new();
        for sample in self.comparable() {
            let mapping = (sample.socket, sample.port, sample.seen.port());
            if !mappings.contains(&mapping) {
                mappings.push(mapping);
            }
        }
        mappings.into_iter().map(|(_, inner, outer)| (inner, outer)).collect()
    }

    pub(super) fn summary(&self, behaviour: &Behaviour) -> NatSummary {
        let summary = NatSummary::from(behaviour);
        let ports: Vec<u16> = self.ports().into_iter().map(|(_, outer)| outer).collect();
        match (behaviour.allocation, ports.last(), step(&ports)) {
            (Some(Allocation::Sequential), Some(latest), Some(step)) => {
                summary.latest(*latest, step)
            }
            _ => summary,
        }
    }
}

/// From a port to the next, as it was most often; of equally frequent ones the smallest.
fn step(ports: &[u16]) -> Option<i8> {
    let mut counts: BTreeMap<i16, usize> = BTreeMap::new();
    for pair in ports.windows(2) {
        if let [before, after] = pair {
            *counts.entry(after.wrapping_sub(*before).cast_signed()).or_default() += 1;
        }
    }
    let often = |(step, count): &(i16, usize)| (*count, std::cmp::Reverse(step.unsigned_abs()));
    let (step, _) = counts.into_iter().max_by_key(often)?;
    i8::try_from(step).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nat::behaviour::Dependence;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn samples(ports: &[u16]) -> Samples {
        let mut samples = Samples::default();
        for (order, port) in (0..).zip(ports) {
            let server = SocketAddr::from(([198, 51, 100, 1 + (order % 2) as u8], 3478));
            let seen = SocketAddr::from(([203, 0, 113, 1], *port));
            let socket = SocketId::new(order / 2);
            samples.add(Sample { order, socket, port: 7, server, seen });
        }
        samples
    }

    #[test]
    fn the_last_port_and_the_step_to_the_next_are_told_where_ports_follow_each_other() {
        let samples = samples(&[5000, 5002, 5004, 5008, 5010, 5012]);
        let behaviour = samples.behaviour(address("192.168.1.2:7"), None);
        assert_eq!(behaviour.mapping, Some(Dependence::EndpointDependent));
        assert_eq!(behaviour.allocation, Some(Allocation::Sequential));
        assert_eq!(samples.summary(&behaviour).next_port(), Some((5014, 2)));
        assert_eq!(step(&[1030, 1029, 1028, 1020]), Some(-1));
        assert_eq!(step(&[65_535, 0, 1]), Some(1));
        assert_eq!(step(&[7]), None);
    }

    #[test]
    fn answers_may_come_in_any_order() {
        let mut shuffled = Samples::default();
        let sorted = samples(&[5000, 5001, 5002, 5003, 5004, 5005]);
        for at in [3, 0, 5, 1, 4, 2] {
            shuffled.add(sorted.all[at]);
        }
        assert_eq!(shuffled.all, sorted.all);
    }

    #[test]
    fn families_are_not_compared() {
        let mut samples = samples(&[]);
        for (order, server, seen) in [
            (0, "[2001:db8::1]:3478", "[2001:db8::7]:4000"),
            (1, "198.51.100.1:3478", "203.0.113.1:5000"),
            (2, "198.51.100.2:3478", "203.0.113.1:5000"),
        ] {
            let (socket, server, seen) = (SocketId::MAIN, address(server), address(seen));
            samples.add(Sample { order, socket, port: 4000, server, seen });
        }
        let behaviour = samples.behaviour(address("[::]:4000"), None);
        assert_eq!(behaviour.mapping, Some(Dependence::EndpointIndependent));
        assert_eq!(samples.seen(SocketId::MAIN).len(), 2);
    }
}
