//! The state machine of an ending; the diagram is in the parent module.

use std::time::Duration;

use super::ConnectionError;
use crate::base::Instant;
use crate::base::limits::{CLOSE_REASON_MAX, CLOSE_UNSENT};
use crate::vocab::PacketBuilder;
use crate::wire::{ApplicationCode, Frame, TransportError};

/// What our CLOSE frame says.
#[derive(Debug)]
enum Notice {
    Application { code: ApplicationCode, reason: Vec<u8> },
    Transport(TransportError),
}

/// Repeats CLOSE after 1, 2, 4, 8… packets, so that two closing peers, or a flood, cause few answers (RFC 9000 §10.2.1).
#[derive(Debug)]
struct Repeat {
    due: bool,
    heard: u64,
    /// How many packets must come before the next CLOSE.
    patience: u64,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Open,
    Lingering {
        until: Instant,
        notice: Notice,
    },
    Closing {
        until: Instant,
        sent: bool,
        notice: Notice,
        repeat: Repeat,
    },
    Draining {
        until: Instant,
    },
    Drained,
}

/// The life of one connection, which begins open.
#[derive(Debug, Default)]
pub(crate) struct Lifetime {
    phase: Phase,
    reason: Option<ConnectionError>,
}

impl Lifetime {
    /// Data still flows both ways: the connection is open or lingers.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Lingering { .. })
    }

    /// The application has not asked for the end: it may begin new things.
    pub(crate) fn accepts_work(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// The application has asked for the end, and what was written is still delivered.
    pub(crate) fn is_lingering(&self) -> bool {
        matches!(self.phase, Phase::Lingering { .. })
    }

    /// The connection may be forgotten.
    pub(crate) fn is_drained(&self) -> bool {
        matches!(self.phase, Phase::Drained)
    }

    /// Why the connection is over. `None` while it is open or lingers.
    pub(crate) fn reason(&self) -> Option<&ConnectionError> {
        self.reason.as_ref()
    }

    /// The application closes. With `linger` everything written is delivered first, as far as that time suffices. A second
    /// call can only shorten the linger; the code and the reason of the first one stay.
    pub(crate) fn close(
        &mut self,
        now: Instant,
        code: ApplicationCode,
        reason: &[u8],
        linger: Option<Duration>,
    ) {
        let reason = reason.get(..CLOSE_REASON_MAX).unwrap_or(reason).to_vec();
        let wanted = now + linger.unwrap_or(Duration::ZERO);
        self.phase = match std::mem::replace(&mut self.phase, Phase::Drained) {
            Phase::Open => {
                Phase::Lingering { until: wanted, notice: Notice::Application { code, reason } }
            }
            Phase::Lingering { until, notice } => {
                Phase::Lingering { until: until.min(wanted), notice }
            }
            later => later,
        };
        if linger.is_none() {
            self.end_linger(now, ConnectionError::LocalClosed);
        }
    }

    /// Everything that was written has been acknowledged.
    pub(crate) fn on_drained_streams(&mut self, now: Instant) {
        self.end_linger(now, ConnectionError::LocalClosed);
    }

    /// The peer broke a rule, or we cannot go on.
    pub(crate) fn fail(&mut self, now: Instant, error: TransportError) {
        if self.is_open() {
            self.reason = Some(error.into());
            self.phase = closing(now, Notice::Transport(error));
        }
    }

    /// Takes a frame, and returns whether it was a CLOSE of the peer.
    pub(crate) fn on_peer_close(&mut self, now: Instant, pto: Duration, frame: &Frame<'_>) -> bool {
        let Some(error) = ConnectionError::from_frame(frame) else { return false };
        match self.phase {
            Phase::Open | Phase::Lingering { .. } => {
                self.reason = Some(error);
                self.phase = Phase::Draining { until: now + pto.saturating_mul(3) };
            }
            // The period goes on: both states wait for the same late packets (RFC 9000 §10.2.2).
            Phase::Closing { until, .. } => self.phase = Phase::Draining { until },
            Phase::Draining { .. } | Phase::Drained => {}
        }
        true
    }

    /// There is nobody to tell: the idle timeout has passed, or the peer has lost its state.
    pub(crate) fn end(&mut self, error: ConnectionError) {
        if self.is_open() {
            self.reason = Some(error);
        }
        self.phase = Phase::Drained;
    }

    /// A packet was opened. While closing, every 1st, 2nd, 4th… asks for another CLOSE.
    pub(crate) fn on_packet_while_closing(&mut self) {
        if let Phase::Closing { repeat, .. } = &mut self.phase {
            repeat.on_packet();
        }
    }

    /// A CLOSE frame is due.
    pub(crate) fn wants_close_frame(&self) -> bool {
        matches!(&self.phase, Phase::Closing { repeat, .. } if repeat.due)
    }

    /// Writes CLOSE, its reason cut to what fits. Returns whether it fitted.
    pub(crate) fn fill(&mut self, packet: &mut PacketBuilder<'_>) -> bool {
        let Phase::Closing { notice, repeat, .. } = &mut self.phase else { return false };
        if repeat.due && push_close(notice, packet) {
            repeat.due = false;
            return true;
        }
        false
    }

    /// The packet with CLOSE left. The first one starts the closing period.
    pub(crate) fn on_sent(&mut self, now: Instant, pto: Duration) {
        if let Phase::Closing { until, sent, .. } = &mut self.phase
            && !*sent
        {
            *sent = true;
            *until = now + pto.saturating_mul(3);
        }
    }

    /// When [`Self::on_deadline`] wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Lingering { until, .. }
            | Phase::Closing { until, .. }
            | Phase::Draining { until } => Some(until),
            Phase::Open | Phase::Drained => None,
        }
    }

    /// Does what is due.
    pub(crate) fn on_deadline(&mut self, now: Instant) {
        if self.deadline().is_none_or(|at| now < at) {
            return;
        }
        match self.phase {
            Phase::Lingering { .. } => self.end_linger(now, ConnectionError::LingerTimedOut),
            Phase::Closing { .. } | Phase::Draining { .. } => self.phase = Phase::Drained,
            Phase::Open | Phase::Drained => {}
        }
    }

    fn end_linger(&mut self, now: Instant, reason: ConnectionError) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Drained) {
            Phase::Lingering { notice, .. } => {
                self.reason = Some(reason);
                closing(now, notice)
            }
            other => other,
        };
    }
}

