//! What is counted for each Rollout, and of updates that ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tidegate_core::rollout::EndedUpdate;
use tidegate_core::{Event, EventType};
use tokio::time::Instant;

use super::histogram::Histogram;
use super::text::{Text, Type};
use crate::store::Key;

/// A last scrape shall see the numbers of a Rollout that is gone; Prometheus comes once a minute.
const KEPT: Duration = Duration::from_secs(65);

const RECONCILE: [f64; 5] = [0.01, 0.15, 0.25, 0.5, 1.0];
const DURATION: [f64; 11] =
    [30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0];
const PROGRESSION: [f64; 8] = [30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0];
const MANUAL_PAUSE: [f64; 9] = [0.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0];

/// Everything that is counted about Rollouts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    rollouts: BTreeMap<Key, Counted>,
    /// Rollouts that are gone, and until when their numbers are kept.
    leaving: BTreeMap<Key, Instant>,
    /// Reason and type of every event there was.
    kinds: BTreeSet<Arc<EventKind>>,
    ended: BTreeMap<String, Durations>,
}

/// Reason, and whether it is a warning.
type EventKind = (String, bool);

#[derive(Clone, Debug, Default)]
struct Counted {
    reconciles: Histogram<5>,
    errors: u32,
    /// In the order of their first appearance; few.
    events: Vec<(Arc<EventKind>, u32)>,
}

#[derive(Clone, Debug, Default)]
struct Durations {
    total: Histogram<11>,
    progression: Histogram<8>,
    manual_pause: Histogram<9>,
}

impl Series {
    /// A reconcile took this long.
    pub(crate) fn reconciled(&mut self, key: &Key, took: Duration) {
        self.of(key).reconciles.observe(&RECONCILE, took.as_secs_f64());
    }

    /// A reconcile has failed.
    pub(crate) fn failed(&mut self, key: &Key) {
        self.of(key).errors += 1;
    }

