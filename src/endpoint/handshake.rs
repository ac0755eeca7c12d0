//! Handshake messages: who is asked to prove its address, who is answered, and when there is a connection (SPEC §5).

use super::answer::{HalfOpen, Key};
use super::ids::{fresh_cid, fresh_hid};
use super::outbox::Envelope;
use super::slot::{Slot, State};
use super::work::{Answering, Finishing, Reading, Work};
use super::{Endpoint, Event};
use crate::base::{Instant, limits};
use crate::close::ConnectionError;
use crate::connection::{Arrival, Birth, Connection};
use crate::crypto::{Accepted, Context, PeerId};
use crate::wire::{
    ConnectionId, ErrorCode, Fragment, HandshakeId, HandshakeKind, Parameters, Role, SetMap,
    TransportError,
};

impl Endpoint {
    /// A fragment of a handshake message. Returns the slot for which a short packet may stand behind it.
    pub(super) fn on_fragment(
        &mut self,
        now: Instant,
        arrival: Arrival,
        fragment: &Fragment<'_>,
    ) -> Option<u32> {
        match fragment.header.kind {
            HandshakeKind::PublicKey => {
                self.on_public_key(now, arrival, fragment);
                None
            }
            HandshakeKind::SharedKey => {
                self.on_shared_key(now, arrival, fragment);
                None
            }
            HandshakeKind::Establish => self.on_establish(now, arrival, fragment),
        }
    }

    fn on_public_key(&mut self, now: Instant, arrival: Arrival, fragment: &Fragment<'_>) {
        let header = &fragment.header;
        let key = Key::of(arrival.remote, header);
        if let Some((local, datagrams)) = self.half_opens.duplicate(now, &key) {
            if header.index == 0 {
                for datagram in datagrams {
                    self.outbox.push(arrival.remote, local, datagram.clone());
                }
            }
            return;
        }
        if self.closed || !self.expects_public_key(arrival, header.destination, header.source) {
            self.stats.dropped += 1;
            return;
        }
        if !self.is_proved(now, arrival, &header.cookie) {
            return self.ask_for_cookie(now, arrival, header.source);
        }
        if let Some(message) = self.reassembly.insert(now, arrival.remote, fragment) {
            self.read_public_key(now, arrival, fragment, message);
        }
    }

    /// The destination id is one that this endpoint has given out, or none, and somebody here may want the peer.
    fn expects_public_key(
        &self,
        arrival: Arrival,
        destination: HandshakeId,
        source: HandshakeId,
    ) -> bool {
        let known = destination == HandshakeId::ZERO
            || destination == self.cookies.listener_hid(source)
            || self.open.with_hid(destination).is_some();
        known
            && (self.config.accept || !self.open.belonging(arrival.remote, destination).is_empty())
    }

    /// A cookie proves the address; without one a padded datagram will do while there is room (SPEC §5.5).
    fn is_proved(&self, now: Instant, arrival: Arrival, cookie: &[u8; 20]) -> bool {
        let loaded =
            self.config.always_cookie || self.half_opens.is_loaded() || self.reassembly.is_loaded();
        (!loaded && arrival.datagram >= limits::BASE_DATAGRAM)
            || self.cookies.verify(now, arrival.remote, cookie)
    }

    fn read_public_key(
        &mut self,
        now: Instant,
        arrival: Arrival,
        fragment: &Fragment<'_>,
        message: Vec<u8>,
    ) {
        let header = fragment.header;
        let loaded = self.half_opens.is_loaded();
        let ip = arrival.remote.ip();
        let has_room = self.half_opens.has_room(ip) && self.works.has_room();
        if !has_room || (loaded && !self.limiter.admit(now, ip)) {
            // The dialler asks again in a moment.
            self.stats.dropped += 1;
            return;
        }
        let best = self.config.offered.best(header.offered);
        if best != Some(header.suite.set())
            || (!header.suite.names_responder() && !self.config.accept_unknown)
        {
            self.stats.refused += 1;
            return;
        }
        let direct = header.destination == HandshakeId::ZERO;
        let context = Context {
            suite: header.suite,
            offered_initiator: header.offered,
            offered_responder: if direct { SetMap::NONE } else { self.config.offered },
            hid_initiator: header.source,
            hid_responder: header.destination,
        };
        let reading = Reading { arrival, header, context, message, read: None };
        self.works.push(Work::Reading(reading));
    }

