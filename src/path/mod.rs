//! Floor 5: one network path of a connection: a pair of addresses, and all that is known of the way between them.
//!
//! ```text
//!                 Path
//!   ┌──────┬───────┼────────┬─────────┬───────┬────────────┐
//!  Rtt  Controller Pacer  MtuSearch  Ecn   Credit     Validation
//!  delay  window   spread  datagram  marks  3 × bytes   is the peer there?
//! ```
//!
//! The connection tells it what was sent and what became of it, and asks whether and how much may be sent.

mod amplify;
mod ecn;
mod mtu;
mod pacer;
mod rtt;
mod stats;
mod validate;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::base::limits::{CHALLENGE_RESERVE, CHALLENGE_SENDS, MTU_SIZES_V4, MTU_SIZES_V6};
use crate::base::{EcnMark, Instant};
use crate::congestion::{CongestionAlgorithm, Controller, InFlight, near_batch};
use crate::vocab::{Outcome, PathId, RttView, SendLimit, SendStamp, Settled};

use amplify::Credit;
use ecn::Ecn;
use mtu::MtuSearch;
use pacer::{Pace, Pacer};
use rtt::Rtt;
use validate::Validation;

pub use ecn::EcnState;
pub use stats::PathStats;
pub(crate) use validate::PathVerdict;

/// What a path is told at birth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathConfig {
    pub(crate) algorithm: CongestionAlgorithm,
    /// The largest UDP payload that both peers accept.
    pub(crate) max_datagram: usize,
    /// The peer has shown that it receives at this address.
    pub(crate) validated: bool,
    /// Mark packets, if the path lets the marks through.
    pub(crate) ecn: bool,
    /// Decides what congestion control leaves to chance.
    pub(crate) seed: u32,
}

/// One network path.
#[derive(Debug)]
pub(crate) struct Path {
    id: PathId,
    remote: SocketAddr,
    local: Option<IpAddr>,
    config: PathConfig,
    rtt: Rtt,
    congestion: Controller,
    pacer: Pacer,
    mtu: MtuSearch,
    ecn: Ecn,
    credit: Credit,
    validation: Validation,
}

impl Path {
    /// A path of which nothing is known.
    pub(crate) fn new(
        now: Instant,
        id: PathId,
        remote: SocketAddr,
        local: Option<IpAddr>,
        config: &PathConfig,
    ) -> Self {
        let mtu = MtuSearch::new(common_sizes(remote), config.max_datagram);
        Self {
            id,
            remote,
            local,
            config: *config,
            rtt: Rtt::new(),
            congestion: Controller::new(config.algorithm, now, mtu.size(), u64::from(config.seed)),
            pacer: Pacer::new(now),
            mtu,
            ecn: Ecn::new(config.ecn),
            credit: Credit::new(config.validated),
            validation: Validation::Idle,
        }
    }

    /// The unproved path that follows this one. `keep_congestion` says that it is likely the same way through the
    /// network (SPEC §7.2: only the port changed): what was learnt about it stays.
    pub(crate) fn migrated(
        &self,
        now: Instant,
        id: PathId,
        remote: SocketAddr,
        local: Option<IpAddr>,
        keep_congestion: bool,
    ) -> Self {
        let config = PathConfig { validated: false, ..self.config };
        let fresh = Self::new(now, id, remote, local, &config);
        if !keep_congestion {
            return Self { ecn: self.ecn.for_another_path(config.ecn), ..fresh };
        }
        Self {
            rtt: self.rtt.clone(),
            congestion: self.congestion.clone(),
            pacer: self.pacer.clone(),
            mtu: self.mtu.for_rebound_path(),
            ecn: self.ecn.for_rebound_path(),
            ..fresh
        }
    }

    /// A datagram came from the remote address.
    pub(crate) fn on_datagram_received(&mut self, bytes: usize) {
        self.credit.on_received(bytes as u64);
    }

    /// A packet leaves, marked as [`Self::ecn`] says, on top of `in_flight` bytes. `app_limited` says that nothing more
    /// waits behind it. The stamp must come back in the packet's [`Settled`].
    pub(crate) fn on_sent(
        &mut self,
        now: Instant,
        bytes: usize,
        ack_eliciting: bool,
        in_flight: u64,
        app_limited: bool,
    ) -> SendStamp {
        if !ack_eliciting {
            self.note_sent(bytes as u64);
            return SendStamp::default();
        }
        self.on_run_sent(now, bytes);
        self.on_sent_in_run(now, bytes, in_flight, app_limited)
    }

    /// As [`Self::on_sent`], for one of several packets that leave together and elicit acknowledgements. [`Self::on_run_sent`] must be
    /// told of all of them as well, before anything is asked.
    pub(crate) fn on_sent_in_run(
        &mut self,
        now: Instant,
        bytes: usize,
        in_flight: u64,
        app_limited: bool,
    ) -> SendStamp {
        let bytes = bytes as u64;
        self.note_sent(bytes);
        self.congestion.on_sent(now, bytes, in_flight, app_limited)
    }