    /// An event was emitted.
    pub(crate) fn event(&mut self, key: &Key, event: &Event) {
        let kind = (event.reason.clone(), event.type_ == EventType::Warning);
        let kind = self.kinds.get(&kind).cloned().unwrap_or_else(|| Arc::new(kind));
        self.kinds.insert(kind.clone());
        let counted = self.of(key);
        match counted.events.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &kind)) {
            Some((_, count)) => *count += 1,
            None => counted.events.push((kind, 1)),
        }
    }

    /// An update has ended.
    pub(crate) fn ended(&mut self, update: &EndedUpdate) {
        let durations = self.ended.entry(update.how.as_str().to_owned()).or_default();
        #[allow(clippy::cast_precision_loss, reason = "seconds of an update")]
        let (total, pause) = (update.seconds as f64, update.manual_pause_seconds as f64);
        durations.total.observe(&DURATION, total);
        durations.progression.observe(&PROGRESSION, (total - pause).max(0.0));
        durations.manual_pause.observe(&MANUAL_PAUSE, pause);
    }

    /// The Rollout is there.
    pub(crate) fn stays(&mut self, key: &Key) {
        self.leaving.remove(key);
    }

    /// The Rollout is gone; what is counted of it from now on goes with it.
    pub(crate) fn leaves(&mut self, key: &Key, now: Instant) {
        self.leaving.entry(key.clone()).or_insert(now + KEPT);
    }

    /// Forgets Rollouts that have been gone for long enough, and names them.
    pub(crate) fn purge(&mut self, now: Instant) -> Vec<Key> {
        let over = self.leaving.iter().filter(|(_, until)| **until <= now);
        let over: Vec<Key> = over.map(|(key, _)| key.clone()).collect();
        for key in &over {
            self.leaving.remove(key);
            self.rollouts.remove(key);
        }
        over
    }

    fn of(&mut self, key: &Key) -> &mut Counted {
        if !self.rollouts.contains_key(key) {
            self.rollouts.insert(key.clone(), Counted::default());
        }
        self.rollouts.get_mut(key).expect("it is there or was just put there")
    }

    pub(super) fn write_durations(&self, text: &mut Text) {
        let help = "Seconds from the start of an update to its end.";
        text.metric("rollout_duration_seconds", Type::Histogram, help, |samples| {
            for (status, it) in &self.ended {
                samples.histogram(&[("status", status)], &DURATION, &it.total);
            }
        });
    }

    pub(super) fn write_counters(&self, text: &mut Text) {
        let help = "Events emitted about a Rollout.";
        text.metric("rollout_events_total", Type::Counter, help, |samples| {
            for (key, counted) in &self.rollouts {
                let mut events: Vec<_> = counted.events.iter().collect();
                events.sort();
                for (kind, count) in events {
                    let (reason, is_warning) = &**kind;
                    let type_ = if *is_warning { "Warning" } else { "Normal" };
                    let labels = [
                        ("name", &*key.name),
                        ("namespace", &*key.namespace),
                        ("reason", reason),
                        ("type", type_),
                    ];
                    samples.put(&labels, f64::from(*count));
                }
            }
        });
    }

    pub(super) fn write_pauses(&self, text: &mut Text) {
        let help = "Seconds that an update waited for people.";
        text.metric("rollout_manual_pause_duration_seconds", Type::Histogram, help, |samples| {
            for (status, it) in &self.ended {
                samples.histogram(&[("status", status)], &MANUAL_PAUSE, &it.manual_pause);
            }
        });
    }

    pub(super) fn write_progressions(&self, text: &mut Text) {
        let help = "Seconds that an update took, less those that it waited for people.";
        text.metric("rollout_progression_duration_seconds", Type::Histogram, help, |samples| {
            for (status, it) in &self.ended {
                samples.histogram(&[("status", status)], &PROGRESSION, &it.progression);
            }
        });
    }

    pub(super) fn write_reconciles(&self, text: &mut Text) {
        let help = "Seconds that a reconcile of a Rollout took.";
        text.metric("rollout_reconcile", Type::Histogram, help, |samples| {
            for (key, it) in &self.rollouts {
                if it.reconciles.count() > 0.0 {
                    samples.histogram(&key.labels(), &RECONCILE, &it.reconciles);
                }
            }
        });
        let help = "Reconciles of a Rollout that failed.";
        text.metric("rollout_reconcile_error", Type::Counter, help, |samples| {
            for (key, it) in self.rollouts.iter().filter(|(_, it)| it.errors > 0) {
                samples.put(&key.labels(), f64::from(it.errors));
            }
        });
    }
}

impl Key {
    pub(super) fn labels(&self) -> [(&'static str, &str); 2] {
        [("name", &self.name), ("namespace", &self.namespace)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn numbers_of_a_rollout_that_is_gone_are_kept_for_a_last_scrape() {
        let (mut series, now) = (Series::default(), Instant::now());
        let (gone, back) = (Key::new("a", "gone"), Key::new("a", "back"));
        for key in [&gone, &back] {
            series.failed(key);
            series.leaves(key, now);
        }
        // Work that was under way when it went does not prolong its stay.
        series.reconciled(&gone, Duration::from_millis(20));
        series.leaves(&gone, now + Duration::from_secs(30));
        series.stays(&back);
        assert_eq!(series.purge(now + Duration::from_secs(64)), []);
        assert_eq!(series.rollouts.len(), 2);
        assert_eq!(series.purge(now + Duration::from_secs(65)), [gone]);
        assert_eq!(series.rollouts.keys().collect::<Vec<_>>(), [&back]);
        assert_eq!(series.purge(now + Duration::from_secs(1000)), []);
    }

    #[test]
    fn the_numbers_of_one_rollout_are_small() {
        assert!(size_of::<Counted>() <= 64, "{}", size_of::<Counted>());
    }
}
