//! What is stored survives reading and writing, and the CRD describes all of it.
//!
//! The data are Rollouts captured from upstream, and one Rollout with every member set.

#![allow(clippy::unwrap_used, reason = "the helpers below are part of the tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tidegate_api::crd::rollout_crd;
use tidegate_api::rollout::Rollout;

/// Every Rollout under `tests/data/rollouts`, with the file it stands in.
fn rollouts() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/rollouts");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for document in serde_yaml_ng::Deserializer::from_str(&fs::read_to_string(&path).unwrap()) {
            found.push((file.clone(), Value::deserialize(document).unwrap()));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

fn kitchen_sink() -> Value {
    let mut found = rollouts().into_iter().filter(|(file, _)| file == "kitchen-sink.yaml");
    found.next().unwrap().1
}

fn openapi_schema() -> Value {
    rollout_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

#[test]
fn what_is_stored_survives() {
    let rollouts = rollouts();
    assert!(rollouts.len() > 30, "only {} Rollouts found", rollouts.len());
    for (file, mut stored) in rollouts {
        let rollout: Rollout = serde_json::from_value(stored.clone()).unwrap();
        // Upstream leaves out the two struct-valued members in a patch that changes neither.
        let status = stored["status"].as_object_mut().unwrap();
        for strategy in ["blueGreen", "canary"] {
            status.entry(strategy).or_insert(json!({}));
        }
        // Clients clear a flag by writing false, which is as good as absent.
        status.retain(|_, value| *value != false);
        assert_eq!(serde_json::to_value(&rollout).unwrap(), stored, "{file}");
    }
}

#[test]
fn nulls_and_foreign_members_are_tolerated() {
    let stored = json!({
        "metadata": {"name": "demo", "labels": null, "managedFields": [{}], "creationTimestamp": null},
        "spec": {"paused": null, "strategy": {"canary": {"steps": null, "future": 1}}},
        "status": {
            "abort": null, "pauseConditions": null, "conditions": null, "canary": null, "observedGeneration": null,
            "currentStepIndex": null, "phase": null, "future": {"a": 1},
        },
    });
    let rollout: Rollout = serde_json::from_value(stored).unwrap();
    let expected = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "demo"},
        "spec": {"strategy": {"canary": {}}},
        "status": {"blueGreen": {}, "canary": {}},
    });
    assert_eq!(serde_json::to_value(&rollout).unwrap(), expected);

    let without_status: Rollout = serde_json::from_value(json!({"spec": {}, "status": null})).unwrap();
    assert_eq!(without_status, Rollout::default());
}

#[test]
fn the_schema_keeps_all_that_is_stored() {
    let schema = openapi_schema();
    for (file, rollout) in rollouts() {
        let mut wrong = Vec::new();
        check_value(&rollout, &schema, "", &mut wrong);
        assert_eq!(wrong, Vec::<String>::new(), "{file}");
    }
}

