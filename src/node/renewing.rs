//! Connected peers tell each other where they may be reached now, and search for a path again (SPEC §18.7).

use super::renewal::{Asked, Offered, Vain};
use super::{Node, NodeEvent, links::Link};
use crate::base::limits::{INITIAL_RTT, NODE_RENEWAL_PAUSE};
use crate::base::{Instant, time::earliest};
use crate::connection::PeerList;
use crate::endpoint::ConnectionHandle;
use crate::nat::{Description, Failure, Gathered, PunchConfig, PunchReport, Strategy};
use crate::wire::{Role, TransportError};

/// The numbers of both lists, ours first.
type Generations = (u64, u64);

impl Node {
    /// Looks at what has come, and tells what is new.
    pub(super) fn renew(&mut self, now: Instant) {
        for handle in self.links.take_due(now) {
            self.read_list(now, handle);
            self.repeat(now, handle);
            self.tell_list(now, handle);
            self.answer_list(now, handle);
            self.doubt(now, handle);
        }
    }

    pub(super) fn is_by_relay(&mut self, handle: ConnectionHandle) -> bool {
        let remote = self.endpoint.connection(handle).map(|it| it.remote_address());
        let link = self.links.get(handle);
        remote.is_some_and(|remote| link.is_some_and(|link| link.is_relayed(remote)))
    }

    fn read_list(&mut self, now: Instant, handle: ConnectionHandle) {
        let Some(link) = self.links.get_mut(handle) else { return };
        let Some(connection) = self.endpoint.connection(handle) else { return };
        if !link.is_confirmed() || !link.renewal.take_mail(now) {
            return;
        }
        let yields = connection.role() == Role::Responder;
        let Some(PeerList { generation, answers, start, description }) =
            connection.take_candidates()
        else {
            return;
        };
        let Some(description) = Description::decode(&description) else {
            return connection.refuse(now, TransportError::FRAME_ENCODING);
        };
        link.reach.renew(&description, &self.gatherings.destinations());
        let ips = link.reach.ips().clone();
        if answers == 0 {
            link.renewal.ask(now, yields, Asked { generation, description });
        } else if let Some(Offered { generation: ours, gathered, .. }) =
            link.renewal.take_answered(answers)
        {
            self.search_again(now, handle, (&gathered, description), (ours, generation), start);
        }
        // Who was told before is let in no more, so that there is always room for others.
        self.retire(now);
        self.relays.permit(now, &ips);
        self.links.hurry(now);
    }

    /// Searches that have found nothing are made again, as long as the connection goes by relay.
    fn repeat(&mut self, now: Instant, handle: ConnectionHandle) {
        let is_by_relay = self.is_by_relay(handle);
        let is_fresh = self.gatherings.fresh_by(now).is_none();
        let Some(Link { renewal, .. }) = self.links.get_mut(handle) else { return };
        if renewal.take_again(now) && is_by_relay {
            renewal.want(is_fresh);
        }
    }

    /// Tells the peer what was gathered, if it is new to it.
    fn tell_list(&mut self, now: Instant, handle: ConnectionHandle) {
        let is_by_relay = self.is_by_relay(handle);
        let Some(known) = self.gatherings.known() else { return };
        let Some(link) = self.links.get_mut(handle) else { return };
        let is_asked = link.renewal.answer_at().is_some() && is_by_relay;
        if !link.is_confirmed() || is_asked || !link.renewal.take_news() {
            return;
        }
        let wanted = link.renewal.wants_list() && is_by_relay;
        let is_elsewhere = link.reach.is_elsewhere(&known.description);
        if is_elsewhere {
            link.renewal.on_changed();
        }
        // A direct path that was lost may have gone by the port that is another one now.
        let is_news = link.direct.is_some() && link.reach.is_news(&known.description);
        if !(wanted || is_elsewhere || is_news) {
            return;
        }
        let Some(connection) = self.endpoint.connection(handle) else { return };
        let generation = connection.tell_candidates(None, known.description.encode());
        link.reach.on_told(&known.description);
        link.renewal.offer(now, generation, Box::new(known.clone()));
    }

