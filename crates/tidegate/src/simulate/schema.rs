//! A manifest against the schema of its kind: fields that are unknown, missing or of the wrong type, and where they stand.
//!
//! Bounds, patterns and combinations are left to the API server, whose answer names the field.

use serde_json::{Value, json};
use tidegate_sim::manifest::{Content, Field, Node, Place};

use super::repair::Repair;
use super::spelling;

/// Something that is wrong with a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    /// The path of the field.
    pub(super) path: String,
    pub(super) place: Place,
    pub(super) text: String,
    /// The path that was probably meant.
    pub(super) meant: Option<String>,
    /// How others can read the rest.
    pub(super) repair: Repair,
}

/// Known names are listed where there are no more of them.
const FEW: usize = 8;

/// What is wrong with an object of a kind whose schema is `schema`. What the server writes (`status`) is not looked at.
pub(super) fn check(object: &Node, schema: &Value) -> Vec<Finding> {
    let mut walk = Walk { root: schema, findings: Vec::new() };
    for field in object.fields() {
        match field.key.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "metadata" => walk.value(&field.value, &metadata(), "metadata", field.place),
            key => walk.field(field, key, schema, ""),
        }
    }
    walk.required(object, schema, "", object.place);
    walk.findings
}

/// Object metadata as far as a manifest has it; Kubernetes keeps it out of the schemas of custom resources.
fn metadata() -> Value {
    let strings = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let string = json!({"type": "string"});
    let free = json!({"x-kubernetes-preserve-unknown-fields": true});
    json!({"type": "object", "properties": {
        "name": string, "generateName": string, "namespace": string, "labels": strings, "annotations": strings,
        "finalizers": {"type": "array", "items": string},
        "ownerReferences": {"type": "array", "items": free},
        "uid": string, "resourceVersion": string, "selfLink": string, "generation": {"type": "integer"},
        "creationTimestamp": free, "deletionTimestamp": free, "deletionGracePeriodSeconds": free, "managedFields": free,
    }})
}

struct Walk<'a> {
    /// The schema of the whole object.
    root: &'a Value,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn find(&mut self, path: &str, place: Place, text: impl Into<String>, repair: Repair) {
        self.findings.push(Finding { path: path.to_owned(), place, text: text.into(), meant: None, repair });
    }

    /// `place` is where the field's key stands, or the list's item.
    fn value(&mut self, node: &Node, schema: &Value, path: &str, place: Place) {
        // Null is no value to the API server: it drops the field.
        if node.is_null() {
            return;
        }
        if let Some(text) = wrong_type(node, schema) {
            let wanted = schema["type"].as_str().unwrap_or("integer");
            return self.find(path, place, text, Repair::StandIn(stand_in(wanted)));
        }
        if let Some(choices) = schema["enum"].as_array()
            && !choices.contains(&node.to_value())
        {
            let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
            self.find(path, place, format!("must be one of {}", choices.join(", ")), Repair::Nothing);
        }
        for (index, item) in node.items().iter().enumerate() {
            self.value(item, &schema["items"], &format!("{path}[{index}]"), item.place);
        }
        for field in node.fields() {
            self.field(field, &field.key, schema, path);
        }
        self.required(node, schema, path, place);
    }

    fn field(&mut self, field: &Field, key: &str, schema: &Value, above: &str) {
        let path = below(above, key);
        if let Some(known) = schema["properties"].get(key) {
            return self.value(&field.value, known, &path, field.place);
        }
        match &schema["additionalProperties"] {
            Value::Object(_) => {
                self.value(&field.value, &schema["additionalProperties"], &path, field.place);
            }
            Value::Bool(true) => {}
            _ if is_open(schema) => {}
            _ => self.unknown(field, schema, above, path),
        }
    }

    fn unknown(&mut self, field: &Field, schema: &Value, above: &str, path: String) {
        let known: Vec<&str> =
            schema["properties"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        let meant = spelling::meant(&field.key, known.iter().copied());
        let homes = homes(self.root, &field.key);
        let text = match (meant, homes.as_slice()) {
            (Some(meant), _) => format!("unknown field; did you mean {meant}?"),
            (None, [_] | [_, _]) => format!("unknown field; {} belongs to {}", field.key, homes.join(" or ")),
            _ if (1..=FEW).contains(&known.len()) => {
                format!("unknown field; known here: {}", known.join(", "))
            }
            _ => "unknown field".to_owned(),
        };
        let meant = meant.map(|meant| below(above, meant));
        self.findings.push(Finding { path, place: field.place, text, meant, repair: Repair::Removal });
    }

    fn required(&mut self, node: &Node, schema: &Value, path: &str, place: Place) {
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let path = below(path, key);
            let is_misspelt = self.findings.iter().any(|finding| finding.meant.as_ref() == Some(&path));
            if node.field(key).is_none_or(|field| field.value.is_null()) && !is_misspelt {
                self.find(&path, place, "is missing", Repair::Nothing);
            }
        }
    }
}

