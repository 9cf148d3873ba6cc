//! What an API server refuses in a definition, how large it may be, and what `kubectl explain` finds in it.

use serde_json::{Map, Value, json};

use crate::{kind_of, schema_of};

/// The annotation that a plain `kubectl apply` adds.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// How long all annotations of an object may be, in bytes.
const ANNOTATIONS: usize = 262_144;

#[test]
fn plain_kubectl_apply_takes_every_definition() {
    for definition in tidegate_api::crd::all() {
        // Go writes these three as `\u003c`, and a line feed at the end.
        let json = definition.to_string();
        let escaped = json.matches(['<', '>', '&']).count() * 5;
        let size = LAST_APPLIED.len() + json.len() + escaped + 1;
        assert!(size < ANNOTATIONS, "{} takes {size} bytes", kind_of(definition));
        // Far from the limit, there is room to grow; a jump beyond this is worth a look.
        assert!(size < 110_000, "{} takes {size} bytes", kind_of(definition));
    }
}

/// Calls `visit` with every schema within `schema` and its path.
fn walk(schema: &Value, path: &str, visit: &mut dyn FnMut(&Map<String, Value>, &str)) {
    visit(schema.as_object().unwrap_or_else(|| panic!("{path}: {schema}")), path);
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        walk(member, &format!("{path}.{name}"), visit);
    }
    for (keyword, step) in [("items", "[]"), ("additionalProperties", ".*")] {
        if let Some(inner) = schema.get(keyword) {
            walk(inner, &format!("{path}{step}"), visit);
        }
    }
}

#[test]
fn schemas_are_structural() {
    for definition in tidegate_api::crd::all() {
        let schema = schema_of(definition);
        walk(schema, kind_of(definition), &mut check_structural);
        // Nothing may be said of the metadata, not even in words.
        assert_eq!(schema["properties"]["metadata"], json!({"type": "object"}));
    }
}

fn check_structural(schema: &Map<String, Value>, path: &str) {
    const KEYWORDS: [&str; 17] = [
        "additionalProperties",
        "anyOf",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "pattern",
        "properties",
        "required",
        "type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ];
    for keyword in schema.keys() {
        assert!(KEYWORDS.contains(&keyword.as_str()), "{path}: {keyword}");
    }
    let flag = |keyword: &str| schema.get(keyword) == Some(&json!(true));
    let untyped = flag("x-kubernetes-int-or-string") || flag("x-kubernetes-preserve-unknown-fields");
    assert!(untyped || schema.contains_key("type"), "{path}: {schema:?}");
    assert!(!(flag("x-kubernetes-int-or-string") && schema.contains_key("type")), "{path}: {schema:?}");
    assert!(flag("x-kubernetes-int-or-string") || !schema.contains_key("anyOf"), "{path}: {schema:?}");
    assert!(!(schema.contains_key("properties") && schema.contains_key("additionalProperties")), "{path}");
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for name in required {
        assert!(
            schema["properties"].get(name.as_str().unwrap()).is_some(),
            "{path}: {name} is required and not described"
        );
    }
    match schema.get("x-kubernetes-list-type").map(|ty| ty.as_str().unwrap()) {
        None | Some("atomic") => assert!(!schema.contains_key("x-kubernetes-list-map-keys"), "{path}"),
        Some("set") => assert_ne!(schema["items"]["type"], "object", "{path}"),
        Some("map") => check_keys(schema, path),
        Some(other) => panic!("{path}: {other}"),
    }
}

/// Items of a list cannot be told apart by a key that may be absent.
fn check_keys(list: &Map<String, Value>, path: &str) {
    let items = &list["items"];
    for key in list["x-kubernetes-list-map-keys"].as_array().unwrap() {
        let member = &items["properties"][key.as_str().unwrap()];
        let is_scalar = matches!(member["type"].as_str(), Some("string" | "integer" | "boolean"));
        assert!(is_scalar, "{path}: key {key} is {member}");
        let is_required = items["required"].as_array().is_some_and(|names| names.contains(key));
        assert!(is_required || member.get("default").is_some(), "{path}: key {key} may be absent");
    }
}

#[test]
fn our_own_members_are_explained_and_kubernetes_are_not() {
    for definition in tidegate_api::crd::all() {
        walk(schema_of(definition), kind_of(definition), &mut |schema, path| {
            let inside = [".template.", ".job.spec."].iter().any(|part| path.contains(part));
            let described = schema.get("description").map(|text| text.as_str().unwrap());
            let is_member = !path.ends_with("[]") && !path.ends_with(".*");
            let is_metadata = path == format!("{}.metadata", kind_of(definition));
            if inside || is_metadata {
                assert_eq!(described, None, "{path}");
            } else if is_member {
                let text = described.unwrap_or_else(|| panic!("{path} is not explained"));
                assert!(text.ends_with(['.', ')']), "{path}: {text}");
                for ours in ["upstream", "lint", "CRD", "serde"] {
                    assert!(!text.to_lowercase().contains(&ours.to_lowercase()), "{path}: {text}");
                }
            }
        });
    }
}
