//! Measures how long a mapping lives (RFC 5780 §4.6), with spare sockets beside a socket that asks for them.
//!
//! ```text
//!   spare ── who am I? ──▶ server        its mapping is made, and used again after 2.5 s
//!   … silence …
//!   asker ── answer to the spare's port (RESPONSE-PORT) ──▶ server ── answer ──▶ spare?
//!                                            it arrives: the mapping lives; it does not: the mapping is gone
//!
//!  Capability ──▶ Idle, round after round ──▶ Inbound ──▶ Finished
//!  does it work   ten silences at a time,     does what comes in
//!  at all?        then those between          count as use?
//!  └──────────── beside them a busy mapping, which ends if there is an absolute limit ───────────┘
//! ```
//!
//! Of each mapping one question is asked, because its answer is use again. Where the server does not know RESPONSE-PORT, the spare asks
//! itself, and a new port tells that the old mapping was gone; where ports are preserved that shows nothing, and nothing is measured.

mod keep_alive;
mod search;
mod slot;
mod watch;

use std::fmt;
use std::iter;
use std::net::SocketAddr;
use std::time::Duration;

pub use keep_alive::KeepAlive;

use super::behaviour::Allocation;
use super::probes::{Done, Plan, Probes};
use super::socket::{SocketId, Transmit};
use super::stun::{Answer, Patience, QueryError, Question};
use crate::base::limits::{
    NAT_LIFETIMES, NAT_LIFETIMES_BRIEF, NAT_PROBE_INTERVAL, NAT_PROBE_LAST_WAIT, NAT_PROBE_SENDS,
    STUN_RETRY,
};
use crate::base::time::earliest;
use crate::base::{Entropy, Instant};
use search::Search;
use slot::{Due, Slot};
use watch::Watch;

const PATIENCE: Patience = Patience::new(STUN_RETRY, NAT_PROBE_SENDS, NAT_PROBE_LAST_WAIT);

/// The socket that asks for the others.
const ASKER: SocketId = SocketId::MAIN;

/// The socket whose mapping is kept busy.
const BUSY: SocketId = SocketId::new(1);

/// The first of those whose mappings are left idle.
const FIRST_IDLE: u16 = 2;

/// Rounds of one silence each: the one that tells whether it works at all, eight that find any lifetime, and one for a lost answer.
const ROUNDS_BRIEF: u16 = 10;

/// How the life of a mapping was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The server sent to the mapping when another socket asked it to (RFC 5780 §7.5).
    ResponsePort,
    /// The socket asked again, and saw whether it had the same port.
    SamePort,
}

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetime {
    /// How; `None` if neither way is open, and then nothing was measured but perhaps [`Self::absolute`].
    pub method: Option<Method>,
    /// The longest silence that a mapping survived.
    pub survived: Duration,
    /// The shortest that none survived; `None` if all lived as long as they were watched.
    pub expired: Option<Duration>,
    /// Whether what comes in counts as use (RFC 4787 REQ-6).
    pub inbound_refreshes: Option<bool>,
    /// How long a mapping lives although it is used; `None` if it outlived [`Self::watched`], or nothing shows its end.
    pub absolute: Option<Duration>,
    /// How long a mapping that was used was watched; zero where ports are preserved.
    pub watched: Duration,
}

/// Whom to ask, and from how many sockets.
#[derive(Clone, Debug)]
pub struct LifetimeConfig {
    server: SocketAddr,
    sockets: u16,
    allocation: Option<Allocation>,
    is_brief: bool,
}

impl LifetimeConfig {
    /// Asks this server from so many sockets, of which none is used for anything else: [`LifetimeProbe::SOCKETS`] at best, and at least
    /// three.
    pub fn new(server: SocketAddr, sockets: u16) -> Self {
        Self {
            server,
            sockets: sockets.min(LifetimeProbe::SOCKETS),
            allocation: None,
            is_brief: false,
        }
    }

    /// How the NAT chooses ports: if it does not preserve them, servers without RESPONSE-PORT are good enough.
    #[must_use]
    pub fn allocation(mut self, allocation: Option<Allocation>) -> Self {
        self.allocation = allocation;
        self
    }

