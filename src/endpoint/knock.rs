//! PUNCH packets: answered without state, or heard by the attempt that knocks (SPEC §4, §5.5).

use std::net::SocketAddr;

use super::slot::{Slot, State};
use super::{Endpoint, canonical};
use crate::base::Instant;
use crate::connection::Arrival;
use crate::wire::{HandshakeId, Long, PUNCH_LEN, Punch, PunchFlags, decode_long};

impl Endpoint {
    pub(super) fn on_punch(&mut self, now: Instant, arrival: Arrival, punch: &Punch) {
        // Our own knock, reflected, says nothing about the peer.
        if self.closed || self.open.with_hid(punch.source).is_some() {
            return;
        }
        let mut belonging = self.open.belonging(arrival.remote, punch.destination);
        if belonging.is_empty() {
            // Both may have found several ways to each other, and have begun on different ones.
            belonging.extend(self.open.all().filter(|index| self.vouches(*index, punch)));
        }
        if belonging.is_empty() {
            if self.config.accept && punch.flags.contains(PunchFlags::DIALLING) {
                let source = self.cookies.listener_hid(punch.source);
                self.answer_punch(now, arrival, source, Some(punch), PunchFlags::LISTENING);
            } else {
                self.stats.dropped += 1;
            }
            return;
        }
        for index in belonging {
            self.on_attempt_punched(now, arrival, index, punch);
        }
    }

    /// Whether a dial is under way.
    pub(crate) fn is_dialling(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether the first message of a handshake belongs to a dial that is under way (SPEC §5.6).
    pub(crate) fn expects(&self, remote: SocketAddr, message: &[u8]) -> bool {
        let destination = match decode_long(message) {
            Ok(Long::Handshake(fragment)) => fragment.header.destination,
            _ => HandshakeId::ZERO,
        };
        !self.open.belonging(canonical(remote), destination).is_empty()
    }

    /// Whether the knock shows the key of this attempt.
    fn vouches(&self, index: u32, punch: &Punch) -> bool {
        match self.slots.get(index as usize) {
            Some(Slot { state: State::Dialling(attempt), .. }) => attempt.vouches(punch),
            _ => false,
        }
    }

    fn on_attempt_punched(&mut self, now: Instant, arrival: Arrival, index: u32, punch: &Punch) {
        let Some(Slot { state: State::Dialling(attempt), .. }) = self.slots.get_mut(index as usize)
        else {
            return;
        };
        let (hid, unheard) = (attempt.hid(), punch.echo != attempt.transaction());
        if attempt.on_punch(now, punch) {
            let protocol = &self.config.application_protocol;
            let entropy = &mut *self.entropy;
            // A responder that offers nothing we speak is as good as silent: the dial times out.
            if attempt.ask(now, &self.identity, protocol, Some(punch), entropy).is_err() {
                self.stats.handshakes_failed += 1;
            }
        } else if unheard && punch.flags.contains(PunchFlags::DIALLING) {
            // The other side knocks too and has not heard us yet. The answer is no knock itself, so it is not answered.
            self.answer_punch(now, arrival, hid, Some(punch), PunchFlags::LISTENING);
        }
        self.touch(index);
    }

    /// Asks for the same PUBLIC_KEY again, with a cookie that proves the address.
    pub(super) fn ask_for_cookie(&mut self, now: Instant, arrival: Arrival, source: HandshakeId) {
        if arrival.datagram < PUNCH_LEN {
            return;
        }
        let punch = Punch {
            destination: source,
            source: self.cookies.listener_hid(source),
            offered: self.config.offered,
            flags: PunchFlags::RESEND,
            transaction: self.entropy.array(),
            echo: [0; 8],
            cookie: self.cookies.mint(now, arrival.remote),
            tag: [0; 16],
        };
        self.outbox.push(arrival.remote, arrival.local, punch.encode().to_vec());
    }

    fn answer_punch(
        &mut self,
        now: Instant,
        arrival: Arrival,
        source: HandshakeId,
        heard: Option<&Punch>,
        flags: PunchFlags,
    ) {
        let punch = Punch {
            destination: heard.map_or(HandshakeId::ZERO, |heard| heard.source),
            source,
            offered: self.config.offered,
            flags,
            transaction: self.entropy.array(),
            echo: heard.map_or([0; 8], |heard| heard.transaction),
            cookie: self.cookies.mint(now, arrival.remote),
            tag: [0; 16],
        };
        self.outbox.push(arrival.remote, arrival.local, punch.encode().to_vec());
    }
}
