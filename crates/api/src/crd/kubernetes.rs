//! Schemas of Kubernetes' own types, as upstream's definitions have them.
//!
//! They are made of `data/pod_template_schema.json.gz`, which holds what a kube-apiserver publishes of these types, reduced
//! (`{"version": .., "schemas": {NAME: SCHEMA}}`, references as in OpenAPI). Four things differ, as they do in upstream's definitions:
//! a template's metadata are its labels and annotations; `limits` and `requests` of containers and all of `volumes` are kept as they
//! are written; and of the defaults only those remain that Kubernetes' types declare.

use std::io::Read;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};

/// What pods are made from.
pub(super) const POD_TEMPLATE: &str = "io.k8s.api.core.v1.PodTemplateSpec";
/// What Jobs are made from.
pub(super) const JOB_SPEC: &str = "io.k8s.api.batch.v1.JobSpec";

const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
/// The group of the types in the tables below.
const CORE: &str = "io.k8s.api.core.v1.";

/// How Kubernetes writes a quantity.
const QUANTITY_PATTERN: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// Members with a default that Kubernetes' types declare, and that is stored. OpenAPI gives every other member that is always written a
/// zero default too, which is only how Go prints it.
const STORED_DEFAULTS: [(&str, &str); 8] = [
    ("ConfigMapEnvSource", "name"),
    ("ConfigMapKeySelector", "name"),
    ("ContainerPort", "protocol"),
    ("FileKeySelector", "optional"),
    ("GRPCAction", "service"),
    ("LocalObjectReference", "name"),
    ("SecretEnvSource", "name"),
    ("SecretKeySelector", "name"),
];

/// Members that are kept as they are written, whatever it is: paths of members below the type.
const UNTYPED: [(&str, &[&str]); 5] = [
    ("Container", &["resources", "limits"]),
    ("Container", &["resources", "requests"]),
    ("EphemeralContainer", &["resources", "limits"]),
    ("EphemeralContainer", &["resources", "requests"]),
    ("PodSpec", &["volumes"]),
];

/// Keywords that mean the same in OpenAPI and in a structural schema.
const SHARED_KEYWORDS: [&str; 6] = [
    "format",
    "required",
    "type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
];

static PUBLISHED: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let mut json = String::new();
    GzDecoder::new(include_bytes!("../data/pod_template_schema.json.gz").as_slice())
        .read_to_string(&mut json)
        .expect("the file is part of this crate");
    match serde_json::from_str::<Value>(&json).expect("the file is part of this crate")["schemas"].take() {
        Value::Object(schemas) => schemas,
        other => panic!("schemas by name, not {other}"),
    }
});

/// The structural schema of the type called `name`, without descriptions.
///
/// # Panics
/// When there is no such type; names are constants of this crate, or references between published types.
pub(super) fn schema(name: &str) -> Map<String, Value> {
    let schema = match name {
        METADATA => {
            let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
            json!({"type": "object", "properties": {"annotations": texts, "labels": texts}})
        }
        QUANTITY => {
            let mut schema = int_or_string();
            schema["pattern"] = QUANTITY_PATTERN.into();
            schema
        }
        INT_OR_STRING => int_or_string(),
        _ => {
            let published = PUBLISHED.get(name).unwrap_or_else(|| panic!("no type {name}"));
            let mut schema = inlined(published);
            adapt(&mut schema, name, published);
            schema
        }
    };
    let Value::Object(schema) = schema else { unreachable!("every schema is an object") };
    schema
}

fn int_or_string() -> Value {
    json!({"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true})
}

/// The published schema with every reference replaced by what it refers to, and without what a structural schema may not have.
fn inlined(published: &Value) -> Value {
    if let Some(name) = reference(published) {
        return Value::Object(schema(name));
    }
    let mut result = Map::new();
    for (keyword, value) in published.as_object().into_iter().flatten() {
        let value = match keyword.as_str() {
            "properties" => {
                let members = value.as_object().into_iter().flatten();
                Value::Object(members.map(|(name, member)| (name.clone(), inlined(member))).collect())
            }
            "items" | "additionalProperties" => inlined(value),
            keyword if SHARED_KEYWORDS.contains(&keyword) => value.clone(),
            _ => continue,
        };
        result.insert(keyword.clone(), value);
    }
    Value::Object(result)
}

/// The name of the type that a schema refers to; a reference with a default stands alone in an `allOf`.
fn reference(published: &Value) -> Option<&str> {
    let direct = &published["$ref"];
    let reference = if direct.is_null() { &published["allOf"][0]["$ref"] } else { direct };
    reference.as_str()?.strip_prefix("#/components/schemas/")
}

/// Adds stored defaults to the schema of the type called `name`, and takes the type from members that are kept as written.
fn adapt(schema: &mut Value, name: &str, published: &Value) {
    let Some(name) = name.strip_prefix(CORE) else { return };
    for (_, member) in STORED_DEFAULTS.iter().filter(|(ty, _)| *ty == name) {
        schema["properties"][member]["default"] = published["properties"][member]["default"].clone();
    }
    for (_, path) in UNTYPED.iter().filter(|(ty, _)| *ty == name) {
        let member = path.iter().fold(&mut *schema, |inner, member| &mut inner["properties"][member]);
        *member = json!({"x-kubernetes-preserve-unknown-fields": true});
    }
}
