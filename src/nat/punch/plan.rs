//! What is sent when: everything is known before the first datagram.
//!
//! ```text
//!  round     0          1          2          3
//!  sockets   main       spare 1    spare 2    spare 3     of both; with fewer, the last rounds get what there is
//!  priming   0.2 s      0.4 s      1 s        2.5 s
//!
//!  start ─ low TTL ── low TTL ── full TTL ─ full TTL ──── full TTL ─▶ next round
//!          0          priming/2  priming    + 0.15 s      + 0.45 s
//! ```
//!
//! The first datagrams die behind the own NATs: they open these, and cannot reach the peer's NAT before it was opened as well. A Linux
//! router that accepts what comes in unasked would remember it, and give the peer's own datagrams another port from then on, wherever they
//! go. Every round primes longer, for clocks that differ, and uses ports that cannot be spoilt yet. So does every search with tickets: the
//! one before may have been made by one side alone, whose datagrams all came in unasked.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::config::PunchConfig;
use super::lesson::Lesson;
use super::ports;
use super::strategy::Strategy;
use crate::base::limits::{
    PUNCH_GUESS_INTERVAL, PUNCH_GUESSES, PUNCH_HOLD, PUNCH_PACE, PUNCH_PRIMING, PUNCH_RELAY_LAPS,
    PUNCH_SOCKETS, PUNCH_TARGETS, PUNCH_WINDOW_BOTH,
};
use crate::base::{Entropy, Instant};
use crate::nat::candidate::{Candidate, CandidateKind};
use crate::nat::offer::{Description, NatSummary, distinct};
use crate::nat::socket::SocketId;

/// Full datagrams of a round, after the priming.
const FULL: [Duration; 3] =
    [Duration::ZERO, Duration::from_millis(150), Duration::from_millis(450)];

/// From the last of them to the next round: time for the answer.
const TAIL: Duration = Duration::from_millis(350);

/// From the last datagram of all to the end: time for the answer, and to agree on the path.
const END: Duration = Duration::from_millis(550);

/// Sockets that guess: the main one, and the first spare one.
const GUESSING: usize = 2;

/// When the many sockets send.
const LAPS: [Duration; 3] =
    [Duration::ZERO, Duration::from_millis(700), Duration::from_millis(3500)];

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Open(SocketId),
    Send(Shot),
    /// Nothing; the plan is not over yet.
    Wait,
}

/// A check to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shot {
    pub(super) socket: SocketId,
    pub(super) to: SocketAddr,
    pub(super) ttl: Option<u8>,
}

/// What the plan follows from.
pub(super) struct Situation<'a> {
    pub(super) start: Instant,
    pub(super) strategy: Strategy,
    pub(super) ours: &'a Description,
    pub(super) theirs: &'a Description,
    /// The main socket, then the spare ones whose addresses the peer knows.
    pub(super) sockets: &'a [SocketId],
    /// How far our sockets, and the peer's, are turned against the rounds.
    pub(super) turns: [u64; 2],
    /// Our relays, if nothing else is to be tried.
    pub(super) relays: Option<&'a [SocketId]>,
    /// The number of the first socket that may be opened.
    pub(super) extra: u16,
    /// The TTL that passes the own NATs and dies behind them.
    pub(super) low: u8,
    /// The same if there are as many of them as there may be.
    pub(super) high: u8,
    /// What an earlier search has shown.
    pub(super) lesson: Option<Lesson>,
}

/// Steps in the order of their times.
#[derive(Debug)]
pub(super) struct Agenda {
    steps: VecDeque<(Instant, Step)>,
    end: Instant,
}

impl Agenda {
    pub(super) fn next(&self) -> Option<Instant> {
        self.steps.front().map(|(at, _)| *at)
    }

    pub(super) fn pop(&mut self, now: Instant) -> Option<Step> {
        self.steps.pop_front_if(|(at, _)| *at <= now).map(|(_, step)| step)
    }

    /// When nothing more can come of it.
    pub(super) fn end(&self) -> Instant {
        self.end
    }

    pub(super) fn clear(&mut self) {
        self.steps.clear();
    }

    /// Nothing is done from then on.
    pub(super) fn cut(&mut self, from: Instant) {
        self.steps.retain(|(at, _)| *at < from);
        self.end = self.end.min(from + END);
    }
}

