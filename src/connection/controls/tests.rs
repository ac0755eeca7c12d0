//! What is owed to the peer is sent until it is acknowledged or overtaken.

use super::*;
use crate::wire::Frames;

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

/// The frames that leave in a packet of so many bytes, and what comes back of it.
fn fill(controls: &mut Controls, room: usize) -> (Vec<String>, Vec<Record>) {
    let mut space = vec![0; room];
    let mut packet = PacketBuilder::new(&mut space);
    controls.fill(&mut packet);
    let (length, _, records) = packet.finish();
    let frames = Frames::new(&space[..length]).map(|frame| format!("{:?}", frame.unwrap()));
    (frames.collect(), records.iter().collect())
}

fn frames(controls: &mut Controls) -> Vec<String> {
    fill(controls, 1000).0
}

/// How often a rhythm is asked for in a packet that leaves for something else.
fn rhythms(controls: &mut Controls) -> usize {
    let mut space = [0; 100];
    let mut packet = PacketBuilder::new(&mut space);
    controls.fill_aside(&mut packet);
    packet.finish().2.iter().count()
}

#[test]
fn a_peer_is_not_told_the_name_that_it_has_behind_a_relay() {
    let mut controls = Controls::default();
    controls.announce_address("[100::7:0:1:2]:4000".parse().unwrap());
    assert!(!controls.wants_to_send());
}

#[test]
fn what_was_sent_is_not_sent_again_unless_it_is_lost() {
    let mut controls = Controls::default();
    controls.announce_established();
    controls.announce_address(address(1));
    let (sent, records) = fill(&mut controls, 1000);
    assert_eq!((sent.len(), records.len()), (2, 2));
    assert!(!controls.wants_to_send() && frames(&mut controls).is_empty());
    for record in &records {
        controls.on_fate(*record, Fate::Acked);
    }
    assert!(!controls.wants_to_send());
    for record in records {
        controls.on_fate(record, Fate::Lost);
    }
    assert_eq!(frames(&mut controls), sent);
}

#[test]
fn an_immediate_acknowledgement_is_asked_for_once() {
    let mut controls = Controls::default();
    controls.ask_immediate_ack();
    controls.ask_immediate_ack();
    assert!(controls.wants_to_send());
    assert_eq!(fill(&mut controls, 1000), (vec!["ImmediateAck".to_owned()], Vec::new()));
    assert!(!controls.wants_to_send());
}

#[test]
fn a_lost_address_that_was_overtaken_stays_lost() {
    let mut controls = Controls::default();
    controls.announce_address(address(1));
    let (_, first) = fill(&mut controls, 1000);
    controls.announce_address(address(2));
    let (second, _) = fill(&mut controls, 1000);
    assert!(second[0].contains(":2"), "{second:?}");
    controls.on_fate(first[0], Fate::Lost);
    assert!(!controls.wants_to_send());
}

#[test]
fn the_same_rhythm_is_asked_for_once() {
    let mut controls = Controls::default();
    let rhythm = |threshold| Frequency { threshold, max_delay: Duration::from_millis(5) };
    controls.ask_frequency(rhythm(8));
    assert!(!controls.wants_to_send(), "it is no reason for a packet");
    assert_eq!(rhythms(&mut controls), 1);
    controls.ask_frequency(rhythm(8));
    assert_eq!(rhythms(&mut controls), 0);
    controls.ask_frequency(rhythm(16));
    assert_eq!(rhythms(&mut controls), 1);
}

#[test]
fn what_finds_no_room_waits() {
    let mut controls = Controls::default();
    controls.ask_ping();
    controls.announce_established();
    controls.announce_address(address(1));
    assert_eq!(fill(&mut controls, 1).0, ["Ping"]);
    assert_eq!(fill(&mut controls, 1).0, ["Established"]);
    assert_eq!(fill(&mut controls, 1).0, [""; 0]);
    assert!(controls.wants_to_send());
    assert_eq!(frames(&mut controls).len(), 1);
}

#[test]
fn of_too_many_challenges_the_newest_are_answered_and_none_twice() {
    let mut controls = Controls::default();
    for data in 0..10 {
        let remote = address(data.into());
        controls.answer(Answer { remote, local: None, data: [data; 8], asked: 45 });
    }
    let answered: Vec<_> =
        std::iter::from_fn(|| controls.poll_answer()).map(|answer| answer.data[0]).collect();
    assert_eq!(answered, [6, 7, 8, 9]);
    assert!(!controls.wants_to_send(), "they travel on their own");
}

#[test]
fn the_rhythm_fits_the_path_and_the_peer() {
    let delays = Duration::from_millis(1)..=Duration::from_millis(25);
    let rtt = |millis, measured| RttView {
        smoothed: Duration::from_millis(millis),
        variation: Duration::ZERO,
        minimum: Duration::from_millis(millis),
        latest: Duration::from_millis(millis),
        measured,
    };
    let of = |window, rtt| Frequency::for_path(8, window, 1200, &rtt, delays.clone());
    assert_eq!(of(1 << 20, rtt(20, false)), None, "nothing is known yet");
    let busy = of(1 << 20, rtt(20, true)).unwrap();
    // 873 packets per round trip, 109 for each of eight acknowledgements; a quarter of the round trip is 5 ms.
    assert_eq!((busy.threshold, busy.max_delay), (64, Duration::from_micros(4096)));
    let idle = of(2400, rtt(0, true)).unwrap();
    assert_eq!((idle.threshold, idle.max_delay), (1, *delays.start()));
    assert_eq!(of(1 << 20, rtt(10_000, true)).unwrap().max_delay, *delays.end());
}

#[test]
fn over_a_near_path_acknowledgements_are_rare_and_no_rarer_than_a_cache_is_large() {
    let delays = Duration::from_millis(1)..=Duration::from_millis(25);
    let near = RttView {
        smoothed: Duration::from_micros(300),
        variation: Duration::ZERO,
        minimum: Duration::from_micros(40),
        latest: Duration::from_micros(300),
        measured: true,
    };
    let threshold = |window, datagram| {
        let asked = Frequency::for_path(4, window, datagram, &near, delays.clone());
        asked.unwrap().threshold
    };
    assert_eq!(threshold(2 << 20, 1452), 256);
    assert_eq!(threshold(256 << 10, 1452), 32, "a fourth of the window");
    assert_eq!(threshold(64 << 20, 65_507), 8);
}
