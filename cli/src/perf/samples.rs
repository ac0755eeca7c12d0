//! Measured times and their percentiles.

use std::time::Duration;

/// Times, in ascending order.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    sorted: Vec<Duration>,
}

impl Samples {
    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The smallest time that at least `percent` of all are not above (nearest rank); none without samples.
    pub(super) fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.sorted.len() * percent.min(100)).div_ceil(100);
        self.sorted.get(rank.saturating_sub(1)).copied()
    }
}

impl FromIterator<Duration> for Samples {
    fn from_iter<T: IntoIterator<Item = Duration>>(times: T) -> Self {
        let mut sorted: Vec<_> = times.into_iter().collect();
        sorted.sort_unstable();
        Self { sorted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: impl IntoIterator<Item = u64>) -> Samples {
        values.into_iter().map(Duration::from_micros).collect()
    }

    fn percentile(samples: &Samples, percent: usize) -> Option<u64> {
        samples.percentile(percent).map(|time| time.as_micros() as u64)
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let hundred = samples((1..=100).rev());
        assert_eq!(percentile(&hundred, 50), Some(50));
        assert_eq!(percentile(&hundred, 90), Some(90));
        assert_eq!(percentile(&hundred, 99), Some(99));
        assert_eq!(percentile(&hundred, 100), Some(100));
        assert_eq!(percentile(&hundred, 0), Some(1));
        let three = samples([30, 10, 20]);
        assert_eq!(percentile(&three, 50), Some(20));
        assert_eq!(percentile(&three, 99), Some(30));
    }

    #[test]
    fn one_sample_is_every_percentile_and_none_has_none() {
        assert_eq!(percentile(&samples([7]), 1), Some(7));
        assert_eq!(percentile(&samples([7]), 99), Some(7));
        assert_eq!(percentile(&samples([]), 50), None);
    }
}
