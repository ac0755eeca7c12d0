//! What the proxy is to do, however it was asked.

use std::net::SocketAddr;
use std::time::Duration;

use srudp_links::LinkConfig;

/// A proxy between `listen` and `to`.
#[derive(Debug, Clone)]
pub(crate) struct LinkOptions {
    /// Where clients send to. Port 0 is any free port.
    pub(crate) listen: SocketAddr,
    /// Where their datagrams go.
    pub(crate) to: SocketAddr,
    /// What happens on the way to `to`.
    pub(crate) up: LinkConfig,
    /// What happens on the way back.
    pub(crate) down: LinkConfig,
    /// Decides what happens to which packet.
    pub(crate) seed: u64,
    /// Time between two rebinds.
    pub(crate) rebind_every: Option<Duration>,
    /// Time between two reports on stderr.
    pub(crate) report_every: Option<Duration>,
    /// When to stop unasked.
    pub(crate) duration: Option<Duration>,
}

impl LinkOptions {
    /// A proxy that behaves alike in both directions.
    pub(crate) fn new(listen: SocketAddr, to: SocketAddr, both: LinkConfig) -> Self {
        Self {
            listen,
            to,
            up: both.clone(),
            down: both,
            seed: 1,
            rebind_every: None,
            report_every: None,
            duration: None,
        }
    }
}
