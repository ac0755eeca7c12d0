//! Floor 7: one socket's worth of connections, without the socket.
//!
//! ```text
//!   datagram ─▶ first byte ─┬─ short ─▶ connection id ─▶ connection          (nothing known: stateless reset, or silence)
//!                           └─ long ──┬─ PUNCH ───────▶ attempt, or a stateless answer
//!                                     ├─ PUBLIC_KEY ──▶ proof of address, reassembly, tie-break ─▶ half-open
//!                                     ├─ SHARED_KEY ──▶ attempt ─▶ connection (to be confirmed)
//!                                     └─ ESTABLISH ───▶ half-open ─▶ connection
//! ```
//!
//! The endpoint owns its connections, so that one value holds all there is to simulate. After each input the owner drains
//! [`Endpoint::poll_transmit`] and [`Endpoint::poll_event`], and then asks [`Endpoint::poll_timeout`].

mod answer;
mod config;
mod dial;
mod event;
mod handshake;
mod ids;
mod knock;
mod lending;
mod limiter;
mod open;
mod outbox;
mod reassembly;
mod resets;
mod schedule;
mod slot;
mod stats;
mod turns;
mod work;

use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::task::Poll;
use std::time::Duration;

use rustc_hash::FxHashMap;
use slab::Slab;

use crate::base::{EcnMark, Entropy, Instant};
use crate::close::ConnectionError;
use crate::connection::{Arrival, Connection};
use crate::crypto::{CookieKey, Identity, PeerId, ResetKey};
use crate::wire::{
    ApplicationCode, Class, ConnectionId, Long, Shard, ShortHeader, classify, decode_long,
};

pub use config::EndpointConfig;
pub(crate) use dial::Prepared;
pub use event::{ConnectError, ConnectionHandle, Dial, Event};
pub use stats::EndpointStats;
pub(crate) use work::Work;

use answer::HalfOpens;
use dial::Attempt;
use ids::fresh_hid;
use lending::Lending;
use limiter::Limiter;
use open::OpenAttempts;
use outbox::Outbox;
use reassembly::Reassembly;
use resets::Resets;
use schedule::Schedule;
use slot::{Open, Slot, State};
use turns::Turns;
use work::Works;

/// Datagrams as the socket gave them: one, or several of equal size from one address (GRO).
#[derive(Debug)]
pub struct Received<'a> {
    /// Who sent them.
    pub remote: SocketAddr,
    /// The local address to which they came, if known.
    pub local: Option<IpAddr>,
    /// Their ECN mark.
    pub ecn: Option<EcnMark>,
    /// Every datagram has this many bytes, only the last may be shorter.
    pub segment_size: usize,
    /// The datagrams, one behind the other. They are opened in place.
    pub data: &'a mut [u8],
}

/// All connections of one UDP socket and one identity, as a machine that knows no socket and no clock.
pub struct Endpoint {
    config: EndpointConfig,
    identity: Identity,
    id: PeerId,
    shard: Shard,
    entropy: Box<dyn Entropy>,
    cookies: CookieKey,
    reset_key: Option<ResetKey>,
    reset_allowed_at: Instant,
    resets: Resets,
    slots: Slab<Slot>,
    generation: u32,
    by_cid: FxHashMap<ConnectionId, u32>,
    open: OpenAttempts,
    half_opens: HalfOpens,
    reassembly: Reassembly,
    limiter: Limiter,
    outbox: Outbox,
    works: Works,
    schedule: Schedule,
    pages: Lending,
    turns: Turns,
    events: VecDeque<Event>,
    closed: bool,
    stats: EndpointStats,
}

impl Endpoint {
    /// An endpoint with this identity. `entropy` is where all its randomness comes from.
    pub fn new(config: EndpointConfig, identity: Identity, mut entropy: Box<dyn Entropy>) -> Self {
        let cookies = CookieKey::new(entropy.array());
        Self::one_of((Shard::ONLY, cookies), config, identity, entropy)
    }