impl Repeat {
    fn new() -> Self {
        Self { due: true, heard: 0, patience: 1 }
    }

    fn on_packet(&mut self) {
        self.heard += 1;
        if self.heard >= self.patience {
            self.due = true;
            self.heard = 0;
            self.patience = self.patience.saturating_mul(2);
        }
    }
}

/// Until the first CLOSE has left the period is a guess.
fn closing(now: Instant, notice: Notice) -> Phase {
    Phase::Closing { until: now + CLOSE_UNSENT, sent: false, notice, repeat: Repeat::new() }
}

/// Writes CLOSE. A reason that does not fit is cut: the code matters more.
fn push_close(notice: &Notice, packet: &mut PacketBuilder<'_>) -> bool {
    let frame = |reason| match notice {
        Notice::Application { code, .. } => Frame::CloseApplication { code: *code, reason },
        Notice::Transport(error) => {
            Frame::CloseTransport { code: error.code, frame_type: 0, reason }
        }
    };
    let reason = match notice {
        Notice::Application { reason, .. } => reason.as_slice(),
        Notice::Transport(error) => error.reason.as_bytes(),
    };
    // The length of a longer reason takes one byte more than that of an empty one.
    let room = packet.room().saturating_sub(frame(&[]).encoded_len() + 1);
    packet.push(&frame(reason.get(..room).unwrap_or(reason)))
}

#[cfg(test)]
mod tests;
