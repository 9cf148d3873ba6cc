//! ReplicaSets, pods, and the garbage collector at work.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_kubesim::{ApiError, ApiServer, Config, Kubelet, PodState, Reaction, Stage};

use crate::client::{MERGE, PODS, SETS, create, get, patch, replica_set, send, server};

pub(crate) async fn running() -> ApiServer {
    let server = server();
    server.spawn_controllers();
    server
}

pub(crate) async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn ready_pods(server: &ApiServer) -> usize {
    server.list("pods", None).iter().filter(|pod| is_ready(pod)).count()
}

async fn scale(server: &ApiServer, replicas: i64) {
    let path = format!("{SETS}/web/scale");
    let (code, answer) = patch(server, MERGE, &path, json!({"spec": {"replicas": replicas}})).await;
    assert_eq!(code, 200, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_replica_set_scales_up_and_down() {
    let server = running().await;
    create(&server, SETS, replica_set("web", 3, "demo:1")).await;
    pass(0.5).await;
    assert_eq!((server.list("pods", None).len(), ready_pods(&server)), (3, 0));
    pass(0.5).await;
    assert_eq!(ready_pods(&server), 3);
    let full = json!({"replicas": 3, "fullyLabeledReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
        "observedGeneration": 1, "terminatingReplicas": 0});
    assert_eq!(get(&server, &format!("{SETS}/web")).await["status"], full);
    scale(&server, 1).await;
    pass(0.05).await;
    let going = get(&server, &format!("{SETS}/web")).await["status"].clone();
    assert_eq!((going["replicas"].as_i64(), going["terminatingReplicas"].as_i64()), (Some(1), Some(2)));
    assert_eq!((server.list("pods", None).len(), ready_pods(&server)), (3, 1));
    scale(&server, 0).await;
    pass(1.0).await;
    assert_eq!(server.list("pods", None).len(), 0);
    let none = json!({"replicas": 0, "observedGeneration": 3, "terminatingReplicas": 0});
    assert_eq!(get(&server, &format!("{SETS}/web")).await["status"], none);
}

#[tokio::test(start_paused = true)]
async fn pods_look_like_real_ones() {
    let server = running().await;
    create(&server, SETS, replica_set("web", 1, "demo:1")).await;
    pass(1.0).await;
    let pod = (*server.list("pods", None)[0]).clone();
    let name = pod["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("web-") && name.len() == 9, "{name}");
    assert_eq!(pod["metadata"]["generateName"], "web-");
    assert_eq!(pod["metadata"]["generation"], 1);
    let owner = &pod["metadata"]["ownerReferences"][0];
    assert_eq!((owner["kind"].as_str(), owner["controller"].as_bool()), (Some("ReplicaSet"), Some(true)));
    assert_eq!(
        (pod["spec"]["nodeName"].as_str(), pod["status"]["phase"].as_str()),
        (Some("n0"), Some("Running"))
    );
    let types: Vec<&str> =
        pod["status"]["conditions"].as_array().unwrap().iter().map(|c| c["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["Initialized", "ContainersReady", "Ready", "PodScheduled"]);
    assert_eq!(pod["status"]["conditions"][2].get("lastProbeTime"), Some(&Value::Null));
    assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0);
    assert_eq!(pod["spec"]["tolerations"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_at_rest() {
    let server = running().await;
    create(&server, SETS, replica_set("web", 3, "demo:1")).await;
    pass(5.0).await;
    let before = server.tallies();
    pass(86_400.0).await;
    assert_eq!(server.tallies(), before);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_is_replaced_at_once() {
    let server = running().await;
    create(&server, SETS, replica_set("web", 2, "demo:1")).await;
    pass(2.0).await;
    let name = server.list("pods", None)[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let (code, pod) = send(&server, "DELETE", &format!("{PODS}/{name}"), Value::Null).await;
    assert_eq!((code, pod["metadata"]["deletionGracePeriodSeconds"].as_i64()), (200, Some(30)));
    pass(0.01).await;
    assert_eq!((server.list("pods", None).len(), ready_pods(&server)), (3, 1));
    pass(2.0).await;
    assert_eq!((server.list("pods", None).len(), ready_pods(&server)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn running_pods_can_be_made_to_crash() {
    let server = running().await;
    create(&server, SETS, replica_set("web", 1, "demo:bad")).await;
    pass(2.0).await;
    assert_eq!(ready_pods(&server), 1);
    let crash = Stage { after: Duration::from_secs(1), state: PodState::Crashed };
    server.update_kubelet(|kubelet| kubelet.set_image("bad", vec![crash]));
    pass(1.5).await;
    let pod = server.list("pods", None)[0].clone();
    let container = &pod["status"]["containerStatuses"][0];
    assert_eq!(
        (ready_pods(&server), container["state"]["waiting"]["reason"].as_str()),
        (0, Some("CrashLoopBackOff"))
    );
    pass(60.0).await;
    let pod = server.list("pods", None)[0].clone();
    assert!(pod["status"]["containerStatuses"][0]["restartCount"].as_i64() >= Some(2), "{pod}");
}

#[tokio::test(start_paused = true)]
async fn status_lags_by_the_configured_reaction() {
    let reaction = Reaction { replica_set: Duration::from_secs(3), ..Reaction::default() };
    let server = ApiServer::new(Config { reaction, ..Config::default() });
    server.spawn_controllers();
    pass(0.1).await;
    create(&server, SETS, replica_set("web", 1, "demo:1")).await;
    pass(2.9).await;
    assert_eq!(server.list("pods", None).len(), 0);
    pass(0.2).await;
    assert_eq!(server.list("pods", None).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn failed_creation_shows_as_a_condition_and_is_retried() {
    let server = running().await;
    server.fail_writes(|attempt| {
        let is_refused = attempt.actor == "replicaset-controller" && attempt.verb == "create";
        is_refused.then(|| ApiError::new(403, "Forbidden", "pods \"web-\" is forbidden: exceeded quota"))
    });
    create(&server, SETS, replica_set("web", 2, "demo:1")).await;
    pass(1.0).await;
    let condition = get(&server, &format!("{SETS}/web")).await["status"]["conditions"][0].clone();
    assert_eq!(
        (condition["type"].as_str(), condition["reason"].as_str()),
        (Some("ReplicaFailure"), Some("FailedCreate"))
    );
    assert_eq!(condition["message"], "pods \"web-\" is forbidden: exceeded quota");
    server.allow_writes();
    pass(10.0).await;
    assert_eq!(ready_pods(&server), 2);
    assert_eq!(get(&server, &format!("{SETS}/web")).await["status"].get("conditions"), None);
}

#[tokio::test(start_paused = true)]
async fn dependents_go_with_their_owner() {
    let server = running().await;
    create(&server, SETS, replica_set("web", 2, "demo:1")).await;
    pass(2.0).await;
    send(&server, "DELETE", &format!("{SETS}/web"), Value::Null).await;
    assert_eq!(server.list("rs", None).len(), 0);
    pass(1.0).await;
    assert_eq!(server.list("pods", None).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn foreground_deletion_waits_for_dependents() {
    let server = running().await;
    create(&server, SETS, replica_set("web", 2, "demo:1")).await;
    pass(2.0).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    server.observe(move |change| {
        if change.after.is_none() {
            seen.lock().unwrap().push(change.resource.clone());
        }
    });
    send(&server, "DELETE", &format!("{SETS}/web"), json!({"propagationPolicy": "Foreground"})).await;
    let set = get(&server, &format!("{SETS}/web")).await;
    assert_eq!(set["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    pass(1.0).await;
    assert_eq!(*order.lock().unwrap(), ["pods", "pods", "replicasets.apps"]);
}

#[tokio::test(start_paused = true)]
async fn orphans_stay_and_are_adopted_by_the_next_owner() {
    let server = running().await;
    create(&server, SETS, replica_set("web", 2, "demo:1")).await;
    pass(2.0).await;
    send(&server, "DELETE", &format!("{SETS}/web?propagationPolicy=Orphan"), Value::Null).await;
    pass(1.0).await;
    assert_eq!((server.list("rs", None).len(), ready_pods(&server)), (0, 2));
    assert_eq!(server.list("pods", None)[0]["metadata"].get("ownerReferences"), None);
    let set = create(&server, SETS, replica_set("web", 2, "demo:1")).await;
    pass(1.0).await;
    let pods = server.list("pods", None);
    assert_eq!(pods.len(), 2);
    assert!(pods.iter().all(|pod| pod["metadata"]["ownerReferences"][0]["uid"] == set["metadata"]["uid"]));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_namespace_empties_first() {
    let server = running().await;
    create(&server, "/api/v1/namespaces", json!({"metadata": {"name": "team"}})).await;
    create(&server, "/apis/apps/v1/namespaces/team/replicasets", replica_set("web", 2, "demo:1")).await;
    pass(2.0).await;
    let (code, namespace) = send(&server, "DELETE", "/api/v1/namespaces/team", Value::Null).await;
    assert_eq!((code, namespace["status"]["phase"].as_str()), (200, Some("Terminating")));
    let maps = "/api/v1/namespaces/team/configmaps";
    assert_eq!(send(&server, "POST", maps, json!({"metadata": {"name": "late"}})).await.0, 403);
    pass(2.0).await;
    assert_eq!(server.get("namespaces", "", "team"), None);
    assert_eq!((server.list("pods", None).len(), server.list("rs", None).len()), (0, 0));
}

/// A day in the life of a server, as a trace.
async fn trace(seed: u64) -> Vec<String> {
    let kubelet = Kubelet { termination: Duration::from_secs(2), ..Kubelet::default() };
    let server = ApiServer::new(Config { seed, kubelet, ..Config::default() });
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    server.observe(move |change| {
        let line = format!(
            "{} {} {} {} {} {}",
            change.time, change.resource_version, change.actor, change.verb, change.resource, change.name
        );
        seen.lock().unwrap().push(line);
    });
    server.spawn_controllers();
    create(&server, SETS, replica_set("web", 5, "demo:1")).await;
    pass(3.0).await;
    scale(&server, 2).await;
    pass(3.0).await;
    lines.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_seed_gives_the_same_trace_twice() {
    let first = trace(1).await;
    assert!(first.len() > 20, "{first:#?}");
    assert_eq!(first, trace(1).await);
    assert_ne!(first, trace(2).await);
}
