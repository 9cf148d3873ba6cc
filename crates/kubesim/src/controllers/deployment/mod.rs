//! The Deployment controller: which ReplicaSet is the new one, and what is made of a look.

mod sizes;
mod status;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Step, Write, controller_of};
use crate::json::{at, is_terminating, list, name, namespace, set, text, uid};
use crate::selector::LabelSelector;
use crate::store::Key;

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations of a Deployment that its ReplicaSets do not take over.
const OWN: [&str; 5] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
];

/// A ReplicaSet on its way to what the Deployment wants of it.
#[derive(Clone, Debug)]
struct Set {
    object: Value,
    /// Nothing for one that is to be created.
    stored: Option<Arc<Value>>,
}

impl Set {
    fn replicas(&self) -> i64 {
        at(&self.object, &["spec", "replicas"]).as_i64().unwrap_or(1)
    }

    /// A number of its status.
    fn counted(&self, field: &str) -> i64 {
        at(&self.object, &["status", field]).as_i64().unwrap_or(0)
    }

    fn revision(&self) -> i64 {
        text(&self.object, &["metadata", "annotations", REVISION]).parse().unwrap_or(0)
    }

    fn annotation(&self, key: &str) -> Option<i64> {
        text(&self.object, &["metadata", "annotations", key]).parse().ok()
    }

    fn annotate(&mut self, key: &str, value: i64) {
        set(&mut self.object, &["metadata", "annotations", key], value.to_string().into());
    }

    /// What is to be written of it.
    fn write(&self) -> Option<Write> {
        let Some(stored) = &self.stored else {
            let namespace = namespace(&self.object).to_owned();
            return Some(Write::Create {
                resource: "replicasets.apps",
                namespace,
                object: self.object.clone(),
            });
        };
        if **stored == self.object {
            return None;
        }
        let patch = json!({
            "metadata": {
                "uid": uid(stored), "annotations": at(&self.object, &["metadata", "annotations"]),
                "ownerReferences": at(&self.object, &["metadata", "ownerReferences"]),
            },
            "spec": {
                "replicas": self.replicas(), "minReadySeconds": at(&self.object, &["spec", "minReadySeconds"]),
            },
        });
        Some(Write::Merge { resource: "replicasets.apps".to_owned(), key: Key::of(stored), patch })
    }
}

/// One look at a Deployment.
struct Work<'a> {
    deployment: &'a Value,
    sets: Vec<Set>,
    /// Which of them has the Deployment's template.
    new: Option<usize>,
    conditions: Vec<Value>,
    now: Timestamp,
}

/// Creates, sizes and removes ReplicaSets and writes the status. `replica_sets` and `pods` are those of the namespace.
pub(crate) fn sync(
    deployment: &Value,
    replica_sets: &[Arc<Value>],
    pods: &[Arc<Value>],
    now: Timestamp,
) -> Step {
    let sets = claimed(deployment, replica_sets);
    let new = sets.iter().position(|set| same_template(&set.object, deployment));
    let conditions = list(deployment, &["status", "conditions"]).to_vec();
    let mut work = Work { deployment, sets, new, conditions, now };
    let mut writes = Vec::new();
    if !is_terminating(deployment) {
        status::note_pause(&mut work);
        let is_paused = at(deployment, &["spec", "paused"]) == &json!(true);
        if is_paused || sizes::is_scaled(&work) {
            renumber(&mut work);
            sizes::scale(&mut work);
        } else if text(deployment, &["spec", "strategy", "type"]) == "Recreate" {
            recreate(&mut work, pods);
        } else {
            renumber_or_create(&mut work);
            sizes::roll(&mut work);
        }
        writes.extend(work.sets.iter().filter_map(Set::write));
        writes.extend(revision(&work));
    }
    let (status, wake_at) = status::of(&mut work);
    if at(deployment, &["status"]) != &status {
        writes.push(Write::Status { resource: "deployments.apps", key: Key::of(deployment), status });
    } else if writes.is_empty() {
        writes.extend(clean_up(&work));
    }
    Step { writes, wake_at }
}

/// The Deployment's ReplicaSets, and those without an owner that it adopts, from old to young.
fn claimed(deployment: &Value, replica_sets: &[Arc<Value>]) -> Vec<Set> {
    let selector = LabelSelector::from_spec(at(deployment, &["spec", "selector"]));
    let matches = |set: &Value| selector.matches(at(set, &["metadata", "labels"]));
    let mut sets = Vec::new();
    for stored in replica_sets.iter().filter(|set| matches(set)) {
        let mut object = (**stored).clone();
        match controller_of(stored) {
            Some(owner) if text(owner, &["uid"]) == uid(deployment) => {}
            None if !is_terminating(stored) => {
                let mut owners = list(stored, &["metadata", "ownerReferences"]).to_vec();
                owners.push(owner_reference(deployment));
                set(&mut object, &["metadata", "ownerReferences"], owners.into());
            }
            _ => continue,
        }
        sets.push(Set { object, stored: Some(Arc::clone(stored)) });
    }
    sets.sort_by_key(|set| {
        (text(&set.object, &["metadata", "creationTimestamp"]).to_owned(), name(&set.object).to_owned())
    });
    sets
}

fn owner_reference(deployment: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "name": name(deployment), "uid": uid(deployment),
        "controller": true, "blockOwnerDeletion": true,
    })
}

