//! Custom resources: by their own schemas.

use serde_json::{Value, json};
use tidegate_kubesim::ApiServer;

use super::{applied, apply, owned};
use crate::client::{CRDS, JSON_PATCH, MERGE, create, get, message, patch, server};

const GADGETS: &str = "/apis/example.com/v1/namespaces/default/gadgets";

fn definition() -> Value {
    let text = json!({"type": "string"});
    let named = json!({"type": "object", "properties": {"name": text, "port": {"type": "integer", "default": 80}, "value": text}});
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "size": {"type": "integer"},
            "limit": {"x-kubernetes-int-or-string": true},
            "plain": {"type": "array", "items": text},
            "set": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
            "keyed": {"type": "array", "items": named, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "port"]},
            "map": {"type": "object", "additionalProperties": text},
            "whole": {"type": "object", "additionalProperties": text, "x-kubernetes-map-type": "atomic"},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        }},
        "status": {"type": "object", "properties": {"ready": {"type": "integer"}}},
    }});
    let scale = json!({"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.ready"});
    json!({"metadata": {"name": "gadgets.example.com"}, "spec": {
    "group": "example.com", "scope": "Namespaced", "names": {"plural": "gadgets", "kind": "Gadget"},
    "versions": [
        {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema},
            "subresources": {"status": {}, "scale": scale}},
        {"name": "v2", "served": true, "storage": false, "schema": {"openAPIV3Schema": schema}},
    ]}})
}

async fn with_gadgets() -> ApiServer {
    let server = server();
    create(&server, CRDS, definition()).await;
    server
}

fn gadget(spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "g"}, "spec": spec})
}

#[tokio::test(start_paused = true)]
async fn what_is_created_is_owned_with_the_objects_around_it() {
    let server = with_gadgets().await;
    let made =
        create(&server, GADGETS, gadget(json!({"size": 1, "map": {"a": "b"}, "keyed": [{"name": "x"}]})))
            .await;
    let keyed = json!({".": {}, "k:{\"name\":\"x\",\"port\":80}": {".": {}, "f:name": {}, "f:port": {}}});
    let fields = json!({"f:spec": {".": {}, "f:keyed": keyed, "f:map": {".": {}, "f:a": {}}, "f:size": {}}});
    owned(&made, &[("test Update", fields)]);
    assert_eq!(made["metadata"]["managedFields"][0]["apiVersion"], "example.com/v1");
}

#[tokio::test(start_paused = true)]
async fn lists_and_maps_are_owned_as_the_schema_says() {
    let server = with_gadgets().await;
    let path = format!("{GADGETS}/g");
    let all = json!({"limit": "5%", "plain": ["a"], "set": ["a"], "keyed": [{"name": "x", "value": "1"}], "map": {"a": "1"},
        "whole": {"a": "1"}, "free": {"deep": {"list": [1], "a": 1}}});
    let made = applied(&server, "one", &path, gadget(all)).await;
    let fields = json!({"f:spec": {"f:free": {"f:deep": {".": {}, "f:a": {}, "f:list": {}}},
        "f:keyed": {"k:{\"name\":\"x\",\"port\":80}": {".": {}, "f:name": {}, "f:value": {}}}, "f:limit": {}, "f:map": {"f:a": {}},
        "f:plain": {}, "f:set": {"v:\"a\"": {}}, "f:whole": {}}});
    owned(&made, &[("one Apply", fields)]);
    // Sets, keyed lists and granular maps are merged.
    let more =
        json!({"set": ["b"], "keyed": [{"name": "x", "port": 81}], "map": {"b": "1"}, "free": {"other": 1}});
    let made = applied(&server, "two", &path, gadget(more)).await;
    assert_eq!(made["spec"]["set"], json!(["a", "b"]));
    assert_eq!(
        made["spec"]["keyed"],
        json!([{"name": "x", "port": 80, "value": "1"}, {"name": "x", "port": 81}])
    );
    assert_eq!(made["spec"]["map"], json!({"a": "1", "b": "1"}));
    assert_eq!(made["spec"]["free"], json!({"deep": {"list": [1], "a": 1}, "other": 1}));
    // The others conflict whole.
    let (code, status) = apply(
        &server,
        "two",
        &path,
        gadget(json!({"plain": ["a", "b"], "whole": {"b": "1"}, "free": {"deep": {"list": [2]}}})),
    )
    .await;
    assert_eq!(code, 409);
    assert_eq!(
        message(&status),
        "Apply failed with 3 conflicts: conflicts with \"one\":\n- .spec.plain\n- .spec.whole\n- .spec.free.deep.list"
    );
    // What is two's alone goes with it.
    let made = applied(&server, "two", &path, gadget(json!({}))).await;
    assert_eq!((&made["spec"]["set"], &made["spec"]["map"]), (&json!(["a"]), &json!({"a": "1"})));
}

