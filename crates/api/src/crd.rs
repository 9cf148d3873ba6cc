//! The CustomResourceDefinition of Rollouts, generated from the types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::rollout::Rollout;

/// The CustomResourceDefinition `rollouts.argoproj.io`, as upstream's clients and autoscalers expect it.
pub fn rollout_crd() -> Value {
    let mut schema = structural_schema::<Rollout>();
    schema["properties"]["spec"]["properties"]["template"] = pod_template();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "rollouts.argoproj.io"},
        "spec": {
            "group": "argoproj.io",
            "names": {
                "kind": "Rollout",
                "listKind": "RolloutList",
                "plural": "rollouts",
                "shortNames": ["ro"],
                "singular": "rollout",
            },
            "scope": "Namespaced",
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "additionalPrinterColumns": printer_columns(),
                "schema": {"openAPIV3Schema": schema},
                "subresources": {
                    "scale": {
                        "labelSelectorPath": ".status.selector",
                        "specReplicasPath": ".spec.replicas",
                        "statusReplicasPath": ".status.HPAReplicas",
                    },
                    "status": {},
                },
            }],
        },
    })
}

fn printer_columns() -> Value {
    let count = |name: &str, path: &str, description: &str| json!({"name": name, "type": "integer", "jsonPath": path, "description": description});
    json!([
        count("Desired", ".spec.replicas", "Number of desired pods"),
        count("Current", ".status.replicas", "Total number of pods of this rollout"),
        count("Up-to-date", ".status.updatedReplicas", "Total number of pods that run the newest template"),
        count("Available", ".status.availableReplicas", "Total number of available pods of this rollout"),
        {
            "name": "Age",
            "type": "date",
            "jsonPath": ".metadata.creationTimestamp",
            "description": "Time since the rollout was created",
        },
    ])
}

/// The schema of `T` in the form Kubernetes demands of custom resources: one tree without references, titles, defaults or
/// null alternatives.
fn structural_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    make_structural(&mut schema);
    schema
}

fn make_structural(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    drop_null(schema);
    for keyword in ["title", "default"] {
        schema.remove(keyword);
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(make_structural);
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(keyword) {
            make_structural(inner);
        }
    }
}

/// Turns "this or null" into "this": absence says enough.
fn drop_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|it| it != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let is_null = |alternative: &Value| *alternative == json!({"type": "null"});
    let nullable = matches!(schema.get("anyOf"), Some(Value::Array(them)) if them.iter().any(is_null));
    if !nullable {
        return;
    }
    let Some(Value::Array(alternatives)) = schema.remove("anyOf") else { return };
    for alternative in alternatives.into_iter().filter(|it| !is_null(it)) {
        let Value::Object(alternative) = alternative else { continue };
        for (keyword, value) in alternative {
            schema.entry(keyword).or_insert(value);
        }
    }
}

/// Any object, its members dropped unless the API server knows them (`metadata`).
pub(crate) fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object"})
}

/// Any object, kept as it is.
pub(crate) fn free_form(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// A pod template: what the controller relies on is described, everything else of the pod spec is kept as it is. The
/// default protocol of ports is part of what is stored, hence of the hash.
fn pod_template() -> Value {
    let strings = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let port = json!({
        "type": "object",
        "required": ["containerPort"],
        "properties": {
            "containerPort": {"type": "integer", "format": "int32"},
            "hostIP": {"type": "string"},
            "hostPort": {"type": "integer", "format": "int32"},
            "name": {"type": "string"},
            "protocol": {"type": "string", "default": "TCP"},
        },
    });
    let container = json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "ports": {
                "type": "array",
                "items": port,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
            },
        },
        "x-kubernetes-preserve-unknown-fields": true,
    });
    let containers = json!({
        "type": "array",
        "items": container,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    });
    json!({
        "description": "The pods to run; not together with `workloadRef`.",
        "type": "object",
        "properties": {
            "metadata": {"type": "object", "properties": {"annotations": strings, "labels": strings}},
            "spec": {
                "type": "object",
                "required": ["containers"],
                "properties": {"containers": containers, "initContainers": containers},
                "x-kubernetes-preserve-unknown-fields": true,
            },
        },
    })
}
