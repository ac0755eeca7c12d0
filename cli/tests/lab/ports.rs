//! Ports from a router with miniupnpd, by every protocol, and packets through them.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant as Clock};

use serde_json::Value;
use srudp::SystemEntropy;
use srudp::nat::portmap::{PortMapConfig, PortMapEvent, PortMapProtocol, PortMapper};
use srudp::proto::Instant;
use tempfile::TempDir;

use crate::net::{Gateway, Host, Lab, Program, Router};
use crate::say::say;
use crate::{servers, stopwatch};

/// The address that the router calls its own: miniupnpd gives no ports of the addresses that this lab has.
pub(crate) const EXTERNAL: &str = "11.0.1.2";

/// Rules that miniupnpd adds its own to.
const RULES: &str = "\
table inet miniupnpd {
  chain ports { }
  chain forward { type filter hook forward priority filter; jump ports; }
  chain inward { }
  chain before { type nat hook prerouting priority dstnat; jump inward; }
  chain outward { }
  chain after { type nat hook postrouting priority srcnat; jump outward; }
}
";

#[derive(Debug)]
pub(crate) struct Daemon {
    _program: Program,
    _home: TempDir,
}

/// miniupnpd on a router. `None` if it is not installed.
pub(crate) fn miniupnpd(router: &Router) -> Option<Daemon> {
    daemon(router, "enable_natpmp=yes")
}

/// The same, but it speaks UPnP alone, as most routers in homes do.
pub(crate) fn miniupnpd_without_pcp(router: &Router) -> Option<Daemon> {
    daemon(router, "enable_natpmp=no")
}

fn daemon(router: &Router, pcp: &str) -> Option<Daemon> {
    Command::new("miniupnpd").arg("--version").output().ok()?;
    router.nft(RULES);
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("conf");
    let options = format!(
        "ext_ifname=wan\next_ip={EXTERNAL}\nlistening_ip=lan\n{pcp}\nenable_upnp=yes\nsecure_mode=yes\n\
         upnp_table_name=miniupnpd\nupnp_nat_table_name=miniupnpd\nupnp_forward_chain=ports\nupnp_nat_chain=inward\n\
         upnp_nat_postrouting_chain=outward\nuuid=11111111-2222-3333-4444-555555555555\n\
         allow 1024-65535 0.0.0.0/0 1024-65535\ndeny 0-65535 0.0.0.0/0 0-65535\n"
    );
    std::fs::write(&file, options).unwrap();
    let pid = home.path().join("pid").display().to_string();
    let program =
        router.program("miniupnpd", &["-d", "-f", &file.display().to_string(), "-P", &pid]);
    Some(Daemon { _program: program, _home: home })
}

/// Runs the mapper, which began then, on a host until something happens.
fn run(host: &Host, socket: &UdpSocket, mapper: &mut PortMapper, began: Clock) -> PortMapEvent {
    let (start, now) = (stopwatch::now(), || Instant::ZERO + began.elapsed());
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut buffer = [0; 2048];
    while start.elapsed() < Duration::from_secs(20) {
        if let Some(event) = mapper.poll_event() {
            return event;
        }
        while let Some(transmit) = mapper.poll_transmit() {
            socket.send_to(&transmit.payload, transmit.destination).unwrap();
        }
        while let Some(request) = mapper.poll_http() {
            let mut answer = Vec::new();
            let mut stream = host.bind(|| TcpStream::connect(request.to));
            stream.write_all(&request.payload).unwrap();
            stream.read_to_end(&mut answer).unwrap();
            mapper.handle_http(now(), request.to, &answer);
        }
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            mapper.handle_datagram(now(), from, &buffer[..length]);
        }
        mapper.handle_timeout(now());
    }
    panic!("nothing happens: {mapper:?}");
}

#[test]
fn miniupnpd_gives_ports_by_every_protocol_and_packets_pass() {
    let Some(lab) = Lab::new() else { return };
    let outside = lab.public("outside");
    let (router, host) = lab.site("mapped", &Gateway::home());
    let Some(_daemon) = miniupnpd(&router) else {
        return say("not run: miniupnpd is not installed");
    };
    let gateway: IpAddr = host.gateway().into();
    for (protocol, port) in PortMapProtocol::ALL.into_iter().zip(41_001..) {
        let local = host.at(port);
        let socket = host.bind(|| UdpSocket::bind(local));
        let own = host.bind(|| UdpSocket::bind(host.at(0)));
        let config = PortMapConfig::new(local, Some(gateway)).only(protocol);
        let entropy = Box::new(SystemEntropy::new().unwrap());
        let began = stopwatch::now();
        let mut mapper = PortMapper::new(Instant::ZERO, &config, entropy);
        let mapping = loop {
            match run(&host, &own, &mut mapper, began) {
                PortMapEvent::Probed => {}
                PortMapEvent::Mapped(mapping) => break mapping,
                other => panic!("{protocol}: {other:?}"),
            }
        };
        assert_eq!((mapping.protocol, mapping.external.port()), (protocol, port));
        assert_eq!(mapping.external.ip().to_string(), EXTERNAL);

        let stranger = outside.bind(|| UdpSocket::bind(outside.at(0)));
        let mut buffer = [0; 16];
        let mut arrives = || {
            stranger.send_to(b"knock", (router.external(), port)).unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            socket.recv_from(&mut buffer).is_ok()
        };
        assert!(arrives(), "{protocol}: nothing comes in");
        mapper.close(Instant::ZERO + began.elapsed());
        assert_eq!(run(&host, &own, &mut mapper, began), PortMapEvent::Closed);
        // The kernel keeps what flows: another stranger has to try.
        let stranger = outside.bind(|| UdpSocket::bind(outside.at(0)));
        stranger.send_to(b"knock", (router.external(), port)).unwrap();
        assert!(socket.recv_from(&mut buffer).is_err(), "{protocol}: it was not given back");
    }
}

#[test]
fn the_report_says_which_protocols_the_router_speaks() {
    let Some(lab) = Lab::new() else { return };
    let server = servers::own(&lab.public("server"));
    let (router, host) = lab.site("mapped", &Gateway::home());
    let (_, other) = lab.site("plain", &Gateway::home());
    let daemon = miniupnpd(&router);
    if daemon.is_none() {
        return say("not run: miniupnpd is not installed");
    }
    let server = server.address.to_string();
    for (host, spoken, external) in [(&host, true, EXTERNAL.into()), (&other, false, Value::Null)] {
        let text = host.srudp(&["nat", "--server", &server, "--json"]).end();
        let report: Value = serde_json::from_str(&text).unwrap();
        for protocol in ["pcp", "nat_pmp", "upnp"] {
            assert_eq!(report["port_mapping"][protocol], spoken, "{protocol}: {text}");
        }
        assert_eq!(report["gateway_external"], external, "{text}");
        assert_eq!(report["gateway"], host.gateway().to_string(), "{text}");
    }
}
