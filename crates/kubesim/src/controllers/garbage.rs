//! The garbage collector and the namespace controller.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Write;
use crate::json::{at, is_terminating, list, namespace, text, uid};
use crate::resources::Registry;
use crate::store::{Key, Place, Store};
use crate::verbs::delete::{FOREGROUND, ORPHAN};

/// What is to be done about one object: follow its owners, or wait for its dependents.
pub(crate) fn collect(store: &Store, registry: &Registry, (resource, key): &Place) -> Vec<Write> {
    let Some(object) = store.get(resource, key) else { return Vec::new() };
    if is_terminating(object) {
        if resource == "namespaces" {
            return empty_namespace(store, registry, key);
        }
        let finalizers = list(object, &["metadata", "finalizers"]);
        if finalizers.iter().any(|finalizer| finalizer == ORPHAN) {
            return orphan_dependents(store, resource, key, object);
        }
        if finalizers.iter().any(|finalizer| finalizer == FOREGROUND) {
            return await_dependents(store, resource, key, object);
        }
        return Vec::new();
    }
    follow_owners(store, registry, resource, key, object)
}

/// What has become of an owner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Present,
    Gone,
    /// It is being deleted and waits for this object.
    Waiting,
}

fn fate(store: &Store, registry: &Registry, object: &Value, owner: &Value) -> Owner {
    // A kind that is not served cannot be looked up, so nothing is concluded from its absence.
    if registry.of_kind(text(owner, &["apiVersion"]), text(owner, &["kind"])).is_none() {
        return Owner::Present;
    }
    let place = store.place_of(text(owner, &["uid"]));
    let found = place
        .filter(|(_, key)| key.namespace.is_empty() || key.namespace == namespace(object))
        .and_then(|(resource, key)| store.get(resource, key));
    let blocks = owner.get("blockOwnerDeletion") == Some(&Value::Bool(true));
    match found {
        None => Owner::Gone,
        Some(owner) if blocks && is_terminating(owner) && has_finalizer(owner, FOREGROUND) => Owner::Waiting,
        Some(_) => Owner::Present,
    }
}

fn has_finalizer(object: &Value, name: &str) -> bool {
    list(object, &["metadata", "finalizers"]).iter().any(|finalizer| finalizer == name)
}

fn follow_owners(
    store: &Store,
    registry: &Registry,
    resource: &str,
    key: &Key,
    object: &Arc<Value>,
) -> Vec<Write> {
    let owners = list(object, &["metadata", "ownerReferences"]);
    let fates: Vec<Owner> = owners.iter().map(|owner| fate(store, registry, object, owner)).collect();
    if fates.iter().all(|fate| *fate == Owner::Present) {
        return Vec::new();
    }
    if fates.contains(&Owner::Present) {
        let kept = owners.iter().zip(&fates).filter(|(_, fate)| **fate == Owner::Present);
        let kept: Vec<Value> = kept.map(|(owner, _)| owner.clone()).collect();
        let patch = json!({"metadata": {"uid": uid(object), "ownerReferences": kept}});
        return vec![Write::Merge { resource: resource.to_owned(), key: key.clone(), patch }];
    }
    let has_dependents = store.dependents_of(uid(object)).next().is_some();
    let waits = fates.contains(&Owner::Waiting) && has_dependents;
    vec![delete(resource, key, object, if waits { "Foreground" } else { "Background" })]
}

fn delete(resource: &str, key: &Key, object: &Value, propagation: &str) -> Write {
    let options = json!({"preconditions": {"uid": uid(object)}, "propagationPolicy": propagation});
    Write::Delete { resource: resource.to_owned(), key: key.clone(), options }
}

fn without_finalizer(resource: &str, key: &Key, object: &Value, name: &str) -> Write {
    let mut finalizers = list(object, &["metadata", "finalizers"]).to_vec();
    finalizers.retain(|finalizer| finalizer != name);
    let patch = json!({"metadata": {"uid": uid(object), "finalizers": finalizers}});
    Write::Merge { resource: resource.to_owned(), key: key.clone(), patch }
}

fn orphan_dependents(store: &Store, resource: &str, key: &Key, object: &Value) -> Vec<Write> {
    let mut writes = Vec::new();
    for (resource, key) in store.dependents_of(uid(object)) {
        let Some(dependent) = store.get(resource, key) else { continue };
        let mut owners = list(dependent, &["metadata", "ownerReferences"]).to_vec();
        owners.retain(|owner| text(owner, &["uid"]) != uid(object));
        let patch = json!({"metadata": {"uid": uid(dependent), "ownerReferences": owners}});
        writes.push(Write::Merge { resource: resource.clone(), key: key.clone(), patch });
    }
    writes.push(without_finalizer(resource, key, object, ORPHAN));
    writes
}

fn await_dependents(store: &Store, resource: &str, key: &Key, object: &Value) -> Vec<Write> {
    let mut writes = Vec::new();
    let mut is_blocked = false;
    for (resource, key) in store.dependents_of(uid(object)) {
        let Some(dependent) = store.get(resource, key) else { continue };
        let owners = list(dependent, &["metadata", "ownerReferences"]);
        is_blocked |= owners.iter().any(|owner| {
            text(owner, &["uid"]) == uid(object) && at(owner, &["blockOwnerDeletion"]) == &Value::Bool(true)
        });
        if !is_terminating(dependent) && owners.len() == 1 {
            let has_dependents = store.dependents_of(uid(dependent)).next().is_some();
            let propagation = if has_dependents { "Foreground" } else { "Background" };
            writes.push(delete(resource, key, dependent, propagation));
        }
    }
    if !is_blocked {
        writes.push(without_finalizer(resource, key, object, FOREGROUND));
    }
    writes
}

/// Deletes what a terminating namespace holds, and ends it when it holds nothing.
fn empty_namespace(store: &Store, registry: &Registry, key: &Key) -> Vec<Write> {
    let mut writes = Vec::new();
    let mut is_empty = true;
    for resource in
        store.resources().filter(|id| registry.named(id).is_some_and(|resource| resource.namespaced))
    {
        for (key, object) in store.list(resource, Some(&key.name)) {
            is_empty = false;
            if !is_terminating(object) {
                writes.push(delete(resource, key, object, "Background"));
            }
        }
    }
    if is_empty {
        writes.push(Write::Finalize { key: key.clone() });
    }
    writes
}