    /// One of several behind one address. They have configuration, identity, cookies and time in common, and no connection (SPEC §7.5).
    pub(crate) fn one_of(
        (shard, cookies): (Shard, CookieKey),
        mut config: EndpointConfig,
        identity: Identity,
        mut entropy: Box<dyn Entropy>,
    ) -> Self {
        let reset_key = config.reset_key.map(ResetKey::new);
        config.connections_max = config.connections_max.div_ceil(shard.count().into());
        Self {
            id: identity.peer_id(),
            shard,
            config,
            identity,
            cookies,
            reset_key,
            reset_allowed_at: Instant::ZERO,
            resets: Resets::new(entropy.array()),
            slots: Slab::new(),
            generation: 0,
            by_cid: FxHashMap::default(),
            open: OpenAttempts::default(),
            half_opens: HalfOpens::default(),
            reassembly: Reassembly::default(),
            limiter: Limiter::default(),
            outbox: Outbox::default(),
            works: Works::default(),
            schedule: Schedule::default(),
            pages: Lending::default(),
            turns: Turns::default(),
            events: VecDeque::new(),
            closed: false,
            stats: EndpointStats::default(),
            entropy,
        }
    }

    /// Our own peer id.
    pub fn peer_id(&self) -> PeerId {
        self.id
    }

    /// How connections are configured whose dial does not say.
    pub(crate) fn transport(&self) -> &crate::connection::TransportConfig {
        &self.config.transport
    }

    /// Starts a dial, whose first message is what [`Self::poll_transmit`] has next. [`Event::Connected`] or [`Event::Closed`] tells how
    /// it went.
    ///
    /// # Errors
    /// When it cannot even start.
    pub fn connect(&mut self, now: Instant, dial: &Dial) -> Result<ConnectionHandle, ConnectError> {
        let mut prepared = self.prepare(now, dial)?;
        prepared.make_keys(now, &self.identity, &mut *self.entropy)?;
        self.begin(prepared)
    }

    /// The part of [`Self::connect`] before [`Prepared::make_keys`], which takes long and needs no endpoint.
    pub(crate) fn prepare(&mut self, now: Instant, dial: &Dial) -> Result<Prepared, ConnectError> {
        self.check_dial(dial)?;
        let dial = &Dial { remote: canonical(dial.remote), ..dial.clone() };
        let config = dial.transport.clone().unwrap_or_else(|| self.config.transport.clone());
        let hid = fresh_hid(self.shard, &mut *self.entropy);
        let offered = self.config.offered;
        let attempt = Attempt::new(now, dial, config, offered, (self.id, hid), &mut *self.entropy);
        let protocol = (!dial.punch).then(|| self.config.application_protocol.clone());
        Ok(Prepared::new(attempt, protocol))
    }

    /// The part of [`Self::connect`] after that.
    pub(crate) fn begin(&mut self, prepared: Prepared) -> Result<ConnectionHandle, ConnectError> {
        // Others may have come first meanwhile.
        self.check_room()?;
        let attempt = prepared.into_attempt();
        let open = Open {
            remote: attempt.remote(),
            hid: attempt.hid(),
            peer: attempt.peer(),
            met: self.half_opens.any_from(attempt.remote()),
        };
        let index = self.insert(State::Dialling(Box::new(attempt)), Some(open));
        self.open.insert(index, &open);
        self.touch(index);
        Ok(self.handle(index))
    }

    fn check_dial(&self, dial: &Dial) -> Result<(), ConnectError> {
        let ip = dial.remote.ip();
        if dial.remote.port() == 0 || ip.is_unspecified() || ip.is_multicast() {
            return Err(ConnectError::InvalidAddress(dial.remote));
        }
        if dial.peer == Some(self.id) {
            return Err(ConnectError::OwnId);
        }
        self.check_room()
    }

    fn check_room(&self) -> Result<(), ConnectError> {
        if self.closed {
            return Err(ConnectError::EndpointClosed);
        }
        if self.slots.len() >= self.config.connections_max {
            return Err(ConnectError::TooManyConnections);
        }
        Ok(())
    }

    /// Datagrams have arrived.
    pub fn handle_datagram(&mut self, now: Instant, received: Received<'_>) {
        let remote = canonical(received.remote);
        let segment = received.segment_size.max(1);
        let arrival =
            Arrival { remote, local: received.local, ecn: received.ecn, datagram: segment };
        let mut rest = received.data;
        while !rest.is_empty() {
            let (together, later) = rest.split_at_mut(alike(rest, segment));
            self.handle_together(now, arrival, together);
            rest = later;
        }
        self.work_off(now);
        self.settle(now);
    }

