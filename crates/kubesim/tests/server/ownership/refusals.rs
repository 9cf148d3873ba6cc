//! Applies that are refused, apart from conflicts.

use serde_json::{Value, json};

use super::{APPLY, DEPLOYMENTS, applied, apply, causes, deployment};
use crate::client::{MAPS, MERGE, config_map, create, get, message, patch, send, server};

#[tokio::test(start_paused = true)]
async fn options_are_checked() {
    let server = server();
    let path = format!("{MAPS}/a");
    let (code, status) = patch(&server, APPLY, &path, config_map("a", json!({}))).await;
    assert_eq!((code, status["reason"].as_str()), (422, Some("Invalid")));
    assert_eq!(
        message(&status),
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
    );
    assert_eq!(causes(&status), [("fieldManager", "Required value: is required for apply patch")]);
    create(&server, MAPS, config_map("a", json!({}))).await;
    let (code, status) = patch(&server, MERGE, &format!("{path}?force=true"), json!({})).await;
    assert_eq!(code, 422);
    assert_eq!(
        message(&status),
        "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch"
    );
    let (code, status) =
        apply(&server, "me", &format!("{path}?dryRun=Some"), config_map("a", json!({}))).await;
    assert_eq!(code, 422);
    assert!(message(&status).contains("dryRun: Unsupported value: [\"Some\"]"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn configurations_must_be_of_the_path_and_of_the_type() {
    let server = server();
    let path = format!("{DEPLOYMENTS}/web");
    let with = |spec: Value| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"}, "spec": spec});
    let typed = |why: &str| {
        format!("failed to create typed patch object (default/web; apps/v1, Kind=Deployment): {why}")
    };
    let containers = |containers: Value| with(json!({"template": {"spec": {"containers": containers}}}));
    let in_containers = ".spec.template.spec.containers";
    for (configuration, code, told) in [
        (json!({}), 400, "invalid object type: /, Kind=".to_owned()),
        (config_map("web", json!({})), 400, "invalid object type: /v1, Kind=ConfigMap".to_owned()),
        (json!({"apiVersion": "apps/v2", "kind": "Deployment"}), 400, "invalid object type: apps/v2, Kind=Deployment".to_owned()),
        (
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"managedFields": []}}),
            400,
            "metadata.managedFields must be nil".to_owned(),
        ),
        (with(json!({"nope": 1})), 500, typed(".spec.nope: field not declared in schema")),
        (with(json!({"replicas": "x"})), 500, typed(".spec.replicas: expected numeric (int or float), got string")),
        (with(json!({"paused": 1})), 500, typed(".spec.paused: expected boolean, got &{1}")),
        (
            with(json!({"replicas": 1.5})),
            500,
            "failed to convert new object (default/web; apps/v1, Kind=Deployment) to proper version: unable to convert \
             unstructured object to apps/v1, Kind=Deployment: cannot convert float64 to int32"
                .to_owned(),
        ),
        (with(json!({"strategy": [1]})), 500, typed(".spec.strategy: expected map, got &{[1]}")),
        (containers(json!("x")), 500, typed(&format!("{in_containers}: expected list, got &{{x}}"))),
        (
            containers(json!([{"name": "a", "image": 1, "stdin": "x"}])),
            500,
            typed(&format!(
                "errors:\n  {in_containers}[name=\"a\"].image: expected string, got &value.valueUnstructured{{Value:1}}\n  \
                 {in_containers}[name=\"a\"].stdin: expected boolean, got &{{x}}"
            )),
        ),
        (
            containers(json!([{"name": "a"}, {"name": "a"}])),
            500,
            typed(&format!("{in_containers}: duplicate entries for key [name=\"a\"]")),
        ),
        (
            containers(json!([null])),
            500,
            typed(&format!("{in_containers}: element 0: associative list with keys may not have a null element")),
        ),
        (
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"finalizers": [{}]}}),
            500,
            "failed to create typed patch object (/; apps/v1, Kind=Deployment): .metadata.finalizers: element 0: associative list \
             without keys has an element that's a map type"
                .to_owned(),
        ),
        (
            json!({"apiVersion": "apps/v1", "kind": "Deployment"}),
            400,
            "the name of the object (web based on URL) was undeterminable: name must be provided".to_owned(),
        ),
        (
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "other"}}),
            400,
            "the name of the object (other) does not match the name on the URL (web)".to_owned(),
        ),
        (
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "n"}}),
            400,
            "the namespace of the provided object does not match the namespace sent on the request".to_owned(),
        ),
        (
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "uid": "u"}}),
            409,
            "Operation cannot be fulfilled on deployments.apps \"web\": uid mismatch: the provided object specified uid u, and no \
             existing object was found"
                .to_owned(),
        ),
    ] {
        let (found, status) = apply(&server, "me", &path, configuration.clone()).await;
        assert_eq!((found, message(&status)), (code, told.as_str()), "{configuration}");
    }
    assert_eq!(send(&server, "GET", &path, Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn what_is_invalid_is_refused_as_after_any_write() {
    let server = server();
    let path = format!("{DEPLOYMENTS}/web");
    let (code, status) = apply(&server, "me", &path, deployment(json!({"replicas": -1}))).await;
    assert_eq!((code, status["reason"].as_str()), (422, Some("Invalid")));
    assert!(message(&status).contains("spec.replicas: Invalid value: -1"), "{status}");
    let path = "/api/v1/namespaces/absent/configmaps/a";
    let (code, status) = apply(&server, "me", path, config_map("a", json!({}))).await;
    assert_eq!((code, message(&status)), (404, "namespaces \"absent\" not found"));
}

#[tokio::test(start_paused = true)]
async fn versions_and_uids_are_preconditions() {
    let server = server();
    let path = format!("{MAPS}/a");
    let first = applied(&server, "me", &path, config_map("a", json!({"k": "1"}))).await;
    let mut next = config_map("a", json!({"k": "2"}));
    next["metadata"]["resourceVersion"] = first["metadata"]["resourceVersion"].clone();
    assert_eq!(apply(&server, "me", &path, next.clone()).await.0, 200);
    next["data"]["k"] = json!("3");
    let (code, status) = apply(&server, "me", &path, next).await;
    assert_eq!((code, status["reason"].as_str()), (409, Some("Conflict")));
    assert_eq!(
        message(&status),
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest \
         version and try again"
    );
    let mut other = config_map("a", json!({"k": "2"}));
    other["metadata"]["uid"] = json!("u");
    let (code, status) = apply(&server, "me", &path, other).await;
    assert_eq!(code, 422);
    assert!(message(&status).contains("metadata.uid: Invalid value: \"u\": field is immutable"), "{status}");
    assert_eq!(get(&server, &path).await["data"], json!({"k": "2"}));
}

#[tokio::test(start_paused = true)]
async fn members_given_twice_are_refused_when_that_is_asked_for() {
    use bytes::Bytes;
    use http_body_util::Full;
    use tower::Service;

    let server = server();
    let body = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1", "k": "2"}}"#;
    let send = |validation: &str| {
        let request = http::Request::builder()
            .method("PATCH")
            .uri(format!("{MAPS}/a?fieldManager=me&fieldValidation={validation}"))
            .header("content-type", APPLY)
            .body(Full::new(Bytes::from(body)));
        server.clone().call(request.unwrap())
    };
    let why =
        "error converting YAML to JSON: yaml: unmarshal errors:\n  line 1: key \"k\" already set in map";
    let (code, status) = crate::client::read(send("Strict").await.unwrap()).await;
    assert_eq!((code, message(&status)), (400, format!("error strict decoding YAML: {why}").as_str()));
    let response = send("Warn").await.unwrap();
    // A text of several lines is no header; the real server drops it, too.
    assert!(!response.headers().contains_key("warning"));
    let (code, map) = crate::client::read(response).await;
    assert_eq!((code, &map["data"]["k"]), (201, &json!("2")));
    assert_eq!(send("Ignore").await.unwrap().status(), 200);
}
