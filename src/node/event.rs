//! What a node tells its owner.

use std::net::SocketAddr;

use super::search::SearchHandle;
use super::{Node, detour};
use crate::endpoint::{ConnectError, ConnectionHandle, Event};
use crate::nat::turn::TurnError;
use crate::nat::{Failure, Gathered, PunchReport, Scope, SocketId, Winner};

/// Where the packets of a connection go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The peer, or its relay.
    pub remote: SocketAddr,
    /// The socket that they leave from.
    pub socket: SocketId,
    /// Whether a relay stands between: ours, or the peer's.
    pub relayed: bool,
}

/// Something that the owner of a node wants to know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NodeEvent {
    /// Something about connections.
    Transport(Event),
    /// What peers may be told, after [`Node::gather`].
    Gathered(Box<Gathered>),
    /// What was gathered is true no longer, or may not be: gather again, and tell peers whom you will meet. Those that are connected, and
    /// were searched, are told without you as soon as something else was gathered, and a direct path to them is searched anew if there
    /// is none.
    Outdated,
    /// A path was found, and the peer is dialled on it: [`Event::Connected`] or [`Event::Closed`] follow. If it is by a relay, a direct one
    /// is still searched: [`Self::Moved`] or [`Self::NoDirect`] tells how that went.
    Found(SearchHandle, Winner, ConnectionHandle, PunchReport),
    /// There is no path.
    NotFound(SearchHandle, Failure, PunchReport),
    /// There is no direct path; the connection stays with the relay. Unless that is certain, another search begins without you, after 5, 10,
    /// 20 s and so on up to an hour, until there is one: [`Self::Moved`] tells.
    NoDirect(SearchHandle, Failure, PunchReport),
    /// A path was found, but the endpoint does not dial.
    NotDialled(SearchHandle, ConnectError),
    /// The direct path of a connection is silent, and it is tried whether the peer answers by the relay. If it does, [`Self::Moved`] tells:
    /// the path has died, the peer has not.
    Silent(ConnectionHandle),
    /// A connection goes another way now.
    Moved(ConnectionHandle, Route),
    /// A relay of ours is gone, or gives us no address. It is asked anew, after a while. Connections that have a direct path do not
    /// notice.
    RelayLost(SocketAddr, TurnError),
}

impl Node {
    /// The next event.
    pub fn poll_event(&mut self) -> Option<NodeEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let event = self.endpoint.poll_event()?;
            if let Some(event) = self.follow(event) {
                return Some(event);
            }
        }
    }

    /// A path that was found lives as long as its connection, wherever the peer goes.
    fn follow(&mut self, event: Event) -> Option<NodeEvent> {
        match event {
            Event::PathChanged(handle, remote) => {
                let Some(link) = self.links.get_mut(handle) else {
                    return Some(NodeEvent::Transport(event));
                };
                if !link.is_relayed(remote) {
                    link.renewal.on_direct();
                    if let Some(way) = &mut link.direct {
                        way.remote = remote;
                        self.routes.add(remote, way.socket);
                    }
                } else if link.is_confirmed() {
                    link.renewal.on_fallen();
                }
                return Some(NodeEvent::Moved(handle, self.route_to(handle, remote)));
            }
            // A peer behind our relay is told the name that it has here.
            Event::ObservedAddress(_, seen) if Scope::of(seen.ip()) == Scope::Unusable => {
                return None;
            }
            Event::Candidates(handle) => {
                if let Some(link) = self.links.get_mut(handle) {
                    link.renewal.on_mail();
                }
                return None;
            }
            Event::Confirmed(handle) => self.links.on_confirmed(handle),
            Event::Accepted(handle) => {
                let connection = self.endpoint.connection(handle);
                let seen = connection.map(|it| (it.peer_id(), it.is_confirmed()));
                if let Some((peer, confirmed)) = seen
                    && let Some(reach) = self.searches.adopt(peer, handle)
                {
                    self.links.adopt(handle, confirmed, reach);
                    if self.endpoint.transport().is_kept_alive_by_others() {
                        self.keep_alive_from_now_on(handle);
                    }
                }
            }
            _ => {}
        }
        Some(NodeEvent::Transport(event))
    }

    pub(super) fn route_to(&self, handle: ConnectionHandle, remote: SocketAddr) -> Route {
        let relayed = self.links.get(handle).is_some_and(|link| link.is_relayed(remote));
        match detour::meaning(remote) {
            Some((_, peer)) => Route { remote: peer, socket: SocketId::MAIN, relayed: true },
            None => Route { remote, socket: self.routes.socket_for(remote), relayed },
        }
    }
}
