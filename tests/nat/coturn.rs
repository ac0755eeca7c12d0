//! The client of relays against coturn, on the loopback interface. Where there is no `turnserver`, this tests nothing, and says so.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant as Clock};

use srudp::nat::CandidateKind;
use srudp::nat::stun::Patience;
use srudp::nat::turn::{
    FrameReader, Framing, Relays, TurnClient, TurnConfig, TurnError, TurnEvent, TurnInput,
};
use srudp::proto::Instant;
use srudp::{Endpoint, SystemEntropy};

/// What must have happened by then has not.
const TOO_LONG: Duration = Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "coturn lives in real time")]
fn clock() -> Clock {
    Clock::now()
}

/// A running coturn, which ends with its owner.
struct Coturn {
    process: Child,
    address: SocketAddr,
    home: std::path::PathBuf,
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

impl Coturn {
    /// `None` where it is not installed.
    fn start(ip: &str, options: &[&str]) -> Option<Self> {
        let port = TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap().port();
        let home = std::env::temp_dir().join(format!("srudp-coturn-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        let file = |name: &str| home.join(name).display().to_string();
        let process = Command::new("turnserver")
            .args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--log-file=stdout"])
            .args(["--allow-loopback-peers", "--lt-cred-mech", "--fingerprint"])
            .args(["--realm=lab.test", "--user=alice:secret", "--user=bob:secret"])
            .args([format!("--listening-ip={ip}"), format!("--relay-ip={ip}")])
            .args([format!("--listening-port={port}"), format!("--alt-listening-port={port}")])
            .args([format!("--pidfile={}", file("pid")), format!("--userdb={}", file("db"))])
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match process {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                eprintln!("not tested: turnserver (package coturn) is not installed");
                None
            }
            process => {
                let address = SocketAddr::new(ip.parse().unwrap(), port);
                let coturn = Self { process: process.unwrap(), address, home };
                let start = clock();
                while TcpStream::connect(coturn.address).is_err() {
                    assert!(start.elapsed() < TOO_LONG, "turnserver does not start");
                    std::thread::sleep(Duration::from_millis(20));
                }
                Some(coturn)
            }
        }
    }

    fn config(&self) -> TurnConfig {
        TurnConfig::new(self.address, "alice", "secret")
    }
}

enum Wire {
    Datagrams(UdpSocket),
    Stream(TcpStream, FrameReader),
}

/// A client with a socket and a clock.
struct Host {
    client: TurnClient,
    wire: Wire,
    start: Clock,
    events: Vec<TurnEvent>,
    received: Vec<(SocketAddr, Vec<u8>)>,
}

impl Host {
    fn new(config: TurnConfig, wire: Wire) -> Self {
        let entropy = Box::new(SystemEntropy::new().unwrap());
        let client = TurnClient::new(Instant::ZERO, config, entropy);
        let (events, received) = (Vec::new(), Vec::new());
        Self { client, wire, start: clock(), events, received }
    }

    fn udp(coturn: &Coturn, config: TurnConfig) -> Self {
        let socket = UdpSocket::bind((coturn.address.ip(), 0)).unwrap();
        Self::new(config, Wire::Datagrams(socket))
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.start.elapsed()
    }

    fn write(&mut self, message: &[u8]) {
        let server = self.client.server();
        match &mut self.wire {
            // Nobody may be there, which is what some tests are about.
            Wire::Datagrams(socket) => drop(socket.send_to(message, server)),
            Wire::Stream(stream, _) => stream.write_all(message).unwrap(),
        }
    }

