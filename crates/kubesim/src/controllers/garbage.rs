//! The garbage collector and the namespace controller.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Write;
use crate::json::{at, is_terminating, list, namespace, set, text, uid};
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
            return await_dependents(store, registry, resource, key, object);
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
    /// It is being deleted and waits for its dependents.
    Waiting,
}

/// Looks an owner up as a client would: by kind and name, in the namespace of what it owns. Nothing when it cannot be looked up:
/// then nothing is concluded from its absence.
fn fate(store: &Store, registry: &Registry, object: &Value, owner: &Value) -> Option<Owner> {
    let resource = registry.of_kind(text(owner, &["apiVersion"]), text(owner, &["kind"]))?;
    let namespace = if resource.namespaced { namespace(object) } else { "" };
    if resource.namespaced && namespace.is_empty() {
        return None;
    }
    let found = store.get(&resource.id, &Key::new(namespace, text(owner, &["name"])));
    Some(match found.filter(|found| uid(found) == text(owner, &["uid"])) {
        None => Owner::Gone,
        Some(found) if awaits_dependents(found) => Owner::Waiting,
        Some(_) => Owner::Present,
    })
}

fn has_finalizer(object: &Value, name: &str) -> bool {
    list(object, &["metadata", "finalizers"]).iter().any(|finalizer| finalizer == name)
}

fn awaits_dependents(object: &Value) -> bool {
    is_terminating(object) && has_finalizer(object, FOREGROUND)
}

fn follow_owners(
    store: &Store,
    registry: &Registry,
    resource: &str,
    key: &Key,
    object: &Arc<Value>,
) -> Vec<Write> {
    let owners = list(object, &["metadata", "ownerReferences"]);
    let fates: Option<Vec<Owner>> = owners.iter().map(|it| fate(store, registry, object, it)).collect();
    let Some(fates) = fates.filter(|fates| fates.iter().any(|fate| *fate != Owner::Present)) else {
        return Vec::new();
    };
    let owned_by = |owners: Vec<Value>| {
        let patch = json!({"metadata": {"uid": uid(object), "ownerReferences": owners}});
        Write::Merge { resource: resource.to_owned(), key: key.clone(), patch }
    };
    if fates.contains(&Owner::Present) {
        let kept = owners.iter().zip(&fates).filter(|(_, fate)| **fate == Owner::Present);
        return vec![owned_by(kept.map(|(owner, _)| owner.clone()).collect())];
    }
    let mut dependents =
        store.dependents_of(uid(object)).filter_map(|(resource, key)| store.get(resource, key)).peekable();
    if !fates.contains(&Owner::Waiting) || dependents.peek().is_none() {
        let propagation = match has_finalizer(object, ORPHAN) {
            true => "Orphan",
            false if has_finalizer(object, FOREGROUND) => "Foreground",
            false => "Background",
        };
        return vec![delete(resource, key, object, propagation)];
    }
    let mut writes = Vec::new();
    // In a circle each would wait for the other.
    if dependents.any(|dependent| awaits_dependents(dependent)) {
        let mut owners = owners.to_vec();
        owners.iter_mut().for_each(|owner| set(owner, &["blockOwnerDeletion"], false.into()));
        writes.push(owned_by(owners));
    }
    writes.push(delete(resource, key, object, "Foreground"));
    writes
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

/// Lets go of or deletes what the object owns, and the object when nothing blocks it.
fn await_dependents(
    store: &Store,
    registry: &Registry,
    resource: &str,
    key: &Key,
    object: &Value,
) -> Vec<Write> {
    let mut writes = Vec::new();
    let mut is_blocked = false;
    for (resource, key) in store.dependents_of(uid(object)) {
        let Some(dependent) = store.get(resource, key) else { continue };
        let owners = list(dependent, &["metadata", "ownerReferences"]);
        is_blocked |= owners.iter().any(|owner| {
            text(owner, &["uid"]) == uid(object) && at(owner, &["blockOwnerDeletion"]) == &Value::Bool(true)
        });
        if !is_terminating(dependent) {
            writes.extend(follow_owners(store, registry, resource, key, dependent));
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
