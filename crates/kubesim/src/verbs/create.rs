//! create: identity, defaults, validation, then storing.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::admission;
use crate::json::{fields, is_terminating, name, namespace, set, text};
use crate::ownership;
use crate::resources::Resource;
use crate::state::{Call, State};
use crate::status::ApiError;
use crate::store::Key;

/// Attempts at a name that is not taken.
const NAME_ATTEMPTS: usize = 8;

/// Creates `object` and returns it as stored.
pub(crate) fn create(
    state: &mut State,
    call: &Call,
    resource: &Arc<Resource>,
    in_namespace: &str,
    mut object: Value,
) -> Result<Arc<Value>, ApiError> {
    admission::check_kind(&object, resource)?;
    check_request(&object, resource, in_namespace)?;
    let key = Key::new(in_namespace, name(&object));
    let refuse = |why: String| match call.applies {
        true => ownership::unconvertible(&why, resource, &key),
        false => admission::undecodable(&why, resource),
    };
    let given = ownership::Given::of(&object);
    let decoded = admission::decode(&mut object, resource).map_err(|error| refuse(error.to_string()))?;
    admission::complain(state, call, &decoded.unknown).map_err(refuse)?;
    check_namespace(state, resource, in_namespace)?;
    let version = text(&object, &["metadata", "resourceVersion"]).to_owned();
    let leaving = ["deletionTimestamp", "deletionGracePeriodSeconds"]
        .map(|key| (key, crate::json::at(&object, &["metadata", key]).clone()));
    let type_faults = admission::type_faults(&object, resource);
    identify(state, resource, in_namespace, &mut object);
    // Nodes tell of themselves.
    // Who makes a Service by writing its status owns that status, and gets one without addresses.
    let by_status = call.subresource == "status";
    if resource.status && !resource.is("nodes") && !by_status {
        fields(&mut object).remove("status");
    }
    if let Some(owners) = owners(state, call, resource, &object, (given, leaving)) {
        set(&mut object, &["metadata", "managedFields"], owners);
    }
    if by_status {
        fields(&mut object).remove("status");
    }
    admission::default(&mut object, resource);
    if !by_status {
        admission::default_for_create(state, &mut object, resource);
    }
    type_faults.map_err(|error| error.named(name(&object)))?;
    admission::validate(&object, None, resource, decoded, Vec::new())?;
    let key = Key::of(&object);
    // Kubernetes finds this last, in its storage, as a failure of its own. What is no number is no version to it.
    let is_version = version.parse::<u64>().is_ok_and(|version| version > 0);
    if call.verb == "create" && is_version && !call.dry_run {
        return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    if call.verb != "create" && !version.is_empty() && version.parse::<u64>().is_err() {
        return Err(ApiError::new(
            500,
            "",
            format!("strconv.ParseUint: parsing \"{version}\": invalid syntax"),
        ));
    }
    if let Some(known) = state.store.get(&resource.id, &key) {
        let error = match text(&object, &["metadata", "generateName"]) {
            "" => ApiError::already_exists(resource, &key.name),
            _ => ApiError::no_name_found(resource, &key.name),
        };
        return Err(if is_terminating(known) { error.of_a_deleted_object() } else { error });
    }
    if call.dry_run {
        if !version.is_empty() {
            set(&mut object, &["metadata", "resourceVersion"], version.into());
        }
        return Ok(Arc::new(object));
    }
    Ok(state.commit(call, resource, &key, Some(object)))
}

/// Who owns the fields of a new object. A PUT owns also what it says of the object's end, which is not taken over.
fn owners(
    state: &State,
    call: &Call,
    resource: &Resource,
    object: &Value,
    (given, leaving): (ownership::Given, [(&str, Value); 2]),
) -> Option<Value> {
    if call.verb != "update" || leaving.iter().all(|(_, value)| value.is_null()) {
        return ownership::track(state, call, resource, None, object, given);
    }
    let mut object = object.clone();
    for (key, value) in leaving {
        set(&mut object, &["metadata", key], value);
    }
    ownership::track(state, call, resource, None, &object, given)
}

fn check_request(object: &Value, resource: &Resource, in_namespace: &str) -> Result<(), ApiError> {
    let given = namespace(object);
    if resource.namespaced && !given.is_empty() && given != in_namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

fn check_namespace(state: &State, resource: &Resource, in_namespace: &str) -> Result<(), ApiError> {
    if !resource.namespaced {
        return Ok(());
    }
    let key = Key::new("", in_namespace);
    let Some(found) = state.store.get("namespaces", &key) else {
        let namespaces = state.registry.get("", "v1", "namespaces").ok_or_else(ApiError::no_such_path)?;
        return Err(ApiError::not_found(&namespaces, in_namespace));
    };
    if is_terminating(found) {
        let why = format!(
            "unable to create new content in namespace {in_namespace} because it is being terminated"
        );
        return Err(ApiError::forbidden(resource, "", &why));
    }
    Ok(())
}

/// Gives the object the metadata that only the server may set.
fn identify(state: &mut State, resource: &Resource, in_namespace: &str, object: &mut Value) {
    let has_prefix = !text(object, &["metadata", "generateName"]).is_empty();
    if name(object).is_empty() && has_prefix {
        let generated = generated_name(state, resource, in_namespace, object);
        set(object, &["metadata", "name"], generated.into());
    }
    let metadata = fields(&mut object["metadata"]);
    for key in ["deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "selfLink"] {
        metadata.remove(key);
    }
    if resource.namespaced {
        metadata.insert("namespace".to_owned(), in_namespace.into());
    } else {
        metadata.remove("namespace");
    }
    metadata.insert("uid".to_owned(), state.identities.uid().into());
    metadata.insert("creationTimestamp".to_owned(), state.api_now().into());
    if resource.generation {
        metadata.insert("generation".to_owned(), json!(1));
    }
    let object = fields(object);
    object.insert("apiVersion".to_owned(), resource.stored_api_version().into());
    object.insert("kind".to_owned(), resource.kind.clone().into());
}

fn generated_name(state: &mut State, resource: &Resource, in_namespace: &str, object: &Value) -> String {
    let prefix = text(object, &["metadata", "generateName"]);
    let prefix: String = prefix.chars().take(58).collect();
    let mut name = String::new();
    for _ in 0..NAME_ATTEMPTS {
        name = format!("{prefix}{}", state.identities.suffix());
        if state.store.get(&resource.id, &Key::new(in_namespace, &name)).is_none() {
            break;
        }
    }
    name
}
