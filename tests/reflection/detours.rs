//! A peer that is connected, has lied about its relays, and falls silent again and again (SPEC §19.3).

use std::time::Duration;

use super::crossing::host::{Host, Meeting};
use super::crossing::kinds::Kind;

/// Tries of each relay that is told, datagrams of each try, and their size.
const TRIES: usize = 8;
const CHALLENGES: usize = 3;
const FULL: usize = 1200;

/// Relays that count, and checks of the search to each: six, and three from a relay of ours.
const RELAYS: usize = 4;
const CHECKS: usize = 9;

#[test]
fn a_relay_that_a_peer_makes_up_gets_twenty_four_datagrams_of_full_size_however_often_the_peer_falls_silent()
 {
    for (lies, relays) in [(1, [false; 2]), (1, [true, false]), (9, [true, false])] {
        let meeting = Meeting { lies, total: 1 << 30, ..Meeting::of([Kind::Home; 2], relays) };
        let (mut world, mut hosts, _) = meeting.begin();
        let end = world.now + Duration::from_secs(5);
        world.run_until(end, &mut hosts, |hosts| hosts.iter_mut().all(Host::is_direct));
        for _ in 0..25 {
            for cut in [true, false] {
                (world.cut, world.services.dead) = (cut, cut);
                let end = world.now + Duration::from_secs(5);
                world.run_until(end, &mut hosts, |_| false);
                assert!(!hosts[0].closed);
            }
        }
        let (full, checks): (Vec<usize>, Vec<usize>) =
            world.astray.iter().partition(|size| **size > 1000);
        let told = usize::from(lies);
        let most = told.min(RELAYS) * TRIES * CHALLENGES;
        assert!((1..=most).contains(&full.len()), "{lies} {relays:?}: {}", full.len());
        assert!(full.iter().all(|size| *size <= FULL));
        assert!(checks.len() <= told * CHECKS, "{lies} {relays:?}: {}", checks.len());
    }
}
