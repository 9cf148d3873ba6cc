//! Which objects are whose to touch.

use serde::Deserialize;
use serde_json::Value;
use tidegate_api::labels;
use tidegate_api::rollout::Rollout;
use tidegate_core::invariants::{self, Permission, Touch, Violation};
use tidegate_kubesim::Change;

use super::{Record, text};

impl Record {
    /// Notes what a Rollout names as it stands now.
    pub(super) fn permit(&mut self, object: &Value) {
        let Ok(rollout) = Rollout::deserialize(object) else { return };
        let (namespace, uid) = (&rollout.metadata.namespace, &rollout.metadata.uid);
        let known = self.permissions.iter_mut().find(|(_, permission)| permission.uid == *uid);
        match known {
            Some((_, permission)) => permission.extend(&rollout),
            None => {
                let mut permission = Permission::default();
                permission.extend(&rollout);
                self.permissions.push((namespace.clone(), permission));
            }
        }
    }

    /// I9, whatever the object.
    pub(super) fn foreign_touch(&self, change: &Change, kind: &str) -> Option<Violation> {
        let (before, after) = (change.before.as_deref(), change.after.as_deref());
        let object = after.or(before)?;
        // A Service that is let go does not say any more whose it was.
        let marked = before.filter(|_| kind == "Service").unwrap_or(object);
        let permission = self.permission_for(marked, kind).cloned();
        // Somebody may have taken it from us while the write was under way.
        let replica_set = controller_of(object, "ReplicaSet").unwrap_or(&object["metadata"]);
        let name = text(&replica_set["name"]);
        let key = ("ReplicaSet".to_owned(), change.namespace.clone(), name);
        let taken = self.taken.get(&key);
        let is_taken = taken.is_some_and(|at| change.time.duration_since(*at) <= self.unknown());
        if is_taken && permission.is_none() {
            return None;
        }
        let permission = permission.unwrap_or_default();
        let is_eviction = change.resource.ends_with("/eviction");
        invariants::touches_only_ours(&permission, Touch { before, after, is_eviction })
    }

    /// The permission under which an object may be written.
    pub(super) fn permission_for(&self, object: &Value, kind: &str) -> Option<&Permission> {
        let (namespace, name) = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
        let local = || self.permissions.iter().rev().filter(|(of, _)| *of == namespace).map(|(_, it)| it);
        match kind {
            "Service" => {
                let owner = text(&object["metadata"]["annotations"][labels::MANAGED_BY_ROLLOUTS]);
                let naming = || local().filter(|permission| permission.services.contains(&name));
                naming().find(|permission| permission.name == owner).or_else(|| naming().next())
            }
            "Deployment" => local().find(|permission| permission.deployments.contains(&name)),
            "Pod" => {
                let owner = self.owner_of(object, "ReplicaSet")?;
                self.permission_for(owner, "ReplicaSet")
            }
            _ => {
                let uid = invariants::controller(object)?;
                local().find(|permission| permission.uid == uid)
            }
        }
    }

    /// The object of a kind that controls another.
    pub(super) fn owner_of(&self, object: &Value, kind: &str) -> Option<&Value> {
        let owner = controller_of(object, kind)?;
        let key = (kind.to_owned(), text(&object["metadata"]["namespace"]), text(&owner["name"]));
        self.objects.get(&key).map(|owner| &**owner)
    }

    /// Notes that a ReplicaSet was taken from its Rollout, or what another one had noted on the one that adopts it.
    pub(super) fn note_owner(&mut self, change: &Change) {
        let Some(before) = change.before.as_deref() else { return };
        let owner = |object: &Value| invariants::controller(object).map(str::to_owned);
        let (old, new) = (owner(before), change.after.as_deref().and_then(owner));
        if old == new {
            return;
        }
        if old.is_some() {
            let key = ("ReplicaSet".to_owned(), change.namespace.clone(), change.name.clone());
            self.taken.insert(key, change.time);
        }
        let adopters = self.permissions.iter_mut().filter(|(_, it)| Some(&it.uid) == new.as_ref());
        adopters.for_each(|(_, permission)| permission.note(before));
    }
}

/// The reference to the object of a kind that controls another, be it there or not.
fn controller_of<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["controller"] == true && owner["kind"] == kind)
}
