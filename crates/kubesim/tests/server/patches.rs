//! Patches of each kind.

use serde_json::json;

use crate::client::{
    JSON_PATCH, MAPS, MERGE, SETS, STRATEGIC, config_map, create, get, message, patch, replica_set, server,
};

#[tokio::test(start_paused = true)]
async fn json_patches_apply_whole_or_not_at_all() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({"k": "1"}))).await;
    let path = format!("{MAPS}/a");
    let version = server.resource_version();
    let failing = json!([{"op": "add", "path": "/data/x", "value": "1"}, {"op": "test", "path": "/data/k", "value": "2"}]);
    let (code, status) = patch(&server, JSON_PATCH, &path, failing).await;
    assert_eq!((code, status["reason"].as_str()), (422, Some("Invalid")));
    assert_eq!(message(&status), "the server rejected our request due to an error in our request");
    assert_eq!(server.resource_version(), version);
    let good = json!([{"op": "test", "path": "/data/k", "value": "1"}, {"op": "replace", "path": "/data/k", "value": "2"}]);
    let (code, map) = patch(&server, JSON_PATCH, &path, good).await;
    assert_eq!((code, &map["data"]), (200, &json!({"k": "2"})));
    assert_eq!(patch(&server, JSON_PATCH, &path, json!({"op": "test"})).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_version_inside_a_merge_patch_is_a_precondition() {
    let server = server();
    let map = create(&server, MAPS, config_map("a", json!({"k": "1", "gone": "x"}))).await;
    let path = format!("{MAPS}/a");
    let version = map["metadata"]["resourceVersion"].clone();
    let change = json!({"metadata": {"resourceVersion": version}, "data": {"k": "2", "gone": null}});
    let (code, map) = patch(&server, MERGE, &path, change.clone()).await;
    assert_eq!((code, &map["data"]), (200, &json!({"k": "2"})));
    let (code, status) = patch(&server, MERGE, &path, change).await;
    assert_eq!((code, status["reason"].as_str()), (409, Some("Conflict")));
}

#[tokio::test(start_paused = true)]
async fn a_status_patch_changes_status_and_metadata() {
    let server = server();
    create(&server, SETS, replica_set("web", 1, "demo:1")).await;
    let path = format!("{SETS}/web/status");
    let change = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 9}, "status": {"replicas": 1, "readyReplicas": 1}});
    let (code, set) = patch(&server, MERGE, &path, change.clone()).await;
    assert_eq!(code, 200);
    assert_eq!((&set["status"]["readyReplicas"], &set["spec"]["replicas"]), (&json!(1), &json!(1)));
    assert_eq!(set["metadata"]["labels"], json!({"a": "b"}), "as Kubernetes' own kinds allow");
    let version = server.resource_version();
    assert_eq!(patch(&server, MERGE, &path, change).await.0, 200);
    assert_eq!(server.resource_version(), version, "a patch that changes nothing stores nothing");
}

#[tokio::test(start_paused = true)]
async fn strategic_patches_merge_containers_by_name() {
    let server = server();
    create(&server, SETS, replica_set("web", 1, "demo:1")).await;
    let change =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "demo:2"}]}}}});
    let (code, set) = patch(&server, STRATEGIC, &format!("{SETS}/web"), change).await;
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((code, container["image"].as_str()), (200, Some("demo:2")));
    assert_eq!(container["ports"][0]["containerPort"], 8080);
}

#[tokio::test(start_paused = true)]
async fn patches_of_unknown_kinds_and_wrong_results_are_refused() {
    let server = server();
    create(&server, SETS, replica_set("web", 1, "demo:1")).await;
    let path = format!("{SETS}/web");
    assert_eq!(patch(&server, "text/plain", &path, json!({})).await.0, 415);
    let (code, status) = patch(&server, MERGE, &path, json!({"spec": {"replicas": "x"}})).await;
    assert_eq!(code, 422);
    assert!(message(&status).contains("cannot unmarshal string into Go struct field"), "{status}");
    assert_eq!(get(&server, &path).await["spec"]["replicas"], 1);
}
