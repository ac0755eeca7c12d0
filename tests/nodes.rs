//! Whole nodes behind NATs: addresses gathered, offers sealed, searched, dialled, and data carried on the path that was found; by a relay
//! where there is no other, or none any more.

mod crossing;

use std::time::Duration;

use crossing::host::{Host, Meeting};
use crossing::kinds::Kind;
use crossing::world::{DELAY, World, instant};
use srudp::nat::turn::TurnError;
use srudp::nat::{Candidate, CandidateKind};
use srudp::node::NodeEvent;

/// There and back, directly.
const ROUND_TRIP: Duration = DELAY.saturating_mul(2);

/// Searches of which the middle one counts.
const SEARCHES: u64 = 25;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn nodes_find_each_other_and_carry_data_on_the_path_that_they_found() {
    let kinds = [
        Kind::Open,
        Kind::Home,
        Kind::Racy,
        Kind::Carrier,
        Kind::Counting,
        Kind::Block,
        Kind::Symmetric,
        Kind::Blocked,
    ];
    for first in kinds {
        for second in kinds {
            for (seed, loss) in [(1, 0.0), (2, 0.05)] {
                let meeting = Meeting { seed, loss, ..Meeting::of([first, second], [false; 2]) };
                let (_, hosts, _) = meeting.hold();
                for host in &hosts {
                    assert_eq!(!host.failed, first.can_reach(second), "{first:?} {second:?}");
                    assert!(host.failed || host.connection.is_some());
                }
            }
        }
    }
}

#[test]
fn one_relay_on_either_side_is_enough_for_every_pair_and_a_direct_path_is_taken_where_there_is_one()
{
    for relays in [[true, false], [false, true], [true, true]] {
        for first in Kind::ALL {
            for second in Kind::ALL {
                let meeting = Meeting::of([first, second], relays);
                let (mut world, mut hosts, start) = meeting.hold();
                let context = format!("{first:?} {second:?} {relays:?}");
                let streams = world.services.connections;
                // Without UDP nobody is reached but by an own relay, over TCP.
                let blocked = [first, second].map(|kind| kind == Kind::Blocked);
                if [0, 1].iter().any(|host: &usize| blocked[*host] && !relays[*host]) {
                    assert!(hosts.iter().all(|host| host.failed), "{context}");
                    continue;
                }
                assert_eq!(streams, blocked.iter().filter(|it| **it).count(), "{context}");
                assert!(hosts.iter().all(|host| host.received == host.total), "{context}");
                // The first path that works is by the relay, and soon; a better one is searched for ten seconds.
                let end = start + Duration::from_secs(12);
                let direct = first.can_reach(second);
                world.run_until(end, &mut hosts, |hosts| hosts.iter_mut().all(Host::is_direct));
                for host in &mut hosts {
                    assert_eq!(host.is_direct(), direct, "{context}: {:?}", host.events);
                }
            }
        }
    }
}

#[test]
fn a_spare_socket_that_won_stays_open_for_its_connection_and_no_longer() {
    let (mut world, mut hosts, _) = Meeting::of([Kind::Symmetric, Kind::Home], [false; 2]).hold();
    let found = hosts[0].events.iter().find_map(|(_, event)| match event {
        NodeEvent::Found(_, winner, _, _) => Some(winner.socket),
        _ => None,
    });
    let socket = found.expect("a path");
    let told = hosts[0].gathered.as_ref().unwrap().sockets.clone();
    assert!(!told.contains(&socket), "one of many sockets was guessed");
    assert!(hosts[0].opened.contains(&socket));
    assert_eq!(hosts[0].opened.len(), told.len(), "the main one is not opened here");
    let (connection, now) = (hosts[0].connection.unwrap(), instant(world.now));
    let closing = hosts[0].node.endpoint().connection(connection).unwrap();
    closing.close(now, srudp::ApplicationCode::ZERO, b"", Duration::ZERO);
    world.run(&mut hosts, |_| false);
    assert!(!hosts[0].opened.contains(&socket));
    assert_eq!(hosts[0].opened.len(), told.len() - 1, "peers may still come by those");
}