    /// So many bytes of such packets have left.
    pub(crate) fn on_run_sent(&mut self, now: Instant, bytes: usize) {
        self.pacer.on_sent(now, self.pace(), bytes as u64);
    }

    fn note_sent(&mut self, bytes: u64) {
        self.credit.on_sent(bytes);
        self.ecn.on_sent();
        self.mtu.on_sent(bytes);
    }

    /// More could be sent, and waits until the window has room for a batch.
    pub(crate) fn on_window_held_back(&mut self) {
        self.congestion.on_window_held_back();
    }

    /// A round trip was measured otherwise than by an ACK: by the handshake.
    pub(crate) fn on_round_trip(&mut self, latest: Duration) {
        self.rtt.on_sample(latest, Duration::ZERO);
        self.congestion.on_round_trip(self.mtu.size());
    }

    /// Packets were acknowledged or lost. Every path of the connection must hear of every outcome; each heeds its own
    /// packets only, save for the ECN counts, which are the connection's.
    pub(crate) fn on_outcome(&mut self, now: Instant, outcome: &Outcome) {
        let id = self.id;
        if let Some(sample) = outcome.rtt.filter(|sample| sample.path == id) {
            self.rtt.on_sample(sample.latest, sample.ack_delay);
        }
        // Deliveries first, lest a datagram size be doubted that this very outcome proves.
        for packets in runs(&outcome.acked, id).chain(runs(&outcome.spurious, id)) {
            self.mtu.on_acked(packets);
        }
        for packets in runs(&outcome.lost, id) {
            self.mtu.on_lost(now, packets);
        }
        self.apply_datagram_size();

        // Losses before deliveries (RFC 9002 §A.7): what was sent before a reduction does not raise the window.
        if let Some(sent_at) = self.ecn.on_outcome(id, outcome) {
            self.congestion.on_ecn_ce(now, sent_at);
        }
        for packets in runs(&outcome.lost, id) {
            self.congestion.on_lost(now, packets, outcome.persistent_congestion);
            if outcome.persistent_congestion {
                self.rtt.on_persistent_congestion();
            }
        }
        let rtt = self.rtt.view();
        let in_flight = in_flight(outcome);
        for packets in runs(&outcome.acked, id) {
            self.congestion.on_acked(now, packets, &rtt, in_flight);
        }
        for packets in runs(&outcome.spurious, id) {
            self.congestion.on_spurious(packets);
        }
    }

    /// May a packet leave? `Open` names the bytes that may leave at once, in as many datagrams as the caller likes.
    pub(crate) fn send_limit(&self, now: Instant, in_flight: u64) -> SendLimit {
        self.send_limit_within(now, in_flight, 0)
    }

    /// The same if at least `lent` bytes may be in flight. Those are not paced: the rate of this connection says nothing of those that
    /// lend them.
    pub(crate) fn send_limit_within(&self, now: Instant, in_flight: u64, lent: u64) -> SendLimit {
        let credit = self.traffic_credit();
        if credit == 0 {
            return SendLimit::Amplified;
        }
        let room = self.window().max(lent).saturating_sub(in_flight);
        if room < self.datagram_size() as u64 {
            return SendLimit::Congested;
        }
        let unpaced = lent.saturating_sub(in_flight);
        let paced = match self.pacer.budget(now, self.pace()) {
            Ok(budget) => budget,
            Err(_) if unpaced >= self.datagram_size() as u64 => 0,
            Err(until) => return SendLimit::Paced { until },
        };
        SendLimit::Open { bytes: credit.min(room).min(paced.max(unpaced)) }
    }

    /// The same for packets that congestion must not hold back: acknowledgements, probes after a timeout.
    /// Those sent after a timeout should not exceed the base datagram, so that they get through a black hole.
    pub(crate) fn probe_limit(&self) -> SendLimit {
        match self.traffic_credit() {
            0 => SendLimit::Amplified,
            bytes => SendLimit::Open { bytes },
        }
    }

    /// Bytes that may be sent, beside those that the open question may need.
    fn traffic_credit(&self) -> u64 {
        let kept = if self.validation.is_open() { CHALLENGE_RESERVE } else { 0 };
        self.credit.available().saturating_sub(kept)
    }

    /// Bytes that a PATH_CHALLENGE may take now, if a smallest packet may leave at all: the first may be long, but not at the cost
    /// of those behind it.
    pub(crate) fn challenge_room(&self) -> Option<u64> {
        let least = CHALLENGE_RESERVE / u64::from(CHALLENGE_SENDS);
        let available = self.credit.available();
        (available >= least).then(|| available.saturating_sub(CHALLENGE_RESERVE).max(least))
    }

    /// A handshake message or a CLOSE left. Nothing acknowledges it; it counts only for what an unproved address may get.
    pub(crate) fn on_final_sent(&mut self, bytes: usize) {
        self.credit.on_sent(bytes as u64);
    }

