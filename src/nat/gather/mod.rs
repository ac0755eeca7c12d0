//! What this host may tell peers about itself, found out in at most three seconds and without I/O (SPEC §18.6).
//!
//! ```text
//!            all has been answered, or the time is over            the time to keep is over
//!  Asking ──────────────────────────────────────────────▶ Keeping ──────────────────────────▶ Over
//!    │ main socket: every server, and a server's other addresses      │
//!    │ spare ones: the first two that answered                        └─▶ every 15 s: another address? Outdated
//!    └ the last spare one: who else may answer it?
//! ```
//!
//! [`Discovery`](super::Discovery) examines a NAT thoroughly, which takes longer than a caller waits. Here silence is believed sooner: a
//! wrong answer costs datagrams, but no connection.

mod config;
mod outcome;
mod samples;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

pub use config::GatherConfig;
pub use outcome::{GatherEvent, Gathered};

use super::behaviour::{Behaviour, Heard, judge};
use super::candidate::{Candidate, CandidateKind, Destinations};
use super::offer::Description;
use super::probes::{Done, Probes};
use super::scope::Scope;
use super::socket::{SocketId, SocketRequest, Transmit};
use super::stun::{Answer, Patience, Question};
use crate::base::limits::{
    GATHER_FILTER_SENDS, GATHER_INTERVAL, GATHER_LAST_WAIT, GATHER_SENDS, GATHER_SPARES,
    GATHER_TARGETS, GATHER_TIME, KEEP_ALIVE_UNKNOWN, NAT_SERVERS, STUN_RETRY,
};
use crate::base::time::earliest;
use crate::base::{Entropy, Instant};
use samples::{Sample, Samples};

const PATIENCE: Patience = Patience::new(STUN_RETRY, GATHER_SENDS, GATHER_LAST_WAIT);
const FILTER_PATIENCE: Patience = Patience::new(STUN_RETRY, GATHER_FILTER_SENDS, 1);

#[derive(Clone, Copy, Debug)]
enum Purpose {
    /// How a socket is seen.
    See {
        order: u16,
        socket: SocketId,
    },
    /// The same, by an address that a server has named.
    SeeOther {
        order: u16,
    },
    /// Whether an answer from another address or from another port comes in.
    OtherAddress,
    OtherPort,
    /// Whether a socket is still seen as it was.
    Keep(SocketId),
}

/// A socket of ours.
#[derive(Clone, Copy, Debug)]
struct Own {
    id: SocketId,
    /// Its local address once it is open.
    local: Option<SocketAddr>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Asking { deadline: Instant },
    Keeping { until: Instant, next: Instant },
    Over,
}

/// Finds out what to tell peers. See [`Node::gather`](crate::node::Node::gather).
pub struct Gathering {
    config: GatherConfig,
    entropy: Box<dyn Entropy>,
    probes: Probes<Purpose>,
    /// The main one first.
    sockets: Vec<Own>,
    /// Whom the spare ones ask.
    targets: Vec<SocketAddr>,
    /// A server that offers RFC 5780, and its other address.
    helper: Option<(SocketAddr, SocketAddr)>,
    samples: Samples,
    asked: u16,
    phase: Phase,
    requests: VecDeque<SocketRequest>,
    events: VecDeque<GatherEvent>,
}

impl Gathering {
    /// Spare sockets that are asked for, if there are servers.
    pub const SPARE_SOCKETS: u16 = GATHER_SPARES;

