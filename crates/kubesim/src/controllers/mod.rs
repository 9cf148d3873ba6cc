//! Kubernetes' controllers as step functions: from objects and a time to writes and the next time to look.

pub(crate) mod deployment;
pub(crate) mod disruption;
pub(crate) mod garbage;
pub(crate) mod kubelet;
pub(crate) mod node;
pub(crate) mod replica_set;

use jiff::Timestamp;
use serde_json::Value;

use crate::store::Key;

/// What a controller wants written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Write {
    /// A new object.
    Create { resource: &'static str, namespace: String, object: Value },
    /// A new status in place of the old one.
    Status { resource: &'static str, key: Key, status: Value },
    /// The revision of a Deployment, written with its status: it is no change of what is wanted.
    Revision { key: Key, revision: String },
    /// A JSON merge patch.
    Merge { resource: String, key: Key, patch: Value },
    /// A pod's node.
    Bind { key: Key, node: String },
    /// A deletion of the object with this uid; `options` is a `DeleteOptions`.
    Delete { resource: String, key: Key, options: Value },
    /// The end of a namespace that is empty.
    Finalize { key: Key },
}

/// What one look at the world led to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Step {
    pub(crate) writes: Vec<Write>,
    pub(crate) wake_at: Option<Timestamp>,
}

/// A number of pods, or a percentage `of` pods; nothing is 0.
pub(crate) fn share(value: &Value, of: i64, round_up: bool) -> i64 {
    let percent =
        value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok());
    match percent {
        Some(percent) => (percent * of + if round_up { 99 } else { 0 }) / 100,
        None => value.as_i64().unwrap_or(0),
    }
}

/// The reference of the owner that controls `object`.
pub(crate) fn controller_of(object: &Value) -> Option<&Value> {
    let owners = crate::json::list(object, &["metadata", "ownerReferences"]);
    owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}
