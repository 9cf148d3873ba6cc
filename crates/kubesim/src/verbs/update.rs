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
use crate::verbs::create::create;

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
const CONDITIONAL: [&str; 3] =
    ["leases.coordination.k8s.io", "poddisruptionbudgets.policy", crate::resources::CRDS];

/// Resources whose objects a PUT makes when there are none.
pub(crate) const CREATED_BY_PUT: [&str; 9] = [
    "clusterrolebindings.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "endpoints",
    "events",
    "leases.coordination.k8s.io",
    "limitranges",
    "rolebindings.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
    "services",
];

/// What a PUT led to.
pub(crate) enum Put {
    Created(Arc<Value>),
    Replaced(Arc<Value>),
}

/// Replaces an object by the body of a PUT, or makes it where its resource allows that. What is wrong with the body itself is told
/// before anybody looks for the object.
pub(crate) fn put(
    state: &mut State,
    call: &Call,
    resource: &Arc<Resource>,
    key: &Key,
    body: Value,
) -> Result<Put, ApiError> {
    admission::check_kind(&body, resource)?;
    let decoded = admission::decode(&mut body.clone(), resource)
        .map_err(|error| admission::undecodable(&error.to_string(), resource))?;
    if call.strictness.directive == Directive::Strict {
        let complaints = call.strictness.complaints(&decoded.unknown);
        if !complaints.is_empty() {
            let why = format!("strict decoding error: {}", complaints.join(", "));
            return Err(admission::undecodable(&why, resource));
        }
    }
    check_place(resource, key, &body)?;
    if state.find(resource, key).is_err() && CREATED_BY_PUT.contains(&resource.id.as_str()) {
        check_uid(resource, key, "", uid(&body))?;
        return create(state, call, resource, &key.namespace, body).map(Put::Created);
    }
    modify(state, call, resource, key, |_| Ok(body)).map(Put::Replaced)
}

