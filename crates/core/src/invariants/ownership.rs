//! I9: only what we may touch is touched.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_api::labels;
use tidegate_api::rollout::{PodMetadata, Rollout, WorkloadScaleDown};

use super::{Violation, violation};
use crate::rollout::validate::service_refs;

/// What a Rollout lets us touch beside itself. Each version of its spec adds to it: what it does not name any more must be left in
/// order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permission {
    /// The Rollout's.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Services that it names or named.
    pub services: BTreeSet<String>,
    /// Labels of pods that go with a role.
    pub labels: BTreeSet<String>,
    /// Annotations of pods that go with a role.
    pub annotations: BTreeSet<String>,
    /// Deployments whose size follows the Rollout.
    pub deployments: BTreeSet<String>,
}

impl Permission {
    /// Adds what this version of the spec names.
    pub fn extend(&mut self, rollout: &Rollout) {
        self.uid.clone_from(&rollout.metadata.uid);
        self.name.clone_from(&rollout.metadata.name);
        self.services.extend(service_refs(rollout).into_iter().map(|(_, name)| name));
        for metadata in role_metadata(rollout) {
            self.labels.extend(metadata.labels.keys().cloned());
            self.annotations.extend(metadata.annotations.keys().cloned());
        }
        self.deployments.extend(follower(rollout).map(str::to_owned));
    }

    /// Adds what is noted on a ReplicaSet of the Rollout, whichever Rollout noted it: whoever adopts it takes that back.
    pub fn note(&mut self, replica_set: &Value) {
        let noted = text(&replica_set["metadata"]["annotations"][labels::EPHEMERAL_METADATA]);
        let noted: Value = serde_json::from_str(noted).unwrap_or_default();
        let keys = |of: &str| noted[of].as_object().into_iter().flat_map(serde_json::Map::keys).cloned();
        self.labels.extend(keys("labels"));
        self.annotations.extend(keys("annotations"));
    }

    fn owns(&self, object: &Value) -> bool {
        !self.uid.is_empty() && controller(object) == Some(&self.uid)
    }
}

/// Labels and annotations that pods carry by their role.
fn role_metadata(rollout: &Rollout) -> impl Iterator<Item = &PodMetadata> {
    let strategy = rollout.spec.strategy.as_ref();
    let canary = strategy.and_then(|strategy| strategy.canary.as_ref());
    let blue_green = strategy.and_then(|strategy| strategy.blue_green.as_ref());
    let of_canary = canary.map(|it| [it.canary_metadata.as_ref(), it.stable_metadata.as_ref()]);
    let of_blue_green = blue_green.map(|it| [it.active_metadata.as_ref(), it.preview_metadata.as_ref()]);
    of_canary.into_iter().chain(of_blue_green).flatten().flatten()
}

/// A write of ours: the object before (`None`: created) and after (`None`: deleted).
#[derive(Clone, Copy, Debug)]
pub struct Touch<'a> {
    /// As stored before.
    pub before: Option<&'a Value>,
    /// As stored after.
    pub after: Option<&'a Value>,
    /// It came through the eviction of a pod.
    pub is_eviction: bool,
}

/// I9: a write of ours touches only what we may touch. A pod belongs to the Rollout if its ReplicaSet does; that is the caller's to
/// know.
#[must_use]
pub fn touches_only_ours(permission: &Permission, touch: Touch<'_>) -> Option<Violation> {
    let object = touch.after.or(touch.before)?;
    let kind = text(&object["kind"]);
    let what = match kind {
        "ReplicaSet" => replica_set(permission, touch),
        "Rollout" => rollout(touch),
        "Service" => service(permission, touch),
        "Pod" => pod(permission, touch),
        "Deployment" => deployment(permission, touch),
        // Of the simulator's router.
        "ConfigMap" => route(permission, object),
        "Event" => None,
        // The API server notes there what it has granted.
        "PodDisruptionBudget" if touch.is_eviction => None,
        _ => Some("not ours to write".to_owned()),
    };
    what.map(|what| violation("I9", format!("{kind} {}: {what}", text(&object["metadata"]["name"]))))
}

const BOOKKEEPING: [&str; 3] =
    ["/metadata/resourceVersion", "/metadata/generation", "/metadata/managedFields"];