    /// One datagram, or several that are [`alike`].
    fn handle_together(&mut self, now: Instant, arrival: Arrival, datagrams: &mut [u8]) {
        let first = datagrams.first().map(|first| classify(*first));
        match (first, short_for(datagrams)) {
            (_, Some(cid)) => self.handle_short(now, arrival, datagrams, cid),
            (Some(Class::Long), None) => {
                let arrival = Arrival { datagram: datagrams.len(), ..arrival };
                self.handle_long(now, arrival, datagrams);
            }
            _ => self.stats.dropped += 1,
        }
    }

    /// Short packets with this connection id.
    fn handle_short(
        &mut self,
        now: Instant,
        arrival: Arrival,
        packets: &mut [u8],
        cid: ConnectionId,
    ) {
        let Some(index) = self.by_cid.get(&cid).copied() else {
            for packet in packets.chunks(arrival.datagram) {
                let arrival = Arrival { datagram: packet.len(), ..arrival };
                if !self.on_reset(arrival, packet) {
                    self.stats.dropped += 1;
                    self.reset_stranger(now, arrival, cid);
                }
            }
            return;
        };
        self.lend_pages(index);
        if let Some(connection) = self.slots.get_mut(index as usize).and_then(Slot::connection) {
            connection.handle_packets(now, &mut *self.entropy, arrival, packets);
        }
        self.touch(index);
    }

    fn handle_long(&mut self, now: Instant, arrival: Arrival, datagram: &mut [u8]) {
        match decode_long(datagram) {
            Ok(Long::Punch(punch)) => self.on_punch(now, arrival, &punch),
            Ok(Long::Handshake(fragment)) => {
                let rest = fragment.rest_offset;
                if let Some(index) = self.on_fragment(now, arrival, &fragment) {
                    self.handle_behind(now, arrival, index, &mut datagram[rest..]);
                }
            }
            Err(_) => self.stats.dropped += 1,
        }
    }

    /// A short packet behind ESTABLISH.
    fn handle_behind(&mut self, now: Instant, arrival: Arrival, index: u32, rest: &mut [u8]) {
        let is_short = rest.first().is_some_and(|first| classify(*first) == Class::Short);
        self.lend_pages(index);
        let slot = self.slots.get_mut(index as usize);
        if let (true, Some(connection)) = (is_short, slot.and_then(Slot::connection)) {
            connection.handle_packet(now, &mut *self.entropy, arrival, rest);
        }
        self.touch(index);
    }

    /// An established connection. Whatever is done to it is picked up by the next poll.
    pub fn connection(&mut self, handle: ConnectionHandle) -> Option<&mut Connection> {
        let slot = self.slots.get(handle.index as usize)?;
        if slot.generation != handle.generation || !slot.reported {
            return None;
        }
        self.touch(handle.index);
        self.lend_pages(handle.index);
        self.slots.get_mut(handle.index as usize)?.connection()
    }

    /// As [`Self::connection`], for something that may come to nothing. Then there is nothing to be picked up either.
    pub(crate) fn attempt<T>(
        &mut self,
        handle: ConnectionHandle,
        attempt: impl FnOnce(&mut Connection) -> Poll<T>,
    ) -> Option<Poll<T>> {
        let slot = self.slots.get(handle.index as usize)?;
        if slot.generation != handle.generation || !slot.reported {
            return None;
        }
        self.lend_pages(handle.index);
        let slot = self.slots.get_mut(handle.index as usize)?;
        let result = attempt(slot.connection()?);
        if result.is_ready() {
            self.touch(handle.index);
        }
        Some(result)
    }

    /// Forgets a handle: a dial is abandoned, an open connection is closed at once, a closed one is freed.
    pub fn remove(&mut self, now: Instant, handle: ConnectionHandle) {
        let Some(slot) = self.slots.get_mut(handle.index as usize) else {
            return;
        };
        if slot.generation != handle.generation {
            return;
        }
        slot.released = true;
        if let Some(connection) = slot.connection() {
            connection.close(now, ApplicationCode::ZERO, b"", Duration::ZERO);
        } else {
            slot.state = State::Failed;
        }
        self.touch(handle.index);
        self.settle(now);
    }

    /// Tries whether the peer of a confirmed connection answers at another address, with datagrams of full size both ways. If it does,
    /// the connection moves there, and [`Event::PathChanged`] tells; nothing moves before, and nothing happens if it does not. Returns
    /// whether that begins.
    pub fn probe(&mut self, now: Instant, handle: ConnectionHandle, remote: SocketAddr) -> bool {
        let data = self.entropy.array();
        let connection = self.connection(handle);
        connection.is_some_and(|connection| connection.probe(now, canonical(remote), data))
    }

