//! `srudp nat`: what the NAT before this machine does.

mod machine;
mod ports;
mod report;

use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};

use srudp::SystemEntropy;
use srudp::nat::{Discovery, DiscoveryConfig, Lifetime, LifetimeConfig, LifetimeProbe, Stage};
use srudp::proto::Instant;

use crate::exit::{Code, Failure};
use crate::options::any_port;
use crate::sockets::Sockets;

/// Servers that anybody may ask. They have one address each, so that they show the mapping alone.
const SERVERS: [&str; 2] = ["stun.cloudflare.com:3478", "stun.l.google.com:19302"];

/// What to do when they cannot be reached.
const WAY_OUT: &str = "check the network, or name another server with --server HOST:PORT, \
                       which may be one of your own (srudp stun serve)";

/// Find out what the NAT before this machine does, as a report to paste into an issue.
///
/// Servers with two addresses (RFC 5780) show everything; of those with one, two show how addresses are mapped. It takes up to
/// twenty seconds.
///
/// Unless others are named, stun.cloudflare.com:3478 and stun.l.google.com:19302 are asked. They and the gateway get questions
/// about this machine's own address, and nothing else is sent to anybody. A server of your own is `srudp stun serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  srudp nat
  srudp nat --server stun.example.org:3478 --lifetime --json")]
pub(crate) struct Args {
    /// STUN server to ask; may be given several times [default: public ones of Cloudflare and Google]
    #[arg(long, value_name = "HOST:PORT")]
    server: Vec<String>,

    /// Measure too how long mappings live; takes up to ten minutes
    #[arg(long)]
    lifetime: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if !self.json {
            let names = self.names().join(" and ");
            eprintln!("for the address of this machine {names} will be asked, and the gateway");
        }
        let servers = self.servers()?;
        let first = servers.first().copied().ok_or_else(|| {
            Failure::new(Code::Here, "no server: name one with --server HOST:PORT")
        })?;
        if !self.json {
            eprintln!("asking the gateway …");
        }
        let ports = ports::probe(first)?;
        let mut discovery_sockets = spare_sockets(first, 1 + Discovery::SPARE_SOCKETS)?;
        let local = discovery_sockets.addresses().map_err(cannot_bind)?;
        let mut config = DiscoveryConfig::new(&servers, &local);
        if let Some(external) = ports.external.filter(|_| first.is_ipv4()) {
            config = config.gateway_external(external);
        }
        let mut discovery = Discovery::new(now(&discovery_sockets), config, entropy()?);
        machine::run(&mut discovery_sockets, &mut discovery, |discovery| {
            while let Some(stage) = discovery.poll_event() {
                if let Some(text) = progress(stage).filter(|_| !self.json) {
                    eprintln!("{text}");
                }
            }
        })?;
        let behaviour = discovery.report();
        if behaviour.blocked && !self.json {
            eprintln!("no server answers: {WAY_OUT}");
        }
        let answering = behaviour.servers.iter().find(|server| server.mapped.is_some());
        let lifetime = match answering {
            Some(server) if self.lifetime => {
                let helper = behaviour.servers.iter().find(|server| server.other.is_some());
                let server = helper.unwrap_or(server).address;
                Some(measure(server, behaviour.allocation, self.json)?)
            }
            _ => None,
        };
        if self.json {
            println!("{}", report::json(behaviour, lifetime.as_ref(), &ports));
        } else {
            print!("{}", report::text(behaviour, lifetime.as_ref(), &ports));
        }
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        if self.server.is_empty() {
            SERVERS.map(str::to_owned).to_vec()
        } else {
            self.server.clone()
        }
    }

    /// The servers' addresses, of one family.
    fn servers(&self) -> Result<Vec<SocketAddr>, Failure> {
        let mut found = Vec::new();
        let names = self.names();
        for name in &names {
            match name.to_socket_addrs() {
                Ok(addresses) => found.extend(addresses),
                // Of the default ones, one is enough.
                Err(_) if self.server.is_empty() => {}
                Err(error) => return Err(Failure::of(format!("cannot resolve {name}"), error)),
            }
        }
        let ipv4 = found.iter().any(SocketAddr::is_ipv4);
        found.retain(|address| address.is_ipv4() == ipv4);
        if found.is_empty() {
            let text = format!("cannot resolve {}: {WAY_OUT}", names.join(" or "));
            return Err(Failure::new(Code::Here, text));
        }
        Ok(found)
    }
}

fn measure(
    server: SocketAddr,
    allocation: Option<srudp::nat::Allocation>,
    quiet: bool,
) -> Result<Lifetime, Failure> {
    if !quiet {
        eprintln!("measuring how long mappings live …");
    }
    let mut sockets = spare_sockets(server, LifetimeProbe::SOCKETS)?;
    let config = LifetimeConfig::new(server, LifetimeProbe::SOCKETS).allocation(allocation);
    let mut probe = LifetimeProbe::new(now(&sockets), config, entropy()?);
    machine::run(&mut sockets, &mut probe, |_| {})?;
    Ok(probe.report())
}

/// Sockets of the address from which this machine would send to `server`.
fn spare_sockets(server: SocketAddr, count: u16) -> Result<Sockets, Failure> {
    let any = any_port(server.ip());
    // Nothing is sent: the system only chooses the way.
    let way = UdpSocket::bind(any).and_then(|socket| {
        socket.connect(server)?;
        socket.local_addr()
    });
    let ip = way.map_or(any.ip(), |local| local.ip());
    let addresses = (0..count).map(|_| SocketAddr::new(ip, 0));
    Sockets::bind(addresses).map_err(cannot_bind)
}

fn cannot_bind(error: std::io::Error) -> Failure {
    Failure::of("cannot open sockets", error)
}

fn entropy() -> Result<Box<SystemEntropy>, Failure> {
    SystemEntropy::new().map(Box::new).map_err(|error| Failure::of("no entropy", error))
}

fn now(sockets: &Sockets) -> Instant {
    Instant::ZERO + sockets.now()
}

fn progress(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Servers => Some("asking servers …"),
        Stage::Filtering => Some("testing who may send to us …"),
        Stage::Mapping => Some("testing what peers see …"),
        Stage::Hairpin => Some("testing hairpinning …"),
        Stage::Finished => None,
    }
}
