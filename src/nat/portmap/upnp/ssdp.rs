//! Looking for gateways: the Simple Service Discovery Protocol (UPnP Device Architecture 1.1 §1.3).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::nat::scope::Scope;

/// Where devices listen.
pub(super) const GROUP: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(239, 255, 255, 250)), 1900);

/// Who is an Internet gateway? Devices of version 2 answer too.
pub(super) fn search() -> Vec<u8> {
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n\
      ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"
        .to_vec()
}

/// Where something is to be had over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: SocketAddr,
    pub(super) path: String,
}

/// Where the device describes itself. `None` if that is no answer to the search, or leads to another host than the one that
/// answers, or out of this site: nobody may aim us at a third one.
pub(super) fn location(from: SocketAddr, datagram: &[u8]) -> Option<Place> {
    let text = std::str::from_utf8(datagram).ok()?;
    let mut lines = text.split("\r\n");
    if !lines.next()?.starts_with("HTTP/1.1 200") || !text.contains(":InternetGatewayDevice:") {
        return None;
    }
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let (_, url) = fields.find(|(name, _)| name.trim().eq_ignore_ascii_case("location"))?;
    let place = place(url.trim())?;
    let near = Scope::of(from.ip()) < Scope::Global && Scope::of(from.ip()) != Scope::Unusable;
    (near && place.host.ip() == from.ip()).then_some(place)
}

/// The parts of `http://ADDRESS[:PORT]/PATH`.
pub(super) fn place(url: &str) -> Option<Place> {
    let rest = url.strip_prefix("http://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host
        .parse()
        .or_else(|_| host.parse().map(|ip: IpAddr| SocketAddr::new(ip, 80)))
        .ok()
        .filter(|host: &SocketAddr| host.port() != 0)?;
    is_path(path).then(|| Place { host, path: path.to_owned() })
}

/// Whether it may stand in a request.
pub(super) fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.len() < 256 && path.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(location: &str) -> Vec<u8> {
        let kind = "urn:schemas-upnp-org:device:InternetGatewayDevice:1";
        format!("HTTP/1.1 200 OK\r\nST: {kind}\r\nLocation: {location}\r\n\r\n").into_bytes()
    }

    #[test]
    fn a_gateway_says_where_it_describes_itself() {
        let from = "192.168.1.1:1900".parse().unwrap();
        let found = location(from, &answer("http://192.168.1.1:5000/root.xml")).unwrap();
        assert_eq!(
            (found.host.to_string(), found.path),
            ("192.168.1.1:5000".into(), "/root.xml".into())
        );
        assert!(location(from, &answer("http://192.168.1.1/x")).is_some());
    }

    #[test]
    fn nobody_aims_us_at_another_host_or_out_of_the_site() {
        let from = "192.168.1.1:1900".parse().unwrap();
        for url in [
            "http://192.168.1.7:80/x",
            "http://router.example/x",
            "https://192.168.1.1/x",
            "http://192.168.1.1:0/x",
            "http://192.168.1.1/a b",
            "http://192.168.1.1",
        ] {
            assert_eq!(location(from, &answer(url)), None, "{url}");
        }
        let outside = "203.0.113.1:1900".parse().unwrap();
        assert_eq!(location(outside, &answer("http://203.0.113.1/x")), None);
        assert_eq!(location(from, b"NOTIFY * HTTP/1.1\r\n\r\n"), None);
    }
}
