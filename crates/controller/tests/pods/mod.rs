//! Single pods: restarts through evictions, and metadata that go with a role.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{self, CONTROLLER, World, pass};

fn uids(world: &World) -> BTreeSet<String> {
    world.server.list("pods", None).iter().map(|pod| pod["metadata"]["uid"].to_string()).collect()
}

/// Requests of the controller of one verb on one resource.
fn requests(world: &World, verb: &str, resource: &str) -> u64 {
    let tallies = world.server.tallies();
    let ours = tallies
        .iter()
        .filter(|(key, _)| key.actor == CONTROLLER && key.verb == verb && key.resource == resource);
    ours.map(|(_, tally)| tally.requests).sum()
}

async fn restarting(world: &World) -> BTreeSet<String> {
    world.create_rollout("x");
    pass(10.0).await;
    assert_eq!(world.phase("x"), "Healthy");
    let before = uids(world);
    let now = world.clock.now() + jiff::SignedDuration::from_secs(1);
    world.patch("x", &json!({"spec": {"restartAt": now.to_string()}}));
    before
}

#[tokio::test(start_paused = true)]
async fn a_restart_replaces_every_pod_and_then_rests() {
    let world = World::new();
    let running = world.start(world.config());
    let before = restarting(&world).await;
    pass(60.0).await;
    let after = uids(&world);
    assert_eq!((after.len(), before.intersection(&after).count()), (3, 0));
    assert_eq!((requests(&world, "create", "pods/eviction"), running.handle.metrics().failed_writes), (3, 0));
    let (plans, lists) = (running.handle.metrics().plans, requests(&world, "list", "pods"));
    pass(3600.0).await;
    assert_eq!((running.handle.metrics().plans, requests(&world, "list", "pods")), (plans, lists));
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_allows_nothing_is_asked_seldom_until_it_does() {
    let world = World::new();
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"},
        "spec": {"minAvailable": 5, "selector": {"matchLabels": {"app": "x"}}}});
    world.server.create("user", "poddisruptionbudgets", "default", budget).unwrap();
    let _running = world.start(world.config());
    let before = restarting(&world).await;
    pass(600.0).await;
    assert!(before.is_subset(&uids(&world)), "nobody may go, and the successor of one has come");
    let asked = requests(&world, "create", "pods/eviction");
    assert!((2..100).contains(&asked), "{asked} evictions asked for in ten minutes");
    world.server.delete("user", "poddisruptionbudgets", ("default", "b"), &Value::Null).unwrap();
    pass(120.0).await;
    assert_eq!(before.intersection(&uids(&world)).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn metadata_of_a_role_reach_the_pods_and_then_nothing_is_asked() {
    let world = World::new();
    let running = world.start(world.config());
    let mut rollout = world::rollout("x", "demo:1");
    let canary = &mut rollout["spec"]["strategy"]["canary"];
    canary["stableMetadata"] = json!({"labels": {"role": "stable"}});
    canary["canaryMetadata"] = json!({"labels": {"role": "canary"}});
    world.server.create("user", "rollouts.argoproj.io", "default", rollout).unwrap();
    pass(10.0).await;
    world.update("x", "demo:2");
    pass(10.0).await;
    let roles = || {
        let pods = world.server.list("pods", None);
        let role = |pod: &Value| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&pod["spec"]["containers"][0]["image"]), text(&pod["metadata"]["labels"]["role"]))
        };
        pods.iter().map(|pod| role(pod)).collect::<BTreeSet<_>>()
    };
    let row = |image: &str, role: &str| (image.to_owned(), role.to_owned());
    assert_eq!(roles(), [row("demo:1", "stable"), row("demo:2", "canary")].into());
    pass(120.0).await;
    assert_eq!(roles(), [row("demo:2", "stable")].into());
    assert!(requests(&world, "patch", "pods") >= 1);
    let (plans, lists) = (running.handle.metrics().plans, requests(&world, "list", "pods"));
    pass(3600.0).await;
    assert_eq!((running.handle.metrics().plans, requests(&world, "list", "pods")), (plans, lists));
}
