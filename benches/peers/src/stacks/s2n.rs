//! s2n-quic with s2n-tls, as it comes.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use s2n_quic::client::Connect;
use s2n_quic::connection::Connection;
use s2n_quic::provider::congestion_controller::{Bbr, Cubic};
use s2n_quic::provider::io::tokio::{Builder as IoBuilder, Provider as Io};
use s2n_quic::provider::limits::Limits;
use s2n_quic::provider::tls::default as tls;
use s2n_quic::stream::{ReceiveStream, SendStream};
use s2n_quic::{Client, Server};
use s2n_tls::security::Policy;

use super::certificate::{Certificate, NAME};
use super::tasks::{Session, Tasks};
use crate::order::{Datagram, ETHERNET, KeyExchange, Setup, Target, Tuning};

const ALPN: [&[u8]; 1] = [b"peers"];

/// Headers of IPv4 and UDP: s2n-quic counts them to its MTU.
const HEADERS: u16 = 28;

/// About the largest that it discovers.
const BEST_DATAGRAM: u16 = 8900;

/// Windows for 1 Gbit/s at 100 ms.
const WINDOW: u64 = 16 << 20;

/// The window is useless if the connection may not hold it ready to be sent again.
const SEND_BUFFER: u32 = 16 << 20;

pub(super) struct S2n;

impl Tasks for S2n {
    type Listener = Server;
    type Incoming = Connection;
    type Dialer = (Client, SocketAddr, Setup);
    type Connection = s2n_quic::connection::Handle;
    type Writer = SendStream;
    type Reader = ReceiveStream;

    async fn listen(setup: &Setup) -> Result<(Server, Target)> {
        let certificate = Certificate::generate()?;
        let mut tls = tls::Server::builder()
            .with_certificate(certificate.pem.as_str(), certificate.key_pem.as_str())?
            .with_application_protocols(ALPN)?;
        tls.config_mut().set_security_policy(&policy(setup)?)?;
        let builder = Server::builder()
            .with_tls(tls.build()?)?
            .with_io(io(setup)?)?
            .with_limits(limits(setup)?)?;
        let server = if setup.tuning == Tuning::WindowsAndBbr {
            builder.with_congestion_controller(Bbr::default())?.start()
        } else {
            builder.with_congestion_controller(Cubic::default())?.start()
        };
        let server = server.context("s2n-quic does not start")?;
        let target = Target { address: server.local_addr()?, key: certificate.pem };
        Ok((server, target))
    }

    async fn accept(server: &mut Server) -> Result<Connection> {
        server.accept().await.context("the endpoint is closed")
    }

    async fn establish(mut connection: Connection) -> Result<Session<Self>> {
        let stream = connection.accept_bidirectional_stream().await?;
        let (reader, writer) = stream.context("the connection is closed")?.split();
        Ok(Session { connection: connection.handle(), writer, reader })
    }

    async fn dialer(setup: &Setup, target: &Target) -> Result<Self::Dialer> {
        let mut tls = tls::Client::builder()
            .with_certificate(target.key.as_str())?
            .with_application_protocols(ALPN)?;
        tls.config_mut().set_security_policy(&policy(setup)?)?;
        let builder = Client::builder()
            .with_tls(tls.build()?)?
            .with_io(io(setup)?)?
            .with_limits(limits(setup)?)?;
        let client = if setup.tuning == Tuning::WindowsAndBbr {
            builder.with_congestion_controller(Bbr::default())?.start()
        } else {
            builder.with_congestion_controller(Cubic::default())?.start()
        };
        Ok((client.context("s2n-quic does not start")?, target.address, setup.clone()))
    }

    async fn dial((client, address, setup): &Self::Dialer) -> Result<Session<Self>> {
        let connect = Connect::new(*address).with_server_name(NAME);
        let mut connection = client.connect(connect).await?;
        if setup.keep_alive.is_some() {
            connection.keep_alive(true)?;
        }
        let (reader, writer) = connection.open_bidirectional_stream().await?.split();
        Ok(Session { connection: connection.handle(), writer, reader })
    }

    fn close(session: Session<Self>) {
        session.connection.close(0_u8.into());
    }
}

/// The default is without ML-KEM, and prefers X25519.
fn policy(setup: &Setup) -> Result<Policy> {
    Ok(Policy::from_version(match setup.key_exchange {
        KeyExchange::Default | KeyExchange::X25519 => "default_tls13",
        KeyExchange::X25519MlKem768 => "default_pq",
    })?)
}

fn io(setup: &Setup) -> Result<Io> {
    let payload = match setup.datagram {
        Datagram::Ethernet => ETHERNET,
        Datagram::Largest => BEST_DATAGRAM,
    };
    let builder: IoBuilder = Io::builder();
    Ok(builder
        .with_receive_address((setup.at, 0).into())?
        .with_max_mtu(payload + HEADERS)?
        .build()?)
}

fn limits(setup: &Setup) -> Result<Limits> {
    let mut limits = Limits::new();
    if let Some(interval) = setup.keep_alive() {
        limits = limits.with_max_keep_alive_period(interval)?;
    }
    if setup.tuning == Tuning::Defaults {
        return Ok(limits);
    }
    Ok(limits
        .with_data_window(WINDOW)?
        .with_bidirectional_local_data_window(WINDOW)?
        .with_bidirectional_remote_data_window(WINDOW)?
        .with_max_send_buffer_size(SEND_BUFFER)?)
}
