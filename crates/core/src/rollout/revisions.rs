//! ReplicaSets over time: creation, revision numbers, annotations, and the removal of old ones.

use serde_json::{Map, Value, json};
use tidegate_api::labels;
use tidegate_api::rollout::{API_VERSION, KIND, reason};

use super::affinity;
use super::roles;
use super::sizes;
use super::view::View;
use crate::plan::{Event, Plan, Purpose, Request, Write};
use crate::report::{Report, Wait};
use crate::snapshot::{Need, Observed, ReplicaSet};

/// A ReplicaSet for the wanted template, where there is none, with as many pods as it may have beside what runs.
///
/// A pass of its own, unless it has failed before: then the present version is looked after first.
pub(super) fn create(view: &View<'_>) -> Option<Plan> {
    let template = view.template.filter(|_| view.new.is_none() || view.create_failed)?;
    let rollout = view.rollout();
    let name = format!("{}-{}", rollout.metadata.name, view.wanted_hash);
    if let Some(Observed::Found(holder)) = view.snapshot.live_replica_sets.get(&name) {
        return Some(if is_predecessors(view, holder) { after_garbage(holder) } else { collision(view) });
    }
    if view.snapshot.made.as_ref() == Some(&name) && view.snapshot.live_uid == Observed::Unread {
        // What is made for a Rollout that is gone is collected at once, and would be made again and again.
        return Some(Plan { needs: vec![Need::LiveUid], ..Plan::default() });
    }
    let size = sizes::first_size(view);
    let revision = next_revision(view, None);
    let text = format!("Created ReplicaSet {name} (revision {revision})");
    let mut events = vec![Event::normal(reason::NEW_REPLICA_SET_CREATED, text)];
    events.extend(sizes::scaling_event((&name, revision), 0, size));
    let write = Write {
        object: view.object("ReplicaSet", &name),
        request: Request::Create { body: manifest(view, &name, template, size) },
        purpose: Purpose::CreateReplicaSet,
        events,
    };
    Some(Plan {
        writes: vec![write],
        basis: Some(Box::new(rollout.clone())),
        decided_at: Some(view.now),
        ..Plan::default()
    })
}

/// The holder of the name belongs to an earlier Rollout of our name, and goes with it.
fn is_predecessors(view: &View<'_>, holder: &ReplicaSet) -> bool {
    let ours = &view.rollout().metadata;
    let mut owners = holder.metadata.owner_references.iter();
    owners.any(|owner| {
        owner.controller == Some(true)
            && owner.kind == KIND
            && owner.name == ours.name
            && owner.uid != ours.uid
    })
}

/// Another hash would only hide that the old object is on its way out.
fn after_garbage(holder: &ReplicaSet) -> Plan {
    let wait = Wait {
        object: format!("ReplicaSet/{}", holder.metadata.name),
        field: "metadata.ownerReferences".into(),
        because: "it belongs to a deleted Rollout of the same name".into(),
        since: None,
        until: "it has been garbage-collected".into(),
    };
    Plan { retry: true, report: Report::because(wait), ..Plan::default() }
}

/// The name is taken by a ReplicaSet that is not ours: the next try uses another hash.
fn collision(view: &View<'_>) -> Plan {
    let rollout = view.rollout();
    let count = rollout.status.collision_count.unwrap_or(0) + 1;
    let write = Write {
        object: view.object("Rollout", &rollout.metadata.name),
        request: Request::MergePatch {
            body: json!({"status": {"collisionCount": count}}),
            resource_version: rollout.metadata.resource_version.clone(),
            subresource: Some(crate::plan::Subresource::Status),
        },
        purpose: Purpose::Status,
        events: Vec::new(),
    };
    Plan { writes: vec![write], ..Plan::default() }
}

fn manifest(view: &View<'_>, name: &str, template: &Value, size: i32) -> Value {
    let rollout = view.rollout();
    let hash = &view.wanted_hash;
    let mut template = template.clone();
    template["metadata"]["labels"][labels::POD_TEMPLATE_HASH] = json!(hash);
    let own_labels = template["metadata"]["labels"].clone();
    affinity::inject(view, &mut template);
    let carried = roles::inject(view, &mut template);
    let mut selector = json!(view.selector);
    selector["matchLabels"][labels::POD_TEMPLATE_HASH] = json!(hash);
    let mut annotations: Map<String, Value> = copied_annotations(view);
    annotations.insert(labels::REVISION.into(), next_revision(view, None).to_string().into());
    annotations.insert(labels::DESIRED_REPLICAS.into(), view.replicas.to_string().into());
    annotations.extend(carried.map(|carried| (labels::EPHEMERAL_METADATA.to_owned(), carried.into())));
    let mut spec = json!({"replicas": size, "selector": selector, "template": template});
    if rollout.spec.min_ready_seconds != 0 {
        spec["minReadySeconds"] = json!(rollout.spec.min_ready_seconds);
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": rollout.metadata.namespace,
            "labels": own_labels,
            "annotations": annotations,
            "ownerReferences": [owner_reference(view)],
        },
        "spec": spec,
    })
}

