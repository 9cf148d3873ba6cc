//! How long one decision takes: a Rollout in mid-update with ten ReplicaSets.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use tidegate_core::rollout;
use tidegate_core::{ReplicaSet, Snapshot};

fn template(image: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "demo"}},
        "spec": {"containers": [{
            "name": "demo", "image": image,
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
            "resources": {"requests": {"memory": "32Mi", "cpu": "5m"}},
        }]},
    })
}

fn replica_set(index: i32, size: i32) -> ReplicaSet {
    let template = template(&format!("demo:{index}"));
    let hash = tidegate_api::hash::pod_template_hash(&template, None).to_string();
    let object = json!({
        "metadata": {
            "name": format!("demo-{hash}"), "namespace": "default", "uid": format!("rs-{index}"), "resourceVersion": "7",
            "creationTimestamp": format!("2026-11-23T05:00:{index:02}Z"),
            "labels": {"app": "demo", "rollouts-pod-template-hash": hash},
            "annotations": {"rollout.argoproj.io/revision": index.to_string(), "rollout.argoproj.io/desired-replicas": "5"},
            "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "demo", "uid": "uid-1",
                "controller": true}],
        },
        "spec": {"replicas": size, "template": template},
        "status": {"replicas": size, "readyReplicas": size, "availableReplicas": size, "observedGeneration": 1},
    });
    ReplicaSet::parse(&object).expect("a ReplicaSet")
}

fn snapshot() -> Snapshot {
    let sets: Vec<_> =
        (1..=10).map(|i| replica_set(i, [0, 4, 1][usize::from(i > 8) + usize::from(i > 9)])).collect();
    let rollout = json!({
        "metadata": {"name": "demo", "namespace": "default", "uid": "uid-1", "generation": 9, "resourceVersion": "8",
            "annotations": {"rollout.argoproj.io/revision": "10"}},
        "spec": {
            "replicas": 5, "selector": {"matchLabels": {"app": "demo"}}, "template": template("demo:10"),
            "strategy": {"canary": {"steps": [
                {"setWeight": 20}, {"pause": {}}, {"setWeight": 40}, {"pause": {"duration": 10}},
                {"setWeight": 60}, {"pause": {"duration": 10}}, {"setWeight": 80}, {"pause": {"duration": 10}}]}},
        },
        "status": {"currentPodHash": sets[9].hash(), "stableRS": sets[8].hash(), "currentStepIndex": 0},
    });
    let mut snapshot = Snapshot::of(serde_json::from_value(rollout).expect("a Rollout"));
    snapshot.replica_sets = sets;
    snapshot
}

fn decide(c: &mut Criterion) {
    let now = "2026-11-23T06:00:00Z".parse().expect("an instant");
    let snapshot = snapshot();
    assert_eq!(rollout::plan(&snapshot, now).writes.len(), 1, "the status is to be written");
    c.bench_function("plan, ten ReplicaSets", |b| b.iter(|| rollout::plan(black_box(&snapshot), now)));
}

criterion_group!(benches, decide);
criterion_main!(benches);
