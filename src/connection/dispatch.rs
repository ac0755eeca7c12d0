//! Hands each frame of an opened packet to the component that it is for.

use std::time::Duration;

use super::controls::Answer;
use super::paths::PathChange;
use super::receive::{Arrival, Contents};
use super::{Connection, ConnectionEvent};
use crate::base::{Instant, limits};
use crate::wire::{AckFrame, CandidatesFrame, ErrorCode, Frame, Frames, TransportError};

impl Connection {
    /// All frames of a packet, in order. The first error ends the connection.
    pub(super) fn dispatch_all(
        &mut self,
        now: Instant,
        arrival: Arrival,
        payload: &[u8],
    ) -> Result<Contents, TransportError> {
        let mut contents = Contents { ack_eliciting: false, probing: true, sign_of_life: true };
        let mut frames = Frames::new(payload);
        loop {
            match frames.next_stream() {
                Some(Ok(stream)) => {
                    contents =
                        Contents { ack_eliciting: true, probing: false, sign_of_life: false };
                    self.streams.on_stream(now, &stream)?;
                    continue;
                }
                Some(Err(_)) => return Err(TransportError::FRAME_ENCODING),
                None => {}
            }
            let Some(frame) = frames.next() else { break };
            let frame = frame.map_err(|_| TransportError::FRAME_ENCODING)?;
            contents.ack_eliciting |= frame.is_ack_eliciting();
            contents.probing &= frame.is_probing();
            contents.sign_of_life &=
                matches!(frame, Frame::Padding(_) | Frame::Ping | Frame::Ack(_));
            self.dispatch(now, arrival, &frame)?;
        }
        Ok(contents)
    }

    fn dispatch(
        &mut self,
        now: Instant,
        arrival: Arrival,
        frame: &Frame<'_>,
    ) -> Result<(), TransportError> {
        match frame {
            Frame::Padding(_) | Frame::Ping | Frame::Established => Ok(()),
            Frame::Ack(ack) => self.on_ack(now, ack),
            Frame::Stream { .. }
            | Frame::ResetStream { .. }
            | Frame::StopSending { .. }
            | Frame::MaxData { .. }
            | Frame::MaxStreamData { .. }
            | Frame::MaxStreams { .. }
            | Frame::DataBlocked { .. }
            | Frame::StreamDataBlocked { .. }
            | Frame::StreamsBlocked { .. } => self.streams.on_frame(now, frame),
            Frame::Datagram { data } => self.on_datagram(data),
            Frame::NewCid { sequence, retire_prior_to, id, token } => {
                self.peer_cids.on_new(*sequence, *retire_prior_to, *id, *token)
            }
            Frame::RetireCid { sequence } => self.on_retire_cid(*sequence),
            Frame::PathChallenge { data } => {
                self.controls.answer(Answer {
                    remote: arrival.remote,
                    local: arrival.local,
                    data: *data,
                    asked: arrival.datagram,
                });
                Ok(())
            }
            Frame::PathResponse { data } => {
                let change = self.paths.on_response(now, data);
                self.on_path_change(now, change);
                Ok(())
            }
            Frame::ObservedAddress { sequence, address } => {
                self.on_observed(*sequence, *address);
                Ok(())
            }
            Frame::AckFrequency { sequence, threshold, max_delay, reordering } => {
                if *max_delay < limits::MIN_ACK_DELAY {
                    return Err(TransportError::new(
                        ErrorCode::PROTOCOL_VIOLATION,
                        "ACK_FREQUENCY below MIN_ACK_DELAY",
                    ));
                }
                self.acks.on_ack_frequency(*sequence, *threshold, *max_delay, *reordering);
                Ok(())
            }
            Frame::Candidates(list) => {
                self.on_candidates(now, list);
                Ok(())
            }
            Frame::ImmediateAck => {
                self.acks.on_immediate_ack();
                Ok(())
            }
            Frame::CloseTransport { .. } | Frame::CloseApplication { .. } => {
                let pto = self.pto();
                self.lifetime.on_peer_close(now, pto, frame);
                Ok(())
            }
        }
    }

    fn on_ack(&mut self, now: Instant, ack: &AckFrame<'_>) -> Result<(), TransportError> {
        let rtt = self.paths.active().rtt();
        let mut outcome = self.outcome.take().unwrap_or_default();
        outcome.clear();
        let result = self.recovery.on_ack(now, ack, &rtt, self.peer_max_ack_delay, &mut outcome);
        if result.is_ok() {
            self.apply(now, &outcome);
        }
        self.outcome = Some(outcome);
        result
    }

    fn on_datagram(&mut self, data: &[u8]) -> Result<(), TransportError> {
        let news = self.datagrams.on_frame(data)?;
        if news {
            self.tell(ConnectionEvent::DatagramReceived);
        }
        Ok(())
    }

    fn on_retire_cid(&mut self, sequence: u64) -> Result<(), TransportError> {
        if let Some(cid) = self.local_cids.on_retire(sequence)? {
            self.retired_cids.push(cid);
        }
        Ok(())
    }

    fn on_observed(&mut self, sequence: u64, address: std::net::SocketAddr) {
        if self.observed.is_some_and(|(last, _)| last >= sequence) {
            return;
        }
        let changed = self.observed.is_none_or(|(_, known)| known != address);
        self.observed = Some((sequence, address));
        if changed {
            self.tell(ConnectionEvent::ObservedAddress(address));
        }
    }

    fn on_candidates(&mut self, now: Instant, list: &CandidatesFrame<'_>) {
        let way = self.round_trip().map_or(Duration::ZERO, |there_and_back| there_and_back / 2);
        if self.lists.on_frame(now, way, list) {
            self.tell(ConnectionEvent::Candidates);
        }
    }

    pub(super) fn on_path_change(&mut self, now: Instant, change: PathChange) {
        match change {
            PathChange::None | PathChange::Proved { abandoned: None } => {}
            PathChange::Proved { abandoned: Some(path) } | PathChange::Abandoned { path } => {
                self.abandon(now, path);
            }
            PathChange::Moved { left } => {
                // A path that was silent has lost what was under way on it.
                if self.recovery.probe_timeouts() > 0 {
                    self.abandon(now, left);
                }
                self.peer_cids.rotate();
                let remote = self.paths.active().remote();
                self.controls.announce_address(remote);
                // The peer follows the first packet that says something.
                self.controls.ask_ping();
                self.tell(ConnectionEvent::PathChanged(remote));
            }
            PathChange::Reverted { abandoned } => {
                self.abandon(now, abandoned);
                let remote = self.paths.active().remote();
                self.tell(ConnectionEvent::PathChanged(remote));
            }
        }
    }
}