pub(super) fn owner_reference(view: &View<'_>) -> Value {
    let metadata = &view.rollout().metadata;
    json!({
        "apiVersion": API_VERSION, "kind": KIND, "name": metadata.name, "uid": metadata.uid,
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// The Rollout's annotations that its newest ReplicaSet carries too.
fn copied_annotations(view: &View<'_>) -> Map<String, Value> {
    let annotations = view.rollout().metadata.annotations.iter();
    annotations
        .filter(|(key, _)| !labels::NOT_COPIED_TO_REPLICA_SETS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
        .collect()
}

/// One more than every ReplicaSet besides `new` has.
fn next_revision(view: &View<'_>, new: Option<&ReplicaSet>) -> i64 {
    let older = view.owned.iter().filter(|rs| new.is_none_or(|new| new.metadata.uid != rs.metadata.uid));
    older.filter_map(|rs| rs.revision()).max().unwrap_or(0) + 1
}

/// A ReplicaSet that comes into use again gets the next revision, and remembers its earlier ones. A pass of its own:
/// the texts of what follows carry the number.
pub(super) fn renumber(view: &View<'_>) -> Option<Plan> {
    let new = view.new?;
    let annotations = &new.metadata.annotations;
    let wanted = next_revision(view, Some(new));
    let current = annotations.get(labels::REVISION);
    if current.is_some() && new.revision().is_none_or(|current| current >= wanted) {
        return None;
    }
    let mut patch = json!({labels::REVISION: wanted.to_string()});
    if let Some(current) = current {
        let history = match annotations.get(labels::REVISION_HISTORY) {
            Some(history) => format!("{history},{current}"),
            None => current.clone(),
        };
        patch[labels::REVISION_HISTORY] = json!(history);
    }
    let write = metadata_patch(view, new, json!({"metadata": {"annotations": patch}}));
    Some(Plan { writes: vec![write], ..Plan::default() })
}

/// The guarded patch of what a ReplicaSet says of itself.
pub(super) fn metadata_patch(view: &View<'_>, rs: &ReplicaSet, body: Value) -> Write {
    Write {
        object: view.object("ReplicaSet", &rs.metadata.name),
        request: Request::MergePatch {
            body,
            resource_version: rs.metadata.resource_version.clone(),
            subresource: None,
        },
        purpose: Purpose::Metadata,
        events: Vec::new(),
    }
}

/// What the new ReplicaSet takes over of the Rollout as it changes: annotations, minReadySeconds, anti-affinity.
pub(super) fn note(view: &View<'_>) -> Option<Write> {
    // Otherwise it runs another template than the spec's.
    let new = view.new.filter(|_| view.invalid.is_none() && !view.create_failed)?;
    let mut changed = copied_annotations(view);
    changed.retain(|key, value| new.metadata.annotations.get(key).map(String::as_str) != value.as_str());
    let min_ready_seconds = view.rollout().spec.min_ready_seconds;
    let mut patch = json!({});
    if !changed.is_empty() {
        patch["metadata"]["annotations"] = changed.into();
    }
    if min_ready_seconds != new.min_ready_seconds {
        patch["spec"]["minReadySeconds"] = json!(min_ready_seconds);
    }
    if let Some(affinity) = affinity::refreshed(view, new) {
        patch["spec"]["template"]["spec"]["affinity"] = affinity;
    }
    let is_empty = patch.as_object().is_none_or(Map::is_empty);
    (!is_empty).then(|| metadata_patch(view, new, patch))
}

/// The Rollout's revision is that of its newest ReplicaSet.
pub(super) fn note_revision(view: &View<'_>) -> Option<Write> {
    let new = view.new.filter(|_| view.invalid.is_none())?;
    let rollout = view.rollout();
    let revision = new.metadata.annotations.get(labels::REVISION)?;
    if rollout.metadata.annotations.get(labels::REVISION) == Some(revision) {
        return None;
    }
    Some(Write {
        object: view.object("Rollout", &rollout.metadata.name),
        request: Request::MergePatch {
            body: json!({"metadata": {"annotations": {labels::REVISION: revision}}}),
            resource_version: rollout.metadata.resource_version.clone(),
            subresource: None,
        },
        purpose: Purpose::Metadata,
        events: vec![Event::normal("RolloutUpdated", format!("Rollout updated to revision {revision}"))],
    })
}

/// Idle ReplicaSets beyond the history limit, oldest first. New and stable never count.
pub(super) fn clean_up(view: &View<'_>) -> Vec<Write> {
    if view.invalid.is_some() {
        return Vec::new();
    }
    let mut kept = view.others();
    kept.retain(|rs| rs.metadata.deletion_timestamp.is_none());
    kept.sort_by_key(|rs| rs.age_key());
    let limit = usize::try_from(view.rollout().spec.revision_history_limit_or_default()).unwrap_or(0);
    let excess = kept.len().saturating_sub(limit);
    kept.iter().filter(|rs| rs.is_idle()).take(excess).map(|rs| delete(view, rs)).collect()
}

fn delete(view: &View<'_>, rs: &ReplicaSet) -> Write {
    Write {
        object: view.object("ReplicaSet", &rs.metadata.name),
        request: Request::Delete {
            uid: rs.metadata.uid.clone(),
            resource_version: rs.metadata.resource_version.clone(),
        },
        purpose: Purpose::CleanUp,
        events: Vec::new(),
    }
}
