//! Which silences to try, from what was survived and what was not.

use std::time::Duration;

use crate::base::limits::NAT_LIFETIME_GRAIN;

/// The bounds so far.
#[derive(Clone, Debug)]
pub(super) struct Search {
    /// Silences to begin with, in seconds, rising.
    ladder: &'static [u64],
    alive: Duration,
    /// All silences that were not survived, rising.
    dead: Vec<Duration>,
    /// Those of this round.
    dead_now: Vec<Duration>,
}

impl Search {
    pub(super) fn new(ladder: &'static [u64]) -> Self {
        Self { ladder, alive: Duration::ZERO, dead: Vec::new(), dead_now: Vec::new() }
    }

    /// The longest silence that was survived.
    pub(super) fn alive(&self) -> Duration {
        self.alive
    }

    /// The shortest that was not, if none longer was survived: then it was a loss.
    pub(super) fn dead(&self) -> Option<Duration> {
        self.dead.iter().copied().find(|dead| *dead > self.alive)
    }

    pub(super) fn record(&mut self, silence: Duration, survived: bool) {
        if survived {
            self.alive = self.alive.max(silence);
        } else {
            self.dead_now.push(silence);
            self.dead.push(silence);
            self.dead.sort_unstable();
        }
    }

    /// Whether two silences of this round agree that longer ones are not worth waiting for.
    pub(super) fn is_round_over(&self) -> bool {
        self.dead_now.iter().filter(|dead| **dead > self.alive).count() >= 2
    }

    /// Up to so many silences to try at the same time; none if the bounds are close enough to each other.
    pub(super) fn next_round(&mut self, sockets: usize) -> Vec<Duration> {
        self.dead_now.clear();
        let Some(dead) = self.dead() else {
            let ladder = self.ladder.iter().map(|seconds| Duration::from_secs(*seconds));
            return ladder.filter(|silence| *silence > self.alive).take(sockets).collect();
        };
        let gap = dead - self.alive;
        if gap <= NAT_LIFETIME_GRAIN.max(self.alive / 10) {
            return Vec::new();
        }
        let parts = u32::try_from(sockets).unwrap_or(u32::MAX).saturating_add(1);
        (1..parts).map(|part| self.alive + gap / parts * part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::{NAT_LIFETIMES, NAT_LIFETIMES_BRIEF};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// What is found about a NAT of this lifetime, and in how many rounds.
    fn search(lifetime: Duration, sockets: usize) -> (Duration, Option<Duration>, usize) {
        search_from(NAT_LIFETIMES, lifetime, sockets)
    }

    fn search_from(
        ladder: &'static [u64],
        lifetime: Duration,
        sockets: usize,
    ) -> (Duration, Option<Duration>, usize) {
        let mut search = Search::new(ladder);
        for round in 0.. {
            let silences = search.next_round(sockets);
            if silences.is_empty() {
                return (search.alive(), search.dead(), round);
            }
            for silence in silences {
                search.record(silence, silence < lifetime);
                if search.is_round_over() {
                    break;
                }
            }
        }
        unreachable!()
    }

    #[test]
    fn every_lifetime_is_found_within_ten_per_cent() {
        for sockets in [1, 2, 5, 10] {
            for lifetime in (3..290).map(seconds) {
                let (alive, dead, rounds) = search(lifetime, sockets);
                let dead = dead.unwrap();
                assert!(alive < lifetime && lifetime <= dead, "{lifetime:?}: {alive:?} {dead:?}");
                assert!(dead - alive <= (alive / 10).max(seconds(1)), "{alive:?} {dead:?}");
                assert!(rounds <= if sockets == 10 { 3 } else { 16 }, "{sockets}: {rounds}");
            }
        }
    }

    #[test]
    fn a_long_life_is_not_waited_out() {
        assert_eq!(search(seconds(3600), 10), (seconds(290), None, 1));
    }

    #[test]
    fn one_socket_finds_what_matters_to_keep_alives_in_eight_rounds() {
        for lifetime in (3..170).map(seconds) {
            let (alive, dead, rounds) = search_from(NAT_LIFETIMES_BRIEF, lifetime, 1);
            assert!(alive < lifetime && alive >= lifetime * 4 / 5 - seconds(1), "{lifetime:?}");
            assert!(dead.is_some() && rounds <= 8, "{lifetime:?}: {rounds}");
        }
        assert_eq!(search_from(NAT_LIFETIMES_BRIEF, seconds(180), 1), (seconds(175), None, 4));
    }

    #[test]
    fn a_loss_below_a_longer_survival_does_not_count() {
        let mut search = Search::new(NAT_LIFETIMES);
        search.record(seconds(25), false);
        search.record(seconds(58), true);
        assert_eq!((search.alive(), search.dead()), (seconds(58), None));
        search.record(seconds(115), false);
        assert_eq!(search.dead(), Some(seconds(115)));
        assert!(!search.is_round_over());
        search.record(seconds(118), false);
        assert!(search.is_round_over());
    }
}
