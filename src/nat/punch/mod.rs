//! Two peers behind NATs find a path between them, without I/O (SPEC §18.4, §18.5).
//!
//! ```text
//!  Searching ──a path is confirmed──▶ Choosing ──a better one did not come in time──▶ Nominating ──the peer agrees──▶ Won
//!      │                              (the peer with the smaller id decides; the other waits for its nomination)
//!      └──the plan is over──▶ Failed
//! ```
//!
//! Both sides run the same plan, which follows from what both have told. Every check shows what its sender hears; who asks is answered.

mod check;
mod config;
mod lesson;
mod outcome;
mod pairs;
mod plan;
mod ports;
mod strategy;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;

pub use config::PunchConfig;
pub(crate) use lesson::Lesson;
pub use outcome::{Failure, PunchEvent, PunchReport, Winner};
pub use strategy::Strategy;

use super::candidate::{Candidate, CandidateKind};
use super::socket::{SocketId, SocketRequest};
use crate::base::limits::{PUNCH_GRACE, PUNCH_LINGER, PUNCH_PACKETS, PUNCH_RETRY};
use crate::base::time::earliest;
use crate::base::{Entropy, Instant};
use crate::crypto::{CheckKey, PunchSecrets};
use check::{Check, Token};
use pairs::{Pair, Pairs};
use plan::{Agenda, Shot, Situation, Step};

/// A datagram to send from one of several sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PunchTransmit {
    /// The socket to send it from.
    pub socket: SocketId,
    /// Where to.
    pub destination: SocketAddr,
    /// How many routers may forward it; as usual if `None`.
    pub ttl: Option<u8>,
    /// What.
    pub payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Searching,
    /// A path works: a better one may come until then.
    Choosing(Instant),
    /// The peer was told, and is told again then.
    Nominating(Instant),
    /// The other side may not know yet.
    Won(Instant),
    Over,
}

/// A search for a path to one peer.
pub struct Punch {
    config: PunchConfig,
    keys: (CheckKey, CheckKey),
    token_key: [u8; 32],
    entropy: Box<dyn Entropy>,
    agenda: Agenda,
    pairs: Pairs,
    opened: BTreeSet<SocketId>,
    phase: Phase,
    outbox: VecDeque<PunchTransmit>,
    requests: VecDeque<SocketRequest>,
    event: Option<PunchEvent>,
    report: PunchReport,
}

impl Punch {
    /// Plans everything; nothing is sent before the start that was agreed on.
    pub fn new(config: PunchConfig, mut entropy: Box<dyn Entropy>) -> Self {
        let strategy = match config.relays {
            Some(_) => Strategy::Relay,
            None => Strategy::choose(config.ours.nat(), config.theirs.nat()),
        };
        let agenda = Situation::of(&config, strategy).agenda(&mut *entropy);
        let report = PunchReport {
            strategy,
            sent: 0,
            received: 0,
            forbidden: 0,
            sockets: 0,
            poisoned: false,
            elapsed: None,
        };
        Self {
            keys: config.secrets.check_keys(),
            token_key: entropy.array(),
            config,
            entropy,
            agenda,
            pairs: Pairs::default(),
            opened: BTreeSet::new(),
            phase: Phase::Searching,
            outbox: VecDeque::new(),
            requests: VecDeque::new(),
            event: None,
            report,
        }
    }