impl<'a> Situation<'a> {
    pub(super) fn of(config: &'a PunchConfig, strategy: Strategy) -> Self {
        // Guesses go to two sockets that both sides know.
        let turn = if strategy == Strategy::Plain { config.turn } else { 0 };
        let turns = if config.secrets.is_first() { [0, turn] } else { [turn, 0] };
        Self {
            start: config.start,
            strategy,
            ours: &config.ours,
            theirs: &config.theirs,
            sockets: &config.sockets,
            turns,
            relays: config.relays.as_deref(),
            extra: config.extra,
            low: config.layers + 1,
            high: config.layers_max + 1,
            lesson: config.lesson,
        }
    }

    /// The whole plan.
    pub(super) fn agenda(&self, entropy: &mut dyn Entropy) -> Agenda {
        let mut steps = Vec::new();
        if let Some(relays) = self.relays {
            self.relayed(relays, &mut steps);
            return self.agenda_of(steps);
        }
        match self.strategy {
            Strategy::Plain => {
                (0..PUNCH_PRIMING.len()).for_each(|round| self.round(round, &[], &mut steps));
            }
            Strategy::Relay => self.round(0, &[], &mut steps),
            Strategy::Guess => {
                self.round(0, &[], &mut steps);
                self.guess(&mut steps, entropy);
            }
            Strategy::Many => {
                // They have guesses to make, and one that hits a port which came in there unasked spoils the socket for all others.
                let guessing: Vec<SocketAddr> = self.openings().iter().map(|(to, _)| *to).collect();
                self.round(0, &guessing, &mut steps);
                self.knock(&guessing, &mut steps);
                self.many(&mut steps);
            }
            Strategy::Predict => {
                // Every datagram to another port of the peer's NAT takes one of ours.
                let counted: Vec<SocketAddr> = self.public().collect();
                self.round(0, &counted, &mut steps);
                self.predict(&mut steps);
            }
        }
        self.agenda_of(steps)
    }

    fn agenda_of(&self, mut steps: Vec<(Instant, Step)>) -> Agenda {
        steps.sort_by_key(|(at, _)| *at);
        let last = steps.last().map_or(self.start, |(at, _)| *at);
        Agenda { steps: steps.into(), end: last + END }
    }

    /// The peer's relays, from the main socket, and later from our own relays too: two of them in a row are the last resort. Where nobody
    /// has seen either side from outside, both may be without UDP, and there is no other.
    fn relayed(&self, relays: &[SocketId], steps: &mut Vec<(Instant, Step)>) {
        let seen = [self.ours, self.theirs].iter().any(|side| {
            let mut kinds = side.candidates().iter().map(Candidate::kind);
            kinds.any(|it| matches!(it, CandidateKind::Reflexive | CandidateKind::PeerReflexive))
        });
        let later = if seen { PUNCH_RELAY_LAPS.len() / 2 } else { 0 };
        for (lap, after) in PUNCH_RELAY_LAPS.iter().enumerate() {
            let own = relays.iter().filter(|_| lap >= later);
            for socket in [self.main()].iter().chain(own) {
                let shots = self.theirs.relayed().map(|to| Shot { socket: *socket, to, ttl: None });
                steps.extend(shots.map(|shot| (self.start + *after, Step::Send(shot))));
            }
        }
        // Where the peer knows our relays, and we none of its, it is the one that begins.
        let end = self.start + PUNCH_RELAY_LAPS.last().copied().unwrap_or_default();
        let silent = steps.is_empty().then_some((end, Step::Wait));
        steps.extend(silent);
    }

    /// Every address that the peer has told for the round's socket, but for some.
    fn round(&self, round: usize, but: &[SocketAddr], steps: &mut Vec<(Instant, Step)>) {
        let begin = PUNCH_PRIMING[..round]
            .iter()
            .fold(self.start, |at, priming| at + *priming + FULL[2] + TAIL);
        let priming = PUNCH_PRIMING[round];
        let [ours, theirs] = self.turns;
        let (ours, theirs) =
            (number_in(round, self.ours, ours), number_in(round, self.theirs, theirs));
        let Some(socket) = self.sockets.get(ours).or(self.sockets.first()) else { return };
        let socket = *socket;
        let targets = self.targets(theirs).into_iter().filter(|target| !but.contains(target));
        for (number, to) in (0..).zip(targets) {
            let at = begin + PUNCH_PACE * number;
            let mut send =
                |after, ttl| steps.push((at + after, Step::Send(Shot { socket, to, ttl })));
            send(Duration::ZERO, Some(self.low));
            send(priming / 2, Some(self.low));
            FULL.iter().for_each(|after| send(priming + *after, None));
        }
    }

