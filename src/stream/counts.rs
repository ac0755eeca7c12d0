//! How many streams of one direction each side may open (RFC 9000 §4.6).

use super::pending::Pending;
use crate::base::limits::STREAMS_MAX;
use crate::wire::{Direction, TransportError};

/// One thing for bidirectional and one for unidirectional streams.
#[derive(Debug, Default)]
pub(super) struct PerDirection<T> {
    pub(super) bidirectional: T,
    pub(super) unidirectional: T,
}

impl<T> PerDirection<T> {
    /// The one for this direction.
    pub(super) fn get(&self, direction: Direction) -> &T {
        match direction {
            Direction::Bidirectional => &self.bidirectional,
            Direction::Unidirectional => &self.unidirectional,
        }
    }

    /// Likewise.
    pub(super) fn get_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Bidirectional => &mut self.bidirectional,
            Direction::Unidirectional => &mut self.unidirectional,
        }
    }
}

/// Streams that we open, within the peer's limit.
#[derive(Debug, Default)]
pub(super) struct Local {
    opened: u64,
    limit: u64,
    blocked: Pending<u64>,
    /// The application wanted a stream and could not have it.
    refused: bool,
}

impl Local {
    /// The index of a new stream, if the limit allows one.
    pub(super) fn open(&mut self) -> Option<u64> {
        if self.opened >= self.limit {
            self.refused = true;
            self.blocked.set(self.limit);
            return None;
        }
        self.opened += 1;
        Some(self.opened - 1)
    }

    /// The peer announced a limit. Returns whether the application waits for it.
    pub(super) fn raise(&mut self, limit: u64) -> bool {
        if limit <= self.limit {
            return false;
        }
        self.limit = limit;
        self.blocked.withdraw();
        std::mem::take(&mut self.refused)
    }

    /// The number of streams opened so far.
    pub(super) fn opened(&self) -> u64 {
        self.opened
    }

    /// The limit to complain about.
    pub(super) fn blocked(&mut self) -> &mut Pending<u64> {
        &mut self.blocked
    }

    /// The limit to complain about in the next packet.
    pub(super) fn blocked_due(&self) -> Option<u64> {
        self.blocked.due()
    }
}

/// Streams that the peer opens, within our limit.
#[derive(Debug)]
pub(super) struct Remote {
    concurrent: u64,
    closed: u64,
    limit: u64,
    announcement: Pending<u64>,
    opened: u64,
    accepted: u64,
    /// The application was told that it can accept and has not tried since.
    announced: bool,
}

impl Remote {
    /// At most `concurrent` streams at a time.
    pub(super) fn new(concurrent: u64) -> Self {
        let concurrent = concurrent.min(STREAMS_MAX);
        Self {
            concurrent,
            closed: 0,
            limit: concurrent,
            announcement: Pending::Unset,
            opened: 0,
            accepted: 0,
            announced: false,
        }
    }

    /// The peer used a stream. It and all below it are open now (RFC 9000 §3.2). Returns whether the application should be told.
    pub(super) fn open(&mut self, index: u64) -> Result<bool, TransportError> {
        if index >= self.limit {
            return Err(TransportError::STREAM_LIMIT);
        }
        self.opened = self.opened.max(index + 1);
        Ok(!std::mem::replace(&mut self.announced, true))
    }

    /// The next stream that the application has not seen.
    pub(super) fn accept(&mut self) -> Option<u64> {
        self.announced = false;
        let index = self.accepted;
        if index >= self.opened {
            return None;
        }
        self.accepted += 1;
        Some(index)
    }

    /// A stream is closed: the peer may open another one. Told in batches, so that short streams do not cost a frame each.
    pub(super) fn close(&mut self) {
        self.closed += 1;
        if self.allowed() - self.limit >= (self.concurrent / 8).max(1) {
            self.announce();
        }
    }

    /// The peer waits for the limit to rise.
    pub(super) fn on_blocked(&mut self) {
        if self.allowed() > self.limit {
            self.announce();
        }
    }

    fn announce(&mut self) {
        self.limit = self.allowed();
        self.announcement.set(self.limit);
    }

    fn allowed(&self) -> u64 {
        self.concurrent.saturating_add(self.closed).min(STREAMS_MAX)
    }

    /// The number of streams that the peer has opened.
    pub(super) fn opened(&self) -> u64 {
        self.opened
    }

    /// The limit that the peer has to hear of.
    pub(super) fn announcement(&mut self) -> &mut Pending<u64> {
        &mut self.announcement
    }

    /// The limit that is due in the next packet.
    pub(super) fn due(&self) -> Option<u64> {
        self.announcement.due()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_allowed_stream_opens_and_the_next_does_not() {
        let mut local = Local::default();
        local.raise(2);
        assert_eq!((local.open(), local.open(), local.open()), (Some(0), Some(1), None));
        assert_eq!(local.blocked_due(), Some(2));
        assert!(!local.raise(2), "no news");
        assert!(local.raise(3));
        assert_eq!((local.blocked_due(), local.open()), (None, Some(2)));
        assert!(!local.raise(4), "nobody waits");
    }

    #[test]
    fn a_peer_may_use_its_last_stream_and_not_the_one_behind() {
        let mut remote = Remote::new(3);
        assert_eq!(remote.open(3), Err(TransportError::STREAM_LIMIT));
        assert_eq!(remote.open(2), Ok(true));
        assert_eq!(remote.opened(), 3);
    }

    #[test]
    fn lower_streams_are_accepted_in_order() {
        let mut remote = Remote::new(10);
        remote.open(2).unwrap();
        let accepted: Vec<_> = std::iter::from_fn(|| remote.accept()).collect();
        assert_eq!(accepted, [0, 1, 2]);
    }

    #[test]
    fn the_application_is_told_once_until_it_accepts() {
        let mut remote = Remote::new(10);
        assert_eq!((remote.open(0), remote.open(1)), (Ok(true), Ok(false)));
        remote.accept();
        assert_eq!(remote.open(2), Ok(true));
    }

    #[test]
    fn closed_streams_raise_the_limit_in_batches_or_when_the_peer_waits() {
        let mut remote = Remote::new(16);
        remote.close();
        assert_eq!(remote.due(), None);
        remote.on_blocked();
        assert_eq!(remote.due(), Some(17));
        remote.close();
        remote.close();
        assert_eq!(remote.due(), Some(19));
    }

    #[test]
    fn a_single_stream_is_replaced_at_once() {
        let mut remote = Remote::new(1);
        remote.close();
        assert_eq!(remote.due(), Some(2));
    }

    #[test]
    fn the_number_of_streams_ends_where_ids_end() {
        let mut remote = Remote::new(u64::MAX);
        remote.close();
        remote.on_blocked();
        assert_eq!(remote.due(), None);
        assert_eq!(remote.open(STREAMS_MAX), Err(TransportError::STREAM_LIMIT));
    }
}
