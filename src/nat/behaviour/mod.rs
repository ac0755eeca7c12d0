//! Finds out what a NAT does, on both axes of RFC 4787, with the help of STUN servers (RFC 5780 §4).
//!
//! ```text
//!  Servers ──▶ Filtering ──▶ Mapping ──▶ Hairpin ──▶ Finished
//!  main socket   spare ones:   main socket  main and    │
//!  asks all      answers from  asks the     spare ask   └─▶ Behaviour
//!  servers       elsewhere;    server's     each other
//!     │          their ports   others
//!     └─ nobody answers ──▶ Finished: UDP is blocked
//! ```
//!
//! Filtering is tested before the main socket sends to the server's other addresses, and from a socket that never does: what was sent
//! to may answer (RFC 5780 §4.1). Servers without a second address show the mapping alone, and that only from two of them on.

mod findings;
mod hairpin;
pub(super) mod judge;
mod report;

use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

pub use report::{Allocation, Behaviour, Dependence, Kind, ServerReport};

use super::probes::{Done, Probes};
use super::scope::Scope;
use super::socket::{SocketId, Transmit};
use super::stun::{Patience, Question};
use crate::base::limits::{
    NAT_PROBE_INTERVAL, NAT_PROBE_LAST_WAIT, NAT_PROBE_SENDS, NAT_SERVERS, NAT_SPARE_SOCKETS,
    STUN_RETRY,
};
use crate::base::time::earliest;
use crate::base::{Entropy, Instant};
pub(super) use findings::{Findings, Heard};
use hairpin::Hairpin;

const PATIENCE: Patience = Patience::new(STUN_RETRY, NAT_PROBE_SENDS, NAT_PROBE_LAST_WAIT);

/// The socket that never sends to a server's other addresses.
const FILTERED: SocketId = SocketId::new(1);

/// What to ask whom, and from where.
#[derive(Clone, Debug)]
pub struct DiscoveryConfig {
    servers: Vec<SocketAddr>,
    sockets: Vec<SocketAddr>,
    gateway: Option<IpAddr>,
}

impl DiscoveryConfig {
    /// Asks these servers, the first eight of them, from these local addresses: the first is that of the socket to examine, and each
    /// further one that of a spare socket with a port that was not used lately. [`Discovery::SPARE_SOCKETS`] of them are of use; with
    /// fewer, less is found out. Addresses that are not known are given as `0.0.0.0` or `::`, with their ports.
    pub fn new(servers: &[SocketAddr], sockets: &[SocketAddr]) -> Self {
        let mut known: Vec<SocketAddr> = Vec::new();
        for server in servers {
            if known.len() < NAT_SERVERS && !known.contains(server) {
                known.push(*server);
            }
        }
        let sockets = sockets.iter().take(1 + usize::from(NAT_SPARE_SOCKETS)).copied().collect();
        Self { servers: known, sockets, gateway: None }
    }

    /// The external address of the gateway as it says itself (PCP, NAT-PMP, UPnP): it shows whether there is a second NAT.
    #[must_use]
    pub fn gateway_external(mut self, address: IpAddr) -> Self {
        self.gateway = Some(address);
        self
    }
}

/// What the machine is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Which servers answer, and what they see.
    Servers,
    /// Who may send to a mapping, and how ports are chosen.
    Filtering,
    /// What a mapping depends on.
    Mapping,
    /// Whether two sockets inside reach each other by their external addresses.
    Hairpin,
    /// Nothing more to do.
    Finished,
}

#[derive(Clone, Copy, Debug)]
enum Purpose {
    /// The server with this number.
    Server(usize),
    /// How a spare socket is mapped.
    Spare(SocketId),
    OtherAddress,
    OtherPort,
    /// How the main socket is mapped for a further destination.
    Main(SocketAddr),
}

/// Behaviour discovery without sockets. See the example at [`crate::nat`].
pub struct Discovery {
    config: DiscoveryConfig,
    entropy: Box<dyn Entropy>,
    probes: Probes<Purpose>,
    stage: Stage,
    /// Numbers of servers that answered, in the order of the configuration.
    servers: Vec<ServerReport>,
    findings: Findings,
    hairpin: Option<Hairpin>,
    events: VecDeque<Stage>,
    report: Behaviour,
}

