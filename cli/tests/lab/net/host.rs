//! A host: its addresses, and what runs on it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::lab::Place;
use super::namespace::Namespace;
use super::program::Program;

impl Place for Host {
    fn on_the_internet(&self) -> Ipv4Addr {
        self.addresses.lock().unwrap()[0]
    }
}

/// A host of a lab.
#[derive(Debug)]
pub(crate) struct Host {
    namespace: Arc<Namespace>,
    addresses: Mutex<Vec<Ipv4Addr>>,
    ipv6: Ipv6Addr,
    name: String,
}

impl Host {
    pub(super) fn new(
        namespace: Arc<Namespace>,
        addresses: Vec<Ipv4Addr>,
        ipv6: Ipv6Addr,
        name: &str,
    ) -> Self {
        Self { namespace, addresses: Mutex::new(addresses), ipv6, name: name.to_owned() }
    }

    /// Its name in the lab.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its first address, with this port.
    pub(crate) fn at(&self, port: u16) -> SocketAddr {
        let addresses = self.addresses.lock().unwrap();
        (addresses[0], port).into()
    }

    /// The router of its network.
    pub(crate) fn gateway(&self) -> Ipv4Addr {
        let [a, b, c, _] = self.on_the_internet().octets();
        Ipv4Addr::new(a, b, c, 1)
    }

    /// The second address of a public host, with this port.
    pub(crate) fn second(&self, port: u16) -> SocketAddr {
        let addresses = self.addresses.lock().unwrap();
        (addresses[1], port).into()
    }

    /// Its IPv6 address, with this port.
    pub(crate) fn at_v6(&self, port: u16) -> SocketAddr {
        (self.ipv6, port).into()
    }

    /// Starts `srudp` with these arguments.
    pub(crate) fn srudp(&self, arguments: &[&str]) -> Program {
        self.srudp_with(&[], arguments)
    }

    /// The same, with these variables in its environment.
    pub(crate) fn srudp_with(&self, variables: &[(&str, String)], arguments: &[&str]) -> Program {
        let mut command = self.namespace.command("env");
        command.args(variables.iter().map(|(name, value)| format!("{name}={value}")));
        Program::spawn(command.arg(env!("CARGO_BIN_EXE_srudp")).args(arguments))
    }

    /// Starts another program.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Program {
        let mut command = self.namespace.command(program);
        Program::spawn(command.args(arguments))
    }

    /// Calls this on it: sockets that are bound meanwhile are its sockets, for as long as they live.
    pub(crate) fn enter<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> T {
        self.namespace.enter(inside)
    }

    /// Binds something on it. A port that was closed a moment ago may still be open: in a program that another thread is just starting, until it
    /// has closed what it has inherited.
    pub(crate) fn bind<T: Send>(&self, bind: impl Fn() -> io::Result<T> + Sync) -> T {
        for _ in 0..100 {
            match self.enter(&bind) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    thread::sleep(Duration::from_millis(10));
                }
                result => return result.unwrap(),
            }
        }
        panic!("the port is taken");
    }

    /// Its first address becomes another one of the same network, as when a lease ends.
    pub(crate) fn renumber(&self) {
        let mut addresses = self.addresses.lock().unwrap();
        let old = addresses[0];
        let [a, b, c, last] = old.octets();
        let new = Ipv4Addr::new(a, b, c, last + 100);
        self.namespace.ip(&format!(
            "addr del {old}/24 dev eth0
             addr add {new}/24 dev eth0
             route replace default via {a}.{b}.{c}.1"
        ));
        addresses[0] = new;
    }
}
