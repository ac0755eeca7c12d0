//! What there is to tell peers: asked for once, and known to all who want it until it grows old.

use super::{Core, Key};
use crate::base::Instant;
use crate::base::limits::TICKET_LIFE;
use crate::nat::{GatherConfig, Gathered, LocalNetwork, SocketId};

/// What is known.
#[derive(Debug, Default)]
pub(super) enum Knowledge {
    #[default]
    Nothing,
    Asked,
    /// Since then.
    Known(Instant, Box<Gathered>),
}

impl Core {
    /// What there is to tell peers, and how old it is at most: half a ticket's life. If that is not known, it is asked for.
    pub(crate) fn gather(&mut self, now: Instant, config: &GatherConfig) -> Option<Gathered> {
        match &self.knowledge {
            Knowledge::Known(at, gathered) if now - *at < TICKET_LIFE / 2 => {
                return Some(Gathered::clone(gathered));
            }
            Knowledge::Asked => {}
            Knowledge::Nothing | Knowledge::Known(..) => {
                self.knowledge = Knowledge::Asked;
                self.asked = Some(config.clone());
                self.node.gather(now, config.clone());
            }
        }
        None
    }

    /// What is known is not true any more, or may not be. Who is connected by a path that was searched has to know what is.
    pub(super) fn on_outdated(&mut self, now: Instant) {
        self.forget_gathered();
        if let Some(config) = self.asked.clone().filter(|_| self.node.has_links()) {
            self.knowledge = Knowledge::Asked;
            self.node.gather(now, config.networks(&networks()));
        }
    }

    pub(super) fn on_gathered(&mut self, now: Instant, gathered: Box<Gathered>) {
        self.knowledge = Knowledge::Known(now, gathered);
        self.waits.wake(Key::Gathered);
    }

    /// It is not true any more, or of no use: who wants it has to ask again.
    pub(crate) fn forget_gathered(&mut self) {
        self.knowledge = Knowledge::Nothing;
        self.waits.wake(Key::Gathered);
    }

    /// A spare socket was opened and has this address, or could not be opened.
    pub(in crate::driver) fn on_opened(
        &mut self,
        now: Instant,
        socket: SocketId,
        local: Option<std::net::SocketAddr>,
    ) {
        self.node.handle_opened(now, socket, local);
    }

    /// A TCP connection to a relay was made.
    pub(in crate::driver) fn on_connected(&mut self, now: Instant, stream: SocketId) {
        self.node.handle_connected(now, stream);
    }

    /// Bytes came in on it.
    pub(in crate::driver) fn on_bytes(&mut self, now: Instant, stream: SocketId, bytes: &[u8]) {
        self.node.handle_stream(now, stream, bytes);
    }

    /// It has ended, or could not be made.
    pub(in crate::driver) fn on_disconnected(&mut self, now: Instant, stream: SocketId) {
        self.node.handle_disconnected(now, stream);
    }
}

/// The networks of this host, as far as they can be known.
pub(crate) fn networks() -> Vec<LocalNetwork> {
    #[cfg(feature = "interfaces")]
    let networks = crate::driver::local_networks().unwrap_or_default();
    #[cfg(not(feature = "interfaces"))]
    let networks = Vec::new();
    networks
}
