//! What an update costs the API server, on the Rollout that the load test of the control plane uses.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tidegate_kubesim::{Kubelet, PodRule, Stage};
use tidegate_sim::world::CONTROLLER;
use tidegate_sim::{Options, Pace, World, run};

const MINUTE: Duration = Duration::from_secs(60);

fn rollout(image: &str) -> String {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "r"},
        "spec": {
            "replicas": 1, "revisionHistoryLimit": 2, "selector": {"matchLabels": {"app": "r"}},
            "template": {
                "metadata": {"labels": {"app": "r"}},
                "spec": {"terminationGracePeriodSeconds": 0, "containers": [{"name": "c", "image": image}]},
            },
            "strategy": {"canary": {"maxSurge": 1, "maxUnavailable": 0, "steps": [
                {"setWeight": 20}, {"pause": {"duration": "1s"}}, {"setWeight": 60}, {"pause": {"duration": "1s"}},
            ]}},
        },
    })
    .to_string()
}

/// Writes of the controller so far by verb and resource.
fn writes(world: &World) -> BTreeMap<String, u64> {
    let mut writes = BTreeMap::new();
    for (key, tally) in world.server.tallies() {
        if key.actor == CONTROLLER {
            *writes.entry(format!("{key:?}")).or_insert(0) += tally.stored;
        }
    }
    writes
}

#[test]
fn scratch() {
    run(Pace::Virtual, Options::default(), |mut world| async move {
        world.prepare().await;
        world.create_namespace("a").await.unwrap();
        for image in ["demo:blue", "demo:yellow"] {
            world.apply("a", &rollout(image)).await.unwrap();
            world.settle(MINUTE).await;
            println!("{image}: {:#?}", writes(&world));
        }
        for line in world.inspector.trace() {
            println!("{line}");
        }
        for event in world.events("a", "r") {
            println!("{event:?}");
        }
    });
}
