//! Senders that share one link to a listener, and the way back.
//!
//! ```text
//!  node 0 ──┐      up      ┌─▶ last node
//!  node 1 ──┴──▶ ═══════ ──┘
//!         ◀───── ═══════ ◀────
//!                 down
//! ```

use std::time::Duration;

use srudp::proto::{
    ConnectionHandle, EcnMark, EndpointConfig, Instant, ReadError, TransportConfig, WriteError,
};
use srudp::{CongestionAlgorithm, Direction, StreamId};
use srudp_links::{Ecn, Link, LinkConfig, LinkStats, Packet};

use crate::sim::{Datagram, Network, Sim, address, closed, dialler, listener};

/// What fits through an Ethernet, so that path MTU discovery makes no difference.
const DATAGRAM: usize = 1452;

/// One link there and one back.
struct Dumbbell {
    far: std::net::SocketAddr,
    up: Link,
    down: Link,
}

impl Network for Dumbbell {
    fn carry(&mut self, now: Instant, datagram: Datagram, _out: &mut Vec<(Instant, Datagram)>) {
        let link = if datagram.to == self.far { &mut self.up } else { &mut self.down };
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
        let deadlines = [self.up.next_deadline(), self.down.next_deadline()];
        let first = deadlines.into_iter().flatten().min()?;
        Some(Instant::from_nanos(u64::try_from(first.as_nanos()).unwrap()))
    }

    fn poll(&mut self, now: Instant) -> Option<Datagram> {
        let now = Duration::from_nanos(now.as_nanos());
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

/// One bulk transfer.
struct Flow {
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

impl Race {
    /// One sender for each algorithm. They share a link and begin together.
    pub(crate) fn new(seed: u64, link: &LinkConfig, algorithms: &[CongestionAlgorithm]) -> Self {
        let config = |endpoint: EndpointConfig, algorithm| {
            let transport = TransportConfig::default().max_udp_payload(DATAGRAM);
            endpoint.transport(transport.congestion(algorithm))
        };
        let mut nodes: Vec<_> =
            algorithms.iter().map(|algorithm| config(dialler(), *algorithm)).collect();
        nodes.push(config(listener(), CongestionAlgorithm::default()));
        let far = algorithms.len();
        let network = Dumbbell {
            far: address(far),
            up: Link::new(link.clone(), seed),
            down: Link::new(link.clone(), !seed),
        };
        let mut sim = Sim::new(seed, network, &nodes);
        sim.segments = 44;
        let connect = |sim: &mut Sim<Dumbbell>, node| {
            let (ours, theirs) = sim.connect(node, far);
            let id = sim.connection(node, ours).open_stream(Direction::Unidirectional).unwrap();
            Flow { handles: [ours, theirs], id, delivered: 0 }
        };
        let flows = (0..far).map(|node| connect(&mut sim, node)).collect();
        Self { sim, flows }
    }

    fn pump(sim: &mut Sim<Dumbbell>, flows: &mut [Flow]) {
        let (far, now) = (flows.len(), sim.now);
        let (data, mut out) = (vec![1; 65_536], vec![0; 65_536]);
        for (node, flow) in flows.iter_mut().enumerate() {
            let sender = sim.connection(node, flow.handles[0]);
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

    /// Everybody sends for so long.
    pub(crate) fn run(&mut self, time: Duration) -> Stretch {
        let before: Vec<u64> = self.flows.iter().map(|flow| flow.delivered).collect();
        let link = self.link();
        let flows = &mut self.flows;
        self.sim.run_until(time, |sim| {
            Self::pump(sim, flows);
            false
        });
        for node in 0..=self.flows.len() {
            assert_eq!(self.sim.take(node, closed), None);
        }
        let rate = |(flow, before): (&Flow, u64)| {
            (flow.delivered - before) as f64 * 8.0 / time.as_secs_f64()
        };
        let now = self.link();
        let (sent, dropped) = (now.sent - link.sent, now.queue_dropped - link.queue_dropped);
        Stretch {
            goodput: self.flows.iter().zip(before).map(rate).collect(),
            queueing: now.mean_queueing_since(&link),
            dropped: dropped as f64 / sent.max(1) as f64,
        }
    }

    fn link(&self) -> LinkStats {
        self.sim.network.up.stats()
    }
}
