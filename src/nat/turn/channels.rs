//! Numbers that stand for peers, so that packets need four bytes of header (RFC 8656 §12).
//!
//! ```text
//!           relay agrees          forgotten              15 minutes later
//!  Binding ─────────────▶ Bound ─────────────▶ Resting ──────────────────▶ (free)
//!     │                     └── every 9 minutes: asked for again
//!     └─ relay refuses ──▶ Refused: no number for this peer, until it is forgotten
//! ```
//!
//! A number stands for the same peer for as long as the relay may remember it, and then for some time (RFC 8656 §12).

use std::net::SocketAddr;

use crate::base::Instant;
use crate::base::limits::{TURN_CHANNEL_LIFETIME, TURN_CHANNEL_REST, TURN_CHANNELS, TURN_MARGIN};
use crate::base::time::earliest;

/// The lowest number of a channel (RFC 8656 §12).
const FIRST: u16 = 0x4000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Binding,
    Bound { until: Instant },
    Refused,
    Resting,
}

#[derive(Debug)]
struct Channel {
    peer: SocketAddr,
    state: State,
    /// Bound: when to ask again; `None` while a request is on its way. Resting: when the number is free.
    due: Option<Instant>,
}

/// The channels, by their numbers from [`FIRST`] up.
#[derive(Debug, Default)]
pub(super) struct Channels(Vec<Option<Channel>>);

impl Channels {
    /// The peer that a number stands for at the relay. Whether it is to be heard is another matter.
    pub(super) fn peer(&self, number: u16) -> Option<SocketAddr> {
        let index = usize::from(number.checked_sub(FIRST)?);
        let channel = self.0.get(index)?.as_ref()?;
        // Data may come before the relay's answer has, and as long as the relay remembers a number that we do not ask for any more.
        (channel.state != State::Refused).then_some(channel.peer)
    }

    /// The number that stands for a peer at the moment.
    pub(super) fn number(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        let bound = |channel: &Channel| {
            matches!(channel.state, State::Bound { until } if now < until) && channel.peer == peer
        };
        let index = self.0.iter().position(|slot| slot.as_ref().is_some_and(bound))?;
        Some(FIRST + u16::try_from(index).ok()?)
    }

    /// A number for a peer, to be asked for now. `None` if it has one, was refused one, or all are taken.
    pub(super) fn open(&mut self, peer: SocketAddr) -> Option<u16> {
        let fresh = || Some(Channel { peer, state: State::Binding, due: None });
        let of_peer = |slot: &Option<Channel>| slot.as_ref().is_some_and(|it| it.peer == peer);
        let index = match self.0.iter().position(of_peer) {
            Some(index) => {
                let slot = self.0.get_mut(index)?;
                if slot.as_ref()?.state != State::Resting {
                    return None;
                }
                *slot = fresh();
                index
            }
            None => match self.0.iter().position(Option::is_none) {
                Some(index) => {
                    *self.0.get_mut(index)? = fresh();
                    index
                }
                None if self.0.len() < usize::from(TURN_CHANNELS) => {
                    self.0.push(fresh());
                    self.0.len() - 1
                }
                None => return None,
            },
        };
        Some(FIRST + u16::try_from(index).ok()?)
    }

    /// The relay has answered the request for a number.
    pub(super) fn on_answer(&mut self, now: Instant, number: u16, agreed: bool) {
        let Some(channel) = self.get_mut(number) else { return };
        if channel.state == State::Resting {
            return;
        }
        (channel.state, channel.due) = if agreed {
            let until = now + TURN_CHANNEL_LIFETIME;
            (State::Bound { until }, Some(until - TURN_MARGIN))
        } else {
            (State::Refused, None)
        };
    }

    /// Asks for it no more.
    pub(super) fn forget(&mut self, now: Instant, peer: SocketAddr) {
        for slot in &mut self.0 {
            let Some(channel) = slot.as_mut().filter(|channel| channel.peer == peer) else {
                continue;
            };
            match channel.state {
                State::Refused => *slot = None,
                State::Resting => {}
                State::Binding | State::Bound { .. } => {
                    channel.state = State::Resting;
                    channel.due = Some(now + (TURN_CHANNEL_LIFETIME + TURN_CHANNEL_REST));
                }
            }
        }
    }

    /// The peers with a channel.
    pub(super) fn peers(&self) -> impl Iterator<Item = SocketAddr> {
        let channels = self.0.iter().flatten();
        channels.filter(|channel| channel.state != State::Resting).map(|channel| channel.peer)
    }

    /// One to ask for again; it counts as asked for. Numbers that have rested become free.
    pub(super) fn poll_due(&mut self, now: Instant) -> Option<(u16, SocketAddr)> {
        for (number, slot) in (FIRST..).zip(&mut self.0) {
            let Some(channel) = slot else { continue };
            if channel.due.is_none_or(|due| now < due) {
                continue;
            }
            if channel.state != State::Resting {
                channel.due = None;
                return Some((number, channel.peer));
            }
            *slot = None;
        }
        None
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.0.iter().flatten().map(|channel| channel.due).fold(None, earliest)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn get_mut(&mut self, number: u16) -> Option<&mut Channel> {
        self.0.get_mut(usize::from(number.checked_sub(FIRST)?))?.as_mut()
    }
}
