//! What a gateway offers: WANIPConnection or WANPPPConnection, and where to call it (UPnP IGD:2 §2).

use std::net::SocketAddr;

use super::ssdp::{Place, is_path, place};
use super::xml;

const PREFIX: &str = "urn:schemas-upnp-org:service:";

/// The services that map ports, the best first. Version 2 chooses another port by itself if the one that was asked for is taken.
const KINDS: [&str; 3] = ["WANIPConnection:2", "WANIPConnection:1", "WANPPPConnection:1"];

/// A service to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) kind: &'static str,
    pub(super) control: Place,
}

impl Service {
    /// The best one that the gateway's description holds.
    pub(super) fn find(host: SocketAddr, description: &str) -> Option<Self> {
        KINDS.iter().find_map(|kind| {
            let of_kind = |service: &&str| {
                let written = xml::text(service, "serviceType").unwrap_or_default();
                written.strip_prefix(PREFIX) == Some(kind)
            };
            let service = xml::elements(description, "service").find(of_kind)?;
            let url = xml::text(service, "controlURL")?;
            let path = match place(url) {
                Some(place) => (place.host == host).then_some(place.path)?,
                None if url.starts_with('/') => url.to_owned(),
                None => format!("/{url}"),
            };
            is_path(&path).then_some(Self { kind, control: Place { host, path } })
        })
    }

    pub(super) fn name(&self) -> String {
        [PREFIX, self.kind].concat()
    }

    pub(super) fn is_second_version(&self) -> bool {
        self.kind.ends_with(":2")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(kind: &str, url: &str) -> String {
        format!(
            "<root><device><serviceList><service><serviceType>{PREFIX}Layer3Forwarding:1</serviceType>\
             <controlURL>/no</controlURL></service><service><serviceType>{PREFIX}{kind}</serviceType>\
             <controlURL>{url}</controlURL></service></serviceList></device></root>"
        )
    }

    #[test]
    fn the_service_and_its_path_are_found() {
        let host = "192.168.1.1:5000".parse().unwrap();
        for (url, path) in [
            ("/ctl", Some("/ctl")),
            ("ctl", Some("/ctl")),
            ("http://192.168.1.1:5000/c", Some("/c")),
        ] {
            let found = Service::find(host, &description("WANIPConnection:1", url));
            assert_eq!(found.map(|found| found.control.path).as_deref(), path, "{url}");
        }
        for (kind, url) in [
            ("WANIPConnection:1", "http://192.168.1.7:80/c"),
            ("WANIPConnection:1", "/c\r\nX: y"),
            ("Other:1", "/c"),
        ] {
            assert_eq!(Service::find(host, &description(kind, url)), None, "{kind} {url}");
        }
    }
}