    /// The largest datagram that the path is known to carry.
    pub(crate) fn datagram_size(&self) -> usize {
        self.mtu.size()
    }

    /// The size of a path MTU probe to send now. Ask when [`Self::send_limit`] is open; the probe itself may exceed the
    /// window, which early on is smaller than the largest datagrams.
    pub(crate) fn poll_mtu_probe(&mut self, now: Instant) -> Option<usize> {
        if self.credit.is_proven() { self.mtu.poll_probe(now) } else { None }
    }

    /// The probe left as packet `number`. [`Self::on_sent`] must be told as well.
    pub(crate) fn on_mtu_probe_sent(&mut self, number: u64, size: usize) {
        self.mtu.on_probe_sent(number, size);
    }

    /// The operating system refused a datagram of this size on this path.
    pub(crate) fn on_too_large(&mut self, size: usize) {
        self.mtu.on_too_large(size);
        self.apply_datagram_size();
    }

    /// Begins to prove the remote address with a PATH_CHALLENGE of unpredictable `data`.
    pub(crate) fn start_validation(&mut self, now: Instant, data: [u8; 8]) {
        self.validation.start(now, data, &self.rtt.view());
    }

    /// The data of a PATH_CHALLENGE to send now. Counts as sent: ask when there is room for it.
    pub(crate) fn poll_challenge(&mut self, now: Instant) -> Option<[u8; 8]> {
        self.validation.poll_challenge(now)
    }

    /// A PATH_RESPONSE came, over whichever path. Returns whether it proves this one.
    pub(crate) fn on_response(&mut self, data: &[u8; 8]) -> bool {
        let proves = self.validation.on_response(data);
        if proves {
            self.credit.on_proven();
        }
        proves
    }

    /// Only our own address has changed: the peer's has proved what it had proved, and no more.
    pub(crate) fn inherit_proof(&mut self, former: &Self) {
        self.credit = former.credit;
    }

    /// The local address is not ours any more.
    pub(crate) fn forget_local(&mut self) {
        self.local = None;
    }

    /// The peer receives at the remote address.
    pub(crate) fn is_validated(&self) -> bool {
        self.credit.is_proven()
    }

    /// A challenge awaits its answer.
    #[cfg(test)]
    pub(crate) fn is_validating(&self) -> bool {
        self.validation.is_open()
    }

    /// What to mark packets with.
    pub(crate) fn ecn(&self) -> Option<EcnMark> {
        self.ecn.mark()
    }

    /// When to call [`Self::on_deadline`]. The pacer's time comes with [`SendLimit::Paced`] instead.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.validation.deadline()
    }

    /// Time has passed.
    pub(crate) fn on_deadline(&mut self, now: Instant) -> PathVerdict {
        self.validation.on_deadline(now)
    }

    pub(crate) fn id(&self) -> PathId {
        self.id
    }

    pub(crate) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// The local address that the remote one was reached from, if the driver knows it.
    pub(crate) fn local(&self) -> Option<IpAddr> {
        self.local
    }

    pub(crate) fn rtt(&self) -> RttView {
        self.rtt.view()
    }

    /// The congestion window, in bytes.
    pub(crate) fn window(&self) -> u64 {
        self.congestion.window()
    }

    /// A snapshot for the user.
    pub(crate) fn stats(&self) -> PathStats {
        PathStats::new(&self.rtt.view(), &self.congestion, self.mtu.size(), self.ecn.state())
    }

    fn pace(&self) -> Pace {
        let rtt = self.rtt.view();
        Pace {
            rate: self.congestion.pacing_rate(&rtt),
            batch: near_batch(rtt.minimum),
            quantum: self.congestion.quantum(),
            datagram: self.datagram_size() as u64,
        }
    }

    fn apply_datagram_size(&mut self) {
        self.congestion.on_datagram_size(self.mtu.size());
    }
}

/// Bytes in flight before the outcome, and without the packets that it settles.
fn in_flight(outcome: &Outcome) -> InFlight {
    let settled = outcome.acked.iter().chain(&outcome.lost).filter(|packet| packet.ack_eliciting);
    let bytes: u64 = settled.map(|packet| u64::from(packet.size)).sum();
    let before = outcome.prior_in_flight;
    InFlight { before, after: before.saturating_sub(bytes) }
}

/// The stretches of packets that were sent on one path.
fn runs(packets: &[Settled], path: PathId) -> impl Iterator<Item = &[Settled]> {
    let stretches = packets.chunk_by(|a, b| a.path == b.path);
    stretches.filter(move |run| run.first().is_some_and(|packet| packet.path == path))
}

fn common_sizes(remote: SocketAddr) -> &'static [usize] {
    // An IPv4 address in IPv6 clothes still travels in IPv4 packets.
    match remote.ip().to_canonical() {
        IpAddr::V4(_) => MTU_SIZES_V4,
        IpAddr::V6(_) => MTU_SIZES_V6,
    }
}

#[cfg(test)]
mod tests;
