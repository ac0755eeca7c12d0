//! Congestion avoidance of RFC 9438: the window follows a cubic of the time since the last reduction.
//!
//! ```text
//!  window                                  ╱   convex: looks for a new limit
//!    W_max ─ ─ ─ ─ ─ ─ ─ ─ ───────────────
//!                     ╱       K            concave: returns fast, lingers where it was lost
//!    0.7 W_max      │
//! ```
//!
//! All arithmetic is in integers: bytes, microseconds and 1/65,536 of a byte, so that every platform computes the same
//! window.

use std::time::Duration;

use super::loss_based::{Avoidance, Ground};
use crate::base::Instant;
use crate::base::limits::CONGESTION_WINDOW_MAX;

#[derive(Clone, Debug, Default)]
pub(super) struct Cubic {
    /// Where the last reduction happened, or below if the path seems to have shrunk (`W_max`).
    plateau: u64,
    /// The window at the last reduction (`cwnd_prior`).
    prior: u64,
    epoch: Option<Epoch>,
}

/// One stretch of congestion avoidance.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    start: Instant,
    /// The window was last seen in use at this time.
    active: Instant,
    /// The window at the plateau of the curve.
    origin: u64,
    /// Time from the start to the plateau (`K`).
    rise: Duration,
    /// What Reno would have by now (`W_est`), in fractions of a byte.
    estimate: u64,
    /// Growth too small for a whole byte, in fractions of one.
    carry: u64,
}

impl Avoidance for Cubic {
    fn grow(&mut self, ground: &Ground, acked: u64) -> u64 {
        let epoch =
            self.epoch.get_or_insert_with(|| Epoch::new(ground, self.plateau.max(ground.window)));
        epoch.active = ground.now;
        let elapsed = ground.now - epoch.start;
        let estimate = epoch.grow_estimate(ground, acked, self.prior);
        if epoch.window_at(elapsed, ground.datagram) < estimate {
            return ground.window.max(estimate);
        }
        let ahead = epoch.window_at(elapsed + ground.rtt, ground.datagram);
        epoch.approach(ground, acked, ahead)
    }

    fn reduce(&mut self, window: u64) -> u64 {
        // Fast convergence, RFC 9438 §4.7: a limit that falls makes room for others.
        self.plateau = if window < self.plateau { window * 17 / 20 } else { window };
        self.prior = window;
        self.epoch = None;
        reduced(window)
    }

    fn skip(&mut self, now: Instant) {
        if let Some(epoch) = &mut self.epoch {
            epoch.start += now - epoch.active;
            epoch.active = now;
        }
    }
}

impl Epoch {
    /// Starts the curve at the present window. A window already at the plateau starts in the convex region (§4.10).
    fn new(ground: &Ground, plateau: u64) -> Self {
        Self {
            start: ground.now,
            active: ground.now,
            origin: plateau,
            rise: time_to_plateau(plateau - ground.window, ground.datagram),
            estimate: ground.window << FRACTION_BITS,
            carry: 0,
        }
    }

    /// `W_cubic(t)` of RFC 9438 §4.2.
    fn window_at(&self, elapsed: Duration, datagram: u64) -> u64 {
        let distance = curve(elapsed.abs_diff(self.rise), datagram);
        if elapsed < self.rise {
            self.origin.saturating_sub(distance)
        } else {
            self.origin.saturating_add(distance)
        }
    }

    /// `W_est` of RFC 9438 §4.3: the additive increase which gives Reno's share at CUBIC's smaller decrease, and
    /// Reno's own increase from the window of the last reduction on.
    fn grow_estimate(&mut self, ground: &Ground, acked: u64, prior: u64) -> u64 {
        let (numerator, denominator) =
            if self.estimate >> FRACTION_BITS < prior { ALPHA } else { (1, 1) };
        let product = u128::from(acked) * u128::from(ground.datagram * numerator);
        let step = (product << FRACTION_BITS) / u128::from(ground.window * denominator);
        let step = u64::try_from(step).unwrap_or(u64::MAX);
        let limit = CONGESTION_WINDOW_MAX << FRACTION_BITS;
        self.estimate = self.estimate.saturating_add(step).min(limit);
        self.estimate >> FRACTION_BITS
    }

    /// Moves towards the window that the curve has a round trip ahead (§4.4), by the share of the window acknowledged.
    fn approach(&mut self, ground: &Ground, acked: u64, ahead: u64) -> u64 {
        let window = ground.window;
        let target = ahead.clamp(window, window + window / 2);
        let product = u128::from(target - window) * u128::from(acked.min(window));
        let step =
            u64::try_from((product << FRACTION_BITS) / u128::from(window)).unwrap_or(u64::MAX);
        let grown = self.carry.saturating_add(step);
        self.carry = grown & ((1 << FRACTION_BITS) - 1);
        window + (grown >> FRACTION_BITS)
    }
}

const FRACTION_BITS: u32 = 16;

/// `3 (1 - β) / (1 + β)` for β = 0.7.
const ALPHA: (u64, u64) = (9, 17);

/// Cube of the microseconds in a second.
const MICROS_CUBED: u128 = 1_000_000_000_000_000_000;

/// No curve is followed for longer than these microseconds; keeps the cube inside `u128`.
const CURVE_MAX: u128 = 1 << 32;

/// `C t³` in bytes, for C = 0.4 datagrams per cubic second.
fn curve(time: Duration, datagram: u64) -> u64 {
    let micros = time.as_micros().min(CURVE_MAX);
    let bytes = micros * micros * micros * 4 * u128::from(datagram) / (10 * MICROS_CUBED);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The time in which the curve covers `bytes`: the inverse of [`curve`].
fn time_to_plateau(bytes: u64, datagram: u64) -> Duration {
    let cube = u128::from(bytes) * MICROS_CUBED * 10 / (4 * u128::from(datagram.max(1)));
    Duration::from_micros(cube_root(cube))
}

/// The time in which a window returns to where it was reduced.
pub(super) fn time_to_return(window: u64, datagram: u64) -> Duration {
    time_to_plateau(window - reduced(window), datagram)
}

fn reduced(window: u64) -> u64 {
    window.saturating_mul(7) / 10
}

/// The largest number whose cube is not above `value`, one bit after the other.
fn cube_root(value: u128) -> u64 {
    let mut root: u128 = 0;
    for bit in (0..42).rev() {
        let tried = root | 1 << bit;
        if tried * tried * tried <= value {
            root = tried;
        }
    }
    u64::try_from(root).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