    /// Begins to ask. Spare sockets are numbered from `spares` on.
    pub fn new(
        now: Instant,
        config: GatherConfig,
        spares: SocketId,
        entropy: Box<dyn Entropy>,
    ) -> Self {
        let main = Own { id: SocketId::MAIN, local: Some(config.local) };
        let mut gathering = Self {
            entropy,
            probes: Probes::new(now, GATHER_INTERVAL),
            sockets: vec![main],
            targets: Vec::new(),
            helper: None,
            samples: Samples::default(),
            asked: 0,
            phase: Phase::Asking { deadline: now + GATHER_TIME },
            requests: VecDeque::new(),
            events: VecDeque::new(),
            config,
        };
        let mut servers: Vec<SocketAddr> = Vec::new();
        for server in &gathering.config.servers {
            if gathering.config.reaches(*server) && !servers.contains(server) {
                servers.push(*server);
            }
        }
        servers.truncate(NAT_SERVERS);
        if !servers.is_empty() {
            for number in 0..GATHER_SPARES {
                let id = SocketId::new(spares.number().saturating_add(number));
                gathering.sockets.push(Own { id, local: None });
                gathering.requests.push_back(SocketRequest::Open(id));
            }
        }
        for server in servers {
            gathering.see(SocketId::MAIN, server);
        }
        gathering.handle_timeout(now);
        gathering
    }

    /// A socket that was asked for is open and has this local address, or cannot be opened.
    pub fn handle_opened(&mut self, now: Instant, socket: SocketId, local: Option<SocketAddr>) {
        let Some(at) = self.sockets.iter().position(|own| own.id == socket) else { return };
        match (local, self.sockets.get_mut(at)) {
            (Some(_), Some(own)) => own.local = local,
            _ => drop(self.sockets.remove(at)),
        }
        if local.is_some() && matches!(self.phase, Phase::Asking { .. }) {
            for target in self.targets.clone() {
                self.see_from_spare(socket, target);
            }
            self.ask_who_else(socket);
        }
        self.handle_timeout(now);
    }