/// Lists what the API server would prune from `value`, or refuse in it.
fn check_value(value: &Value, schema: &Value, path: &str, wrong: &mut Vec<String>) {
    let int_or_string = schema["x-kubernetes-int-or-string"] == true;
    let fits = match (&schema["type"], value) {
        (Value::String(expected), Value::Object(_)) => expected == "object",
        (Value::String(expected), Value::Array(_)) => expected == "array",
        (Value::String(expected), Value::String(_)) => expected == "string",
        (Value::String(expected), Value::Bool(_)) => expected == "boolean",
        (Value::String(expected), Value::Number(_)) => expected == "integer",
        (Value::Null, Value::String(_) | Value::Number(_)) => int_or_string,
        _ => false,
    };
    if !fits {
        wrong.push(format!("{path}: {value} does not fit {schema}"));
    }
    match value {
        Value::Object(_) if path == ".metadata" => {}
        Value::Object(members) => {
            for required in schema["required"].as_array().into_iter().flatten() {
                if !members.contains_key(required.as_str().unwrap()) {
                    wrong.push(format!("{path}: lacks {required}"));
                }
            }
            for (name, member) in members {
                let path = format!("{path}.{name}");
                let described = &schema["properties"][name];
                if described.is_object() {
                    check_value(member, described, &path, wrong);
                } else if schema["additionalProperties"].is_object() {
                    check_value(member, &schema["additionalProperties"], &path, wrong);
                } else if schema["x-kubernetes-preserve-unknown-fields"] != true {
                    wrong.push(format!("{path}: pruned"));
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_value(item, &schema["items"], &format!("{path}[{index}]"), wrong);
            }
        }
        _ => {}
    }
}

#[test]
fn the_kitchen_sink_has_every_member_of_the_schema() {
    let mut described = BTreeSet::new();
    described_paths(&openapi_schema(), "", &mut described);
    let mut present = BTreeSet::new();
    present_paths(&kitchen_sink(), "", &mut present);
    let missing: Vec<&String> = described.difference(&present).collect();
    assert!(missing.is_empty(), "described, but not in kitchen-sink.yaml: {missing:#?}");
    assert!(described.len() > 300, "only {} members described", described.len());
}

fn described_paths(schema: &Value, path: &str, paths: &mut BTreeSet<String>) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        described_paths(member, &path, paths);
        paths.insert(path);
    }
    if schema["items"].is_object() {
        described_paths(&schema["items"], &format!("{path}[]"), paths);
    }
}

fn present_paths(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = format!("{path}.{name}");
                present_paths(member, &path, paths);
                paths.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| present_paths(item, &format!("{path}[]"), paths)),
        _ => {}
    }
}

#[test]
fn the_schema_is_structural() {
    check_structural(&openapi_schema(), "");
}

/// What the API server refuses in the schema of a custom resource.
#[track_caller]
fn check_structural(schema: &Value, path: &str) {
    const KEYWORDS: [&str; 14] = [
        "additionalProperties",
        "anyOf",
        "default",
        "description",
        "format",
        "items",
        "properties",
        "required",
        "type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
    ];
    let schema: &Map<String, Value> = schema.as_object().unwrap_or_else(|| panic!("{path}: {schema}"));
    for (keyword, value) in schema {
        let rule = keyword == "x-kubernetes-validations" && path == ".spec.selector";
        let protocol = path.ends_with(".protocol");
        assert!(KEYWORDS.contains(&keyword.as_str()) || rule, "{path}: {keyword}: {value}");
        assert!(keyword != "default" || protocol, "{path}: default");
    }
    if schema.contains_key("x-kubernetes-int-or-string") {
        assert_eq!(schema["anyOf"], json!([{"type": "integer"}, {"type": "string"}]), "{path}");
        assert!(!schema.contains_key("type"), "{path}");
    } else {
        assert!(schema["type"].is_string(), "{path}: {schema:?}");
        assert!(!schema.contains_key("anyOf"), "{path}");
    }
    let formats = ["int32", "int64", "date-time"];
    assert!(
        schema.get("format").is_none_or(|it| formats.contains(&it.as_str().unwrap())),
        "{path}: {schema:?}"
    );
    for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        check_structural(member, &format!("{path}.{name}"));
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(keyword) {
            check_structural(inner, &format!("{path}.{keyword}"));
        }
    }
}

/// The members that upstream's CRD requires (`req` in its reference), by the path of the object that has them.
#[test]
fn required_members() {
    let mut required = Vec::new();
    required_paths(&openapi_schema(), "", &mut required);
    let expected = include_str!("data/required.txt");
    assert_eq!(required.join("\n"), expected.trim_end());
}

fn required_paths(schema: &Value, path: &str, found: &mut Vec<String>) {
    let mut names: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    names.sort_unstable();
    if !names.is_empty() {
        found.push(format!("{}: {}", if path.is_empty() { "." } else { path }, names.join(", ")));
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        required_paths(member, &format!("{path}.{name}"), found);
    }
    for (keyword, suffix) in [("items", "[]"), ("additionalProperties", ".*")] {
        if schema[keyword].is_object() {
            required_paths(&schema[keyword], &format!("{path}{suffix}"), found);
        }
    }
}
