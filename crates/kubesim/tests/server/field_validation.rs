//! Unknown and repeated fields, dry runs, and bodies in other forms.

use http::header;
use serde_json::{Value, json};
use tidegate_kubesim::ApiServer;

use crate::client::{
    CRDS, JSON_PATCH, MAPS, MERGE, SETS, STRATEGIC, config_map, create, message, open, read, replica_set,
    send, server,
};

const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

async fn with_widgets() -> ApiServer {
    let server = server();
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "size": {"type": "integer"}, "parts": {"type": "array", "items": {"type": "object",
            "properties": {"name": {"type": "string"}}}}}}}});
    let definition = json!({"metadata": {"name": "widgets.example.com"}, "spec": {"group": "example.com",
        "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}});
    create(&server, CRDS, definition).await;
    server
}

fn widget() -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "color": "red"},
        "spec": {"size": 1, "shape": "round", "parts": [{"name": "a", "x": 1}]}})
}

/// Code, message and warnings of a request.
async fn sent(
    server: &ApiServer,
    method: &str,
    path: &str,
    kind: &str,
    body: &Value,
) -> (u16, String, Vec<String>) {
    let response = open(server, method, path, kind, body).await;
    let warnings = response.headers().get_all(header::WARNING).iter();
    let warnings = warnings.map(|value| value.to_str().unwrap().to_owned()).collect();
    let (code, answer) = read(response).await;
    (code, message(&answer).to_owned(), warnings)
}

const JSON: &str = "application/json";

#[tokio::test(start_paused = true)]
async fn unknown_fields_are_warned_of_unless_said_otherwise() {
    let server = with_widgets().await;
    for query in ["", "&fieldValidation=Warn"] {
        let path = format!("{WIDGETS}?dryRun=All{query}");
        let (code, _, warnings) = sent(&server, "POST", &path, JSON, &widget()).await;
        assert_eq!(code, 201);
        assert_eq!(
            warnings,
            [
                r#"299 - "unknown field \"metadata.color\"""#,
                r#"299 - "unknown field \"spec.parts[0].x\"""#,
                r#"299 - "unknown field \"spec.shape\"""#,
            ]
        );
    }
    let path = format!("{WIDGETS}?dryRun=All&fieldValidation=Ignore");
    let (code, _, warnings) = sent(&server, "POST", &path, JSON, &widget()).await;
    assert_eq!((code, warnings.len()), (201, 0));
}

#[tokio::test(start_paused = true)]
async fn strict_requests_are_refused_for_them() {
    let server = with_widgets().await;
    let (code, told, _) =
        sent(&server, "POST", &format!("{WIDGETS}?fieldValidation=Strict"), JSON, &widget()).await;
    assert_eq!(code, 400);
    assert_eq!(
        told,
        "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: unknown field \
         \"metadata.color\", unknown field \"spec.parts[0].x\", unknown field \"spec.shape\""
    );
    let mut set = replica_set("web", 1, "demo:1");
    set["spec"]["template"]["spec"]["containers"][0]["img"] = json!("x");
    let (code, told, _) = sent(&server, "POST", &format!("{SETS}?fieldValidation=Strict"), JSON, &set).await;
    assert_eq!(
        (code, told.as_str()),
        (
            400,
            "ReplicaSet in version \"v1\" cannot be handled as a ReplicaSet: strict decoding error: unknown field \
             \"spec.template.spec.containers[0].img\""
        )
    );
    assert!(server.list("rs", None).is_empty());
    let (code, told, _) =
        sent(&server, "POST", &format!("{MAPS}?fieldValidation=Maybe"), JSON, &config_map("a", json!({})))
            .await;
    assert_eq!(code, 422);
    assert_eq!(
        told,
        "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"Maybe\": supported values: \
         \"\", \"Ignore\", \"Strict\", \"Warn\""
    );
}

