//! The `scale` subresource.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::admission;
use crate::field::Cause;
use crate::json::{at, namespace, set, text, uid};
use crate::ownership::Configuration;
use crate::ownership::scale::Scaled;
use crate::resources::{Resource, ScalePaths};
use crate::selector::LabelSelector;
use crate::state::{Call, State};
use crate::status::ApiError;
use crate::store::Key;
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
    change: impl FnOnce(&State, &Scaled<'_>) -> Result<Change, ApiError>,
) -> Result<Value, ApiError> {
    let paths = resource.scale.clone().ok_or_else(ApiError::no_such_path)?;
    let current = state.find(resource, key)?;
    let before = scale_of(&current, resource, &paths);
    let scaled = Scaled { resource, paths: &paths, object: &current, scale: &before };
    let (scale, entries) = change(state, &scaled)?;
    let replicas = check_replicas(call, &scale, key)?;
    let object = update::modify(state, call, resource, key, |current| {
        let mut desired = current.clone();
        for field in ["resourceVersion", "uid"] {
            set(&mut desired, &["metadata", field], at(&scale, &["metadata", field]).clone());
        }
        set(&mut desired, &path(&paths.spec_replicas), replicas);
        if let Some(entries) = entries {
            set(&mut desired, &["metadata", "managedFields"], entries);
        }
        Ok(desired)
    })?;
    Ok(scale_of(&object, resource, &paths))
}

/// 400, when the body of an update is no Scale of the object.
pub(crate) fn check(scale: &Value, key: &Key) -> Result<(), ApiError> {
    if let Some(why) = why_undecodable(scale) {
        let kind = text(scale, &["kind"]);
        let kind = if kind.is_empty() { "Scale" } else { kind };
        let message = format!("{kind} in version \"v1\" cannot be handled as a Scale: {why}");
        return Err(ApiError::bad_request(message));
    }
    let (given, wanted) = (crate::json::name(scale), &key.name);
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
    Ok(())
}

fn why_undecodable(scale: &Value) -> Option<String> {
    let (kind, version) = (text(scale, &["kind"]), text(scale, &["apiVersion"]));
    if !matches!(kind, "" | "Scale") {
        return Some(format!("no kind \"{kind}\" is registered for version \"{version}\" in this resource"));
    }
    let replicas = at(scale, &["spec", "replicas"]);
    let fits = replicas.is_null() || replicas.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
    let found = crate::json::kind(replicas);
    let field = "Go struct field ScaleSpec.spec.replicas of type int32";
    (!fits).then(|| format!("json: cannot unmarshal {found} into {field}"))
}

/// The replicas of a scale; none are 0.
fn check_replicas(call: &Call, scale: &Value, key: &Key) -> Result<Value, ApiError> {
    if let Some(why) = why_undecodable(scale) {
        return Err(admission::unpatchable(&why, scale.to_string(), call));
    }
    let replicas = at(scale, &["spec", "replicas"]).as_i64().unwrap_or(0);
    if replicas < 0 {
        let cause = Cause::invalid("spec.replicas", &replicas.into(), "must be greater than or equal to 0");
        return Err(ApiError::invalid("autoscaling", "Scale", &key.name, &[cause]));
    }
    Ok(replicas.into())
}