    /// A datagram came. Returns whether it was an answer to this.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let input = (from, datagram);
        let taken = self.probes.handle_datagram(now, socket, input, &mut *self.entropy);
        if taken {
            self.advance(now);
        }
        taken
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.keep(now);
        self.probes.handle_timeout(now, &mut *self.entropy);
        self.advance(now);
    }

    /// What to send now.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.probes.poll_transmit()
    }

    /// When to call [`Self::handle_timeout`]; `None` when all is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = match self.phase {
            Phase::Asking { deadline } => deadline,
            Phase::Keeping { until, next } => until.min(next),
            Phase::Over => return None,
        };
        earliest(Some(own), self.probes.poll_timeout())
    }

    /// The next socket to open. Before the next datagram is sent.
    pub fn poll_request(&mut self) -> Option<SocketRequest> {
        self.requests.pop_front()
    }

    /// What has been found out.
    pub fn poll_event(&mut self) -> Option<GatherEvent> {
        self.events.pop_front()
    }

    /// Whether no answer is awaited.
    pub(crate) fn is_idle(&self) -> bool {
        self.probes.is_idle()
    }

    /// Whether it is not over yet.
    pub(crate) fn is_asking(&self) -> bool {
        matches!(self.phase, Phase::Asking { .. })
    }

    /// Whether it is asked again and again if what was found out is still true.
    pub(crate) fn is_keeping(&self) -> bool {
        matches!(self.phase, Phase::Keeping { .. })
    }

    /// A server that sees a NAT before us, the most helpful one, and our address there.
    pub(crate) fn witness(&self) -> Option<(SocketAddr, IpAddr)> {
        let helper = self.helper.map(|(server, _)| server);
        let mut servers = helper.iter().chain(&self.targets).filter(|server| server.is_ipv4());
        let own = self.config.hosts();
        let seen = self.samples.seen(SocketId::MAIN).into_iter().find(SocketAddr::is_ipv4)?;
        let is_translated = own.iter().all(|host| host.address().ip() != seen.ip());
        servers.next().filter(|_| is_translated).map(|server| (*server, seen.ip()))
    }

    /// The spare sockets, open or soon to be.
    pub(crate) fn spares(&self) -> impl Iterator<Item = SocketId> {
        self.sockets.iter().skip(1).map(|own| own.id)
    }

    fn see(&mut self, socket: SocketId, server: SocketAddr) {
        let purpose = Purpose::See { order: self.next_order(), socket };
        self.probes.ask(purpose, socket, Question::new(server).patience(PATIENCE));
    }

    fn next_order(&mut self) -> u16 {
        self.asked = self.asked.saturating_add(1);
        self.asked
    }

    /// The last socket, which sends to one address only, so that others that come in were not sent to.
    fn is_filtered(&self, socket: SocketId) -> bool {
        socket != SocketId::MAIN && self.sockets.last().is_some_and(|own| own.id == socket)
    }

    fn see_from_spare(&mut self, socket: SocketId, target: SocketAddr) {
        if !self.is_filtered(socket) || self.targets.first() == Some(&target) {
            self.see(socket, target);
        }
    }

    fn advance(&mut self, now: Instant) {
        while let Some(done) = self.probes.poll_done() {
            self.on_done(&done);
        }
        let Phase::Asking { deadline } = self.phase else { return };
        let complete = self.probes.is_idle() && self.sockets.iter().all(|own| own.local.is_some());
        if complete || deadline <= now {
            self.conclude(now);
        }
    }

    fn on_done(&mut self, done: &Done<Purpose>) {
        match (done.purpose, &done.outcome) {
            (Purpose::See { order, socket }, Ok(answer)) => {
                self.note(order, socket, answer);
                if socket == SocketId::MAIN {
                    self.on_server(answer);
                }
            }
            (Purpose::SeeOther { order }, Ok(answer)) => {
                self.samples.other_works = true;
                self.note(order, SocketId::MAIN, answer);
            }
            (Purpose::OtherAddress, outcome) => self.samples.other_address = Heard::of(outcome),
            (Purpose::OtherPort, outcome) => self.samples.other_port = Heard::of(outcome),
            (Purpose::Keep(socket), Ok(answer)) => self.compare(socket, answer.reflexive),
            (Purpose::See { .. } | Purpose::SeeOther { .. } | Purpose::Keep(_), Err(_)) => {}
        }
    }

    fn note(&mut self, order: u16, socket: SocketId, answer: &Answer) {
        let seen = answer.reflexive;
        if Scope::of(seen.ip()) == Scope::Unusable || seen.port() == 0 {
            return;
        }
        let own = self.sockets.iter().find(|own| own.id == socket);
        let port = own.and_then(|own| own.local).map_or(0, |local| local.port());
        self.samples.add(Sample { order, socket, port, server: answer.server, seen });
    }

    /// The main socket has an answer of a server.
    fn on_server(&mut self, answer: &Answer) {
        let server = answer.server;
        let spares: Vec<SocketId> = self
            .sockets
            .iter()
            .skip(1)
            .filter(|own| own.local.is_some())
            .map(|own| own.id)
            .collect();
        // Each mapping has its place in the row from the first question that makes it.
        if self.targets.len() < GATHER_TARGETS && !self.targets.contains(&server) {
            self.targets.push(server);
            spares.iter().for_each(|spare| self.see_from_spare(*spare, server));
        }
        if self.helper.is_none()
            && let Some(other) = answer.other.filter(|other| judge::helps(server, *other))
        {
            self.helper = Some((server, other));
            spares.iter().for_each(|spare| self.ask_who_else(*spare));
            for destination in [SocketAddr::new(other.ip(), server.port()), other] {
                let purpose = Purpose::SeeOther { order: self.next_order() };
                let question = Question::new(destination).patience(PATIENCE);
                self.probes.ask(purpose, SocketId::MAIN, question);
            }
        }
    }

    /// Asks for answers from where the socket has not sent to.
    fn ask_who_else(&mut self, socket: SocketId) {
        let Some((server, other)) = self.helper.filter(|_| self.is_filtered(socket)) else {
            return;
        };
        if self.targets.first().is_some_and(|target| target.ip() == other.ip()) {
            return;
        }
        let question = Question::new(server).patience(FILTER_PATIENCE);
        let both = question.clone().change_request(true, true).answer_from(other);
        self.probes.ask(Purpose::OtherAddress, socket, both);
        let from = SocketAddr::new(server.ip(), other.port());
        let port = question.change_request(false, true).answer_from(from);
        self.probes.ask(Purpose::OtherPort, socket, port);
    }

    fn conclude(&mut self, now: Instant) {
        self.probes.clear();
        self.sockets.retain(|own| own.local.is_some());
        let behaviour = self.samples.behaviour(self.config.local, self.config.gateway);
        let nat = self.samples.summary(&behaviour);
        let (layers, layers_max) = self.layers(&behaviour);
        let mut gathered = Gathered {
            description: Description::new(nat, &self.candidates()),
            sockets: self.sockets.iter().map(|own| own.id).collect(),
            layers,
            layers_max,
            destinations: self.destinations(),
            behaviour,
        };
        gathered.behaviour.blocked = !self.config.servers.is_empty() && self.targets.is_empty();
        self.events.push_back(GatherEvent::Gathered(Box::new(gathered)));
        self.phase = if self.targets.is_empty() || self.config.keep.is_zero() {
            Phase::Over
        } else {
            Phase::Keeping { until: now + self.config.keep, next: now + KEEP_ALIVE_UNKNOWN }
        };
    }

    fn candidates(&self) -> Vec<Candidate> {
        let mut candidates = self.config.hosts();
        candidates.extend(&self.config.candidates);
        for (number, own) in (0..).zip(&self.sockets) {
            for seen in self.samples.seen(own.id) {
                // Peers that have to guess aim at what servers see.
                candidates.retain(|known| known.address() != seen);
                let reflexive = Candidate::new(CandidateKind::Reflexive, seen);
                candidates.push(reflexive.of_socket(number));
            }
        }
        candidates
    }

    /// How many NATs there are at least and at most. Without one a socket is seen at an address of this host; only the gateway can tell
    /// whether there is a second one behind it.
    fn layers(&self, behaviour: &Behaviour) -> (u8, u8) {
        let is_own = |host: &Candidate| Some(host.address()) == behaviour.mapped;
        if behaviour.translated == Some(false) || self.config.hosts().iter().any(is_own) {
            return (0, 0);
        }
        match behaviour.double.filter(|_| self.config.gateway.is_some()) {
            Some(true) => (2, 2),
            Some(false) => (1, 1),
            None => (1, 2),
        }
    }

    fn destinations(&self) -> Destinations {
        let hosts = self.config.hosts();
        let of_host = |local: SocketAddr| {
            hosts.iter().map(move |host| SocketAddr::new(host.address().ip(), local.port()))
        };
        let own: Vec<SocketAddr> =
            self.sockets.iter().filter_map(|own| own.local).flat_map(of_host).collect();
        let destinations = Destinations::new(&self.config.networks).own(&own);
        if self.config.loopback { destinations.loopback() } else { destinations }
    }

    /// Asks whether the sockets are seen as they were, which also keeps them so.
    fn keep(&mut self, now: Instant) {
        let Phase::Keeping { until, next } = self.phase else { return };
        if until <= now {
            self.probes.clear();
            self.phase = Phase::Over;
        } else if next <= now {
            self.phase = Phase::Keeping { until, next: now + KEEP_ALIVE_UNKNOWN };
            for own in &self.sockets {
                if let Some(first) = self.samples.first(own.id) {
                    let question = Question::new(first.server).patience(PATIENCE);
                    self.probes.ask(Purpose::Keep(own.id), own.id, question);
                }
            }
        }
    }

    fn compare(&mut self, socket: SocketId, seen: SocketAddr) {
        if self.samples.first(socket).is_some_and(|first| first.seen != seen) {
            self.probes.clear();
            self.phase = Phase::Over;
            self.events.push_back(GatherEvent::Outdated);
        }
    }
}

impl fmt::Debug for Gathering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Gathering");
        out.field("phase", &self.phase).field("samples", &self.samples).finish_non_exhaustive()
    }
}
