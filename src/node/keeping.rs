//! How often connections are kept alive: as seldom as the NAT allows, which is measured beside them (SPEC §17.5, §19.3).
//!
//! ```text
//!              there is a NAT, a server, and a connection that was searched
//!  unmeasured ───────────────────────────────────────────────────────────────▶ measuring ──▶ measured
//!     ▲ ▲  ▲                                                                    │  │             │
//!     │ │  └── no such connection any more ─────────────────────────────────────┘  │             │
//!     │ └───── another network: what is known counts no more ──────────────────────┴─────────────┤
//!     └─────── a path has died: half of what is known, and in 10 min, 20 min … 1 day a measurement ┘
//! ```
//!
//! There is one interval for all connections, as one gateway is before them. Sockets of their own measure, so that nothing else uses their
//! mappings: each is left alone once, and another one asks the server after it.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::base::limits::{NODE_LIFETIME, NODE_LIFETIME_RETRY, NODE_LIFETIME_RETRY_MAX};
use crate::base::{Entropy, Instant, SeededEntropy};
use crate::nat::{
    Allocation, KeepAlive, LifetimeConfig, LifetimeProbe, SocketId, SocketRequest, Transmit,
};

/// The sockets of ours, in the order of those of the machine that measures.
fn sockets() -> impl Iterator<Item = SocketId> {
    LifetimeProbe::brief_sockets().map(own)
}

/// Our socket for one of the machine's.
fn own(role: SocketId) -> SocketId {
    SocketId::new(NODE_LIFETIME + role.number())
}

/// What gathering has shown about the NAT, and who saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    /// A STUN server.
    pub(super) server: SocketAddr,
    pub(super) allocation: Option<Allocation>,
    /// Our address as it was seen.
    pub(super) external: IpAddr,
}

#[derive(Debug, Default)]
enum Stage {
    /// Nothing is to be measured, or all is known.
    #[default]
    Resting,
    /// A measurement may begin then.
    Due(Instant),
    Measuring(Box<LifetimeProbe>),
}

/// The interval, and what it follows from.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    wanted: bool,
    keep_alive: KeepAlive,
    /// The interval that connections were told.
    told: Duration,
    witness: Option<Witness>,
    stage: Stage,
    /// From the next death of a path to the measurement after it.
    wait: Option<Duration>,
    requests: VecDeque<SocketRequest>,
}

impl Keeping {
    pub(super) fn keep_alive(&self) -> KeepAlive {
        self.keep_alive
    }

    /// The interval, if it has become another one.
    pub(super) fn take_change(&mut self) -> Option<Duration> {
        let interval = self.keep_alive.interval();
        (std::mem::replace(&mut self.told, interval) != interval).then_some(interval)
    }

    /// It is known from elsewhere.
    pub(super) fn set(&mut self, keep_alive: KeepAlive) {
        self.keep_alive = keep_alive;
    }

