//! The controller of PodDisruptionBudgets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Step, Write, controller_of, share};
use crate::clock::{after, api_time, parse_time};
use crate::json::{at, is_terminating, list, name, set, text, uid};
use crate::selector::LabelSelector;
use crate::store::{Key, Store};

/// How long a pod that was granted an eviction counts as gone although it is still there.
const DELETION_LIMIT: Duration = Duration::from_secs(120);

/// Whether the budget speaks of this pod.
pub(crate) fn covers(budget: &Value, pod: &Value) -> bool {
    LabelSelector::from_spec(at(budget, &["spec", "selector"])).matches(at(pod, &["metadata", "labels"]))
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    let conditions = list(pod, &["status", "conditions"]);
    conditions.iter().any(|it| text(it, &["type"]) == "Ready" && text(it, &["status"]) == "True")
}

/// Brings a budget's status up to date.
pub(crate) fn sync(budget: &Value, store: &Store, now: Timestamp) -> Step {
    let namespace = crate::json::namespace(budget);
    let pods: Vec<&Arc<Value>> =
        store.list("pods", Some(namespace)).map(|(_, pod)| pod).filter(|pod| covers(budget, pod)).collect();
    let (expected, desired) = promise(budget, &pods, store);
    let (disrupted, wake_at) = disrupted(budget, &pods, now);
    let is_healthy =
        |pod: &&&Arc<Value>| !is_terminating(pod) && !disrupted.contains_key(name(pod)) && is_ready(pod);
    let healthy = i64::try_from(pods.iter().filter(is_healthy).count()).unwrap_or(i64::MAX);
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let mut status = json!({
        "currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": allowed, "expectedPods": expected,
        "observedGeneration": at(budget, &["metadata", "generation"]),
    });
    if !disrupted.is_empty() {
        status["disruptedPods"] = Value::Object(disrupted);
    }
    set(&mut status, &["conditions"], at(budget, &["status", "conditions"]).clone());
    note_allowance(&mut status, now);
    let key = Key::of(budget);
    let is_news = at(budget, &["status"]) != &status;
    let write = Write::Status { resource: "poddisruptionbudgets.policy", key, status };
    Step { writes: Some(write).filter(|_| is_news).into_iter().collect(), wake_at }
}

/// Pods that there should be, and healthy ones that there must be.
fn promise(budget: &Value, pods: &[&Arc<Value>], store: &Store) -> (i64, i64) {
    let present = i64::try_from(pods.len()).unwrap_or(i64::MAX);
    let (min, max) = (at(budget, &["spec", "minAvailable"]), at(budget, &["spec", "maxUnavailable"]));
    if !max.is_null() {
        let expected = scale(pods, store);
        return (expected, (expected - share(max, expected, true)).max(0));
    }
    if let Some(number) = min.as_i64() {
        return (present, number);
    }
    let expected = scale(pods, store);
    (expected, share(min, expected, true))
}

/// How many pods those want that control these; a pod without a controller is not counted.
fn scale(pods: &[&Arc<Value>], store: &Store) -> i64 {
    let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
    for pod in pods {
        let Some(set) = controller_of(pod).and_then(|owner| object_at(store, owner)) else { continue };
        // A Deployment wants the same number whatever its ReplicaSets look like at this moment.
        let deployment = controller_of(set).filter(|owner| text(owner, &["kind"]) == "Deployment");
        let controller = deployment.and_then(|owner| object_at(store, owner)).unwrap_or(set);
        wanted.insert(uid(controller), at(controller, &["spec", "replicas"]).as_i64().unwrap_or(1));
    }
    wanted.values().sum()
}

fn object_at<'a>(store: &'a Store, owner: &Value) -> Option<&'a Arc<Value>> {
    let (resource, key) = store.place_of(text(owner, &["uid"]))?;
    store.get(resource, key)
}

/// Pods that were granted an eviction and are not gone yet, and until when the first of them counts as gone.
fn disrupted(
    budget: &Value,
    pods: &[&Arc<Value>],
    now: Timestamp,
) -> (Map<String, Value>, Option<Timestamp>) {
    let known = at(budget, &["status", "disruptedPods"]).as_object();
    let mut wake_at = None;
    let mut kept = Map::new();
    for (pod_name, since) in known.into_iter().flatten() {
        let is_there = pods.iter().any(|pod| name(pod) == pod_name && !is_terminating(pod));
        let ends = since.as_str().and_then(parse_time).map(|since| after(since, DELETION_LIMIT));
        if let Some(ends) = ends.filter(|ends| is_there && *ends > now) {
            kept.insert(pod_name.clone(), since.clone());
            wake_at = wake_at.into_iter().chain([ends]).min();
        }
    }
    (kept, wake_at)
}

/// Says as a condition whether a disruption is allowed.
pub(crate) fn note_allowance(status: &mut Value, now: Timestamp) {
    let is_allowed = at(status, &["disruptionsAllowed"]).as_i64().unwrap_or(0) > 0;
    let (word, reason) = if is_allowed { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let known = list(status, &["conditions"]).first();
    let since = known.filter(|known| text(known, &["status"]) == word);
    let since = since.map_or_else(|| api_time(now), |known| text(known, &["lastTransitionTime"]).to_owned());
    let condition = json!({
        "type": "DisruptionAllowed", "status": word, "reason": reason, "message": "",
        "lastTransitionTime": since, "observedGeneration": at(status, &["observedGeneration"]),
    });
    status["conditions"] = json!([condition]);
}
