//! Estimates the round-trip time of a path (RFC 9002 §5).

use std::time::Duration;

use crate::base::limits::INITIAL_RTT;
use crate::vocab::RttView;

#[derive(Clone, Debug)]
pub(crate) struct Rtt {
    latest: Duration,
    minimum: Duration,
    smoothed: Duration,
    variation: Duration,
    measured: bool,
}

impl Rtt {
    /// The guesses of RFC 9002 §6.2.2, until the first sample.
    pub(crate) fn new() -> Self {
        Self {
            latest: INITIAL_RTT,
            minimum: INITIAL_RTT,
            smoothed: INITIAL_RTT,
            variation: INITIAL_RTT / 2,
            measured: false,
        }
    }

    /// A round trip took `latest`, of which the peer waited for `ack_delay`.
    pub(crate) fn on_sample(&mut self, latest: Duration, ack_delay: Duration) {
        self.latest = latest;
        if !self.measured {
            *self = Self {
                latest,
                minimum: latest,
                smoothed: latest,
                variation: latest / 2,
                measured: true,
            };
            return;
        }
        self.minimum = self.minimum.min(latest);
        // A delay that would push the sample below the minimum is not believed.
        let adjusted = if latest >= self.minimum.saturating_add(ack_delay) {
            latest - ack_delay
        } else {
            latest
        };
        self.variation = (self.variation * 3 + self.smoothed.abs_diff(adjusted)) / 4;
        self.smoothed = (self.smoothed * 7 + adjusted) / 8;
    }

    /// The path may have become another one (RFC 9002 §5.2): the minimum starts again from the newest sample.
    pub(crate) fn on_persistent_congestion(&mut self) {
        self.minimum = self.latest;
    }

    /// The present estimate.
    pub(crate) fn view(&self) -> RttView {
        RttView {
            smoothed: self.smoothed,
            variation: self.variation,
            minimum: self.minimum,
            latest: self.latest,
            measured: self.measured,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn the_first_sample_replaces_the_guesses() {
        let mut rtt = Rtt::new();
        assert!(!rtt.view().measured);
        assert_eq!(rtt.view().smoothed, ms(333));
        rtt.on_sample(ms(80), ms(20));
        let view = rtt.view();
        assert_eq!((view.smoothed, view.variation, view.minimum), (ms(80), ms(40), ms(80)));
        assert!(view.measured);
    }

    #[test]
    fn later_samples_are_smoothed_as_in_rfc_9002() {
        let mut rtt = Rtt::new();
        rtt.on_sample(ms(80), ms(0));
        rtt.on_sample(ms(160), ms(16));
        let view = rtt.view();
        assert_eq!(view.smoothed, (ms(80) * 7 + ms(144)) / 8);
        assert_eq!(view.variation, (ms(40) * 3 + ms(64)) / 4);
        assert_eq!((view.minimum, view.latest), (ms(80), ms(160)));
    }

    #[test]
    fn an_ack_delay_that_undercuts_the_minimum_is_not_believed() {
        let mut rtt = Rtt::new();
        rtt.on_sample(ms(80), ms(0));
        rtt.on_sample(ms(90), ms(25));
        assert_eq!(rtt.view().smoothed, (ms(80) * 7 + ms(90)) / 8);
        rtt.on_sample(ms(105), ms(25));
        assert_eq!(rtt.view().smoothed, ((ms(80) * 7 + ms(90)) / 8 * 7 + ms(80)) / 8);
    }

    #[test]
    fn persistent_congestion_forgets_the_minimum() {
        let mut rtt = Rtt::new();
        rtt.on_sample(ms(10), ms(0));
        rtt.on_sample(ms(100), ms(0));
        rtt.on_persistent_congestion();
        assert_eq!(rtt.view().minimum, ms(100));
    }
}
