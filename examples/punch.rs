//! Two peers behind NATs meet with nothing but tickets that people carry: the loop around `srudp::node`, with real sockets.
//!
//! ```text
//! cargo run --example punch -- 203.0.113.1:3478 [symmetric]      (the address of a STUN server; `srudp nat` says whether symmetric)
//! cargo run --example punch                                      (twice on this host, without a server)
//! ```
//!
//! Each prints its ticket, and reads the other's.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use srudp::nat::stun::{Query, Question};
use srudp::nat::{
    Allocation, Candidate, CandidateKind, Dependence, Description, Destinations, NatSummary,
    PunchConfig, SocketId, SocketRequest, Ticket,
};
use srudp::node::{Node, NodeEvent};
use srudp::proto::{
    ConnectionHandle, Endpoint, EndpointConfig, Entropy, Event, Instant, ReadError, Received,
    StreamEvent,
};
use srudp::{ApplicationCode, Direction, Identity, SystemEntropy};

/// How long a ticket is good.
const TICKET_LIFE: u64 = 600;

/// A main socket, and spare ones for the case that it is of no use.
const SOCKETS: u8 = 4;

/// Longest sleep while sockets are looked at in turn. A real driver waits for all of them at once.
const NAP: Duration = Duration::from_millis(1);

/// How long what was said may take to arrive.
const LINGER: Duration = Duration::from_secs(1);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The sockets by number, and the time.
struct Machine {
    sockets: BTreeMap<SocketId, UdpSocket>,
    began: std::time::Instant,
    buffer: Vec<u8>,
}

impl Machine {
    fn now(&self) -> Instant {
        Instant::ZERO + self.began.elapsed()
    }

    fn open(&mut self, socket: SocketId) -> io::Result<()> {
        let opened = UdpSocket::bind("0.0.0.0:0")?;
        opened.set_nonblocking(true)?;
        self.sockets.insert(socket, opened);
        Ok(())
    }

    /// A datagram that waits at one of the sockets.
    fn receive(&mut self) -> Option<(SocketId, SocketAddr, usize)> {
        self.sockets.iter().find_map(|(socket, opened)| {
            // Errors that ICMP reports are those of single datagrams.
            let (size, from) = opened.recv_from(&mut self.buffer).ok()?;
            Some((*socket, from, size))
        })
    }

    fn send(
        &self,
        socket: SocketId,
        to: SocketAddr,
        ttl: Option<u8>,
        payload: &[u8],
    ) -> io::Result<()> {
        let Some(opened) = self.sockets.get(&socket) else { return Ok(()) };
        let usual = opened.ttl()?;
        if let Some(ttl) = ttl {
            opened.set_ttl(ttl.into())?;
        }
        let sent = opened.send_to(payload, to);
        opened.set_ttl(usual)?;
        match sent {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error),
            _ => Ok(()),
        }
    }

    /// The address of a socket as a STUN server sees it.
    fn observe(&mut self, socket: SocketId, server: SocketAddr) -> Result<SocketAddr> {
        let mut entropy = SystemEntropy::new()?;
        let mut query = Query::new(self.now(), Question::new(server), &mut entropy);
        loop {
            while let Some((to, payload)) = query.poll_transmit() {
                let payload = payload.to_vec();
                self.send(socket, to, None, &payload)?;
            }
            if let Some(outcome) = query.outcome() {
                return Ok(outcome.clone()?.reflexive);
            }
            let now = self.now();
            match self.receive() {
                Some((_, from, size)) => {
                    query.handle_datagram(now, from, &self.buffer[..size], &mut entropy);
                }
                None => thread::sleep(NAP),
            }
            query.handle_timeout(self.now());
        }
    }
}

/// What we say about ourselves.
fn describe(
    machine: &mut Machine,
    server: Option<SocketAddr>,
    symmetric: bool,
) -> Result<Description> {
    let mut candidates = Vec::new();
    for number in 0..SOCKETS {
        let socket = SocketId::new(number.into());
        machine.open(socket)?;
        let candidate = match server {
            Some(server) => {
                Candidate::new(CandidateKind::Reflexive, machine.observe(socket, server)?)
            }
            None => {
                let port = machine.sockets[&socket].local_addr()?.port();
                Candidate::new(CandidateKind::Host, ([127, 0, 0, 1], port).into())
            }
        };
        candidates.push(candidate.of_socket(number));
    }
    let nat = if symmetric {
        NatSummary::new(Dependence::AddressAndPortDependent, None, Allocation::Random)
    } else {
        NatSummary::new(Dependence::EndpointIndependent, None, Allocation::Preserving)
    };
    Ok(Description::new(nat, &candidates))
}