    /// The last of the peer's sockets, which guesses nothing, hears us if the peer's NAT lets in strangers after all.
    fn knock(&self, guessing: &[SocketAddr], steps: &mut Vec<(Instant, Step)>) {
        let sockets = self.theirs.candidates().iter().map(Candidate::socket);
        let last = sockets.max().filter(|last| usize::from(*last) >= GUESSING);
        let last = last.into_iter().flat_map(|last| public(self.theirs, last));
        for to in last.filter(|to| !guessing.contains(to)).take(PUNCH_TARGETS) {
            let shot = Shot { socket: self.main(), to, ttl: None };
            let times = FULL.iter().map(|after| self.start + PUNCH_PRIMING[0] + *after);
            steps.extend(times.map(|at| (at, Step::Send(shot))));
        }
    }

    /// The peer's addresses that lead to this socket of its, or to its main one if it told none.
    fn targets(&self, socket: usize) -> Vec<SocketAddr> {
        let of = |socket: usize| {
            let candidates = self.theirs.candidates().iter();
            let fits =
                candidates.filter(move |candidate| usize::from(candidate.socket()) == socket);
            fits.map(|candidate| candidate.address()).collect::<Vec<_>>()
        };
        let spare = of(socket);
        distinct(if spare.is_empty() { of(0) } else { spare })
    }

    /// Where the peer's NAT has its ports.
    fn public(&self) -> impl Iterator<Item = SocketAddr> + use<> {
        public(self.theirs, 0).into_iter().take(PUNCH_TARGETS)
    }

    /// Where many sockets open our NATs, and with which TTL: for the two sockets of the peer that guess. Where it told one only, for two
    /// addresses of that.
    ///
    /// A TTL that is too low opens the inner NATs alone, and nobody is let in until it is too late. One that is too high may reach the
    /// peer's NAT, and may spoil the port of the peer's socket, wherever that sends. So, where the number of NATs is not known, each of the
    /// two gets one of them: at least one way works.
    fn openings(&self) -> Vec<(SocketAddr, u8)> {
        let guessed = public(self.ours, 0).into_iter().next();
        let family = |to: &SocketAddr| guessed.is_none_or(|own| own.is_ipv4() == to.is_ipv4());
        let of = |socket| public(self.theirs, socket).into_iter().filter(family);
        let (main, mut spare) = (of(0).next(), of(1));
        let known = match self.lesson {
            Some(Lesson::Guessed(ttl)) => ttl.filter(|ttl| (self.low..=self.high).contains(ttl)),
            _ => None,
        };
        let [low, high] = known.map_or([self.low, self.high], |known| [known; 2]);
        match (main, spare.next()) {
            (Some(main), Some(spare)) => vec![(main, low), (spare, high)],
            _ => self.public().map(|to| (to, self.low)).collect(),
        }
    }

    fn main(&self) -> SocketId {
        self.sockets.first().copied().unwrap_or(SocketId::MAIN)
    }

    /// The TTL with which our NATs are opened for an address, if they are for more than one.
    pub(super) fn opening(&self, address: SocketAddr) -> Option<u8> {
        let openings = self.openings();
        let opening = openings.iter().find(|(to, _)| *to == address);
        opening.filter(|_| openings.len() > 1).map(|(_, ttl)| *ttl)
    }

    /// When guesses begin that have something else to wait for, and the sockets that wait for them.
    pub(super) fn held_back(&self) -> Instant {
        self.start + PUNCH_HOLD
    }

    /// When guesses begin: when the NATs are open, or sooner if it is known that they are needed.
    fn first_guess(&self) -> Instant {
        match self.lesson {
            Some(Lesson::Guessed(_)) => self.start + PUNCH_PRIMING[0] / 2,
            Some(lesson) if lesson.spares_guesses() => self.held_back() + PUNCH_PRIMING[0],
            _ => self.start + PUNCH_PRIMING[0],
        }
    }

    /// When the first of many sockets is opened, and how long it is from one to the next.
    fn first_socket(&self) -> (Instant, Duration) {
        match self.lesson {
            Some(Lesson::Guessed(_)) => (self.start, PUNCH_GUESS_INTERVAL / 2),
            Some(lesson) if lesson.spares_guesses() => (self.held_back(), PUNCH_GUESS_INTERVAL),
            _ => (self.start, PUNCH_GUESS_INTERVAL),
        }
    }

