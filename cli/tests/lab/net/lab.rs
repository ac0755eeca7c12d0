//! A laboratory: the core, and what is attached to it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use rustix::process::geteuid;

use super::gateway::Gateway;
use super::host::Host;
use super::namespace::{Namespace, Population, run};
use super::router::{Router, Uplink};
use crate::say::say;

/// What the core forwards: everything, but for what a test has cut.
const CORE: &str = "\
table inet cut {
  set links { type ifname; }
  set pairs { type ipv4_addr . ipv4_addr; }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname @links drop
    oifname @links drop
    ip saddr . ip daddr @pairs drop
  }
}
";

/// One of them, with addresses of its own.
#[derive(Debug)]
pub(crate) struct Lab {
    population: Arc<Population>,
    core: Arc<Namespace>,
    links: AtomicU8,
}

impl Lab {
    /// An Internet without hosts. `None` if this machine does not let us make one; a line says why.
    pub(crate) fn new() -> Option<Self> {
        static WHY_NOT: OnceLock<Option<String>> = OnceLock::new();
        static LABS: AtomicU32 = AtomicU32::new(1);
        let obstacle = WHY_NOT.get_or_init(|| {
            let obstacle = obstacle();
            if let Some(text) = &obstacle {
                say(&format!("not run: {text}"));
            }
            obstacle
        });
        if obstacle.is_some() {
            return None;
        }
        let population = Population::new(LABS.fetch_add(1, Ordering::Relaxed));
        let core = population.add("core");
        forward(&core);
        core.nft(CORE);
        Some(Self { population, core, links: AtomicU8::new(1) })
    }

    /// A host on the Internet itself, with two addresses: 198.18.K.2 and 198.18.K.3.
    pub(crate) fn public(&self, name: &str) -> Host {
        let namespace = self.population.add(name);
        let link = self.attach(&namespace, "eth0");
        namespace.ip(&format!("addr add 198.18.{link}.3/24 dev eth0"));
        let addresses = vec![Ipv4Addr::new(198, 18, link, 2), Ipv4Addr::new(198, 18, link, 3)];
        let ipv6 = format!("2001:db8:{link:x}::2").parse().unwrap();
        Host::new(namespace, addresses, ipv6, name)
    }

    /// A router on the Internet.
    pub(crate) fn router(&self, name: &str, gateway: &Gateway) -> Router {
        let namespace = self.population.add(name);
        let link = self.attach(&namespace, "wan");
        let via = format!("2001:db8:{link:x}::2");
        self.core.ip(&format!("route add 2001:db8:{link:x}:1::/64 via {via}"));
        self.core.ip(&format!("route add 198.19.{link}.0/24 via 198.18.{link}.2"));
        let uplink = Uplink { link, address: Ipv4Addr::new(198, 18, link, 2) };
        forward(&namespace);
        Router::new(&self.population, namespace, uplink, gateway)
    }

    /// A router in the network of another one, as a carrier's customer has it.
    pub(crate) fn router_behind(&self, carrier: &Router, name: &str, gateway: &Gateway) -> Router {
        let namespace = self.population.add(name);
        let address = carrier.plug(&namespace, "wan");
        // Without a link of its own to the core, it still needs a number for its LAN.
        let uplink = Uplink { link: self.number(), address };
        forward(&namespace);
        Router::new(&self.population, namespace, uplink, gateway)
    }

    /// A host behind a router of its own.
    pub(crate) fn site(&self, name: &str, gateway: &Gateway) -> (Router, Host) {
        let router = self.router(&format!("{name}-gw"), gateway);
        let host = router.host(name);
        (router, host)
    }

    /// A host behind a home router behind a carrier's.
    pub(crate) fn carrier_site(&self, name: &str, home: &Gateway, carrier: &Gateway) -> Carried {
        let outer = self.router(&format!("{name}-cg"), carrier);
        let inner = self.router_behind(&outer, &format!("{name}-gw"), home);
        let host = inner.host(name);
        Carried { outer, inner, host }
    }

    /// Packets that have come from this place, of whatever kind.
    pub(crate) fn packets_from(&self, place: &impl Place) -> u64 {
        let device = format!("v{}", place.on_the_internet().octets()[2]);
        let path = format!("/sys/class/net/{device}/statistics/rx_packets");
        run(self.core.command("cat").arg(path), "").trim().parse().unwrap()
    }

