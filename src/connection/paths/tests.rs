//! Addresses that change, are proved, and are not.

use std::time::Duration;

use super::*;
use crate::congestion::CongestionAlgorithm;

const OLD: [u8; 8] = [1; 8];
const NEW: [u8; 8] = [2; 8];

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn paths() -> Paths {
    let config = PathConfig {
        algorithm: CongestionAlgorithm::default(),
        max_datagram: 1500,
        validated: true,
        ecn: true,
        seed: 1,
    };
    Paths::new(at(0), address(1), None, &config)
}

/// Challenges that leave at this time, if there is room for them.
fn challenge(paths: &mut Paths, now: Instant) -> Option<([u8; 8], SocketAddr)> {
    paths.on_datagram_received(paths.active().remote(), 1200);
    paths.poll_challenge(now).map(|challenge| (challenge.data, challenge.remote))
}

#[test]
fn an_answer_proves_the_new_address_and_gives_the_old_path_up() {
    let mut paths = paths();
    assert_eq!(paths.on_rebinding(at(0), address(2), None, NEW), None);
    assert_eq!(challenge(&mut paths, at(0)), Some((NEW, address(2))));
    assert_eq!(paths.on_response(at(0), &OLD), PathChange::None);
    assert_eq!(paths.on_response(at(0), &NEW), PathChange::Proved { abandoned: Some(PathId(0)) });
    assert_eq!((paths.active().remote(), paths.deadline()), (address(2), None));
    assert!(paths.active().is_validated());
}

#[test]
fn without_an_answer_the_last_proved_address_comes_back() {
    let mut paths = paths();
    paths.on_rebinding(at(0), address(2), None, NEW);
    while let Some(deadline) = paths.deadline() {
        if let PathChange::Reverted { abandoned } = paths.on_deadline(deadline) {
            assert_eq!((abandoned, paths.active().remote()), (PathId(1), address(1)));
            assert!(deadline >= at(2900), "three probe timeouts of an unmeasured path");
            return;
        }
    }
    panic!("the trial never ends");
}

#[test]
fn a_third_address_replaces_the_one_on_trial() {
    let mut paths = paths();
    assert_eq!(paths.on_rebinding(at(0), address(2), None, OLD), None);
    assert_eq!(paths.on_rebinding(at(1), address(3), None, NEW), Some(PathId(1)));
    assert_eq!(paths.on_response(at(0), &OLD), PathChange::None, "nobody is asked that any more");
    assert_eq!(paths.on_response(at(0), &NEW), PathChange::Proved { abandoned: Some(PathId(0)) });
}

#[test]
fn a_packet_from_the_proved_address_ends_the_trial() {
    let mut paths = paths();
    paths.on_rebinding(at(0), address(2), None, NEW);
    assert_eq!(paths.on_return(address(3)), None);
    assert_eq!(paths.on_return(address(1)), Some(PathId(1)));
    assert_eq!((paths.active().remote(), paths.deadline()), (address(1), None));
}

#[test]
fn after_a_change_of_our_own_address_a_failed_challenge_changes_nothing() {
    let mut paths = paths();
    paths.on_local_change(at(0), NEW);
    assert!(paths.active().is_validated(), "the peer is where it was");
    while let Some(deadline) = paths.deadline() {
        assert_eq!(paths.on_deadline(deadline), PathChange::None);
        let _ = paths.poll_challenge(deadline);
    }
    assert_eq!(paths.active().remote(), address(1));
}

/// The fuzzer found a deadline here that was due for ever.
#[test]
fn a_path_that_waits_behind_the_one_on_trial_has_no_deadline_of_its_own() {
    let mut paths = paths();
    paths.on_local_change(at(0), OLD);
    assert_eq!(challenge(&mut paths, at(0)), Some((OLD, address(1))));
    paths.on_rebinding(at(1), address(2), None, NEW);
    // The trial fails, and then the path that is active again goes on where it stopped.
    for _ in 0..20 {
        let Some(deadline) = paths.deadline() else { break };
        paths.on_deadline(deadline);
    }
    assert_eq!((paths.deadline(), paths.active().remote()), (None, address(1)));
}

#[test]
fn a_challenge_to_a_strange_address_waits_for_bytes_from_there() {
    let mut paths = paths();
    paths.on_rebinding(at(0), address(2), None, NEW);
    assert!(paths.poll_challenge(at(0)).is_none());
    paths.on_datagram_received(address(1), 1000);
    assert!(paths.poll_challenge(at(0)).is_none(), "those came from elsewhere");
    paths.on_datagram_received(address(2), 100);
    // Of 300 bytes some are kept for the repetitions.
    assert_eq!(paths.poll_challenge(at(0)).map(|challenge| challenge.room), Some(45));
}