    /// The local socket has another address: every connection proves its path again.
    pub fn rebound(&mut self, now: Instant) {
        for index in self.indices() {
            let data = self.entropy.array();
            if let Some(connection) = self.slots.get_mut(index as usize).and_then(Slot::connection)
            {
                connection.on_local_change(now, data);
                self.touch(index);
            }
        }
    }

    /// The socket said that a datagram of this size is too large for this destination.
    pub fn on_too_large(&mut self, destination: SocketAddr, size: usize) {
        for index in self.indices() {
            if let Some(connection) = self.slots.get_mut(index as usize).and_then(Slot::connection)
            {
                connection.on_too_large(canonical(destination), size);
            }
        }
    }

    /// Closes every connection at once and accepts and dials no more.
    pub fn close(&mut self, now: Instant, code: ApplicationCode, reason: &[u8]) {
        self.closed = true;
        for index in self.indices() {
            let Some(slot) = self.slots.get_mut(index as usize) else {
                continue;
            };
            match slot.connection() {
                Some(connection) => connection.close(now, code, reason, Duration::ZERO),
                None => self.fail_dial(index, ConnectionError::LocalClosed),
            }
            self.touch(index);
        }
        self.settle(now);
    }

    /// Nothing has to be sent or received for this handle any more.
    pub(crate) fn is_over(&self, handle: ConnectionHandle) -> bool {
        let slot = self.slots.get(handle.index as usize);
        slot.filter(|slot| slot.generation == handle.generation).is_none_or(Slot::is_over)
    }

    /// Nothing is open, and nothing has to be sent any more.
    pub fn is_idle(&self) -> bool {
        self.outbox.is_empty() && self.slots.iter().all(|(_, slot)| slot.is_over())
    }

    fn indices(&self) -> Vec<u32> {
        self.slots.iter().filter_map(|(index, _)| u32::try_from(index).ok()).collect()
    }

    fn insert(&mut self, state: State, open: Option<Open>) -> u32 {
        self.generation = self.generation.wrapping_add(1);
        let index = self.slots.insert(Slot::new(self.generation, state, open));
        // The configured maximum keeps the table far below 2^32 entries.
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    fn handle(&self, index: u32) -> ConnectionHandle {
        let generation = self.slots.get(index as usize).map_or(0, |slot| slot.generation);
        ConnectionHandle { index, generation }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("id", &self.id).field("stats", &self.stats()).finish()
    }
}

/// For which connection id the short packet at the front is, if it is one.
fn short_for(datagram: &[u8]) -> Option<ConnectionId> {
    let is_short = datagram.first().is_some_and(|first| classify(*first) == Class::Short);
    if is_short { ShortHeader::destination(datagram) } else { None }
}

/// Bytes of the datagrams at the front that are short packets for one connection id, as mostly all of a batch are; of the first alone
/// if it is none.
fn alike(datagrams: &[u8], segment: usize) -> usize {
    let mut segments = datagrams.chunks(segment);
    let Some(first) = segments.next() else { return 0 };
    let Some(cid) = short_for(first) else { return first.len() };
    let others = segments.take_while(|other| short_for(other) == Some(cid));
    first.len() + others.map(<[u8]>::len).sum::<usize>()
}

/// IPv4 addresses have one form, however the socket writes them. The scope of a link-local address is part of it, the flow is not.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match (address, address.ip().to_canonical()) {
        (SocketAddr::V6(v6), IpAddr::V6(ip)) => {
            SocketAddrV6::new(ip, v6.port(), 0, v6.scope_id()).into()
        }
        (_, ip) => SocketAddr::new(ip, address.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_form_and_keeps_its_scope() {
        let canonical = |text: &str| canonical(text.parse().unwrap()).to_string();
        assert_eq!(canonical("[::ffff:192.0.2.1]:4000"), "192.0.2.1:4000");
        assert_eq!(canonical("[fe80::1%3]:4000"), "[fe80::1%3]:4000");
        assert_eq!(canonical("[2001:db8::1]:4000"), "[2001:db8::1]:4000");
        let flowing = SocketAddrV6::new([0; 16].into(), 1, 77, 0);
        assert_eq!(
            super::canonical(flowing.into()),
            SocketAddrV6::new([0; 16].into(), 1, 0, 0).into()
        );
    }
}
