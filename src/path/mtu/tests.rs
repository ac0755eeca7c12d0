//! The search on simulated paths.

use proptest::prelude::*;

use super::*;
use crate::base::limits::{MTU_SIZES_V4, MTU_SIZES_V6};
use crate::vocab::{PathId, SendStamp};

fn packet(number: u64, size: usize, mtu_probe: bool) -> Settled {
    Settled {
        number,
        sent_at: Instant::ZERO,
        size: u32::try_from(size).unwrap(),
        path: PathId(0),
        ack_eliciting: true,
        mtu_probe,
        ecn_marked: false,
        stamp: SendStamp::default(),
    }
}

/// A search whose sender fills its datagrams.
fn wanted(common: &'static [usize], limit: usize) -> MtuSearch {
    let mut mtu_search = MtuSearch::new(common, limit);
    mtu_search.on_sent(BASE_DATAGRAM as u64);
    mtu_search
}

/// Runs the search at `now` to its end on a path that carries `mtu` bytes. Returns the sizes probed.
fn search(mtu_search: &mut MtuSearch, now: Instant, first: u64, mtu: usize) -> Vec<usize> {
    let mut probed = Vec::new();
    while let Some(size) = mtu_search.poll_probe(now) {
        let number = first + probed.len() as u64;
        probed.push(size);
        assert!(probed.len() < 100, "{probed:?}");
        mtu_search.on_probe_sent(number, size);
        assert_eq!(mtu_search.poll_probe(now), None, "one probe at a time");
        let probe = [packet(number, size, true)];
        if size <= mtu {
            mtu_search.on_acked(&probe);
        } else {
            mtu_search.on_lost(now, &probe);
        }
    }
    probed
}

#[test]
fn nothing_is_probed_before_a_datagram_of_full_size_was_sent() {
    let mut mtu_search = MtuSearch::new(MTU_SIZES_V4, DATAGRAM_MAX);
    mtu_search.on_sent(BASE_DATAGRAM as u64 - 1);
    assert_eq!(mtu_search.poll_probe(Instant::ZERO), None);
    mtu_search.on_sent(BASE_DATAGRAM as u64);
    assert_eq!(mtu_search.poll_probe(Instant::ZERO), Some(1452));
}

fn found(common: &'static [usize], limit: usize, mtu: usize) -> (usize, Vec<usize>) {
    let mut mtu_search = wanted(common, limit);
    let probed = search(&mut mtu_search, Instant::ZERO, 0, mtu);
    (mtu_search.size(), probed)
}

fn at_1452() -> MtuSearch {
    let mut mtu_search = wanted(MTU_SIZES_V4, DATAGRAM_MAX);
    search(&mut mtu_search, Instant::ZERO, 0, 1452);
    assert_eq!(mtu_search.size(), 1452);
    mtu_search
}

#[test]
fn the_sizes_of_common_networks_are_found_exactly() {
    for mtu in [1452, 1472, 8972, 65_507] {
        assert_eq!(found(MTU_SIZES_V4, DATAGRAM_MAX, mtu).0, mtu);
    }
    for mtu in [1432, 1452, 8952, 65_488] {
        assert_eq!(found(MTU_SIZES_V6, DATAGRAM_MAX, mtu).0, mtu);
    }
}

#[test]
fn loopback_takes_five_round_trips() {
    let (size, probed) = found(MTU_SIZES_V4, DATAGRAM_MAX, 65_507);
    assert_eq!((size, probed.len()), (65_507, 5));
}

#[test]
fn ethernet_is_settled_by_a_step_just_above_it() {
    let (size, probed) = found(MTU_SIZES_V4, DATAGRAM_MAX, 1472);
    assert_eq!(size, 1472);
    assert_eq!(probed, [1452, 1472, 8972, 8972, 8972, 1492, 1492, 1492]);
}

#[test]
fn a_size_is_given_up_after_three_losses_and_not_after_two() {
    let mut mtu_search = wanted(MTU_SIZES_V4, DATAGRAM_MAX);
    for number in 0..3 {
        assert_eq!(mtu_search.poll_probe(Instant::ZERO), Some(1452));
        mtu_search.on_probe_sent(number, 1452);
        mtu_search.on_lost(Instant::ZERO, &[packet(number, 1452, true)]);
    }
    assert_eq!(mtu_search.poll_probe(Instant::ZERO), Some(1326));
}

#[test]
fn a_size_that_the_interface_refuses_is_given_up_at_once() {
    let mut mtu_search = wanted(MTU_SIZES_V4, DATAGRAM_MAX);
    let mut polls = 0;
    while let Some(size) = mtu_search.poll_probe(Instant::ZERO) {
        polls += 1;
        mtu_search.on_probe_sent(polls, size);
        if size > 1472 {
            mtu_search.on_too_large(size);
        } else {
            mtu_search.on_acked(&[packet(polls, size, true)]);
        }
    }
    assert_eq!((mtu_search.size(), polls), (1472, 4));
}

