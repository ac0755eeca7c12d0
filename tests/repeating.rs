//! Nodes that have met by a relay because their first search came to nothing search for a direct path again, ever more rarely, and nobody
//! else does.

mod crossing;

use std::time::Duration;

use crossing::host::{Host, Meeting};
use crossing::kinds::Kind;
use crossing::world::World;

/// Meetings of all kinds.
const SEEDS: u64 = 60;

/// How long a search takes that finds nothing, with what has to be asked and told before.
const SEARCH: Duration = Duration::from_secs(12);

const HOUR: Duration = Duration::from_secs(3600);

fn run_for(world: &mut World, hosts: &mut [Host; 2], time: Duration) {
    let end = world.now + time;
    world.run_until(end, hosts, |_| false);
}

/// Two that have a relay, between whom nothing goes directly until so long after the start.
fn meet_while_cut(meeting: Meeting, cut: Duration) -> (World, [Host; 2]) {
    let (mut world, mut hosts, start) = meeting.begin();
    world.cut = true;
    world.run_until(start + cut, &mut hosts, |_| false);
    (world, hosts)
}

/// How long it takes until both are on a direct path, after so long a time in which there was none; nothing if they have not met.
fn become_direct(meeting: Meeting, cut: Duration) -> Option<Duration> {
    let (mut world, mut hosts) = meet_while_cut(meeting, cut);
    if hosts.iter().any(|host| host.closed || host.failed) {
        return None;
    }
    world.cut = false;
    let back_at = world.now;
    world.run_until(back_at + HOUR, &mut hosts, |hosts| hosts.iter_mut().all(Host::is_direct));
    let context = format!("{:?} {:?} seed {}", meeting.kinds, meeting.relays, meeting.seed);
    let said = hosts.each_ref().map(|host| (host.closed, host.received, &host.events));
    let said = format!("{context}: {said:?}");
    assert!(hosts.iter_mut().all(Host::is_direct), "{said}");
    Some(world.now - back_at)
}

/// Pairs that have a direct path, with ports that are told.
const KINDS: [[Kind; 2]; 4] = [
    [Kind::Home; 2],
    [Kind::HomeRandom, Kind::Carrier],
    [Kind::Racy, Kind::Home],
    [Kind::Restricted, Kind::Symmetric],
];

/// The same where ports have to be guessed.
const WIDE: [[Kind; 2]; 2] = [[Kind::Home, Kind::Symmetric], [Kind::CarrierSymmetric, Kind::Home]];

const RELAYS: [[bool; 2]; 3] = [[true, true], [true, false], [false, true]];

/// How many times as long as it was cut it took until both were on a direct path, without one search, over all seeds: the shortest first.
fn waits(kinds: &[[Kind; 2]], loss: f64, accept: bool) -> Vec<f64> {
    let all = usize::try_from(SEEDS).unwrap();
    let meetings = (1..=SEEDS).map(|seed| {
        let number = usize::try_from(seed).unwrap();
        let (kinds, relays) = (kinds[number % kinds.len()], RELAYS[number % RELAYS.len()]);
        let meeting = Meeting { seed, loss, accept, ..Meeting::of(kinds, relays) };
        let cut = Duration::from_millis(8000 + 1009 * (seed * seed % 199));
        let time = become_direct(meeting, cut)?;
        Some(time.saturating_sub(SEARCH).as_secs_f64() / cut.as_secs_f64())
    });
    let mut waits: Vec<f64> = meetings.flatten().collect();
    assert!(waits.len() * 100 >= all * 95, "{} have met", waits.len());
    waits.sort_by(f64::total_cmp);
    println!("{kinds:?} {loss}: {:?} {:?}", waits[waits.len() / 2], waits.last());
    waits
}

#[test]
fn who_met_by_relay_while_nothing_went_directly_is_direct_after_the_next_search() {
    // From one search to the next it takes at most as long as from the first one until then.
    let waits = waits(&KINDS, 0.0, false);
    assert!(*waits.last().unwrap() < 1.0, "{:?}", &waits[waits.len() * 9 / 10..]);
}

