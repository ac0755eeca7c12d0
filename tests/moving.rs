//! Nodes behind NATs, on both sides, one of which gets another address while a file is under way: by every way, with relays of both.

mod crossing;

use std::time::Duration;

use crossing::host::{Host, Meeting};
use crossing::kinds::Kind;
use crossing::world::World;

/// Meetings of each kind.
const SEEDS: u64 = 3;

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
    match what {
        What::Host => world.renumber_host(who),
        What::Router => world.renumber_router(who),
    }
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
