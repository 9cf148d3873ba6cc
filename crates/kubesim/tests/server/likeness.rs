//! What is stored looks like what a real server stored.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_kubesim::{ApiServer, Config};

use crate::client::{create, server};

/// The ReplicaSet, Service and Pod of `data/deployed.yaml`.
fn real(kind: &str) -> Value {
    let documents = serde_yaml_ng::Deserializer::from_str(include_str!("data/deployed.yaml"));
    let mut objects = documents.map(|document| Value::deserialize(document).unwrap());
    objects.find(|object| object["kind"] == kind).unwrap()
}

/// What a user would have sent to get `stored`.
fn sent(stored: &Value) -> Value {
    let mut object = stored.clone();
    object.as_object_mut().unwrap().remove("status");
    let metadata = object["metadata"].as_object_mut().unwrap();
    for key in ["creationTimestamp", "generation", "resourceVersion", "uid", "ownerReferences"] {
        metadata.remove(key);
    }
    metadata.insert("namespace".to_owned(), "default".into());
    object
}

/// Fields that differ between runs, or because the real ReplicaSet had an owner and was scaled.
const DIFFERS: [&str; 10] = [
    "clusterIP",
    "clusterIPs",
    "generation",
    "ip",
    "namespace",
    "observedGeneration",
    "ownerReferences",
    "podIP",
    "resourceVersion",
    "uid",
];

/// `object` with its shape and constants, but without what differs from run to run.
fn likeness(object: &Value) -> Value {
    let masked = |key: &str, value: &Value| match key {
        _ if DIFFERS.contains(&key) => json!("..."),
        "name" if value.as_str().is_some_and(|name| name.matches('-').count() == 3) => json!("..."),
        _ if key.ends_with("Time") || key.ends_with("Timestamp") || key == "startedAt" => match value {
            Value::String(_) => json!("..."),
            other => other.clone(),
        },
        _ => likeness(value),
    };
    match object {
        Value::Object(fields) => {
            // The recording was made without owners.
            let fields = fields.iter().filter(|(key, _)| *key != "managedFields");
            fields.map(|(key, value)| (key.clone(), masked(key, value))).collect()
        }
        Value::Array(items) => items.iter().map(likeness).collect(),
        other => other.clone(),
    }
}

fn only(server: &ApiServer, resource: &str) -> Value {
    let objects = server.list(resource, Some("default"));
    (**objects.first().unwrap()).clone()
}

#[tokio::test(start_paused = true)]
async fn a_service_is_stored_as_a_real_one() {
    let server = server();
    let mut service = sent(&real("Service"));
    service["spec"] = json!({"ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        "selector": {"app": "rollouts-demo"}});
    create(&server, crate::client::SERVICES, service).await;
    assert_eq!(likeness(&only(&server, "services")), likeness(&real("Service")));
}

#[tokio::test(start_paused = true)]
async fn a_replica_set_and_its_pods_are_stored_as_real_ones() {
    let server = ApiServer::new(Config::default());
    server.spawn_controllers();
    let mut set = sent(&real("ReplicaSet"));
    let template = &mut set["spec"]["template"]["spec"];
    *template = json!({"containers": [{"name": "rollouts-demo", "image": "demo:blue",
        "ports": [{"containerPort": 8080, "name": "http"}],
        "resources": {"requests": {"cpu": "5m", "memory": "32Mi"}}}]});
    create(&server, crate::client::SETS, set).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut expected = likeness(&real("ReplicaSet"));
    expected["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    assert_eq!(likeness(&only(&server, "replicasets")), expected);
    assert_eq!(likeness(&only(&server, "pods")), likeness(&real("Pod")));
}
