//! Schemas in the form that Kubernetes demands of custom resources: one tree without references, titles or null alternatives.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::kubernetes;

/// Stands for the schema of one of Kubernetes' own types; its value is the type's name.
pub(super) const KUBERNETES_TYPE: &str = "x-kubernetes-type";
/// A default that the API server stores. A plain `default` is serde's, of what it reads for an absent member, and no part of the
/// contract.
const STORED_DEFAULT: &str = "x-stored-default";

/// The schema of `T`.
pub(super) fn structural_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    make_structural(&mut schema);
    // The API server describes the metadata itself, and refuses even a text about them.
    schema["properties"]["metadata"] = json!({"type": "object"});
    schema
}

fn make_structural(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    if let Some(Value::String(name)) = schema.remove(KUBERNETES_TYPE) {
        schema.extend(kubernetes::schema(&name));
        return;
    }
    drop_null(schema);
    for keyword in ["title", "default"] {
        schema.remove(keyword);
    }
    if let Some(default) = schema.remove(STORED_DEFAULT) {
        schema.insert("default".to_owned(), default);
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        // Users read the first paragraph; what follows is for us.
        let first = description.split("\n\n").next().unwrap_or_default();
        *description = first.split_whitespace().collect::<Vec<_>>().join(" ");
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
