//! What every written object passes: its type, its defaults, its validation.

use serde_json::{Value, json};

use crate::field::Cause;
use crate::json::{fields, list, name, set, text};
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
    if !kind.is_empty() && kind != resource.kind {
        let message = format!(
            "{kind} in version \"{}\" cannot be handled as a {}: no kind \"{kind}\" is registered for this resource",
            resource.version, resource.kind
        );
        return Err(ApiError::bad_request(message));
    }
    Ok(())
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
        defaults::keep_cluster_ip(object, old);
    }
}

/// What the server adds to objects that change.
pub(crate) fn default_for_update(object: &mut Value, old: &Value, resource: &Resource) {
    if resource.is("pods") {
        defaults::admit_changed_pod(object, old);
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

/// 422 with every cause, when the object is not valid; `old` is the stored object on an update, `more` are causes known before.
pub(crate) fn validate(
    object: &Value,
    old: Option<&Value>,
    resource: &Resource,
    decoded: Decoded,
    more: Vec<Cause>,
) -> Result<(), ApiError> {
    let mut causes = more;
    causes.extend(validation::metadata::check(object, resource));
    causes.extend(decoded.missing);
    match &resource.origin {
        Origin::BuiltIn(_) => validation::check(object, old, &resource.id, &mut causes),
        Origin::Custom(custom) => causes.extend(custom.schema.validate(object, old)),
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(&resource.group, &resource.kind, name(object), &causes))
}
