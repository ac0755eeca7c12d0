//! Which way a connection is advised to go.

use super::*;

const DIRECT: Way = Way {
    socket: SocketId::MAIN,
    remote: SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7)), 4000),
};
const RELAY: Way = Way {
    socket: SocketId::MAIN,
    remote: SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1)), 50_000),
};

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn link() -> Link {
    let mut link = Link::new(RELAY, true);
    link.direct = Some(DIRECT);
    link.confirmed = true;
    link
}

fn seen(way: Way, timeouts: u32) -> Seen {
    Seen { remote: way.remote, is_probing: false, timeouts, is_lost: false, is_dialler: true }
}

#[test]
fn a_direct_path_is_left_after_two_timeouts_and_not_after_one() {
    let mut link = link();
    assert_eq!(link.advise(at(0), &seen(DIRECT, 1)), None);
    let probe = Some(Advice::Probe(RELAY.remote));
    assert_eq!(link.advise(at(1), &seen(DIRECT, 2)), probe);
    let probing = Seen { is_probing: true, ..seen(DIRECT, 3) };
    assert_eq!(link.advise(at(2), &probing), None, "it is being tried");
    let alive = Seen { timeouts: 0, ..probing };
    assert_eq!(link.advise(at(3), &alive), Some(Advice::Stay));
}

#[test]
fn a_direct_path_that_was_left_is_tried_ever_more_rarely() {
    let (mut link, mut tries) = (link(), Vec::new());
    assert_eq!(link.advise(at(0), &seen(RELAY, 0)), None);
    while tries.len() < 7 {
        let now = link.poll_timeout().expect("it goes on");
        if link.advise(now, &seen(RELAY, 0)) == Some(Advice::Probe(DIRECT.remote)) {
            tries.push(now.as_nanos() / 1_000_000_000);
        }
    }
    assert_eq!(tries, [1, 2, 4, 8, 16, 31, 46]);
}

#[test]
fn with_one_way_only_there_is_nothing_to_choose() {
    let mut link = Link::new(DIRECT, false);
    link.confirmed = true;
    assert!(!link.has_choice(false));
    assert!(link.has_choice(true), "by a relay of ours");
    link.relay = Some(RELAY);
    assert!(link.has_choice(false));
}

#[test]
fn when_all_that_is_known_is_silent_everything_is_tried_and_again_ever_more_rarely() {
    let (mut link, mut tries) = (link(), Vec::new());
    assert_eq!(link.advise(at(0), &seen(DIRECT, 2)), Some(Advice::Probe(RELAY.remote)));
    while tries.len() < 6 {
        let now = link.poll_timeout().expect("it goes on");
        if link.advise(now, &seen(DIRECT, 3)) == Some(Advice::ProbeAll) {
            tries.push(now.as_nanos() / 1_000_000_000);
        }
    }
    assert_eq!(tries, [1, 4, 10, 22, 37, 52]);
    assert_eq!(link.advise(at(60_000), &seen(DIRECT, 0)), None);
    assert!(!link.is_silent());
}

#[test]
fn the_side_that_was_dialled_lets_the_other_one_find_a_way_first() {
    let mut link = link();
    let seen = Seen { is_dialler: false, ..seen(DIRECT, 2) };
    link.advise(at(0), &seen);
    assert_eq!(link.poll_timeout(), Some(at(0) + NODE_DETOUR_WAIT + NODE_DETOUR_YIELD));
}

#[test]
fn a_relay_that_is_gone_is_left_without_waiting_for_its_silence() {
    let mut link = link();
    let lost = Seen { is_lost: true, ..seen(RELAY, 0) };
    assert_eq!(link.advise(at(0), &lost), Some(Advice::Probe(DIRECT.remote)));
    assert_eq!(link.advise(at(0), &lost), Some(Advice::ProbeAll));
}

#[test]
fn a_silent_way_that_has_said_something_is_not_looked_at_without_a_pause() {
    let mut link = link();
    link.advise(at(0), &seen(DIRECT, 2));
    let now = link.poll_timeout().expect("it is silent");
    assert_eq!(link.advise(now, &seen(DIRECT, 1)), None);
    assert_eq!(link.poll_timeout(), Some(now + NODE_DETOUR_WAIT));
}
