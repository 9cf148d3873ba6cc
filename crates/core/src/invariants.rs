//! A linter for writes, apart from the decisions: after every write of ours the world must not be worse by our doing.
//!
//! Each check takes what was and what is, and blames only us: nodes and users may do what they like. I2 (the traffic guard) is
//! I1 as long as all ReplicaSets share one selector; what pins a ReplicaSet by hash, and I3 (weights), join with the routers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_api::labels;
use tidegate_api::rollout::{CanaryStrategy, Phase, Rollout};

use crate::plan::Plan;
use crate::snapshot::ReplicaSet;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// `I1` ... `I10`, as in the design.
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
}

impl Observation {
    fn ready_of(&self, name: &str) -> i32 {
        self.ready.get(name).copied().unwrap_or(0)
    }

    fn named(&self, name: &str) -> Option<&ReplicaSet> {
        self.replica_sets.iter().find(|rs| rs.metadata.name == name)
    }

    /// Ready pods that the strategy promises: replicas less maxUnavailable.
    #[must_use]
    pub fn promised(&self) -> i32 {
        let replicas = self.rollout.spec.replicas_or_default();
        let canary = self.rollout.spec.strategy.as_ref().and_then(|s| s.canary.as_ref());
        let unavailable = match canary {
            Some(canary) => canary.max_unavailable(replicas),
            None => CanaryStrategy::default().max_unavailable(replicas),
        };
        replicas - unavailable
    }

    /// Ready pods once every ReplicaSet has shrunk to its size, losing its unready pods first.
    fn ready_after_shrinking(&self) -> i32 {
        self.replica_sets.iter().map(|rs| self.ready_of(&rs.metadata.name).min(rs.replicas)).sum()
    }

