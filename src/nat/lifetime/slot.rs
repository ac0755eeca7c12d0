//! One spare socket and its mapping, from its making to the question whether it lives.

use std::net::SocketAddr;
use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::NAT_SETTLE;
use crate::base::time::earliest;
use crate::nat::socket::SocketId;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The socket asks for its address.
    Use,
    /// The server is to send something in.
    Touch,
    /// Does the mapping live?
    Check,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It asks for its address.
    Opening,
    /// It will ask a second time.
    Settling(Instant),
    /// It asks a second time.
    Settled,
    /// It is left alone, until something is sent in, and until the end.
    Idle {
        touch: Option<Instant>,
        end: Instant,
    },
    Checking,
    Over,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) socket: SocketId,
    /// How long it is left alone.
    pub(super) silence: Duration,
    /// When within that time something is sent in.
    touch: Option<Duration>,
    /// It is left alone after its first use.
    is_brief: bool,
    mapped: Option<SocketAddr>,
    /// When something came in.
    touched: Option<Instant>,
    /// How long after that it was asked whether the mapping lives.
    rest: Option<Duration>,
    step: Step,
}

impl Slot {
    pub(super) fn new(socket: SocketId, silence: Duration, touch: Option<Duration>) -> Self {
        Self {
            socket,
            silence,
            touch,
            is_brief: false,
            mapped: None,
            touched: None,
            rest: None,
            step: Step::Opening,
        }
    }

    /// Leaves it alone after its first use: a NAT that has forgotten a connection sees no more of it than one keep-alive, and may not keep
    /// that as long as what it has seen for some time.
    pub(super) fn brief(self, is_brief: bool) -> Self {
        Self { is_brief, ..self }
    }

    /// What the outside last saw of it.
    pub(super) fn mapped(&self) -> Option<SocketAddr> {
        self.mapped
    }

    /// How long it was left alone after something had come in.
    pub(super) fn rest(&self) -> Option<Duration> {
        self.rest
    }

    pub(super) fn is_over(&self) -> bool {
        self.step == Step::Over
    }

    pub(super) fn end(&mut self) {
        self.step = Step::Over;
    }

    /// It was told its address.
    pub(super) fn on_used(&mut self, now: Instant, mapped: SocketAddr) {
        self.mapped = Some(mapped);
        self.step = match self.step {
            Step::Opening if !self.is_brief => Step::Settling(now + NAT_SETTLE),
            _ => Step::Idle { touch: self.touch.map(|touch| now + touch), end: now + self.silence },
        };
    }

    pub(super) fn on_touched(&mut self, now: Instant) {
        self.touched = Some(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.step {
            Step::Settling(at) => Some(at),
            Step::Idle { touch, end } => earliest(touch, Some(end)),
            Step::Opening | Step::Settled | Step::Checking | Step::Over => None,
        }
    }

    /// What falls due; each is named once.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Due> {
        match self.step {
            Step::Settling(at) if now >= at => {
                self.step = Step::Settled;
                Some(Due::Use)
            }
            Step::Idle { touch: Some(touch), end } if now >= touch => {
                self.step = Step::Idle { touch: None, end };
                Some(Due::Touch)
            }
            Step::Idle { end, .. } if now >= end => {
                self.step = Step::Checking;
                self.rest = self.touched.map(|touched| now - touched);
                Some(Due::Check)
            }
            _ => None,
        }
    }
}
