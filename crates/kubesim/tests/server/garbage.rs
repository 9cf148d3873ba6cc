//! What becomes of objects whose owners go.

use serde_json::{Value, json};
use tidegate_kubesim::ApiServer;

use crate::client::{MAPS, config_map, create, get, send};
use crate::workloads::{pass, running};

fn owner(map: &Value, blocks: bool) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "name": map["metadata"]["name"],
        "uid": map["metadata"]["uid"], "blockOwnerDeletion": blocks})
}

async fn owned(server: &ApiServer, name: &str, owners: &[Value]) -> Value {
    let mut map = config_map(name, json!({}));
    map["metadata"]["ownerReferences"] = json!(owners);
    create(server, MAPS, map).await
}

async fn delete_in_foreground(server: &ApiServer, name: &str) {
    let options = json!({"propagationPolicy": "Foreground"});
    assert_eq!(send(server, "DELETE", &format!("{MAPS}/{name}"), options).await.0, 200);
    pass(2.0).await;
}

fn names(server: &ApiServer) -> Vec<String> {
    let maps = server.list("configmaps", Some("default"));
    maps.iter().map(|map| map["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_shared_dependent_stays_with_the_owner_that_lives() {
    let server = running().await;
    let (a, b) = (owned(&server, "a", &[]).await, owned(&server, "b", &[]).await);
    owned(&server, "shared", &[owner(&a, true), owner(&b, false)]).await;
    delete_in_foreground(&server, "a").await;
    assert_eq!(names(&server), ["b", "shared"]);
    let shared = get(&server, &format!("{MAPS}/shared")).await;
    assert_eq!(shared["metadata"]["ownerReferences"], json!([owner(&b, false)]));
    delete_in_foreground(&server, "b").await;
    assert_eq!(names(&server), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_dependent_of_two_that_wait_goes_with_both() {
    let server = running().await;
    let mut a = owned(&server, "a", &[]).await;
    let b = owned(&server, "b", &[]).await;
    let below = owned(&server, "below", &[owner(&a, true), owner(&b, true)]).await;
    owned(&server, "leaf", &[owner(&below, true)]).await;
    a["metadata"]["finalizers"] = json!(["example.com/hold"]);
    assert_eq!(send(&server, "PUT", &format!("{MAPS}/a"), a).await.0, 200);
    send(&server, "DELETE", &format!("{MAPS}/a"), json!({"propagationPolicy": "Foreground"})).await;
    delete_in_foreground(&server, "b").await;
    assert_eq!(names(&server), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn owners_in_a_circle_do_not_wait_for_each_other() {
    let server = running().await;
    let a = owned(&server, "a", &[]).await;
    let b = owned(&server, "b", &[owner(&a, true)]).await;
    let mut a = get(&server, &format!("{MAPS}/a")).await;
    a["metadata"]["ownerReferences"] = json!([owner(&b, true)]);
    assert_eq!(send(&server, "PUT", &format!("{MAPS}/a"), a).await.0, 200);
    delete_in_foreground(&server, "a").await;
    assert_eq!(names(&server), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_is_told_by_kind_and_name_and_uid() {
    let server = running().await;
    let a = owned(&server, "a", &[]).await;
    let change = |key: &str, value: Value| {
        let mut owner = owner(&a, false);
        owner[key] = value;
        owner
    };
    owned(&server, "good", &[owner(&a, false)]).await;
    owned(&server, "other-name", &[change("name", "b".into())]).await;
    owned(&server, "other-kind", &[change("kind", "Secret".into())]).await;
    owned(&server, "other-uid", &[change("uid", "b".into())]).await;
    owned(&server, "unknown-kind", &[change("kind", "Unknown".into())]).await;
    pass(2.0).await;
    assert_eq!(names(&server), ["a", "good", "unknown-kind"]);
}