    /// The same as far as the ReplicaSets' status tells.
    fn published_after_shrinking(&self) -> i32 {
        self.replica_sets.iter().map(|rs| rs.status.available_replicas.min(rs.replicas)).sum()
    }
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

/// I1: no write of ours lowers the ready pods below the smaller of what is promised and what was there.
#[must_use]
pub fn keeps_availability(before: &Observation, after: &Observation, by: Knowledge) -> Option<Violation> {
    let (was, is) = (before.ready_after_shrinking(), after.ready_after_shrinking());
    let promise = after.promised().min(was);
    let published = (before.published_after_shrinking(), after.published_after_shrinking());
    if by == Knowledge::Published && published.1 >= after.promised().min(published.0) {
        return None;
    }
    (is < promise).then(|| {
        violation("I1", format!("ready pods fall from {was} to {is}; {} are promised", after.promised()))
    })
}

/// I4: the stable hash moves only after every gate: no abort, no pause, all steps or a user's full promotion, and all pods
/// of the new version ready.
#[must_use]
pub fn stable_moves_after_every_gate(before: &Observation, after: &Observation) -> Option<Violation> {
    let (old, new) = (&before.rollout.status, &after.rollout.status);
    if old.stable_rs == new.stable_rs {
        return None;
    }
    let fail = |text: &str| Some(violation("I4", format!("stable becomes {}: {text}", new.stable_rs)));
    let stable_exists = before.replica_sets.iter().any(|rs| rs.hash() == old.stable_rs);
    if old.abort && stable_exists && !old.promote_full && is_same_update(before, after) {
        return fail("the update is aborted");
    }
    if before.rollout.spec.paused {
        return fail("the Rollout is paused");
    }
    let Some(rs) = before.replica_sets.iter().find(|rs| rs.hash() == new.stable_rs) else {
        return fail("there is no such ReplicaSet");
    };
    let replicas = before.rollout.spec.replicas_or_default();
    let threshold = before.rollout.spec.strategy.as_ref().and_then(|s| s.canary.as_ref());
    let is_lenient = threshold.is_some_and(|canary| canary.replica_progress_threshold.is_some());
    if rs.status.available_replicas < replicas && !is_lenient {
        return fail("its pods are not all available");
    }
    let steps = threshold.map_or(0, |canary| canary.steps.len());
    let steps_left = steps.saturating_sub(usize::try_from(new.current_step_index.unwrap_or(0)).unwrap_or(0));
    let pauses = !old.pause_conditions.is_empty() && is_same_update(before, after) && !is_over(before, after);
    if stable_exists && !old.promote_full && (steps_left > 0 || pauses) {
        return fail("steps or pauses are left");
    }
    None
}

/// Neither template nor steps have changed: what was decided about the update still counts.
fn is_same_update(before: &Observation, after: &Observation) -> bool {
    let (old, new) = (&before.rollout.status, &after.rollout.status);
    old.current_pod_hash == new.current_pod_hash && old.current_step_hash == new.current_step_hash
}

/// Pauses of the same write that moved the index to the end were waited for.
fn is_over(before: &Observation, after: &Observation) -> bool {
    before.rollout.status.current_step_index < after.rollout.status.current_step_index
}

/// I5: a bounded number of writes since the inputs last changed.
#[must_use]
pub fn is_bounded(writes: usize, observation: &Observation) -> Option<Violation> {
    let canary = observation.rollout.spec.strategy.as_ref().and_then(|s| s.canary.as_ref());
    let steps = canary.map_or(0, |canary| canary.steps.len());
    let replicas = usize::try_from(observation.rollout.spec.replicas_or_default()).unwrap_or(0);
    let limit = 20 + 6 * steps + 6 * replicas + 3 * observation.replica_sets.len();
    (writes > limit).then(|| violation("I5", format!("{writes} writes for one change; at most {limit}")))
}

/// I6: once inputs have stopped and the world is quiet, a second plan has nothing to write, and where the Rollout is not
/// healthy it says what it waits for.
#[must_use]
pub fn is_at_rest(second_plan: &Plan, rest: &Observation) -> Option<Violation> {
    if let Some(write) = second_plan.writes.first() {
        return Some(violation(
            "I6",
            format!("the second plan still writes {}: {:?}", write.object, write.request),
        ));
    }
    let is_healthy = rest.rollout.status.phase == Some(Phase::Healthy);
    let is_silent = !is_healthy && second_plan.report.waits.is_empty();
    is_silent.then(|| violation("I6", "waits, and does not say what for".into()))
}

/// I7: an aborted update that has come to rest has all its pods on stable.
#[must_use]
pub fn abort_has_ended(rest: &Observation) -> Option<Violation> {
    let status = &rest.rollout.status;
    if !status.abort || status.stable_rs.is_empty() {
        return None;
    }
    let replicas = rest.rollout.spec.replicas_or_default();
    rest.replica_sets.iter().find_map(|rs| {
        let wanted = if rs.hash() == status.stable_rs { replicas } else { 0 };
        (rs.replicas != wanted).then(|| {
            violation(
                "I7",
                format!("aborted, yet {} has {} pods, not {wanted}", rs.metadata.name, rs.replicas),
            )
        })
    })
}

/// I8: our own write never takes back an abort or a promotion of the same template by itself; a full promotion that a
/// user asks for after an abort does.
#[must_use]
pub fn verdict_stands(before: &Observation, after: &Observation) -> Option<Violation> {
    let (old, new) = (&before.rollout.status, &after.rollout.status);
    let same_update =
        old.current_pod_hash == new.current_pod_hash && old.current_step_hash == new.current_step_hash;
    let under_way = old.stable_rs != old.current_pod_hash
        && before.replica_sets.iter().any(|rs| rs.hash() == old.stable_rs);
    if same_update && under_way && old.abort && !new.abort && !old.promote_full {
        return Some(violation("I8", "an abort is taken back".into()));
    }
    let was_promoted = !old.stable_rs.is_empty() && old.stable_rs == old.current_pod_hash;
    (same_update && was_promoted && new.stable_rs != old.stable_rs)
        .then(|| violation("I8", format!("the promotion of {} is taken back", old.stable_rs)))
}

/// I9: a write of ours touches only what we may touch. `before` is `None` for a creation, `after` for a deletion.
#[must_use]
pub fn touches_only_ours(uid: &str, before: Option<&Value>, after: Option<&Value>) -> Option<Violation> {
    let object = after.or(before)?;
    let name = format!("{} {}", text(&object["kind"]), text(&object["metadata"]["name"]));
    let fail = |what: &str| Some(violation("I9", format!("{name}: {what}")));
    match (text(&object["kind"]), before, after) {
        ("ReplicaSet", None, Some(new)) if !is_controlled_by(new, uid) => fail("created for somebody else"),
        ("ReplicaSet", Some(old), None) if !is_controlled_by(old, uid) => fail("deleted, but not ours"),
        ("ReplicaSet", Some(old), Some(new)) => {
            let adopted = controller(old).is_none() && is_controlled_by(new, uid);
            if !is_controlled_by(old, uid) && !adopted {
                return fail("changed, but not ours");
            }
            first_change(old, new, &REPLICA_SET_MEMBERS).and_then(|path| fail(&path))
        }
        ("Rollout", Some(old), Some(new)) => {
            let defaulted = old["spec"]["replicas"].is_null() && new["spec"]["replicas"] == 1;
            first_change(old, new, &ROLLOUT_MEMBERS)
                .filter(|path| !(defaulted && path == "/spec/replicas"))
                .and_then(|path| fail(&path))
        }
        ("ReplicaSet" | "Event", ..) => None,
        _ => fail("not ours to write"),
    }
}

const BOOKKEEPING: [&str; 3] =
    ["/metadata/resourceVersion", "/metadata/generation", "/metadata/managedFields"];
const REPLICA_SET_MEMBERS: [&str; 4] =
    ["/spec/replicas", "/spec/minReadySeconds", "/metadata/annotations", "/metadata/ownerReferences"];
const ROLLOUT_MEMBERS: [&str; 2] = ["/status", "/metadata/annotations/rollout.argoproj.io~1revision"];

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The uid of the owner that controls an object as stored.
#[must_use]
pub fn controller(object: &Value) -> Option<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)?["uid"].as_str()
}

