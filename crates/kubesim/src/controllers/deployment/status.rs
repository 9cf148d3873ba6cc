//! The status of a Deployment.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::sizes::max_unavailable;
use super::{Set, Work};
use crate::clock::{after, api_time, parse_time};
use crate::json::{at, list, name, text};

fn find<'a>(conditions: &'a [Value], ty: &str) -> Option<&'a Value> {
    conditions.iter().find(|condition| text(condition, &["type"]) == ty)
}

pub(super) fn has(conditions: &[Value], ty: &str) -> bool {
    find(conditions, ty).is_some()
}

/// Sets a condition, which goes to the end of the list unless status and reason are what they were.
fn set_condition(work: &mut Work<'_>, ty: &str, (status, reason, message): (&str, &str, &str)) {
    let known = find(&work.conditions, ty);
    if known.is_some_and(|known| text(known, &["status"]) == status && text(known, &["reason"]) == reason) {
        return;
    }
    let now = api_time(work.now);
    let since = known.filter(|known| text(known, &["status"]) == status);
    let since = since.map_or(now.as_str(), |known| text(known, &["lastTransitionTime"])).to_owned();
    work.conditions.retain(|condition| text(condition, &["type"]) != ty);
    work.conditions.push(json!({
        "type": ty, "status": status, "reason": reason, "message": message,
        "lastUpdateTime": now, "lastTransitionTime": since,
    }));
}

pub(super) fn progress(work: &mut Work<'_>, status: &str, reason: &str, message: &str) {
    set_condition(work, "Progressing", (status, reason, message));
}

/// Tells of a pause, during which no deadline counts, and of its end.
pub(super) fn note_pause(work: &mut Work<'_>) {
    let is_paused = at(work.deployment, &["spec", "paused"]) == &json!(true);
    let reason =
        find(&work.conditions, "Progressing").map_or("", |known| text(known, &["reason"])).to_owned();
    if reason == "ProgressDeadlineExceeded" {
        return;
    }
    if is_paused && reason != "DeploymentPaused" {
        progress(work, "Unknown", "DeploymentPaused", "Deployment is paused");
    } else if !is_paused && reason == "DeploymentPaused" {
        progress(work, "Unknown", "DeploymentResumed", "Deployment is resumed");
    }
}

/// Whether all pods are new and available.
pub(super) fn is_complete(deployment: &Value, status: &Value) -> bool {
    let number = |field| at(status, &[field]).as_i64().unwrap_or(0);
    let wanted = at(deployment, &["spec", "replicas"]).as_i64().unwrap_or(1);
    ["updatedReplicas", "replicas", "availableReplicas"].iter().all(|field| number(field) == wanted)
        && number("observedGeneration") >= at(deployment, &["metadata", "generation"]).as_i64().unwrap_or(0)
}

/// The status as it should be, and when the deadline ends that it waits for.
pub(super) fn of(work: &mut Work<'_>) -> (Value, Option<Timestamp>) {
    let mut status = counts(work);
    let available = status.get("availableReplicas").and_then(Value::as_i64).unwrap_or(0);
    let wanted = at(work.deployment, &["spec", "replicas"]).as_i64().unwrap_or(1);
    if available >= wanted - max_unavailable(work.deployment) {
        let text = "Deployment has minimum availability.";
        set_condition(work, "Available", ("True", "MinimumReplicasAvailable", text));
    } else {
        let text = "Deployment does not have minimum availability.";
        set_condition(work, "Available", ("False", "MinimumReplicasUnavailable", text));
    }
    let wake_at = judge_progress(work, &Value::Object(status.clone()));
    note_failure(work);
    status.insert("conditions".to_owned(), Value::Array(work.conditions.clone()));
    (Value::Object(status), wake_at)
}