impl Discovery {
    /// Spare sockets to open beside the one to examine.
    pub const SPARE_SOCKETS: u16 = NAT_SPARE_SOCKETS;

    /// Begins with the servers.
    pub fn new(now: Instant, config: DiscoveryConfig, entropy: Box<dyn Entropy>) -> Self {
        let mut probes = Probes::new(now, NAT_PROBE_INTERVAL);
        let servers = config.servers.iter().map(|address| ServerReport {
            address: *address,
            mapped: None,
            round_trip: None,
            other: None,
        });
        for (number, server) in config.servers.iter().enumerate() {
            let question = Question::new(*server).patience(PATIENCE);
            probes.ask(Purpose::Server(number), SocketId::MAIN, question);
        }
        let mut discovery = Self {
            servers: servers.collect(),
            config,
            entropy,
            probes,
            stage: Stage::Servers,
            findings: Findings::default(),
            hairpin: None,
            events: VecDeque::from([Stage::Servers]),
            report: Behaviour::default(),
        };
        discovery.handle_timeout(now);
        discovery
    }

    /// A datagram came. Returns whether it was for this machine.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let hairpin = self.hairpin.as_mut();
        let taken = hairpin.is_some_and(|hairpin| hairpin.handle_datagram(socket, datagram))
            || self.probes.handle_datagram(now, socket, (from, datagram), &mut *self.entropy);
        if taken {
            self.advance(now);
        }
        taken
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.probes.handle_timeout(now, &mut *self.entropy);
        if let Some(hairpin) = &mut self.hairpin {
            hairpin.handle_timeout(now);
        }
        self.advance(now);
    }

    /// What to send now.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let probe = self.probes.poll_transmit();
        probe.or_else(|| self.hairpin.as_mut()?.poll_transmit())
    }

    /// When to call [`Self::handle_timeout`]; `None` at the end.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let hairpin = self.hairpin.as_ref().and_then(Hairpin::poll_timeout);
        earliest(self.probes.poll_timeout(), hairpin)
    }

    /// What begins now.
    pub fn poll_event(&mut self) -> Option<Stage> {
        self.events.pop_front()
    }

    /// Everything that was found out, when it is [`Stage::Finished`]; before that, as much as is known.
    pub fn report(&self) -> &Behaviour {
        &self.report
    }

    /// Whether all is known that will be.
    pub fn is_finished(&self) -> bool {
        self.stage == Stage::Finished
    }

    fn advance(&mut self, now: Instant) {
        while let Some(done) = self.probes.poll_done() {
            self.on_done(&done);
        }
        if let Some(result) = self.hairpin.as_ref().and_then(Hairpin::result) {
            self.findings.hairpin = self.believable(result).then_some(result);
            self.hairpin = None;
        }
        self.conclude();
        while self.probes.is_idle() && self.hairpin.is_none() && !self.is_finished() {
            self.stage = self.begin_next(now);
            self.events.push_back(self.stage);
            self.probes.handle_timeout(now, &mut *self.entropy);
        }
    }

    fn on_done(&mut self, done: &Done<Purpose>) {
        if let Ok(answer) = &done.outcome {
            let clear = answer.in_the_clear.unwrap_or(answer.reflexive);
            self.findings.rewritten |= clear != answer.reflexive;
        }
        match (done.purpose, &done.outcome) {
            (Purpose::Server(number), Ok(answer)) => {
                self.findings.main.push((answer.server, answer.reflexive));
                if let Some(server) = self.servers.get_mut(number) {
                    server.mapped = Some(answer.reflexive);
                    server.round_trip = answer.round_trip;
                    server.other = answer.other;
                }
            }
            (Purpose::Spare(socket), Ok(answer)) => {
                self.findings.spares.push((socket, answer.reflexive));
            }
            (Purpose::Main(destination), Ok(answer)) => {
                self.findings.main.push((destination, answer.reflexive));
                self.findings.other_works = true;
            }
            (Purpose::OtherAddress, outcome) => self.findings.other_address = Heard::of(outcome),
            (Purpose::OtherPort, outcome) => self.findings.other_port = Heard::of(outcome),
            (Purpose::Server(_) | Purpose::Spare(_) | Purpose::Main(_), Err(_)) => {}
        }
    }

    /// Fills in the report.
    fn conclude(&mut self) {
        // In the order of their numbers, because mappings were made in that order, whatever that of the answers.
        self.findings.spares.sort_unstable();
        self.report = self.findings.report(&self.config.sockets, self.config.gateway);
        self.report.servers.clone_from(&self.servers);
        self.report.blocked = self.stage != Stage::Servers && self.findings.main.is_empty();
    }

    fn begin_next(&mut self, now: Instant) -> Stage {
        match self.stage {
            Stage::Servers if self.findings.main.is_empty() => {
                self.report.blocked = true;
                Stage::Finished
            }
            Stage::Servers => {
                self.ask_from_spares();
                Stage::Filtering
            }
            Stage::Filtering => {
                if let Some((server, other)) = self.helper() {
                    for destination in [SocketAddr::new(other.ip(), server.port()), other] {
                        let question = Question::new(destination).patience(PATIENCE);
                        self.probes.ask(Purpose::Main(destination), SocketId::MAIN, question);
                    }
                }
                Stage::Mapping
            }
            Stage::Mapping => {
                self.hairpin = self.hairpin_test(now);
                Stage::Hairpin
            }
            Stage::Hairpin | Stage::Finished => Stage::Finished,
        }
    }

    fn ask_from_spares(&mut self) {
        let answered = self.servers.iter().find(|server| server.mapped.is_some());
        let helper = self.helper();
        let Some(server) = helper.map(|(server, _)| server).or(answered.map(|s| s.address)) else {
            return;
        };
        let plain = Question::new(server).patience(PATIENCE);
        let count = u16::try_from(self.config.sockets.len()).unwrap_or(u16::MAX);
        for socket in (1..count).map(SocketId::new) {
            self.probes.ask(Purpose::Spare(socket), socket, plain.clone());
        }
        let Some((server, other)) = helper.filter(|_| count > FILTERED.number()) else { return };
        let both = plain.clone().change_request(true, true).answer_from(other);
        self.probes.ask(Purpose::OtherAddress, FILTERED, both);
        let from = SocketAddr::new(server.ip(), other.port());
        let port = plain.change_request(false, true).answer_from(from);
        self.probes.ask(Purpose::OtherPort, FILTERED, port);
    }

    /// A server that knows RFC 5780, and its other address.
    fn helper(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.servers.iter().find_map(|server| {
            let (own, other) = (server.address, server.other?);
            (server.mapped.is_some() && judge::helps(own, other)).then_some((own, other))
        })
    }

    fn hairpin_test(&mut self, now: Instant) -> Option<Hairpin> {
        let behind = self.report.translated != Some(false);
        let main = (SocketId::MAIN, self.findings.mapped().filter(|_| behind)?);
        let partner = self.findings.partner()?;
        // A server that lies must not aim us at something nearer to us than itself (as in RFC 8489 §10).
        let server = Scope::of(self.findings.main.first()?.0.ip());
        let usable = |to: SocketAddr| {
            let scope = Scope::of(to.ip());
            to.port() != 0 && scope != Scope::Unusable && scope >= server
        };
        if !usable(main.1) || !usable(partner.1) {
            return None;
        }
        Hairpin::new(now, main, partner, &mut *self.entropy).ok()
    }

    /// If each peer sees another mapping, the ends may have missed each other, unless everybody is let in.
    fn believable(&self, hairpin: bool) -> bool {
        let open = Some(Dependence::EndpointIndependent);
        hairpin || self.report.mapping == open || self.report.filtering == open
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Discovery");
        out.field("stage", &self.stage).field("report", &self.report).finish_non_exhaustive()
    }
}
