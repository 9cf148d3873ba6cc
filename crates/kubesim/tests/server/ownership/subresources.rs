//! Statuses and scales.

use serde_json::json;

use super::{DEPLOYMENTS, applied, apply, causes, deployment, deployment_fields, owned, owners};
use crate::client::{MERGE, PODS, create, message, patch, send, server};

#[tokio::test(start_paused = true)]
async fn a_status_is_owned_by_who_writes_it_there() {
    let server = server();
    let path = format!("{DEPLOYMENTS}/web");
    // Neither an apply of the object nor an update of it writes the status.
    let mut whole = deployment(json!({}));
    whole["status"] = json!({"replicas": 5});
    let made = applied(&server, "me", &path, whole).await;
    owned(&made, &[("me Apply", json!({"f:spec": deployment_fields()}))]);
    assert_eq!(made["status"].get("replicas"), None);
    // An update of the status writes neither the spec nor the labels.
    let change =
        json!({"metadata": {"labels": {"x": "y"}}, "spec": {"replicas": 9}, "status": {"replicas": 1}});
    let (code, made) = patch(&server, MERGE, &format!("{path}/status?fieldManager=ctrl"), change).await;
    assert_eq!(code, 200);
    let status = json!({"f:status": {"f:replicas": {}}});
    owned(&made, &[("me Apply", json!({"f:spec": deployment_fields()})), ("ctrl Update status", status)]);
    let configuration = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "status": {"replicas": 2}});
    let (code, status) = apply(&server, "you", &format!("{path}/status"), configuration.clone()).await;
    assert_eq!(code, 409);
    assert_eq!(
        message(&status),
        "Apply failed with 1 conflict: conflict with \"ctrl\" with subresource \"status\" using apps/v1: .status.replicas"
    );
    assert_eq!(
        causes(&status),
        [(".status.replicas", "conflict with \"ctrl\" with subresource \"status\" using apps/v1")]
    );
    let made = applied(&server, "you", &format!("{path}/status?force=true"), configuration).await;
    owned(
        &made,
        &[
            ("me Apply", json!({"f:spec": deployment_fields()})),
            ("you Apply status", json!({"f:status": {"f:replicas": {}}})),
        ],
    );
    let (code, status) = apply(&server, "you", &format!("{DEPLOYMENTS}/absent/status"), json!({})).await;
    assert_eq!((code, message(&status)), (404, "deployments.apps \"absent\" not found"));
}

#[tokio::test(start_paused = true)]
async fn conditions_are_merged_by_their_types() {
    let server = server();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a", "image": "a"}]}});
    create(&server, PODS, pod).await;
    let condition = json!({"type": "Ready", "status": "True"});
    let configuration = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": {"conditions": [condition]}});
    let made = applied(&server, "me", &format!("{PODS}/p/status"), configuration).await;
    let fields = json!({"f:status": {"f:conditions": {"k:{\"type\":\"Ready\"}": {".": {}, "f:status": {}, "f:type": {}}}}});
    assert_eq!(owners(&made)[0], ("me Apply status".to_owned(), fields));
}

#[tokio::test(start_paused = true)]
async fn a_scale_takes_the_replicas() {
    let server = server();
    let path = format!("{DEPLOYMENTS}/web");
    applied(&server, "me", &path, deployment(json!({"replicas": 3}))).await;
    let (code, scale) =
        patch(&server, MERGE, &format!("{path}/scale?fieldManager=hpa"), json!({"spec": {"replicas": 4}}))
            .await;
    assert_eq!((code, &scale["spec"]["replicas"]), (200, &json!(4)));
    let made = crate::client::get(&server, &path).await;
    owned(
        &made,
        &[
            ("me Apply", json!({"f:spec": deployment_fields()})),
            ("hpa Update scale", json!({"f:spec": {"f:replicas": {}}})),
        ],
    );
    // As on the real server an entry that came by scaling is of the object's version, and has no time.
    let entry = &made["metadata"]["managedFields"][1];
    assert_eq!((entry["apiVersion"].as_str(), entry.get("time")), (Some("apps/v1"), None));
    let (code, status) = apply(&server, "me", &path, deployment(json!({"replicas": 3}))).await;
    assert_eq!(code, 409);
    assert_eq!(
        message(&status),
        "Apply failed with 1 conflict: conflict with \"hpa\" with subresource \"scale\" using apps/v1: .spec.replicas"
    );
    // Without replicas the applier leaves them to whom they belong.
    let made = applied(&server, "me", &path, deployment(json!({}))).await;
    assert_eq!(made["spec"]["replicas"], 4);
}

#[tokio::test(start_paused = true)]
async fn a_scale_can_be_applied() {
    let server = server();
    let path = format!("{DEPLOYMENTS}/web");
    applied(&server, "me", &path, deployment(json!({"replicas": 3}))).await;
    let scale = |replicas: i64| {
        json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"replicas": replicas}})
    };
    let (code, status) = apply(&server, "you", &format!("{path}/scale"), scale(5)).await;
    assert_eq!(code, 409);
    assert_eq!(message(&status), "Apply failed with 1 conflict: conflict with \"me\": .spec.replicas");
    let (code, answer) = apply(&server, "you", &format!("{path}/scale?force=true"), scale(5)).await;
    assert_eq!((code, &answer["kind"], &answer["spec"]["replicas"]), (200, &json!("Scale"), &json!(5)));
    let made = crate::client::get(&server, &path).await;
    owned(
        &made,
        &[
            ("you Apply scale", json!({"f:spec": {"f:replicas": {}}})),
            ("me Apply", json!({"f:spec": deployment_fields()})),
        ],
    );
    let (code, status) = apply(&server, "you", &format!("{path}/scale"), deployment(json!({}))).await;
    assert_eq!((code, message(&status)), (400, "invalid object type: apps/v1, Kind=Deployment"));
    let (code, _) = send(&server, "PUT", &format!("{path}/scale"), scale(6)).await;
    assert_eq!(code, 200);
}

#[tokio::test(start_paused = true)]
async fn a_scale_that_changes_nothing_takes_an_entry_apart() {
    let server = server();
    create(&server, DEPLOYMENTS, deployment(json!({"replicas": 3}))).await;
    let path = format!("{DEPLOYMENTS}/web");
    let same = json!({"spec": {"replicas": 3}});
    assert_eq!(patch(&server, MERGE, &format!("{path}/scale?fieldManager=hpa"), same).await.0, 200);
    // So does the real server, whose scales forget the version by which it tells entries of updates apart.
    let owners = owners(&crate::client::get(&server, &path).await);
    assert_eq!(owners.len(), 2);
    assert_eq!(owners[0], ("test Update".to_owned(), json!({"f:spec": {"f:replicas": {}}})));
    assert_eq!(owners[1].0, "test Update");
    assert_eq!(owners[1].1["f:spec"].get("f:replicas"), None);
}
