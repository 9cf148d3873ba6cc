//! Applies that are accepted, and conflicts.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tower::Service;

use super::{APPLY, DEPLOYMENTS, applied, apply, causes, deployment, deployment_fields, owned};
use crate::client::{
    MAPS, MERGE, PODS, SERVICES, config_map, create, get, labelled, message, patch, read, send, server,
};

#[tokio::test(start_paused = true)]
async fn an_apply_creates_what_is_not_there() {
    let server = server();
    let path = format!("{DEPLOYMENTS}/web");
    let (code, made) =
        apply(&server, "me", &format!("{path}?dryRun=All"), deployment(json!({"replicas": 2}))).await;
    assert_eq!((code, &made["spec"]["replicas"]), (201, &json!(2)));
    assert_eq!(send(&server, "GET", &path, Value::Null).await.0, 404);
    let (code, made) = apply(&server, "me", &path, deployment(json!({"replicas": 2}))).await;
    assert_eq!((code, &made["spec"]["revisionHistoryLimit"]), (201, &json!(10)));
    let mut fields = deployment_fields();
    fields["f:replicas"] = json!({});
    owned(&made, &[("me Apply", json!({"f:spec": fields}))]);
    assert_eq!(made["metadata"]["managedFields"][0]["time"], "2026-01-01T00:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn an_apply_takes_what_others_own_only_by_force() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({"k": "1"}))).await;
    let path = format!("{MAPS}/a");
    let (code, status) = apply(&server, "me", &path, config_map("a", json!({"k": "2"}))).await;
    assert_eq!((code, status["reason"].as_str()), (409, Some("Conflict")));
    assert_eq!(message(&status), "Apply failed with 1 conflict: conflict with \"test\" using v1: .data.k");
    let cause = json!({"reason": "FieldManagerConflict", "message": "conflict with \"test\" using v1", "field": ".data.k"});
    assert_eq!(status["details"], json!({"causes": [cause]}));
    let map = applied(&server, "me", &format!("{path}?force=true"), config_map("a", json!({"k": "2"}))).await;
    assert_eq!(map["data"], json!({"k": "2"}));
    owned(&map, &[("me Apply", json!({"f:data": {"f:k": {}}})), ("test Update", json!({"f:data": {}}))]);
    // Whoever applies does not say which version it used; updates take without a conflict.
    let (code, status) =
        apply(&server, "you", &format!("{path}?force=false"), config_map("a", json!({"k": "3"}))).await;
    assert_eq!(code, 409);
    assert_eq!(message(&status), "Apply failed with 1 conflict: conflict with \"me\": .data.k");
    let (_, map) = patch(&server, MERGE, &path, json!({"data": {"k": "4"}})).await;
    owned(&map, &[("test Update", json!({"f:data": {".": {}, "f:k": {}}}))]);
}

#[tokio::test(start_paused = true)]
async fn every_conflict_is_told_by_manager() {
    let server = server();
    let path = format!("{MAPS}/a");
    create(&server, &format!("{MAPS}?fieldManager=b"), config_map("a", json!({"k": "1", "l": "1"}))).await;
    applied(&server, "a", &path, config_map("a", json!({"m": "1"}))).await;
    let (code, status) =
        apply(&server, "me", &path, config_map("a", json!({"k": "2", "l": "2", "m": "2"}))).await;
    assert_eq!(code, 409);
    assert_eq!(
        message(&status),
        "Apply failed with 3 conflicts: conflicts with \"a\":\n- .data.m\nconflicts with \"b\" using v1:\n- .data.k\n- .data.l"
    );
    assert_eq!(
        causes(&status),
        [
            (".data.m", "conflict with \"a\""),
            (".data.k", "conflict with \"b\" using v1"),
            (".data.l", "conflict with \"b\" using v1"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_applied_no_more_goes_unless_somebody_else_owns_it() {
    let server = server();
    let path = format!("{MAPS}/a");
    let nothing = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    applied(&server, "one", &path, config_map("a", json!({"k": "1", "l": "1"}))).await;
    let (_, map) = patch(&server, MERGE, &path, json!({"data": {"m": "1"}})).await;
    assert_eq!(map["data"], json!({"k": "1", "l": "1", "m": "1"}));
    // Who applies the same value owns it as well.
    let map = applied(&server, "two", &path, config_map("a", json!({"k": "1"}))).await;
    owned(
        &map,
        &[
            ("two Apply", json!({"f:data": {"f:k": {}}})),
            ("one Apply", json!({"f:data": {"f:k": {}, "f:l": {}}})),
            ("test Update", json!({"f:data": {"f:m": {}}})),
        ],
    );
    let map = applied(&server, "one", &path, nothing.clone()).await;
    assert_eq!(map["data"], json!({"k": "1", "m": "1"}));
    let map = applied(&server, "two", &path, nothing.clone()).await;
    assert_eq!(map["data"], json!({"m": "1"}));
    owned(&map, &[("test Update", json!({"f:data": {"f:m": {}}}))]);
}

#[tokio::test(start_paused = true)]
async fn a_default_returns_where_a_field_goes() {
    let server = server();
    let path = format!("{DEPLOYMENTS}/web");
    applied(&server, "me", &path, deployment(json!({"replicas": 3, "strategy": {"type": "Recreate"}}))).await;
    let made = applied(&server, "me", &path, deployment(json!({}))).await;
    assert_eq!(made["spec"]["replicas"], 1);
    assert_eq!(made["spec"]["strategy"]["type"], "RollingUpdate");
    owned(&made, &[("me Apply", json!({"f:spec": deployment_fields()}))]);
    assert_eq!(made["metadata"]["generation"], 2);
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_changes_nothing_is_no_write() {
    let server = server();
    let path = format!("{DEPLOYMENTS}/web");
    let first = applied(&server, "me", &path, deployment(json!({"replicas": 3}))).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    let again = applied(&server, "me", &path, deployment(json!({"replicas": 3}))).await;
    assert_eq!(again, first);
    // Who joins by the same value makes a write, but has no time.
    let joined = applied(
        &server,
        "you",
        &path,
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 3}}),
    )
    .await;
    assert_ne!(joined["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert_eq!(joined["metadata"]["managedFields"][0]["manager"], "you");
    assert_eq!(joined["metadata"]["managedFields"][0].get("time"), None);
}

#[tokio::test(start_paused = true)]
async fn lists_are_merged_by_their_types() {
    let server = server();
    let pod =
        |spec: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec});
    let path = format!("{PODS}/p");
    let first = json!({"containers": [{"name": "a", "image": "a", "args": ["1", "2"], "env": [{"name": "A", "value": "1"}],
        "ports": [{"containerPort": 80}]}]});
    applied(&server, "one", &path, pod(first)).await;
    // An object's labels and finalizers are a map and a set; an owner's references have keys.
    let two = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "finalizers": ["x/a"], "labels": {"a": "b"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}]}});
    let made = applied(&server, "two", &path, two).await;
    let two = json!({"f:metadata": {"f:finalizers": {"v:\"x/a\"": {}}, "f:labels": {"f:a": {}},
        "f:ownerReferences": {"k:{\"uid\":\"u\"}": {}}}});
    let one = json!({"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:args": {}, "f:env": {
        "k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}}}, "f:image": {}, "f:name": {},
        "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}}}});
    owned(&made, &[("one Apply", one), ("two Apply", two)]);
    let more = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "finalizers": ["x/b"]}});
    let made = applied(&server, "three", &path, more).await;
    assert_eq!(made["metadata"]["finalizers"], json!(["x/a", "x/b"]));
    // What two does not say any more goes; what is three's stays.
    let made =
        applied(&server, "two", &path, json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}))
            .await;
    assert_eq!(made["metadata"]["finalizers"], json!(["x/b"]));
    assert_eq!((made["metadata"].get("labels"), made["metadata"].get("ownerReferences")), (None, None));
    let image = json!({"containers": [{"name": "a", "image": "b"}]});
    let (code, status) = apply(&server, "two", &path, pod(image)).await;
    assert_eq!(code, 409);
    assert_eq!(
        message(&status),
        "Apply failed with 1 conflict: conflict with \"one\": .spec.containers[name=\"a\"].image"
    );
}