#[expect(clippy::disallowed_methods, reason = "whoever has the sockets reads the clock")]
fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let server: Option<SocketAddr> = arguments.next().map(|text| text.parse()).transpose()?;
    let symmetric = arguments.next().is_some_and(|word| word == "symmetric");
    let mut machine = Machine {
        sockets: BTreeMap::new(),
        began: std::time::Instant::now(),
        buffer: vec![0; 65_536],
    };
    let identity = Identity::generate();
    let mut entropy = SystemEntropy::new()?;
    let description = describe(&mut machine, server, symmetric)?;
    let unix = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let ours = Ticket::new(&identity, unix + TICKET_LIFE, description, &mut entropy);
    println!("{ours}\nThe other side's ticket:");
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let theirs: Ticket = line.trim().parse()?;
    if theirs.has_expired(unix) {
        return Err("this ticket has expired: ask for a new one".into());
    }
    let unix = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let start = machine.now() + Ticket::wait(unix);
    let config = PunchConfig::from_tickets(&identity, &ours, &theirs, start);
    let config = config.ok_or("this is our own ticket")?.at(start, Ticket::turn(unix));
    let (layers, destinations) = match server {
        Some(_) => (1, Destinations::default()),
        None => (0, Destinations::default().loopback()),
    };
    let config = config.layers(layers).destinations(destinations);
    let entropy = || SystemEntropy::new().map(|entropy| Box::new(entropy) as Box<dyn Entropy>);
    let endpoint = Endpoint::new(EndpointConfig::default(), identity, entropy()?);
    let mut node = Node::new(endpoint, entropy()?);
    node.search(
        config.sockets(&std::array::from_fn::<_, { SOCKETS as usize }, _>(|number| {
            SocketId::new(number as u16)
        })),
        None,
    )?;
    run(&mut machine, &mut node)
}

/// The loop: requests, output, events, input, timeouts.
fn run(machine: &mut Machine, node: &mut Node) -> Result<()> {
    let mut out = vec![0; 65_536];
    loop {
        while let Some(request) = node.poll_request() {
            match request {
                SocketRequest::Open(socket) => machine.open(socket)?,
                // There is no relay.
                SocketRequest::Connect(stream, _) => {
                    node.handle_disconnected(machine.now(), stream);
                }
                SocketRequest::Close(socket) => drop(machine.sockets.remove(&socket)),
            }
        }
        while let Some(sending) = node.poll_transmit(machine.now(), &mut out, 1) {
            let to = sending.transmit.destination;
            machine.send(sending.socket, to, sending.ttl, &out[..sending.transmit.size])?;
        }
        while let Some(event) = node.poll_event() {
            if on_event(node, machine.now(), &event)? {
                return Ok(());
            }
        }
        match machine.receive() {
            Some((socket, remote, size)) => {
                let now = machine.now();
                let data = &mut machine.buffer[..size];
                let received =
                    Received { remote, local: None, ecn: None, segment_size: size, data };
                node.handle_datagram(now, socket, received);
            }
            None => thread::sleep(NAP),
        }
        let now = machine.now();
        if node.poll_timeout().is_some_and(|at| at <= now) {
            node.handle_timeout(now);
        }
    }
}

/// Says hello, and hears it. Returns whether all is said.
fn on_event(node: &mut Node, now: Instant, event: &NodeEvent) -> Result<bool> {
    match *event {
        NodeEvent::Found(_, winner, _, report) => println!("found: {winner:?}\n{report:?}"),
        NodeEvent::NotFound(_, failure, report) => {
            println!("{report:?}");
            return Err(failure.into());
        }
        NodeEvent::NotDialled(_, error) => return Err(error.into()),
        NodeEvent::Transport(Event::Connected(handle) | Event::Accepted(handle)) => {
            say_hello(node, handle)?;
        }
        NodeEvent::Transport(Event::Stream(handle, StreamEvent::Readable(id))) => {
            let connection = node.endpoint().connection(handle).ok_or("the connection is gone")?;
            let mut text = [0; 100];
            loop {
                match connection.read(now, id, &mut text) {
                    Ok(0) => {
                        connection.close(now, ApplicationCode::ZERO, b"", LINGER);
                        break;
                    }
                    Ok(size) => println!("heard: {}", String::from_utf8_lossy(&text[..size])),
                    Err(ReadError::Blocked) => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        NodeEvent::Transport(Event::Closed(..)) => return Ok(true),
        _ => {}
    }
    Ok(false)
}

fn say_hello(node: &mut Node, handle: ConnectionHandle) -> Result<()> {
    let connection = node.endpoint().connection(handle).ok_or("the connection is gone")?;
    let id = connection.open_stream(Direction::Unidirectional).ok_or("no stream may be opened")?;
    connection.write(id, b"hello")?;
    connection.finish(id)?;
    Ok(())
}
