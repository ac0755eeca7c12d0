//! A bad link: what it does, in each direction.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use srudp_links::{Burst, LinkConfig};

use crate::order::ETHERNET;

/// Headers of IPv4 and UDP. The rates below are those of UDP payload in full datagrams; the wire carries IP packets.
const HEADERS: u32 = 28;

/// The MTU of the wire: no link passes larger datagrams, one that did would favour stacks that look for them.
pub(crate) const MTU: u32 = ETHERNET as u32 + HEADERS;

/// What a link does to its packets.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Line {
    /// There and back.
    pub(crate) round_trip_ms: f64,
    pub(crate) megabits: u32,
    pub(crate) fault: Fault,
    /// What may wait for the line, in kilobytes of UDP payload; 100 ms of it if nothing is said.
    pub(crate) queue_kb: Option<u32>,
}

/// What goes wrong besides. Shares are of all packets.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Fault {
    Nothing,
    Lost {
        share: f64,
    },
    /// Bursts of so many packets that begin at this share of the others.
    Bursts {
        begin: f64,
        length: f64,
    },
    Overtaken {
        share: f64,
        by_ms: u64,
    },
}

impl Line {
    /// The model of one direction.
    pub(crate) fn model(&self) -> LinkConfig {
        let on_wire = |payload: u64| payload * u64::from(MTU) / u64::from(ETHERNET);
        let model = LinkConfig::default()
            .delay(Duration::from_secs_f64(self.round_trip_ms / 2e3))
            .rate(on_wire(u64::from(self.megabits) * 1_000_000))
            .mtu(MTU as usize);
        let model = match self.queue_kb {
            Some(kilobytes) => model.queue(on_wire(u64::from(kilobytes) * 1000) as usize),
            None => model,
        };
        match self.fault {
            Fault::Nothing => model,
            Fault::Lost { share } => model.loss(share),
            Fault::Bursts { begin, length } => model.burst(Burst::new(begin, length)),
            Fault::Overtaken { share, by_ms } => model.reorder(share, Duration::from_millis(by_ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use srudp_links::{Link, Packet};

    use super::*;

    #[test]
    fn a_full_datagram_takes_as_long_as_its_payload_at_the_rate() {
        let fault = Fault::Nothing;
        let line = Line { round_trip_ms: 10.0, megabits: 1, fault, queue_kb: None };
        let mut link = Link::new(line.model(), 1);
        let address = "192.0.2.1:1".parse().unwrap();
        link.send(Duration::ZERO, Packet::new(address, address, vec![0; MTU as usize]));
        let expected = Duration::from_micros(5_000 + u64::from(ETHERNET) * 8);
        let arrival = link.next_deadline().unwrap();
        assert!(arrival.abs_diff(expected) < Duration::from_micros(2), "{arrival:?}");
    }
}