#[tokio::test(start_paused = true)]
async fn what_the_schema_does_not_have_is_refused() {
    let server = with_gadgets().await;
    let path = format!("{GADGETS}/g");
    for (spec, told) in [
        (json!({"nope": 1}), ".spec.nope: field not declared in schema"),
        (json!({"size": "x"}), ".spec.size: expected numeric (int or float), got string"),
        (json!({"set": ["a", "a"]}), ".spec.set: duplicate entries for key [=\"a\"]"),
        (
            json!({"keyed": [{"name": "x"}, {"name": "x", "port": 80}]}),
            ".spec.keyed: duplicate entries for key [name=\"x\",port=80]",
        ),
    ] {
        let (code, status) = apply(&server, "me", &path, gadget(spec)).await;
        let told = format!("failed to create typed patch object (/g; example.com/v1, Kind=Gadget): {told}");
        assert_eq!((code, message(&status)), (500, told.as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn statuses_and_scales_are_apart() {
    let server = with_gadgets().await;
    let path = format!("{GADGETS}/g");
    let mut whole = gadget(json!({"size": 1}));
    whole["status"] = json!({"ready": 7});
    let made = applied(&server, "me", &path, whole).await;
    assert_eq!(made.get("status"), None);
    owned(&made, &[("me Apply", json!({"f:spec": {"f:size": {}}}))]);
    let change = json!({"spec": {"size": 9}, "status": {"ready": 1}});
    let (_, made) = patch(&server, MERGE, &format!("{path}/status?fieldManager=ctrl"), change).await;
    assert_eq!((&made["spec"]["size"], &made["status"]["ready"]), (&json!(1), &json!(1)));
    owned(
        &made,
        &[
            ("me Apply", json!({"f:spec": {"f:size": {}}})),
            ("ctrl Update status", json!({"f:status": {".": {}, "f:ready": {}}})),
        ],
    );
    let (code, _) =
        patch(&server, MERGE, &format!("{path}/scale?fieldManager=hpa"), json!({"spec": {"replicas": 4}}))
            .await;
    assert_eq!(code, 200);
    let status = json!({"f:status": {".": {}, "f:ready": {}}});
    owned(
        &get(&server, &path).await,
        &[("hpa Update scale", json!({"f:spec": {"f:size": {}}})), ("ctrl Update status", status)],
    );
}

#[tokio::test(start_paused = true)]
async fn appliers_move_between_versions_and_updaters_do_not() {
    let server = with_gadgets().await;
    let path = format!("{GADGETS}/g");
    applied(&server, "me", &path, gadget(json!({"size": 1, "map": {"a": "1"}}))).await;
    let second = path.replace("/v1/", "/v2/");
    let mut configuration = gadget(json!({"size": 2}));
    configuration["apiVersion"] = json!("example.com/v2");
    let made = applied(&server, "me", &second, configuration.clone()).await;
    assert_eq!((made["apiVersion"].as_str(), &made["spec"]), (Some("example.com/v2"), &json!({"size": 2})));
    owned(&made, &[("me Apply", json!({"f:spec": {"f:size": {}}}))]);
    assert_eq!(made["metadata"]["managedFields"][0]["apiVersion"], "example.com/v2");
    for (path, key) in [(&path, "a"), (&second, "b")] {
        assert_eq!(patch(&server, MERGE, path, json!({"spec": {"map": {key: "1"}}})).await.0, 200);
    }
    let made = get(&server, &path).await;
    let versions: Vec<&str> =
        (1..3).map(|at| made["metadata"]["managedFields"][at]["apiVersion"].as_str().unwrap()).collect();
    assert_eq!(versions, ["example.com/v1", "example.com/v2"]);
    // A conflict with an owner of fields of another version.
    configuration["spec"] = json!({"map": {"a": "2"}});
    let (code, status) = apply(&server, "me", &second, configuration).await;
    assert_eq!(code, 409);
    assert_eq!(
        message(&status),
        "Apply failed with 1 conflict: conflict with \"test\" using example.com/v1: .spec.map.a"
    );
}

#[tokio::test(start_paused = true)]
async fn entries_follow_a_definition_that_owns_whole_what_it_owned_by_parts() {
    let server = with_gadgets().await;
    let path = format!("{GADGETS}/g");
    let made = applied(
        &server,
        "me",
        &path,
        gadget(json!({"map": {"a": "1"}, "keyed": [{"name": "x"}], "size": 1})),
    )
    .await;
    assert_eq!(made["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:map"], json!({"f:a": {}}));
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    let change = json!([
        {"op": "add", "path": format!("{spec}/map/x-kubernetes-map-type"), "value": "atomic"},
        {"op": "replace", "path": format!("{spec}/keyed/x-kubernetes-list-type"), "value": "atomic"},
        {"op": "remove", "path": format!("{spec}/keyed/x-kubernetes-list-map-keys")},
    ]);
    let (code, answer) = patch(&server, JSON_PATCH, &format!("{CRDS}/gadgets.example.com"), change).await;
    assert_eq!(code, 200, "{answer}");
    let (_, made) = patch(&server, MERGE, &path, json!({"spec": {"size": 2}})).await;
    owned(
        &made,
        &[
            ("me Apply", json!({"f:spec": {"f:keyed": {}, "f:map": {}}})),
            ("test Update", json!({"f:spec": {"f:size": {}}})),
        ],
    );
}
