//! iroh without relays and look-ups: direct addresses only.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use iroh::endpoint::presets::Empty;
use iroh::endpoint::{
    Connection, Incoming, MtuDiscoveryConfig, QuicTransportConfig, RecvStream, SendStream,
};
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayMode, TransportAddr};

use super::certificate;
use super::tasks::{Session, Tasks};
use crate::order::{Datagram, ETHERNET, Setup, Target, Tuning};

const ALPN: &[u8] = b"peers";

/// The largest datagram of which ten, the most that it sends in one call, fit into one call.
const BEST_DATAGRAM: u16 = 6500;

/// Windows for 1 Gbit/s at 100 ms.
const WINDOW: u32 = 16 << 20;

pub(super) struct Iroh;

impl Tasks for Iroh {
    type Listener = Endpoint;
    type Incoming = Incoming;
    type Dialer = (Endpoint, EndpointAddr);
    type Connection = Connection;
    type Writer = SendStream;
    type Reader = RecvStream;

    async fn listen(setup: &Setup) -> Result<(Endpoint, Target)> {
        let endpoint = bind(setup).await?;
        let bound = endpoint.bound_sockets();
        let address = bound.into_iter().find(SocketAddr::is_ipv4).context("no IPv4 socket")?;
        let target = Target { address, key: endpoint.id().to_string() };
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
        let id: EndpointId = target.key.parse()?;
        let address = EndpointAddr::from_parts(id, [TransportAddr::Ip(target.address)]);
        Ok((bind(setup).await?, address))
    }

    async fn dial((endpoint, address): &Self::Dialer) -> Result<Session<Self>> {
        let connection = endpoint.connect(address.clone(), ALPN).await?;
        let (writer, reader) = connection.open_bi().await?;
        Ok(Session { connection, writer, reader })
    }

    fn close(session: Session<Self>) {
        session.connection.close(0_u8.into(), b"");
    }
}

async fn bind(setup: &Setup) -> Result<Endpoint> {
    let endpoint = Endpoint::builder(Empty)
        .crypto_provider(certificate::provider(setup))
        .alpns(vec![ALPN.to_vec()])
        .relay_mode(RelayMode::Disabled)
        .max_tls_tickets(0)
        .transport_config(transport(setup))
        .clear_ip_transports()
        .bind_addr((setup.at, 0))?
        .bind()
        .await?;
    Ok(endpoint)
}

fn transport(setup: &Setup) -> QuicTransportConfig {
    let mut discovery = MtuDiscoveryConfig::default();
    discovery.upper_bound(match setup.datagram {
        Datagram::Ethernet => ETHERNET,
        Datagram::Largest => BEST_DATAGRAM,
    });
    let mut config = QuicTransportConfig::builder().mtu_discovery_config(Some(discovery));
    if setup.tuning != Tuning::Defaults {
        config = config
            .stream_receive_window(WINDOW.into())
            .receive_window(WINDOW.into())
            .send_window(WINDOW.into());
    }
    config.build()
}
