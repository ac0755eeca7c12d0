//! Which protocols for asking for ports the gateway speaks, and whether this host has IPv6.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use srudp::nat::Scope;
use srudp::nat::portmap::{Availability, HttpRequest, PortMapConfig, PortMapProtocol, PortMapper};

use super::{cannot_bind, entropy, machine, now, spare_sockets};
use crate::clock;
use crate::exit::Failure;

/// How long a gateway may take to accept a connection, and for each piece of its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was found out about the gateway.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) gateway: Option<IpAddr>,
    /// Its own address, as it says.
    pub(super) external: Option<IpAddr>,
    pub(super) spoken: [(PortMapProtocol, Availability); 3],
    /// This host has an IPv6 address of the Internet.
    pub(super) ipv6: bool,
}

/// Asks the gateway on the way to this server.
pub(super) fn probe(server: SocketAddr) -> Result<Ports, Failure> {
    let gateway = srudp::default_gateway();
    let networks = srudp::local_networks().unwrap_or_default();
    let ipv6 = networks.iter().map(srudp::nat::LocalNetwork::address);
    let ipv6 = ipv6.into_iter().any(|ip| ip.is_ipv6() && Scope::of(ip) == Scope::Global);

    let towards = gateway.map_or(server, |ip| SocketAddr::new(ip, server.port()));
    let mut sockets = spare_sockets(towards, 1)?;
    let local = sockets.addresses().map_err(cannot_bind)?;
    let local = local.first().copied().unwrap_or(towards);
    let (zero, started) = (now(&sockets), clock::now());
    let config = PortMapConfig::new(local, gateway).probe_only();
    let mut mapper = PortMapper::new(zero, &config, entropy()?);
    machine::run(&mut sockets, &mut mapper, |mapper| {
        while let Some(request) = mapper.poll_http() {
            let answer = exchange(&request).unwrap_or_default();
            mapper.handle_http(zero + (clock::now() - started), request.to, &answer);
        }
    })?;
    let spoken = PortMapProtocol::ALL.map(|protocol| (protocol, mapper.availability(protocol)));
    Ok(Ports { gateway, external: mapper.external_ip(), spoken, ipv6 })
}

/// Sends, and reads until the other side closes, is silent, or has said enough.
fn exchange(request: &HttpRequest) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&request.to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&request.payload)?;
    let mut answer = Vec::new();
    let limit = u64::try_from(PortMapper::HTTP_ANSWER).unwrap_or(u64::MAX);
    // What came before the silence may be all.
    let _ = stream.take(limit).read_to_end(&mut answer);
    Ok(answer)
}
