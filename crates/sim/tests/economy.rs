//! What an update costs the API server, on the Rollout that the load test of the control plane uses.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
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

/// Writes of the controller so far, as `VERB RESOURCE`.
fn writes(world: &World) -> BTreeMap<String, u64> {
    let tallies = world.server.tallies();
    let ours = tallies.iter().filter(|(key, tally)| key.actor == CONTROLLER && tally.stored > 0);
    ours.map(|(key, tally)| (format!("{} {}", key.verb, key.resource), tally.stored)).collect()
}

#[test]
fn an_update_takes_no_more_writes_than_it_has_decisions() {
    run(Pace::Virtual, Options::default(), |mut world| async move {
        world.prepare().await;
        world.create_namespace("a").await.unwrap();
        world.apply("a", &rollout("demo:blue")).await.unwrap();
        assert!(world.settle(MINUTE).await);
        let before = writes(&world);
        world.apply("a", &rollout("demo:yellow")).await.unwrap();
        assert!(world.settle(MINUTE).await);
        let cost = |name: &str| writes(&world)[name] - before.get(name).copied().unwrap_or(0);
        // Its first pod comes with it.
        assert_eq!(cost("create replicasets.apps"), 1);
        // Stable goes.
        assert_eq!(cost("patch replicasets.apps"), 1);
        // The revision.
        assert_eq!(cost("patch rollouts.argoproj.io"), 1);
        // Begun; the first pause; the second; stable; the last pod of the old version is gone.
        assert_eq!(cost("patch rollouts.argoproj.io/status"), 5);
        // Each thing that happened, and again the second pause and its end.
        assert_eq!((cost("create events"), cost("patch events")), (12, 2));
    });
}