#[tokio::test(start_paused = true)]
async fn elements_are_merged_in_the_order_of_the_configuration() {
    let server = server();
    let with = |names: &[&str]| {
        let env: Vec<Value> = names.iter().map(|name| json!({"name": name, "value": "1"})).collect();
        let template = json!({"spec": {"containers": [{"name": "main", "env": env}]}});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": template}})
    };
    let path = format!("{DEPLOYMENTS}/web");
    applied(&server, "me", &path, deployment(json!({}))).await;
    applied(&server, "one", &path, with(&["A", "B", "C"])).await;
    let made = applied(&server, "two", &path, with(&["C", "X", "A"])).await;
    let env = made["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
    let names: Vec<&str> = env.iter().map(|env| env["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["B", "C", "X", "A"]);
}

#[tokio::test(start_paused = true)]
async fn maps_that_are_owned_whole_conflict_whole() {
    let server = server();
    let service = |selector: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"selector": selector}});
    let path = format!("{SERVICES}/s");
    let mut first = service(json!({"app": "a"}));
    first["spec"]["ports"] = json!([{"port": 80}]);
    applied(&server, "one", &path, first).await;
    let (code, status) = apply(&server, "two", &path, service(json!({"tier": "b"}))).await;
    assert_eq!(code, 409);
    assert_eq!(message(&status), "Apply failed with 1 conflict: conflict with \"one\": .spec.selector");
    let made = applied(&server, "two", &format!("{path}?force=true"), service(json!({"tier": "b"}))).await;
    assert_eq!(made["spec"]["selector"], json!({"tier": "b"}));
}