fn run_for(world: &mut World, hosts: &mut [Host; 2], time: Duration) {
    let end = world.now + time;
    world.run_until(end, hosts, |_| false);
}

/// Two nodes with a direct path, a relay behind, and much to send.
fn on_a_direct_path(relays: [bool; 2]) -> (World, [Host; 2]) {
    let kinds = [Kind::Home, Kind::Carrier];
    let meeting = Meeting { total: 20_000_000, ..Meeting::of(kinds, relays) };
    let (mut world, mut hosts, _) = meeting.begin();
    let end = world.now + Duration::from_secs(5);
    world.run_until(end, &mut hosts, |hosts| hosts.iter_mut().all(Host::is_direct));
    assert!(hosts.iter_mut().all(Host::is_direct));
    run_for(&mut world, &mut hosts, ms(500));
    hosts.iter_mut().for_each(Host::forget_pauses);
    (world, hosts)
}

#[test]
fn a_transfer_falls_to_the_relay_when_the_direct_path_is_cut_and_comes_back() {
    for relays in [[true, false], [false, true], [true, true]] {
        cut_and_restore(relays);
    }
}

fn cut_and_restore(relays: [bool; 2]) {
    let (mut world, mut hosts) = on_a_direct_path(relays);
    world.cut = true;
    let cut_at = world.now;
    world.run_until(cut_at + Duration::from_secs(5), &mut hosts, |hosts| {
        hosts.iter_mut().all(Host::is_relayed)
    });
    assert!(hosts.iter_mut().all(Host::is_relayed), "{:?}", hosts[0].events);
    run_for(&mut world, &mut hosts, ms(1000));
    for host in &mut hosts {
        assert!(host.longest_pause < ROUND_TRIP * 20, "{:?}", host.longest_pause);
        assert!(!host.closed);
        host.forget_pauses();
    }
    let silent = |host: &Host| host.events.iter().any(|(_, it)| matches!(it, NodeEvent::Silent(_)));
    assert!(hosts.iter().any(silent), "the death of a path is told");
    world.cut = false;
    let back_at = world.now;
    world.run_until(back_at + Duration::from_secs(20), &mut hosts, |hosts| {
        hosts.iter_mut().all(Host::is_direct)
    });
    assert!(hosts.iter_mut().all(Host::is_direct), "{:?}", hosts[0].events);
    world.run(&mut hosts, |hosts| hosts.iter().all(Host::is_done));
    for host in &hosts {
        assert_eq!(host.received, host.total, "no byte is lost");
        assert!(
            host.longest_pause < ROUND_TRIP * 10,
            "make before break: {:?}",
            host.longest_pause
        );
    }
}

#[test]
fn a_relay_that_dies_while_the_direct_path_is_up_is_told_and_otherwise_not_noticed() {
    let (mut world, mut hosts) = on_a_direct_path([true, false]);
    world.services.dead = true;
    world.run(&mut hosts, |hosts| hosts.iter().all(Host::is_done));
    run_for(&mut world, &mut hosts, Duration::from_secs(40));
    for host in &hosts {
        assert_eq!(host.received, host.total);
        assert!(host.longest_pause < ROUND_TRIP * 5, "{:?}", host.longest_pause);
    }
    let lost = |(_, event): &_| matches!(event, NodeEvent::RelayLost(..));
    assert!(hosts[0].events.iter().any(lost), "{:?}", hosts[0].events);
    assert!(hosts.iter_mut().all(Host::is_direct));
    world.services.dead = false;
    world.services.restart();
    run_for(&mut world, &mut hosts, Duration::from_secs(400));
    let outdated = |(_, event): &_| matches!(event, NodeEvent::Outdated);
    assert!(hosts[0].events.iter().any(outdated), "there is another address now");
}

