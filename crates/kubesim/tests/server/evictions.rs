//! Evictions, and the budgets that bind them.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_kubesim::{ApiServer, PodState, Stage};

use crate::client::{PODS, SETS, create, get, message, replica_set, send, server};

const BUDGETS: &str = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

async fn with_pods(replicas: i64, image: &str) -> ApiServer {
    let server = server();
    server.spawn_controllers();
    create(&server, SETS, replica_set("web", replicas, image)).await;
    pass(2.0).await;
    server
}

async fn budget(server: &ApiServer, name: &str, mut spec: Value) {
    spec["selector"] = json!({"matchLabels": {"app": "web"}});
    let object = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": spec});
    create(server, BUDGETS, object).await;
    pass(0.1).await;
}

fn pod(server: &ApiServer, number: usize) -> Value {
    (*server.list("pods", None)[number]).clone()
}

async fn evict(server: &ApiServer, pod: &Value, options: Value) -> (u16, Value) {
    let name = pod["metadata"]["name"].as_str().unwrap();
    let body = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"},
        "deleteOptions": options});
    send(server, "POST", &format!("{PODS}/{name}/eviction"), body).await
}

/// `[disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods]`.
async fn counts(server: &ApiServer, name: &str) -> [i64; 4] {
    let status = get(server, &format!("{BUDGETS}/{name}")).await["status"].clone();
    ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"]
        .map(|field| status[field].as_i64().unwrap())
}