fn replica_set(permission: &Permission, touch: Touch<'_>) -> Option<String> {
    match (touch.before, touch.after) {
        (None, Some(new)) if !permission.owns(new) => Some("created for somebody else".into()),
        (Some(old), None) if !permission.owns(old) => Some("deleted, but not ours".into()),
        (Some(old), Some(new)) => {
            let adopted = controller(old).is_none() && permission.owns(new);
            if !permission.owns(old) && !adopted {
                return Some("changed, but not ours".into());
            }
            let mut permitted = vec![
                "/spec/replicas".to_owned(),
                "/spec/minReadySeconds".into(),
                "/spec/template/spec/affinity".into(),
                "/metadata/annotations".into(),
                "/metadata/ownerReferences".into(),
            ];
            permitted.extend(role_members(permission, "/spec/template"));
            first_change(old, new, &permitted)
        }
        _ => None,
    }
}

/// Paths of the labels and annotations by role, below a pod or a template.
fn role_members(permission: &Permission, root: &str) -> Vec<String> {
    let path = |of: &str, key: &String| format!("{root}/metadata/{of}/{}", key.replace('/', "~1"));
    let labels = permission.labels.iter().map(|key| path("labels", key));
    labels.chain(permission.annotations.iter().map(|key| path("annotations", key))).collect()
}

fn rollout(touch: Touch<'_>) -> Option<String> {
    let (Some(old), Some(new)) = (touch.before, touch.after) else {
        return Some("created or deleted".into());
    };
    let permitted = [
        "/status",
        "/metadata/annotations/rollout.argoproj.io~1revision",
        "/metadata/annotations/rollout.argoproj.io~1workload-generation",
    ];
    let defaulted = old["spec"]["replicas"].is_null() && new["spec"]["replicas"] == 1;
    first_change(old, new, &permitted).filter(|path| !(defaulted && path == "/spec/replicas"))
}

fn service(permission: &Permission, touch: Touch<'_>) -> Option<String> {
    let (Some(old), Some(new)) = (touch.before, touch.after) else {
        return Some("created or deleted".into());
    };
    if !permission.services.contains(text(&old["metadata"]["name"])) {
        return Some("changed, but not named by the Rollout".into());
    }
    let owner =
        |object: &Value| text(&object["metadata"]["annotations"][labels::MANAGED_BY_ROLLOUTS]).to_owned();
    if ![String::new(), permission.name.clone()].contains(&owner(old)) {
        return Some(format!("changed, but managed by {}", owner(old)));
    }
    let key = |path: &str, key: &str| format!("{path}/{}", key.replace('/', "~1"));
    let permitted = [
        key("/spec/selector", labels::POD_TEMPLATE_HASH),
        key("/metadata/annotations", labels::MANAGED_BY_ROLLOUTS),
    ];
    first_change(old, new, &permitted)
}

fn pod(permission: &Permission, touch: Touch<'_>) -> Option<String> {
    if touch.is_eviction {
        return None;
    }
    let (Some(old), Some(new)) = (touch.before, touch.after) else {
        return Some("created or deleted, not evicted".into());
    };
    first_change(old, new, &role_members(permission, ""))
}

fn deployment(permission: &Permission, touch: Touch<'_>) -> Option<String> {
    let (Some(old), Some(new)) = (touch.before, touch.after) else {
        return Some("created or deleted".into());
    };
    if !permission.deployments.contains(text(&old["metadata"]["name"])) {
        return Some("changed, but its size is not the Rollout's to change".into());
    }
    let size = |deployment: &Value| deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    if size(new) > size(old) {
        return Some(format!("grown from {} pods to {}", size(old), size(new)));
    }
    first_change(old, new, &["/spec/replicas"])
}

fn route(permission: &Permission, object: &Value) -> Option<String> {
    (!permission.owns(object)).then(|| "not ours to write".to_owned())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The Deployment whose size follows the Rollout's pods.
#[must_use]
pub fn follower(rollout: &Rollout) -> Option<&str> {
    let workload = rollout.spec.workload_ref.as_ref().filter(|workload| workload.kind == "Deployment")?;
    let follows = [WorkloadScaleDown::OnSuccess, WorkloadScaleDown::Progressively];
    let is_asked = workload.scale_down.as_ref().is_some_and(|when| follows.contains(when));
    is_asked.then_some(workload.name.as_str())
}

/// The uid of the owner that controls an object as stored.
#[must_use]
pub fn controller(object: &Value) -> Option<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)?["uid"].as_str()
}

/// The first path that differs and is not below one of the permitted ones.
fn first_change(old: &Value, new: &Value, permitted: &[impl AsRef<str>]) -> Option<String> {
    fn walk(path: &str, old: &Value, new: &Value, permitted: &[impl AsRef<str>]) -> Option<String> {
        if old == new || permitted.iter().map(AsRef::as_ref).chain(BOOKKEEPING).any(|allowed| path == allowed)
        {
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
