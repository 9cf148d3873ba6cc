//! The `workqueue_*` metrics of the queue of Rollouts.

use std::time::Duration;

use super::histogram::Histogram;
use super::text::{Samples, Text, Type};

/// From ten nanoseconds to ten seconds. The odd ones are labels that exist like this in every Kubernetes component.
const BOUNDS: [f64; 10] =
    [1e-8, 1e-7, 1e-6, 9.999_999_999_999_999e-6, 9.999_999_999_999_999e-5, 0.001, 0.01, 0.1, 1.0, 10.0];
const LABELS: [(&str, &str); 1] = [("name", "Rollouts")];

/// How long items of a queue waited, or were worked on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Histogram<10>);

impl Times {
    pub(crate) fn observe(&mut self, took: Duration) {
        self.0.observe(&BOUNDS, took.as_secs_f64());
    }

    /// All of them together, in seconds.
    #[cfg(test)]
    pub(crate) fn sum(&self) -> f64 {
        self.0.sum()
    }
}

/// What a queue has seen and what it holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    pub(crate) adds: u64,
    pub(crate) retries: u64,
    pub(crate) depth: usize,
    /// From becoming ready to being taken.
    pub(crate) waited: Times,
    /// From being taken to being done.
    pub(crate) worked: Times,
    /// How long each item that is worked on has been.
    pub(crate) unfinished: Vec<Duration>,
}

impl Load {
    #[allow(clippy::cast_precision_loss, reason = "counts of work")]
    pub(super) fn write(&self, text: &mut Text) {
        let one = |value: f64| move |samples: &mut Samples<'_>| samples.put(&LABELS, value);
        let help = "Items that became ready.";
        text.metric("workqueue_adds_total", Type::Counter, help, one(self.adds as f64));
        let help = "Items that are ready.";
        text.metric("workqueue_depth", Type::Gauge, help, one(self.depth as f64));
        let longest = self.unfinished.iter().max().copied().unwrap_or_default();
        let help = "Seconds of the longest work under way.";
        let name = "workqueue_longest_running_processor_seconds";
        text.metric(name, Type::Gauge, help, one(longest.as_secs_f64()));
        let help = "Seconds that an item was ready before it was worked on.";
        text.metric("workqueue_queue_duration_seconds", Type::Histogram, help, |samples| {
            samples.histogram(&LABELS, &BOUNDS, &self.waited.0);
        });
        let help = "Items that were put back with a back-off.";
        text.metric("workqueue_retries_total", Type::Counter, help, one(self.retries as f64));
        let unfinished: Duration = self.unfinished.iter().sum();
        let help = "Seconds of all work under way.";
        text.metric("workqueue_unfinished_work_seconds", Type::Gauge, help, one(unfinished.as_secs_f64()));
        let help = "Seconds that an item was worked on.";
        text.metric("workqueue_work_duration_seconds", Type::Histogram, help, |samples| {
            samples.histogram(&LABELS, &BOUNDS, &self.worked.0);
        });
    }
}