#[test]
fn an_interface_that_shrinks_brings_back_the_base_and_a_new_search() {
    let mut mtu_search = at_1452();
    mtu_search.on_too_large(1452);
    assert_eq!(mtu_search.size(), 1200);
    search(&mut mtu_search, Instant::ZERO, 1000, 1392);
    assert!((1372..=1392).contains(&mtu_search.size()), "{}", mtu_search.size());
}

#[test]
fn nobody_can_push_it_below_the_base() {
    let mut mtu_search = at_1452();
    mtu_search.on_too_large(1200);
    mtu_search.on_too_large(0);
    assert_eq!(mtu_search.size(), 1452);
}

#[test]
fn larger_sizes_are_tried_again_after_ten_minutes() {
    let mut mtu_search = at_1452();
    let later = Instant::ZERO + MTU_RAISE_INTERVAL;
    assert_eq!(mtu_search.poll_probe(later - std::time::Duration::from_nanos(1)), None);
    search(&mut mtu_search, later, 1000, 8972);
    assert_eq!(mtu_search.size(), 8972);
}

#[test]
fn three_loss_events_of_large_packets_make_a_black_hole() {
    let mut mtu_search = at_1452();
    let now = Instant::ZERO;
    for event in 0..3 {
        assert_eq!(mtu_search.size(), 1452);
        let lost = [packet(100 + event, 1452, false), packet(200 + event, 1452, false)];
        mtu_search.on_lost(now, &lost);
        mtu_search.on_acked(&[packet(300 + event, 1200, false)]);
    }
    assert_eq!(mtu_search.size(), 1200);
    assert_eq!(mtu_search.poll_probe(now), None);
    search(&mut mtu_search, now + MTU_BLACK_HOLE_REST, 1000, 1472);
    assert_eq!(mtu_search.size(), 1472);
}

#[test]
fn losses_among_large_packets_that_arrive_are_no_black_hole() {
    let mut mtu_search = at_1452();
    for event in 0..10 {
        mtu_search.on_lost(Instant::ZERO, &[packet(100 + 2 * event, 1452, false)]);
        mtu_search.on_acked(&[packet(101 + 2 * event, 1452, false)]);
    }
    // Nor are losses of packets from before the newest that arrived, nor of small ones.
    for event in 0..10 {
        mtu_search.on_lost(Instant::ZERO, &[packet(50 + event, 1452, false)]);
        mtu_search.on_lost(Instant::ZERO, &[packet(500 + event, 1200, false)]);
    }
    assert_eq!(mtu_search.size(), 1452);
}

#[test]
fn a_probe_that_arrives_late_still_proves_its_size() {
    let mut mtu_search = wanted(MTU_SIZES_V4, DATAGRAM_MAX);
    for number in 0..3 {
        mtu_search.on_probe_sent(number, 1452);
        mtu_search.on_lost(Instant::ZERO, &[packet(number, 1452, true)]);
    }
    mtu_search.on_acked(&[packet(0, 1452, true)]);
    assert_eq!(mtu_search.size(), 1452);
    assert_eq!(mtu_search.poll_probe(Instant::ZERO), Some(1472));
}

#[test]
fn a_rebound_path_does_not_wait_for_the_probe_of_the_old_one() {
    let mut mtu_search = wanted(MTU_SIZES_V4, DATAGRAM_MAX);
    let size = mtu_search.poll_probe(Instant::ZERO).unwrap();
    mtu_search.on_probe_sent(1, size);
    let mut rebound = mtu_search.for_rebound_path();
    assert_eq!(mtu_search.poll_probe(Instant::ZERO), None);
    assert_eq!(rebound.poll_probe(Instant::ZERO), Some(size));
}

proptest! {
    #[test]
    fn the_search_ends_close_below_the_path_and_never_probes_beyond_the_limit(
        mtu in 1200_usize..66_000,
        limit in 1200_usize..66_000,
        v6 in any::<bool>(),
    ) {
        let common = if v6 { MTU_SIZES_V6 } else { MTU_SIZES_V4 };
        let (size, probed) = found(common, limit, mtu);
        let reachable = mtu.min(limit).min(DATAGRAM_MAX);
        prop_assert!(size <= reachable);
        prop_assert!(size + MTU_GRANULARITY >= reachable, "{size} of {reachable}");
        prop_assert!(probed.iter().all(|size| *size <= limit.min(DATAGRAM_MAX)));
        prop_assert!(probed.len() <= 50, "{probed:?}");
    }
}