/// Nearly all are after the next search, and the others not much later.
fn assert_prompt(waits: &[f64]) {
    let last = &waits[waits.len() * 9 / 10..];
    assert!(last[0] < 1.0 && last[last.len() - 1] < 7.0, "{last:?}");
}

#[test]
fn the_same_where_every_tenth_datagram_is_lost() {
    assert_prompt(&waits(&KINDS, 0.1, false));
}

#[test]
fn the_same_where_ports_have_to_be_guessed() {
    assert_prompt(&waits(&WIDE, 0.0, false));
}

#[test]
fn the_same_where_either_may_be_dialled_first() {
    assert_prompt(&waits(&KINDS, 0.1, true));
}

/// Datagrams, and checks among them, that both send in each of some hours.
fn hours(world: &mut World, hosts: &mut [Host; 2], count: usize) -> Vec<(usize, usize)> {
    let hours = (0..count).map(|_| {
        (world.sent, world.checks) = ([0; 2], [0; 2]);
        run_for(world, hosts, HOUR);
        assert!(hosts.iter().all(|host| !host.closed));
        (world.sent.iter().sum(), world.checks.iter().sum())
    });
    hours.collect()
}

/// The same of two that have met by a relay, and will not find a direct path.
fn hours_by_relay(kinds: [Kind; 2], cut: bool) -> Vec<(usize, usize)> {
    let (mut world, mut hosts) =
        meet_while_cut(Meeting::of(kinds, [true, true]), Duration::from_secs(5));
    world.cut = cut;
    let hours = hours(&mut world, &mut hosts, 4);
    println!("{kinds:?}: {hours:?}");
    hours
}

#[test]
fn who_can_be_connected_by_a_relay_alone_searches_once() {
    for hour in hours_by_relay([Kind::Symmetric; 2], false) {
        assert_eq!(hour.1, 0);
    }
}

#[test]
fn searches_that_find_nothing_cost_next_to_nothing() {
    let idle = hours_by_relay([Kind::Symmetric; 2], true)[3].0;
    for (kinds, first, later) in [([Kind::Home; 2], 1000, 200), (WIDE[0], 40_000, 3000)] {
        let hours = hours_by_relay(kinds, true);
        assert!(hours[0].1 < first, "{kinds:?}: {hours:?}");
        let last = hours[2..].iter().map(|(sent, _)| sent.saturating_sub(idle)).sum::<usize>() / 2;
        println!("{kinds:?}: {last} more per hour than {idle}");
        assert!(last < later, "{kinds:?}: {hours:?}");
    }
}

#[test]
fn who_is_on_a_direct_path_does_not_search() {
    for kinds in [[Kind::Home; 2], WIDE[0]] {
        let (mut world, mut hosts, start) = Meeting::of(kinds, [true, true]).begin();
        world.run_until(start + SEARCH, &mut hosts, |_| false);
        assert!(hosts.iter_mut().all(Host::is_direct));
        for (_, checks) in hours(&mut world, &mut hosts, 2) {
            assert_eq!(checks, 0, "{kinds:?}");
        }
    }
}

#[test]
fn who_gets_another_address_does_not_wait_for_the_next_search() {
    for who in [0, 1] {
        let meeting = Meeting::of([Kind::HomeRandom; 2], [true, true]);
        let (mut world, mut hosts) = meet_while_cut(meeting, Duration::from_secs(1600));
        world.cut = false;
        let back_at = world.now;
        world.renumber_router(who);
        let end = back_at + Duration::from_secs(60);
        world.run_until(end, &mut hosts, |hosts| hosts.iter_mut().all(Host::is_direct));
        assert!(hosts.iter_mut().all(Host::is_direct), "{who}: {:?}", hosts[0].events);
        println!("{who}: {:?}", world.now - back_at);
    }
}