    /// Whether to measure, from now on.
    pub(super) fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
        if !wanted {
            self.rest(Stage::Resting);
        }
    }

    /// Addresses were gathered; there is no witness without a NAT.
    pub(super) fn on_gathered(&mut self, now: Instant, witness: Option<Witness>) {
        let external = |witness: Option<Witness>| witness.map(|witness| witness.external);
        let before = std::mem::replace(&mut self.witness, witness);
        if external(before) != external(witness) {
            self.on_moved(now);
        }
    }

    /// This is another network, or the NAT has forgotten everything.
    pub(super) fn on_moved(&mut self, now: Instant) {
        self.keep_alive.on_rebind();
        self.wait = None;
        self.rest(Stage::Due(now));
    }

    /// A path has died that was kept alive.
    pub(super) fn on_silence(&mut self, now: Instant) {
        self.keep_alive.on_silence();
        let Stage::Resting = self.stage else { return };
        let wait = self.wait.unwrap_or(NODE_LIFETIME_RETRY);
        self.wait = Some((wait * 2).min(NODE_LIFETIME_RETRY_MAX));
        self.stage = Stage::Due(now + wait);
    }

    /// No connection needs it now.
    pub(super) fn pause(&mut self, now: Instant) {
        if let Stage::Measuring(_) = self.stage {
            self.rest(Stage::Due(now));
        }
    }

    fn rest(&mut self, next: Stage) {
        if let Stage::Measuring(_) = std::mem::replace(&mut self.stage, next) {
            self.requests.extend(sockets().map(SocketRequest::Close));
        }
    }

    pub(super) fn owns(&self, socket: SocketId) -> bool {
        let numbers = NODE_LIFETIME..NODE_LIFETIME + LifetimeProbe::SOCKETS_BRIEF;
        numbers.contains(&socket.number())
    }

    /// A socket could not be opened: what is known has to do until the network changes.
    pub(super) fn on_not_opened(&mut self, socket: SocketId) {
        if let Stage::Measuring(_) = self.stage {
            self.stage = Stage::Resting;
            let others = sockets().filter(|other| *other != socket);
            self.requests.extend(others.map(SocketRequest::Close));
        }
    }

    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        let Stage::Measuring(probe) = &mut self.stage else { return };
        let role = LifetimeProbe::brief_sockets().find(|role| own(*role) == socket);
        if let Some(role) = role {
            probe.handle_datagram(now, role, from, datagram);
            self.learn();
        }
    }

    /// Time has passed, and there are connections that it matters to.
    pub(super) fn handle_timeout(&mut self, now: Instant, entropy: &mut dyn Entropy) {
        match &mut self.stage {
            Stage::Due(at) if *at <= now => self.begin(now, entropy),
            Stage::Measuring(probe) => {
                probe.handle_timeout(now);
                self.learn();
            }
            Stage::Resting | Stage::Due(_) => {}
        }
    }

    fn begin(&mut self, now: Instant, entropy: &mut dyn Entropy) {
        let Some(witness) = self.witness.filter(|_| self.wanted) else {
            return self.stage = Stage::Resting;
        };
        let config = LifetimeConfig::new(witness.server, LifetimeProbe::SOCKETS_BRIEF)
            .allocation(witness.allocation)
            .brief();
        let probe = LifetimeProbe::new(now, config, Box::new(SeededEntropy::fork(entropy)));
        self.requests.extend(sockets().map(SocketRequest::Open));
        self.stage = Stage::Measuring(Box::new(probe));
    }

    /// What a mapping has survived already holds. It is less than what is believed only when all is known, or when that is known to be wrong.
    fn learn(&mut self) {
        let Stage::Measuring(probe) = &self.stage else { return };
        let (report, is_over) = (probe.report(), probe.is_finished());
        let (survived, interval) = (report.survived, self.keep_alive.interval());
        let is_wrong = report.expired.is_some_and(|expired| expired <= interval);
        let mut measured = self.keep_alive;
        measured.on_lifetime(survived);
        // Where nothing was survived, nothing was measured.
        let is_known = !survived.is_zero();
        if is_known && (is_over || is_wrong || measured.interval() > interval) {
            self.keep_alive = measured;
        }
        if is_over {
            self.rest(Stage::Resting);
        }
    }

    /// When something is due, if there are connections that it matters to.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Resting => None,
            Stage::Due(at) => Some(*at),
            Stage::Measuring(probe) => probe.poll_timeout(),
        }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        let Stage::Measuring(probe) = &mut self.stage else { return None };
        probe.poll_transmit().map(|asked| Transmit { socket: own(asked.socket), ..asked })
    }

    pub(super) fn requests(&mut self) -> impl Iterator<Item = SocketRequest> + '_ {
        self.requests.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_nanos(1_000_000_000);

    fn keeping() -> Keeping {
        let mut keeping = Keeping::default();
        keeping.want(true);
        keeping.on_gathered(NOW, Some(seen_at([203, 0, 113, 1])));
        keeping
    }

    fn seen_at(external: [u8; 4]) -> Witness {
        let server = SocketAddr::from(([192, 0, 2, 1], 3478));
        Witness { server, allocation: None, external: external.into() }
    }

    fn requests(keeping: &mut Keeping) -> Vec<SocketRequest> {
        keeping.requests().collect()
    }

    #[test]
    fn sockets_are_open_only_while_it_measures() {
        let mut keeping = keeping();
        assert_eq!(requests(&mut keeping), []);
        keeping.handle_timeout(NOW, &mut SeededEntropy::new(1));
        let all =
            |request: fn(SocketId) -> SocketRequest| sockets().map(request).collect::<Vec<_>>();
        assert_eq!(requests(&mut keeping), all(SocketRequest::Open));
        let idle = sockets().nth(1).unwrap();
        assert!(keeping.poll_transmit().is_some_and(|it| it.socket == idle));
        keeping.pause(NOW);
        assert_eq!(requests(&mut keeping), all(SocketRequest::Close));
        keeping.handle_timeout(NOW, &mut SeededEntropy::new(1));
        assert_eq!(requests(&mut keeping), all(SocketRequest::Open));
        keeping.on_not_opened(idle);
        let others =
            all(SocketRequest::Close).into_iter().filter(|it| *it != SocketRequest::Close(idle));
        assert_eq!(requests(&mut keeping), others.collect::<Vec<_>>());
        assert_eq!(keeping.poll_timeout(), None);
    }

    #[test]
    fn nothing_is_measured_without_a_nat_or_unless_it_is_wanted() {
        let mut unwanted = keeping();
        unwanted.want(false);
        let mut public = keeping();
        public.on_gathered(NOW, None);
        for mut keeping in [unwanted, public, Keeping::default()] {
            keeping.handle_timeout(NOW, &mut SeededEntropy::new(1));
            assert_eq!((requests(&mut keeping), keeping.poll_timeout()), (vec![], None));
        }
    }

    #[test]
    fn a_server_that_is_silent_teaches_nothing() {
        let mut keeping = keeping();
        while let Some(now) = keeping.poll_timeout() {
            keeping.handle_timeout(now, &mut SeededEntropy::new(1));
            while keeping.poll_transmit().is_some() {}
        }
        assert_eq!(keeping.keep_alive(), KeepAlive::default());
        assert_eq!(requests(&mut keeping).len(), 2 * sockets().count(), "opened and closed");
    }

    #[test]
    fn after_each_death_it_takes_longer_until_it_is_measured_and_in_another_network_no_time() {
        let mut keeping = keeping();
        let mut measured = KeepAlive::default();
        measured.on_lifetime(Duration::from_secs(100));
        keeping.set(measured);
        for minutes in [10, 20, 40] {
            keeping.stage = Stage::Resting;
            keeping.on_silence(NOW);
            assert_eq!(keeping.poll_timeout(), Some(NOW + Duration::from_secs(60 * minutes)));
        }
        assert_eq!(keeping.keep_alive().interval(), Duration::from_millis(8750));
        for _ in 0..20 {
            keeping.stage = Stage::Resting;
            keeping.on_silence(NOW);
        }
        assert_eq!(keeping.poll_timeout(), Some(NOW + NODE_LIFETIME_RETRY_MAX));
        keeping.on_gathered(NOW, Some(seen_at([203, 0, 113, 1])));
        assert_ne!(keeping.poll_timeout(), Some(NOW), "the same one");
        keeping.set(measured);
        keeping.on_gathered(NOW, Some(seen_at([203, 0, 113, 2])));
        assert_eq!(keeping.poll_timeout(), Some(NOW));
        assert_eq!(keeping.keep_alive().interval(), Duration::from_secs(15));
    }
}
