//! The ReplicaSet controller.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Step, Write, controller_of};
use crate::clock::{after, api_time, parse_time};
use crate::json::{at, is_terminating, list, name, namespace, set, text, uid};
use crate::selector::LabelSelector;
use crate::store::Key;

/// At most this many pods are created or deleted at once.
const BURST: usize = 500;

/// A create or delete that failed: the condition's reason and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// Creates, deletes, adopts and releases pods. `pods` are those of the namespace.
pub(crate) fn manage(replica_set: &Value, pods: &[Arc<Value>]) -> Vec<Write> {
    if is_terminating(replica_set) {
        return Vec::new();
    }
    let mut writes = Vec::new();
    let selector = LabelSelector::from_spec(at(replica_set, &["spec", "selector"]));
    for pod in pods {
        let matches = selector.matches(at(pod, &["metadata", "labels"]));
        match controller_of(pod) {
            Some(owner) if text(owner, &["uid"]) == uid(replica_set) && !matches => {
                writes.push(release(pod, uid(replica_set)));
            }
            None if matches && is_active(pod) => writes.push(adopt(pod, replica_set)),
            _ => {}
        }
    }
    let mut active: Vec<&Arc<Value>> = claimed(replica_set, pods).filter(|pod| is_active(pod)).collect();
    let wanted = usize::try_from(wanted_replicas(replica_set)).unwrap_or(0);
    if active.len() < wanted {
        let missing = (wanted - active.len()).min(BURST);
        writes.extend((0..missing).map(|_| create(replica_set)));
    } else {
        let surplus = (active.len() - wanted).min(BURST);
        active.sort_by_key(|pod| deletion_rank(pod));
        writes.extend(active.into_iter().take(surplus).map(|pod| delete(pod)));
    }
    writes
}

fn wanted_replicas(replica_set: &Value) -> i64 {
    at(replica_set, &["spec", "replicas"]).as_i64().unwrap_or(1)
}

/// The pods that belong to the ReplicaSet, or will once they are adopted.
fn claimed<'a>(replica_set: &'a Value, pods: &'a [Arc<Value>]) -> impl Iterator<Item = &'a Arc<Value>> {
    let selector = LabelSelector::from_spec(at(replica_set, &["spec", "selector"]));
    pods.iter().filter(move |pod| {
        selector.matches(at(pod, &["metadata", "labels"]))
            && controller_of(pod).is_none_or(|owner| text(owner, &["uid"]) == uid(replica_set))
    })
}

fn is_active(pod: &Value) -> bool {
    !is_terminating(pod) && !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed")
}

/// The status of the condition `ty`, and since when it has it.
fn condition<'a>(pod: &'a Value, ty: &str) -> Option<(&'a str, &'a str)> {
    let conditions = list(pod, &["status", "conditions"]);
    let condition = conditions.iter().find(|condition| text(condition, &["type"]) == ty)?;
    Some((text(condition, &["status"]), text(condition, &["lastTransitionTime"])))
}

fn ready_since(pod: &Value) -> Option<Timestamp> {
    condition(pod, "Ready").filter(|(status, _)| *status == "True").and_then(|(_, since)| parse_time(since))
}

/// Pods that lose least by going come first: unassigned, pending, not ready, cheap, young in readiness, restarted, young.
fn deletion_rank(pod: &Value) -> impl Ord + use<> {
    let phase = match text(pod, &["status", "phase"]) {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let cost = text(pod, &["metadata", "annotations", "controller.kubernetes.io/pod-deletion-cost"]);
    let restarts = list(pod, &["status", "containerStatuses"])
        .iter()
        .filter_map(|status| at(status, &["restartCount"]).as_i64());
    let ready = ready_since(pod);
    (
        !text(pod, &["spec", "nodeName"]).is_empty(),
        phase,
        ready.is_some(),
        cost.parse::<i64>().unwrap_or(0),
        Reverse(ready),
        Reverse(restarts.max().unwrap_or(0)),
        Reverse(parse_time(text(pod, &["metadata", "creationTimestamp"]))),
        name(pod).to_owned(),
    )
}

fn create(replica_set: &Value) -> Write {
    let template = at(replica_set, &["spec", "template"]);
    let mut metadata = json!({
        "generateName": format!("{}-", name(replica_set)),
        "ownerReferences": [owner_reference(replica_set)],
    });
    for key in ["labels", "annotations", "finalizers"] {
        set(&mut metadata, &[key], at(template, &["metadata", key]).clone());
    }
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": at(template, &["spec"]).clone()});
    Write::Create { resource: "pods", namespace: namespace(replica_set).to_owned(), object }
}

fn owner_reference(replica_set: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name(replica_set), "uid": uid(replica_set),
        "controller": true, "blockOwnerDeletion": true,
    })
}

