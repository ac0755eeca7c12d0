//! srudp with its streams for tasks, served by a task, under tokio.

use std::net::SocketAddr;

use anyhow::Result;
use srudp::{
    ApplicationCode, AsyncRecvStream, AsyncSendStream, Connection, Endpoint, PeerId, Stream,
};

use super::srudp::builder;
use super::tasks::{Session, Tasks};
use crate::order::{Setup, Target};

pub(super) struct Srudp;

pub(super) struct Dialer {
    endpoint: Endpoint,
    peer: PeerId,
    address: SocketAddr,
}

impl Tasks for Srudp {
    type Listener = Endpoint;
    type Incoming = Connection;
    type Dialer = Dialer;
    type Connection = Connection;
    type Writer = AsyncSendStream;
    type Reader = AsyncRecvStream;

    async fn listen(setup: &Setup) -> Result<(Endpoint, Target)> {
        let endpoint = builder(setup, true).bind_in_tokio((setup.at, 0))?;
        let (address, key) = (endpoint.local_addr(), endpoint.peer_id().to_string());
        Ok((endpoint, Target { address, key }))
    }

    async fn accept(endpoint: &mut Endpoint) -> Result<Connection> {
        Ok(endpoint.accept_async().await?)
    }

    async fn establish(connection: Connection) -> Result<Session<Self>> {
        let stream = connection.accept_stream_async().await?;
        Ok(session(connection, stream))
    }

    async fn dialer(setup: &Setup, target: &Target) -> Result<Dialer> {
        let endpoint = builder(setup, false).bind_in_tokio((setup.at, 0))?;
        Ok(Dialer { endpoint, peer: target.key.parse()?, address: target.address })
    }

    async fn dial(dialer: &Dialer) -> Result<Session<Self>> {
        let connection = dialer.endpoint.connect_async(dialer.peer, dialer.address).await?;
        let stream = connection.open_stream_async().await?;
        Ok(session(connection, stream))
    }

    fn close(session: Session<Self>) {
        session.connection.close_now(ApplicationCode::ZERO, b"");
    }
}

fn session(connection: Connection, stream: Stream) -> Session<Srudp> {
    let (writer, reader) = stream.into_async().into_split();
    Session { connection, writer, reader }
}
