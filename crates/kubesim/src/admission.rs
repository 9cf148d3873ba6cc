//! What every written object passes: its type, its defaults, its validation.

use serde_json::{Value, json};

use crate::field::Cause;
use crate::json::{fields, list, name, set, text};
use crate::patch::go_text;
use crate::resources::{CRDS, Origin, Resource};
use crate::state::{Call, State};
use crate::status::ApiError;
use crate::strict::Directive;
use crate::types::{self, DecodeError, Unknown};
use crate::{defaults, validation};

/// 400, when the body says that it is something else than the resource.
pub(crate) fn check_kind(object: &Value, resource: &Resource) -> Result<(), ApiError> {
    let (version, kind) = (text(object, &["apiVersion"]), text(object, &["kind"]));
    let expected = resource.api_version();
    if !version.is_empty() && version != expected {
        let message = format!(
            "the API version in the data ({version}) does not match the expected API version ({expected})"
        );
        return Err(ApiError::bad_request(message));
    }
    if resource.is_custom() {
        let is_null = |key: &str| object.get(key).is_some_and(Value::is_null);
        if kind.is_empty() || is_null("apiVersion") {
            let what = if kind.is_empty() { "Object 'Kind' is missing" } else { "apiVersion is null" };
            let message =
                format!("the object provided is unrecognized (must be of type {}): {what}", resource.kind);
            return Err(ApiError::bad_request(message));
        }
    } else if !kind.is_empty() && kind != resource.kind {
        let message = format!(
            "{kind} in version \"{}\" cannot be handled as a {}: no kind \"{kind}\" is registered for this resource",
            resource.version, resource.kind
        );
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}

/// 422 for a custom resource that says that it is of another kind. Real servers find that when they validate.
pub(crate) fn type_faults(object: &Value, resource: &Resource) -> Result<(), ApiError> {
    let (version, kind) = (text(object, &["apiVersion"]), text(object, &["kind"]));
    let expected = resource.api_version();
    if !resource.is_custom() || (matches!(version, "") || version == expected) && kind == resource.kind {
        return Ok(());
    }
    let mut causes = Vec::new();
    if kind != resource.kind {
        causes.push(Cause::invalid("kind", &kind.into(), &format!("must be {}", resource.kind)));
    }
    if version != expected {
        causes.push(Cause::invalid("apiVersion", &version.into(), &format!("must be {expected}")));
    }
    let group = version.split_once('/').map_or("", |(group, _)| group);
    Err(ApiError::invalid(group, kind, name(object), &causes))
}

/// What is to be told of a body that has its type's shape.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// The paths of fields that the type does not have.
    pub(crate) unknown: Unknown,
    /// Fields that the type must have, where its schema is all that it is checked by.
    pub(crate) missing: Vec<Cause>,
}

/// Brings the object into the shape of its type: wrong types fail, unknown fields go.
pub(crate) fn decode(object: &mut Value, resource: &Resource) -> Result<Decoded, DecodeError> {
    match &resource.origin {
        Origin::BuiltIn(ty) => {
            let unknown = types::decode(object, *ty)?;
            let is_plain = validation::is_plain(&resource.id);
            let missing = if is_plain { validation::required::missing(object, *ty) } else { Vec::new() };
            Ok(Decoded { unknown, missing })
        }
        Origin::Custom(custom) => {
            let mut unknown = match object.get_mut("metadata") {
                Some(metadata) if !metadata.is_object() && !metadata.is_null() => {
                    return Err(types::no_metadata(metadata, &resource.kind));
                }
                Some(metadata) => types::decode_at(metadata, *types::OBJECT_META, &["metadata"])?,
                None => Unknown::new(),
            };
            unknown.extend(custom.schema.prune(object));
            Ok(Decoded { unknown, missing: Vec::new() })
        }
    }
}

/// Notes what is to be told of unknown members, or tells why the request is refused for them.
pub(crate) fn complain(state: &mut State, call: &Call, unknown: &Unknown) -> Result<(), String> {
    let complaints = call.strictness.complaints(unknown);
    if call.strictness.directive == Directive::Strict && !complaints.is_empty() {
        return Err(format!("strict decoding error: {}", complaints.join(", ")));
    }
    state.warnings.extend(complaints);
    Ok(())
}

/// 400 for a body that is not of its type.
pub(crate) fn undecodable(why: &str, resource: &Resource) -> ApiError {
    let (kind, version) = (&resource.kind, &resource.version);
    ApiError::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"))
}

/// 422 for a patch whose result, or which itself, is not of its type.
pub(crate) fn unpatchable(why: &str, patched: String, call: &Call) -> ApiError {
    let shown = if call.strictness.patch.is_empty() { patched } else { call.strictness.patch.clone() };
    let cause = Cause::invalid("patch", &shown.into(), why);
    ApiError::invalid("", "", "", &[cause])
}

/// Sets the defaults that hold on every write.
pub(crate) fn default(object: &mut Value, resource: &Resource) {
    match &resource.origin {
        Origin::BuiltIn(ty) => {
            types::set_defaults(fields(object), *ty);
            defaults::set_dependent(object, &resource.id);
        }
        Origin::Custom(custom) => custom.schema.set_defaults(object),
    }
}

