//! Nodes measure how long their NATs keep mappings, and keep their connections alive as seldom as that allows.

mod crossing;

use std::time::Duration;

use crossing::host::{Host, Meeting};
use crossing::kinds::Kind;
use crossing::world::World;
use srudp::nat::SocketId;
use srudp::node::NodeEvent;

/// All that one measurement takes.
const MEASURED: Duration = Duration::from_secs(900);

/// These sockets measure.
const LIFETIME: std::ops::Range<u16> = 1011..1023;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn run_for(world: &mut World, hosts: &mut [Host; 2], time: Duration) {
    let end = world.now + time;
    world.run_until(end, hosts, |_| false);
}

fn intervals(hosts: &[Host; 2]) -> [Duration; 2] {
    [0, 1].map(|number: usize| hosts[number].node.keep_alive().interval())
}

fn measuring(host: &Host) -> bool {
    LIFETIME.into_iter().any(|number| host.opened.contains(&SocketId::new(number)))
}

/// Both are connected, have said all, and say nothing more for as long as a measurement takes.
fn settled(meeting: Meeting) -> (World, [Host; 2]) {
    let (mut world, mut hosts, _) = meeting.hold();
    run_for(&mut world, &mut hosts, MEASURED);
    (world, hosts)
}

fn measured(kinds: [Kind; 2], relays: [bool; 2]) -> (World, [Host; 2]) {
    settled(Meeting { measures: true, ..Meeting::of(kinds, relays) })
}

/// What is said after a silence arrives at once, on the path that there was.
fn still_talk(world: &mut World, hosts: &mut [Host; 2]) {
    hosts.iter_mut().for_each(|host| host.say_more(10_000));
    let end = world.now + seconds(1);
    world.run_until(end, hosts, |hosts| hosts.iter().all(Host::is_done));
    assert!(hosts.iter().all(|host| host.is_done() && !host.closed));
    assert!(hosts.iter_mut().all(Host::is_direct));
}

#[test]
fn where_mappings_live_long_connections_are_kept_alive_seldom() {
    let (mut world, mut hosts) = measured([Kind::Home, Kind::Carrier], [false; 2]);
    // They live for 120 s.
    for interval in intervals(&hosts) {
        assert!(interval > seconds(75) && interval < seconds(84), "{interval:?}");
    }
    assert!(!hosts.iter().any(measuring), "the sockets are closed");
    world.sent = [0; 2];
    run_for(&mut world, &mut hosts, seconds(600));
    // A keep-alive and its answer every 80 s.
    assert!(world.sent.iter().all(|sent| *sent < 20), "{:?}", world.sent);
    still_talk(&mut world, &mut hosts);
}

#[test]
fn nothing_is_measured_unless_it_is_asked_for() {
    let (_, hosts) = settled(Meeting::of([Kind::Home, Kind::Carrier], [false; 2]));
    assert_eq!(intervals(&hosts), [seconds(15); 2]);
    let measures = Meeting { measures: true, ..Meeting::of([Kind::Open, Kind::Home], [false; 2]) };
    let (mut world, mut hosts, _) = measures.hold();
    run_for(&mut world, &mut hosts, seconds(60));
    assert_eq!(
        hosts.each_ref().map(measuring),
        [false, true],
        "there is no NAT before one of them"
    );
}

#[test]
fn where_mappings_live_for_ten_seconds_the_interval_shrinks_and_the_path_stays() {
    let (mut world, mut hosts) = measured([Kind::Forgetful, Kind::Open], [false; 2]);
    let [short, other] = intervals(&hosts);
    assert!(short >= seconds(5) && short <= seconds(7), "{short:?}");
    assert_eq!(other, seconds(15));
    hosts.iter_mut().for_each(|host| host.events.clear());
    run_for(&mut world, &mut hosts, seconds(300));
    for host in &hosts {
        let moved = |(_, event): &_| matches!(event, NodeEvent::Moved(..));
        assert!(!host.events.iter().any(moved), "the mapping was lost: {:?}", host.events);
    }
    still_talk(&mut world, &mut hosts);
}

#[test]
fn a_path_that_dies_halves_the_interval_until_it_is_measured_again() {
    let (mut world, mut hosts) = measured([Kind::Home, Kind::Carrier], [true, false]);
    let known = intervals(&hosts);
    world.cut = true;
    hosts.iter_mut().for_each(|host| host.say_more(10_000));
    run_for(&mut world, &mut hosts, seconds(10));
    let halved = intervals(&hosts);
    assert!(halved[0] <= known[0] / 2, "{known:?} {halved:?}");
    world.cut = false;
    run_for(&mut world, &mut hosts, seconds(600) + MEASURED);
    assert_eq!(intervals(&hosts), known);
    still_talk(&mut world, &mut hosts);
}

#[test]
fn in_another_network_nothing_is_known_until_it_is_measured() {
    let meeting = Meeting { measures: true, ..Meeting::of([Kind::Home, Kind::Open], [false; 2]) };
    let (mut world, mut hosts) = settled(meeting);
    let known = intervals(&hosts)[0];
    assert!(known > seconds(75));
    world.renumber_router(0);
    hosts[0].gather_anew(&world);
    run_for(&mut world, &mut hosts, seconds(10));
    assert_eq!(intervals(&hosts)[0], seconds(15));
    assert!(measuring(&hosts[0]));
    run_for(&mut world, &mut hosts, MEASURED);
    assert_eq!(intervals(&hosts)[0], known);
    still_talk(&mut world, &mut hosts);
}

#[test]
fn nothing_is_measured_for_nobody() {
    let meeting =
        Meeting { measures: true, ..Meeting::of([Kind::Home, Kind::Carrier], [false; 2]) };
    let (mut world, mut hosts, _) = meeting.hold();
    run_for(&mut world, &mut hosts, seconds(20));
    assert!(hosts.iter().all(measuring));
    let now = crossing::world::instant(world.now);
    let connection = hosts[0].connection.unwrap();
    let closing = hosts[0].node.endpoint().connection(connection).unwrap();
    closing.close(now, srudp::ApplicationCode::ZERO, b"", Duration::ZERO);
    run_for(&mut world, &mut hosts, seconds(20));
    assert!(!hosts.iter().any(measuring));
}
