//! Two endpoints on loopback and a connection between them.

use srudp::proto::TransportConfig;
use srudp::{Connection, Endpoint, Identity};

/// Field order is drop order: connections go before their endpoints.
pub(crate) struct Pair {
    pub(crate) dialler: Connection,
    pub(crate) listener: Connection,
    pub(crate) dialling: Endpoint,
    pub(crate) listening: Endpoint,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(TransportConfig::default())
    }

    pub(crate) fn with(transport: TransportConfig) -> Self {
        let listening = listener(transport.clone());
        let dialling = dialler(transport);
        let dialler = dialling.connect(listening.peer_id(), listening.local_addr()).unwrap();
        let listener = listening.accept().unwrap();
        assert_eq!(dialler.peer_id(), listening.peer_id());
        assert_eq!(listener.peer_id(), dialling.peer_id());
        Self { dialler, listener, dialling, listening }
    }
}

pub(crate) fn listener(transport: TransportConfig) -> Endpoint {
    let builder = Endpoint::builder().identity(Identity::generate()).accept(true);
    builder.transport(transport).bind("127.0.0.1:0").unwrap()
}

pub(crate) fn dialler(transport: TransportConfig) -> Endpoint {
    Endpoint::builder().transport(transport).bind("127.0.0.1:0").unwrap()
}
