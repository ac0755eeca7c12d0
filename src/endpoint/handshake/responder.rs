//! PUBLIC_KEY and ESTABLISH: who is asked to prove its address, who is answered, and when there is a connection (SPEC §5.5).

use super::Placement;
use crate::base::{Instant, limits};
use crate::connection::{Arrival, Birth, Connection};
use crate::crypto::{Accepted, Context};
use crate::endpoint::answer::{HalfOpen, Key};
use crate::endpoint::ids::{fresh_cid, fresh_hid};
use crate::endpoint::outbox::Envelope;
use crate::endpoint::slot::State;
use crate::endpoint::work::{Answering, Reading, Work};
use crate::endpoint::{Endpoint, Event};
use crate::wire::{
    ConnectionId, Fragment, HandshakeId, HandshakeKind, Parameters, Role, SetMap, TransportError,
};

impl Endpoint {
    pub(super) fn on_public_key(
        &mut self,
        now: Instant,
        arrival: Arrival,
        fragment: &Fragment<'_>,
    ) {
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
    pub(in crate::endpoint) fn on_read(
        &mut self,
        now: Instant,
        reading: Reading,
    ) -> Option<Answering> {
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
    pub(in crate::endpoint) fn on_answered(&mut self, now: Instant, answering: Answering) {
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

    pub(super) fn on_establish(
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
            // The answer to message 1 did not know yet that it comes of this dial.
            Placement::Satisfies(index) => self.config_of(index).promising(&self.config.transport),
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
