//! What happened to Rollouts, in rows: one for each change that is seen, with the commands between them.

use std::time::Duration;

use serde::Deserialize;
use tidegate_api::rollout::Rollout;
use tidegate_ops::info::{Objects, RolloutInfo, StrategyInfo};
use tokio::time::Instant;

use crate::world::World;

/// How closely is looked: what changes and changes back within is not seen.
pub const GRAIN: Duration = Duration::from_millis(10);

/// A Rollout by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// A Rollout at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// `1/8`; empty where there are no steps.
    pub step: String,
    /// The weight that the steps ask for, and the one that the newest version has; nothing for blue-green.
    pub weights: Option<(i64, i64)>,
    /// ReplicaSets that have pods or should have some, by revision.
    pub sizes: Vec<Size>,
    /// The state that a client may report: `Progressing` while the controller has not seen the newest spec.
    pub phase: String,
    /// Why; empty when healthy.
    pub message: String,
}

/// Pods of one ReplicaSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// The revision; 0 before it has one.
    pub revision: i64,
    /// Pods that are ready.
    pub ready: i32,
    /// Pods that it should have.
    pub wanted: i32,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Since the beginning.
    pub at: Duration,
    /// To which Rollout; `None`: to all.
    pub rollout: Option<Key>,
    /// What.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The Rollout changed to this.
    Change(Moment),
    /// The Rollout was deleted.
    Deletion,
    /// Somebody gave a command.
    Command {
        /// As typed.
        text: String,
        /// What is to be shown of its output.
        output: String,
    },
}

/// Everything that happened so far.
#[derive(Debug)]
pub struct Timeline {
    /// When it began.
    pub began: Instant,
    entries: Vec<Entry>,
    rollouts: Vec<Followed>,
}

#[derive(Debug)]
struct Followed {
    key: Key,
    /// `None`: it is gone.
    last: Option<Moment>,
    changed: Instant,
}

impl Timeline {
    /// Begins now, with nothing seen.
    #[must_use]
    pub fn begin() -> Self {
        Self { began: Instant::now(), entries: Vec::new(), rollouts: Vec::new() }
    }

    /// Adds what has changed since the last look.
    pub fn look(&mut self, world: &World) {
        let at = self.began.elapsed();
        for key in world.rollouts() {
            if self.rollouts.iter().all(|followed| followed.key != key) {
                self.rollouts.push(Followed { key, last: None, changed: Instant::now() });
            }
        }
        for followed in &mut self.rollouts {
            let now = world.moment(&followed.key);
            if now == followed.last {
                continue;
            }
            let what = now.clone().map_or(Happening::Deletion, Happening::Change);
            self.entries.push(Entry { at, rollout: Some(followed.key.clone()), what });
            (followed.last, followed.changed) = (now, Instant::now());
        }
    }

    /// Adds a command.
    pub fn command(&mut self, rollout: Option<Key>, text: &str, output: String) {
        let what = Happening::Command { text: text.to_owned(), output };
        self.entries.push(Entry { at: self.began.elapsed(), rollout, what });
    }

    /// Rollouts in the order in which they were seen first.
    pub fn rollouts(&self) -> impl Iterator<Item = &Key> {
        self.rollouts.iter().map(|followed| &followed.key)
    }

    /// What concerns one Rollout, in order.
    pub fn entries_of<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.rollout.as_ref().is_none_or(|of| of == key))
    }

    /// The Rollout as it was seen last, and when it became so; `None`: it was never seen, or is gone.
    #[must_use]
    pub fn last(&self, key: &Key) -> Option<(&Moment, Instant)> {
        let followed = self.rollouts.iter().find(|followed| followed.key == *key)?;
        Some((followed.last.as_ref()?, followed.changed))
    }
}

impl World {
    /// All Rollouts, by namespace and name.
    #[must_use]
    pub fn rollouts(&self) -> Vec<Key> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let rollouts = self.server.list("rollouts.argoproj.io", None);
        let key = |metadata: &serde_json::Value| Key {
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]),
        };
        rollouts.iter().map(|object| key(&object["metadata"])).collect()
    }

    /// A Rollout as it is now; `None`: there is none, or it cannot be read.
    #[must_use]
    pub fn moment(&self, key: &Key) -> Option<Moment> {
        let object = self.server.get("rollouts.argoproj.io", &key.namespace, &key.name)?;
        let rollout = Rollout::deserialize(&*object).ok()?;
        let replica_sets = self.objects("replicasets.apps", &key.namespace);
        let info = RolloutInfo::of(&Objects { rollout: &rollout, replica_sets: &replica_sets, pods: &[] });
        let (step, weights) = match info.strategy {
            StrategyInfo::Canary(canary) => (canary.step, Some((canary.set_weight, canary.actual_weight))),
            StrategyInfo::BlueGreen | StrategyInfo::None => (String::new(), None),
        };
        let (phase, message) = (info.status.phase.to_string(), info.status.message);
        Some(Moment { step, weights, sizes: self.sizes(key), phase, message })
    }

    fn sizes(&self, key: &Key) -> Vec<Size> {
        let Some(observation) = self.inspector.observation(&key.namespace, &key.name) else {
            return Vec::new();
        };
        let sizes = observation.replica_sets.iter().map(|replica_set| Size {
            revision: replica_set.revision().unwrap_or(0),
            ready: observation.ready.get(&replica_set.metadata.name).copied().unwrap_or(0),
            wanted: replica_set.replicas,
        });
        let mut sizes: Vec<Size> = sizes.filter(|size| size.ready > 0 || size.wanted > 0).collect();
        sizes.sort_unstable();
        sizes
    }
}
