//! A schema in the notation of facts.

use serde_json::{Map, Value, json};

use crate::facts::{Facts, fact};

/// Says of a member whether it is of one of Kubernetes' own types, and which.
pub(crate) type Foreign<'a> = &'a dyn Fn(&str) -> Option<&'static str>;

/// The facts about all members below the root of `schema`. What `foreign` names is not looked into.
pub(crate) fn flatten(schema: &Value, foreign: Foreign<'_>) -> Facts {
    let mut facts = Facts::new();
    add_members(schema, "", foreign, &mut facts);
    facts
}

fn add_members(schema: &Value, prefix: &str, foreign: Foreign<'_>, facts: &mut Facts) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object();
    for name in required.iter().filter(|name| schema["properties"].get(name.as_str().unwrap()).is_none()) {
        facts.insert(format!("{prefix}{}", name.as_str().unwrap()), "required, but not described".to_owned());
    }
    for (name, member) in properties.into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let is_required = required.contains(&json!(name)).then(|| "required".to_owned());
        if let Some(ty) = foreign(&path) {
            facts.insert(path, fact(ty, is_required.into_iter()));
            continue;
        }
        facts.insert(path.clone(), fact(&type_of(member), is_required.into_iter().chain(flags(member))));
        add_inner(member, &path, foreign, facts);
    }
}

fn add_inner(schema: &Value, path: &str, foreign: Foreign<'_>, facts: &mut Facts) {
    add_members(schema, &format!("{path}."), foreign, facts);
    for (keyword, step) in [("items", "[]"), ("additionalProperties", ".*")] {
        let inner = &schema[keyword];
        if inner.is_null() {
            continue;
        }
        // Items and values have no line of their own unless they have flags.
        let flags: Vec<String> = flags(inner).collect();
        if !flags.is_empty() {
            facts.insert(format!("{path}{step}"), fact(&type_of(inner), flags.into_iter()));
        }
        add_inner(inner, &format!("{path}{step}"), foreign, facts);
    }
}

fn type_of(schema: &Value) -> String {
    let keeps = schema["x-kubernetes-preserve-unknown-fields"] == true;
    let described = schema["properties"].is_object();
    if schema["x-kubernetes-int-or-string"] == true {
        let as_usual =
            schema["anyOf"] == json!([{"type": "integer"}, {"type": "string"}]) && schema["type"].is_null();
        assert!(as_usual, "{schema}");
        return if schema["pattern"].is_string() { "quantity" } else { "int-or-string" }.to_owned();
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (None, None) if keeps => "untyped".to_owned(),
        (Some("object"), None) if keeps && !described => "any".to_owned(),
        (Some("object"), None) if schema["additionalProperties"].is_object() && !described => {
            format!("{{}}{}", type_of(&schema["additionalProperties"]))
        }
        (Some("object"), None) if !keeps => "object".to_owned(),
        (Some("array"), None) if schema["items"].is_object() => format!("[]{}", type_of(&schema["items"])),
        (Some("integer"), Some(format @ ("int32" | "int64"))) => format.to_owned(),
        (Some("string"), Some("date-time")) => "time".to_owned(),
        (Some(ty @ ("string" | "boolean")), None) => ty.to_owned(),
        _ => format!("unknown type {schema}"),
    }
}

/// What else a schema says. A keyword that has no place in the notation is shown as it is.
fn flags(schema: &Value) -> impl Iterator<Item = String> {
    let schema: &Map<String, Value> = schema.as_object().unwrap();
    schema.iter().filter_map(|(keyword, value)| match keyword.as_str() {
        "additionalProperties"
        | "anyOf"
        | "description"
        | "format"
        | "items"
        | "pattern"
        | "properties"
        | "required"
        | "type"
        | "x-kubernetes-int-or-string"
        | "x-kubernetes-preserve-unknown-fields" => None,
        "x-kubernetes-list-type" | "x-kubernetes-map-type" if value == "atomic" => Some("atomic".to_owned()),
        "x-kubernetes-list-type" if value == "map" => {
            Some(format!("keys={}", words(&schema["x-kubernetes-list-map-keys"])))
        }
        "x-kubernetes-list-map-keys" if schema["x-kubernetes-list-type"] == "map" => None,
        "x-kubernetes-validations" if is_immutable(value) => Some("immutable".to_owned()),
        "default" => Some(format!("default={value}")),
        "enum" => Some(format!("enum={}", words(value))),
        _ => Some(format!("{keyword}={value}")),
    })
}

fn is_immutable(rules: &Value) -> bool {
    *rules == json!([{"rule": "self == oldSelf", "message": ".spec.selector is immutable"}])
}

fn words(list: &Value) -> String {
    let words: Vec<&str> = list.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    words.join(",")
}