    /// Measures what keep-alives depend on, and nothing else: how long an idle mapping lives that was used once, up to 175 s. Silences are tried one after the
    /// other, each on a socket of its own, in twelve minutes at most and with some forty datagrams. The second socket is not used.
    #[must_use]
    pub fn brief(mut self) -> Self {
        self.is_brief = true;
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Capability,
    Idle,
    Inbound,
    /// Only the busy mapping is still watched.
    Watching,
    Finished,
}

#[derive(Clone, Copy, Debug)]
enum Purpose {
    Use(usize),
    Touch(usize),
    Check(usize),
    Busy,
}

/// The measurement without sockets. It takes as long as mappings live, up to ten minutes, and some two hundred datagrams.
pub struct LifetimeProbe {
    config: LifetimeConfig,
    entropy: Box<dyn Entropy>,
    probes: Probes<Purpose>,
    stage: Stage,
    slots: Vec<Slot>,
    search: Search,
    watch: Watch,
    method: Option<Method>,
    /// Sockets whose mappings were used more than once, where that matters: the answer to the question whether it lives is use.
    spent: u16,
    /// The bounds before the round that runs.
    last_round: Option<(Duration, Option<Duration>)>,
    inbound_refreshes: Option<bool>,
}

impl LifetimeProbe {
    /// Sockets that it makes use of: one that asks, one that is kept busy, and one for each silence that is tried at the same time.
    pub const SOCKETS: u16 = FIRST_IDLE + NAT_LIFETIMES.len() as u16;

    /// The same where it is [brief](LifetimeConfig::brief): one for each silence that is tried after the other.
    pub(crate) const SOCKETS_BRIEF: u16 = FIRST_IDLE + ROUNDS_BRIEF;

    /// Those that it then uses.
    pub(crate) fn brief_sockets() -> impl Iterator<Item = SocketId> {
        iter::once(ASKER).chain((FIRST_IDLE..Self::SOCKETS_BRIEF).map(SocketId::new))
    }

    /// Begins.
    pub fn new(now: Instant, config: LifetimeConfig, entropy: Box<dyn Entropy>) -> Self {
        let shows_nothing = config.allocation == Some(Allocation::Preserving);
        let watch = Watch::new(now, shows_nothing || config.is_brief);
        let ladder = if config.is_brief { NAT_LIFETIMES_BRIEF } else { NAT_LIFETIMES };
        let mut probe = Self {
            config,
            entropy,
            probes: Probes::new(now, NAT_PROBE_INTERVAL),
            stage: Stage::Capability,
            slots: Vec::new(),
            search: Search::new(ladder),
            watch,
            method: None,
            spent: 0,
            last_round: None,
            inbound_refreshes: None,
        };
        if probe.idle_sockets() > 0 {
            probe.begin_round([(Duration::ZERO, None)]);
        }
        probe.handle_timeout(now);
        probe
    }

    /// A datagram came. Returns whether it was for this machine.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let entropy = &mut *self.entropy;
        let taken = self.probes.handle_datagram(now, socket, (from, datagram), entropy);
        if taken {
            self.advance(now);
        }
        taken
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.is_finished() {
            return;
        }
        for number in 0..self.slots.len() {
            while let Some(due) = self.slots.get_mut(number).and_then(|s| s.handle_timeout(now)) {
                self.ask(number, due);
            }
        }
        if self.watch.handle_timeout(now) && self.config.sockets > BUSY.number() {
            self.probes.ask(Purpose::Busy, BUSY, self.question());
        }
        self.probes.handle_timeout(now, &mut *self.entropy);
        self.advance(now);
    }

