//! Does a mapping end however busy it is? One socket asks all the time which address it has.

use std::net::SocketAddr;
use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{NAT_WATCH, NAT_WATCH_INTERVAL};

/// One busy mapping.
#[derive(Debug)]
pub(super) struct Watch {
    /// The mapping, and when it was first seen.
    mapped: Option<(SocketAddr, Instant)>,
    next: Option<Instant>,
    end: Instant,
    /// How long a busy mapping was seen to live at most.
    ended: Option<Duration>,
    watched: Duration,
}

impl Watch {
    /// Where ports are preserved, the mapping that follows looks like the one that ended, and there is nothing to watch for. Nor is there if
    /// nobody asked.
    pub(super) fn new(now: Instant, blind: bool) -> Self {
        Self {
            mapped: None,
            next: (!blind).then_some(now),
            end: if blind { now } else { now + NAT_WATCH },
            ended: None,
            watched: Duration::ZERO,
        }
    }

    /// Time has passed. Returns whether to ask.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        if self.next.is_none_or(|next| now < next) {
            return false;
        }
        let over = self.is_over(now);
        self.next = (!over).then(|| now + NAT_WATCH_INTERVAL);
        !over
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }

    pub(super) fn on_mapped(&mut self, now: Instant, mapped: SocketAddr) {
        match self.mapped {
            Some((before, since)) if before == mapped => {
                self.watched = self.watched.max(now - since);
            }
            Some((_, since)) => {
                self.ended = self.ended.or(Some(now - since));
                self.mapped = Some((mapped, now));
            }
            None => self.mapped = Some((mapped, now)),
        }
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ended.is_some() || now >= self.end
    }

    /// After how long it ended, if it did.
    pub(super) fn ended(&self) -> Option<Duration> {
        self.ended
    }

    /// The longest life that was seen.
    pub(super) fn watched(&self) -> Duration {
        self.watched
    }
}
