//! A router: its two sides, what happens to it, and the hosts behind it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use super::gateway::Gateway;
use super::host::Host;
use super::lab::Place;
use super::namespace::{Namespace, Population, run};
use super::program::Program;

/// The side towards the Internet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uplink {
    /// The number of the router, which its addresses contain.
    pub(super) link: u8,
    pub(super) address: Ipv4Addr,
}

impl Place for Router {
    fn on_the_internet(&self) -> Ipv4Addr {
        self.external()
    }
}

/// A router with one network behind it.
#[derive(Debug)]
pub(crate) struct Router {
    population: Arc<Population>,
    namespace: Arc<Namespace>,
    link: u8,
    external: Mutex<Ipv4Addr>,
    gateway: Gateway,
    /// The first three octets of the addresses inside.
    lan: [u8; 3],
    plugs: AtomicU8,
}

impl Router {
    pub(super) fn new(
        population: &Arc<Population>,
        namespace: Arc<Namespace>,
        uplink: Uplink,
        gateway: &Gateway,
    ) -> Self {
        let link = uplink.link;
        let lan = gateway.lan(link);
        let [a, b, c] = lan;
        namespace.ip(&format!(
            "link add name lan type bridge
             addr add {a}.{b}.{c}.1/24 dev lan
             addr add 2001:db8:{link:x}:1::1/64 dev lan nodad
             link set dev lan up"
        ));
        // Where bridges show their frames to the firewall, they forward by themselves what is translated to their own network.
        namespace.set_if_known("bridge.bridge-nf-call-iptables", "0");
        namespace.nft(&gateway.rules(uplink.address));
        if let Some((unanswered, answered)) = gateway.seconds() {
            namespace.set("netfilter.nf_conntrack_udp_timeout", &unanswered.to_string());
            namespace.set("netfilter.nf_conntrack_udp_timeout_stream", &answered.to_string());
        }
        Self {
            population: Arc::clone(population),
            namespace,
            link,
            external: Mutex::new(uplink.address),
            gateway: *gateway,
            lan,
            plugs: AtomicU8::new(10),
        }
    }

    /// One more host behind it.
    pub(crate) fn host(&self, name: &str) -> Host {
        let namespace = self.population.add(name);
        let address = self.plug(&namespace, "eth0");
        let ipv6 = format!("2001:db8:{:x}:1::{}", self.link, address.octets()[3]);
        namespace.ip(&format!(
            "addr add {ipv6}/64 dev eth0 nodad
             route add default via 2001:db8:{:x}:1::1",
            self.link
        ));
        Host::new(namespace, vec![address], ipv6.parse().unwrap(), name)
    }

    /// Adds rules to its own.
    pub(crate) fn nft(&self, rules: &str) {
        self.namespace.nft(rules);
    }

    /// The ports that miniupnpd lets in, as the kernel prints its rules.
    pub(crate) fn ports(&self) -> String {
        let list = ["list", "chain", "inet", "miniupnpd", "inward"];
        run(self.namespace.command("nft").args(list), "")
    }

    pub(super) fn counted(&self, table: &str, counter: &str) -> u64 {
        self.namespace.counted(table, counter)
    }

    /// Starts a program on it.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Program {
        let mut command = self.namespace.command(program);
        Program::spawn(command.args(arguments))
    }

    /// The address that the world sees.
    pub(crate) fn external(&self) -> Ipv4Addr {
        *self.external.lock().unwrap()
    }

    /// Forgets all flows, as when it is switched off and on.
    pub(crate) fn reboot(&self) {
        if self.gateway.translates() {
            // What cones have learnt goes with the rules.
            self.namespace.nft("flush ruleset");
            self.namespace.nft(&self.gateway.rules(self.external()));
        }
        run(self.namespace.command("conntrack").arg("-F"), "");
    }

    /// Gets another address from its provider, as after a night. The kernel forgets the flows of the old one.
    pub(crate) fn renumber(&self) {
        let mut external = self.external.lock().unwrap();
        let [a, b, c, last] = external.octets();
        let next = Ipv4Addr::new(a, b, c, last + 10);
        self.namespace.ip(&format!(
            "addr add {next}/24 dev wan
             addr del {external}/24 dev wan
             addr add {next}/24 dev wan
             route add default via {a}.{b}.{c}.1"
        ));
        *external = next;
        drop(external);
        self.reboot();
    }

    /// The UDP flows that it knows, as the kernel prints them.
    pub(crate) fn flows(&self) -> String {
        run(self.namespace.command("conntrack").args(["-L", "-p", "udp"]), "")
    }

    pub(super) fn link(&self) -> u8 {
        self.link
    }

    /// A cable into its network; returns the address at the other end.
    pub(super) fn plug(&self, namespace: &Namespace, interface: &str) -> Ipv4Addr {
        let number = self.plugs.fetch_add(1, Ordering::Relaxed);
        let [a, b, c] = self.lan;
        self.namespace.ip(&format!(
            "link add p{number} type veth peer name {interface} netns {name}
             link set dev p{number} master lan
             link set dev p{number} up",
            name = namespace.name()
        ));
        namespace.ip(&format!(
            "addr add {a}.{b}.{c}.{number}/24 dev {interface}
             link set dev {interface} up
             route add default via {a}.{b}.{c}.1"
        ));
        Ipv4Addr::new(a, b, c, number)
    }
}