/// 400, when the object says that it is another than the path's.
fn check_place(resource: &Resource, key: &Key, object: &Value) -> Result<(), ApiError> {
    let (given, wanted) = (name(object), &key.name);
    if given.is_empty() {
        let message = format!(
            "the name of the object ({wanted} based on URL) was undeterminable: name must be provided"
        );
        return Err(ApiError::bad_request(message));
    }
    if given != wanted {
        let message =
            format!("the name of the object ({given}) does not match the name on the URL ({wanted})");
        return Err(ApiError::bad_request(message));
    }
    if resource.namespaced && !namespace(object).is_empty() && namespace(object) != key.namespace {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}

/// 409, when a uid is asked for and the object has another one, or none because it is not there.
pub(crate) fn check_uid(resource: &Resource, key: &Key, current: &str, asked: &str) -> Result<(), ApiError> {
    if asked.is_empty() || asked == current {
        return Ok(());
    }
    let path = [resource.id.as_str(), &key.namespace, &key.name];
    let path: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{}, ResourceVersion: 0, AdditionalErrorMsg: \
         Precondition failed: UID in precondition: {asked}, UID in object meta: {current}",
        path.join("/"),
    );
    Err(ApiError::conflict(resource, &key.name, &why))
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
    let given_owners = ownership::Given::of(&desired);
    let is_strict = call.strictness.directive == Directive::Strict;
    let given = is_strict.then(|| desired.to_string());
    let refuse = |why: &str, desired: &Value| match call.verb {
        _ if call.applies => ownership::unconvertible(why, resource, key),
        "patch" => admission::unpatchable(why, given.clone().unwrap_or_else(|| desired.to_string()), call),
        _ => admission::undecodable(why, resource),
    };
    if call.verb == "patch" && !call.applies {
        check_patched_kind(call, resource, &desired).map_err(|fault| match fault {
            KindFault::Unpatchable(why) => refuse(&why, &desired),
            KindFault::Other(error) => error,
        })?;
    }
    let type_faults = admission::type_faults(&desired, resource);
    let decoded = admission::decode(&mut desired, resource)
        .map_err(|error| error.to_string())
        .and_then(|decoded| admission::complain(state, call, &decoded.unknown).map(|()| decoded))
        .map_err(|why| refuse(&why, &desired))?;
    check_preconditions(call, resource, key, [&current, &desired])?;
    let owners = ownership::track(state, call, resource, Some(&current), &desired, given_owners);
    let asked = at(&desired, &["metadata"]).clone();
    keep_fixed(&mut desired, &current, resource);
    let mut desired = written_part(call, resource, &current, desired);
    admission::keep_allocated(&mut desired, &current, resource);
    admission::default(&mut desired, resource);
    admission::default_for_update(state, &mut desired, &current, resource);
    if let Some(owners) = owners {
        set(&mut desired, &["metadata", "managedFields"], owners);
    }
    raise_generation(call, &mut desired, &current, resource);
    let mut frozen = changed_for_ever(call, resource, &asked, &current);
    frozen.extend(added_finalizers(&current, &desired));
    type_faults?;
    admission::validate(&desired, Some((&current, call)), resource, decoded, frozen)?;
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

/// Why the object that a patch made is not of its resource's kind.
enum KindFault {
    Unpatchable(String),
    Other(ApiError),
}

/// What a patch leaves out of its type is filled in, as far as the real server does that. Custom resources tell of another type when they
/// are validated.
fn check_patched_kind(call: &Call, resource: &Resource, patched: &Value) -> Result<(), KindFault> {
    // Strategic patches are merged into a value of the type.
    if !call.strictness.patch.is_empty() {
        return Ok(());
    }
    let (version, kind) = (text(patched, &["apiVersion"]), text(patched, &["kind"]));
    let fits = (version.is_empty() || version == resource.api_version())
        && (kind.is_empty() || kind == resource.kind);
    match resource.is_custom() {
        true if kind.is_empty() => Err(KindFault::Unpatchable("Object 'Kind' is missing".to_owned())),
        true if version.is_empty() => {
            let message = "Internal error occurred: Object 'apiVersion' is missing";
            Err(KindFault::Other(ApiError::new(500, "InternalError", message)))
        }
        false if version.is_empty() => {
            let message = "the name of the object was undeterminable: name must be provided";
            Err(KindFault::Other(ApiError::bad_request(message)))
        }
        false if !fits => {
            Err(KindFault::Unpatchable(format!("no kind \"{kind}\" is registered for version \"{version}\"")))
        }
        _ => Ok(()),
    }
}

fn check_preconditions(
    call: &Call,
    resource: &Resource,
    key: &Key,
    [current, desired]: [&Value; 2],
) -> Result<(), ApiError> {
    check_place(resource, key, desired)?;
    // In a patch a uid is no precondition, but a change of what cannot change.
    if call.verb != "patch" {
        check_uid(resource, key, uid(current), uid(desired))?;
    }
    let asked = text(desired, &["metadata", "resourceVersion"]);
    if asked.is_empty() {
        let is_conditional = resource.is_custom() || CONDITIONAL.contains(&resource.id.as_str());
        if is_conditional && call.verb == "update" && call.subresource != "scale" {
            let detail = "must be specified for an update";
            let cause = Cause::invalid("metadata.resourceVersion", &json!(0), detail);
            return Err(ApiError::invalid(&resource.group, &resource.plural, &key.name, &[cause]));
        }
    } else if asked.parse::<u64>().is_err() {
        let message = format!("strconv.ParseUint: parsing \"{asked}\": invalid syntax");
        return Err(ApiError::new(500, "", message));
    } else if asked != text(current, &["metadata", "resourceVersion"]) {
        return Err(ApiError::stale(resource, &key.name));
    }
    Ok(())
}

/// Metadata that was to be changed and never may be. Statuses of custom resources are written without their metadata.
fn changed_for_ever(call: &Call, resource: &Resource, asked: &Value, current: &Value) -> Vec<Cause> {
    if resource.is_custom() && call.subresource == "status" {
        return Vec::new();
    }
    let fixed: &[&str] = match resource.id.as_str() {
        // When it goes is settled; kubelets may say it of a pod that stays, and nobody listens.
        _ if is_terminating(current) => &["uid", "deletionGracePeriodSeconds"],
        "pods" if call.subresource == "status" => &["uid", "deletionGracePeriodSeconds"],
        _ => &["uid", "deletionTimestamp", "deletionGracePeriodSeconds"],
    };
    let differs = |key: &&str| {
        let asked = at(asked, &[key]);
        !asked.is_null() && asked != "" && asked != at(current, &["metadata", key])
    };
    let refuse = |key: &str| {
        let detail = match key {
            "deletionGracePeriodSeconds" => "field is immutable; may only be changed via deletion",
            _ => "field is immutable",
        };
        Cause::invalid(&format!("metadata.{key}"), at(asked, &[key]), detail)
    };
    fixed.iter().copied().filter(differs).map(refuse).collect()
}

/// Takes over what an update cannot change.
fn keep_fixed(desired: &mut Value, current: &Value, resource: &Resource) {
    for key in FIXED_METADATA.into_iter().chain(["resourceVersion", "selfLink"]) {
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
        let from_desired: &[&str] = match resource.id.as_str() {
            _ if resource.is_custom() => &[],
            "deployments.apps" => &["annotations", "finalizers", "generateName", "ownerReferences"],
            "pods" => &["annotations", "finalizers", "generateName", "labels"],
            _ => &["annotations", "finalizers", "generateName", "labels", "ownerReferences"],
        };
        for key in from_desired {
            set(&mut object, &["metadata", key], at(&desired, &["metadata", key]).clone());
        }
        (object, at(&desired, &["status"]).clone())
    } else {
        (desired, at(current, &["status"]).clone())
    };
    set(&mut object, &["status"], status);
    object
}

/// Finalizers that a deleted object was to get.
fn added_finalizers(current: &Value, desired: &Value) -> Option<Cause> {
    if !is_terminating(current) {
        return None;
    }
    let before = list(current, &["metadata", "finalizers"]);
    let added: Vec<String> = list(desired, &["metadata", "finalizers"])
        .iter()
        .filter(|finalizer| !before.contains(finalizer))
        .map(Value::to_string)
        .collect();
    if added.is_empty() {
        return None;
    }
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        added.join(", ")
    );
    Some(Cause::forbidden("metadata.finalizers", &detail))
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
        let generation = at(current, &["metadata", "generation"]).as_i64().unwrap_or(0).saturating_add(1);
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