/// The fuzzer found that an address on trial was taken for proved.
#[test]
fn a_change_of_our_own_address_proves_nothing_about_the_peer() {
    let mut paths = paths();
    paths.on_rebinding(at(0), address(2), None, OLD);
    let mut careless = paths;
    careless.on_local_change(at(1), NEW);
    assert!(!careless.active().is_validated());
}

#[test]
fn an_address_on_trial_stays_on_trial_when_we_move_too() {
    let mut paths = paths();
    paths.on_rebinding(at(0), address(2), None, OLD);
    paths.on_datagram_received(address(2), 1000);
    paths.on_local_change(at(1), NEW);
    assert_eq!(paths.active().remote(), address(2), "the peer may have moved just before");
    assert!(paths.active().challenge_room().is_some(), "what came from there still counts");
    assert_eq!(paths.on_response(at(0), &OLD), PathChange::None);
    assert_eq!(paths.on_response(at(0), &NEW), PathChange::Proved { abandoned: Some(PathId(0)) });
}

#[test]
fn an_address_on_trial_that_does_not_answer_is_left_though_we_moved_too() {
    let mut paths = paths();
    paths.on_rebinding(at(0), address(2), None, OLD);
    paths.on_local_change(at(1), NEW);
    while let Some(deadline) = paths.deadline() {
        paths.on_deadline(deadline);
    }
    assert_eq!(paths.active().remote(), address(1));
    paths.on_local_change(at(9000), NEW);
    assert!(paths.active().is_validated());
}

#[test]
fn nothing_moves_to_a_scouted_address_before_it_has_answered() {
    let mut paths = paths();
    assert!(paths.probe(at(0), address(2), NEW));
    assert!(!paths.probe(at(1), address(2), OLD), "it is asked already");
    assert!(!paths.probe(at(1), address(1), OLD), "we are there");
    assert_eq!(challenge(&mut paths, at(1)), Some((NEW, address(2))));
    assert_eq!((paths.active().remote(), paths.probed()), (address(1), Some(address(2))));
    assert_eq!(paths.on_response(at(40), &NEW), PathChange::Moved { left: PathId(0) });
    assert_eq!((paths.active().remote(), paths.probed()), (address(2), None));
    assert!(paths.active().is_validated());
    assert_eq!(paths.active().rtt().smoothed, Duration::from_millis(40));
}

#[test]
fn a_path_that_was_left_has_time_for_what_is_under_way() {
    let mut paths = paths();
    paths.probe(at(0), address(2), NEW);
    paths.on_response(at(40), &NEW);
    assert!(paths.has_just_left(address(1)));
    let until = paths.deadline().expect("until then");
    assert!(until > at(40) + MAX_ACK_DELAY);
    assert_eq!(paths.on_deadline(at(40)), PathChange::None);
    assert_eq!(paths.on_deadline(until), PathChange::Abandoned { path: PathId(0) });
    assert!(!paths.has_just_left(address(1)));
    assert_eq!(paths.deadline(), None);
}

#[test]
fn a_scouted_address_that_is_silent_is_forgotten() {
    let mut paths = paths();
    paths.probe(at(0), address(2), NEW);
    let mut asked = u32::from(paths.poll_challenge(at(0)).is_some());
    while let Some(deadline) = paths.deadline() {
        assert_eq!(paths.on_deadline(deadline), PathChange::None);
        asked += u32::from(paths.poll_challenge(deadline).is_some());
    }
    assert_eq!(asked, 3, "after 0, 0.5 and 1.5 s");
    assert_eq!((paths.active().remote(), paths.probed()), (address(1), None));
}

#[test]
fn a_peer_that_comes_from_where_it_is_scouted_is_on_trial_with_the_same_question() {
    let mut paths = paths();
    paths.probe(at(0), address(2), NEW);
    assert_eq!(paths.on_rebinding(at(1), address(2), None, OLD), None);
    assert_eq!((paths.active().remote(), paths.probed()), (address(2), None));
    assert_eq!(paths.on_response(at(40), &OLD), PathChange::None);
    assert_eq!(paths.on_response(at(40), &NEW), PathChange::Proved { abandoned: Some(PathId(0)) });
}
