//! A linter for writes, apart from the decisions: after every write of ours the world must not be worse by our doing.
//!
//! Each check takes what was and what is, and blames only us: nodes and users may do what they like. In reading
//! order: this module (what is observed; I1, I5), `rest` (I6 and I7: what must hold once nothing happens any more), `pins` and `delays` (I2 and I3: traffic that reaches a version by its hash), `gates` (I4
//! and I8), `ownership` (I9), `essence` (I10), `guards` (what writes carry).

mod delays;
mod essence;
mod gates;
mod guards;
mod ownership;
mod pins;
mod rest;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_api::rollout::{BlueGreenStrategy, CanaryStrategy, Rollout, TrafficWeights};

pub use delays::waits_for_the_delay;
pub use essence::{Essence, essence};
pub use gates::{stable_moves_after_every_gate, verdict_stands};
pub use guards::writes_are_guarded;
pub use ownership::{Permission, Touch, controller, follower, touches_only_ours};
pub use pins::{
    Pin, WHOLE, keeps_pinned_pods, selects_ready_pods, stable_bears_what_comes_back, weighs_ready_pods,
    weights_sum_up,
};
pub use rest::{abort_has_ended, counters_agree, is_at_rest, marks_are_kept, nothing_is_overdue};

use crate::snapshot::{ReplicaSet, Service};

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// `I1` ... `I10`, as in the design, or `guard`: a write without what must go with it.
    pub rule: String,
    /// What happened.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)
    }
}

fn violation(rule: &str, text: String) -> Violation {
    Violation { rule: rule.into(), text }
}

/// One Rollout and its ReplicaSets as they are, not as some cache believes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The Rollout.
    pub rollout: Rollout,
    /// ReplicaSets that it controls.
    pub replica_sets: Vec<ReplicaSet>,
    /// Ready pods that are not being deleted, by name of their ReplicaSet.
    pub ready: BTreeMap<String, i32>,
    /// Services that it names, by name, as far as they exist.
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
    /// The smallest size since its status was published, by name of the ReplicaSet, where that is of an older size.
    #[serde(default)]
    pub least: BTreeMap<String, i32>,
    /// Ready pods, of whomever, that each of them selects.
    #[serde(default)]
    pub endpoints: BTreeMap<String, i32>,
    /// What its router does; `None`: it was never asked for anything.
    #[serde(default)]
    pub routed: Option<TrafficWeights>,
    /// What the data plane may still do, because it has not confirmed what came after.
    #[serde(default)]
    pub unconfirmed: Vec<TrafficWeights>,
    /// Pods that the Deployment in its `workloadRef` asks for, if it follows the Rollout's.
    #[serde(default)]
    pub lent: Option<i32>,
}

impl Observation {
    fn ready_of(&self, name: &str) -> i32 {
        self.ready.get(name).copied().unwrap_or(0)
    }

    fn named(&self, name: &str) -> Option<&ReplicaSet> {
        self.replica_sets.iter().find(|rs| rs.metadata.name == name)
    }

    fn hashed(&self, hash: &str) -> Option<&ReplicaSet> {
        self.replica_sets.iter().find(|rs| rs.hash() == hash)
    }

    fn canary(&self) -> Option<&CanaryStrategy> {
        self.rollout.spec.strategy.as_ref()?.canary.as_ref()
    }

    fn blue_green(&self) -> Option<&BlueGreenStrategy> {
        self.rollout.spec.strategy.as_ref()?.blue_green.as_ref()
    }

    /// Ready pods that the strategy promises: replicas less maxUnavailable.
    #[must_use]
    pub fn promised(&self) -> i32 {
        let replicas = self.rollout.spec.replicas_or_default();
        let unavailable = match (self.canary(), self.blue_green()) {
            (Some(canary), _) => canary.max_unavailable(replicas),
            (None, Some(blue_green)) => blue_green.max_unavailable(replicas),
            (None, None) => CanaryStrategy::default().max_unavailable(replicas),
        };
        replicas - unavailable
    }

    /// Ready pods of a ReplicaSet once it has shrunk to its size, losing its unready pods first.
    fn kept(&self, rs: &ReplicaSet) -> i32 {
        self.ready_of(&rs.metadata.name).min(rs.replicas)
    }

    fn kept_of(&self, hash: &str) -> i32 {
        self.hashed(hash).map_or(0, |rs| self.kept(rs))
    }

    /// Ready pods of a version as far as its status tells, be it of an older size.
    fn published_of(&self, hash: &str) -> i32 {
        self.hashed(hash).map_or(0, ReplicaSet::ready)
    }

