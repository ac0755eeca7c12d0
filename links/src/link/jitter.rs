//! Jitter: an extra delay that wanders.
//!
//! ```text
//!  extra   J ┤    ╱╲        ╱╲
//!            │ ╲ ╱  ╲      ╱  ╲___   a random height every J, straight lines between them
//!          0 ┤  ╲    ╲____╱
//!            └──┴────┴────┴────┴──▶ time
//!                 J
//! ```
//!
//! No line falls faster than time runs, so a later packet never overtakes an earlier one, however dense the traffic:
//! a FIFO with jitter. (Independent draws for each packet behind a FIFO would degenerate to a constant `J` on a busy
//! link, because the slowest packet holds up all behind it.)

use std::time::Duration;

use crate::random::Generator;

/// A point of the curve.
#[derive(Debug, Clone, Copy)]
struct Knot {
    at: Duration,
    extra: Duration,
}

/// The curve, drawn as time goes on.
#[derive(Debug)]
pub(super) struct Jitter {
    generator: Generator,
    line: Option<(Knot, Knot)>,
}

impl Jitter {
    pub(super) fn new(generator: Generator) -> Self {
        Self { generator, line: None }
    }

    /// Forgets the curve: the next call begins a new one, of another height.
    pub(super) fn restart(&mut self) {
        self.line = None;
    }

    /// The extra delay at `now`, from nothing to `most`. `now` must not go back.
    pub(super) fn at(&mut self, now: Duration, most: Duration) -> Duration {
        if most.is_zero() {
            return Duration::ZERO;
        }
        let (from, to) = self.line_at(now, most);
        let passed = now.saturating_sub(from.at).as_nanos();
        let (low, high) = (from.extra.min(to.extra), from.extra.max(to.extra));
        let moved = (high - low).as_nanos().saturating_mul(passed) / most.as_nanos();
        let extra = if to.extra >= from.extra {
            from.extra.as_nanos() + moved
        } else {
            from.extra.as_nanos().saturating_sub(moved)
        };
        Duration::from_nanos(u64::try_from(extra).unwrap_or(u64::MAX)).min(most)
    }

    fn line_at(&mut self, now: Duration, most: Duration) -> (Knot, Knot) {
        let line = match self.line {
            Some((from, to)) if now < to.at => (from, to),
            // A step of one knot keeps the curve in one piece.
            Some((_, to)) if now < to.at.saturating_add(most) => (to, self.knot(to.at, most)),
            // After a pause of `most` nothing can be overtaken: a new curve may begin anywhere.
            _ => {
                let from = Knot { at: now, extra: self.generator.span(most) };
                (from, self.knot(now, most))
            }
        };
        self.line = Some(line);
        line
    }

    fn knot(&mut self, after: Duration, most: Duration) -> Knot {
        Knot { at: after.saturating_add(most), extra: self.generator.span(most) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_millis(10);

    fn jitter() -> Jitter {
        Jitter::new(Generator::new(1))
    }

    #[test]
    fn no_jitter_adds_nothing() {
        assert_eq!(jitter().at(MOST, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn the_extra_delay_fills_its_range() {
        let mut jitter = jitter();
        let extras: Vec<_> =
            (0..100_000).map(|i| jitter.at(Duration::from_micros(i * 50), MOST)).collect();
        let least = extras.iter().min().unwrap();
        let most = extras.iter().max().unwrap();
        assert!(*least < MOST / 20 && *most > MOST * 19 / 20 && *most <= MOST);
        let mean = extras.iter().sum::<Duration>() / 100_000;
        assert!(mean > MOST * 4 / 10 && mean < MOST * 6 / 10, "{mean:?}");
    }

    #[test]
    fn a_dense_or_sparse_sequence_is_never_reordered() {
        for step in [1, 37, 1_000, 9_999, 10_000, 10_001, 55_000] {
            let mut jitter = jitter();
            let arrivals: Vec<_> = (0..5_000)
                .map(|i| Duration::from_micros(i * step))
                .map(|now| now + jitter.at(now, MOST))
                .collect();
            assert!(arrivals.is_sorted(), "step {step}");
        }
    }
}
