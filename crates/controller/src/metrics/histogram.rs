//! A histogram without its bounds, which the caller has: there is one for each Rollout, so it is small.

/// Counts of observations between `N` bounds, and their sum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Histogram<const N: usize> {
    sum: f64,
    /// Not cumulative.
    counts: [u32; N],
    /// Observations above the last bound.
    above: u32,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self { sum: 0.0, counts: [0; N], above: 0 }
    }
}

impl<const N: usize> Histogram<N> {
    /// Takes in one observation. `bounds` ascend and are the same each time; a bound belongs to what is below it.
    pub(crate) fn observe(&mut self, bounds: &[f64; N], value: f64) {
        let place = bounds.partition_point(|bound| *bound < value);
        let count = self.counts.get_mut(place).unwrap_or(&mut self.above);
        *count = count.saturating_add(1);
        self.sum += value;
    }

    /// How many observations are at most each bound; the last number is that of all.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = f64> {
        let counts = self.counts.into_iter().chain([self.above]);
        counts.scan(0.0, |sum, count| {
            *sum += f64::from(count);
            Some(*sum)
        })
    }

    /// All observations.
    pub(crate) fn count(&self) -> f64 {
        self.cumulative().last().unwrap_or(0.0)
    }

    /// The sum of all observations.
    pub(crate) fn sum(&self) -> f64 {
        self.sum
    }
}
