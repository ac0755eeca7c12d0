//! Two endpoints and the link between them, all memory of which is set aside at the beginning: what is allocated while
//! it runs, the library has allocated.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use srudp::proto::{
    Connection, ConnectionHandle, Dial, Endpoint, EndpointConfig, Event, Instant, Received,
    SeededEntropy, TransportConfig,
};
use srudp::{CongestionAlgorithm, Identity};

/// Every datagram fits, so that packets stay the same when the path MTU has been found.
pub(crate) const DATAGRAM: usize = 1452;

/// Datagrams under way at most, both ways together: a window of [`window`] and its acknowledgements.
const FLIGHTS: usize = 8192;

/// How long a datagram travels.
const DELAY: Duration = Duration::from_millis(5);

/// The most that is in flight: large enough for packets to be sent and acknowledged in batches.
const WINDOW: u64 = 1 << 20;

struct Flight {
    arrives: Instant,
    to: usize,
    datagram: Vec<u8>,
}

pub(crate) struct Pair {
    pub(crate) now: Instant,
    endpoints: [Endpoint; 2],
    flights: VecDeque<Flight>,
    spare: Vec<Vec<u8>>,
    buffer: Vec<u8>,
    /// One of so many datagrams is lost.
    loss: Option<u64>,
    random: u64,
    pub(crate) carried: u64,
    /// Calls in which they were sent.
    pub(crate) batches: u64,
    pub(crate) lost: u64,
    /// Connections of either side that can be used, and those that are over.
    pub(crate) open: [Vec<ConnectionHandle>; 2],
    pub(crate) closed: [Vec<ConnectionHandle>; 2],
}

fn address(node: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1 + u8::from(node > 0)], 4000))
}

impl Pair {
    /// Two endpoints for so many connections.
    pub(crate) fn new(connections: usize) -> Self {
        Self::kept_alive(connections, None)
    }

    /// As [`Self::new`], where connections keep themselves alive.
    pub(crate) fn kept_alive(connections: usize, interval: Option<Duration>) -> Self {
        let transport = TransportConfig::default()
            .max_udp_payload(DATAGRAM)
            // On a link without a rate, BBR finds no end; with losses there are then more gaps than fit into one node of a map.
            .congestion(CongestionAlgorithm::Cubic)
            .max_window(WINDOW)
            .send_buffer(4 * WINDOW)
            .idle_timeout(Duration::ZERO)
            .keep_alive(interval);
        let config = EndpointConfig::default().accept(true).transport(transport);
        let endpoint = |seed| {
            let mut entropy = SeededEntropy::new(seed);
            let identity = Identity::from_entropy(&mut entropy);
            Endpoint::new(config.clone(), identity, Box::new(entropy))
        };
        let handles = || Vec::with_capacity(connections);
        Self {
            now: Instant::from_nanos(1),
            endpoints: [endpoint(1), endpoint(2)],
            flights: VecDeque::with_capacity(FLIGHTS),
            spare: (0..FLIGHTS).map(|_| Vec::with_capacity(DATAGRAM)).collect(),
            buffer: vec![0; 65_536],
            loss: None,
            random: 1,
            carried: 0,
            batches: 0,
            lost: 0,
            open: [handles(), handles()],
            closed: [handles(), handles()],
        }
    }

    pub(crate) fn lose_one_of(&mut self, datagrams: u64) {
        self.loss = Some(datagrams);
    }

    pub(crate) fn dial(&mut self) {
        let dial = Dial::new(self.endpoints[1].peer_id(), address(1));
        self.endpoints[0].connect(self.now, &dial).expect("the dial starts");
    }

    pub(crate) fn endpoint(&mut self, node: usize) -> &mut Endpoint {
        &mut self.endpoints[node]
    }

    /// The newest connection of a side.
    pub(crate) fn connection(&mut self, node: usize) -> &mut Connection {
        let handle = *self.open[node].last().expect("a connection is open");
        self.endpoints[node].connection(handle).expect("it was not removed")
    }

    /// Waits for the next input, and hands it over.
    pub(crate) fn step(&mut self) {
        self.drain();
        let timers = self.endpoints.iter_mut().filter_map(Endpoint::poll_timeout);
        let arrival = self.flights.front().map(|flight| flight.arrives);
        let Some(next) = timers.chain(arrival).min() else { return };
        self.now = self.now.max(next);
        while let Some(flight) = self.flights.pop_front_if(|flight| flight.arrives <= self.now) {
            self.deliver(flight);
        }
        for endpoint in &mut self.endpoints {
            if endpoint.poll_timeout().is_some_and(|at| at <= self.now) {
                endpoint.handle_timeout(self.now);
            }
        }
    }

    /// Steps until the time has come.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.drain();
            let timers = self.endpoints.iter_mut().filter_map(Endpoint::poll_timeout);
            let arrival = self.flights.front().map(|flight| flight.arrives);
            if timers.chain(arrival).min().is_none_or(|next| next > end) {
                self.now = end;
                return;
            }
            self.step();
        }
    }

    fn deliver(&mut self, mut flight: Flight) {
        let received = Received {
            remote: address(1 - flight.to),
            local: None,
            ecn: None,
            segment_size: flight.datagram.len(),
            data: &mut flight.datagram,
        };
        self.endpoints[flight.to].handle_datagram(self.now, received);
        self.spare.push(flight.datagram);
    }

    fn drain(&mut self) {
        for node in 0..2 {
            while let Some(sent) =
                self.endpoints[node].poll_transmit(self.now, &mut self.buffer, 16)
            {
                self.batches += 1;
                for at in (0..sent.size).step_by(sent.segment_size) {
                    self.carry(1 - node, at..sent.size.min(at + sent.segment_size));
                }
            }
            while let Some(event) = self.endpoints[node].poll_event() {
                match event {
                    Event::Connected(handle) | Event::Accepted(handle) => {
                        self.open[node].push(handle);
                    }
                    Event::Closed(handle, _) => self.closed[node].push(handle),
                    _ => {}
                }
            }
        }
    }

    fn carry(&mut self, to: usize, range: std::ops::Range<usize>) {
        self.carried += 1;
        // Xorshift: which datagrams are lost has no rhythm that packets could fall into.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        if self.loss.is_some_and(|period| self.random.is_multiple_of(period)) {
            self.lost += 1;
            return;
        }
        let mut datagram = self.spare.pop().expect("no more are under way than were set aside");
        datagram.clear();
        datagram.extend_from_slice(&self.buffer[range]);
        self.flights.push_back(Flight { arrives: self.now + DELAY, to, datagram });
    }
}