    /// Counts from now on what one router sends to another.
    pub(crate) fn watch<'a>(&'a self, from: &'a Router, to: &'a Router) -> Crossing<'a> {
        let (number, source, target) = (self.number(), from.external(), to.external());
        let udp = format!("ip saddr {source} ip daddr {target} meta l4proto udp");
        // Before the core takes one off.
        self.core.nft(&format!(
            "table inet crossing{number} {{
               counter low {{ }}
               counter full {{ }}
               chain before {{
                 type filter hook prerouting priority raw;
                 {udp} ip ttl 1 counter name low
                 {udp} ip ttl > 1 counter name full
               }}
             }}"
        ));
        // After its flows are known, and before its addresses are translated.
        to.nft(&format!(
            "table inet crossing{number} {{
               counter arrived {{ }}
               counter unasked {{ }}
               chain before {{
                 type filter hook prerouting priority mangle;
                 iifname wan {udp} counter name arrived
                 iifname wan {udp} ct state new counter name unasked
               }}
             }}"
        ));
        Crossing { lab: self, to, table: format!("crossing{number}") }
    }

    /// What goes to this place goes at so many megabits per second, with a queue of 50 ms.
    pub(crate) fn slow(&self, place: &impl Place, megabits: u32) {
        let device = format!("v{}", place.on_the_internet().octets()[2]);
        let rate = format!("{megabits}mbit");
        let mut command = self.core.command("tc");
        command.args(["qdisc", "add", "dev", &device, "root", "tbf"]);
        run(command.args(["rate", &rate, "burst", "32k", "latency", "50ms"]), "");
    }

    /// The Internet sends to this router what is for that address, too.
    pub(crate) fn route(&self, address: &str, router: &Router) {
        self.core.ip(&format!("route add {address}/32 via {}", router.external()));
    }

    /// Nothing gets through between the Internet and this router any more, and nobody is told.
    pub(crate) fn cut(&self, router: &Router) {
        self.core.nft(&format!("add element inet cut links {{ v{} }}", router.link()));
    }

    /// As before [`Lab::cut`].
    pub(crate) fn restore(&self, router: &Router) {
        self.core.nft(&format!("delete element inet cut links {{ v{} }}", router.link()));
    }

    /// Nothing gets through between these two places on the Internet any more; both still reach others.
    pub(crate) fn part(&self, a: &impl Place, b: &impl Place) {
        let (a, b) = (a.on_the_internet(), b.on_the_internet());
        self.core.nft(&format!("add element inet cut pairs {{ {a} . {b}, {b} . {a} }}"));
    }

    /// As before [`Lab::part`].
    pub(crate) fn join(&self, a: &impl Place, b: &impl Place) {
        let (a, b) = (a.on_the_internet(), b.on_the_internet());
        self.core.nft(&format!("delete element inet cut pairs {{ {a} . {b}, {b} . {a} }}"));
    }

    fn number(&self) -> u8 {
        self.links.fetch_add(1, Ordering::Relaxed)
    }

    /// A cable from the core; returns its number.
    fn attach(&self, namespace: &Namespace, interface: &str) -> u8 {
        let link = self.number();
        self.core.ip(&format!(
            "link add v{link} type veth peer name {interface} netns {name}
             addr add 198.18.{link}.1/24 dev v{link}
             addr add 2001:db8:{link:x}::1/64 dev v{link} nodad
             link set dev v{link} up",
            name = namespace.name()
        ));
        namespace.ip(&format!(
            "addr add 198.18.{link}.2/24 dev {interface}
             addr add 2001:db8:{link:x}::2/64 dev {interface} nodad
             link set dev {interface} up
             route add default via 198.18.{link}.1
             route add default via 2001:db8:{link:x}::1"
        ));
        link
    }
}

/// What one router sends to another, counted at the core between them and where it arrives.
#[derive(Debug)]
pub(crate) struct Crossing<'a> {
    lab: &'a Lab,
    to: &'a Router,
    table: String,
}

impl Crossing<'_> {
    /// Datagrams that die at the core, one hop after the router.
    pub(crate) fn low(&self) -> u64 {
        self.lab.core.counted(&self.table, "low")
    }

    /// Datagrams that the core forwards.
    pub(crate) fn full(&self) -> u64 {
        self.lab.core.counted(&self.table, "full")
    }

    /// Datagrams that have arrived.
    pub(crate) fn arrived(&self) -> u64 {
        self.to.counted(&self.table, "arrived")
    }

    /// Those of them that came before the router had sent anything there.
    pub(crate) fn unasked(&self) -> u64 {
        self.to.counted(&self.table, "unasked")
    }
}

/// Something with an address that the core knows.
pub(crate) trait Place {
    fn on_the_internet(&self) -> Ipv4Addr;
}

/// A host behind two NATs.
#[derive(Debug)]
pub(crate) struct Carried {
    pub(crate) outer: Router,
    pub(crate) inner: Router,
    pub(crate) host: Host,
}

fn forward(namespace: &Namespace) {
    namespace.set("ipv4.ip_forward", "1");
    namespace.set("ipv6.conf.all.forwarding", "1");
    namespace.set("ipv4.conf.all.send_redirects", "0");
    namespace.set("ipv4.conf.default.send_redirects", "0");
}

/// Why there can be no lab here.
fn obstacle() -> Option<String> {
    if !geteuid().is_root() {
        return Some("network namespaces need root".to_owned());
    }
    for (program, argument) in [("ip", "-V"), ("nft", "-v"), ("conntrack", "-V")] {
        if Command::new(program).arg(argument).output().is_err() {
            return Some(format!("`{program}` is not installed"));
        }
    }
    let made = Command::new("ip").args(["netns", "add", "sr-0-try"]).output();
    let possible = made.is_ok_and(|output| output.status.success());
    let _ = Command::new("ip").args(["netns", "del", "sr-0-try"]).output();
    if !possible || !Path::new("/proc/sys/net").exists() {
        return Some("this system makes no network namespaces".to_owned());
    }
    None
}
