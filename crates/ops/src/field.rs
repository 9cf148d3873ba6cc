//! Reading members of objects that are kept as JSON. Absent members and members of another type read as empty or zero.

use jiff::Timestamp;
use serde_json::Value;
use tidegate_api::labels;

/// The text at a JSON pointer, or "".
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at a JSON pointer, or 0.
pub(crate) fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// The list at a JSON pointer, or none.
pub(crate) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// An annotation, if it is there.
pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// The pod-template hash that a ReplicaSet or pod is labelled with, or "".
pub(crate) fn pod_template_hash(object: &Value) -> &str {
    let hash = || object.get("metadata")?.get("labels")?.get(labels::POD_TEMPLATE_HASH)?.as_str();
    hash().unwrap_or_default()
}

/// The revision annotation: 0 when absent, `None` when it is no number.
pub(crate) fn revision(object: &Value) -> Option<i64> {
    annotation(object, labels::REVISION).map_or(Some(0), |text| text.parse().ok())
}

/// When the API server stored the object first.
pub(crate) fn created(object: &Value) -> Option<Timestamp> {
    text(object, "/metadata/creationTimestamp").parse().ok()
}

/// Whether any owner reference has this uid.
pub(crate) fn is_owned_by(object: &Value, uid: &str) -> bool {
    list(object, "/metadata/ownerReferences").iter().any(|owner| text(owner, "/uid") == uid)
}

/// Whether the controlling owner reference has this uid.
pub(crate) fn is_controlled_by(object: &Value, uid: &str) -> bool {
    list(object, "/metadata/ownerReferences")
        .iter()
        .any(|owner| text(owner, "/uid") == uid && owner["controller"] == Value::Bool(true))
}
