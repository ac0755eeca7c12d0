//! Which packets the line loses: independently, and in bursts.

use super::config::Burst;
use crate::random::Generator;

/// Decides for one packet after the other.
#[derive(Debug)]
pub(super) struct Loss {
    alone: Generator,
    bursts: Generator,
    bad: bool,
}

impl Loss {
    pub(super) fn new(alone: Generator, bursts: Generator) -> Self {
        Self { alone, bursts, bad: false }
    }

    /// Whether the next packet is lost.
    pub(super) fn next(&mut self, rate: f64, burst: Option<Burst>) -> bool {
        // Both are drawn for each packet: neither may shift the pattern of the other.
        let alone = self.alone.chance(rate);
        let in_burst = burst.is_some_and(|burst| self.next_of_burst(burst));
        alone || in_burst
    }

    fn next_of_burst(&mut self, burst: Burst) -> bool {
        let change = if self.bad { burst.leave } else { burst.enter };
        self.bad ^= self.bursts.chance(change);
        self.bursts.chance(burst.loss) && self.bad
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(rate: f64, burst: Option<Burst>, count: usize) -> Vec<bool> {
        let mut loss = Loss::new(Generator::for_part(1, 0), Generator::for_part(1, 1));
        (0..count).map(|_| loss.next(rate, burst)).collect()
    }

    fn count(losses: &[bool]) -> usize {
        losses.iter().filter(|lost| **lost).count()
    }

    #[test]
    fn one_in_twenty_is_lost() {
        let lost = count(&losses(0.05, None, 100_000));
        assert!((4_750..5_250).contains(&lost), "{lost}");
    }

    #[test]
    fn independent_losses_come_alone() {
        let losses = losses(0.05, None, 100_000);
        let pairs = losses.windows(2).filter(|pair| pair[0] && pair[1]).count();
        assert!((200..300).contains(&pairs), "{pairs} pairs where 250 were due");
    }

    #[test]
    fn bursts_have_the_length_and_share_that_were_asked_for() {
        let losses = losses(0.0, Some(Burst::new(0.01, 8.0)), 200_000);
        let begun =
            losses.windows(2).filter(|pair| !pair[0] && pair[1]).count() + usize::from(losses[0]);
        let length = count(&losses) as f64 / begun as f64;
        assert!((7.5..8.5).contains(&length), "{length}");
        // enter / (enter + leave) = 0.01 / 0.135
        let share = count(&losses) as f64 / 200_000.0;
        assert!((0.070..0.078).contains(&share), "{share}");
    }

    #[test]
    fn a_burst_may_spare_packets() {
        let half = Burst { loss: 0.5, ..Burst::new(1.0, f64::INFINITY) };
        let lost = count(&losses(0.0, Some(half), 100_000));
        assert!((49_000..51_000).contains(&lost), "{lost}");
    }

    #[test]
    fn bursts_do_not_shift_the_independent_losses() {
        let alone = losses(0.05, None, 10_000);
        let both = losses(0.05, Some(Burst::new(0.01, 8.0)), 10_000);
        assert!(alone.iter().zip(&both).all(|(alone, both)| !alone || *both));
        assert!(count(&both) > count(&alone));
    }
}
