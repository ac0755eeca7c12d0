//! A mapper and gateways of all kinds, played by hand.

use std::time::Duration;

use super::*;
use crate::base::SeededEntropy;
use crate::nat::CandidateKind;

const NOW: Instant = Instant::ZERO;
const EXTERNAL: [u8; 4] = [203, 0, 113, 5];

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn config() -> PortMapConfig {
    PortMapConfig::new(address("192.168.1.2:5000"), Some([192, 168, 1, 1].into()))
}

fn mapper(config: &PortMapConfig) -> PortMapper {
    PortMapper::new(NOW, config, Box::new(SeededEntropy::new(1)))
}

/// A gateway that speaks some protocols.
#[derive(Default)]
struct Router {
    pcp: bool,
    nat_pmp: bool,
    /// The version of its WANIPConnection; 0 if it does not speak UPnP.
    upnp: u8,
    address: Option<[u8; 4]>,
    /// PCP refuses ports with this code.
    refuses: u8,
    /// UPnP refuses the next ports with these codes.
    faults: Vec<u16>,
    /// Ports that were asked for, with their lifetimes, and 0 for those given back.
    asked: Vec<(u16, u32)>,
    /// What was sent anywhere.
    heard: usize,
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

impl Router {
    fn ip(&self) -> [u8; 4] {
        self.address.unwrap_or(EXTERNAL)
    }

    fn udp(&mut self, to: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
        self.heard += 1;
        match (to.port(), request) {
            (5351, [2, 0, ..]) if self.pcp => Some([&[2, 0x80][..], &[0; 22]].concat()),
            (5351, [2, 1, ..]) if self.pcp => {
                let mut out = request.to_vec();
                (out[1], out[3]) = (0x81, self.refuses);
                self.asked.push((number(&out[42..44]) as u16, number(&out[4..8])));
                out[54..56].fill(0xff);
                out[56..60].copy_from_slice(&self.ip());
                Some(out)
            }
            (5351, [2, ..]) if self.nat_pmp => Some(vec![0, 0x80, 0, 1, 0, 0, 0, 9]),
            (5351, [0, 0]) if self.nat_pmp => {
                Some([&[0, 128, 0, 0, 0, 0, 0, 9][..], &self.ip()].concat())
            }
            (5351, [0, 1, ..]) if self.nat_pmp => {
                self.asked.push((number(&request[6..8]) as u16, number(&request[8..12])));
                let out = [&[0, 129, 0, 0, 0, 0, 0, 9], &request[4..12]].concat();
                Some(out)
            }
            (1900, _) if self.upnp > 0 && to.ip().is_ipv4() => Some(
                b"HTTP/1.1 200 OK\r\nLOCATION: http://192.168.1.1:49152/igd.xml\r\n\
                  ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"
                    .to_vec(),
            ),
            _ => None,
        }
    }