    /// Message 1 was read. Returns the work of the answer.
    pub(super) fn on_read(&mut self, now: Instant, reading: Reading) -> Option<Answering> {
        let Reading { arrival, header, read, .. } = reading;
        let Some((responder, p1)) = read else {
            self.stats.handshakes_failed += 1;
            return None;
        };
        if self.closed
            || !self.yields_to(now, arrival, header.destination, responder.initiator_ephemeral())
        {
            return None;
        }
        let refusal = self.refusal(&p1);
        let local_cid = fresh_cid(self.shard, &self.by_cid, &mut *self.entropy);
        let p2 = Parameters {
            initial_cid: Some(local_cid),
            reset_token: self.reset_key.as_ref().map(|key| key.token(local_cid)),
            refusal: refusal.map(|error| error.code.as_u64()),
            ..self.config.transport.parameters()
        };
        let (parameters, refuses) = (p2.encode(), refusal.is_some());
        let message = None;
        Some(Answering { arrival, header, responder, local_cid, parameters, refuses, message })
    }

    /// Message 2 was made.
    pub(super) fn on_answered(&mut self, now: Instant, answering: Answering) {
        let Answering { arrival, header, responder, local_cid, refuses, message, .. } = answering;
        let Some(message) = message else {
            self.stats.handshakes_failed += 1;
            return;
        };
        let key = Key::of(arrival.remote, &header);
        // Others may have come first meanwhile, a copy of the same message among them.
        if self.half_opens.knows(&key) || !self.half_opens.has_room(arrival.remote.ip()) {
            self.stats.dropped += 1;
            return;
        }
        let id = fresh_hid(self.shard, &mut *self.entropy);
        let envelope = Envelope {
            kind: HandshakeKind::SharedKey,
            destination: header.source,
            source: id,
            suite: header.suite,
            offered: header.offered,
            // The initiator's address was proved, or paid for, by message 1.
            cookie: [0; 20],
        };
        let datagrams = envelope.datagrams(&message, false);
        for datagram in &datagrams {
            self.outbox.push(arrival.remote, arrival.local, datagram.clone());
        }
        if refuses {
            self.stats.refused += 1;
            return;
        }
        let half_open = HalfOpen::new(now, responder, key, arrival.local, local_cid, datagrams);
        self.half_opens.insert(id, half_open);
    }

    /// Why message 1 cannot be served, if so.
    fn refusal(&self, p1: &[u8]) -> Option<TransportError> {
        let Ok(parameters) = Parameters::decode(p1) else {
            return Some(TransportError::PARAMETER);
        };
        if parameters.application_protocol != self.config.application_protocol {
            return Some(TransportError::APPLICATION_PROTOCOL);
        }
        (self.slots.len() >= self.config.connections_max).then_some(TransportError::BUSY)
    }

    fn on_shared_key(&mut self, now: Instant, arrival: Arrival, fragment: &Fragment<'_>) {
        let header = &fragment.header;
        let Some(index) = self.open.with_hid(header.destination) else {
            self.stats.dropped += 1;
            return;
        };
        let is_dialling = self
            .slots
            .get(index as usize)
            .is_some_and(|slot| matches!(slot.state, State::Dialling(_)));
        if !is_dialling {
            return;
        }
        if let Some(message) = self.reassembly.insert(now, arrival.remote, fragment) {
            self.read_shared_key(now, arrival, index, header.source, message);
        }
    }

    fn read_shared_key(
        &mut self,
        now: Instant,
        arrival: Arrival,
        index: u32,
        responder: HandshakeId,
        message: Vec<u8>,
    ) {
        if !self.works.has_room() {
            self.stats.dropped += 1;
            return;
        }
        let Self { slots, by_cid, entropy, reset_key, shard, .. } = self;
        let Some(slot) = slots.get_mut(index as usize) else { return };
        let State::Dialling(attempt) = &mut slot.state else { return };
        let fresh = || fresh_cid(*shard, by_cid, &mut **entropy);
        let token = |cid| reset_key.as_ref().map(|key| key.token(cid));
        let Some((initiator, local_cid, parameters)) = attempt.finishing(fresh, token) else {
            return;
        };
        self.works.push(Work::Finishing(Finishing {
            arrived: now,
            arrival,
            index,
            generation: slot.generation,
            responder,
            local_cid,
            initiator,
            message,
            parameters: parameters.encode(),
            finished: None,
        }));
    }