    /// A datagram came. Returns whether it was for this punch.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let Some(check) = Check::open(&self.keys.1, datagram) else {
            return false;
        };
        self.report.received = self.report.received.saturating_add(1);
        let ours = self.token(socket, from);
        let known = self.candidate(from);
        let first = self.pairs.get(socket, from).is_none();
        self.suspect(socket, known.is_some(), check.echo);
        let priority = known.map_or_else(
            || Candidate::new(CandidateKind::PeerReflexive, from).priority(),
            |known| known.priority(),
        );
        let Some(pair) = self.pairs.hear(now, (socket, from), check.token, priority) else {
            return true;
        };
        pair.confirmed |= check.echo.is_some_and(|(token, _)| token == ours);
        pair.was_answered |= first && pair.confirmed;
        let confirmed = pair.confirmed;
        let answers = check.asks && pair.spend();
        if confirmed && matches!(self.phase, Phase::Searching) {
            // Nothing beats a path that stays at home.
            let home = known.is_some_and(|known| known.kind() == CandidateKind::Host);
            self.phase = Phase::Choosing(if home { now } else { now + PUNCH_GRACE });
        }
        if check.nominates && confirmed {
            self.win(now, socket, from);
        }
        if answers {
            self.send(socket, from, None, check.nominates);
        }
        self.choose(now);
        true
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.phase {
            Phase::Won(until) if until <= now => self.phase = Phase::Over,
            Phase::Won(_) | Phase::Over => {}
            _ => self.proceed(now),
        }
    }

    fn proceed(&mut self, now: Instant) {
        while let Some(step) = self.agenda.pop(now) {
            match step {
                Step::Open(socket) => self.open(socket),
                Step::Send(Shot { socket, to, ttl }) => self.send(socket, to, ttl, false),
                Step::Wait => {}
            }
        }
        for (socket, remote) in self.pairs.due(now) {
            self.send(socket, remote, None, false);
        }
        self.choose(now);
        if now >= self.end() {
            self.fail(now);
        }
    }

    /// When to call [`Self::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        let waiting = match self.phase {
            Phase::Over => return None,
            Phase::Won(until) => return Some(until),
            Phase::Choosing(until) if self.decides() => Some(until),
            Phase::Searching | Phase::Choosing(_) => Some(self.end()),
            Phase::Nominating(again) => Some(again),
        };
        [self.agenda.next(), self.pairs.next()].into_iter().fold(waiting, earliest)
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<PunchTransmit> {
        self.outbox.pop_front()
    }

    /// The next socket to open or to close. Before the next datagram is sent.
    pub fn poll_request(&mut self) -> Option<SocketRequest> {
        self.requests.pop_front()
    }

    /// How it went, once.
    pub fn poll_event(&mut self) -> Option<PunchEvent> {
        self.event.take()
    }

    /// Nobody waits for the outcome any more. A path that was found already is not touched.
    pub fn abandon(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Won(_) | Phase::Over) {
            self.phase = Phase::Over;
            self.finish(now, None);
        }
    }

    /// Whether nothing more will be done: after a success the peer may still ask for some time.
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// What was tried.
    pub fn report(&self) -> &PunchReport {
        &self.report
    }

    /// What led to a path, where ports may have had to be guessed.
    pub(crate) fn lesson(&self, winner: &Winner) -> Option<Lesson> {
        let Winner { socket, remote, kind } = *winner;
        match self.report.strategy {
            Strategy::Guess if kind == CandidateKind::PeerReflexive => Some(Lesson::Guessed(None)),
            Strategy::Many if self.opened.contains(&socket) => {
                // What has reached the peer had a TTL that is too high, whatever came of it.
                let went_too_far = self.pairs.get(socket, remote).is_none_or(|it| it.was_answered);
                let situation = Situation::of(&self.config, self.report.strategy);
                let ttl = situation.opening(remote).filter(|_| !went_too_far);
                Some(Lesson::Guessed(ttl))
            }
            Strategy::Guess | Strategy::Many => Some(Lesson::Told),
            _ => None,
        }
    }

    /// A path by relay is found, as the last time, when nothing came of all guesses: they are spared if they have not begun.
    pub(crate) fn spare_guesses(&mut self, now: Instant) {
        let begin = Situation::of(&self.config, self.report.strategy).held_back();
        if self.config.lesson == Some(Lesson::Relayed) && now < begin {
            self.agenda.cut(begin);
        }
    }

    /// Whether it began with that.
    pub(crate) fn follows(&self, lesson: Lesson) -> bool {
        self.config.lesson == Some(lesson)
    }

    /// Whether ports have to be guessed, here or there.
    pub(crate) fn is_wide(&self) -> bool {
        matches!(self.report.strategy, Strategy::Guess | Strategy::Many)
    }

    /// Whom it looks for, and with what.
    pub fn config(&self) -> &PunchConfig {
        &self.config
    }

    /// Whether we decide which path is taken.
    fn decides(&self) -> bool {
        self.config.secrets.is_first()
    }

    /// When we give up. A peer that was heard may have more to say.
    fn end(&self) -> Instant {
        let end = self.agenda.end();
        if self.pairs.is_empty() { end } else { end + PUNCH_LINGER }
    }

    /// Tells the peer which path to take, if that is ours to decide and the time has come.
    fn choose(&mut self, now: Instant) {
        match self.phase {
            Phase::Choosing(until) if self.decides() && until <= now => {}
            Phase::Nominating(again) if again <= now => {}
            _ => return,
        }
        let Some(Pair { socket, remote, .. }) = self.pairs.best().copied() else {
            return;
        };
        self.agenda.clear();
        self.phase = Phase::Nominating(now + PUNCH_RETRY);
        let token = self.token(socket, remote);
        self.transmit(socket, remote, None, |echo| Check {
            asks: true,
            nominates: true,
            token,
            echo,
        });
    }

    fn open(&mut self, socket: SocketId) {
        self.opened.insert(socket);
        self.report.sockets = self.report.sockets.saturating_add(1);
        self.requests.push_back(SocketRequest::Open(socket));
    }

    /// A check, which asks as long as we do not know that it arrives.
    fn send(&mut self, socket: SocketId, to: SocketAddr, ttl: Option<u8>, nominates: bool) {
        let confirmed = self.pairs.get(socket, to).is_some_and(|pair| pair.confirmed);
        let token = self.token(socket, to);
        self.transmit(socket, to, ttl, |echo| Check { asks: !confirmed, nominates, token, echo });
    }

    fn transmit(
        &mut self,
        socket: SocketId,
        to: SocketAddr,
        ttl: Option<u8>,
        check: impl FnOnce(Option<(Token, u16)>) -> Check,
    ) {
        if self.report.sent >= PUNCH_PACKETS {
            return;
        }
        // Offers are signed and sealed: the peer has proved who it is.
        if self.config.destinations.check(to, true).is_err() {
            self.report.forbidden = self.report.forbidden.saturating_add(1);
            return;
        }
        self.report.sent += 1;
        let echo = self.pairs.get(socket, to).map(|pair| (pair.heard, to.port()));
        let payload = check(echo).seal(&self.keys.0, &mut *self.entropy);
        self.outbox.push_back(PunchTransmit { socket, destination: to, ttl, payload });
    }

    fn win(&mut self, now: Instant, socket: SocketId, remote: SocketAddr) {
        if let Phase::Won(_) | Phase::Over = self.phase {
            return;
        }
        let kind = match self.config.relays {
            Some(_) => CandidateKind::Relayed,
            None => {
                self.candidate(remote).map_or(CandidateKind::PeerReflexive, |known| known.kind())
            }
        };
        self.phase = Phase::Won(now + PUNCH_LINGER);
        self.event = Some(PunchEvent::Won(Winner { socket, remote, kind }));
        self.finish(now, Some(socket));
    }

    fn fail(&mut self, now: Instant) {
        let failure = if self.report.sent == 0 {
            Failure::NoCandidates
        } else if self.report.poisoned {
            Failure::Poisoned
        } else if !self.pairs.is_empty() {
            Failure::OneWay
        } else if self.report.strategy == Strategy::Relay {
            Failure::BothSymmetric
        } else {
            Failure::Silence
        };
        self.phase = Phase::Over;
        self.event = Some(PunchEvent::Failed(failure));
        self.finish(now, None);
    }

    fn finish(&mut self, now: Instant, winner: Option<SocketId>) {
        self.report.elapsed = Some(now.saturating_since(self.config.start));
        self.agenda.clear();
        let losers = self.opened.iter().filter(|socket| Some(**socket) != winner);
        self.requests.extend(losers.map(|socket| SocketRequest::Close(*socket)));
    }

    /// Our token for a path. Nobody else can make it, so that nothing has to be remembered about thousands of ports.
    fn token(&self, socket: SocketId, remote: SocketAddr) -> Token {
        let ip = match remote.ip() {
            std::net::IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            std::net::IpAddr::V6(ip) => ip,
        };
        let (socket, port) = (socket.number().to_be_bytes(), remote.port().to_be_bytes());
        PunchSecrets::token(&self.token_key, &[&socket, &ip.octets(), &port])
    }

    fn candidate(&self, address: SocketAddr) -> Option<Candidate> {
        let mut candidates = self.config.theirs.candidates().iter().copied();
        candidates.find(|candidate| candidate.address() == address)
    }

    /// A NAT that has one port for all peers, but another one for this: something has spoilt its mapping.
    fn suspect(&mut self, socket: SocketId, known: bool, echo: Option<(Token, u16)>) {
        // At a relay it is not the NAT's port that shows.
        if self.config.relays.is_some() {
            return;
        }
        let (ours, theirs) = (&self.config.ours, &self.config.theirs);
        let theirs_moved = !known && theirs.nat().is_symmetric() == Some(false);
        let number = self.config.sockets.iter().position(|own| *own == socket);
        let told = |port: u16| {
            ours.candidates().iter().any(|own| {
                own.address().port() == port && Some(usize::from(own.socket())) == number
            })
        };
        let ours_moved =
            ours.nat().is_symmetric() == Some(false) && echo.is_some_and(|(_, port)| !told(port));
        self.report.poisoned |= theirs_moved || ours_moved;
    }
}

impl fmt::Debug for Punch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Punch");
        out.field("peer", &self.config.peer).field("phase", &self.phase);
        out.field("report", &self.report).finish_non_exhaustive()
    }
}