    /// Answers a peer that has asked, as soon as that is allowed and it is known what to say.
    fn answer_list(&mut self, now: Instant, handle: ConnectionHandle) {
        let Some(link) = self.links.get(handle) else { return };
        let Some(at) = link.renewal.answer_at() else { return };
        let is_by_relay = self.is_by_relay(handle);
        let known_at = self.gatherings.fresh_by(now);
        let has_room = self.searches.have_room();
        let Some(Link { renewal, reach, .. }) = self.links.get_mut(handle) else { return };
        // What works needs no search.
        if !is_by_relay {
            renewal.take_asked();
            return;
        }
        let later = if has_room { at } else { at.max(now + NODE_RENEWAL_PAUSE) };
        if now < later {
            renewal.due = earliest(renewal.due, Some(later));
            return;
        }
        match (known_at, self.gatherings.known()) {
            (Some(at), _) if now < at => {
                renewal.due = earliest(renewal.due, Some(at));
                if self.gatherings.suspect(now) {
                    self.events.push_back(NodeEvent::Outdated);
                }
            }
            (_, Some(known)) => {
                let (known, Some(asked)) = (known.clone(), renewal.take_asked()) else { return };
                let Some(connection) = self.endpoint.connection(handle) else { return };
                // Twice the way there: even if it has to be told again, both can begin at the same time.
                let start = now + connection.round_trip().unwrap_or(INITIAL_RTT) * 2;
                let answer = Some((asked.generation, start));
                let ours = connection.tell_candidates(answer, known.description.encode());
                reach.on_told(&known.description);
                renewal.take_news();
                let generations = (ours, asked.generation);
                self.search_again(now, handle, (&known, asked.description), generations, start);
            }
            _ => drop(renewal.take_asked()),
        }
    }

    /// Has all gathered anew, unless that was done a moment ago.
    fn doubt(&mut self, now: Instant, handle: ConnectionHandle) {
        let is_by_relay = self.is_by_relay(handle);
        let Some(link) = self.links.get_mut(handle) else { return };
        if link.renewal.take_doubt() && is_by_relay && self.gatherings.suspect(now) {
            self.events.push_back(NodeEvent::Outdated);
        }
    }

    /// Searches for a direct path beside the one that is there.
    fn search_again(
        &mut self,
        now: Instant,
        handle: ConnectionHandle,
        (ours, theirs): (&Gathered, Description),
        (our_number, their_number): Generations,
        start: Instant,
    ) {
        let own = self.endpoint.peer_id();
        let Some(connection) = self.endpoint.connection(handle) else { return };
        let (peer, secret) =
            (connection.peer_id(), connection.search_secret(our_number, their_number));
        let descriptions = (ours.description.clone(), theirs);
        let config = PunchConfig::from_connection(&own, peer, &secret, descriptions, start);
        let Some(config) = config else { return };
        let (direct, _) = self.taught(ours.prepare(config)).split(&[]);
        let direct = self.punch(direct);
        let vain = Vain { is_final: false, is_wide: direct.is_wide() };
        self.requests.extend(self.searches.give_up_for(now, handle));
        let begun = self.searches.start_for(direct, handle);
        if let Some(link) = self.links.get_mut(handle) {
            link.renewal.on_searched(now);
            if begun.is_err() {
                link.renewal.on_failed(now, vain);
            }
        }
    }

    /// The search of a connection has found no direct path: the one that both have met by, or a later one.
    pub(super) fn on_no_direct(
        &mut self,
        now: Instant,
        connection: ConnectionHandle,
        (failure, report, is_first): (Failure, PunchReport, bool),
    ) {
        let role = self.endpoint.connection(connection).map(|it| it.role());
        let Some(Link { renewal, .. }) = self.links.get_mut(connection) else { return };
        let is_wide = matches!(report.strategy, Strategy::Guess | Strategy::Many);
        let vain = Vain { is_final: failure.is_final(), is_wide };
        if !is_first {
            return renewal.on_failed(now, vain);
        }
        let begun = now - report.elapsed.unwrap_or_default();
        renewal.on_met(now, begun, (vain, role == Some(Role::Responder)));
    }
}

#[cfg(test)]
mod tests;