    /// Message 2 was read. The dial may be over by now.
    pub(super) fn on_finished(&mut self, now: Instant, finishing: Finishing) {
        let Finishing { arrived, arrival, index, local_cid, finished, .. } = finishing;
        let slot = self.slots.get_mut(index as usize);
        let slot = slot.filter(|slot| slot.generation == finishing.generation);
        let Some(Slot { state: State::Dialling(attempt), .. }) = slot else { return };
        let Some(finished) = finished else {
            self.stats.handshakes_failed += 1;
            return;
        };
        let rtt = attempt.round_trip(arrived);
        let establish = attempt.establish(&finished.message, finishing.responder);
        let (config, began, asked) = (attempt.config().clone(), attempt.began(), attempt.remote());
        let birth = Birth {
            role: Role::Initiator,
            peer: finished.peer,
            secrets: finished.secrets,
            local_cid,
            parameters: Parameters::default(),
            remote: asked,
            local: arrival.local,
            rtt,
            began,
            establish,
            skip_seed: self.entropy.number(),
        };
        match self.initiated(now, &finished.parameters, birth, &config) {
            Ok(mut connection) => {
                self.locate(now, arrival, &mut connection);
                self.settle_initiated(index, local_cid, connection);
            }
            Err(error) => self.fail_dial(index, error),
        }
        self.touch(index);
    }

    /// The initiator's connection, unless the responder refused or is not wanted.
    fn initiated(
        &self,
        now: Instant,
        parameters: &[u8],
        birth: Birth,
        config: &crate::connection::TransportConfig,
    ) -> Result<Connection, ConnectionError> {
        let parameters = Parameters::decode(parameters)
            .map_err(|_| ConnectionError::from(TransportError::PARAMETER))?;
        if let Some(code) = parameters.refusal {
            return Err(ConnectionError::Refused { code: ErrorCode::from_u64(code) });
        }
        if !self.config.admits(&birth.peer) {
            return Err(ConnectionError::Refused { code: ErrorCode::REFUSED });
        }
        Connection::new(now, config, Birth { parameters, ..birth }).map_err(ConnectionError::from)
    }

    /// The connection follows its last handshake message, if that came from elsewhere.
    fn locate(&mut self, now: Instant, arrival: Arrival, connection: &mut Connection) {
        if arrival.remote != connection.remote_address() {
            connection.begin_elsewhere(now, arrival, self.entropy.array());
        }
    }

    fn settle_initiated(&mut self, index: u32, local_cid: ConnectionId, connection: Connection) {
        self.by_cid.insert(local_cid, index);
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        slot.state = State::Live(Box::new(connection));
        let withheld = slot.open.is_some_and(|open| open.met);
        if !withheld {
            self.report(index);
        }
    }

    fn on_establish(
        &mut self,
        now: Instant,
        arrival: Arrival,
        fragment: &Fragment<'_>,
    ) -> Option<u32> {
        let id = fragment.header.destination;
        if self.half_opens.get_mut(id).is_none() {
            self.stats.dropped += 1;
            return None;
        }
        let message = self.reassembly.insert(now, arrival.remote, fragment)?;
        let Ok(accepted) = self.half_opens.get_mut(id)?.responder.finish(&message) else {
            self.stats.handshakes_failed += 1;
            return None;
        };
        let half_open = self.half_opens.remove(id)?;
        self.accepted(now, arrival, fragment.header.source, &half_open, accepted)
    }

    fn accepted(
        &mut self,
        now: Instant,
        arrival: Arrival,
        source: HandshakeId,
        half_open: &HalfOpen,
        accepted: Accepted,
    ) -> Option<u32> {
        let (peer, local_cid) = (accepted.peer, half_open.local_cid);
        let verdict = self.place(arrival, source, peer);
        if let Placement::Forget(own) = verdict {
            // A tie is broken once: another handshake of this peer is another connection.
            if let Some(open) = self.slots.get_mut(own as usize).and_then(|slot| slot.open.as_mut())
            {
                open.met = false;
            }
            return None;
        }
        let parameters = Parameters::decode(&accepted.parameters).ok()?;
        let birth = Birth {
            role: Role::Responder,
            peer,
            secrets: accepted.secrets,
            local_cid,
            parameters,
            remote: half_open.remote,
            local: arrival.local,
            rtt: half_open.rtt(now),
            began: half_open.began,
            establish: None,
            skip_seed: self.entropy.number(),
        };
        let config = match verdict {
            Placement::Satisfies(index) => self.config_of(index),
            Placement::New | Placement::Refuse | Placement::Forget(_) => {
                self.config.transport.clone()
            }
        };
        let mut connection = Connection::new(now, &config, birth).ok()?;
        self.locate(now, arrival, &mut connection);
        if verdict == Placement::Refuse {
            self.stats.refused += 1;
            connection.refuse(now, TransportError::REFUSED);
        }
        Some(self.settle_accepted(verdict, local_cid, connection))
    }