    fn http(&mut self, request: &HttpRequest) -> Vec<u8> {
        let text = String::from_utf8(request.payload.clone()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let argument = |name: &str| {
            let (_, rest) = body.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.parse::<u32>().unwrap()
        };
        let version = self.upnp;
        let answer = if head.starts_with("GET /igd.xml HTTP/1.0\r\n") {
            format!(
                "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:{version}\
                 </serviceType><controlURL>/ctl</controlURL></service>"
            )
        } else if head.contains("#GetExternalIPAddress\"") {
            let [a, b, c, d] = self.ip();
            format!("<NewExternalIPAddress>{a}.{b}.{c}.{d}</NewExternalIPAddress>")
        } else if head.contains("PortMapping\"") && head.contains("#Add") {
            let port = argument("NewExternalPort");
            self.asked.push((port as u16, argument("NewLeaseDuration")));
            if !self.faults.is_empty() {
                let code = self.faults.remove(0);
                let fault = format!("<errorCode>{code}</errorCode>");
                return format!("HTTP/1.0 500 No\r\n\r\n{fault}").into_bytes();
            }
            format!("<NewReservedPort>{}</NewReservedPort>", if version == 2 { 6000 } else { port })
        } else {
            assert!(head.contains("#DeletePortMapping\""));
            self.asked.push((argument("NewExternalPort") as u16, 0));
            String::new()
        };
        format!("HTTP/1.1 200 OK\r\n\r\n{answer}").into_bytes()
    }

    /// Carries everything to and fro until the time comes, or nothing is left to wait for.
    fn serve(&mut self, until: Duration, mapper: &mut PortMapper) -> Vec<PortMapEvent> {
        let (mut now, from) = (NOW, [192, 168, 1, 1]);
        loop {
            while let Some(transmit) = mapper.poll_transmit() {
                let to = transmit.destination;
                if let Some(answer) = self.udp(to, &transmit.payload) {
                    mapper.handle_datagram(now, SocketAddr::from((from, to.port())), &answer);
                }
            }
            if let Some(request) = mapper.poll_http() {
                let answer = self.http(&request);
                mapper.handle_http(now, request.to, &answer);
                continue;
            }
            match mapper.poll_timeout().filter(|at| *at <= NOW + until) {
                None => return std::iter::from_fn(|| mapper.poll_event()).collect(),
                Some(at) => now = at,
            }
            mapper.handle_timeout(now);
        }
    }
}

const SOON: Duration = Duration::from_secs(20);

fn mapped(protocol: PortMapProtocol, port: u16, seconds: u64) -> PortMapEvent {
    let external = SocketAddr::from((EXTERNAL, port));
    PortMapEvent::Mapped(PortMapping { protocol, external, lifetime: Duration::from_secs(seconds) })
}

#[test]
fn the_best_protocol_that_is_spoken_gives_the_port() {
    for (router, event) in [
        (
            Router { pcp: true, nat_pmp: true, upnp: 1, ..Router::default() },
            mapped(PortMapProtocol::Pcp, 5000, 7200),
        ),
        (
            Router { nat_pmp: true, upnp: 1, ..Router::default() },
            mapped(PortMapProtocol::NatPmp, 5000, 7200),
        ),
        (Router { upnp: 1, ..Router::default() }, mapped(PortMapProtocol::Upnp, 5000, 1200)),
        (Router { upnp: 2, ..Router::default() }, mapped(PortMapProtocol::Upnp, 6000, 1200)),
    ] {
        let (mut router, mut mapper) = (router, mapper(&config()));
        let events = router.serve(SOON, &mut mapper);
        assert_eq!(events.len(), 2, "{events:?}");
        assert!(events.contains(&PortMapEvent::Probed) && events.contains(&event), "{events:?}");
        assert_eq!(router.asked.len(), 1);
        let candidate = mapper.mapping().unwrap().candidate();
        assert_eq!(candidate.kind(), CandidateKind::Mapped);
    }
}

#[test]
fn a_protocol_that_is_chosen_is_spoken_alone() {
    for (protocol, seconds) in [
        (PortMapProtocol::Pcp, 7200),
        (PortMapProtocol::NatPmp, 7200),
        (PortMapProtocol::Upnp, 1200),
    ] {
        let mut router = Router { pcp: true, nat_pmp: true, upnp: 1, ..Router::default() };
        let events = router.serve(SOON, &mut mapper(&config().only(protocol)));
        assert!(events.contains(&mapped(protocol, 5000, seconds)), "{events:?}");
    }
}

#[test]
fn who_only_asks_what_is_spoken_changes_nothing() {
    let mut router = Router { nat_pmp: true, upnp: 1, ..Router::default() };
    let mut mapper = mapper(&config().probe_only());
    assert_eq!(router.serve(SOON, &mut mapper), [PortMapEvent::Probed]);
    let version = Availability::Unavailable(PortMapError::Version);
    assert_eq!(mapper.availability(PortMapProtocol::Pcp), version);
    assert_eq!(mapper.availability(PortMapProtocol::NatPmp), Availability::Available);
    assert_eq!(mapper.availability(PortMapProtocol::Upnp), Availability::Available);
    assert_eq!(
        (mapper.external_ip(), mapper.is_double_nat()),
        (Some(EXTERNAL.into()), Some(false))
    );
    assert_eq!(router.asked, []);
}

#[test]
fn where_nothing_is_spoken_little_is_sent_and_that_is_said() {
    let (mut router, mut mapper) = (Router::default(), mapper(&config()));
    let failed = PortMapEvent::Failed(PortMapError::TimedOut);
    assert_eq!(router.serve(SOON, &mut mapper), [PortMapEvent::Probed, failed]);
    assert_eq!(router.heard, 4 + 4 + 2 * 4);
    assert_eq!(mapper.poll_timeout(), None);
}

#[test]
fn a_refusal_leads_to_the_next_protocol() {
    let mut router = Router { pcp: true, refuses: 2, nat_pmp: true, ..Router::default() };
    let events = router.serve(SOON, &mut mapper(&config()));
    assert!(events.contains(&mapped(PortMapProtocol::NatPmp, 5000, 7200)), "{events:?}");
    let mut router = Router { pcp: true, refuses: 2, ..Router::default() };
    let events = router.serve(SOON, &mut mapper(&config()));
    assert!(events.contains(&PortMapEvent::Failed(PortMapError::Refused(2))), "{events:?}");
}

#[test]
fn a_port_is_asked_for_again_and_given_back() {
    let mut router = Router { pcp: true, ..Router::default() };
    let mut mapper = mapper(&config());
    router.serve(Duration::from_secs(1000), &mut mapper);
    assert_eq!(router.asked, [(5000, 7200); 9]);
    mapper.close(NOW);
    assert_eq!(router.serve(SOON, &mut mapper), [PortMapEvent::Closed]);
    assert_eq!(router.asked.last(), Some(&(5000, 0)));
    assert_eq!(mapper.mapping(), None);
}

#[test]
fn a_gateway_that_has_become_silent_or_another_is_noticed() {
    let mut router = Router { pcp: true, ..Router::default() };
    let mut mapper = mapper(&config());
    router.serve(SOON, &mut mapper);
    router.address = Some([203, 0, 113, 6]);
    let events = router.serve(Duration::from_secs(130), &mut mapper);
    assert!(
        matches!(events[..], [PortMapEvent::Mapped(new)] if new.external.ip() == IpAddr::from([203, 0, 113, 6]))
    );
    router.pcp = false;
    let failed = PortMapEvent::Failed(PortMapError::TimedOut);
    assert_eq!(router.serve(Duration::from_secs(400), &mut mapper), [failed]);
}

#[test]
fn a_gateway_behind_another_nat_is_told() {
    let mut router = Router { nat_pmp: true, address: Some([100, 64, 3, 4]), ..Router::default() };
    let mut mapper = mapper(&config());
    router.serve(SOON, &mut mapper);
    assert!(mapper.mapping().unwrap().is_double_nat());
    assert_eq!(mapper.is_double_nat(), Some(true));
}

#[test]
fn a_gateway_without_an_address_gives_no_port() {
    let mut router = Router { pcp: true, address: Some([0; 4]), ..Router::default() };
    let mut mapper = mapper(&config());
    router.serve(SOON, &mut mapper);
    assert_eq!(mapper.mapping(), None);
}

#[test]
fn privileged_ports_are_never_asked_for() {
    let config = PortMapConfig::new(address("192.168.1.2:443"), Some([192, 168, 1, 1].into()));
    let mut router = Router { pcp: true, ..Router::default() };
    router.serve(SOON, &mut mapper(&config));
    assert!(router.asked.iter().all(|(port, _)| *port >= 1024), "{:?}", router.asked);
}

#[test]
fn upnp_tries_other_ports_and_leases_without_end_and_deletes_these() {
    let mut router = Router { upnp: 1, faults: vec![725, 718, 718], ..Router::default() };
    let mut first = mapper(&config());
    router.serve(SOON, &mut first);
    let leases: Vec<u32> = router.asked.iter().map(|(_, lease)| *lease).collect();
    assert_eq!(leases, [1200, 0, 0, 0]);
    let port = first.mapping().unwrap().external.port();
    assert_ne!(port, 5000);
    first.close(NOW);
    assert_eq!(router.serve(SOON, &mut first), [PortMapEvent::Closed]);
    assert_eq!(router.asked.last(), Some(&(port, 0)));

    let mut router = Router { upnp: 1, faults: vec![718; 9], ..Router::default() };
    router.serve(SOON, &mut mapper(&config()));
    assert_eq!(router.asked.len(), 5);
}

#[test]
fn answers_of_others_do_not_count() {
    let mut router = Router { pcp: true, nat_pmp: true, ..Router::default() };
    let mut mapper = mapper(&config().probe_only());
    while let Some(transmit) = mapper.poll_transmit() {
        if let Some(answer) = router.udp(transmit.destination, &transmit.payload) {
            for from in ["192.168.1.7:5351", "192.168.1.1:5352"] {
                assert!(!mapper.handle_datagram(NOW, address(from), &answer));
            }
        }
    }
    assert_eq!(mapper.availability(PortMapProtocol::NatPmp), Availability::Asking);
}

#[test]
fn an_http_server_that_never_answers_is_given_up() {
    let mut mapper = mapper(&config().probe_only());
    let mut router = Router { upnp: 1, ..Router::default() };
    while let Some(transmit) = mapper.poll_transmit() {
        if let Some(answer) = router.udp(transmit.destination, &transmit.payload) {
            mapper.handle_datagram(NOW, address("192.168.1.1:1900"), &answer);
        }
    }
    assert!(mapper.poll_http().is_some());
    while let Some(at) = mapper.poll_timeout() {
        mapper.handle_timeout(at);
    }
    let silent = Availability::Unavailable(PortMapError::TimedOut);
    assert_eq!(mapper.availability(PortMapProtocol::Upnp), silent);
}