#[test]
fn a_peer_that_dies_is_told_apart_from_a_path_that_dies() {
    let (mut world, mut hosts) = on_a_direct_path([true, false]);
    world.cut = true;
    world.services.dead = true;
    run_for(&mut world, &mut hosts, Duration::from_secs(60));
    for host in &hosts {
        let moved = host.events.iter().filter(|(at, event)| {
            matches!(event, NodeEvent::Moved(_, route) if route.relayed) && *at > instant(ms(5000))
        });
        assert_eq!(moved.count(), 0);
        assert!(host.closed, "nobody answers on any path");
    }
}

#[test]
fn a_mapping_that_expires_costs_less_than_a_second() {
    let meeting = Meeting::of([Kind::Forgetful, Kind::Home], [false, true]);
    let (mut world, mut hosts, _) = meeting.hold();
    run_for(&mut world, &mut hosts, ms(2000));
    assert!(hosts.iter_mut().all(Host::is_direct));
    // Nothing is said for longer than the box remembers, but for keep-alives that come too late.
    for silence in [12, 60] {
        run_for(&mut world, &mut hosts, Duration::from_secs(silence));
        hosts.iter_mut().for_each(|host| host.say_more(100_000));
        let began = world.now;
        world.run(&mut hosts, |hosts| hosts.iter().all(Host::is_done));
        assert!(world.now - began < ms(1000), "{silence}: {:?}", world.now - began);
        assert!(hosts.iter().all(|host| !host.closed));
        run_for(&mut world, &mut hosts, ms(4000));
        assert!(hosts.iter_mut().all(Host::is_direct), "{silence}: {:?}", hosts[0].events);
    }
}

#[test]
fn two_relays_in_a_row_carry_data_if_one_does_not() {
    let meeting = Meeting::of([Kind::Symmetric, Kind::Symmetric], [true, true]);
    let (world, hosts, _) = meeting.hold();
    assert!(world.services.relayed > 0);
    for host in &hosts {
        assert_eq!(host.received, host.total);
        let by_relay = |(_, event): &_| matches!(event, NodeEvent::Found(_, winner, _, _) if winner.kind == CandidateKind::Relayed);
        assert!(host.events.iter().any(by_relay));
    }
}

#[test]
fn who_was_dialled_first_looks_on_for_a_direct_path() {
    let mut accepted = 0;
    for seed in 1..=20 {
        for relays in [[true, false], [false, true]] {
            let kinds = [Kind::Home, Kind::Carrier];
            let meeting = Meeting { seed, loss: 0.1, accept: true, ..Meeting::of(kinds, relays) };
            let (mut world, mut hosts, _) = meeting.hold();
            let end = world.now + Duration::from_secs(20);
            world.run_until(end, &mut hosts, |hosts| hosts.iter_mut().all(Host::is_direct));
            assert!(hosts.iter_mut().all(Host::is_direct), "{seed} {relays:?}");
            accepted += hosts.iter().filter(|host| host.accepted).count();
        }
    }
    assert!(accepted > 0, "one is slower than the other");
}

#[test]
fn a_relay_is_given_back_when_nobody_needs_it_and_not_before() {
    let (mut world, mut hosts) = on_a_direct_path([true, false]);
    let own = [0, 1].map(|number| world.local(number, srudp::nat::SocketId::MAIN));
    let gather = |hosts: &mut [Host; 2], world: &World| {
        let config = srudp::nat::GatherConfig::new(own[0]);
        hosts[0].node.gather(instant(world.now), config);
    };
    gather(&mut hosts, &world);
    run_for(&mut world, &mut hosts, ms(1000));
    assert_eq!(world.services.allocations(), 1, "a connection may fall back to it");
    world.cut = true;
    run_for(&mut world, &mut hosts, ms(3000));
    assert!(hosts.iter_mut().all(Host::is_relayed));
    let (connection, now) = (hosts[0].connection.unwrap(), instant(world.now));
    let closing = hosts[0].node.endpoint().connection(connection).unwrap();
    closing.close(now, srudp::ApplicationCode::ZERO, b"", Duration::ZERO);
    run_for(&mut world, &mut hosts, ms(5000));
    assert!(hosts[1].closed);
    assert_eq!(world.services.allocations(), 0);
}

