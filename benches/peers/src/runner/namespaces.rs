//! Two network namespaces, one for each end. They end with the value, and with them what is in them.

use std::net::Ipv4Addr;
use std::process::{self, Command};

use anyhow::{Context, Result, ensure};

/// Where the client and the server are: a network of two, which nobody else sees.
pub(super) const ADDRESSES: [Ipv4Addr; 2] =
    [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];

const PREFIX: &str = "30";

/// What an Ethernet carries.
const ETHERNET_MTU: u32 = 1500;

/// That of the client and that of the server.
#[derive(Debug)]
pub(super) struct Namespaces {
    names: Vec<String>,
}

impl Namespaces {
    pub(super) fn create() -> Result<Self> {
        let mut namespaces = Self { names: Vec::new() };
        for end in ["client", "server"] {
            let name = format!("peers-{}-{end}", process::id());
            ip(&["netns", "add", &name]).context(
                "network namespaces cannot be made: veth pairs and bad links need root, and `ip` of iproute2",
            )?;
            namespaces.names.push(name);
        }
        Ok(namespaces)
    }

    /// Joined by a veth pair as wide as an Ethernet.
    pub(super) fn joined() -> Result<Self> {
        let namespaces = Self::create()?;
        let [client, server] = namespaces.names()?;
        ip(&[
            "-n", client, "link", "add", "veth", "type", "veth", "peer", "name", "veth", "netns",
            server,
        ])?;
        namespaces.configure(["veth", "veth"], ETHERNET_MTU)?;
        Ok(namespaces)
    }

    /// Takes in one device of this machine each.
    pub(super) fn adopt(&self, devices: [&str; 2], mtu: u32) -> Result<()> {
        for (name, device) in self.names()?.into_iter().zip(devices) {
            ip(&["link", "set", device, "netns", name])?;
        }
        self.configure(devices, mtu)
    }

    pub(super) fn names(&self) -> Result<[&str; 2]> {
        let names = self.names.iter().map(String::as_str).collect::<Vec<_>>();
        names.try_into().ok().context("two namespaces")
    }

    fn configure(&self, devices: [&str; 2], mtu: u32) -> Result<()> {
        for ((name, device), address) in self.names()?.into_iter().zip(devices).zip(ADDRESSES) {
            ip(&["-n", name, "addr", "add", &format!("{address}/{PREFIX}"), "dev", device])?;
            ip(&["-n", name, "link", "set", device, "mtu", &mtu.to_string(), "up"])?;
            ip(&["-n", name, "link", "set", "lo", "up"])?;
        }
        Ok(())
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = ip(&["netns", "delete", name]);
        }
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(arguments).output().context("`ip` does not start")?;
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {}: {}", arguments.join(" "), why.trim());
    Ok(())
}
