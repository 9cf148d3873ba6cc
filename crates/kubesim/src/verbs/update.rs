//! update and patch: preconditions, what may change, generation, and no-op writes.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::admission;
use crate::field::Cause;
use crate::json::{at, fields, is_terminating, list, name, namespace, set, text, uid};
use crate::ownership;
use crate::resources::Resource;
use crate::state::{Call, State};
use crate::status::ApiError;
use crate::store::Key;
use crate::strict::Directive;

/// Metadata that an update cannot change.
const FIXED_METADATA: [&str; 7] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
];

/// Resources that refuse an update without a resourceVersion, besides all custom ones.
const CONDITIONAL: [&str; 2] = ["leases.coordination.k8s.io", crate::resources::CRDS];

/// The body of a PUT as the desired object.
pub(crate) fn replacement(resource: &Resource, current: &Value, body: Value) -> Result<Value, ApiError> {
    admission::check_kind(&body, resource)?;
    let (given, wanted) = (name(&body), name(current));
    if given != wanted {
        let message = if given.is_empty() {
            "name must be provided".to_owned()
        } else {
            format!("the name of the object ({given}) does not match the name on the URL ({wanted})")
        };
        return Err(ApiError::bad_request(message));
    }
    let is_unconditional = text(&body, &["metadata", "resourceVersion"]).is_empty();
    if is_unconditional && (resource.is_custom() || CONDITIONAL.contains(&resource.id.as_str())) {
        let cause = Cause::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
        return Err(ApiError::invalid(&resource.group, &resource.plural, wanted, &[cause]));
    }
    Ok(body)
}

/// Replaces an object by what `change` makes of it; `call.subresource` says which part may change.
pub(crate) fn modify(
    state: &mut State,
    call: &Call,
    resource: &Arc<Resource>,
    key: &Key,
    change: impl FnOnce(&Value) -> Result<Value, ApiError>,
) -> Result<Arc<Value>, ApiError> {
    let current = state.find(resource, key)?;
    let mut desired = change(&current)?;
    check_preconditions(call, resource, key, [&current, &desired])?;
    let given_owners = ownership::Given::of(&desired);
    let is_strict = call.strictness.directive == Directive::Strict;
    let given = is_strict.then(|| desired.to_string());
    let refuse = |why: &str, desired: &Value| match call.verb {
        _ if call.applies => ownership::unconvertible(why, resource, key),
        "patch" => admission::unpatchable(why, given.clone().unwrap_or_else(|| desired.to_string()), call),
        _ => admission::undecodable(why, resource),
    };
    let decoded = admission::decode(&mut desired, resource)
        .map_err(|error| error.to_string())
        .and_then(|decoded| admission::complain(state, call, &decoded.unknown).map(|()| decoded))
        .map_err(|why| refuse(&why, &desired))?;
    let owners = ownership::track(state, call, resource, Some(&current), &desired, given_owners);
    keep_fixed(&mut desired, &current, resource);
    let mut desired = written_part(call, resource, &current, desired);
    admission::default(&mut desired, resource);
    if let Some(owners) = owners {
        set(&mut desired, &["metadata", "managedFields"], owners);
    }
    check_finalizers(resource, &current, &desired)?;
    raise_generation(call, &mut desired, &current, resource);
    admission::validate(&desired, Some(&current), resource, decoded)?;
    if state.field_ownership {
        ownership::keep_times(&mut desired, &current);
    }
    if desired == *current {
        return Ok(current);
    }
    if call.dry_run {
        return Ok(Arc::new(desired));
    }
    if is_released(&desired) {
        state.commit(call, resource, key, None);
        return Ok(Arc::new(desired));
    }
    Ok(state.commit(call, resource, key, Some(desired)))
}