/// Two hosts without UDP, each with a relay of its own, and much to send.
fn both_blocked(loss: f64) -> (World, [Host; 2]) {
    let kinds = [Kind::Blocked, Kind::Blocked];
    let meeting = Meeting { loss, total: 2_000_000, ..Meeting::of(kinds, [true, true]) };
    let (mut world, mut hosts, _) = meeting.begin();
    let end = world.now + Duration::from_secs(5);
    world.run_until(end, &mut hosts, |hosts| hosts.iter_mut().all(Host::is_relayed));
    assert!(hosts.iter_mut().all(Host::is_relayed));
    (world, hosts)
}

#[test]
fn two_hosts_without_udp_carry_data_over_tcp_to_their_relays() {
    for loss in [0.0, 0.02] {
        let (mut world, mut hosts) = both_blocked(loss);
        world.run(&mut hosts, |hosts| hosts.iter().all(Host::is_done));
        assert!(hosts.iter().all(|host| host.received == host.total), "{loss}");
        assert_eq!(world.services.connections, 2, "{loss}");
    }
}

#[test]
fn a_tcp_connection_to_a_relay_that_breaks_is_told_and_made_anew() {
    for broken in [0, 1] {
        let (mut world, mut hosts) = both_blocked(0.0);
        run_for(&mut world, &mut hosts, ms(500));
        world.break_streams(broken);
        run_for(&mut world, &mut hosts, ms(1000));
        let lost =
            |(_, event): &_| matches!(event, NodeEvent::RelayLost(_, TurnError::Disconnected));
        let outdated = |(_, event): &_| matches!(event, NodeEvent::Outdated);
        let events = &hosts[broken].events;
        assert!(events.iter().any(lost) && events.iter().any(outdated), "{events:?}");
        assert_eq!((world.services.allocations(), world.services.connections), (2, 3));
        world.run(&mut hosts, |hosts| hosts.iter().all(Host::is_done));
        // From the new address to the relay of the other one, which lets that relay in.
        assert!(hosts.iter().all(|host| host.received == host.total), "{broken}");
        assert!(hosts.iter().all(|host| host.longest_pause < ms(2500)));
    }
}

#[test]
fn a_relay_that_keeps_breaking_is_asked_anew_ever_more_rarely() {
    let (mut world, mut hosts) = both_blocked(0.0);
    let mut connections = Vec::new();
    for _ in 0..20 {
        world.break_streams(0);
        run_for(&mut world, &mut hosts, ms(3000));
        connections.push(world.services.connections);
    }
    assert!((6..=9).contains(connections.last().unwrap()), "{connections:?}");
}

#[test]
fn a_relay_that_was_late_over_udp_is_used_in_one_way_only() {
    let (mut tried, mut kept) = (0, 0);
    for seed in 1..=40 {
        let kinds = [Kind::Home, Kind::Blocked];
        let meeting = Meeting { seed, loss: 0.2, ..Meeting::of(kinds, [true, false]) };
        let (mut world, mut hosts, _) = meeting.begin();
        run_for(&mut world, &mut hosts, Duration::from_secs(1));
        tried += world.services.connections;
        kept += world.services.streams();
        let gathered = hosts[0].gathered.as_ref().unwrap();
        let relayed = |it: &&Candidate| it.kind() == CandidateKind::Relayed;
        assert!(gathered.description.candidates().iter().filter(relayed).count() <= 1, "{seed}");
    }
    assert!(tried <= 40 && kept < tried && kept > 0, "{kept} of {tried}");
}

