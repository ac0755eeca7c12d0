//! A peer that is connected, and tells again and again that it may be reached at other addresses now (SPEC §18.7).

use std::net::SocketAddr;
use std::time::Duration;

use srudp::nat::{Candidate, CandidateKind};

use super::aim::{CHECK, KINDS};
use super::crossing::host::{Host, Meeting};
use super::crossing::kinds::Kind;
use super::crossing::world::STRANGER;

/// Lists that the peer sends, and how often: as soon as it has gathered what is true beside the lies.
const LISTS: u16 = 80;
const PERIOD: Duration = Duration::from_secs(3);

/// Searches that there are in this time: after 0, 5, 15, 35, 75 and 155 s, or somewhat later.
const SEARCHES: usize = 6;

/// Checks of one search to an address, and to a host (SPEC §18.5).
const TO_ADDRESS: usize = 20;
const TO_HOST: usize = 320;

/// Relays that count in all lists, datagrams to each, and their size (SPEC §19.3).
const RELAYS: usize = 16;
const CHALLENGES: usize = 24;
const FULL: usize = 1200;

fn stranger(port: u16) -> SocketAddr {
    SocketAddr::from((STRANGER, port))
}

/// What the stranger gets while the second of two hosts lies about where it is; `by_relay`: and their packets go by a relay.
fn flood(by_relay: bool, lie: impl Fn(u16) -> Vec<Candidate>) -> Vec<usize> {
    let meeting = Meeting { total: 1 << 30, ..Meeting::of([Kind::Home; 2], [true, true]) };
    let (mut world, mut hosts, _) = meeting.begin();
    let end = world.now + Duration::from_secs(5);
    world.run_until(end, &mut hosts, |hosts| hosts.iter_mut().all(Host::is_direct));
    assert!(hosts.iter_mut().all(Host::is_direct));
    if by_relay {
        world.cut = true;
        let end = world.now + Duration::from_secs(10);
        world.run_until(end, &mut hosts, |_| false);
        assert!(hosts.iter_mut().all(Host::is_relayed));
    }
    for list in 0..LISTS {
        hosts[1].lie(&world, &lie(list));
        let end = world.now + PERIOD;
        world.run_until(end, &mut hosts, |_| false);
        assert!(!hosts[0].closed && !hosts[1].closed);
    }
    std::mem::take(&mut world.astray)
}

/// Checks, and datagrams of full size.
fn sort(astray: &[usize]) -> (usize, usize) {
    assert!(astray.iter().all(|size| *size == CHECK || *size == FULL), "{astray:?}");
    let checks = astray.iter().filter(|size| **size == CHECK).count();
    (checks, astray.len() - checks)
}

#[test]
fn an_address_gets_twenty_checks_of_a_search_and_there_are_few_searches_however_many_lists_tell_it()
{
    for kind in KINDS {
        let lie = |list: u16| {
            // Something else has to have changed, or nothing is told.
            let change =
                Candidate::new(CandidateKind::Mapped, ([203, 0, 113, 99], 7000 + list).into());
            vec![Candidate::new(kind, stranger(6000)), change]
        };
        let (checks, full) = sort(&flood(true, lie));
        assert!(checks <= SEARCHES * TO_ADDRESS, "{kind:?}: {checks}");
        let relayed = kind == CandidateKind::Relayed;
        assert!((checks > 0) != relayed, "{kind:?}: {checks}");
        assert!(full <= if relayed { CHALLENGES } else { 0 }, "{kind:?}: {full}");
    }
}

#[test]
fn a_host_gets_no_more_for_other_ports_in_every_list() {
    for kind in [CandidateKind::Mapped, CandidateKind::Relayed] {
        let lie = |list: u16| {
            let told = |port| Candidate::new(kind, stranger(6000 + list * 16 + port));
            (0..12).map(told).collect()
        };
        let (checks, full) = sort(&flood(true, lie));
        assert!(checks <= SEARCHES * TO_HOST, "{kind:?}: {checks}");
        assert!(full <= RELAYS * CHALLENGES, "{kind:?}: {full}");
    }
}

#[test]
fn a_list_starts_nothing_while_the_connection_goes_directly() {
    let lie = |list: u16| vec![Candidate::new(CandidateKind::Mapped, stranger(6000 + list))];
    assert_eq!(flood(false, lie), []);
}

#[test]
fn a_list_leads_nowhere_where_a_search_must_not_send() {
    let lie = |list: u16| {
        let told = |port| Candidate::new(CandidateKind::Mapped, stranger(port));
        vec![told(53), told(list), told(3478), told(11_211)]
    };
    assert_eq!(flood(true, lie), []);
}