fn delete(pod: &Value) -> Write {
    let options = json!({"preconditions": {"uid": uid(pod)}});
    Write::Delete { resource: "pods".to_owned(), key: Key::of(pod), options }
}

fn adopt(pod: &Value, replica_set: &Value) -> Write {
    let mut owners = list(pod, &["metadata", "ownerReferences"]).to_vec();
    owners.push(owner_reference(replica_set));
    own(pod, &owners)
}

fn release(pod: &Value, owner: &str) -> Write {
    let mut owners = list(pod, &["metadata", "ownerReferences"]).to_vec();
    owners.retain(|known| text(known, &["uid"]) != owner);
    own(pod, &owners)
}

fn own(pod: &Value, owners: &[Value]) -> Write {
    let patch = json!({"metadata": {"uid": uid(pod), "ownerReferences": owners}});
    Write::Merge { resource: "pods".to_owned(), key: Key::of(pod), patch }
}

/// Writes the status when it differs, and wakes when the next pod becomes available.
pub(crate) fn report(
    replica_set: &Value,
    pods: &[Arc<Value>],
    failure: Option<&Failure>,
    now: Timestamp,
) -> Step {
    let min_ready = at(replica_set, &["spec", "minReadySeconds"]).as_u64().unwrap_or(0);
    let owned: Vec<&Arc<Value>> = claimed(replica_set, pods).collect();
    let active = || owned.iter().filter(|pod| is_active(pod));
    let template = at(replica_set, &["spec", "template", "metadata", "labels"]);
    let is_fully_labeled = |pod: &&&Arc<Value>| {
        let mut wanted = template.as_object().into_iter().flatten();
        wanted.all(|(key, value)| at(pod, &["metadata", "labels", key]) == value)
    };
    let available_at: Vec<Timestamp> = active()
        .filter_map(|pod| ready_since(pod))
        .map(|since| after(since, Duration::from_secs(min_ready)))
        .collect();
    let is_available = |at: &&Timestamp| min_ready == 0 || **at <= now;
    let counts = [
        ("fullyLabeledReplicas", active().filter(is_fully_labeled).count()),
        ("readyReplicas", available_at.len()),
        ("availableReplicas", available_at.iter().filter(is_available).count()),
    ];
    let mut status = Map::new();
    status.insert("replicas".to_owned(), active().count().into());
    let terminating = owned.iter().filter(|pod| is_terminating(pod) && !has_ended(pod)).count();
    status.insert("terminatingReplicas".to_owned(), terminating.into());
    status.insert("observedGeneration".to_owned(), at(replica_set, &["metadata", "generation"]).clone());
    status.extend(
        counts.into_iter().filter(|(_, count)| *count > 0).map(|(key, count)| (key.to_owned(), count.into())),
    );
    if let Some(conditions) = conditions(replica_set, failure, now) {
        status.insert("conditions".to_owned(), conditions);
    }
    let status = Value::Object(status);
    let is_news = at(replica_set, &["status"]) != &status;
    let write = Write::Status { resource: "replicasets.apps", key: Key::of(replica_set), status };
    let wake_at = available_at.into_iter().filter(|at| min_ready > 0 && *at > now).min();
    Step { writes: Some(write).filter(|_| is_news).into_iter().collect(), wake_at }
}

fn has_ended(pod: &Value) -> bool {
    matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed")
}

