//! TCP with rustls: TLS 1.3, AES-256-GCM, by ring or, tuned, by AWS-LC.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use anyhow::Result;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};

use super::blocking::Blocking;
use super::certificate::{self, NAME};
use super::tcp;
use crate::order::{Setup, Target};

pub(super) struct Tls;

pub(super) struct Dialer {
    setup: Setup,
    address: SocketAddr,
    config: Arc<ClientConfig>,
}

/// Either end: rustls has no type of its own for both.
pub(super) enum Stream {
    Client(StreamOwned<ClientConnection, TcpStream>),
    Server(StreamOwned<ServerConnection, TcpStream>),
}

impl Blocking for Tls {
    type Listener = (TcpListener, Arc<ServerConfig>);
    type Incoming = (TcpStream, Arc<ServerConfig>);
    type Dialer = Dialer;
    type Stream = Stream;

    fn listen(&self, setup: &Setup) -> Result<(Self::Listener, Target)> {
        let listener = tcp::listen(setup)?;
        let (config, key) = certificate::server(setup, &[])?;
        let target = Target { address: listener.local_addr()?, key };
        Ok(((listener, Arc::new(config)), target))
    }

    fn accept((listener, config): &Self::Listener) -> Result<Self::Incoming> {
        Ok((tcp::accept(listener)?, Arc::clone(config)))
    }

    fn establish((stream, config): Self::Incoming) -> Result<Stream> {
        let connection = ServerConnection::new(config)?;
        Ok(Stream::Server(StreamOwned::new(connection, stream)))
    }

    fn dialer(&self, setup: &Setup, target: &Target) -> Result<Dialer> {
        let config = Arc::new(certificate::client(setup, &target.key, &[])?);
        Ok(Dialer { setup: setup.clone(), address: target.address, config })
    }

    fn dial(dialer: &Dialer) -> Result<Stream> {
        let name = ServerName::try_from(NAME)?;
        let connection = ClientConnection::new(Arc::clone(&dialer.config), name)?;
        let stream = tcp::dial(&dialer.setup, dialer.address)?;
        Ok(Stream::Client(StreamOwned::new(connection, stream)))
    }

    fn close(stream: Stream) {
        drop(stream);
    }
}

impl std::io::Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Client(stream) => stream.read(out),
            Self::Server(stream) => stream.read(out),
        }
    }
}

impl std::io::Write for Stream {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Client(stream) => stream.write(data),
            Self::Server(stream) => stream.write(data),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Client(stream) => stream.flush(),
            Self::Server(stream) => stream.flush(),
        }
    }
}
