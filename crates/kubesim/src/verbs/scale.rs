//! The `scale` subresource.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::admission;
use crate::field::Cause;
use crate::json::{at, namespace, set, text, uid};
use crate::ownership::Configuration;
use crate::ownership::scale::{SCALE_VERSION, Scaled};
use crate::resources::{Resource, ScalePaths};
use crate::selector::LabelSelector;
use crate::state::{Call, State};
use crate::status::ApiError;
use crate::store::Key;
use crate::types;
use crate::verbs::update;

fn path(keys: &[String]) -> Vec<&str> {
    keys.iter().map(String::as_str).collect()
}

/// The `Scale` of an object.
pub(crate) fn scale_of(object: &Value, resource: &Resource, paths: &ScalePaths) -> Value {
    let number = |keys: &[String]| at(object, &path(keys)).as_i64().unwrap_or(0);
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": crate::json::name(object), "namespace": namespace(object), "uid": uid(object),
            "resourceVersion": text(object, &["metadata", "resourceVersion"]),
            "creationTimestamp": text(object, &["metadata", "creationTimestamp"]),
        },
        "spec": {}, "status": {"replicas": number(&paths.status_replicas)},
    });
    let replicas = number(&paths.spec_replicas);
    if replicas != 0 {
        scale["spec"]["replicas"] = replicas.into();
    }
    let selector = match &paths.selector {
        Some(keys) => text(object, &path(keys)).to_owned(),
        None if resource.is_custom() => String::new(),
        None => LabelSelector::from_spec(at(object, &["spec", "selector"])).to_string(),
    };
    if !selector.is_empty() {
        scale["status"]["selector"] = selector.into();
    }
    scale
}

/// Replaces an object's scale by what `change` makes of it, and returns the new scale.
pub(crate) fn modify(
    state: &mut State,
    call: &Call,
    resource: &Arc<Resource>,
    key: &Key,
    change: impl FnOnce(&Value) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    replace(state, call, resource, key, |state, scaled| {
        let scale = change(scaled.scale)?;
        let entries = state.field_ownership.then(|| scaled.updated(state, call, &scale));
        Ok((scale, entries))
    })
}

/// Applies a configuration to an object's scale, and returns the new scale.
pub(crate) fn apply(
    state: &mut State,
    call: &Call,
    resource: &Arc<Resource>,
    key: &Key,
    configuration: &Configuration,
) -> Result<Value, ApiError> {
    replace(state, call, resource, key, |state, scaled| {
        scaled.applied(state, configuration).map(|(scale, entries)| (scale, Some(entries)))
    })
}

/// A new scale, and the object's `managedFields` when they are kept.
type Change = (Value, Option<Value>);

