//! A meter for the requests of each Rollout's users: how many reach a pod that can answer, and who took the pods from the others.
//!
//! A thousand requests a second go to every Rollout from the moment when all of them can be answered. Between two stored
//! changes nothing changes, so the count is exact, not sampled.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_core::ReplicaSet;
use tidegate_core::invariants::{Knowledge, Observation, WHOLE};
use tidegate_kubesim::Change;

use crate::world::CONTROLLER;

/// Requests per second to each Rollout.
const PACE: i128 = 1_000;
/// Somebody else's doing excuses ours for so long: what happened shortly before a decision may not have been known to it.
const EXCUSED: SignedDuration = SignedDuration::from_secs(10);
/// It does what the size of a ReplicaSet says: whoever set that is to blame.
pub(crate) const REPLICA_SETS: &str = "replicaset-controller";

/// What excuses a write of ours that requests fail after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excuse {
    /// Whether somebody else has done something that the decision could not know of.
    Unaware(bool),
    /// What somebody else has done within this time: where things fail nobody can tell what was known.
    Since(SignedDuration),
}

/// Requests that were not answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failed {
    /// Because of a write of the controller's.
    pub ours: u64,
    /// Because of nodes, users and whatever else.
    pub theirs: u64,
}

impl std::ops::AddAssign for Failed {
    fn add_assign(&mut self, other: Self) {
        self.ours += other.ours;
        self.theirs += other.theirs;
    }
}

/// The requests to one Rollout.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    /// The share that is not answered now, in parts of [`WHOLE`], and since when; `None`: nothing was ever answered.
    now: Option<(i64, Timestamp)>,
    is_ours: bool,
    /// The share that would not be answered if all its Services were its own.
    lacking: i64,
    /// The first write that is to blame.
    cause: Option<String>,
    /// When somebody else last took pods or changed what traffic goes by.
    disturbed: Option<Timestamp>,
    /// ReplicaSets whose size is not our doing: somebody else gave it to them, or less was known of their pods, or of what is asked for,
    /// than there is.
    not_ours: BTreeSet<String>,
    /// In parts of a request: `WHOLE` times milliseconds.
    parts: [i128; 2],
    /// Milliseconds in which requests were sent, up to the last change.
    millis: i128,
}

impl Meter {
    /// Takes note of a change.
    pub(crate) fn change(
        &mut self,
        change: &Change,
        kind: &str,
        (before, after): (&Observation, &Observation),
        (by, excuse): (Knowledge, Excuse),
    ) {
        let is_ours = change.actor == CONTROLLER;
        if kind == "ReplicaSet" && change.actor != REPLICA_SETS {
            self.note_size(change, before, by);
        }
        if kind == "Rollout" && !is_ours {
            // Pods that go by an earlier decision may matter under another spec.
            self.not_ours.extend(before.replica_sets.iter().map(|rs| rs.metadata.name.clone()));
        }
        let of_pod = || {
            let object = change.before.as_ref().or(change.after.as_ref());
            let owner = object.and_then(|it| it["metadata"]["ownerReferences"][0]["name"].as_str());
            owner.is_some_and(|owner| !self.not_ours.contains(owner))
        };
        // Where publishing lags, a pod may become ready after its ReplicaSet was told to do without it.
        let follows_us = change.actor == REPLICA_SETS && (by == Knowledge::Exact || of_pod());
        if is_disturbance(change, kind, Some(before), Some(after)) {
            self.disturbed = Some(change.time);
        }
        if let Some((_, since)) = self.now {
            self.millis += change.time.duration_since(since).as_millis();
        }
        self.pass(change.time);
        let share = after.unanswered();
        let lacked = std::mem::replace(&mut self.lacking, after.unanswered_by_anyone());
        match &mut self.now {
            // Behind a shared Service others may have answered.
            None if share == 0
                && after.rollout.spec.replicas_or_default() > 0
                && after.ready.values().any(|ready| *ready > 0) =>
            {
                self.now = Some((0, change.time));
            }
            None => {}
            Some((known, _)) => {
                if share > *known {
                    let excused = match excuse {
                        Excuse::Unaware(is_unaware) => is_unaware,
                        Excuse::Since(unknown) => self.disturbed.is_some_and(|at| {
                            let passed = change.time.duration_since(at);
                            passed < EXCUSED && passed <= unknown
                        }),
                    };
                    // Where no pod is promised, there may be none.
                    let promised = before.promised().min(after.promised()) > 0;
                    // Whoever lets a Service go that nobody answers behind takes nothing.
                    let is_taken = self.lacking > lacked;
                    let is_to_blame = (is_ours || follows_us) && is_taken && !excused && promised;
                    // What we have taken stays ours, also where others take the rest.
                    self.is_ours = is_to_blame || (self.is_ours && *known > 0);
                    if is_to_blame && self.cause.is_none() {
                        let Change { time, actor, verb, name, .. } = change;
                        self.cause = Some(format!("{verb} {kind} {name} by {actor} at {time}"));
                    }
                }
                *known = share;
            }
        }
    }