    fn step(&mut self) {
        self.client.handle_timeout(self.now());
        while let Some(transmit) = self.client.poll_transmit() {
            self.write(&transmit.payload);
        }
        let (now, server) = (self.now(), self.client.server());
        let (client, received) = (&mut self.client, &mut self.received);
        let mut take = |from, message: &[u8]| {
            if let TurnInput::Received { peer, payload } =
                client.handle_datagram(now, from, message)
            {
                received.push((peer, payload.to_vec()));
            }
        };
        let (mut buffer, pause) = ([0; 65_536], Some(Duration::from_millis(10)));
        match &mut self.wire {
            Wire::Datagrams(socket) => {
                socket.set_read_timeout(pause).unwrap();
                if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    take(from, &buffer[..length]);
                }
            }
            Wire::Stream(stream, frames) => {
                stream.set_read_timeout(pause).unwrap();
                let length = stream.read(&mut buffer).unwrap_or_default();
                let mut input = &buffer[..length];
                while !input.is_empty() {
                    if let Some(message) = frames.read(&mut input).unwrap() {
                        take(server, message);
                    }
                }
            }
        }
        self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
    }

    /// Runs until it is so.
    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = clock();
        while !done(self) {
            assert!(start.elapsed() < TOO_LONG, "{what}: {:?} {:?}", self.client, self.events);
            self.step();
        }
    }

    fn event(&mut self) -> TurnEvent {
        self.until("an event", |host| !host.events.is_empty());
        self.events.remove(0)
    }

    /// The relayed address.
    fn allocated(&mut self) -> SocketAddr {
        match self.event() {
            TurnEvent::Allocated(relayed) => {
                relayed.ipv4.or(relayed.ipv6).expect("one family was asked for")
            }
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, peer: SocketAddr, datagram: &[u8]) {
        let mut out = Vec::new();
        self.client.send(self.now(), peer, datagram, &mut out).unwrap();
        self.write(&out);
    }

    /// Sends a datagram through the relay to a peer and the peer's answer back.
    fn exchange(&mut self, relayed: SocketAddr, peer: &UdpSocket, text: &[u8]) {
        let address = peer.local_addr().unwrap();
        self.send(address, text);
        peer.set_read_timeout(Some(TOO_LONG)).unwrap();
        let mut buffer = [0; 2000];
        let (length, from) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (text, relayed));
        peer.send_to(&[text, b" back"].concat(), from).unwrap();
        self.until("the answer", |host| !host.received.is_empty());
        assert_eq!(self.received.remove(0), (address, [text, b" back"].concat()));
    }
}

/// Indications, then a channel, both ways, then the end.
fn data_goes_both_ways(mut host: Host) {
    let relayed = host.allocated();
    let peer = UdpSocket::bind((relayed.ip(), 0)).unwrap();
    let address = peer.local_addr().unwrap();
    host.client.permit(host.now(), address.ip()).unwrap();
    assert_eq!(host.event(), TurnEvent::Permitted(address.ip()));
    host.exchange(relayed, &peer, b"in indications");
    host.client.open(host.now(), address).unwrap();
    // A channel that is bound leaves no event; the length of what is sent shows it.
    let (start, mut out) = (clock(), Vec::new());
    while out.is_empty() || out.len() > 20 {
        assert!(start.elapsed() < TOO_LONG, "no channel");
        host.step();
        host.client.send(host.now(), address, b"by channel", &mut out).unwrap();
    }
    for size in [0, 1, 2, 3, 1200] {
        host.exchange(relayed, &peer, &vec![b'x'; size]);
    }
    host.client.close(host.now());
    assert_eq!(host.event(), TurnEvent::Closed);
}

#[test]
fn data_goes_through_coturn_over_udp() {
    let Some(coturn) = Coturn::start("127.0.0.1", &[]) else { return };
    data_goes_both_ways(Host::udp(&coturn, coturn.config()));
}

#[test]
fn data_goes_through_coturn_over_tcp() {
    let Some(coturn) = Coturn::start("127.0.0.1", &[]) else { return };
    let stream = TcpStream::connect(coturn.address).unwrap();
    let wire = Wire::Stream(stream, FrameReader::default());
    data_goes_both_ways(Host::new(coturn.config().framing(Framing::Stream), wire));
}

