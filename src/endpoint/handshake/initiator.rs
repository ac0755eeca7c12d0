//! SHARED_KEY: a dial has its answer (SPEC §5.5).

use crate::base::Instant;
use crate::close::ConnectionError;
use crate::connection::{Arrival, Birth, Connection, TransportConfig};
use crate::endpoint::Endpoint;
use crate::endpoint::ids::fresh_cid;
use crate::endpoint::slot::{Slot, State};
use crate::endpoint::work::{Finishing, Work};
use crate::wire::{
    ConnectionId, ErrorCode, Fragment, HandshakeId, Parameters, Role, TransportError,
};

impl Endpoint {
    pub(super) fn on_shared_key(
        &mut self,
        now: Instant,
        arrival: Arrival,
        fragment: &Fragment<'_>,
    ) {
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
        let rtt = attempt.round_trip(now);
        let Some((initiator, local_cid, parameters)) = attempt.finishing(fresh, token) else {
            return;
        };
        self.works.push(Work::Finishing(Finishing {
            arrival,
            rtt,
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
    pub(in crate::endpoint) fn on_finished(&mut self, now: Instant, finishing: Finishing) {
        let Finishing { arrival, rtt, index, local_cid, finished, .. } = finishing;
        let slot = self.slots.get_mut(index as usize);
        let slot = slot.filter(|slot| slot.generation == finishing.generation);
        let Some(Slot { state: State::Dialling(attempt), .. }) = slot else { return };
        let Some(finished) = finished else {
            self.stats.handshakes_failed += 1;
            return;
        };
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
        config: &TransportConfig,
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
}