#[tokio::test(start_paused = true)]
async fn patches_are_refused_with_what_they_would_lead_to() {
    let server = server();
    create(&server, SETS, replica_set("web", 1, "demo:1")).await;
    let path = format!("{SETS}/web?fieldValidation=Strict");
    let patch = json!({"spec": {"replica": 3}});
    let (code, told, _) = sent(&server, "PATCH", &path, STRATEGIC, &patch).await;
    assert_eq!(code, 422);
    assert_eq!(
        told,
        " \"\" is invalid: patch: Invalid value: \"map[spec:map[replica:3]]\": strict decoding error: unknown field \
         \"spec.replica\""
    );
    for (kind, patch) in
        [(MERGE, patch.clone()), (JSON_PATCH, json!([{"op": "add", "path": "/spec/replica", "value": 3}]))]
    {
        let (code, told, _) = sent(&server, "PATCH", &path, kind, &patch).await;
        assert_eq!(code, 422);
        assert!(
            told.starts_with(" \"\" is invalid: patch: Invalid value: \"{\\\"apiVersion\\\":\\\"apps/v1\\\""),
            "{told}"
        );
        assert!(told.ends_with("strict decoding error: unknown field \"spec.replica\""), "{told}");
    }
    let (code, _, warnings) = sent(&server, "PATCH", &format!("{SETS}/web"), MERGE, &patch).await;
    assert_eq!((code, warnings), (200, vec![r#"299 - "unknown field \"spec.replica\"""#.to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn fields_that_are_given_twice_are_told_of() {
    use bytes::Bytes;
    use http_body_util::Full;
    use tower::Service;

    let server = server();
    let body = r#"{"metadata": {"name": "a"}, "data": {"x": "1", "x": "2"}, "dat": 1}"#;
    let send = |query: &str| {
        let request = http::Request::builder().method("POST").uri(format!("{MAPS}{query}"));
        server.clone().call(request.body(Full::new(Bytes::from(body))).unwrap())
    };
    let (code, status) = read(send("?fieldValidation=Strict").await.unwrap()).await;
    assert_eq!(code, 400);
    assert_eq!(
        message(&status),
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \"data.x\", \
         unknown field \"dat\""
    );
    let response = send("").await.unwrap();
    assert_eq!(response.headers().get_all(header::WARNING).iter().count(), 2);
    assert_eq!(read(response).await.1["data"], json!({"x": "2"}));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let server = server();
    create(&server, SETS, replica_set("web", 1, "demo:1")).await;
    let before = server.resource_version();
    let set = format!("{SETS}/web");
    let (_, mut current) = send(&server, "GET", &set, Value::Null).await;
    current["spec"]["replicas"] = json!(7);
    let scale = json!({"spec": {"replicas": 5}});
    for (method, path, kind, body, expected) in [
        ("PUT", set.clone(), JSON, current.clone(), json!(7)),
        ("PATCH", set.clone(), MERGE, scale.clone(), json!(5)),
        ("PATCH", set.clone(), STRATEGIC, scale.clone(), json!(5)),
        ("PATCH", format!("{set}/scale"), MERGE, scale.clone(), json!(5)),
    ] {
        let response = open(&server, method, &format!("{path}?dryRun=All"), kind, &body).await;
        let (code, answer) = read(response).await;
        assert_eq!((code, &answer["spec"]["replicas"]), (200, &expected), "{method} {path}");
    }
    for (method, path, body) in [
        ("DELETE", format!("{set}?dryRun=All"), Value::Null),
        ("DELETE", set.clone(), json!({"dryRun": ["All"]})),
        ("DELETE", format!("{SETS}?dryRun=All"), Value::Null),
    ] {
        assert_eq!(send(&server, method, &path, body).await.0, 200, "{method} {path}");
    }
    assert_eq!(server.resource_version(), before);
    for (method, path, body, kind) in [
        ("POST", format!("{SETS}?dryRun=Some"), replica_set("x", 1, "i"), "CreateOptions"),
        ("PUT", format!("{set}?dryRun=Some"), current, "UpdateOptions"),
        ("DELETE", format!("{set}?dryRun=Some"), Value::Null, "DeleteOptions"),
        ("DELETE", set, json!({"dryRun": ["Some"]}), "DeleteOptions"),
    ] {
        let (code, status) = send(&server, method, &path, body).await;
        assert_eq!(code, 422);
        let start = format!("{kind}.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: ");
        assert!(message(&status).starts_with(&start), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_in_other_forms_are_refused() {
    let server = server();
    for kind in ["application/yaml", "application/cbor", "text/plain"] {
        let (code, told, _) = sent(&server, "POST", MAPS, kind, &config_map("a", json!({}))).await;
        assert_eq!(code, 415);
        assert_eq!(
            told,
            "the body of the request was in an unknown format - accepted media types include: application/json, \
             application/vnd.kubernetes.protobuf"
        );
    }
    let path = format!("{MAPS}/a");
    create(&server, MAPS, config_map("a", json!({}))).await;
    for kind in [JSON, "application/apply-patch+cbor"] {
        let (code, told, _) = sent(&server, "PATCH", &path, kind, &json!({})).await;
        assert_eq!(code, 415);
        assert_eq!(
            told,
            "the body of the request was in an unknown format - accepted media types include: \
             application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, \
             application/apply-patch+yaml"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn go_clients_send_protobuf_and_get_json() {
    use base64::Engine;
    use bytes::Bytes;
    use http_body_util::Full;
    use tower::Service;

    let server = with_widgets().await;
    // What `kubectl create configmap a --from-literal=k=v` sends.
    let body = "azhzAAoPCgJ2MRIJQ29uZmlnTWFwEh0KEQoBYRIAGgAiACoAMgA4AEIAEggKAWsSA3YxMRoAIgA=";
    let body = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    let send = |path: &str| {
        let request = http::Request::builder()
            .method("POST")
            .uri(path)
            .header("content-type", "application/vnd.kubernetes.protobuf");
        server.clone().call(request.body(Full::new(Bytes::from(body.clone()))).unwrap())
    };
    let (code, map) = read(send(MAPS).await.unwrap()).await;
    assert_eq!(
        (code, &map["metadata"]["name"], &map["data"]),
        (201, &json!("a"), &json!({"k": "v11"})),
        "{map}"
    );
    // Custom resources have no messages.
    assert_eq!(read(send(WIDGETS).await.unwrap()).await.0, 415);
}