    /// What to send now.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.probes.poll_transmit()
    }

    /// When to call [`Self::handle_timeout`]; `None` at the end.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_finished() {
            return None;
        }
        let slots = self.slots.iter().map(Slot::poll_timeout).fold(None, earliest);
        earliest(earliest(slots, self.watch.poll_timeout()), self.probes.poll_timeout())
    }

    /// Whether all is known that will be.
    pub fn is_finished(&self) -> bool {
        self.stage == Stage::Finished
    }

    /// What is known so far.
    pub fn report(&self) -> Lifetime {
        Lifetime {
            method: self.method,
            survived: self.search.alive(),
            expired: self.search.dead(),
            inbound_refreshes: self.inbound_refreshes,
            absolute: self.watch.ended(),
            watched: self.watch.watched(),
        }
    }

    /// Silences that can be tried at the same time.
    fn idle_sockets(&self) -> usize {
        let fresh = self.config.sockets.saturating_sub(FIRST_IDLE + self.spent);
        usize::from(if self.config.is_brief { fresh.min(1) } else { fresh })
    }

    fn question(&self) -> Question {
        Question::new(self.config.server).patience(PATIENCE)
    }

    /// Leaves sockets alone, each for one of these times, and with something sent in after some of it.
    fn begin_round(&mut self, silences: impl IntoIterator<Item = (Duration, Option<Duration>)>) {
        self.slots.clear();
        let first = FIRST_IDLE + self.spent;
        for (number, (silence, touch)) in silences.into_iter().enumerate() {
            let socket = SocketId::new(first + u16::try_from(number).unwrap_or(0));
            let slot = Slot::new(socket, silence, touch);
            self.slots.push(slot.brief(self.config.is_brief));
            self.ask(number, Due::Use);
        }
        self.spent += u16::from(self.config.is_brief);
    }

    fn ask(&mut self, number: usize, due: Due) {
        let Some(slot) = self.slots.get(number).copied() else { return };
        let plain = self.question();
        let by_asker = self.method != Some(Method::SamePort);
        let (purpose, asks) = match due {
            Due::Use => (Purpose::Use(number), false),
            Due::Touch => (Purpose::Touch(number), true),
            Due::Check => (Purpose::Check(number), by_asker),
        };
        let port = slot.mapped().filter(|_| asks).map(|mapped| mapped.port());
        self.probes.plan(match port {
            Some(port) => {
                let question = plain.response_port(port);
                Plan { purpose, socket: ASKER, elsewhere: Some(slot.socket), question }
            }
            None => Plan { purpose, socket: slot.socket, elsewhere: None, question: plain },
        });
    }

    fn advance(&mut self, now: Instant) {
        while let Some(done) = self.probes.poll_done() {
            self.on_done(now, &done);
        }
        let over = self.slots.iter().all(Slot::is_over)
            || (self.stage == Stage::Idle && self.search.is_round_over());
        if over && self.stage != Stage::Watching && !self.is_finished() {
            self.probes.clear();
            self.begin_next();
            self.probes.handle_timeout(now, &mut *self.entropy);
        }
        if self.stage == Stage::Watching && self.watch.is_over(now) {
            self.probes.clear();
            self.stage = Stage::Finished;
        }
    }

    fn on_done(&mut self, now: Instant, done: &Done<Purpose>) {
        let (Purpose::Use(number) | Purpose::Touch(number) | Purpose::Check(number)) = done.purpose
        else {
            if let Ok(answer) = &done.outcome {
                self.watch.on_mapped(now, answer.reflexive);
            }
            return;
        };
        let Some(slot) = self.slots.get_mut(number) else { return };
        let here = done.arrived == slot.socket;
        match (done.purpose, &done.outcome) {
            (Purpose::Use(_), Ok(answer)) => slot.on_used(now, answer.reflexive),
            (Purpose::Touch(_), Ok(_)) if here => slot.on_touched(now),
            (Purpose::Check(_), outcome) => {
                slot.end();
                let slot = *slot;
                self.on_checked(&slot, here, outcome);
            }
            // Without its address, or with nothing sent in, it shows nothing.
            _ => slot.end(),
        }
    }

    fn on_checked(&mut self, slot: &Slot, here: bool, outcome: &Result<Answer, QueryError>) {
        let lives = match (outcome, self.method) {
            (Ok(answer), Some(Method::SamePort)) => Some(slot.mapped() == Some(answer.reflexive)),
            // At the asker it arrives if the NAT has given the port to it.
            (Ok(_), _) => Some(here),
            (Err(QueryError::TimedOut), Some(Method::ResponsePort)) => Some(false),
            (Err(_), _) => None,
        };
        match self.stage {
            Stage::Capability => {
                let preserving =
                    matches!(self.config.allocation, None | Some(Allocation::Preserving));
                self.method = match lives {
                    Some(true) => Some(Method::ResponsePort),
                    _ if preserving => None,
                    _ => Some(Method::SamePort),
                };
            }
            Stage::Idle => {
                if let Some(lives) = lives {
                    self.search.record(slot.silence, lives);
                }
            }
            Stage::Inbound => {
                if slot.rest().is_some_and(|rest| rest < self.search.alive()) {
                    self.inbound_refreshes = lives;
                }
            }
            Stage::Watching | Stage::Finished => {}
        }
    }

    fn begin_next(&mut self) {
        if matches!(self.stage, Stage::Capability | Stage::Idle) && self.method.is_some() {
            let before = (self.search.alive(), self.search.dead());
            let silences = self.search.next_round(self.idle_sockets());
            // A round that shows nothing is followed by none: the server has gone.
            let stuck = self.stage == Stage::Idle && self.last_round == Some(before);
            if !silences.is_empty() && !stuck {
                self.last_round = Some(before);
                self.stage = Stage::Idle;
                self.begin_round(silences.into_iter().map(|silence| (silence, None)));
                return;
            }
        }
        let wanted = self.stage == Stage::Idle && !self.config.is_brief;
        let inbound = self.inbound_plan().filter(|_| wanted);
        self.stage = if inbound.is_some() { Stage::Inbound } else { Stage::Watching };
        self.begin_round(inbound);
    }

    /// A silence longer than mappings survive, and when to break it from outside, so that neither part of it is too long.
    fn inbound_plan(&self) -> Option<(Duration, Option<Duration>)> {
        let (alive, dead) = (self.search.alive(), self.search.dead()?);
        let silence = dead.saturating_mul(11) / 10;
        let touch = silence.checked_sub(alive.saturating_mul(4) / 5)?;
        let possible = self.method == Some(Method::ResponsePort) && touch < alive / 10 * 9;
        possible.then_some((silence, Some(touch)))
    }
}

impl fmt::Debug for LifetimeProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("LifetimeProbe");
        out.field("stage", &self.stage).field("report", &self.report()).finish_non_exhaustive()
    }
}