pub(super) fn below(path: &str, key: &str) -> String {
    if key.contains(['.', '[']) {
        format!("{path}[{key}]")
    } else if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Any field is allowed, or nothing is said about it.
fn is_open(schema: &Value) -> bool {
    schema["x-kubernetes-preserve-unknown-fields"] == true || schema["type"].is_null()
}

/// Paths of the maps, outside of the status, that have a field of this name.
fn homes(root: &Value, key: &str) -> Vec<String> {
    let mut homes = Vec::new();
    let properties = root["properties"].as_object().into_iter().flatten();
    for (name, schema) in properties.filter(|(name, _)| *name != "status") {
        collect_homes(schema, name, key, &mut homes);
    }
    homes
}

fn collect_homes(schema: &Value, path: &str, key: &str, homes: &mut Vec<String>) {
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        if name == key {
            homes.push(path.to_owned());
        }
        collect_homes(inner, &format!("{path}.{name}"), key, homes);
    }
    if schema["items"].is_object() {
        collect_homes(&schema["items"], &format!("{path}[]"), key, homes);
    }
}

/// What a value should be and is not.
fn wrong_type(node: &Node, schema: &Value) -> Option<String> {
    if schema["x-kubernetes-int-or-string"] == true {
        let fits = matches!(&node.content, Content::Scalar(value) if value.is_string() || is_whole(value));
        return (!fits).then(|| format!("must be a whole number or a text, is {}", shown(node)));
    }
    misfit(node, schema["type"].as_str()?)
}

/// What is wrong with a value that should be of a type, as schemas name types.
pub(super) fn misfit(node: &Node, wanted: &str) -> Option<String> {
    let scalar = match &node.content {
        Content::Scalar(value) => Some(value),
        Content::List(_) | Content::Map(_) => None,
    };
    let (fits, name) = match wanted {
        "object" => (matches!(node.content, Content::Map(_)), "a map"),
        "array" => (matches!(node.content, Content::List(_)), "a list"),
        "string" => (scalar.is_some_and(Value::is_string), "a text"),
        "integer" => (scalar.is_some_and(is_whole), "a whole number"),
        "number" => (scalar.is_some_and(Value::is_number), "a number"),
        "boolean" => (scalar.is_some_and(Value::is_boolean), "true or false"),
        _ => return None,
    };
    let advice = match scalar {
        Some(Value::Number(_) | Value::Bool(_)) if wanted == "string" => "; put it in quotes",
        Some(Value::String(text)) if wanted == "integer" && text.parse::<i64>().is_ok() => {
            "; leave the quotes out"
        }
        _ => "",
    };
    (!fits).then(|| format!("must be {name}, is {}{advice}", shown(node)))
}

/// A value of a type, as schemas name types.
pub(super) fn stand_in(wanted: &str) -> Value {
    match wanted {
        "object" => json!({}),
        "array" => json!([]),
        "string" => json!(""),
        "boolean" => json!(false),
        // Zero is no port, and no count of many things.
        _ => json!(1),
    }
}

