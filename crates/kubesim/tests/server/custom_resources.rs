//! CustomResourceDefinitions and their objects.

use serde_json::{Value, json};
use tidegate_kubesim::ApiServer;

use crate::client::{CRDS, MERGE, STRATEGIC, create, get, message, patch, send, server};

const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn definition() -> Value {
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 0},
            "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
            "limit": {"x-kubernetes-int-or-string": true},
            "owner": {"type": "string", "x-kubernetes-validations": [
                {"rule": "self == oldSelf", "message": "owner is immutable"}]},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        }},
        "status": {"type": "object", "properties": {"size": {"type": "integer"}, "selector": {"type": "string"}}},
    }});
    json!({"metadata": {"name": "widgets.example.com"}, "spec": {
    "group": "example.com", "scope": "Namespaced",
    "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
    "versions": [
        {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}, "subresources": {
            "status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size",
                "labelSelectorPath": ".status.selector"}}},
        {"name": "v1alpha1", "served": true, "storage": false, "schema": {"openAPIV3Schema": schema}},
    ]}})
}

async fn with_widgets() -> ApiServer {
    let server = server();
    create(&server, CRDS, definition()).await;
    server
}

fn widget(spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec})
}

#[tokio::test(start_paused = true)]
async fn a_definition_is_served_at_once() {
    let server = server();
    assert_eq!(send(&server, "GET", WIDGETS, Value::Null).await.0, 404);
    let stored = create(&server, CRDS, definition()).await;
    assert_eq!(stored["status"]["conditions"][1]["type"], "Established");
    assert_eq!(stored["spec"]["names"]["listKind"], "WidgetList");
    let list = get(&server, WIDGETS).await;
    assert_eq!(
        (list["kind"].as_str(), list["apiVersion"].as_str()),
        (Some("WidgetList"), Some("example.com/v1"))
    );
    let widget = create(&server, WIDGETS, widget(json!({"size": 1}))).await;
    assert_eq!(server.list("wd", Some("default")).len(), 1);
    let old = get(&server, "/apis/example.com/v1alpha1/namespaces/default/widgets/w").await;
    assert_eq!((old["apiVersion"].as_str(), &old["spec"]), (Some("example.com/v1alpha1"), &widget["spec"]));
    let (code, _) = send(&server, "DELETE", &format!("{CRDS}/widgets.example.com"), Value::Null).await;
    assert_eq!((code, send(&server, "GET", WIDGETS, Value::Null).await.0), (200, 404));
}

#[tokio::test(start_paused = true)]
async fn unknown_fields_are_pruned_and_defaults_set() {
    let server = with_widgets().await;
    let mut object = widget(json!({"size": 1, "nope": 1, "free": {"any": [1]}, "limit": "25%"}));
    object["status"] = json!({"size": 5});
    object["extra"] = json!(1);
    let stored = create(&server, WIDGETS, object).await;
    assert_eq!(stored["spec"], json!({"size": 1, "color": "red", "free": {"any": [1]}, "limit": "25%"}));
    assert_eq!((stored.get("extra"), stored.get("status")), (None, None));
    assert_eq!(stored["metadata"]["generation"], 1);
}

#[tokio::test(start_paused = true)]
async fn invalid_objects_are_refused_with_every_cause() {
    let server = with_widgets().await;
    let (code, status) =
        send(&server, "POST", WIDGETS, widget(json!({"size": "big", "color": "green"}))).await;
    assert_eq!(code, 422);
    assert_eq!(
        message(&status),
        "Widget.example.com \"w\" is invalid: [spec.color: Unsupported value: \"green\": supported values: \"red\", \
         \"blue\", spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\", .spec.size: \
         Invalid value: 0: .spec.size accessor error: big is of the type string, expected int64, \
         <nil>: Invalid value: null: some validation rules were \
         not checked because the object was invalid; correct the existing errors to complete validation]"
    );
    let reasons: Vec<&str> = status["details"]["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| cause["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        ["FieldValueNotSupported", "FieldValueTypeInvalid", "FieldValueInvalid", "FieldValueInvalid"]
    );
    let (_, status) = send(&server, "POST", WIDGETS, widget(json!({}))).await;
    assert_eq!(
        message(&status),
        "Widget.example.com \"w\" is invalid: [spec.size: Required value, <nil>: Invalid value: null: some validation \
         rules were not checked because the object was invalid; correct the existing errors to complete validation]"
    );
}

#[tokio::test(start_paused = true)]
async fn updates_need_a_version_and_keep_what_is_immutable() {
    let server = with_widgets().await;
    let mut stored = create(&server, WIDGETS, widget(json!({"size": 1, "owner": "me"}))).await;
    let path = format!("{WIDGETS}/w");
    let (code, status) = send(&server, "PUT", &path, widget(json!({"size": 2, "owner": "me"}))).await;
    assert_eq!(code, 422);
    assert_eq!(
        message(&status),
        "widgets.example.com \"w\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an \
         update"
    );
    stored["spec"]["owner"] = "you".into();
    let (code, status) = send(&server, "PUT", &path, stored).await;
    assert_eq!(code, 422);
    assert!(message(&status).ends_with("spec.owner: Invalid value: \"you\": owner is immutable"), "{status}");
    let (code, _) = patch(&server, STRATEGIC, &path, json!({"spec": {"size": 2}})).await;
    assert_eq!(code, 415);
}

#[tokio::test(start_paused = true)]
async fn status_and_scale_are_apart_from_the_object() {
    let server = with_widgets().await;
    create(&server, WIDGETS, widget(json!({"size": 2}))).await;
    let path = format!("{WIDGETS}/w");
    let (_, object) = patch(&server, MERGE, &path, json!({"status": {"size": 1}})).await;
    assert_eq!(object.get("status"), None);
    let change = json!({"status": {"size": 1, "selector": "app=w", "nope": 1}, "spec": {"size": 9}});
    let (_, object) = patch(&server, MERGE, &format!("{path}/status"), change).await;
    assert_eq!(object["status"], json!({"size": 1, "selector": "app=w"}));
    assert_eq!(
        (object["spec"]["size"].as_i64(), object["metadata"]["generation"].as_i64()),
        (Some(2), Some(1))
    );
    let scale = get(&server, &format!("{path}/scale")).await;
    assert_eq!(
        (&scale["spec"], &scale["status"]),
        (&json!({"replicas": 2}), &json!({"replicas": 1, "selector": "app=w"}))
    );
    let (code, scale) =
        patch(&server, MERGE, &format!("{path}/scale"), json!({"spec": {"replicas": 4}})).await;
    assert_eq!((code, scale["spec"]["replicas"].as_i64()), (200, Some(4)));
    let object = get(&server, &path).await;
    assert_eq!(
        (object["spec"]["size"].as_i64(), object["metadata"]["generation"].as_i64()),
        (Some(4), Some(2))
    );
}
