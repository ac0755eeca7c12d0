//! One run: nodes, their network, the faults that come and go, and the applications on top.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use srudp::proto::{ConnectionHandle, Dial, Event, Instant};
use srudp::{ApplicationCode, ConnectionError, ConnectionStats};
use srudp_links::{Generator, NatConfig};

use super::application::Application;
use super::endings::Endings;
use super::faults::Faults;
use super::figures::Bounds;
use super::options;
use super::sim::internet::Internet;
use super::sim::{Sim, Trace};
use super::truth::{Truth, check_delivered};

/// How long the faults last.
const CHAOS: Duration = Duration::from_secs(10);

/// In which time everything must finish behind them. Probe timeouts that have backed off decide.
const QUIET: Duration = Duration::from_secs(180);

/// When in a good network a timeout is no consequence of the bad one any more.
const CALM: Duration = Duration::from_secs(30);

/// Longer than what is left of a handshake lives.
const HANDSHAKES: Duration = Duration::from_secs(12);

/// What nodes say when they leave.
const LEAVING: ApplicationCode = ApplicationCode::new(1);

type Key = (usize, ConnectionHandle);

/// The whole world of one seed.
pub(crate) struct World {
    sim: Sim<Internet>,
    dice: Generator,
    bounds: Vec<Bounds>,
    truth: Truth,
    endings: Endings,
    faults: Faults,
    live: BTreeMap<Key, Application>,
    closed: BTreeSet<Key>,
    /// When those that have ended are to be forgotten.
    drained_by: Instant,
    /// When a silent peer has no excuse any more.
    calm_at: Option<Instant>,
    outcome: Outcome,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) trace: Option<Trace>,
    connections: u64,
    streams: u64,
    bytes: u64,
    datagrams: u64,
    dials_timed_out: u64,
    timed_out: u64,
    resets: u64,
    resets_sent: u64,
    virtual_seconds: u64,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.streams += other.streams;
        self.bytes += other.bytes;
        self.datagrams += other.datagrams;
        self.dials_timed_out += other.dials_timed_out;
        self.timed_out += other.timed_out;
        self.resets += other.resets;
        self.resets_sent += other.resets_sent;
        self.virtual_seconds += other.virtual_seconds;
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Generator::new(seed);
        let nodes = 2 + dice.below(2) as usize;
        let mut network = Internet::new(seed, nodes, &options::link(&mut dice));
        if dice.chance(0.3) {
            for (from, to) in [(0, 1), (1, 0)] {
                network.link(from, to).reconfigure(options::link(&mut dice));
            }
        }
        for node in 0..nodes {
            if dice.chance(0.3) {
                let external = [203, 0, 113, node as u8 + 1].into();
                network.put_behind(node, NatConfig::full_cone(external), seed);
            }
        }
        let options: Vec<_> = (0..nodes).map(|_| options::endpoint(&mut dice)).collect();
        let configs: Vec<_> = options.iter().map(|one| one.config.clone()).collect();
        let mut sim = Sim::new(seed, network, &configs);
        sim.segments = 1 + dice.below(20) as usize;
        Self {
            sim,
            dice,
            bounds: options.iter().map(|one| one.bounds).collect(),
            truth: Truth::default(),
            endings: Endings::default(),
            faults: Faults::default(),
            live: BTreeMap::new(),
            closed: BTreeSet::new(),
            drained_by: Instant::ZERO,
            calm_at: None,
            outcome: Outcome::default(),
        }
    }

    /// Tells what happens.
    pub(crate) fn talkative(mut self, talkative: bool) -> Self {
        self.sim.talkative = talkative;
        self
    }

    pub(crate) fn run(mut self) -> Outcome {
        let start = self.sim.now;
        let dials = 1 + self.dice.below(4);
        for _ in 0..dials {
            self.dial();
        }
        let (end, mut next_fault) = (start + CHAOS, start);
        while self.sim.now < end {
            if self.sim.now >= next_fault {
                self.faults.shake(&mut self.sim, &mut self.dice);
                if self.dice.chance(0.1) {
                    self.dial();
                }
                next_fault = self.sim.now + self.dice.span(Duration::from_secs(2));
            }
            self.faults.mend(&mut self.sim);
            let until = end.min(self.sim.now + Duration::from_millis(20));
            self.sim.step(until);
            self.hear();
            self.act();
        }
        self.sim.network.reconfigure(&options::good_link());
        self.settle();
        self.leave();
        self.endings.check();
        self.truth.check_all_delivered();
        self.outcome.virtual_seconds = (self.sim.now - start).as_secs();
        self.outcome.streams = self.truth.written.len() as u64;
        self.outcome.bytes = self.truth.written.values().map(|written| written.bytes).sum();
        self.outcome.datagrams = self.sim.trace.datagrams;
        self.outcome.resets_sent =
            self.sim.nodes.iter().map(|node| node.endpoint.stats().resets_sent).sum();
        self.outcome.trace = Some(self.sim.trace);
        self.outcome
    }

    fn dial(&mut self) {
        let nodes = self.sim.nodes.len() as u64;
        let from = self.dice.below(nodes) as usize;
        let to = (from + 1 + self.dice.below(nodes - 1) as usize) % nodes as usize;
        self.dial_from(from, to);
        // Nobody gets in through a box unless its owner dials too.
        if self.sim.network.nat(to).is_some() || self.dice.chance(0.4) {
            self.dial_from(to, from);
        }
    }

    fn dial_from(&mut self, from: usize, to: usize) {
        let remote = self.sim.network.public(to);
        let dial = match self.dice.below(10) {
            0 => Dial::trusting_on_first_use(remote),
            _ => Dial::new(self.sim.nodes[to].id, remote),
        };
        let behind_nat = self.sim.network.nat(to).is_some();
        let dial = if behind_nat || self.dice.chance(0.3) { dial.punch() } else { dial };
        self.sim.dial_to(from, &dial, remote);
    }

    /// Takes all events.
    fn hear(&mut self) {
        for node in 0..self.sim.nodes.len() {
            while let Some(event) = self.sim.nodes[node].events.pop_front() {
                self.on_event(node, event);
            }
        }
    }

    fn on_event(&mut self, node: usize, event: Event) {
        let key = (node, handle_of(&event));
        assert!(!self.closed.contains(&key), "{event:?} after the end");
        match event {
            Event::Connected(_) | Event::Accepted(_) => self.on_begun(key),
            Event::Closed(_, reason) => self.on_closed(key, reason),
            Event::Confirmed(_) => {
                let tag = self.live[&key].tag;
                self.endings.side(tag, node).confirmed = true;
            }
            event => self.on_traffic(key, &event),
        }
    }

    fn on_begun(&mut self, key: Key) {
        self.outcome.connections += 1;
        let (now, bounds) = (self.sim.now, self.bounds[key.0]);
        let connection = self.sim.connection(key.0, key.1);
        let application = Application::new(now, connection, bounds, &mut self.dice);
        self.endings.began(application.tag, key.0, application.is_initiator());
        let before = self.live.insert(key, application);
        assert!(before.is_none(), "{key:?} began twice");
    }

    fn on_traffic(&mut self, key: Key, event: &Event) {
        let application = self.live.get_mut(&key).expect("it began, and did not end");
        let connection = self.sim.nodes[key.0].endpoint.connection(key.1).unwrap();
        match event {
            Event::Stream(_, event) => {
                application.on_event(connection, *event, &mut self.truth, &mut self.dice);
            }
            Event::DatagramReceived(_) => {
                application.receive_datagrams(connection, &mut self.truth);
            }
            _ => {}
        }
    }

    fn on_closed(&mut self, key: Key, reason: ConnectionError) {
        self.closed.insert(key);
        match reason {
            ConnectionError::HandshakeTimedOut => self.outcome.dials_timed_out += 1,
            ConnectionError::TimedOut => self.outcome.timed_out += 1,
            ConnectionError::Reset => self.outcome.resets += 1,
            _ => {}
        }
        let now = self.sim.now;
        if let Some(mut application) = self.live.remove(&key) {
            let connection = self.sim.connection(key.0, key.1);
            assert_eq!(connection.close_reason(), Some(&reason));
            self.drained_by = self.drained_by.max(now + draining(&connection.stats()));
            application.finish(now, connection, &mut self.truth);
            application.settle(connection, &reason, &mut self.truth);
            match reason {
                ConnectionError::TimedOut => self.check_silence(key, &application),
                ConnectionError::Reset => {
                    let other = self.endings.other(application.tag, key.0);
                    let gone = other.is_none_or(|other| other.reason.is_some());
                    assert!(gone, "{key:?} was reset by a peer that has the connection");
                }
                _ => {}
            }
            self.endings.side(application.tag, key.0).reason = Some(reason);
        } else {
            self.endings.failed_dials += 1;
            let expected = [ConnectionError::HandshakeTimedOut, ConnectionError::LocalClosed];
            assert!(expected.contains(&reason), "a dial ended with {reason:?}");
        }
        self.sim.nodes[key.0].endpoint.remove(now, key.1);
    }

    /// In a good network nobody is silent who is there and has something to say.
    fn check_silence(&mut self, key: Key, application: &Application) {
        let Self { sim, live, endings, faults, truth, calm_at, bounds, .. } = self;
        let Some(other) = endings.other(application.tag, key.0) else {
            return;
        };
        let calm = calm_at.is_some_and(|at| at <= sim.now);
        let patient = bounds[key.0].patient && bounds[other.node].patient;
        if !calm || !patient || faults.may_part(key.0, other.node) || other.reason.is_some() {
            return;
        }
        let same = |(peer, theirs): &(&Key, &Application)| {
            peer.0 == other.node && theirs.tag == application.tag
        };
        let theirs = live.iter().find(same).map(|(key, application)| (*key, application));
        for (key, application) in theirs.into_iter().chain([(key, application)]) {
            let connection = sim.connection(key.0, key.1);
            let done = application.is_done(connection, truth);
            assert!(done, "{key:?} met silence: {application:#?}\n{:?}", connection.stats());
        }
    }

    fn act(&mut self) {
        let now = self.sim.now;
        for (key, application) in &mut self.live {
            if self.sim.is_frozen(key.0) {
                continue;
            }
            let connection = self.sim.nodes[key.0].endpoint.connection(key.1).unwrap();
            application.act(now, connection, &mut self.truth, &mut self.dice);
            if let Some(code) = application.closed_with() {
                self.endings.side(application.tag, key.0).code = Some(code);
            }
        }
        self.check_delivered();
    }

    /// What is delivered and not read fits into the window of its reader.
    fn check_delivered(&mut self) {
        let mut acknowledged = BTreeMap::new();
        for (key, application) in &self.live {
            let connection = self.sim.nodes[key.0].endpoint.connection(key.1).unwrap();
            acknowledged.insert((application.tag, key.0), application.acknowledged(connection));
        }
        for (key, application) in &self.live {
            let Some(other) = self.endings.other(application.tag, key.0) else {
                continue;
            };
            let theirs = acknowledged.get(&(application.tag, other.node)).copied().flatten();
            if let (Some(theirs), Some(read)) = (theirs, application.read_in_all()) {
                check_delivered(theirs, read, self.bounds[key.0].windows.1);
            }
        }
    }

    /// The network is good again: everything that was begun must come to its end.
    fn settle(&mut self) {
        let end = self.sim.now + QUIET;
        self.calm_at = Some(self.sim.now + CALM);
        while !self.is_done() {
            if !self.sim.step(end) {
                self.complain();
            }
            self.hear();
            let now = self.sim.now;
            for (key, application) in &mut self.live {
                if self.sim.is_frozen(key.0) {
                    continue;
                }
                let connection = self.sim.nodes[key.0].endpoint.connection(key.1).unwrap();
                application.finish(now, connection, &mut self.truth);
            }
        }
    }

    fn is_done(&mut self) -> bool {
        let Self { live, sim, truth, .. } = self;
        live.iter().all(|(key, application)| {
            let awake = !sim.is_frozen(key.0);
            awake && application.is_done(sim.connection(key.0, key.1), truth)
        })
    }

    fn complain(&mut self) {
        for (key, application) in &self.live {
            let connection = self.sim.nodes[key.0].endpoint.connection(key.1).unwrap();
            if !application.is_done(connection, &self.truth) {
                eprintln!("{key:?} {application:#?}\n{:?}", connection.stats());
            }
        }
        panic!("not everything finished in {QUIET:?}");
    }

    /// Everybody leaves, and nothing stays.
    fn leave(&mut self) {
        let now = self.sim.now;
        for (key, application) in &self.live {
            self.endings.side(application.tag, key.0).code.get_or_insert(LEAVING);
        }
        for node in &mut self.sim.nodes {
            node.endpoint.close(now, LEAVING, b"");
        }
        self.sim.step(now);
        self.hear();
        while self.sim.step(self.drained_by.max(now) + HANDSHAKES) {
            self.hear();
        }
        assert!(self.live.is_empty(), "never told closed: {:?}", self.live);
        for (index, node) in self.sim.nodes.iter().enumerate() {
            let stats = node.endpoint.stats();
            assert!(node.endpoint.is_idle(), "node {index} is not idle: {stats:?}");
            let left = (stats.connections, stats.connection_ids, stats.half_open);
            assert_eq!(left, (0, 0, 0), "node {index} remembers: {stats:?}");
        }
    }
}

/// Three probe timeouts (RFC 9000 §10.2), with the default delay of acknowledgements.
fn draining(stats: &ConnectionStats) -> Duration {
    3 * (stats.rtt + 4 * stats.rtt_variation + Duration::from_millis(25))
}

fn handle_of(event: &Event) -> ConnectionHandle {
    match event {
        Event::Connected(handle)
        | Event::Accepted(handle)
        | Event::Stream(handle, _)
        | Event::Confirmed(handle)
        | Event::DatagramReceived(handle)
        | Event::DatagramRoom(handle)
        | Event::PathChanged(handle, _)
        | Event::ObservedAddress(handle, _)
        | Event::Closed(handle, _) => *handle,
        other => panic!("an event of which this test knows nothing: {other:?}"),
    }
}