fn same_template(replica_set: &Value, deployment: &Value) -> bool {
    let mut template = at(replica_set, &["spec", "template"]).clone();
    set(&mut template, &["metadata", "labels", HASH], Value::Null);
    template == *at(deployment, &["spec", "template"])
}

/// Gives the new ReplicaSet the highest revision and what else it takes over.
fn renumber(work: &mut Work<'_>) {
    let Some(new) = work.new else { return };
    let others = work.sets.iter().enumerate().filter(|(index, _)| *index != new);
    let newest = others.map(|(_, set)| set.revision()).max().unwrap_or(0);
    let deployment = work.deployment;
    let this = &mut work.sets[new];
    take_over(deployment, &mut this.object);
    if this.revision() <= newest {
        this.annotate(REVISION, newest + 1);
    }
    if !status::has(&work.conditions, "Progressing") {
        let message = format!("Found new replica set \"{}\"", name(&work.sets[new].object));
        status::progress(work, "True", "FoundNewReplicaSet", &message);
    }
}

fn take_over(deployment: &Value, object: &mut Value) {
    for (key, value) in at(deployment, &["metadata", "annotations"]).as_object().into_iter().flatten() {
        if !OWN.contains(&key.as_str()) {
            set(object, &["metadata", "annotations", key], value.clone());
        }
    }
    set(object, &["spec", "minReadySeconds"], at(deployment, &["spec", "minReadySeconds"]).clone());
}

fn renumber_or_create(work: &mut Work<'_>) {
    if work.new.is_some() {
        return renumber(work);
    }
    let deployment = work.deployment;
    let template = at(deployment, &["spec", "template"]);
    let hash = hash(template);
    let mut labelled = template.clone();
    set(&mut labelled, &["metadata", "labels", HASH], hash.clone().into());
    let mut selector = at(deployment, &["spec", "selector"]).clone();
    set(&mut selector, &["matchLabels", HASH], hash.clone().into());
    let object = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", name(deployment)), "namespace": namespace(deployment),
            "labels": at(&labelled, &["metadata", "labels"]), "annotations": {},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {"replicas": 0, "selector": selector, "template": labelled},
    });
    let mut created = Set { object, stored: None };
    take_over(deployment, &mut created.object);
    created.annotate(REVISION, work.sets.iter().map(Set::revision).max().unwrap_or(0) + 1);
    let (desired, max) = sizes::promised(deployment);
    created.annotate(DESIRED, desired);
    created.annotate(MAX, max);
    let message = format!("Created new replica set \"{}\"", name(&created.object));
    work.new = Some(work.sets.len());
    work.sets.push(created);
    status::progress(work, "True", "NewReplicaSetCreated", &message);
}

/// Ends every old pod before the first new one.
fn recreate(work: &mut Work<'_>, pods: &[Arc<Value>]) {
    renumber(work);
    if sizes::drain_old(work) {
        return;
    }
    let is_old = |pod: &Arc<Value>| {
        let owner = controller_of(pod).map_or("", |owner| text(owner, &["uid"]));
        let owned_by = work.sets.iter().position(|set| uid(&set.object) == owner);
        owned_by.is_some_and(|index| Some(index) != work.new)
    };
    let has_ended = |pod: &Value| matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
    if pods.iter().any(|pod| is_old(pod) && !has_ended(pod)) {
        return;
    }
    renumber_or_create(work);
    sizes::grow_new(work);
}

/// Writes the new ReplicaSet's revision beside the Deployment's own annotations.
fn revision(work: &Work<'_>) -> Option<Write> {
    let revision = work.sets[work.new?].revision().to_string();
    let known = text(work.deployment, &["metadata", "annotations", REVISION]);
    (known != revision).then(|| Write::Revision { key: Key::of(work.deployment), revision })
}

/// Removes old ReplicaSets beyond the history limit once the Deployment is complete.
fn clean_up(work: &Work<'_>) -> Vec<Write> {
    let limit = at(work.deployment, &["spec", "revisionHistoryLimit"]).as_u64().unwrap_or(10);
    let is_idle = |set: &&Set| {
        let generation = at(&set.object, &["metadata", "generation"]).as_i64().unwrap_or(0);
        set.replicas() == 0
            && set.counted("replicas") == 0
            && set.counted("observedGeneration") >= generation
            && !is_terminating(&set.object)
    };
    let old = work.sets.iter().enumerate().filter(|(index, _)| Some(*index) != work.new).map(|(_, set)| set);
    let mut old: Vec<&Set> = old.collect();
    old.sort_by_key(|set| set.revision());
    let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    let is_complete = status::is_complete(work.deployment, at(work.deployment, &["status"]));
    let going = old.into_iter().take(surplus).filter(is_idle).filter(|_| is_complete);
    let delete = |set: &Set| Write::Delete {
        resource: "replicasets.apps".to_owned(),
        key: Key::of(&set.object),
        options: json!({"preconditions": {"uid": uid(&set.object)}, "propagationPolicy": "Background"}),
    };
    going.map(delete).collect()
}

/// A name for a template. Kubernetes hashes Go's memory; only the form is the same here.
fn hash(template: &Value) -> String {
    const CHARACTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let hash = sorted(template)
        .to_string()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let digits = hash.to_string();
    digits.bytes().map(|byte| char::from(CHARACTERS[usize::from(byte) % CHARACTERS.len()])).collect()
}

/// The same value whatever the order of its members.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut members: Vec<(String, Value)> =
                fields.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
