//! The write of a status: the difference, and whether it may wait.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use tidegate_api::rollout::condition_type::{AVAILABLE, PROGRESSING};
use tidegate_api::rollout::{Condition, RolloutStatus, reason};

use super::draft::Draft;
use super::view::View;
use crate::plan::{Purpose, Request, Subresource, Timer, Write};

/// How long counters alone may wait for a decision that takes them along.
const COUNTERS_MAY_WAIT: SignedDuration = SignedDuration::from_secs(1);

/// The patch that makes the draft true, unless there is nothing to change or only counters that may still wait.
pub(super) fn write(view: &View<'_>, draft: &mut Draft) -> Option<Write> {
    let rollout = view.rollout();
    if rollout.status == draft.status {
        return None;
    }
    let mut patch = difference(&json!(rollout.status), &json!(draft.status))?;
    if is_counting_only(&rollout.status, &draft.status)
        && let Some(due) = view.snapshot.counters_changed_at.map(|since| since + COUNTERS_MAY_WAIT)
        && view.now < due
    {
        draft.timer(Timer::CountersDue(due));
        return None;
    }
    if rollout.status.current_pod_hash.is_empty() && view.new.is_some() {
        // Upstream's status always has both members; the first write makes them.
        for member in ["blueGreen", "canary"] {
            if patch.get(member).is_none() {
                patch[member] = json!({});
            }
        }
    }
    Some(Write {
        object: view.object("Rollout", &rollout.metadata.name),
        request: Request::MergePatch {
            body: json!({"status": patch}),
            resource_version: rollout.metadata.resource_version.clone(),
            subresource: Some(Subresource::Status),
        },
        purpose: Purpose::Status,
        events: std::mem::take(&mut draft.events),
    })
}

/// Nothing but counters, and the conditions and message that echo them, differs.
fn is_counting_only(before: &RolloutStatus, after: &RolloutStatus) -> bool {
    if before.phase != after.phase {
        return false;
    }
    let without_counters = |status: &RolloutStatus| RolloutStatus {
        replicas: 0,
        updated_replicas: 0,
        ready_replicas: 0,
        available_replicas: 0,
        hpa_replicas: 0,
        message: String::new(),
        conditions: status
            .conditions
            .iter()
            .filter(|condition| !echoes_counters(condition))
            .cloned()
            .collect(),
        ..status.clone()
    };
    without_counters(before) == without_counters(after)
}

fn echoes_counters(condition: &Condition) -> bool {
    condition.type_ == AVAILABLE
        || (condition.type_ == PROGRESSING && condition.reason == reason::REPLICA_SET_UPDATED)
}

/// RFC 7386 patch that turns `before` into `after`; `None` when they are equal.
fn difference(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| after.clone());
    };
    let mut patch = Map::new();
    for (key, value) in new {
        let change = match old.get(key) {
            Some(old) => difference(old, value),
            None => Some(value.clone()),
        };
        patch.extend(change.map(|change| (key.clone(), change)));
    }
    let removed = old.keys().filter(|key| !new.contains_key(*key));
    patch.extend(removed.map(|key| (key.clone(), Value::Null)));
    (!patch.is_empty()).then_some(Value::Object(patch))
}
