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

/// A number of pods, or a percentage `of` pods; nothing is 0. Held within what a count of replicas can be.
pub(crate) fn share(value: &Value, of: i64, round_up: bool) -> i64 {
    let percent =
        value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok());
    match percent {
        Some(percent) => {
            let hundredths = i128::from(percent) * i128::from(of) + if round_up { 99 } else { 0 };
            i32::try_from(hundredths / 100).unwrap_or(i32::MAX).into()
        }
        None => value.as_i64().unwrap_or(0),
    }
}

/// The reference of the owner that controls `object`.
pub(crate) fn controller_of(object: &Value) -> Option<&Value> {
    let owners = crate::json::list(object, &["metadata", "ownerReferences"]);
    owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::share;

    #[test]
    fn shares_are_rounded_and_never_overflow() {
        for (value, of, up, down) in [
            (json!("25%"), 10, 3, 2),
            (json!("100%"), 7, 7, 7),
            (json!(4), 10, 4, 4),
            (json!(null), 10, 0, 0),
            (json!("9223372036854775807%"), i64::from(i32::MAX), i64::from(i32::MAX), i64::from(i32::MAX)),
        ] {
            assert_eq!((share(&value, of, true), share(&value, of, false)), (up, down), "{value} of {of}");
        }
    }
}