#[test]
fn an_endpoint_that_gets_no_answer_over_udp_has_an_address_at_a_coturn_over_tcp() {
    let Some(coturn) = Coturn::start("127.0.0.1", &["--no-udp"]) else { return };
    for config in [coturn.config(), coturn.config().framing(Framing::Stream)] {
        let endpoint = Endpoint::builder().turn([config]).bind("127.0.0.1:0").unwrap();
        let ticket = endpoint.ticket().unwrap();
        let mut candidates = ticket.description().candidates().iter();
        let relayed = candidates.find(|it| it.kind() == CandidateKind::Relayed);
        assert_eq!(relayed.map(|it| it.address().ip()), Some(coturn.address.ip()));
    }
}

#[test]
fn data_goes_through_coturn_over_ipv6() {
    if UdpSocket::bind("[::1]:0").is_err() {
        return eprintln!("not tested: there is no IPv6");
    }
    let Some(coturn) = Coturn::start("::1", &[]) else { return };
    let family = srudp::nat::stun::AddressFamily::Ipv6;
    data_goes_both_ways(Host::udp(&coturn, coturn.config().relays(Relays::One(family))));
}

#[test]
fn who_asks_for_both_families_is_content_with_ipv4() {
    let Some(coturn) = Coturn::start("127.0.0.1", &[]) else { return };
    assert!(Host::udp(&coturn, coturn.config().relays(Relays::Both)).allocated().is_ipv4());
}

#[test]
fn coturn_says_why_not() {
    let options = ["--user-quota=1", "--denied-peer-ip=127.0.0.9"];
    let Some(coturn) = Coturn::start("127.0.0.1", &options) else { return };
    let mut wrong = Host::udp(&coturn, TurnConfig::new(coturn.address, "alice", "guess"));
    assert_eq!(wrong.event(), TurnEvent::Lost(TurnError::Unauthorized));

    let mut first = Host::udp(&coturn, coturn.config());
    first.allocated();
    let denied = "127.0.0.9".parse().unwrap();
    first.client.permit(first.now(), denied).unwrap();
    let refused = TurnEvent::Refused { ip: denied, error: TurnError::Forbidden };
    assert_eq!(first.event(), refused);

    let mut second = Host::udp(&coturn, coturn.config());
    assert_eq!(second.event(), TurnEvent::Lost(TurnError::Quota));
}

#[test]
fn a_client_that_was_killed_gets_its_allocation_again_from_the_same_socket() {
    let Some(coturn) = Coturn::start("127.0.0.1", &[]) else { return };
    let mut first = Host::udp(&coturn, coturn.config());
    first.allocated();
    let Wire::Datagrams(socket) = first.wire else { unreachable!() };
    Host::new(coturn.config(), Wire::Datagrams(socket)).allocated();
}

#[test]
fn an_allocation_outlives_its_lifetime_and_the_nonce() {
    let options = ["--max-allocate-lifetime=10", "--stale-nonce=4"];
    let Some(coturn) = Coturn::start("127.0.0.1", &options) else { return };
    let mut host = Host::udp(&coturn, coturn.config().lifetime(Duration::from_secs(10)));
    let relayed = host.allocated();
    let peer = UdpSocket::bind((relayed.ip(), 0)).unwrap();
    host.client.open(host.now(), peer.local_addr().unwrap()).unwrap();
    assert_eq!(host.event(), TurnEvent::Permitted(relayed.ip()));
    host.until("time", |host| host.start.elapsed() > Duration::from_secs(13));
    assert_eq!(host.events, []);
    host.exchange(relayed, &peer, b"still there");
}

#[test]
fn a_coturn_that_dies_is_noticed() {
    let Some(coturn) = Coturn::start("127.0.0.1", &[]) else { return };
    let config = coturn.config().life_sign(Duration::from_secs(5));
    let mut host =
        Host::udp(&coturn, config.patience(Patience::new(Duration::from_millis(500), 2, 1)));
    host.allocated();
    drop(coturn);
    assert_eq!(host.event(), TurnEvent::Lost(TurnError::TimedOut));
}