fn is_whole(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn shown(node: &Node) -> String {
    match &node.content {
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "a map".to_owned(),
        Content::Scalar(Value::Number(number)) => format!("the number {number}"),
        Content::Scalar(Value::String(text)) => format!("the text {text:?}"),
        Content::Scalar(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_sim::manifest::read;

    use super::*;

    #[track_caller]
    fn check_rollout(text: &str, expected: &[&str]) {
        let reading = read(text);
        assert_eq!(reading.faults, []);
        let schema = &tidegate_api::crd::rollout_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let findings = check(&reading.documents[0], schema);
        let shown: Vec<String> = findings
            .iter()
            .map(|it| format!("{}:{}: {}: {}", it.place.line, it.place.column, it.path, it.text))
            .collect();
        assert_eq!(shown, expected);
    }

    const EXAMPLE: &str = include_str!("../../../../examples/rollouts-demo.yaml");

    #[test]
    fn a_good_manifest_has_no_findings() {
        check_rollout(EXAMPLE, &[]);
        check_rollout("kind: Rollout\nspec:\n  replicas: null\n  paused:\nstatus: {anything: 1}\n", &[]);
    }

    #[test]
    fn unknown_fields_are_found_with_what_was_meant() {
        check_rollout(
            &EXAMPLE.replace("- setWeight: 40", "- setWieght: 40"),
            &["32:9: spec.strategy.canary.steps[2].setWieght: unknown field; did you mean setWeight?"],
        );
        check_rollout(
            "spec:\n  strategy:\n    steps: []\n  selctor: {}\n",
            &[
                "3:5: spec.strategy.steps: unknown field; steps belongs to spec.strategy.canary",
                "4:3: spec.selctor: unknown field; did you mean selector?",
            ],
        );
        check_rollout(
            "spec:\n  strategy:\n    rollingUpdate: {}\n",
            &["3:5: spec.strategy.rollingUpdate: unknown field; known here: blueGreen, canary"],
        );
        check_rollout(
            "metadata:\n  lables: {}\nspec: {}\n",
            &["2:3: metadata.lables: unknown field; did you mean labels?"],
        );
        check_rollout("spce: {}\n", &["1:1: spce: unknown field; did you mean spec?"]);
    }

    #[test]
    fn wrong_types_are_found() {
        check_rollout(
            "spec:\n  replicas: \"5\"\n",
            &["2:3: spec.replicas: must be a whole number, is the text \"5\"; leave the quotes out"],
        );
        check_rollout(
            "spec:\n  replicas: five\n  paused: 1\n  selector: []\n",
            &[
                "2:3: spec.replicas: must be a whole number, is the text \"five\"",
                "3:3: spec.paused: must be true or false, is the number 1",
                "4:3: spec.selector: must be a map, is a list",
            ],
        );
        check_rollout(
            "metadata: {labels: {version: 1.0, on: off}}\nspec: {}\n",
            &[
                "1:21: metadata.labels.version: must be a text, is the number 1.0; put it in quotes",
                "1:35: metadata.labels.true: must be a text, is false; put it in quotes",
            ],
        );
        check_rollout(
            "spec: {strategy: {canary: {maxSurge: [1], steps: {setWeight: 5}}}}\n",
            &[
                "1:28: spec.strategy.canary.maxSurge: must be a whole number or a text, is a list",
                "1:43: spec.strategy.canary.steps: must be a list, is a map",
            ],
        );
        check_rollout(
            "spec: {strategy: {canary: {steps: [pause]}}}\n",
            &["1:36: spec.strategy.canary.steps[0]: must be a map, is the text \"pause\""],
        );
    }

    #[test]
    fn missing_fields_are_found_where_they_should_be() {
        check_rollout(
            "spec:\n  strategy:\n    blueGreen:\n      previewService: x\n",
            &["3:5: spec.strategy.blueGreen.activeService: is missing"],
        );
    }

    #[test]
    fn keys_with_dots_stand_in_brackets() {
        check_rollout(
            "metadata:\n  annotations:\n    a.b/c: 1\nspec: {}\n",
            &["3:5: metadata.annotations[a.b/c]: must be a text, is the number 1; put it in quotes"],
        );
    }
}