    /// Ready pods that are left of a version, as far as was known for certain before it was given its size.
    fn certain_of(&self, before: &Self, hash: &str) -> i32 {
        self.hashed(hash).map_or(0, |rs| certain(before, rs))
    }

    fn ready_after_shrinking(&self) -> i32 {
        self.replica_sets.iter().map(|rs| self.kept(rs)).sum()
    }

    fn published(&self) -> i32 {
        self.replica_sets.iter().map(ReplicaSet::ready).sum()
    }

    fn certain_after_shrinking(&self, before: &Self) -> i32 {
        self.replica_sets.iter().map(|rs| certain(before, rs)).sum()
    }
}

/// What the status said before a write that gave the ReplicaSet its size. Of those that it counts, as many are left as there were at
/// the smallest size since.
fn certain(before: &Observation, rs: &ReplicaSet) -> i32 {
    let name = &rs.metadata.name;
    let least = before.least.get(name).map_or(rs.replicas, |least| rs.replicas.min(*least));
    before.named(name).map_or(0, |known| known.ready().min(least))
}

/// By what a write is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Knowledge {
    /// By the pods there are: the workload controllers publish at once.
    #[default]
    Exact,
    /// By what was published where that excuses it: pods may have come or gone that nobody could know of.
    Published,
}

/// I1: no write of ours lowers the ready pods below the smaller of what is promised and what was there. Where traffic goes by hash
/// the pods that get none do not count, and I2 judges.
#[must_use]
pub fn keeps_availability(before: &Observation, after: &Observation, by: Knowledge) -> Option<Violation> {
    if !before.pins().is_empty() && !after.pins().is_empty() {
        return None;
    }
    let (was, is) = (before.ready_after_shrinking(), after.ready_after_shrinking());
    let promise = after.promised().min(was);
    let (published, certain) = (before.published(), after.certain_after_shrinking(before));
    if by == Knowledge::Published && certain >= after.promised().min(published) {
        return None;
    }
    (is < promise).then(|| {
        violation("I1", format!("ready pods fall from {was} to {is}; {} are promised", after.promised()))
    })
}

/// I5: a bounded number of writes since the inputs last changed.
#[must_use]
pub fn is_bounded(writes: usize, observation: &Observation) -> Option<Violation> {
    let steps = observation.canary().map_or(0, |canary| canary.steps.len());
    let replicas = usize::try_from(observation.rollout.spec.replicas_or_default()).unwrap_or(0);
    // Each pod may be relabelled, evicted and counted again; each step may move Services, a route and its confirmation.
    let writes_beside_sizes = observation.blue_green().is_some()
        || observation.rollout.spec.restart_at.is_some()
        || observation.canary().is_some_and(|canary| {
            canary.traffic_routing.is_some()
                || canary.canary_metadata.is_some()
                || canary.stable_metadata.is_some()
        });
    let factor = if writes_beside_sizes { 2 } else { 1 };
    // Without surge and without a router each step may move each pod by itself, there or back.
    let moves_singly = |canary: &CanaryStrategy| {
        let replicas = observation.rollout.spec.replicas_or_default();
        canary.traffic_routing.is_none() && canary.max_surge(replicas) == 0
    };
    let moves = if observation.canary().is_some_and(moves_singly) { 3 * steps * replicas } else { 0 };
    let limit = factor * (20 + 6 * steps + 6 * replicas + moves + 3 * observation.replica_sets.len());
    (writes > limit).then(|| violation("I5", format!("{writes} writes for one change; at most {limit}")))
}

/// I1 to I4 and I8 for one write of ours, at `now`.
#[must_use]
pub fn check_write(
    before: &Observation,
    after: &Observation,
    (by, now): (Knowledge, Timestamp),
) -> Vec<Violation> {
    [
        keeps_availability(before, after, by),
        keeps_what_has_ready_pods(before, after),
        keeps_pinned_pods(before, after, by),
        waits_for_the_delay(before, after, now),
        selects_ready_pods(before, after, by),
        weighs_ready_pods(before, after, by),
        stable_bears_what_comes_back(before, after, by),
        weights_sum_up(before, after),
        stable_moves_after_every_gate(before, after),
        verdict_stands(before, after),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Part of I1: a ReplicaSet with ready pods never disappears by our doing.
fn keeps_what_has_ready_pods(before: &Observation, after: &Observation) -> Option<Violation> {
    before.replica_sets.iter().find_map(|rs| {
        let gone = after.named(&rs.metadata.name).is_none();
        let ready = before.ready_of(&rs.metadata.name);
        (gone && ready > 0)
            .then(|| violation("I1", format!("{} is gone with {ready} ready pods", rs.metadata.name)))
    })
}

#[cfg(test)]
mod tests;
