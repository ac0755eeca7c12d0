//! Every kind of access with every other, where the first host has a relay, and the second too if its network has no UDP: on which path
//! they connect, on which they end up, and what that costs. Beside `punching`, which is about the direct path alone.

use std::fmt::Write;
use std::time::Duration;

use crate::crossing::host::{Host, Meeting};
use crate::crossing::kinds::Kind;
use crate::crossing::world::DELAY;
use crate::golden;

/// Longer than any search lasts.
const ENOUGH: Duration = Duration::from_secs(12);

struct Outcome {
    first_path: &'static str,
    connected: Duration,
    last_path: &'static str,
    settled: Duration,
    /// Datagrams of each host, and those through the relay, until then.
    sent: [usize; 2],
    relayed: usize,
}

fn path(hosts: &mut [Host; 2]) -> &'static str {
    if hosts.iter().any(|host| host.failed) {
        "none"
    } else if hosts.iter_mut().all(Host::is_direct) {
        "direct"
    } else {
        "relay"
    }
}

fn meet(kinds: [Kind; 2], loss: f64) -> Outcome {
    // Nobody reaches a host without UDP but by its own relay, to which it speaks over TCP.
    let relays = [true, kinds[1] == Kind::Blocked];
    let meeting = Meeting { seed: 7, loss, total: 1000, ..Meeting::of(kinds, relays) };
    let (mut world, mut hosts, start) = meeting.begin();
    world
        .run(&mut hosts, |hosts| hosts.iter().all(|host| host.failed || host.connection.is_some()));
    let (first_path, connected) = (path(&mut hosts), world.now - start);
    let mut settled = (connected, world.sent, world.services.relayed);
    if first_path == "relay" {
        world.run_until(start + ENOUGH, &mut hosts, |hosts| hosts.iter_mut().all(Host::is_direct));
        if path(&mut hosts) == "direct" {
            settled = (world.now - start, world.sent, world.services.relayed);
        }
    }
    let last_path = path(&mut hosts);
    world.run_until(start + 2 * ENOUGH, &mut hosts, |hosts| hosts.iter().all(Host::is_done));
    assert!(hosts.iter().all(Host::is_done), "{kinds:?}");
    let (settled, sent, relayed) = settled;
    Outcome { first_path, connected, last_path, settled, sent, relayed }
}

fn row(kinds: [Kind; 2], outcome: &Outcome) -> String {
    let [a, b] = kinds.map(|kind| format!("{kind:?}"));
    let round_trips = |time: Duration| time.as_secs_f64() / (2 * DELAY).as_secs_f64();
    let Outcome { first_path, last_path, relayed, sent: [ours, theirs], .. } = outcome;
    let (connected, settled) = (round_trips(outcome.connected), round_trips(outcome.settled));
    format!(
        "{a:<17}{b:<17}{first_path:<7}{connected:>6.1}  {last_path:<7}{settled:>6.1} {ours:>6} {theirs:>5} {relayed:>5}"
    )
}

#[test]
fn every_pair_connects_directly_where_there_is_a_path_and_by_the_relay_otherwise() {
    for (name, loss) in [("connecting", 0.0), ("connecting-10percent", 0.1)] {
        let mut table = "                                          round         round  datagrams   by the\n\
                         first            second           first    trips  last    trips  first second relay\n"
            .to_owned();
        let mut wrong = Vec::new();
        for first in Kind::ALL {
            for second in Kind::ALL {
                let outcome = meet([first, second], loss);
                let row = row([first, second], &outcome);
                writeln!(table, "{row}").unwrap();
                let expected = if first.can_reach(second) { "direct" } else { "relay" };
                if outcome.last_path != expected {
                    wrong.push(row);
                }
            }
        }
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        golden(name, &table);
    }
}
