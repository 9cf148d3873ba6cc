//! What is written to: the types of an object in each version, and the fields that an endpoint does not write.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::set::Set;
use super::shape::{self, Type};
use crate::json::at;
use crate::resources::{CRDS, Origin, Resource};
use crate::state::State;
use crate::store::Key;
use crate::types;

/// The `apiVersion` of scales.
pub(crate) const SCALE_VERSION: &str = "autoscaling/v1";

/// One endpoint's objects, as far as their fields' owners ask for it.
pub(crate) struct Subject {
    /// The apiVersion of requests.
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) subresource: &'static str,
    types: BTreeMap<String, Type>,
    /// What this endpoint leaves as it is.
    pub(crate) ignored: Set,
    /// The object that a first write is compared with.
    pub(crate) empty: Value,
}

impl Subject {
    /// The objects of a resource, or their statuses.
    pub(crate) fn of(state: &State, resource: &Resource, subresource: &'static str) -> Self {
        let version = resource.api_version();
        let versions = state.registry.all().filter(|known| known.id == resource.id);
        let types: BTreeMap<String, Type> =
            versions.map(|known| (known.api_version(), type_of(state, known))).collect();
        let mut empty = match &resource.origin {
            Origin::BuiltIn(_) => types.get(&version).map_or_else(|| json!({}), shape::zero),
            Origin::Custom(_) => json!({}),
        };
        if let Origin::BuiltIn(ty) = &resource.origin {
            for (key, value) in ty.zeroes() {
                empty[key] = value.clone();
            }
        }
        empty["apiVersion"] = version.as_str().into();
        empty["kind"] = resource.kind.as_str().into();
        let ignored = ignored(resource, subresource);
        Self { version, kind: resource.kind.clone(), subresource, types, ignored, empty }
    }

    /// The scales of any resource.
    pub(crate) fn scale() -> Self {
        let name = types::schema_of("autoscaling", "v1", "Scale").unwrap_or_default();
        let ty = Type::Named(name.to_owned(), None);
        Self {
            version: SCALE_VERSION.to_owned(),
            kind: "Scale".to_owned(),
            subresource: "scale",
            empty: shape::zero(&ty),
            types: BTreeMap::from([(SCALE_VERSION.to_owned(), ty)]),
            ignored: Set::default(),
        }
    }

    /// The type of objects in the request's version.
    pub(crate) fn ty(&self) -> &Type {
        self.types.get(&self.version).unwrap_or(&Type::Deduced)
    }

    /// The type of objects in another version; nothing when that is not served.
    pub(crate) fn ty_in(&self, version: &str) -> Option<&Type> {
        self.types.get(version)
    }
}

fn type_of(state: &State, resource: &Resource) -> Type {
    match &resource.origin {
        Origin::BuiltIn(_) => {
            let name = types::schema_of(&resource.group, &resource.version, &resource.kind);
            Type::Named(name.unwrap_or_default().to_owned(), None)
        }
        Origin::Custom(custom) => Type::Inline(Arc::clone(custom.shape.get_or_init(|| {
            let definition = state.store.get(CRDS, &Key::new("", &resource.id));
            let versions = definition.map_or(&[][..], |definition| {
                at(definition, &["spec", "versions"]).as_array().map_or(&[][..], Vec::as_slice)
            });
            let version = versions.iter().find(|version| version["name"] == resource.version.as_str());
            let schema = version.map_or(&Value::Null, |version| at(version, &["schema", "openAPIV3Schema"]));
            Arc::new(shape::of_schema(schema))
        }))),
    }
}

/// The fields that an endpoint resets, after the strategies of the real server.
fn ignored(resource: &Resource, subresource: &str) -> Set {
    let status: &[&str] = &["status"];
    let spec: &[&str] = &["spec"];
    match (subresource, resource.id.as_str()) {
        ("" | "finalize", _) if resource.status => Set::of_fields(&[status]),
        ("status", "deployments.apps") => Set::of_fields(&[spec, &["metadata", "labels"]]),
        ("status", "pods") => {
            Set::of_fields(&[spec, &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]])
        }
        ("status", id) if id == CRDS || resource.is_custom() => Set::of_fields(&[&["metadata"], spec]),
        ("status", _) => Set::of_fields(&[spec]),
        _ => Set::default(),
    }
}
