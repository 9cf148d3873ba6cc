//! Many lives, on several threads: what they met in sum, and the seeds that broke a promise.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;

use super::play::{Broken, Played, Record};
use crate::inspector::Counts;
use crate::meter::Failed;
use crate::seen::{Seen, add_longest};

/// What a campaign has seen.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Lives that were played.
    pub lives: u64,
    /// The first seed.
    pub first: Option<u64>,
    /// Changes that controllers stored.
    pub writes: u64,
    /// The most of them in one life.
    pub most_writes: u64,
    /// Decisions.
    pub plans: u64,
    /// What decisions met, wanted and waited for.
    pub counts: Counts,
    /// How often each fault struck.
    pub struck: BTreeMap<&'static str, u64>,
    /// Requests that were not answered.
    pub failed: Failed,
    /// The longest time that a Rollout was in each phase.
    pub longest: BTreeMap<String, SignedDuration>,
    /// What was seen of the Rollouts of each name, by namespace and name.
    pub rollouts: BTreeMap<(String, String), Seen>,
    /// What each of the first [`KEPT`] seeds that broke a promise broke, by seed.
    pub broken: BTreeMap<u64, Broken>,
    /// Seeds that broke a promise.
    pub failures: u64,
}

/// So many seeds that broke a promise are kept: however many lives are played, what is kept does not grow.
pub const KEPT: usize = 100;

impl Summary {
    fn add(&mut self, seed: u64, record: &Record, broken: Option<&Broken>) {
        self.lives += 1;
        self.first = Some(self.first.map_or(seed, |first| first.min(seed)));
        self.writes += record.writes;
        self.plans += record.plans;
        self.counts.add(&record.counts);
        for (name, count) in &record.struck {
            *self.struck.entry(name).or_default() += count;
        }
        self.failed += record.failed;
        self.most_writes = self.most_writes.max(record.writes);
        add_longest(&mut self.longest, &record.longest);
        for (key, seen) in &record.rollouts {
            self.rollouts.entry(key.clone()).or_default().add(seen);
        }
        if let Some(broken) = broken {
            self.failures += 1;
            self.broken.insert(seed, broken.clone());
            if self.broken.len() > KEPT {
                self.broken.pop_last();
            }
        }
    }
}

/// Plays the lives of all seeds, `jobs` at a time, and tells `seen` of each as it ends. `seen` answers whether to go on.
pub fn run(
    seeds: Range<u64>,
    jobs: usize,
    play: impl Fn(u64) -> Played + Sync,
    seen: impl FnMut(u64, &Played, &Summary) -> bool + Send,
) -> Summary {
    let next = AtomicU64::new(seeds.start);
    let is_over = AtomicBool::new(false);
    let shared = Mutex::new((Summary::default(), seen));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let played = play(seed);
                    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    let (summary, seen) = &mut *shared;
                    summary.add(seed, &played.record, played.broken.as_ref());
                    if !seen(seed, &played, summary) {
                        is_over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    shared.into_inner().unwrap_or_else(PoisonError::into_inner).0
}