/// How long it takes until both are connected without a relay, and how many datagrams, in the middle of some searches.
fn middle_of_searches(kinds: [Kind; 2]) -> (Duration, usize) {
    let searches = (0..SEARCHES).map(|seed| {
        let meeting = Meeting { seed, ..Meeting::of(kinds, [false; 2]) };
        let (mut world, mut hosts, start) = meeting.begin();
        world.run(&mut hosts, |hosts| hosts.iter().all(|host| host.connection.is_some()));
        (world.now - start, world.sent.iter().sum())
    });
    middle(searches)
}

fn middle(searches: impl Iterator<Item = (Duration, usize)>) -> (Duration, usize) {
    let (mut times, mut sent): (Vec<_>, Vec<_>) = searches.unzip();
    times.sort_unstable();
    sent.sort_unstable();
    (times[times.len() / 2], sent[sent.len() / 2])
}

#[test]
fn a_carriers_nat_that_nobody_knows_of_costs_a_symmetric_search_half_of_its_guesses_at_most() {
    for second in [Kind::Symmetric, Kind::CarrierSymmetric] {
        for first in [Kind::Home, Kind::Racy, Kind::Carrier] {
            let (time, sent) = middle_of_searches([first, second]);
            assert!(time < ms(1600) && sent < 2000, "{first:?} {second:?}: {time:?}, {sent}");
        }
    }
}

/// Until both are connected without a relay: how long it takes, and how many datagrams.
fn connect(world: &mut World, hosts: &mut [Host; 2], start: Duration) -> (Duration, usize) {
    let end = start + Duration::from_secs(20);
    world.run_until(end, hosts, |hosts| hosts.iter().all(|host| host.connection.is_some()));
    assert!(world.now < end, "{:?} {:?}", hosts[0].events, hosts[1].events);
    (world.now - start, world.sent.iter().sum())
}

#[test]
fn the_second_search_between_two_networks_begins_with_what_helped_the_first() {
    for second in [Kind::Symmetric, Kind::CarrierSymmetric] {
        let both = (0..SEARCHES).map(|seed| {
            let meeting = Meeting { seed, ..Meeting::of([Kind::Home, second], [false; 2]) };
            let (mut world, mut hosts, start) = meeting.begin();
            let once = connect(&mut world, &mut hosts, start);
            let start = meeting.repeat(&mut world, &mut hosts);
            (once, connect(&mut world, &mut hosts, start))
        });
        let (once, again): (Vec<_>, Vec<_>) = both.unzip();
        let (once, again) = (middle(once.into_iter()), middle(again.into_iter()));
        assert!(again.0 < once.0 && again.1 < once.1, "{second:?}: {once:?}, then {again:?}");
    }
}

#[test]
fn guesses_that_came_to_nothing_are_spared_when_the_relay_helps_again() {
    for kinds in [[Kind::Home, Kind::Symmetric], [Kind::Symmetric, Kind::Home]] {
        let meeting = Meeting::of(kinds, [true, false]);
        let (mut world, mut hosts, _) = meeting.begin();
        world.cut = true;
        run_for(&mut world, &mut hosts, Duration::from_secs(10));
        assert!(hosts.iter_mut().all(Host::is_relayed));
        assert!(world.sent.iter().sum::<usize>() > 2000);
        meeting.repeat(&mut world, &mut hosts);
        run_for(&mut world, &mut hosts, Duration::from_secs(10));
        assert!(hosts.iter_mut().all(Host::is_relayed), "{:?}", hosts[0].events);
        assert!(world.sent.iter().sum::<usize>() < 500, "{:?}", world.sent);
        // Where the relay does not help, it is guessed after all, and what helps then is remembered.
        world.cut = false;
        world.services.dead = true;
        let start = meeting.repeat(&mut world, &mut hosts);
        let (time, _) = connect(&mut world, &mut hosts, start);
        assert!(time < Duration::from_secs(6), "{time:?}");
        assert!(hosts.iter_mut().all(Host::is_direct));
    }
}
