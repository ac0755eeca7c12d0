//! Tickets that lie about where their peer is, to whoever dials by them alone (SPEC §18.3).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use srudp::Identity;
use srudp::nat::{Candidate, Description, Destinations, LocalNetwork};
use srudp::proto::Dial;

use super::aim::{KINDS, Ledger, Target, VICTIM, address, forbidden, forms, nat, victim};

/// How long each address of a ticket is dialled.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a dial sends to an address that does not answer, within that time: a first flight of two datagrams, three times.
const DATAGRAMS: usize = 3 * 2;
const DATAGRAM: usize = 1200;

/// Dials a peer by its ticket, as `Endpoint::connect_ticket` does, and lets what was sent late come too.
fn dialled(theirs: &Description, destinations: &Destinations) -> Ledger {
    let mut target = Target::new();
    let peer = Identity::from_secret_bytes([2; 32]).peer_id();
    for address in theirs.dialable(destinations) {
        let dial = Dial::new(peer, address);
        let handle = target.node.endpoint().connect(target.now, &dial).unwrap();
        target.wait(PATIENCE);
        target.node.remove(target.now, handle);
    }
    target.wait(Duration::from_secs(60));
    target.sent
}

#[test]
fn a_ticket_does_not_bring_a_dial_to_a_forbidden_address_in_whatever_form() {
    let home = LocalNetwork::new("eth0", [192, 168, 1, 2].into(), 24);
    let own = address("192.168.1.2:4000");
    let destinations = Destinations::new(&[home]).own(&[own]);
    let mut aimed: Vec<SocketAddr> =
        forbidden().into_iter().map(|ip| SocketAddr::new(ip, 4000)).collect();
    aimed.extend(forms([192, 168, 1, 2].into()).into_iter().map(|ip| SocketAddr::new(ip, 4000)));
    let ports = [0, 53, 123, 1900, 3478, 11_211];
    aimed.extend(ports.map(|port| SocketAddr::from((victim(), port))));
    for aimed in aimed {
        for kind in KINDS {
            let theirs = Description::new(nat(false), &[Candidate::new(kind, aimed)]);
            assert_eq!(dialled(&theirs, &destinations).all().packets, 0, "{aimed} as {kind}");
        }
    }
}

#[test]
fn an_address_in_a_ticket_is_dialled_once_however_often_and_in_whatever_forms_it_is_told() {
    let mut candidates = Vec::new();
    for kind in KINDS {
        // The forms that are IPv4 on the wire, and one that is not.
        for ip in forms(victim()).into_iter().take(3) {
            candidates.push(Candidate::new(kind, SocketAddr::new(ip, 6000)));
        }
    }
    candidates.push(Candidate::new(KINDS[0], address(VICTIM)).of_socket(1));
    assert!(candidates.len() <= 16);
    let theirs = Description::new(nat(false), &candidates);
    let got = dialled(&theirs, &Destinations::default()).host(victim());
    assert!((1..=DATAGRAMS).contains(&got.packets), "{got:?}");
    assert!(got.bytes <= DATAGRAMS * DATAGRAM);
}

#[test]
fn a_host_gets_the_dials_of_sixteen_ports_at_most() {
    for kind in KINDS {
        let port =
            |port: u16| Candidate::new(kind, SocketAddr::new(IpAddr::V4(victim()), 6000 + port));
        let ports: Vec<Candidate> = (0..40).map(port).collect();
        let sent = dialled(&Description::new(nat(false), &ports), &Destinations::default());
        let got = sent.host(victim());
        assert_eq!(got, sent.all());
        assert_eq!(got.packets, 16 * DATAGRAMS, "the bound is reached");
        assert!(got.bytes <= 16 * DATAGRAMS * DATAGRAM, "{got:?}");
    }
}
