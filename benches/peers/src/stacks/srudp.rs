//! srudp with its blocking calls and its default settings.
//!
//! Of two ways to move data in bulk: as with any stream, into and out of the application's buffer; or without these copies.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use anyhow::Result;
use bytes::Bytes;
use srudp::proto::{EndpointConfig, TransportConfig};
use srudp::{ApplicationCode, CongestionAlgorithm, Connection, Endpoint, EndpointBuilder, PeerId};

use super::blocking::Blocking;
use crate::order::{Datagram, ETHERNET, KeyExchange, Setup, Target, Tuning};

/// What a table says that is not a default. With `ZERO_COPY` what is written is shared, and what is read borrowed.
#[derive(Default)]
pub(super) struct Srudp<const ZERO_COPY: bool = false> {
    pub(super) workers: Option<usize>,
    pub(super) aegis: Option<bool>,
}

pub(super) struct Dialer {
    endpoint: Endpoint,
    peer: PeerId,
    address: SocketAddr,
}

pub(super) struct Stream {
    connection: Connection,
    stream: srudp::Stream,
}

impl<const ZERO_COPY: bool> Blocking for Srudp<ZERO_COPY> {
    type Listener = Endpoint;
    type Incoming = Connection;
    type Dialer = Dialer;
    type Stream = Stream;

    fn listen(&self, setup: &Setup) -> Result<(Endpoint, Target)> {
        let endpoint = self.builder(setup, true).bind((setup.at, 0))?;
        let (address, key) = (endpoint.local_addr(), endpoint.peer_id().to_string());
        Ok((endpoint, Target { address, key }))
    }

    fn accept(endpoint: &Endpoint) -> Result<Connection> {
        Ok(endpoint.accept()?)
    }

    fn establish(connection: Connection) -> Result<Stream> {
        let stream = connection.accept_stream()?;
        Ok(Stream { connection, stream })
    }

    fn dialer(&self, setup: &Setup, target: &Target) -> Result<Dialer> {
        let endpoint = self.builder(setup, false).bind((setup.at, 0))?;
        Ok(Dialer { endpoint, peer: target.key.parse()?, address: target.address })
    }

    fn dial(dialer: &Dialer) -> Result<Stream> {
        let connection = dialer.endpoint.connect(dialer.peer, dialer.address)?;
        let stream = connection.open_stream()?;
        Ok(Stream { connection, stream })
    }

    fn write_chunk(stream: &mut Stream, chunk: &Bytes) -> io::Result<()> {
        match ZERO_COPY {
            true => stream.stream.write_bytes(chunk.clone()),
            false => stream.write_all(chunk),
        }
    }

    fn read_chunk(stream: &mut Stream, buffer: &mut [u8]) -> io::Result<usize> {
        match ZERO_COPY {
            true => Ok(stream.stream.read_with(<[u8]>::len)?.unwrap_or(0)),
            false => stream.read(buffer),
        }
    }

    fn close(stream: Stream) {
        stream.connection.close_now(ApplicationCode::ZERO, b"");
    }
}

impl<const ZERO_COPY: bool> Srudp<ZERO_COPY> {
    fn builder(&self, setup: &Setup, accept: bool) -> EndpointBuilder {
        let mut transport = transport(setup);
        if let Some(wanted) = self.aegis {
            transport = transport.aegis(wanted);
        }
        let builder = builder_with(setup, accept, transport);
        match self.workers {
            Some(workers) => builder.workers(workers),
            None => builder,
        }
    }
}

pub(super) fn builder(setup: &Setup, accept: bool) -> EndpointBuilder {
    builder_with(setup, accept, transport(setup))
}

fn transport(setup: &Setup) -> TransportConfig {
    let mut transport = TransportConfig::default();
    if setup.datagram == Datagram::Ethernet {
        transport = transport.max_udp_payload(usize::from(ETHERNET));
    }
    if setup.tuning != Tuning::Defaults {
        transport = transport.congestion(CongestionAlgorithm::Cubic);
    }
    if setup.keep_alive.is_some() {
        transport = transport.keep_alive(setup.keep_alive());
    }
    transport
}

fn builder_with(setup: &Setup, accept: bool, transport: TransportConfig) -> EndpointBuilder {
    let mut config = EndpointConfig::default().accept(accept).transport(transport);
    if setup.key_exchange == KeyExchange::X25519 {
        config = config.classical_only();
    }
    Endpoint::builder().config(config)
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.stream.read(out)
    }
}

impl Write for Stream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.stream.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
