//! What the peer tells us about streams. An error closes the connection.

use super::recv::{Data, Effect};
use super::{StreamEvent, Streams, beside};
use crate::base::Instant;
use crate::base::limits::STREAMS_MAX;
use crate::wire::{
    ApplicationCode, Direction, Frame, Parameters, StreamFrame, StreamId, TransportError,
};

impl Streams {
    /// What the peer allows from the start.
    pub(crate) fn on_peer_parameters(&mut self, parameters: &Parameters) {
        self.table.on_parameters(parameters);
        self.credit.raise(parameters.initial_max_data);
        self.allow(Direction::Bidirectional, parameters.initial_max_streams_bidi);
        self.allow(Direction::Unidirectional, parameters.initial_max_streams_uni);
    }

    /// Takes a frame about streams; others are not ours.
    pub(crate) fn on_frame(
        &mut self,
        now: Instant,
        frame: &Frame<'_>,
    ) -> Result<(), TransportError> {
        match *frame {
            Frame::Stream { id, offset, data, fin } => {
                self.on_stream(now, &StreamFrame { id, offset, data, fin })
            }
            Frame::ResetStream { id, code, final_size } => {
                self.on_reset_stream(now, id, code, final_size)
            }
            Frame::StopSending { id, code } => self.on_stop_sending(id, code),
            Frame::MaxData { limit } => {
                self.credit.raise(limit);
                Ok(())
            }
            Frame::MaxStreamData { id, limit } => self.on_max_stream_data(id, limit),
            Frame::MaxStreams { direction, limit } => {
                check_count(limit)?;
                self.allow(direction, limit);
                Ok(())
            }
            Frame::StreamDataBlocked { id, .. } => self.expect_receiver(id),
            Frame::StreamsBlocked { direction, limit } => {
                check_count(limit)?;
                self.remote.get_mut(direction).on_blocked();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// STREAM: the frame that matters for throughput.
    pub(crate) fn on_stream(
        &mut self,
        now: Instant,
        frame: &StreamFrame<'_>,
    ) -> Result<(), TransportError> {
        let &StreamFrame { id, offset, data: bytes, fin } = frame;
        let data = Data { offset, bytes, fin };
        self.expect_receiver(id)?;
        let Some(stream) = self.table.get(id) else { return Ok(()) };
        let Some(receive) = &mut stream.receive else { return Ok(()) };
        let growth = receive.check(data.offset, data.bytes.len() as u64, data.fin)?;
        self.window.check(growth)?;
        self.window.admit(now, growth);
        let effect = receive.on_data(now, data, &mut self.pages)?;
        self.received(id, &effect);
        Ok(())
    }

    fn on_reset_stream(
        &mut self,
        now: Instant,
        id: StreamId,
        code: ApplicationCode,
        final_size: u64,
    ) -> Result<(), TransportError> {
        self.expect_receiver(id)?;
        let Some(stream) = self.table.get(id) else { return Ok(()) };
        let Some(receive) = &mut stream.receive else { return Ok(()) };
        let growth = receive.check(final_size, 0, true)?;
        self.window.check(growth)?;
        self.window.admit(now, growth);
        let effect = receive.on_reset(now, code, final_size, &mut self.pages);
        self.received(id, &effect);
        Ok(())
    }

    #[inline]
    fn received(&mut self, id: StreamId, effect: &Effect) {
        if effect.readable {
            self.events.push_back(StreamEvent::Readable(id));
        }
        if !effect.is_quiet {
            self.account(id, effect);
        }
    }

    fn account(&mut self, id: StreamId, effect: &Effect) {
        self.window.consume(effect.discarded, None);
        if let Some(size) = effect.window {
            self.window.grow_to(beside(size));
        }
        self.settle(id);
    }

    fn on_stop_sending(
        &mut self,
        id: StreamId,
        code: ApplicationCode,
    ) -> Result<(), TransportError> {
        self.expect_sender(id)?;
        let Some(stream) = self.table.get(id) else { return Ok(()) };
        let Some(send) = &mut stream.send else { return Ok(()) };
        if send.on_stop(code, &mut self.pages) {
            self.buffering.forget(id);
            self.events.push_back(StreamEvent::Stopped { id, code });
            self.settle(id);
            self.wake_all_if_reopened();
        }
        Ok(())
    }

    fn on_max_stream_data(&mut self, id: StreamId, limit: u64) -> Result<(), TransportError> {
        self.expect_sender(id)?;
        let Some(stream) = self.table.get(id) else { return Ok(()) };
        let Some(send) = &mut stream.send else { return Ok(()) };
        send.on_limit(limit);
        self.settle(id);
        self.note_demand();
        Ok(())
    }

    fn allow(&mut self, direction: Direction, limit: u64) {
        if self.local.get_mut(direction).raise(limit) {
            self.events.push_back(StreamEvent::Available(direction));
        }
    }

    /// The peer speaks of a stream on which it sends: such a one must exist or begin now (RFC 9000 §19.8, §19.4).
    fn expect_receiver(&mut self, id: StreamId) -> Result<(), TransportError> {
        if id.initiator() != self.role {
            return self.touch(id);
        }
        if id.direction() == Direction::Unidirectional {
            return Err(TransportError::STREAM_STATE);
        }
        self.expect_opened(id)
    }

    /// The peer speaks of a stream on which we send (RFC 9000 §19.5, §19.10).
    fn expect_sender(&mut self, id: StreamId) -> Result<(), TransportError> {
        if id.initiator() == self.role {
            return self.expect_opened(id);
        }
        if id.direction() == Direction::Unidirectional {
            return Err(TransportError::STREAM_STATE);
        }
        self.touch(id)
    }

    fn expect_opened(&self, id: StreamId) -> Result<(), TransportError> {
        if id.index() >= self.local.get(id.direction()).opened() {
            return Err(TransportError::STREAM_STATE);
        }
        Ok(())
    }

    /// The peer uses a stream of its own, perhaps for the first time.
    fn touch(&mut self, id: StreamId) -> Result<(), TransportError> {
        let direction = id.direction();
        let remote = self.remote.get_mut(direction);
        let opened = remote.opened();
        if id.index() < opened {
            return Ok(());
        }
        if remote.open(id.index())? {
            self.events.push_back(StreamEvent::Opened(direction));
        }
        self.table.open(direction, opened..id.index() + 1);
        Ok(())
    }
}

/// No id is large enough for more streams (RFC 9000 §19.11).
fn check_count(limit: u64) -> Result<(), TransportError> {
    if limit > STREAMS_MAX { Err(TransportError::FRAME_ENCODING) } else { Ok(()) }
}
