//! Deployments and their ReplicaSets.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_kubesim::ApiServer;

use crate::client::{MERGE, create, get, patch, replica_set, send, server};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

async fn deployed(replicas: i64, strategy: Value) -> ApiServer {
    let server = server();
    server.spawn_controllers();
    let mut deployment = replica_set("web", replicas, "demo:1");
    deployment["kind"] = json!("Deployment");
    if !strategy.is_null() {
        deployment["spec"]["strategy"] = strategy;
    }
    create(&server, DEPLOYMENTS, deployment).await;
    pass(3.0).await;
    server
}

async fn change(server: &ApiServer, change: Value) {
    let (code, answer) = patch(server, MERGE, &format!("{DEPLOYMENTS}/web"), change).await;
    assert_eq!(code, 200, "{answer}");
}

async fn update(server: &ApiServer, image: &str) {
    let containers = replica_set("web", 1, image)["spec"]["template"]["spec"]["containers"].clone();
    change(server, json!({"spec": {"template": {"spec": {"containers": containers}}}})).await;
}

async fn web(server: &ApiServer) -> Value {
    get(server, &format!("{DEPLOYMENTS}/web")).await
}

/// `(image, size)` of each ReplicaSet.
fn sizes(server: &ApiServer) -> Vec<(String, i64)> {
    let sets = server.list("replicasets", None);
    let row = |set: &Value| {
        let image = set["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
        (image, set["spec"]["replicas"].as_i64().unwrap())
    };
    let mut rows: Vec<_> = sets.iter().map(|set| row(set)).collect();
    rows.sort();
    rows
}

fn rows(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
    rows.iter().map(|(image, size)| ((*image).to_owned(), *size)).collect()
}

/// `(type, status, reason, message)` of each condition, with the new ReplicaSet's name as `NEW`.
fn conditions(server: &ApiServer, deployment: &Value) -> Vec<[String; 4]> {
    let sets = server.list("replicasets", None);
    let revision = &deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
    let is_new = |set: &&std::sync::Arc<Value>| {
        &set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == revision
    };
    let new =
        sets.iter().find(is_new).map_or("?", |set| set["metadata"]["name"].as_str().unwrap()).to_owned();
    let word = |condition: &Value, field: &str| condition[field].as_str().unwrap().replace(&new, "NEW");
    let of = |it: &Value| ["type", "status", "reason", "message"].map(|field| word(it, field));
    deployment["status"]["conditions"].as_array().unwrap().iter().map(of).collect()
}

const AVAILABLE: [&str; 4] =
    ["Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."];
const COMPLETE: [&str; 4] =
    ["Progressing", "True", "NewReplicaSetAvailable", "ReplicaSet \"NEW\" has successfully progressed."];

#[tokio::test(start_paused = true)]
async fn a_deployment_has_one_replica_set_per_template() {
    let server = deployed(3, Value::Null).await;
    let set = (*server.list("replicasets", None)[0]).clone();
    let hash = set["metadata"]["labels"]["pod-template-hash"].as_str().unwrap();
    assert_eq!(set["metadata"]["name"], format!("web-{hash}"));
    for labels in [&set["spec"]["selector"]["matchLabels"], &set["spec"]["template"]["metadata"]["labels"]] {
        assert_eq!(*labels, json!({"app": "web", "pod-template-hash": hash}));
    }
    let annotations = json!({"deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/desired-replicas": "3", "deployment.kubernetes.io/max-replicas": "4"});
    assert_eq!(set["metadata"]["annotations"], annotations);
    let web = web(&server).await;
    assert_eq!(set["metadata"]["ownerReferences"][0]["uid"], web["metadata"]["uid"]);
    let status = &web["status"];
    let counts = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "observedGeneration"]
        .map(|field| status[field].as_i64().unwrap());
    assert_eq!((counts, status.get("unavailableReplicas")), ([3, 3, 3, 3, 1], None));
    assert_eq!(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    assert_eq!(conditions(&server, &web), [AVAILABLE, COMPLETE]);
    let before = server.tallies();
    pass(86_400.0).await;
    assert_eq!(server.tallies(), before);
}

/// The course of `fixtures/upstream/workload-ref`.
#[tokio::test(start_paused = true)]
async fn a_deployment_without_pods_looks_like_a_real_one() {
    let server = deployed(2, Value::Null).await;
    change(&server, json!({"spec": {"replicas": 0}})).await;
    pass(2.0).await;
    let scaled = web(&server).await;
    assert_eq!(
        (&scaled["metadata"]["generation"], &scaled["status"]["observedGeneration"]),
        (&json!(2), &json!(2))
    );
    let set = (*server.list("replicasets", None)[0]).clone();
    let annotations = json!({"deployment.kubernetes.io/desired-replicas": "0",
        "deployment.kubernetes.io/max-replicas": "0", "deployment.kubernetes.io/revision": "1"});
    assert_eq!((&set["metadata"]["annotations"], &set["spec"]["replicas"]), (&annotations, &json!(0)));
    update(&server, "demo:2").await;
    pass(2.0).await;
    let web = web(&server).await;
    assert_eq!(sizes(&server), rows(&[("demo:1", 0), ("demo:2", 0)]));
    assert_eq!(web["metadata"]["annotations"], json!({"deployment.kubernetes.io/revision": "2"}));
    let mut status = web["status"].clone();
    status.as_object_mut().unwrap().remove("conditions");
    assert_eq!(status, json!({"observedGeneration": 3, "terminatingReplicas": 0}));
    assert_eq!(conditions(&server, &web), [AVAILABLE, COMPLETE]);
}

#[tokio::test(start_paused = true)]
async fn a_rolling_update_never_has_too_few_or_too_many_pods() {
    let server = deployed(4, Value::Null).await;
    let seen = server.clone();
    let bounds = std::sync::Arc::new(std::sync::Mutex::new((i64::MAX, 0)));
    let noted = bounds.clone();
    server.observe(move |change| {
        if change.resource == "replicasets.apps/status" || change.resource == "replicasets.apps" {
            let sets = seen.list("replicasets", None);
            let sum = |path: &str| sets.iter().filter_map(|set| set.pointer(path)?.as_i64()).sum::<i64>();
            let mut bounds = noted.lock().unwrap();
            *bounds = (bounds.0.min(sum("/status/availableReplicas")), bounds.1.max(sum("/spec/replicas")));
        }
    });
    update(&server, "demo:2").await;
    pass(20.0).await;
    assert_eq!(sizes(&server), rows(&[("demo:1", 0), ("demo:2", 4)]));
    assert_eq!(*bounds.lock().unwrap(), (3, 5));
    assert_eq!(conditions(&server, &web(&server).await), [AVAILABLE, COMPLETE]);
    // Back to a template that there was: its ReplicaSet is the newest again.
    update(&server, "demo:1").await;
    pass(20.0).await;
    assert_eq!(sizes(&server), rows(&[("demo:1", 4), ("demo:2", 0)]));
    assert_eq!(web(&server).await["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "3");
}

#[tokio::test(start_paused = true)]
async fn recreate_ends_the_old_before_the_new_begins() {
    let server = deployed(2, json!({"type": "Recreate"})).await;
    let overlap = std::sync::Arc::new(std::sync::Mutex::new(0));
    let (seen, noted) = (server.clone(), overlap.clone());
    server.observe(move |_| {
        let images: std::collections::BTreeSet<String> = seen
            .list("pods", None)
            .iter()
            .map(|pod| pod["spec"]["containers"][0]["image"].to_string())
            .collect();
        *noted.lock().unwrap() += usize::from(images.len() > 1);
    });
    update(&server, "demo:2").await;
    pass(20.0).await;
    assert_eq!(sizes(&server), rows(&[("demo:1", 0), ("demo:2", 2)]));
    assert_eq!((*overlap.lock().unwrap(), server.list("pods", None).len()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn an_update_that_goes_nowhere_times_out() {
    let server = deployed(2, Value::Null).await;
    server.update_kubelet(|kubelet| {
        let stage =
            tidegate_kubesim::Stage { after: Duration::ZERO, state: tidegate_kubesim::PodState::Unready };
        kubelet.set_image("never", vec![stage]);
    });
    change(&server, json!({"spec": {"progressDeadlineSeconds": 60}})).await;
    update(&server, "demo:never").await;
    pass(50.0).await;
    let progressing = |deployment: Value| {
        let conditions = conditions(&server, &deployment);
        conditions.into_iter().find(|it| it[0] == "Progressing").unwrap()
    };
    assert_eq!(progressing(web(&server).await)[2], "ReplicaSetUpdated");
    pass(20.0).await;
    let expected =
        ["Progressing", "False", "ProgressDeadlineExceeded", "ReplicaSet \"NEW\" has timed out progressing."];
    assert_eq!(progressing(web(&server).await), expected);
    assert_eq!(sizes(&server), rows(&[("demo:1", 2), ("demo:never", 1)]));
    update(&server, "demo:1").await;
    pass(10.0).await;
    assert_eq!(progressing(web(&server).await), COMPLETE);
}

#[tokio::test(start_paused = true)]
async fn a_paused_deployment_is_scaled_and_not_updated_and_an_old_history_is_forgotten() {
    let server = deployed(2, Value::Null).await;
    change(&server, json!({"spec": {"paused": true, "replicas": 3, "revisionHistoryLimit": 0}})).await;
    update(&server, "demo:2").await;
    pass(5.0).await;
    assert_eq!(sizes(&server), rows(&[("demo:1", 3)]));
    change(&server, json!({"spec": {"paused": false}})).await;
    pass(20.0).await;
    assert_eq!(sizes(&server), rows(&[("demo:2", 3)]));
    assert_eq!(send(&server, "DELETE", &format!("{DEPLOYMENTS}/web"), Value::Null).await.0, 200);
    pass(5.0).await;
    assert_eq!((sizes(&server), server.list("pods", None).len()), (rows(&[]), 0));
}