fn is_controlled_by(object: &Value, uid: &str) -> bool {
    controller(object) == Some(uid)
}

/// The first path that differs and is not below one of the permitted ones.
fn first_change(old: &Value, new: &Value, permitted: &[&str]) -> Option<String> {
    fn walk(path: &str, old: &Value, new: &Value, permitted: &[&str]) -> Option<String> {
        if old == new || permitted.iter().chain(&BOOKKEEPING).any(|allowed| path == *allowed) {
            return None;
        }
        let empty = serde_json::Map::new();
        let (a, b) = match (old, new) {
            (Value::Object(a), Value::Object(b)) => (a, b),
            (Value::Null, Value::Object(b)) => (&empty, b),
            (Value::Object(a), Value::Null) => (a, &empty),
            _ => return Some(path.to_owned()),
        };
        let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        keys.into_iter().find_map(|key| {
            let path = format!("{path}/{}", key.replace('/', "~1"));
            walk(&path, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), permitted)
        })
    }
    walk("", old, new, permitted)
}

/// What two ways to the same end must have in common (I10): counts, hashes, phase; not history, names of pods or times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Essence {
    phase: Option<String>,
    message: String,
    stable: String,
    current: String,
    step: Option<i32>,
    aborted: bool,
    conditions: BTreeSet<(String, String, String, String)>,
    revision: Option<String>,
    /// Name, size, ready pods and revision of each ReplicaSet.
    replica_sets: BTreeSet<(String, i32, i32, Option<i64>)>,
    counters: [i32; 5],
}

/// Reduces a world at rest to its [`Essence`].
#[must_use]
pub fn essence(rest: &Observation) -> Essence {
    let status = &rest.rollout.status;
    Essence {
        phase: status.phase.as_ref().map(ToString::to_string),
        message: status.message.clone(),
        stable: status.stable_rs.clone(),
        current: status.current_pod_hash.clone(),
        step: status.current_step_index,
        aborted: status.abort,
        conditions: status
            .conditions
            .iter()
            .map(|c| (c.type_.clone(), c.status.as_str().to_owned(), c.reason.clone(), c.message.clone()))
            .collect(),
        revision: rest.rollout.metadata.annotations.get(labels::REVISION).cloned(),
        replica_sets: rest
            .replica_sets
            .iter()
            .map(|rs| {
                let name = rs.metadata.name.clone();
                let ready = rest.ready_of(&name);
                (name, rs.replicas, ready, rs.revision())
            })
            .collect(),
        counters: [
            status.replicas,
            status.updated_replicas,
            status.ready_replicas,
            status.available_replicas,
            status.hpa_replicas,
        ],
    }
}

/// I1, I4 and I8 for one write of ours.
#[must_use]
pub fn check_write(before: &Observation, after: &Observation, by: Knowledge) -> Vec<Violation> {
    [
        keeps_availability(before, after, by),
        stable_moves_after_every_gate(before, after),
        verdict_stands(before, after),
        keeps_what_has_ready_pods(before, after),
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
