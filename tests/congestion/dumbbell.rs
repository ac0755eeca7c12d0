//! Senders that share one link to a listener, and the way back.
//!
//! ```text
//!  node 0 ── access ──┐      up      ┌─▶ last node
//!  node 1 ── access ──┴──▶ ═══════ ──┘
//!                   ◀───── ═══════ ◀────
//!                           down
//! ```
//!
//! What makes one sender's round trip longer than another's is its way to the link.

use std::time::Duration;

use srudp::proto::{
    ConnectionHandle, EcnMark, EndpointConfig, Instant, ReadError, TransportConfig, WriteError,
};
use srudp::{CongestionAlgorithm, Direction, StreamId};
use srudp_links::{Ecn, Link, LinkConfig, LinkStats, Packet};

use crate::sim::{Datagram, Network, Sim, accepted, address, closed, connected, dialler, listener};

/// What fits through an Ethernet, so that path MTU discovery makes no difference.
const DATAGRAM: usize = 1452;

/// One link there and one back, and the senders' ways there.
struct Dumbbell {
    /// The number of the listener.
    far: usize,
    access: Vec<Link>,
    up: Link,
    down: Link,
}

impl Network for Dumbbell {
    fn carry(&mut self, now: Instant, datagram: Datagram, _out: &mut Vec<(Instant, Datagram)>) {
        let sender = (0..self.far).find(|node| address(*node) == datagram.from);
        let link = match sender {
            Some(node) => &mut self.access[node],
            None => &mut self.down,
        };
        let ecn = datagram.ecn.map_or(Ecn::NotEct, |mark| match mark {
            EcnMark::Ect0 => Ecn::Ect0,
            EcnMark::Ect1 => Ecn::Ect1,
            EcnMark::Ce => Ecn::Ce,
        });
        let mut packet = Packet::new(datagram.from, datagram.to, datagram.payload);
        packet.ecn = ecn;
        link.send(Duration::from_nanos(now.as_nanos()), packet);
    }

    fn next(&self) -> Option<Instant> {
        let links = self.access.iter().chain([&self.up, &self.down]);
        let first = links.filter_map(Link::next_deadline).min()?;
        Some(Instant::from_nanos(u64::try_from(first.as_nanos()).unwrap()))
    }

    fn poll(&mut self, now: Instant) -> Option<Datagram> {
        let now = Duration::from_nanos(now.as_nanos());
        for access in &mut self.access {
            while let Some(packet) = access.poll(now) {
                self.up.send(now, packet);
            }
        }
        let packet = self.up.poll(now).or_else(|| self.down.poll(now))?;
        let ecn = match packet.ecn {
            Ecn::NotEct => None,
            Ecn::Ect0 => Some(EcnMark::Ect0),
            Ecn::Ect1 => Some(EcnMark::Ect1),
            Ecn::Ce => Some(EcnMark::Ce),
        };
        Some(Datagram { from: packet.from, to: packet.to, ecn, payload: packet.payload })
    }
}

/// Who sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender {
    algorithm: CongestionAlgorithm,
    /// By which its round trip is longer than that of the link.
    detour: Duration,
    /// Begins so long after the others.
    late: Duration,
}

impl Sender {
    pub(crate) fn detour(mut self, detour: Duration) -> Self {
        self.detour = detour;
        self
    }

    pub(crate) fn late(mut self, late: Duration) -> Self {
        self.late = late;
        self
    }
}

impl From<CongestionAlgorithm> for Sender {
    fn from(algorithm: CongestionAlgorithm) -> Self {
        Self { algorithm, detour: Duration::ZERO, late: Duration::ZERO }
    }
}

/// One bulk transfer.
struct Flow {
    node: usize,
    /// The sender's and the listener's end.
    handles: [ConnectionHandle; 2],
    id: StreamId,
    delivered: u64,
}

/// Bulk transfers side by side.
pub(crate) struct Race {
    sim: Sim<Dumbbell>,
    flows: Vec<Flow>,
}

/// What a stretch of time brought.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    /// Bits per second that the listener's application read, of each flow.
    pub(crate) goodput: Vec<f64>,
    /// The mean wait before the line.
    pub(crate) queueing: Duration,
    /// The share of packets that found the queue full.
    pub(crate) dropped: f64,
}

