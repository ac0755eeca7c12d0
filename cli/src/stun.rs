//! `srudp stun serve`: a STUN server.

use std::net::SocketAddr;

use srudp::SystemEntropy;
use srudp::nat::stun::{Server, ServerConfig};
use srudp::proto::Instant;

use crate::exit::{Code, Failure};
use crate::interrupt;
use crate::sockets::{Datagram, Sockets};

/// Help others to find out what their NATs do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Serve(ServeArgs),
}

impl Command {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Serve(args) => args.run(),
        }
    }
}

/// Answer STUN Binding requests until Ctrl-C.
///
/// With a second address, of another IP address and another port, it offers behaviour discovery (RFC 5780), for which it binds both ports on
/// both IP addresses. Answers are never more than three times as long as their requests, and each source gets 20 per second.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  srudp stun serve
  srudp stun serve --bind 198.51.100.1:3478 --other 198.51.100.2:3479")]
pub(crate) struct ServeArgs {
    /// UDP address and port to answer at
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:3478")]
    bind: SocketAddr,

    /// Another IP address and port, both different from those of --bind
    #[arg(long, value_name = "IP:PORT")]
    other: Option<SocketAddr>,
}

impl ServeArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        // A free port is known only when it is bound.
        let mut sockets = bind([self.bind])?;
        let primary = *addresses(&sockets)?.first().unwrap_or(&self.bind);
        let mut config = ServerConfig::new(primary);
        if let Some(other) = self.other {
            config = config
                .with_other(other)
                .filter(|_| !primary.ip().is_unspecified())
                .ok_or_else(|| {
                    let hint = "give two IP addresses of this machine, and two ports";
                    let text = format!("{primary} and {other} are no pair for RFC 5780: {hint}");
                    Failure::new(Code::Here, text)
                })?;
        }
        let mut entropy = SystemEntropy::new().map_err(|error| Failure::of("no entropy", error))?;
        let mut server = Server::new(config, &mut entropy);
        if self.other.is_some() {
            drop(sockets);
            sockets = bind(server.addresses())?;
        }
        let own = server.addresses();
        for address in &own {
            eprintln!("serving {address}");
        }
        let waker = sockets.waker().map_err(|error| Failure::of("cannot wait", error))?;
        interrupt::on_interrupt(move || drop(waker.wake()))?;
        loop {
            let woken = sockets.wait(None, |sockets, datagram| {
                answer(&mut server, sockets, &own, &datagram);
            });
            if woken.map_err(|error| Failure::of("cannot wait", error))? {
                return Ok(());
            }
        }
    }
}

/// `own` are the server's addresses, in the order of the sockets.
fn answer(server: &mut Server, sockets: &Sockets, own: &[SocketAddr], datagram: &Datagram<'_>) {
    let Some(local) = own.get(datagram.socket) else { return };
    let now = Instant::ZERO + sockets.now();
    server.handle_datagram(now, *local, datagram.from, datagram.payload);
    while let Some(response) = server.poll_transmit() {
        if let Some(source) = own.iter().position(|own| *own == response.source) {
            sockets.send(source, response.destination, &response.payload);
        }
    }
}

fn bind(addresses: impl IntoIterator<Item = SocketAddr>) -> Result<Sockets, Failure> {
    Sockets::bind(addresses).map_err(|error| Failure::new(Code::Here, error.to_string()))
}

fn addresses(sockets: &Sockets) -> Result<Vec<SocketAddr>, Failure> {
    sockets.addresses().map_err(|error| Failure::of("cannot read the address of a socket", error))
}
