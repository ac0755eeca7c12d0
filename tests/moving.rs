//! Nodes behind NATs, on both sides, one of which gets another address while a file is under way: by every way, with relays of both.

mod crossing;

use std::time::Duration;

use crossing::host::{Host, Meeting};
use crossing::kinds::Kind;
use crossing::world::{DELAY, World};
use srudp::nat::SocketId;

/// Meetings of each kind.
const SEEDS: u64 = 3;

/// The same for those that come back to a direct path.
const RETURNS: u64 = 50;

/// By a relay of each side.
const ROUND_TRIP: Duration = DELAY.saturating_mul(4);

/// Which way the file is going when it happens.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Direct,
    Relay,
    RelayAlone,
}

/// What gets another address.
#[derive(Clone, Copy, Debug)]
enum What {
    Host,
    Router,
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn run_for(world: &mut World, hosts: &mut [Host; 2], time: Duration) {
    let end = world.now + time;
    world.run_until(end, hosts, |_| false);
}

fn happen(world: &mut World, hosts: &mut [Host; 2], who: usize, what: What) {
    match what {
        What::Host => {
            world.renumber_host(who);
            hosts[who].renumber(world.local(who, SocketId::MAIN));
        }
        What::Router => world.renumber_router(who),
    }
}

/// The longest time for which nothing came in at either side. `None` if the connection did not survive.
fn move_while_sending(meeting: Meeting, by: By, who: usize, what: What) -> Option<Duration> {
    // A megabyte per second: it is under way until long after.
    let total = if by == By::Direct { 12_000_000 } else { 20_000_000 };
    let (mut world, mut hosts, _) = Meeting { total, ..meeting }.begin();
    let is_there = |host: &mut Host| match by {
        By::Direct | By::Relay => host.is_direct(),
        By::RelayAlone => host.is_relayed(),
    };
    let end = world.now + Duration::from_secs(10);
    world.run_until(end, &mut hosts, |hosts| hosts.iter_mut().all(is_there));
    assert!(hosts.iter_mut().all(is_there), "{:?}", hosts[0].events);
    run_for(&mut world, &mut hosts, ms(500));
    if by == By::Relay {
        world.cut = true;
        run_for(&mut world, &mut hosts, ms(7000));
        assert!(hosts.iter_mut().all(Host::is_relayed), "{:?}", hosts[0].events);
    }
    hosts.iter_mut().for_each(Host::forget_pauses);
    run_for(&mut world, &mut hosts, ms(200));
    happen(&mut world, &mut hosts, who, what);
    let end = world.now + Duration::from_secs(6);
    world.run_until(end, &mut hosts, |_| false);
    assert!(hosts.iter().all(|host| host.received < host.total), "it was over too soon");
    let pause = hosts.iter().map(|host| host.longest_pause).max();
    let end = world.now + Duration::from_secs(100);
    world.run_until(end, &mut hosts, |hosts| hosts.iter().all(|it| it.closed || it.is_done()));
    hosts.iter().all(|host| host.received == host.total).then_some(pause).flatten()
}

/// All seeds, one side after the other: how many survive, and for how long nothing came in.
fn survive(kinds: [Kind; 2], by: By) {
    for (what, who) in [(What::Host, 0), (What::Host, 1), (What::Router, 0), (What::Router, 1)] {
        let meetings = (1..=SEEDS).map(|seed| {
            let loss = if seed % 2 == 0 { 0.01 } else { 0.0 };
            Meeting { seed, loss, ..Meeting::of(kinds, [true, true]) }
        });
        let pauses = meetings.map(|meeting| move_while_sending(meeting, by, who, what));
        let mut pauses: Vec<Duration> = pauses.flatten().collect();
        pauses.sort_unstable();
        let at = |percent: usize| pauses.get(pauses.len() * percent / 100);
        let context = format!("{kinds:?} {by:?}, {what:?} of {who}: {:?} {:?}", at(50), at(95));
        assert_eq!(pauses.len(), usize::try_from(SEEDS).unwrap(), "{context}");
        assert!(pauses.iter().all(|pause| *pause < ms(3000)), "{context}");
    }
}

/// How long it takes after that until both sides are on a direct path again, with a file under way, at most ten seconds.
fn come_back(meeting: Meeting, who: usize, what: What) -> Option<Duration> {
    let (mut world, mut hosts, _) = Meeting { total: 12_000_000, ..meeting }.begin();
    let end = world.now + Duration::from_secs(10);
    world.run_until(end, &mut hosts, |hosts| hosts.iter_mut().all(Host::is_direct));
    assert!(hosts.iter_mut().all(Host::is_direct), "{:?}", hosts[0].events);
    run_for(&mut world, &mut hosts, ms(500));
    happen(&mut world, &mut hosts, who, what);
    let start = world.now;
    let end = start + Duration::from_secs(10);
    world.run_until(end, &mut hosts, |hosts| hosts.iter_mut().any(Host::is_relayed));
    assert!(hosts.iter_mut().any(Host::is_relayed), "{:?}", hosts[0].events);
    world.run_until(end, &mut hosts, |hosts| hosts.iter_mut().all(Host::is_direct));
    let time = hosts.iter_mut().all(Host::is_direct).then(|| world.now - start);
    let end = world.now + Duration::from_secs(100);
    world.run_until(end, &mut hosts, |hosts| hosts.iter().all(|it| it.closed || it.is_done()));
    assert!(hosts.iter().all(|host| host.received == host.total), "no byte is lost");
    time.filter(|_| hosts.iter_mut().all(Host::is_direct))
}

/// Both sides are on a direct path again in the end, whatever kinds of NATs leave one.
fn come_back_always(what: What) {
    const KINDS: [[Kind; 2]; 3] =
        [[Kind::Home, Kind::HomeRandom], [Kind::HomeRandom, Kind::Carrier], [Kind::Home; 2]];
    for who in [0, 1] {
        let meetings = (1..=RETURNS).map(|seed| {
            let kinds = KINDS[usize::try_from(seed).unwrap() % KINDS.len()];
            let loss = if seed % 2 == 0 { 0.01 } else { 0.0 };
            let meeting = Meeting { seed, loss, ..Meeting::of(kinds, [true, true]) };
            let time = come_back(meeting, who, what);
            time.unwrap_or_else(|| panic!("{kinds:?} {what:?} of {who}, seed {seed}"))
        });
        let mut times: Vec<Duration> = meetings.collect();
        times.sort_unstable();
        let at = |percent: usize| times[times.len() * percent / 100];
        println!("{what:?} of {who}: {:?} {:?} {:?}", at(50), at(95), at(99));
        assert!(at(50) < ROUND_TRIP * 30 && at(95) < ROUND_TRIP * 40, "{times:?}");
    }
}

#[test]
fn a_connection_is_on_a_direct_path_again_after_another_address_of_either_host() {
    come_back_always(What::Host);
}

#[test]
fn a_connection_is_on_a_direct_path_again_after_another_address_of_either_router() {
    come_back_always(What::Router);
}

#[test]
fn nobody_finds_a_direct_path_again_who_does_not_gather_again() {
    let meeting = Meeting { renews: false, ..Meeting::of([Kind::HomeRandom; 2], [true, true]) };
    assert_eq!(come_back(meeting, 0, What::Router), None);
}

/// How many of ten connections survive that both routers get other addresses, the second one so long after the first, and are on a direct path
/// in the end.
fn both_move(gap: Duration) -> usize {
    let survives = |seed: &u64| {
        let kinds = [Kind::Home, Kind::HomeRandom];
        let meeting =
            Meeting { seed: *seed, total: 30_000_000, ..Meeting::of(kinds, [true, true]) };
        let (mut world, mut hosts, _) = meeting.begin();
        run_for(&mut world, &mut hosts, ms(3000));
        world.renumber_router(0);
        run_for(&mut world, &mut hosts, gap);
        world.renumber_router(1);
        let end = world.now + Duration::from_secs(100);
        world.run_until(end, &mut hosts, |hosts| hosts.iter().all(Host::is_done));
        let whole = hosts.iter().all(|host| host.received == host.total);
        assert!(!whole || hosts.iter_mut().all(Host::is_direct), "{seed}: {:?}", hosts[0].events);
        whole
    };
    (1..=10).filter(survives).count()
}

#[test]
fn a_connection_survives_other_addresses_of_both_sides_one_after_the_other() {
    for gap in [700, 1000, 2000, 5000] {
        assert_eq!(both_move(ms(gap)), 10, "{gap} ms apart");
    }
}

#[test]
fn a_file_on_a_direct_path_survives_another_address_of_either_side() {
    survive([Kind::Home, Kind::HomeRandom], By::Direct);
}

#[test]
fn a_file_that_fell_back_to_a_relay_survives_another_address_of_either_side() {
    survive([Kind::Home, Kind::HomeRandom], By::Relay);
}

#[test]
fn a_file_that_never_had_a_direct_path_survives_another_address_of_either_side() {
    survive([Kind::Symmetric, Kind::Symmetric], By::RelayAlone);
}
