use serde_json::{Value, json};
use tidegate_api::labels;
use tidegate_api::template::{Injected, template_digest};

use super::{Operation, Patch, Target};
use crate::{OpError, field};

/// Goes back to the pod template of an earlier revision: the one before the newest with `to_revision` 0.
///
/// `replica_sets` may hold those of others too; what this Rollout controls counts. The template comes without what the
/// controller has put into it: the hash label, ephemeral metadata, its anti-affinity.
///
/// # Errors
/// When there is no such revision, or the template lives in an object of a kind that we do not know.
pub fn undo(rollout: &Value, replica_sets: &[Value], to_revision: i64) -> Result<Operation, OpError> {
    let name = field::text(rollout, "/metadata/name");
    let uid = field::text(rollout, "/metadata/uid");
    if name.is_empty() || uid.is_empty() {
        return Err(OpError::InvalidRollout);
    }
    let (revision, replica_set) = find(name, uid, replica_sets, to_revision)?;
    let template = restored_template(replica_set);
    if rollout.pointer("/spec/template").is_some_and(|current| is_same_template(current, &template)) {
        let message = format!("skipped rollback (current template already matches revision {revision})");
        return Ok(Operation::nothing(message));
    }
    let target = Target::of_template(rollout).map_err(|error| match error {
        OpError::UnsupportedWorkload(kind) => OpError::UnsupportedUndo { revision: to_revision, kind },
        other => other,
    })?;
    let replace = json!({ "op": "replace", "path": target.kind.template_path(), "value": template });
    Ok(Operation {
        patches: vec![Patch::json(target, vec![replace])],
        message: format!("rollout '{name}' undo"),
    })
}

fn find<'a>(
    rollout: &str,
    uid: &str,
    replica_sets: &'a [Value],
    to_revision: i64,
) -> Result<(i64, &'a Value), OpError> {
    let mut history: Vec<(i64, &Value)> = replica_sets
        .iter()
        .filter(|replica_set| field::is_controlled_by(replica_set, uid))
        .filter_map(|replica_set| Some((field::revision(replica_set)?, replica_set)))
        .collect();
    history.sort_by_key(|(revision, _)| *revision);
    let found = match to_revision {
        ..0 => None,
        0 => history.len().checked_sub(2).map(|previous| history[previous]),
        _ => history.iter().rfind(|(revision, _)| *revision == to_revision).copied(),
    };
    found.ok_or_else(|| {
        if to_revision > 0 {
            let known = history.iter().map(|(revision, _)| *revision).collect();
            OpError::NoSuchRevision { revision: to_revision, known }
        } else {
            OpError::NoRevision(rollout.to_owned())
        }
    })
}

/// Whether both ask for the same pods, whatever the API server or the controller has filled in.
fn is_same_template(a: &Value, b: &Value) -> bool {
    template_digest(a, &Injected::default()) == template_digest(b, &Injected::default())
}

/// The pod template of a ReplicaSet without what the controller has put into it. What the API server has filled in stays.
fn restored_template(replica_set: &Value) -> Value {
    let mut template = replica_set.pointer("/spec/template").cloned().unwrap_or_default();
    let recorded = field::annotation(replica_set, labels::EPHEMERAL_METADATA).unwrap_or_default();
    let injected = Injected::recorded(recorded);
    remove_keys(&mut template, "labels", |key| {
        key == labels::POD_TEMPLATE_HASH || injected.labels.contains_key(key)
    });
    remove_keys(&mut template, "annotations", |key| injected.annotations.contains_key(key));
    remove_anti_affinity(&mut template);
    template
}

/// Removes labels or annotations, and the member that holds them once it is empty.
fn remove_keys(template: &mut Value, member: &str, is_injected: impl Fn(&str) -> bool) {
    let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let Some(entries) = metadata.get_mut(member).and_then(Value::as_object_mut) else { return };
    entries.retain(|key, _| !is_injected(key));
    if entries.is_empty() {
        metadata.remove(member);
    }
}

/// Removes the anti-affinity terms that select by the hash label, and the members that hold them once they are empty.
fn remove_anti_affinity(template: &mut Value) {
    for (list, term) in [
        ("requiredDuringSchedulingIgnoredDuringExecution", "/labelSelector/matchExpressions"),
        (
            "preferredDuringSchedulingIgnoredDuringExecution",
            "/podAffinityTerm/labelSelector/matchExpressions",
        ),
    ] {
        let path = format!("/spec/affinity/podAntiAffinity/{list}");
        let Some(terms) = template.pointer_mut(&path).and_then(Value::as_array_mut) else { continue };
        let before = terms.len();
        terms.retain(|entry| !field::list(entry, term).iter().any(selects_by_hash));
        if terms.is_empty() && before > 0 {
            remove_member(template, "/spec/affinity/podAntiAffinity", list);
        }
    }
}

fn selects_by_hash(expression: &Value) -> bool {
    field::text(expression, "/key") == labels::POD_TEMPLATE_HASH
}

/// Removes a member of the object at `path`, then that object itself and those above it, up to the pod spec, once empty.
fn remove_member(template: &mut Value, path: &str, member: &str) {
    let Some(object) = template.pointer_mut(path).and_then(Value::as_object_mut) else { return };
    object.remove(member);
    if object.is_empty()
        && let Some((above, name)) = path.rsplit_once('/').filter(|(above, _)| !above.is_empty())
    {
        remove_member(template, above, name);
    }
}

#[cfg(test)]
mod tests;
