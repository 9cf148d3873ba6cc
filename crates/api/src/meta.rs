//! Object metadata and the small value types of Kubernetes that a Rollout is made of.

mod int_or_string;
mod selector;
mod time;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

pub use int_or_string::IntOrString;
pub use selector::{LabelSelector, LabelSelectorRequirement, SelectorOperator};
pub use time::Time;

/// The part of an object's metadata that decisions read. Not a basis for full updates: what is absent here
/// (`managedFields`, `finalizers`, ...) would be lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectMeta {
    /// Unique within namespace and kind.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub name: String,
    /// Empty for cluster-scoped objects.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub namespace: String,
    /// Given by the API server; survives no re-creation.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub uid: String,
    /// Opaque; changes with every write.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub resource_version: String,
    /// Counts changes of the spec.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub generation: i64,
    /// Labels.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub annotations: BTreeMap<String, String>,
    /// When the API server stored the object first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<Time>,
    /// Set once the object is being deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<Time>,
    /// Owners; at most one of them has `controller: true`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub owner_references: Vec<OwnerReference>,
}

impl ObjectMeta {
    /// The uid of the owner that controls this object.
    pub fn controller_uid(&self) -> Option<&str> {
        let owner = self.owner_references.iter().find(|owner| owner.controller == Some(true))?;
        Some(&owner.uid)
    }
}

/// A reference from an object to one of its owners, in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnerReference {
    /// Group and version of the owner, such as `argoproj.io/v1alpha1`.
    pub api_version: String,
    /// Kind of the owner.
    pub kind: String,
    /// Name of the owner.
    pub name: String,
    /// Uid of the owner; ownership is by uid, not by name.
    pub uid: String,
    /// Whether this owner manages the object; absent = false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<bool>,
    /// Whether a foreground deletion of the owner waits for this object; absent = false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_owner_deletion: Option<bool>,
}

/// Reads `null` as the default, as Go does: clients clear `abort` or `pauseConditions` with null, and YAML keys without
/// a value are null.
pub(crate) fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// What Go's `omitempty` leaves out: zero numbers, false, empty texts, lists and maps.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
