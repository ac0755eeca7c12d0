//! Two endpoints without sockets, threads or clocks: whoever calls them moves their datagrams and their time.
//!
//! This is the loop that every driver runs, be it over a socket, a radio or a simulator. Here a hundred milliseconds of
//! network pass in no time.
//!
//! ```text
//! cargo run --example sans_io
//! ```

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use srudp::proto::{
    Connection, ConnectionHandle, Dial, Endpoint, EndpointConfig, Event, Instant, ReadError,
    Received, SeededEntropy, StreamEvent,
};
use srudp::{Direction, Identity};

/// How long a datagram travels.
const DELAY: Duration = Duration::from_millis(25);

/// An endpoint, its address, and what it remembers of its events.
struct Node {
    endpoint: Endpoint,
    address: SocketAddr,
    events: Vec<Event>,
}

/// A datagram on its way: when it arrives, from whom, to whom, and what it says.
struct Flight {
    arrives: Instant,
    from: SocketAddr,
    to: SocketAddr,
    datagram: Vec<u8>,
}

struct World {
    now: Instant,
    nodes: [Node; 2],
    flights: VecDeque<Flight>,
    buffer: Vec<u8>,
}

impl Node {
    /// The same seed gives the same bytes on the wire. A real driver gives the operating system's entropy instead.
    fn new(seed: u64, address: &str) -> Self {
        let mut entropy = SeededEntropy::new(seed);
        let identity = Identity::from_entropy(&mut entropy);
        let config = EndpointConfig::default().accept(true);
        Self {
            endpoint: Endpoint::new(config, identity, Box::new(entropy)),
            address: address.parse().expect("an address"),
            events: Vec::new(),
        }
    }

    fn connection(&mut self, handle: ConnectionHandle) -> &mut Connection {
        self.endpoint.connection(handle).expect("the connection is open")
    }
}

impl World {
    /// What an endpoint wants to be done after every input.
    fn drain(&mut self) {
        // 1. Output: after every input, ask for datagrams until there is none. One call may give several of equal size.
        for node in &mut self.nodes {
            while let Some(transmit) = node.endpoint.poll_transmit(self.now, &mut self.buffer, 16) {
                for datagram in self.buffer[..transmit.size].chunks(transmit.segment_size) {
                    self.flights.push_back(Flight {
                        arrives: self.now + DELAY,
                        from: node.address,
                        to: transmit.destination,
                        datagram: datagram.to_vec(),
                    });
                }
            }
            // 2. Events: what the application wants to know.
            node.events.extend(std::iter::from_fn(|| node.endpoint.poll_event()));
        }
    }

    /// Waits for the next input, and hands it over.
    fn advance(&mut self) {
        // 3. Timeouts: valid now that there is nothing to send. Sleep until the first of them, or until a datagram comes;
        //    here time just jumps there.
        let timers = self.nodes.iter_mut().filter_map(|node| node.endpoint.poll_timeout());
        let arrivals = self.flights.iter().map(|flight| flight.arrives);
        let Some(next) = timers.chain(arrivals).min() else { return };
        self.now = self.now.max(next);
        // 4. Input: datagrams that have arrived. They are opened in place.
        while let Some(mut flight) = self.flights.pop_front_if(|flight| flight.arrives <= self.now)
        {
            for node in self.nodes.iter_mut().filter(|node| node.address == flight.to) {
                let received = Received {
                    remote: flight.from,
                    local: None,
                    ecn: None,
                    segment_size: flight.datagram.len(),
                    data: &mut flight.datagram,
                };
                node.endpoint.handle_datagram(self.now, received);
            }
        }
        // 5. Input: time that has passed.
        for node in &mut self.nodes {
            if node.endpoint.poll_timeout().is_some_and(|at| at <= self.now) {
                node.endpoint.handle_timeout(self.now);
            }
        }
    }

    /// Goes on until the node has an event that `pick` wants.
    fn until<T>(&mut self, node: usize, pick: impl Fn(&Event) -> Option<T>) -> T {
        loop {
            self.drain();
            if let Some(found) = self.nodes[node].events.iter().find_map(&pick) {
                return found;
            }
            self.advance();
        }
    }
}

fn main() {
    let nodes = [Node::new(1, "192.0.2.1:4000"), Node::new(2, "198.51.100.1:4000")];
    let (peer, address) = (nodes[1].endpoint.peer_id(), nodes[1].address);
    let mut world =
        World { now: Instant::ZERO, nodes, flights: VecDeque::new(), buffer: vec![0; 65_536] };

    let dial = Dial::new(peer, address);
    let ours = world.nodes[0].endpoint.connect(world.now, &dial).expect("the dial starts");
    world.until(0, |event| matches!(event, Event::Connected(_)).then_some(()));
    println!("{:?}: connected, one round trip after the dial", world.now);

    // What is done to a connection is picked up by the next `poll_transmit`.
    let connection = world.nodes[0].connection(ours);
    let stream = connection.open_stream(Direction::Bidirectional).expect("the peer allows streams");
    connection.write(stream, b"hello without a socket").expect("there is room");
    connection.finish(stream).expect("the stream is open");

    let theirs = world.until(1, |event| match event {
        Event::Accepted(handle) => Some(*handle),
        _ => None,
    });
    world.until(1, |event| matches!(event, Event::Stream(_, StreamEvent::Opened(_))).then_some(()));
    let mut text = Vec::new();
    loop {
        let now = world.now;
        let connection = world.nodes[1].connection(theirs);
        if connection.accept_stream(Direction::Bidirectional).is_some() {
            println!("{now:?}: the peer has accepted the stream");
        }
        let mut piece = [0; 1024];
        match connection.read(now, stream, &mut piece) {
            Ok(0) => break,
            Ok(read) => text.extend_from_slice(&piece[..read]),
            Err(ReadError::Blocked) => {
                world.drain();
                world.advance();
            }
            Err(error) => panic!("{error}"),
        }
    }
    println!("{:?}: the peer has read {:?}", world.now, String::from_utf8_lossy(&text));

    world.until(0, |event| {
        matches!(event, Event::Stream(_, StreamEvent::Finished(_))).then_some(())
    });
    println!("{:?}: all of it is acknowledged", world.now);
}
