//! Who owns which fields, and server-side apply.

mod applies;
mod custom;
mod refusals;
mod subresources;
mod updates;

use serde_json::{Value, json};
use tidegate_kubesim::ApiServer;

use crate::client::patch;

const APPLY: &str = "application/apply-patch+yaml";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

/// Applies a configuration as `manager`.
async fn apply(server: &ApiServer, manager: &str, path: &str, body: Value) -> (u16, Value) {
    let separator = if path.contains('?') { '&' } else { '?' };
    patch(server, APPLY, &format!("{path}{separator}fieldManager={manager}"), body).await
}

/// Applies a configuration that must be accepted.
async fn applied(server: &ApiServer, manager: &str, path: &str, body: Value) -> Value {
    let (code, answer) = apply(server, manager, path, body).await;
    assert!(code == 200 || code == 201, "{code} {answer:#}");
    answer
}

/// Manager, operation and subresource of each entry, with its fields.
fn owners(object: &Value) -> Vec<(String, Value)> {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .map(|entry| {
            let words = ["manager", "operation", "subresource"].map(|key| entry[key].as_str().unwrap_or(""));
            (words.join(" ").trim().to_owned(), entry["fieldsV1"].clone())
        })
        .collect()
}

/// Asserts who owns what, in the order of the entries.
#[track_caller]
fn owned(object: &Value, expected: &[(&str, Value)]) {
    let expected: Vec<(String, Value)> =
        expected.iter().map(|(owner, fields)| ((*owner).to_owned(), fields.clone())).collect();
    assert_eq!(owners(object), expected, "{object:#}");
}

/// The causes of a refusal: field and message.
fn causes(status: &Value) -> Vec<(&str, &str)> {
    let causes = status["details"]["causes"].as_array().map_or(&[][..], Vec::as_slice);
    causes
        .iter()
        .map(|cause| (cause["field"].as_str().unwrap(), cause["message"].as_str().unwrap()))
        .collect()
}

/// A Deployment with what `spec` says, and what it must have.
fn deployment(spec: Value) -> Value {
    let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {
        "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "main", "image": "demo:1"}]}}}});
    for (key, value) in spec.as_object().unwrap() {
        deployment["spec"][key] = value.clone();
    }
    deployment
}

/// What an applier of [`deployment`] owns besides what else it says.
fn deployment_fields() -> Value {
    json!({"f:selector": {}, "f:template": {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:containers": {
        "k:{\"name\":\"main\"}": {".": {}, "f:image": {}, "f:name": {}}}}}})
}