fn check_preconditions(
    call: &Call,
    resource: &Resource,
    key: &Key,
    [current, desired]: [&Value; 2],
) -> Result<(), ApiError> {
    let asked = text(desired, &["metadata", "resourceVersion"]);
    if !asked.is_empty() && asked != text(current, &["metadata", "resourceVersion"]) {
        return Err(ApiError::stale(resource, &key.name));
    }
    let asked = uid(desired);
    if !asked.is_empty() && asked != uid(current) {
        if call.verb == "patch" {
            // No precondition there, but a change of what cannot change.
            let cause = Cause::invalid("metadata.uid", &json!(asked), "field is immutable");
            return Err(ApiError::invalid(&resource.group, &resource.kind, &key.name, &[cause]));
        }
        let path = [resource.id.as_str(), &key.namespace, &key.name];
        let path: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{}, ResourceVersion: 0, AdditionalErrorMsg: \
             Precondition failed: UID in precondition: {asked}, UID in object meta: {}",
            path.join("/"),
            uid(current)
        );
        return Err(ApiError::conflict(resource, &key.name, &why));
    }
    if name(desired) != key.name {
        let message = format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            name(desired),
            key.name
        );
        return Err(ApiError::bad_request(message));
    }
    if resource.namespaced && !namespace(desired).is_empty() && namespace(desired) != key.namespace {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}

/// Takes over what an update cannot change.
fn keep_fixed(desired: &mut Value, current: &Value, resource: &Resource) {
    for key in FIXED_METADATA.into_iter().chain(["resourceVersion"]) {
        set(desired, &["metadata", key], at(current, &["metadata", key]).clone());
    }
    let desired = fields(desired);
    desired.insert("apiVersion".to_owned(), resource.stored_api_version().into());
    desired.insert("kind".to_owned(), resource.kind.clone().into());
}

/// Of `desired` what this endpoint writes, and of `current` the rest.
fn written_part(call: &Call, resource: &Resource, current: &Value, desired: Value) -> Value {
    if !resource.status {
        return desired;
    }
    let (mut object, status) = if call.subresource == "status" {
        let mut object = current.clone();
        if resource.is("deployments.apps") {
            // Its controller writes the revision there together with the status.
            let annotations = ["metadata", "annotations"];
            set(&mut object, &annotations, at(&desired, &annotations).clone());
        }
        (object, at(&desired, &["status"]).clone())
    } else {
        (desired, at(current, &["status"]).clone())
    };
    set(&mut object, &["status"], status);
    object
}

fn check_finalizers(resource: &Resource, current: &Value, desired: &Value) -> Result<(), ApiError> {
    if !is_terminating(current) {
        return Ok(());
    }
    let before = list(current, &["metadata", "finalizers"]);
    let added: Vec<String> = list(desired, &["metadata", "finalizers"])
        .iter()
        .filter(|finalizer| !before.contains(finalizer))
        .map(Value::to_string)
        .collect();
    if added.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        added.join(", ")
    );
    let cause = Cause::forbidden("metadata.finalizers", &detail);
    Err(ApiError::invalid(&resource.group, &resource.kind, name(current), &[cause]))
}

/// Raises `metadata.generation` when anything but metadata and status changed.
fn raise_generation(call: &Call, desired: &mut Value, current: &Value, resource: &Resource) {
    let status_counts = !resource.status;
    let differs = |key: &String| {
        let is_apart =
            matches!(key.as_str(), "metadata" | "apiVersion" | "kind") || (key == "status" && !status_counts);
        !is_apart && desired.get(key) != current.get(key)
    };
    let keys = |object: &Value| object.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
    let mut changed = [keys(desired), keys(current)].into_iter().flatten().flatten().any(|key| differs(&key));
    // Deployments count their annotations in, so that a rollback's annotation is observed.
    let annotations = ["metadata", "annotations"];
    let is_deployment = resource.is("deployments.apps") && call.subresource != "status";
    changed |= is_deployment && at(desired, &annotations) != at(current, &annotations);
    if changed && resource.generation {
        let generation = at(current, &["metadata", "generation"]).as_i64().unwrap_or(0) + 1;
        set(desired, &["metadata", "generation"], generation.into());
    }
}

/// Whether nothing holds a deleted object any more.
fn is_released(object: &Value) -> bool {
    is_terminating(object)
        && list(object, &["metadata", "finalizers"]).is_empty()
        && at(object, &["metadata", "deletionGracePeriodSeconds"]).as_i64().unwrap_or(0) == 0
        && list(object, &["spec", "finalizers"]).is_empty()
}