fn counts(work: &Work<'_>) -> Map<String, Value> {
    let sum = |field: &str| work.sets.iter().map(|set| set.counted(field)).sum::<i64>();
    let spec: i64 = work.sets.iter().map(Set::replicas).sum();
    let available = sum("availableReplicas");
    let updated = work.new.map_or(0, |new| work.sets[new].counted("replicas"));
    let mut status = Map::new();
    for (field, count) in [
        ("replicas", sum("replicas")),
        ("updatedReplicas", updated),
        ("readyReplicas", sum("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (spec - available).max(0)),
    ] {
        if count != 0 {
            status.insert(field.to_owned(), count.into());
        }
    }
    status.insert("terminatingReplicas".to_owned(), sum("terminatingReplicas").into());
    let generation = at(work.deployment, &["metadata", "generation"]);
    status.insert("observedGeneration".to_owned(), generation.clone());
    status
}

fn judge_progress(work: &mut Work<'_>, status: &Value) -> Option<Timestamp> {
    let deadline = at(work.deployment, &["spec", "progressDeadlineSeconds"]).as_u64()?;
    let number = |of: &Value, field: &str| at(of, &[field]).as_i64().unwrap_or(0);
    let reason =
        find(&work.conditions, "Progressing").map_or("", |known| text(known, &["reason"])).to_owned();
    if number(status, "replicas") == number(status, "updatedReplicas") && reason == "NewReplicaSetAvailable" {
        return None;
    }
    let before = at(work.deployment, &["status"]);
    let old = |of: &Value| number(of, "replicas") - number(of, "updatedReplicas");
    let has_moved = old(status) < old(before)
        || ["updatedReplicas", "readyReplicas", "availableReplicas"]
            .iter()
            .any(|field| number(status, field) > number(before, field));
    let subject = match work.new {
        Some(new) => format!("ReplicaSet \"{}\"", name(&work.sets[new].object)),
        None => format!("Deployment \"{}\"", name(work.deployment)),
    };
    let ends = ends_at(&work.conditions, deadline);
    if is_complete(work.deployment, status) {
        progress(work, "True", "NewReplicaSetAvailable", &format!("{subject} has successfully progressed."));
        return None;
    }
    if has_moved {
        move_on(work, &format!("{subject} is progressing."));
    } else if ends.is_some_and(|ends| ends < work.now) {
        progress(work, "False", "ProgressDeadlineExceeded", &format!("{subject} has timed out progressing."));
        return None;
    }
    // Past the second in which it ends.
    ends_at(&work.conditions, deadline).map(|ends| after(ends, Duration::from_secs(1)))
}

/// Every progress counts as a new condition, since when it was true aside.
fn move_on(work: &mut Work<'_>, message: &str) {
    let known = find(&work.conditions, "Progressing").filter(|known| text(known, &["status"]) == "True");
    let since = known.map(|known| text(known, &["lastTransitionTime"]).to_owned());
    work.conditions.retain(|condition| text(condition, &["type"]) != "Progressing");
    progress(work, "True", "ReplicaSetUpdated", message);
    if let (Some(since), Some(last)) = (since, work.conditions.last_mut()) {
        last["lastTransitionTime"] = since.into();
    }
}

/// When a wait for progress is over; nothing while none is waited for.
fn ends_at(conditions: &[Value], deadline: u64) -> Option<Timestamp> {
    let known = find(conditions, "Progressing")?;
    if text(known, &["status"]) != "True" && text(known, &["reason"]) != "DeploymentResumed" {
        return None;
    }
    parse_time(text(known, &["lastUpdateTime"])).map(|since| after(since, Duration::from_secs(deadline)))
}

/// Repeats what keeps a ReplicaSet from having its pods.
fn note_failure(work: &mut Work<'_>) {
    let order = work.new.into_iter().chain(0..work.sets.len());
    let failures = order.flat_map(|index| list(&work.sets[index].object, &["status", "conditions"]));
    let failure =
        failures.into_iter().find(|condition| text(condition, &["type"]) == "ReplicaFailure").cloned();
    match failure {
        Some(failure) => {
            let what =
                (text(&failure, &["status"]), text(&failure, &["reason"]), text(&failure, &["message"]));
            set_condition(work, "ReplicaFailure", what);
        }
        None => work.conditions.retain(|condition| text(condition, &["type"]) != "ReplicaFailure"),
    }
}
