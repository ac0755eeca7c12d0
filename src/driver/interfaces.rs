//! The networks that this host is in, and notice of their changes.

use std::io;
use std::net::IpAddr;

use if_addrs::{IfAddr, IfOperStatus, Interface};

use crate::nat::LocalNetwork;

/// The networks of all interfaces that are up, in the order of their names and addresses, the loopback one included.
///
/// # Errors
///
/// The system does not say.
pub fn local_networks() -> io::Result<Vec<LocalNetwork>> {
    let mut interfaces = if_addrs::get_if_addrs()?;
    // Of some, tunnels among them, the system does not know whether they are up.
    interfaces.retain(|it| matches!(it.oper_status, IfOperStatus::Up | IfOperStatus::Unknown));
    interfaces.sort_by(|a, b| (&a.name, a.ip()).cmp(&(&b.name, b.ip())));
    Ok(interfaces.iter().map(network).collect())
}

fn network(interface: &Interface) -> LocalNetwork {
    let prefix = match &interface.addr {
        IfAddr::V4(address) => address.prefixlen,
        IfAddr::V6(address) => address.prefixlen,
    };
    LocalNetwork::new(&interface.name, interface.ip(), prefix)
}

/// The router to which IPv4 packets for the Internet go. `None` if there is none, and on systems other than Linux and Android, where
/// only UPnP finds it.
pub fn default_gateway() -> Option<IpAddr> {
    if cfg!(any(target_os = "linux", target_os = "android")) {
        gateway_in(&std::fs::read_to_string("/proc/net/route").ok()?)
    } else {
        None
    }
}

/// The default route with the least metric in the kernel's table, whose numbers are hexadecimal, and addresses in the byte order of the
/// machine.
fn gateway_in(table: &str) -> Option<IpAddr> {
    const UP_AND_GATEWAY: u16 = 3;
    let routes = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[_, destination, gateway, flags, _, _, metric, mask, ..] = &fields[..] else {
            return None;
        };
        let number = |text| u32::from_str_radix(text, 16).ok();
        let flags = u16::from_str_radix(flags, 16).ok()?;
        let default = number(destination)? == 0 && number(mask)? == 0;
        (default && flags & UP_AND_GATEWAY == UP_AND_GATEWAY)
            .then_some((metric.parse::<u32>().ok()?, number(gateway)?))
    });
    let (_, gateway) = routes.min()?;
    Some(gateway.to_ne_bytes().into())
}

/// Notices when this host has moved to other networks: addresses come and go, or the gateway is another one.
///
/// It compares when it is asked. Ask every few seconds, and after sending has failed.
#[derive(Debug)]
pub struct NetworkWatch {
    networks: Vec<LocalNetwork>,
    gateway: Option<IpAddr>,
}

impl NetworkWatch {
    /// Watches from now on.
    ///
    /// # Errors
    ///
    /// The system does not say which networks there are.
    pub fn new() -> io::Result<Self> {
        Ok(Self { networks: local_networks()?, gateway: default_gateway() })
    }

    /// Whether anything has changed since this was asked last.
    ///
    /// # Errors
    ///
    /// The system does not say.
    pub fn changed(&mut self) -> io::Result<bool> {
        let now = Self::new()?;
        let changed = now.networks != self.networks || now.gateway != self.gateway;
        *self = now;
        Ok(changed)
    }

    /// The networks as they were when this was asked last.
    pub fn networks(&self) -> &[LocalNetwork] {
        &self.networks
    }

    /// The gateway as it was when this was asked last.
    pub fn gateway(&self) -> Option<IpAddr> {
        self.gateway
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_with_the_least_metric_counts() {
        let gateway = |ip: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(ip));
        let table = format!(
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
             wlan0\t00000000\t{}\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
             eth0\t00000000\t{}\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
             tun0\t00000000\t{}\t0001\t0\t0\t0\t00000000\t0\t0\t0\n\
             eth0\t0000A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n",
            gateway([192, 168, 1, 1]),
            gateway([192, 168, 0, 1]),
            gateway([10, 0, 0, 1])
        );
        assert_eq!(gateway_in(&table), Some([192, 168, 0, 1].into()));
        for none in ["", "header\n", "header\nnonsense", "h\neth0 x y 3 0 0 0 0"] {
            assert_eq!(gateway_in(none), None);
        }
    }

    #[test]
    fn this_host_has_a_loopback_network_and_does_not_change_by_itself() {
        let mut watch = NetworkWatch::new().unwrap();
        assert!(watch.networks().iter().any(|network| network.address().is_loopback()));
        assert!(!watch.changed().unwrap());
    }
}
