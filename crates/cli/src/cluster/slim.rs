use std::borrow::Cow;

use kube::api::ApiResource;
use kube::core::{DynamicResourceScope, ObjectMeta, Resource};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

/// The annotation in which `kubectl apply` keeps the whole object once more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An object without what no view shows: `managedFields` and the last applied configuration are not kept in memory.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Raw")]
pub(crate) struct Slim(pub(crate) Value, pub(crate) ObjectMeta);

#[derive(Deserialize)]
struct Raw {
    metadata: RawMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

#[derive(Deserialize)]
struct RawMeta {
    #[serde(rename = "managedFields", default)]
    _managed_fields: Option<IgnoredAny>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl From<Raw> for Slim {
    fn from(raw: Raw) -> Self {
        let mut metadata = raw.metadata.rest;
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
        let text = |member: &str| metadata.get(member).and_then(Value::as_str).map(ToOwned::to_owned);
        let meta = ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            resource_version: text("resourceVersion"),
            ..ObjectMeta::default()
        };
        // Views tell apart what is null and what is absent nowhere.
        let members = [("spec", raw.spec), ("status", raw.status)];
        let mut object = json!({ "metadata": metadata });
        for (member, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
            object[member] = value;
        }
        Self(object, meta)
    }
}

/// What the client library's watcher wants of an object.
impl Resource for Slim {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.1
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_view_shows_is_left_out() {
        let object = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "x", "namespace": "n", "resourceVersion": "7", "uid": "u",
                "managedFields": [{"manager": "kubelet"}],
                "annotations": {(LAST_APPLIED): "{}", "a": "b"},
            },
            "spec": {"containers": []}, "status": null,
        });
        let slim: Slim = serde_json::from_value(object).unwrap();
        let expected = json!({
            "metadata": {
                "name": "x", "namespace": "n", "resourceVersion": "7", "uid": "u", "annotations": {"a": "b"},
            },
            "spec": {"containers": []},
        });
        assert_eq!(slim.0, expected);
        assert_eq!(slim.meta().resource_version.as_deref(), Some("7"));
    }
}