    /// Who gave a ReplicaSet its size, and whether all its pods were told of then. Pods that are ready, and not told of, cannot be
    /// spared.
    fn note_size(&mut self, change: &Change, before: &Observation, by: Knowledge) {
        let size = |object: &Option<Arc<Value>>| object.as_ref().map(|it| it["spec"]["replicas"].clone());
        if size(&change.before) == size(&change.after) {
            return;
        }
        let is_untold = |rs: &ReplicaSet| {
            let ready = before.ready.get(&rs.metadata.name).copied().unwrap_or(0);
            // Those that are not ready may be so by the time when the size is looked at.
            let is_known = rs.is_observed() && ready == rs.status.ready_replicas && ready == rs.replicas;
            rs.metadata.name == change.name && !is_known
        };
        let acts_unknowing = by == Knowledge::Published && before.replica_sets.iter().any(is_untold);
        if change.actor != CONTROLLER || acts_unknowing {
            self.not_ours.insert(change.name.clone());
        } else {
            self.not_ours.remove(&change.name);
        }
    }

    /// Counts up to an instant.
    pub(crate) fn pass(&mut self, to: Timestamp) {
        if let Some((share, since)) = &mut self.now {
            let millis = to.duration_since(*since).as_millis();
            self.parts[usize::from(self.is_ours)] += i128::from(*share) * millis;
            *since = to;
        }
    }

    /// Nothing is expected any more, until everything is answered again.
    pub(crate) fn rest(&mut self, from: Timestamp) {
        self.pass(from);
        self.now = None;
    }

    /// Requests that were sent up to the last change.
    pub(crate) fn sent(&self) -> u64 {
        u64::try_from(self.millis * PACE / 1_000).unwrap_or(0)
    }

    /// The first write of ours that requests failed because of.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// What was not answered so far.
    pub(crate) fn failed(&self) -> Failed {
        let requests = |parts: i128| u64::try_from(parts * PACE / 1_000 / i128::from(WHOLE)).unwrap_or(0);
        Failed { ours: requests(self.parts[1]), theirs: requests(self.parts[0]) }
    }
}

/// Whether somebody else took ready pods, or changed what traffic goes by.
pub(crate) fn is_disturbance(
    change: &Change,
    kind: &str,
    before: Option<&Observation>,
    after: Option<&Observation>,
) -> bool {
    if change.actor == CONTROLLER || change.actor == REPLICA_SETS {
        return false;
    }
    let ready = |observation: Option<&Observation>| -> i32 {
        observation.map_or(0, |observation| observation.ready.values().sum())
    };
    matches!(kind, "ReplicaSet" | "Service" | "ConfigMap") || ready(after) < ready(before)
}