fn replace(
    state: &mut State,
    call: &Call,
    resource: &Arc<Resource>,
    key: &Key,
    change: impl FnOnce(&mut State, &Scaled<'_>) -> Result<Change, ApiError>,
) -> Result<Value, ApiError> {
    let paths = resource.scale.clone().ok_or_else(ApiError::no_such_path)?;
    let current = state.find(resource, key)?;
    let before = scale_of(&current, resource, &paths);
    let scaled = Scaled { resource, paths: &paths, object: &current, scale: &before };
    let (mut scale, entries) = change(state, &scaled)?;
    check_patched(state, call, &mut scale, key)?;
    if call.verb == "update" {
        update::check_uid(resource, key, uid(&current), uid(&scale))?;
    }
    let replicas = check_replicas(resource, &scale, key)?;
    check_uid(resource, &current, &scale)?;
    let object = update::modify(state, call, resource, key, |current| {
        let mut desired = current.clone();
        let version = at(&scale, &["metadata", "resourceVersion"]).clone();
        set(&mut desired, &["metadata", "resourceVersion"], version);
        set(&mut desired, &path(&paths.spec_replicas), replicas);
        if let Some(entries) = entries {
            set(&mut desired, &["metadata", "managedFields"], entries);
        }
        Ok(desired)
    })?;
    Ok(scale_of(&object, resource, &paths))
}

/// 400, when the body of an update is no Scale of the object.
pub(crate) fn check(state: &mut State, call: &Call, scale: &mut Value, key: &Key) -> Result<(), ApiError> {
    let kind = text(scale, &["kind"]);
    let kind = if kind.is_empty() { "Scale" } else { kind }.to_owned();
    let refuse = |why: String| {
        ApiError::bad_request(format!("{kind} in version \"v1\" cannot be handled as a Scale: {why}"))
    };
    decode(state, call, scale).map_err(refuse)?;
    check_place(scale, key)
}

/// What a patch made of a scale is checked in the same way, and told of otherwise.
fn check_patched(state: &mut State, call: &Call, scale: &mut Value, key: &Key) -> Result<(), ApiError> {
    if call.verb != "patch" {
        return Ok(());
    }
    let shown = scale.to_string();
    // Strategic patches are merged into what is known to be a Scale, whatever they call it.
    let is_strategic = !call.strictness.patch.is_empty();
    for (key, value) in [("kind", "Scale"), ("apiVersion", SCALE_VERSION)] {
        if is_strategic && at(scale, &[key]).is_string() {
            set(scale, &[key], value.into());
        }
    }
    decode(state, call, scale).map_err(|why| admission::unpatchable(&why, shown, call))?;
    check_place(scale, key)
}

/// Brings a scale into the shape of its type.
fn decode(state: &mut State, call: &Call, scale: &mut Value) -> Result<(), String> {
    let (kind, version) = (text(scale, &["kind"]), text(scale, &["apiVersion"]));
    if !matches!(kind, "" | "Scale") || !matches!(version, "" | SCALE_VERSION) {
        return Err(format!("no kind \"{kind}\" is registered for version \"{version}\" in this resource"));
    }
    let ty = types::named("io.k8s.api.autoscaling.v1.Scale").ok_or("scales are not known")?;
    let unknown = types::decode(scale, ty).map_err(|error| error.to_string())?;
    admission::complain(state, call, &unknown)
}

fn check_place(scale: &Value, key: &Key) -> Result<(), ApiError> {
    let (given, wanted) = (crate::json::name(scale), &key.name);
    let why = if given.is_empty() {
        format!("the name of the object ({wanted} based on URL) was undeterminable: name must be provided")
    } else if given != wanted {
        format!("the name of the object ({given}) does not match the name on the URL ({wanted})")
    } else if !matches!(namespace(scale), "") && namespace(scale) != key.namespace {
        "the namespace of the provided object does not match the namespace sent on the request".to_owned()
    } else {
        return Ok(());
    };
    Err(ApiError::bad_request(why))
}

/// 409, when the scale is asked for of another object of the same name. Of custom resources nobody looks.
fn check_uid(resource: &Resource, object: &Value, scale: &Value) -> Result<(), ApiError> {
    let (asked, current) = (uid(scale), uid(object));
    if resource.is_custom() || asked.is_empty() || asked == current {
        return Ok(());
    }
    let why = format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {current}");
    let mut error = ApiError::conflict(resource, crate::json::name(object), &why);
    error.details.insert("kind".to_owned(), format!("{}/scale", resource.plural).into());
    Err(error)
}

/// The replicas of a scale; none are 0.
fn check_replicas(resource: &Resource, scale: &Value, key: &Key) -> Result<Value, ApiError> {
    let replicas = at(scale, &["spec", "replicas"]).as_i64().unwrap_or(0);
    // Custom resources are validated with what is made of them.
    if replicas < 0 && !resource.is_custom() {
        let cause = Cause::invalid("spec.replicas", &replicas.into(), "must be greater than or equal to 0");
        return Err(ApiError::invalid("autoscaling", "Scale", &key.name, &[cause]));
    }
    Ok(replicas.into())
}
