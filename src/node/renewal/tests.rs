//! When lists are looked at, answered and offered again.

use super::*;

const PLAIN: Vain = Vain { is_final: false, is_wide: false };

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn asked(generation: u64) -> Asked {
    Asked { generation, description: Description::default() }
}

fn gathered() -> Box<Gathered> {
    Box::new(Gathered {
        description: Description::default(),
        behaviour: crate::nat::Behaviour::default(),
        sockets: Vec::new(),
        layers: 1,
        layers_max: 1,
        destinations: crate::nat::Destinations::default(),
    })
}

#[test]
fn of_two_that_ask_at_the_same_time_one_gives_way_for_a_while() {
    for yields in [true, false] {
        let mut renewal = Renewal::default();
        renewal.offer(at(0), 1, gathered());
        renewal.ask(at(1), yields, asked(1));
        assert_eq!(renewal.answer_at().is_some(), yields);
        assert_eq!(renewal.take_answered(1).is_some(), !yields);
    }
    let mut renewal = Renewal::default();
    renewal.offer(at(0), 1, gathered());
    renewal.ask(at(0) + NODE_RENEWAL_YIELD, false, asked(1));
    assert!(renewal.answer_at().is_some(), "ours came to nothing");
}

#[test]
fn lists_are_looked_at_one_per_second_however_many_come() {
    let (mut renewal, mut now, mut looks) = (Renewal::default(), at(100), 0);
    while now < at(120) {
        renewal.on_mail();
        looks += u32::from(renewal.take_mail(now));
        now += Duration::from_millis(10);
    }
    assert_eq!(looks, 20 + NODE_LISTS - 1);
    renewal.on_mail();
    while renewal.take_mail(now) {
        renewal.on_mail();
    }
    renewal.due = None;
    assert!(!renewal.take_mail(now));
    let due = renewal.due.expect("the last one is not forgotten");
    assert!(due <= now + NODE_LIST_INTERVAL && renewal.take_mail(due));
}

#[test]
fn only_the_newest_list_can_be_answered_and_once() {
    let mut renewal = Renewal::default();
    renewal.offer(at(0), 1, gathered());
    renewal.offer(at(1), 2, gathered());
    assert!(renewal.take_answered(1).is_none());
    assert!(renewal.take_answered(2).is_some());
    assert!(renewal.take_answered(2).is_none());
}

#[test]
fn searches_that_find_nothing_are_ever_rarer_however_often_the_peer_asks() {
    let (mut renewal, mut now, mut starts) = (Renewal::default(), at(0), Vec::new());
    while now < at(2000) {
        renewal.ask(now, true, asked(1));
        if renewal.answer_at().is_some_and(|at| at <= now) {
            renewal.take_asked();
            renewal.on_searched(now);
            renewal.on_failed(now, PLAIN);
            assert_eq!(renewal.poll_timeout(), None, "the peer may ask again, we do not");
            starts.push(now.as_nanos() / 1_000_000_000);
        }
        now += Duration::from_millis(500);
    }
    assert_eq!(starts, [0, 5, 15, 35, 75, 155, 315, 635, 955, 1275, 1595, 1915]);
    renewal.on_found();
    renewal.on_searched(now);
    renewal.ask(now, true, asked(2));
    assert_eq!(renewal.answer_at(), Some(now + NODE_RENEWAL_INTERVAL));
}

/// Seconds from one search to the next, each of which takes eight.
fn repeats(renewal: &mut Renewal, vain: Vain, count: usize) -> Vec<u64> {
    let mut now = at(10_000);
    let waits = (0..count).map_while(|_| {
        renewal.offer(now, 1, gathered());
        assert!(renewal.take_answered(1).is_some());
        renewal.on_searched(now);
        renewal.on_failed(now + Duration::from_secs(8), vain);
        let again = renewal.poll_timeout()?;
        assert!(!renewal.take_again(again - Duration::from_millis(1)));
        assert!(renewal.take_due(again) && renewal.take_again(again));
        let wait = again - std::mem::replace(&mut now, again);
        Some(wait.as_secs())
    });
    waits.collect()
}

#[test]
fn who_has_offered_in_vain_does_so_again_ever_more_rarely() {
    let mut renewal = Renewal::default();
    let expected = [8, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600];
    assert_eq!(repeats(&mut renewal, PLAIN, 12), expected);
    renewal.on_changed();
    assert_eq!(repeats(&mut renewal, PLAIN, 2), [8, 10], "with other addresses");
    let wide = Vain { is_wide: true, ..PLAIN };
    let mut renewal = Renewal::default();
    assert_eq!(repeats(&mut renewal, wide, 5), [20, 40, 80, 160, 320]);
    assert_eq!(repeats(&mut renewal, wide, 7)[6], 14_400);
}

#[test]
fn who_knows_that_nothing_will_come_of_it_does_not_offer_again() {
    let vain = Vain { is_final: true, ..PLAIN };
    assert!(repeats(&mut Renewal::default(), vain, 5).is_empty());
}

#[test]
fn after_they_have_met_by_relay_one_offers_at_once_and_the_other_if_it_does_not() {
    let mut renewal = Renewal::default();
    renewal.on_met(at(8), at(0), (PLAIN, false));
    assert_eq!(renewal.poll_timeout(), Some(at(8)));
    let mut renewal = Renewal::default();
    renewal.on_met(at(8), at(0), (PLAIN, true));
    assert_eq!(renewal.poll_timeout(), Some(at(18)));
    renewal.ask(at(9), true, asked(1));
    assert_eq!(renewal.poll_timeout(), None, "it does");
}

#[test]
fn who_is_on_a_direct_path_offers_no_more() {
    let mut renewal = Renewal::default();
    renewal.on_met(at(8), at(0), (PLAIN, true));
    renewal.on_direct();
    assert_eq!(renewal.poll_timeout(), None);
}
