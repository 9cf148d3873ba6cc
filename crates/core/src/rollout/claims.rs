//! Which ReplicaSets belong to the Rollout: adoption of those without a controller, release of those it no longer selects.

use serde_json::{Value, json};

use super::revisions::owner_reference;
use super::view::View;
use crate::plan::{Plan, Purpose, Request, Write};
use crate::report::Wait;
use crate::snapshot::{Observed, ReplicaSet, Snapshot};

/// A ReplicaSet without a controller could be adopted; that must be proven against the live Rollout first.
pub(super) fn wants_to_adopt(snapshot: &Snapshot) -> bool {
    let lent = || snapshot.workload.found()?.selector.as_ref();
    let selector = snapshot.rollout.spec.selector.as_ref().or_else(lent);
    let Some(selector) = selector.filter(|selector| !selector.is_empty()) else { return false };
    candidates(snapshot).any(|rs| is_orphan(rs) && selector.matches(&rs.metadata.labels))
}

fn candidates(snapshot: &Snapshot) -> impl Iterator<Item = &ReplicaSet> {
    snapshot.replica_sets.iter().chain(snapshot.live_replica_sets.values().filter_map(Observed::found))
}

fn is_orphan(rs: &ReplicaSet) -> bool {
    rs.metadata.controller_uid().is_none() && rs.metadata.deletion_timestamp.is_none()
}

/// A live look has found the Rollout gone, or another one of its name: nothing may be written for it any more.
pub(super) fn gone(snapshot: &Snapshot) -> Option<Wait> {
    let metadata = &snapshot.rollout.metadata;
    let found = match &snapshot.live_uid {
        Observed::Unread => return None,
        Observed::Found(uid) if *uid == metadata.uid => return None,
        Observed::Found(uid) => uid.as_str(),
        Observed::Missing => "none",
    };
    let (namespace, name, uid) = (&metadata.namespace, &metadata.name, &metadata.uid);
    Some(Wait {
        object: format!("Rollout/{name}"),
        field: "metadata.uid".into(),
        because: format!("original Rollout {namespace}/{name} is gone: got uid {found}, wanted {uid}"),
        since: None,
        until: "the watch has caught up".into(),
    })
}

/// Adopts and releases; a pass of its own.
pub(super) fn claim(view: &View<'_>) -> Option<Plan> {
    let selector = view.selector?;
    let uid = &view.rollout().metadata.uid;
    let is_alive = view.snapshot.live_uid.found().is_some();
    let mut writes: Vec<Write> = Vec::new();
    for rs in candidates(view.snapshot) {
        let matches = selector.matches(&rs.metadata.labels);
        let write = if is_orphan(rs) && matches && is_alive {
            Some(adopt(view, rs))
        } else if rs.metadata.controller_uid() == Some(uid) && !matches {
            Some(release(view, rs))
        } else {
            None
        };
        writes.extend(write.filter(|write| !writes.iter().any(|other| other.object == write.object)));
    }
    (!writes.is_empty()).then(|| Plan { writes, ..Plan::default() })
}

fn adopt(view: &View<'_>, rs: &ReplicaSet) -> Write {
    let mut owners = json!(rs.metadata.owner_references);
    if let Value::Array(owners) = &mut owners {
        owners.push(owner_reference(view));
    }
    owners_patch(view, rs, &owners, Purpose::Adopt)
}

fn release(view: &View<'_>, rs: &ReplicaSet) -> Write {
    let uid = &view.rollout().metadata.uid;
    let owners: Vec<_> = rs.metadata.owner_references.iter().filter(|owner| owner.uid != *uid).collect();
    owners_patch(view, rs, &json!(owners), Purpose::Release)
}

fn owners_patch(view: &View<'_>, rs: &ReplicaSet, owners: &Value, purpose: Purpose) -> Write {
    Write {
        object: view.object("ReplicaSet", &rs.metadata.name),
        request: Request::MergePatch {
            body: json!({"metadata": {"uid": rs.metadata.uid, "ownerReferences": owners}}),
            resource_version: rs.metadata.resource_version.clone(),
            subresource: None,
        },
        purpose,
        events: Vec::new(),
    }
}
