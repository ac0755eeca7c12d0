//! quinn, and noq, which grew out of it and has the same calls.

/// The largest datagram of which ten, the most that they send in one call, fit into one call.
const BEST_DATAGRAM: u16 = 6500;

/// Windows for 1 Gbit/s at 100 ms.
const WINDOW: u32 = 16 << 20;

macro_rules! quic {
    ($name:ident, $bbr:path) => {
        pub(super) mod $name {
            use std::net::SocketAddr;
            use std::sync::Arc;

            use anyhow::{Context, Result};
            use $name::crypto::rustls::{QuicClientConfig, QuicServerConfig};
            use $name::{
                ClientConfig, Connection, Endpoint, EndpointConfig, Incoming, MtuDiscoveryConfig,
                RecvStream, SendStream, ServerConfig, TokioRuntime, TransportConfig,
            };

            use super::{BEST_DATAGRAM, WINDOW};
            use crate::order::{Datagram, ETHERNET, Setup, Target, Tuning};
            use crate::stacks::certificate::{self, NAME};
            use crate::stacks::tasks::{Session, Tasks};

            const ALPN: &[&[u8]] = &[b"peers"];

            pub(in crate::stacks) struct Quic;

            impl Tasks for Quic {
                type Listener = Endpoint;
                type Incoming = Incoming;
                type Dialer = (Endpoint, SocketAddr);
                type Connection = Connection;
                type Writer = SendStream;
                type Reader = RecvStream;

                async fn listen(setup: &Setup) -> Result<(Endpoint, Target)> {
                    let (config, key) = certificate::server(setup, ALPN)?;
                    let crypto = QuicServerConfig::try_from(config)?;
                    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
                    config.transport_config(Arc::new(transport(setup)));
                    let endpoint = bind(setup, Some(config))?;
                    let target = Target { address: endpoint.local_addr()?, key };
                    Ok((endpoint, target))
                }

                async fn accept(endpoint: &mut Endpoint) -> Result<Incoming> {
                    endpoint.accept().await.context("the endpoint is closed")
                }

                async fn establish(incoming: Incoming) -> Result<Session<Self>> {
                    let connection = incoming.await?;
                    let (writer, reader) = connection.accept_bi().await?;
                    Ok(Session { connection, writer, reader })
                }

                async fn dialer(setup: &Setup, target: &Target) -> Result<Self::Dialer> {
                    let config = certificate::client(setup, &target.key, ALPN)?;
                    let crypto = QuicClientConfig::try_from(config)?;
                    let mut config = ClientConfig::new(Arc::new(crypto));
                    config.transport_config(Arc::new(transport(setup)));
                    #[allow(unused_mut, reason = "noq sets its client configuration without")]
                    let mut endpoint = bind(setup, None)?;
                    endpoint.set_default_client_config(config);
                    Ok((endpoint, target.address))
                }

                async fn dial((endpoint, address): &Self::Dialer) -> Result<Session<Self>> {
                    let connection = endpoint.connect(*address, NAME)?.await?;
                    let (writer, reader) = connection.open_bi().await?;
                    Ok(Session { connection, writer, reader })
                }

                fn close(session: Session<Self>) {
                    session.connection.close(0_u8.into(), b"");
                }
            }

            fn bind(setup: &Setup, server: Option<ServerConfig>) -> Result<Endpoint> {
                let mut config = EndpointConfig::default();
                if setup.datagram == Datagram::Largest {
                    config.max_udp_payload_size(BEST_DATAGRAM)?;
                }
                let socket = std::net::UdpSocket::bind((setup.at, 0))?;
                Ok(Endpoint::new(config, server, socket, Arc::new(TokioRuntime))?)
            }

            fn transport(setup: &Setup) -> TransportConfig {
                let mut config = TransportConfig::default();
                let mut discovery = MtuDiscoveryConfig::default();
                discovery.upper_bound(match setup.datagram {
                    Datagram::Ethernet => ETHERNET,
                    Datagram::Largest => BEST_DATAGRAM,
                });
                config.mtu_discovery_config(Some(discovery));
                config.keep_alive_interval(setup.keep_alive());
                if setup.tuning != Tuning::Defaults {
                    config.stream_receive_window(WINDOW.into()).receive_window(WINDOW.into());
                    config.send_window(WINDOW.into());
                }
                if setup.tuning == Tuning::WindowsAndBbr {
                    config.congestion_controller_factory(Arc::new(<$bbr>::default()));
                }
                config
            }
        }
    };
}

#[cfg(feature = "noq")]
quic!(noq, noq::congestion::Bbr3Config);
#[cfg(feature = "quinn")]
quic!(quinn, quinn::congestion::BbrConfig);