    /// One port of the peer's NAT after the other, from one or the other of two sockets that the peer knows.
    fn guess(&self, steps: &mut Vec<(Instant, Step)>, entropy: &mut dyn Entropy) {
        let Some(address) = self.public().next() else { return };
        let spare = self.sockets.get(1).filter(|_| !public(self.ours, 1).is_empty());
        let sockets = [self.main(), spare.copied().unwrap_or(self.main())];
        let begin = self.first_guess();
        for (number, port) in (0..).zip(ports::guesses(self.theirs.nat(), entropy)) {
            let to = SocketAddr::new(address.ip(), port);
            // By chance: ports that follow each other may be open for one and the other by turns.
            let socket = if entropy.number().is_multiple_of(2) { sockets[0] } else { sockets[1] };
            let shot = Shot { socket, to, ttl: None };
            steps.push((begin + PUNCH_GUESS_INTERVAL * number, Step::Send(shot)));
        }
    }

    /// Many sockets, each with a port of its own at our NAT, open it for the peer's.
    fn many(&self, steps: &mut Vec<(Instant, Step)>) {
        let (openings, (first, interval)) = (self.openings(), self.first_socket());
        for number in 0..sockets_for(self.ours.nat()) {
            let socket = SocketId::new(self.extra.saturating_add(number));
            let at = first + interval * u32::from(number);
            steps.push((at, Step::Open(socket)));
            for (lap, after) in LAPS.iter().enumerate() {
                for (target, (to, low)) in openings.iter().enumerate() {
                    // Full ones come last, and to one target alone: they could spoil ports that the peer has yet to try.
                    let full = lap + 1 == LAPS.len() && target + 1 == openings.len();
                    let ttl = (!full).then_some(*low);
                    steps.push((at + *after, Step::Send(Shot { socket, to: *to, ttl })));
                }
            }
        }
        // The time that the peer needs for all its guesses.
        let guesses = u32::try_from(PUNCH_GUESSES).unwrap_or(u32::MAX);
        let end = first + PUNCH_PRIMING[0] + PUNCH_GUESS_INTERVAL * guesses;
        let shots = openings
            .iter()
            .map(|(to, _)| Step::Send(Shot { socket: self.main(), to: *to, ttl: None }));
        steps.extend(shots.map(|shot| (end, shot)));
    }

    /// Our next ports meet the peer's next ports, in the order in which both NATs give them out.
    fn predict(&self, steps: &mut Vec<(Instant, Step)>) {
        let Some((next, step)) = self.theirs.nat().next_port() else { return };
        let Some(address) = self.public().next() else { return };
        let laps = [(Duration::ZERO, Some(self.low)), (PUNCH_PRIMING[0], None)];
        let again = FULL[1..].iter().map(|after| (PUNCH_PRIMING[0] + *after, None));
        for (lap, ttl) in laps.into_iter().chain(again) {
            for (number, port) in (0..).zip(ports::window(next, step, PUNCH_WINDOW_BOTH)) {
                let to = SocketAddr::new(address.ip(), port);
                let at = self.start + lap + PUNCH_GUESS_INTERVAL * number;
                steps.push((at, Step::Send(Shot { socket: self.main(), to, ttl })));
            }
        }
    }
}

/// Addresses of one of a peer's sockets that others than the peer have seen.
fn public(of: &Description, socket: u8) -> Vec<SocketAddr> {
    let of_socket = of.candidates().iter().filter(|candidate| candidate.socket() == socket);
    let public = of_socket.filter(|candidate| {
        matches!(candidate.kind(), CandidateKind::Reflexive | CandidateKind::PeerReflexive)
    });
    distinct(public.map(|candidate| candidate.address()).collect())
}

/// The number of the socket that a peer uses in a round. The last rounds, which prime longest, get ports that no other has used.
fn number_in(round: usize, of: &Description, turn: u64) -> usize {
    let last = of.candidates().iter().map(|candidate| usize::from(candidate.socket())).max();
    let last = last.unwrap_or(0);
    let number = (round + last).saturating_sub(PUNCH_PRIMING.len() - 1) as u64;
    let turned = (number + turn % (last as u64 + 1)) % (last as u64 + 1);
    usize::try_from(turned).unwrap_or(0)
}

/// How many sockets make a guess likely to be right soon: fewer where the ports are fewer.
fn sockets_for(nat: &NatSummary) -> u16 {
    if nat.next_port().is_some() || nat.block().is_some() {
        PUNCH_SOCKETS / 4
    } else {
        PUNCH_SOCKETS
    }
}