#[tokio::test(start_paused = true)]
async fn client_side_apply_is_taken_over() {
    let server = server();
    let path = format!("{MAPS}/a");
    let last = format!("{}\n", config_map("a", json!({"k": "1", "l": "1"})));
    let annotation = "kubectl.kubernetes.io/last-applied-configuration";
    let mut map = config_map("a", json!({"k": "1", "l": "1"}));
    map["metadata"]["annotations"] = json!({annotation: last});
    create(&server, &format!("{MAPS}?fieldManager=kubectl-client-side-apply"), map).await;
    // As kubectl, what client-side apply set may be changed; as somebody else not.
    let (code, status) = apply(&server, "else", &path, config_map("a", json!({"k": "2"}))).await;
    assert_eq!(code, 409, "{status}");
    let map = applied(&server, "kubectl", &path, config_map("a", json!({"k": "2"}))).await;
    assert_eq!(map["data"], json!({"k": "2", "l": "1"}));
    assert_eq!(
        map["metadata"]["annotations"][annotation],
        "{\"apiVersion\":\"v1\",\"data\":{\"k\":\"2\"},\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}\n"
    );
    // But not what somebody has changed since.
    let (_, _) =
        patch(&server, MERGE, &format!("{path}?fieldManager=editor"), json!({"data": {"l": "3"}})).await;
    let (code, status) = apply(&server, "kubectl", &path, config_map("a", json!({"k": "2", "l": "4"}))).await;
    assert_eq!(code, 409);
    assert_eq!(message(&status), "Apply failed with 1 conflict: conflict with \"editor\" using v1: .data.l");
}

#[tokio::test(start_paused = true)]
async fn bodies_are_yaml() {
    let server = server();
    let send = |body: &'static str| {
        let request = Request::builder()
            .method("PATCH")
            .uri(format!("{MAPS}/a?fieldManager=me"))
            .header("content-type", APPLY)
            .body(Full::new(Bytes::from(body)));
        server.clone().call(request.unwrap())
    };
    let body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: |\n    text\n";
    let (code, map) = read(send(body).await.unwrap()).await;
    assert_eq!((code, &map["data"]), (201, &json!({"k": "text\n"})));
    let body = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {a: yes, b: 010}}\n";
    let (code, map) = read(send(body).await.unwrap()).await;
    assert_eq!((code, &map["metadata"]["labels"]), (200, &json!({"a": "yes", "b": "010"})));
    let (code, status) = read(send("- a").await.unwrap()).await;
    assert_eq!(
        (code, message(&status)),
        (
            400,
            "error decoding YAML: json: cannot unmarshal array into Go value of type map[string]interface {}"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_but_metadata_is_an_apply_too() {
    let server = server();
    let map = applied(&server, "me", &format!("{MAPS}/a"), labelled("a", json!({}))).await;
    owned(&map, &[("me Apply", json!({"f:metadata": {"f:labels": {}}}))]);
    let map = get(&server, &format!("{MAPS}/a")).await;
    assert_eq!(map["metadata"].get("labels"), None);
}