    fn settle_accepted(
        &mut self,
        verdict: Placement,
        local_cid: ConnectionId,
        connection: Connection,
    ) -> u32 {
        let state = State::Live(Box::new(connection));
        let index = match verdict {
            Placement::Satisfies(index) => {
                self.replace(index, state);
                index
            }
            Placement::New | Placement::Refuse | Placement::Forget(_) => self.insert(state, None),
        };
        self.by_cid.insert(local_cid, index);
        self.touch(index);
        match verdict {
            Placement::Satisfies(_) => {
                self.close_attempt(index);
                self.report(index);
            }
            Placement::New => {
                let handle = self.handle(index);
                if let Some(slot) = self.slots.get_mut(index as usize) {
                    slot.reported = true;
                }
                self.events.push_back(Event::Accepted(handle));
            }
            Placement::Refuse | Placement::Forget(_) => {
                if let Some(slot) = self.slots.get_mut(index as usize) {
                    slot.released = true;
                }
            }
        }
        index
    }
}

/// What becomes of a handshake that a peer has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// It is what this slot dialled for.
    Satisfies(u32),
    /// A new connection for the application to accept.
    New,
    /// The peer is not wanted: it is told so.
    Refuse,
    /// The own handshake with the same peer, that of this slot, stands above it (SPEC §5.6).
    Forget(u32),
}

impl Endpoint {
    /// Decides where a completed handshake with this proved peer belongs (SPEC §5.6).
    fn place(&self, arrival: Arrival, source: HandshakeId, peer: PeerId) -> Placement {
        let belonging = self.open.belonging(arrival.remote, source);
        let mut satisfied = None;
        for index in self.open.wanting(peer).chain(belonging) {
            let Some(slot) = self.slots.get(index as usize) else {
                continue;
            };
            let Some(open) = slot.open else {
                continue;
            };
            match &slot.state {
                // Ties come first: the peer, who sees the same two handshakes, breaks the tie the same way.
                State::Live(own) if open.met && !slot.reported && own.peer_id() == peer => {
                    let keep_own = self.id > peer;
                    return if keep_own {
                        Placement::Forget(index)
                    } else {
                        Placement::Satisfies(index)
                    };
                }
                State::Dialling(_) if open.peer.is_none_or(|wanted| wanted == peer) => {
                    satisfied.get_or_insert(index);
                }
                _ => {}
            }
        }
        match satisfied {
            Some(index) => Placement::Satisfies(index),
            None if self.wants(&peer) => Placement::New,
            None => Placement::Refuse,
        }
    }

    /// The peer may have a connection that nobody here has dialled.
    fn wants(&self, peer: &PeerId) -> bool {
        self.config.accept && self.config.admits(peer) && !self.closed
    }

    /// Whether a PUBLIC_KEY with this ephemeral is answered, given the own open attempts that it belongs to (SPEC §5.6).
    fn yields_to(
        &mut self,
        now: Instant,
        arrival: Arrival,
        destination: HandshakeId,
        theirs: [u8; 32],
    ) -> bool {
        let belonging = self.open.belonging(arrival.remote, destination);
        let mut stands = false;
        for index in &belonging {
            stands |= match self.slots.get_mut(*index as usize).map(|slot| &mut slot.state) {
                Some(State::Dialling(attempt)) => attempt.stands_against(now, theirs),
                Some(State::Live(_)) => true,
                Some(State::Failed) | None => false,
            };
            self.touch(*index);
        }
        if stands {
            return false;
        }
        for index in belonging {
            if let Some(open) =
                self.slots.get_mut(index as usize).and_then(|slot| slot.open.as_mut())
            {
                open.met = true;
            }
        }
        true
    }

    fn replace(&mut self, index: u32, state: State) {
        self.leave_pages(index);
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        let mut old = std::mem::replace(&mut slot.state, state);
        if let State::Live(connection) = &mut old {
            for cid in connection.local_cids() {
                self.by_cid.remove(&cid);
            }
        }
    }

    fn config_of(&self, index: u32) -> crate::connection::TransportConfig {
        match self.slots.get(index as usize).map(|slot| &slot.state) {
            Some(State::Dialling(attempt)) => attempt.config().clone(),
            _ => self.config.transport.clone(),
        }
    }
}