/// What the server adds to new objects: addresses, phases, conditions.
pub(crate) fn default_for_create(state: &mut State, object: &mut Value, resource: &Resource) {
    match resource.id.as_str() {
        "services" => defaults::allocate_cluster_ip(object, || state.identities.cluster_ip()),
        "namespaces" => {
            set(object, &["spec", "finalizers"], json!(["kubernetes"]));
        }
        "pods" => defaults::admit_pod(object),
        "jobs.batch" => defaults::identify_job(object),
        CRDS => establish(object, &state.api_now()),
        _ => {}
    }
}

/// Takes over what the server gave the stored object and the update leaves out.
pub(crate) fn keep_allocated(object: &mut Value, old: &Value, resource: &Resource) {
    if resource.is("services") {
        defaults::drop_what_has_no_address(object, old);
        defaults::keep_cluster_ip(object, old);
    }
}

/// What the server adds to objects that change.
pub(crate) fn default_for_update(state: &mut State, object: &mut Value, old: &Value, resource: &Resource) {
    match resource.id.as_str() {
        "pods" => defaults::admit_changed_pod(object, old),
        "services" if text(old, &["spec", "type"]) == "ExternalName" => {
            defaults::allocate_cluster_ip(object, || state.identities.cluster_ip());
        }
        _ => {}
    }
}

/// Marks a definition as served, which Kubernetes' controllers do a moment later.
fn establish(definition: &mut Value, now: &str) {
    let condition = |ty: &str, reason: &str, message: &str| json!({"type": ty, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message});
    let stored: Vec<Value> = list(definition, &["spec", "versions"])
        .iter()
        .filter(|version| version.get("storage") == Some(&json!(true)))
        .filter_map(|version| version.get("name").cloned())
        .collect();
    let names = definition["spec"]["names"].clone();
    definition["status"] = json!({
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "acceptedNames": names,
        "storedVersions": stored,
    });
}

/// What is wrong with what the scale of a custom resource is read from.
fn scale_faults(object: &Value, resource: &Resource, subresource: &str) -> Vec<Cause> {
    let Some(paths) = &resource.scale else { return Vec::new() };
    let mut causes = Vec::new();
    let mut refuse = |path: &[String], value: &Value, detail: &str| {
        causes.push(Cause::invalid(&format!(".{}", path.join(".")), value, detail));
    };
    let replicas = [(subresource != "status").then_some(&paths.spec_replicas), Some(&paths.status_replicas)];
    for path in replicas.into_iter().flatten() {
        match nested(object, path) {
            Ok(Some(value)) => match value.as_i64() {
                None => {
                    let (shown, found) = (go_text::of(value), go_type(value));
                    let field = path.join(".");
                    let why =
                        format!(".{field} accessor error: {shown} is of the type {found}, expected int64");
                    refuse(path, &json!(0), &why);
                }
                Some(number) if number < 0 => refuse(path, value, "should be a non-negative integer"),
                Some(number) if number > i64::from(i32::MAX) => {
                    refuse(path, value, "should be less than or equal to 2147483647");
                }
                Some(_) => {}
            },
            Ok(None) => {}
            Err(holder) => refuse(path, holder, "accessor error: expected map[string]interface{}"),
        }
    }
    if let Some(path) = &paths.selector {
        match nested(object, path) {
            Ok(Some(value)) if !value.is_string() => refuse(path, value, "accessor error: expected string"),
            Err(holder) => refuse(path, holder, "accessor error: expected map[string]interface{}"),
            Ok(_) => {}
        }
    }
    causes
}

/// What Go calls the type of a decoded value.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// The value at `path`, nothing when it is absent, or what is no object on the way to it.
fn nested<'a>(object: &'a Value, path: &[String]) -> Result<Option<&'a Value>, &'a Value> {
    let mut at = object;
    for key in path {
        match at.as_object().ok_or(at)?.get(key) {
            Some(value) => at = value,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// 422 with every cause, when the object is not valid; `old` is the stored object on an update, `more` are causes known before.
pub(crate) fn validate(
    object: &Value,
    old: Option<(&Value, &Call)>,
    resource: &Resource,
    decoded: Decoded,
    more: Vec<Cause>,
) -> Result<(), ApiError> {
    let subresource = old.map_or("", |(_, call)| call.subresource);
    let old = old.map(|(old, _)| old);
    let mut causes = more;
    let metadata = validation::metadata::check(object, old, resource);
    // The metadata of new objects of these are looked at when nothing else is wrong.
    let is_late = old.is_none() && validation::metadata::LENIENT.contains(&resource.id.as_str());
    if !is_late {
        causes.extend(metadata.iter().cloned());
    }
    causes.extend(decoded.missing);
    match &resource.origin {
        Origin::BuiltIn(_) => validation::check(object, old, [&resource.id, subresource], &mut causes),
        Origin::Custom(custom) => {
            causes.extend(custom.schema.validate(object, old));
            causes.extend(scale_faults(object, resource, subresource));
            if custom.schema.has_rules && causes.iter().any(|cause| cause.fault.keeps_rules_unchecked()) {
                let detail = "some validation rules were not checked because the object was invalid; correct the \
                              existing errors to complete validation";
                causes.push(Cause::invalid("<nil>", &Value::Null, detail));
            }
        }
    }
    if is_late && causes.is_empty() {
        causes = metadata;
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(&resource.group, &resource.kind, name(object), &causes))
}
