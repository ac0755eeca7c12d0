//! Every kind of access with every other, in both roles, with and without loss: who finds a direct path, and what it costs.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use srudp::Identity;
use srudp::nat::{
    Failure, Offer, Punch, PunchConfig, PunchEvent, PunchTransmit, SocketId, SocketRequest,
};
use srudp::proto::{Instant, SeededEntropy};

use crate::crossing::kinds::Kind;
use crate::crossing::world::{DELAY, Machine, World, instant};
use crate::golden;

struct Peer {
    punch: Punch,
    outcome: Option<(Duration, PunchEvent)>,
}

impl Peer {
    fn settle(&mut self, now: Instant) {
        while let Some(SocketRequest::Open(_) | SocketRequest::Close(_)) = self.punch.poll_request()
        {
        }
        if let Some(event) = self.punch.poll_event() {
            self.outcome = Some((now - Instant::ZERO, event));
        }
    }
}

impl Machine for Peer {
    fn receive(&mut self, now: Instant, socket: SocketId, from: SocketAddr, datagram: &mut [u8]) {
        assert!(self.punch.handle_datagram(now, socket, from, datagram));
        self.settle(now);
    }

    fn tick(&mut self, now: Instant) {
        self.punch.handle_timeout(now);
        self.settle(now);
    }

    fn transmit(&mut self, _: Instant) -> Option<PunchTransmit> {
        self.punch.poll_transmit()
    }

    fn timeout(&mut self) -> Option<Instant> {
        self.punch.poll_timeout()
    }
}

/// How two kinds meet.
#[derive(Clone, Copy)]
struct Meeting {
    kinds: [Kind; 2],
    seed: u64,
    loss: f64,
    /// How much later the second begins.
    skew: Duration,
}

struct Outcome {
    direct: bool,
    /// From the start of both until both know.
    time: Duration,
    sent: [usize; 2],
    failures: [Option<Failure>; 2],
}

impl Meeting {
    fn hold(self) -> Outcome {
        let accesses = [self.kinds[0].access(1), self.kinds[1].access(2)];
        let mut world = World::new(self.seed, self.loss, accesses);
        let identities = [1, 2].map(|number| Identity::from_secret_bytes([number; 32]));
        let entropy = |number: u64| SeededEntropy::new(self.seed * 4 + number);
        let offers = [0, 1].map(|host| {
            let description = self.kinds[host].describe(&mut world, host);
            Offer::new(1_800_000_000, description, &mut entropy(host as u64))
        });
        let begin = Duration::from_secs(1);
        let mut peers = [0, 1].map(|host| {
            let start = instant(begin + if host == 1 { self.skew } else { Duration::ZERO });
            let (own, other) = (&identities[host], identities[1 - host].peer_id());
            let config =
                PunchConfig::from_offers(own, other, &offers[host], &offers[1 - host], start);
            let sockets = [0, 1, 2, 3].map(SocketId::new);
            let config = config.unwrap().sockets(&sockets).layers(world.layers(host));
            let punch = Punch::new(config, Box::new(entropy(2 + host as u64)));
            Peer { punch, outcome: None }
        });
        world.run(&mut peers, |peers| peers.iter().all(|peer| peer.outcome.is_some()));
        let [one, two] = peers.map(|peer| peer.outcome.expect("each ends"));
        let won = |event: &PunchEvent| matches!(event, PunchEvent::Won(_));
        assert_eq!(won(&one.1), won(&two.1), "both know or none: {:?}", self.kinds);
        let failure = |event: &PunchEvent| match event {
            PunchEvent::Failed(failure) => Some(*failure),
            _ => None,
        };
        Outcome {
            direct: won(&one.1),
            time: one.0.max(two.0) - begin,
            sent: world.sent,
            failures: [failure(&one.1), failure(&two.1)],
        }
    }
}

fn row(meeting: Meeting, outcome: &Outcome) -> String {
    let [a, b] = meeting.kinds.map(|kind| format!("{kind:?}"));
    let round_trips = outcome.time.as_secs_f64() / (2 * DELAY).as_secs_f64();
    let [ours, theirs] = outcome.sent;
    let path = match outcome.failures {
        [None, None] => "direct".to_owned(),
        [Some(one), _] | [_, Some(one)] => format!("relay: {one:?}"),
    };
    format!("{a:<17}{b:<17}{ours:>5} {theirs:>5} {round_trips:>6.1}  {path}")
}

#[test]
fn every_pair_of_kinds_finds_the_direct_path_that_there_is() {
    for (name, loss) in [("punching", 0.0), ("punching-10percent", 0.1)] {
        let mut table = "                                  datagrams   round\nfirst            second           first second trips\n".to_owned();
        let mut wrong = Vec::new();
        for first in Kind::ALL {
            for second in Kind::ALL {
                let kinds = [first, second];
                let meeting = Meeting { kinds, seed: 7, loss, skew: Duration::from_millis(8) };
                let outcome = meeting.hold();
                writeln!(table, "{}", row(meeting, &outcome)).unwrap();
                if outcome.direct != first.can_reach(second) {
                    wrong.push(format!("{kinds:?}: {}", row(meeting, &outcome)));
                }
            }
        }
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        golden(name, &table);
    }
}

#[test]
fn peers_that_begin_seconds_apart_are_not_poisoned_for_good() {
    let kinds = [Kind::Open, Kind::Firewall, Kind::Home, Kind::Racy, Kind::Carrier];
    for first in kinds {
        for second in kinds {
            for skew in [50, 300, 900, 1800] {
                let skew = Duration::from_millis(skew);
                let meeting = Meeting { kinds: [first, second], seed: 3, loss: 0.0, skew };
                let outcome = meeting.hold();
                assert!(outcome.direct, "{skew:?}: {}", row(meeting, &outcome));
            }
        }
    }
}

#[test]
fn guessing_succeeds_nearly_always() {
    for hard in [Kind::Symmetric, Kind::Block, Kind::Counting, Kind::PerAddress] {
        for seed in 0..20 {
            let kinds = if seed % 2 == 0 { [hard, Kind::Home] } else { [Kind::Racy, hard] };
            let meeting = Meeting { kinds, seed, loss: 0.02, skew: Duration::from_millis(8) };
            let outcome = meeting.hold();
            assert!(outcome.direct, "seed {seed}: {}", row(meeting, &outcome));
        }
    }
}
