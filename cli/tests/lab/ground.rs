//! The laboratory is what it claims to be, seen with bare datagrams.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::net::{Gateway, Host, Input, Lab};
use crate::reflexive;
use crate::servers;

const PORT: u16 = 5000;

fn socket(host: &Host, port: u16) -> UdpSocket {
    let socket = host.bind(|| UdpSocket::bind(("0.0.0.0", port)));
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    socket
}

/// Whether something sent now from `from` to this address arrives.
fn arrives(from: &UdpSocket, address: SocketAddr, at: &UdpSocket) -> bool {
    from.send_to(b"ping", address).unwrap();
    at.recv_from(&mut [0; 16]).is_ok()
}

#[test]
fn cuts_are_silent_and_heal() {
    let Some(lab) = Lab::new() else { return };
    let (a, b, c) = (lab.public("a"), lab.public("b"), lab.public("c"));
    let (router, inside) = lab.site("inside", &Gateway::home());
    let sockets = [&a, &b, &c, &inside].map(|host| socket(host, PORT));
    let [sa, sb, sc, si] = &sockets;
    assert!(arrives(sa, b.at(PORT), sb) && arrives(si, c.at(PORT), sc));
    lab.part(&a, &b);
    assert!(!arrives(sa, b.at(PORT), sb) && arrives(sa, c.at(PORT), sc));
    lab.join(&a, &b);
    assert!(arrives(sa, b.at(PORT), sb));
    lab.cut(&router);
    assert!(!arrives(si, c.at(PORT), sc));
    lab.restore(&router);
    assert!(arrives(si, c.at(PORT), sc));
}

#[test]
fn a_router_that_starts_again_has_forgotten_who_asked() {
    let Some(lab) = Lab::new() else { return };
    let outside = lab.public("outside");
    let at = socket(&outside, PORT);
    for (name, gateway) in [("home", Gateway::home()), ("cone", Gateway::full_cone())] {
        let (router, inside) = lab.site(name, &gateway);
        let within = socket(&inside, PORT);
        assert!(arrives(&within, outside.at(PORT), &at));
        let external = (router.external(), PORT).into();
        assert!(arrives(&at, external, &within), "{name}");
        router.reboot();
        assert!(!arrives(&at, external, &within), "{name}");
        router.renumber();
        assert!(arrives(&within, outside.at(PORT), &at), "{name}");
        assert!(!arrives(&at, external, &within), "{name}");
        assert!(arrives(&at, (router.external(), PORT).into(), &within), "{name}");
    }
}

#[test]
fn ipv6_is_not_translated_and_lets_only_answers_in() {
    let Some(lab) = Lab::new() else { return };
    let outside = lab.public("outside");
    let (_, inside) = lab.site("inside", &Gateway::home());
    let [at, within] = [&outside, &inside].map(|host| {
        let socket = host.bind(|| UdpSocket::bind(("::", PORT)));
        socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        socket
    });
    assert!(!arrives(&at, inside.at_v6(PORT), &within));
    assert!(arrives(&within, outside.at_v6(PORT), &at));
    assert!(arrives(&at, inside.at_v6(PORT), &within));
}

/// The peer's datagram is there first. If the router takes it, it owns the port of the flow that answers it, which therefore gets another.
#[test]
fn an_early_datagram_costs_the_port_where_routers_take_it() {
    let Some(lab) = Lab::new() else { return };
    let (server, peer) = (lab.public("server"), lab.public("peer"));
    let stun = servers::own(&server);
    let at = socket(&peer, PORT);
    for (input, poisoned) in [(Input::Drop, false), (Input::Reject, false), (Input::Accept, true)] {
        let name = format!("{input:?}").to_lowercase();
        let (router, inside) = lab.site(&name, &Gateway::home().input(input));
        let within = socket(&inside, PORT);
        let reflexive = reflexive::ask(&within, stun.address);
        assert_eq!(reflexive, (router.external(), PORT).into());
        assert!(!arrives(&at, reflexive, &within));
        within.send_to(b"pong", peer.at(PORT)).unwrap();
        // An ICMP error may come before it.
        let from = (0..3).find_map(|_| at.recv_from(&mut [0; 16]).ok()).unwrap().1;
        assert_eq!(from != reflexive, poisoned, "{input:?}: seen as {from}");
        let (peer, own) = (peer.at(PORT).ip(), router.external());
        let stray = format!("src={peer} dst={own} sport={PORT} dport={PORT} [UNREPLIED]");
        assert_eq!(router.flows().contains(&stray), poisoned, "{}", router.flows());
    }
}

/// Two NATs and one more hop: what dies there has opened the way all the same.
#[test]
fn a_datagram_of_low_ttl_opens_the_way_and_does_not_arrive() {
    let Some(lab) = Lab::new() else { return };
    let peer = lab.public("peer");
    let at = socket(&peer, PORT);
    let (home, carrier) = (Gateway::home(), Gateway::home().carrier());
    let carried = lab.carrier_site("carried", &home, &carrier);
    let within = socket(&carried.host, PORT);
    within.set_ttl(3).unwrap();
    assert!(!arrives(&within, peer.at(PORT), &at));
    thread::sleep(Duration::from_millis(50));
    // The ICMP error is taken from the socket.
    let _ = within.take_error();
    assert!(carried.inner.flows().contains("dport=5000"));
    assert!(arrives(&at, (carried.outer.external(), PORT).into(), &within));
    within.set_ttl(64).unwrap();
    assert!(arrives(&within, peer.at(PORT), &at));
}
