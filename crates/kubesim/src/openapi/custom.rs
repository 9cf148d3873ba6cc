//! Schemas of custom resources, as Kubernetes publishes them.

use serde_json::{Value, json};

use super::reference;
use crate::json::{at, list, text};
use crate::resources::Resource;
use crate::types;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// The name of the resource's schema: `io.argoproj.v1alpha1.Rollout`.
pub(super) fn schema_name(resource: &Resource) -> String {
    let group: Vec<&str> = resource.group.rsplit('.').collect();
    format!("{}.{}.{}", group.join("."), resource.version, resource.kind)
}

/// The schema of the resource, with the members that every object has.
pub(super) fn schema(resource: &Resource, definition: &Value) -> Value {
    let versions = list(definition, &["spec", "versions"]);
    let version = versions.iter().find(|version| text(version, &["name"]) == resource.version);
    let given = version.map_or(&Value::Null, |version| at(version, &["schema", "openAPIV3Schema"]));
    let mut schema = if given.is_object() { given.clone() } else { json!({"type": "object"}) };
    let pod = ["schemas", "io.k8s.api.core.v1.Pod", "properties"];
    let published = at(types::document(), &pod);
    for key in ["apiVersion", "kind"] {
        schema["properties"][key] = at(published, &[key]).clone();
    }
    let metadata = format!("{META}.ObjectMeta");
    schema["properties"]["metadata"] =
        json!({"allOf": [reference(&metadata)], "description": at(published, &["metadata", "description"])});
    schema["x-kubernetes-group-version-kind"] =
        json!([{"group": resource.group, "version": resource.version, "kind": resource.kind}]);
    schema
}