fn conditions(replica_set: &Value, failure: Option<&Failure>, now: Timestamp) -> Option<Value> {
    let known = list(replica_set, &["status", "conditions"]);
    let is_failure = |condition: &&Value| text(condition, &["type"]) == "ReplicaFailure";
    let mut conditions: Vec<Value> =
        known.iter().filter(|condition| !is_failure(condition)).cloned().collect();
    if let Some(failure) = failure {
        let before = known.iter().find(is_failure).map(|condition| text(condition, &["lastTransitionTime"]));
        conditions.push(json!({
            "type": "ReplicaFailure", "status": "True", "reason": failure.reason, "message": failure.message,
            "lastTransitionTime": before.map_or_else(|| api_time(now), str::to_owned),
        }));
    }
    (!conditions.is_empty()).then_some(Value::Array(conditions))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica_set(replicas: i64) -> Value {
        json!({"metadata": {"name": "web", "namespace": "n", "uid": "u", "generation": 3},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web", "v": "1"}}, "spec": {}}}})
    }

    fn pod(name: &str, change: &Value) -> Arc<Value> {
        let mut pod = json!({"metadata": {"name": name, "namespace": "n", "uid": name,
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "web"},
            "ownerReferences": [{"uid": "u", "controller": true}]},
            "spec": {"nodeName": "n0"}, "status": {"phase": "Running", "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:01Z"}]}});
        json_patch::merge(&mut pod, change);
        Arc::new(pod)
    }

    #[test]
    fn the_least_useful_pods_go_first() {
        let unready = json!({"status": {"conditions": []}});
        let pods = [
            pod("old", &json!({})),
            pod("young", &json!({"metadata": {"creationTimestamp": "2026-01-01T00:01:00Z"}})),
            pod(
                "cheap",
                &json!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-1"}}}),
            ),
            pod("unready", &unready),
            pod("pending", &json!({"status": {"phase": "Pending", "conditions": []}})),
            pod(
                "unassigned",
                &json!({"spec": {"nodeName": null}, "status": {"phase": "Pending", "conditions": []}}),
            ),
        ];
        let mut names: Vec<&str> = Vec::new();
        let writes = manage(&replica_set(0), &pods);
        for write in &writes {
            if let Write::Delete { key, .. } = write {
                names.push(&key.name);
            }
        }
        assert_eq!(names, ["unassigned", "pending", "unready", "cheap", "young", "old"]);
        assert_eq!(manage(&replica_set(6), &pods), []);
    }

    #[test]
    fn pods_are_adopted_and_released_by_labels() {
        let orphan = pod("orphan", &json!({"metadata": {"ownerReferences": null}}));
        let stray = pod("stray", &json!({"metadata": {"labels": {"app": "other"}}}));
        let writes = manage(&replica_set(1), &[orphan, stray]);
        let patches: Vec<(&str, usize)> = writes
            .iter()
            .filter_map(|write| match write {
                Write::Merge { key, patch, .. } => {
                    Some((key.name.as_str(), list(patch, &["metadata", "ownerReferences"]).len()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(patches, [("orphan", 1), ("stray", 0)]);
        assert_eq!(writes.len(), 2);
    }

    #[test]
    fn availability_waits_for_min_ready_seconds() {
        let mut set = replica_set(1);
        set["spec"]["minReadySeconds"] = json!(10);
        let pods = [pod("a", &json!({}))];
        let time = |text| parse_time(text).unwrap();
        let early = report(&set, &pods, None, time("2026-01-01T00:00:10.5Z"));
        assert_eq!(early.wake_at, Some(time("2026-01-01T00:00:11Z")));
        let status = |step: &Step| match &step.writes[..] {
            [Write::Status { status, .. }] => status.clone(),
            other => panic!("expected one status, got {other:?}"),
        };
        assert_eq!(
            status(&early),
            json!({"replicas": 1, "readyReplicas": 1, "observedGeneration": 3, "terminatingReplicas": 0})
        );
        let late = report(&set, &pods, None, time("2026-01-01T00:00:11Z"));
        assert_eq!((status(&late)["availableReplicas"].as_i64(), late.wake_at), (Some(1), None));
    }
}
