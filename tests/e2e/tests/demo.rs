//! The Rollout of the guide, with pods that are quick to come and go.

use serde_json::{Value, json};
use tidegate_e2e::Place;

/// Its name.
pub(crate) const NAME: &str = "rollouts-demo";

/// Five replicas, four pauses: the first for a user, the others of `seconds`.
pub(crate) fn rollout(name: &str, image: &str, seconds: i64) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name},
        "spec": {
            "replicas": 5, "revisionHistoryLimit": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": name, "image": image}],
                },
            },
            "strategy": {"canary": {"steps": [
                {"setWeight": 20}, {"pause": {}},
                {"setWeight": 40}, {"pause": {"duration": seconds}},
                {"setWeight": 60}, {"pause": {"duration": seconds}},
                {"setWeight": 80}, {"pause": {"duration": seconds}},
            ]}},
        },
    })
}

/// The same Rollout with another strategy.
pub(crate) fn with_strategy(name: &str, image: &str, replicas: i64, strategy: &Value) -> Value {
    let mut rollout = rollout(name, image, 1);
    rollout["spec"]["replicas"] = json!(replicas);
    rollout["spec"]["strategy"] = strategy.clone();
    rollout
}

/// A Service over all pods with this label `app`.
pub(crate) fn service(name: &str, app: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080}]},
    })
}

/// A manual switch, delays that no test waits for; its Services are `active` and `preview`.
pub(crate) fn blue_green(image: &str, replicas: i64) -> [Value; 3] {
    let strategy = json!({"blueGreen": {
        "activeService": "active", "previewService": "preview", "autoPromotionEnabled": false,
        "scaleDownDelaySeconds": 600, "abortScaleDownDelaySeconds": 600,
    }});
    [service("active", NAME), service("preview", NAME), with_strategy(NAME, image, replicas, &strategy)]
}

/// `kubectl argo rollouts set image` for it.
pub(crate) fn set_image(name: &str, image: &str) -> String {
    format!("set image {name} {name}={image}")
}

/// Whether it is paused at the step of this index.
pub(crate) fn is_paused_at(rollout: &Value, index: i64) -> bool {
    let status = &rollout["status"];
    status["phase"] == "Paused" && status["currentStepIndex"] == index
}

/// The size of the ReplicaSet that runs `image`; `None`: there is none.
pub(crate) fn size(replica_sets: &[Value], image: &str) -> Option<i64> {
    let runs = |rs: &&Value| rs["spec"]["template"]["spec"]["containers"][0]["image"] == image;
    replica_sets.iter().find(runs).and_then(|rs| rs["spec"]["replicas"].as_i64())
}

/// A Deployment `base`, and a Rollout of that size with its template that pauses halfway.
pub(crate) fn borrower(scale_down: &str, replicas: i64) -> [Value; 2] {
    let strategy = json!({"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}});
    let mut rollout = with_strategy(NAME, "demo:blue", replicas, &strategy);
    let spec = rollout["spec"].as_object_mut().unwrap();
    let template = spec.remove("template").unwrap();
    let selector = spec.remove("selector").unwrap();
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "base"},
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    });
    let reference =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "base", "scaleDown": scale_down});
    spec.insert("workloadRef".to_owned(), reference);
    [deployment, rollout]
}

/// Waits until a restart of now would concern every pod: times have whole seconds.
#[track_caller]
pub(crate) fn until_older(place: &Place) {
    place.wait("a second has passed since the last pod", || {
        let now = server_time(place);
        let pods = place.list("api/v1", "pods");
        pods.iter().all(|pod| pod["metadata"]["creationTimestamp"].as_str() < Some(&now))
    });
}

/// The API server's clock: when it says that an object was made that is never stored.
fn server_time(place: &Place) -> String {
    let path = format!("{}?dryRun=All", place.path("api/v1", "configmaps"));
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "clock"}});
    let made = place.request(http::Method::POST, &path, "application/json", &body).unwrap();
    made["metadata"]["creationTimestamp"].as_str().unwrap().to_owned()
}