fn cause(answer: &Value) -> &str {
    let cause = &answer["details"]["causes"][0];
    assert_eq!(cause["reason"], "DisruptionBudget", "{answer}");
    cause["message"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_budget_goes_as_by_a_deletion() {
    let server = with_pods(2, "demo:1").await;
    let (code, answer) = evict(&server, &pod(&server, 0), json!({"dryRun": ["All"]})).await;
    assert_eq!((code, pod(&server, 0)["metadata"].get("deletionTimestamp")), (201, None));
    let expected =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    assert_eq!(answer, expected);
    let (code, answer) = evict(&server, &pod(&server, 0), json!({"preconditions": {"uid": "another"}})).await;
    assert_eq!((code, answer["reason"].as_str()), (409, Some("Conflict")));
    let uid = pod(&server, 0)["metadata"]["uid"].clone();
    let (code, _) = evict(&server, &pod(&server, 0), json!({"preconditions": {"uid": uid}})).await;
    assert_eq!((code, pod(&server, 0)["metadata"]["deletionGracePeriodSeconds"].as_i64()), (201, Some(30)));
    let (code, answer) = evict(&server, &json!({"metadata": {"name": "nobody"}}), Value::Null).await;
    assert_eq!((code, message(&answer)), (404, "pods \"nobody\" not found"));
    let body = json!({"metadata": {"name": "other"}});
    let name = pod(&server, 1)["metadata"]["name"].as_str().unwrap().to_owned();
    let (code, answer) = send(&server, "POST", &format!("{PODS}/{name}/eviction"), body).await;
    assert_eq!((code, message(&answer)), (400, "name in URL does not match name in Eviction object"));
    assert_eq!(send(&server, "GET", &format!("{PODS}/{name}/eviction"), Value::Null).await.0, 405);
}

#[tokio::test(start_paused = true)]
async fn a_budget_lets_pods_go_one_after_the_other() {
    let server = with_pods(3, "demo:1").await;
    budget(&server, "b", json!({"maxUnavailable": 1})).await;
    assert_eq!(counts(&server, "b").await, [1, 3, 2, 3]);
    let (first, second) = (pod(&server, 0), pod(&server, 1));
    assert_eq!(evict(&server, &first, json!({"dryRun": ["All"]})).await.0, 201);
    assert_eq!(evict(&server, &first, Value::Null).await.0, 201);
    let (code, answer) = evict(&server, &second, Value::Null).await;
    assert_eq!((code, answer["reason"].as_str()), (429, Some("TooManyRequests")));
    assert_eq!(message(&answer), "Cannot evict pod as it would violate the pod's disruption budget.");
    assert_eq!(cause(&answer), "The disruption budget b does not allow evicting pods currently");
    pass(0.5).await;
    assert_eq!(counts(&server, "b").await, [0, 2, 2, 3]);
    let condition = get(&server, &format!("{BUDGETS}/b")).await["status"]["conditions"][0].clone();
    assert_eq!(
        (condition["status"].as_str(), condition["reason"].as_str()),
        (Some("False"), Some("InsufficientPods"))
    );
    pass(2.0).await;
    assert_eq!(counts(&server, "b").await, [1, 3, 2, 3]);
    assert_eq!(evict(&server, &second, Value::Null).await.0, 201);
    pass(5.0).await;
    let before = server.tallies();
    pass(3600.0).await;
    assert_eq!(server.tallies(), before);
}

#[tokio::test(start_paused = true)]
async fn budgets_are_numbers_or_shares() {
    let server = with_pods(3, "demo:1").await;
    for (name, spec, expected) in [
        ("min", json!({"minAvailable": 2}), [1, 3, 2, 3]),
        ("min-share", json!({"minAvailable": "50%"}), [1, 3, 2, 3]),
        ("max-share", json!({"maxUnavailable": "50%"}), [2, 3, 1, 3]),
        ("all", json!({"minAvailable": "100%"}), [0, 3, 3, 3]),
    ] {
        budget(&server, name, spec).await;
        assert_eq!(counts(&server, name).await, expected, "{name}");
    }
    let (code, answer) = evict(&server, &pod(&server, 0), Value::Null).await;
    let expected =
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    assert_eq!((code, message(&answer)), (500, expected));
}

#[tokio::test(start_paused = true)]
async fn pods_that_are_not_ready_go_when_nobody_misses_them() {
    let server = with_pods(3, "demo:1").await;
    let broken = server.clone();
    server.update_kubelet(|kubelet| {
        kubelet.set_image("never", vec![Stage { after: Duration::ZERO, state: PodState::Unready }]);
    });
    let mut set = replica_set("broken", 1, "demo:never");
    set["spec"]["selector"]["matchLabels"]["kind"] = json!("broken");
    set["spec"]["template"]["metadata"]["labels"] = json!({"app": "web", "kind": "broken"});
    set["spec"]["selector"]["matchLabels"]["app"] = json!("web");
    create(&broken, SETS, set).await;
    pass(2.0).await;
    let unready = || {
        let pods = server.list("pods", None);
        let pod = pods.iter().find(|pod| pod["metadata"]["labels"]["kind"] == "broken");
        (**pod.unwrap()).clone()
    };
    budget(&server, "strict", json!({"minAvailable": 4})).await;
    let (code, answer) = evict(&server, &unready(), Value::Null).await;
    assert_eq!(
        (code, cause(&answer)),
        (429, "The disruption budget strict needs 4 healthy pods and has 3 currently")
    );
    let always = json!({"spec": {"unhealthyPodEvictionPolicy": "AlwaysAllow"}});
    let merge = |patch: Value| {
        server
            .merge_patch("test", ("poddisruptionbudgets.policy", ""), ("default", "strict"), &patch)
            .unwrap();
    };
    merge(always);
    pass(0.1).await;
    assert_eq!(evict(&server, &unready(), json!({"dryRun": ["All"]})).await.0, 201);
    merge(json!({"spec": {"unhealthyPodEvictionPolicy": null, "minAvailable": 3}}));
    let (code, answer) = evict(&server, &pod(&server, 1), Value::Null).await;
    assert_eq!(
        (code, cause(&answer)),
        (429, "The disruption budget strict is still being processed by the server.")
    );
    assert_eq!(answer["details"]["retryAfterSeconds"], 10);
    pass(0.1).await;
    assert_eq!(counts(&server, "strict").await, [0, 3, 3, 4]);
    assert_eq!(evict(&server, &unready(), Value::Null).await.0, 201);
}