impl Stretch {
    /// Of the same stretch of several races.
    pub(crate) fn mean(all: &[Self]) -> Self {
        let count = all.len() as f64;
        let goodput = |flow: usize| all.iter().map(|one| one.goodput[flow]).sum::<f64>() / count;
        Self {
            goodput: (0..all[0].goodput.len()).map(goodput).collect(),
            queueing: all.iter().map(|one| one.queueing).sum::<Duration>().div_f64(count),
            dropped: all.iter().map(|one| one.dropped).sum::<f64>() / count,
        }
    }
}

impl Race {
    /// They share a link, and begin together but for those that are late.
    pub(crate) fn new(seed: u64, link: &LinkConfig, senders: &[Sender]) -> Self {
        let config = |endpoint: EndpointConfig, algorithm| {
            let transport = TransportConfig::default().max_udp_payload(DATAGRAM);
            endpoint.transport(transport.congestion(algorithm))
        };
        let mut nodes: Vec<_> =
            senders.iter().map(|sender| config(dialler(), sender.algorithm)).collect();
        nodes.push(config(listener(), CongestionAlgorithm::default()));
        let access = |sender: &Sender| Link::new(LinkConfig::default().delay(sender.detour), seed);
        let network = Dumbbell {
            far: senders.len(),
            access: senders.iter().map(access).collect(),
            up: Link::new(link.clone(), seed),
            down: Link::new(link.clone(), !seed),
        };
        let mut sim = Sim::new(seed, network, &nodes);
        sim.segments = 44;
        let mut race = Self { sim, flows: Vec::new() };
        let mut order: Vec<_> = senders.iter().enumerate().collect();
        order.sort_by_key(|(_, sender)| sender.late);
        let mut passed = Duration::ZERO;
        for (node, sender) in order {
            race.pump_for(sender.late - passed);
            passed = sender.late;
            race.join(node, senders.len());
        }
        race
    }

    /// A sender connects while the others go on.
    fn join(&mut self, node: usize, far: usize) {
        self.sim.dial(node, far);
        let Self { sim, flows } = self;
        let mut handles = [None; 2];
        sim.run_until(Duration::from_secs(30), |sim| {
            Self::pump(sim, flows);
            handles[0] = handles[0].or_else(|| sim.take(node, connected));
            handles[1] = handles[1].or_else(|| sim.take(far, accepted));
            handles.iter().all(Option::is_some)
        });
        let handles = handles.map(|handle| handle.expect("they connect"));
        let id = sim.connection(node, handles[0]).open_stream(Direction::Unidirectional).unwrap();
        flows.push(Flow { node, handles, id, delivered: 0 });
    }

    fn pump(sim: &mut Sim<Dumbbell>, flows: &mut [Flow]) {
        let (far, now) = (sim.network.far, sim.now);
        let (data, mut out) = (vec![1; 65_536], vec![0; 65_536]);
        for flow in flows {
            let sender = sim.connection(flow.node, flow.handles[0]);
            while sender.write(flow.id, &data) != Err(WriteError::Blocked) {}
            loop {
                match sim.connection(far, flow.handles[1]).read(now, flow.id, &mut out) {
                    Ok(read) => flow.delivered += read as u64,
                    Err(ReadError::Blocked | ReadError::Unknown) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    fn pump_for(&mut self, time: Duration) {
        let flows = &mut self.flows;
        self.sim.run_until(time, |sim| {
            Self::pump(sim, flows);
            false
        });
    }

    /// Everybody sends for so long.
    pub(crate) fn run(&mut self, time: Duration) -> Stretch {
        let before: Vec<u64> = self.flows.iter().map(|flow| flow.delivered).collect();
        let link = self.link();
        self.pump_for(time);
        for node in 0..=self.flows.len() {
            assert_eq!(self.sim.take(node, closed), None);
        }
        let rate = |(flow, before): (&Flow, u64)| {
            (flow.delivered - before) as f64 * 8.0 / time.as_secs_f64()
        };
        let now = self.link();
        let (sent, dropped) = (now.sent - link.sent, now.queue_dropped - link.queue_dropped);
        let mut goodput = vec![0.0; self.flows.len()];
        for (flow, before) in self.flows.iter().zip(before) {
            goodput[flow.node] = rate((flow, before));
        }
        Stretch {
            goodput,
            queueing: now.mean_queueing_since(&link),
            dropped: dropped as f64 / sent.max(1) as f64,
        }
    }

    fn link(&self) -> LinkStats {
        self.sim.network.up.stats()
    }
}
