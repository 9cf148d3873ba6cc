//! I4 and I8: what must be over before a version becomes stable, and that what was said of a version stands.

use tidegate_api::meta::Time;
use tidegate_api::rollout::condition_type::INVALID_SPEC;
use tidegate_api::rollout::{BlueGreenStrategy, CanaryStrategy, Rollout};

use super::{Observation, Violation, violation};

/// I4: the stable hash moves only after every gate: no abort, no pause, all steps or a user's full promotion, the active Service
/// on the new version, weights that are confirmed, and all pods of the new version ready; for a first version, the Deployment that
/// it takes over from scaled down. A rollback within the window needs no steps and no pauses.
#[must_use]
pub fn stable_moves_after_every_gate(before: &Observation, after: &Observation) -> Option<Violation> {
    let (old, new) = (&before.rollout.status, &after.rollout.status);
    if old.stable_rs == new.stable_rs {
        return None;
    }
    let fail = |text: &str| Some(violation("I4", format!("stable becomes {}: {text}", new.stable_rs)));
    let stable_exists = before.hashed(&old.stable_rs).is_some();
    let is_hurried = old.promote_full || is_within_window(before, &new.stable_rs);
    if old.abort && stable_exists && !old.promote_full && is_same_update(before, after) {
        return fail("the update is aborted");
    }
    if before.rollout.spec.paused {
        return fail("the Rollout is paused");
    }
    let Some(rs) = before.hashed(&new.stable_rs) else {
        return fail("there is no such ReplicaSet");
    };
    let canary = before.canary();
    let is_lenient = canary.is_some_and(|canary| canary.replica_progress_threshold.is_some());
    if rs.status.available_replicas < before.rollout.spec.replicas_or_default() && !is_lenient {
        return fail("its pods are not all available");
    }
    if old.stable_rs.is_empty() && is_still_lent(after, rs) {
        return fail("the Deployment that it takes over from keeps its pods");
    }
    if let Some(strategy) = before.blue_green()
        && !is_active(before, strategy, &new.stable_rs)
    {
        return fail("the active Service does not select it");
    }
    if !stable_exists || is_hurried {
        return None;
    }
    if canary.is_some_and(|canary| is_unconfirmed(after, canary, &new.stable_rs)) {
        return fail("its weight is not confirmed");
    }
    let steps = canary.map_or(0, |canary| canary.steps.len());
    let steps_left = steps.saturating_sub(usize::try_from(new.current_step_index.unwrap_or(0)).unwrap_or(0));
    let pauses = !old.pause_conditions.is_empty()
        && is_same_update(before, after)
        && !is_over(before, after)
        && before.blue_green().is_none_or(wants_a_pause);
    if steps_left > 0 || pauses {
        return fail("steps or pauses are left");
    }
    None
}

/// A first version answers for all pods of the Deployment, and nobody would scale that down later: only revision 1 does.
fn is_still_lent(observation: &Observation, first: &crate::ReplicaSet) -> bool {
    let Rollout { spec, status, .. } = &observation.rollout;
    let wanted = spec.replicas_or_default();
    let answers = wanted > 0 && first.status.available_replicas >= wanted;
    let is_valid = status.conditions.iter().all(|condition| condition.type_ != INVALID_SPEC);
    answers && is_valid && first.revision() != Some(1) && observation.lent.is_some_and(|pods| pods > 0)
}

/// The active Service selects this version, as it stands in the cluster.
fn is_active(observation: &Observation, strategy: &BlueGreenStrategy, hash: &str) -> bool {
    observation.pinned_by(&strategy.active_service) == Some(hash)
}

/// A promotion waits for a user or for some seconds: without that a pause from before an edit of the spec holds nothing.
fn wants_a_pause(strategy: &BlueGreenStrategy) -> bool {
    strategy.auto_promotion_enabled == Some(false) || strategy.auto_promotion_seconds > 0
}

/// The router is known not to send yet what it was asked to send.
fn is_unconfirmed(observation: &Observation, canary: &CanaryStrategy, hash: &str) -> bool {
    let weights = observation.rollout.status.canary.weights.as_ref();
    canary.traffic_routing.is_some()
        && weights.is_some_and(|weights| {
            let is_its = weights.canary.weight > 0 && weights.canary.pod_template_hash == hash;
            is_its && weights.verified == Some(false)
        })
}

/// Going to this version is a rollback within `rollbackWindow`: it was made before the stable one, and fewer versions than
/// the window has were made between them.
fn is_within_window(observation: &Observation, hash: &str) -> bool {
    let window = observation.rollout.spec.rollback_window.as_ref().map_or(0, |window| window.revisions);
    let stable = observation.hashed(&observation.rollout.status.stable_rs);
    let (Some(stable), Some(new)) = (stable, observation.hashed(hash)) else { return false };
    let age = |rs: &crate::ReplicaSet| rs.metadata.creation_timestamp.map(Time::timestamp);
    let between = observation.replica_sets.iter().filter(|rs| age(new) < age(rs) && age(rs) < age(stable));
    window > 0 && age(new) < age(stable) && between.count() < usize::try_from(window).unwrap_or(0)
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

/// I8: our own write never takes back an abort or a promotion of the same template by itself; a full promotion that a
/// user asks for after an abort does.
#[must_use]
pub fn verdict_stands(before: &Observation, after: &Observation) -> Option<Violation> {
    let (old, new) = (&before.rollout.status, &after.rollout.status);
    let same_update = is_same_update(before, after);
    let under_way = old.stable_rs != old.current_pod_hash && before.hashed(&old.stable_rs).is_some();
    if same_update && under_way && old.abort && !new.abort && !old.promote_full {
        return Some(violation("I8", "an abort is taken back".into()));
    }
    let was_promoted = !old.stable_rs.is_empty() && old.stable_rs == old.current_pod_hash;
    (same_update && was_promoted && new.stable_rs != old.stable_rs)
        .then(|| violation("I8", format!("the promotion of {} is taken back", old.stable_rs)))
}
