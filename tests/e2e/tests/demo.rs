//! The Rollout of the guide, with pods that are quick to come and go.

use serde_json::{Value, json};

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
