//! Objects that lend their pod template to a Rollout.

use serde_json::json;
use tidegate_kubesim::TallyKey;

use crate::world::{self, CONTROLLER, World, pass};

#[tokio::test(start_paused = true)]
async fn a_referenced_workload_is_looked_for_until_it_is_there() {
    let world = World::new();
    let _running = world.start(world.config());
    world.server.create("user", "rollouts.argoproj.io", "default", borrower("x", "lender")).unwrap();
    pass(10.0).await;
    let message =
        |world: &World| world.rollout("x")["status"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(
        message(&world).ends_with("deployments.apps \"default/lender\" not found"),
        "{}",
        message(&world)
    );
    pass(60.0).await;
    let reads = requests(&world, "get");
    pass(3600.0).await;
    assert_eq!(requests(&world, "get"), reads, "it hears of it and need not ask");
    world.server.create("user", "deployments", "default", lender("lender")).unwrap();
    pass(0.1).await;
    assert!(!message(&world).contains("not found"), "{}", message(&world));
    pass(5.0).await;
    assert_eq!(world.phase("x"), "Healthy");
}

/// Requests of the controller of one verb on Deployments.
fn requests(world: &World, verb: &str) -> u64 {
    let tallies = world.server.tallies();
    let is_one =
        |key: &TallyKey| key.actor == CONTROLLER && key.verb == verb && key.resource == "deployments.apps";
    let ours = tallies.iter().filter(|(key, _)| is_one(key));
    ours.map(|(_, tally)| tally.requests).sum()
}

fn lender(name: &str) -> serde_json::Value {
    let rollout = world::rollout(name, "demo:1");
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": 0, "selector": rollout["spec"]["selector"], "template": rollout["spec"]["template"]},
    })
}

fn borrower(name: &str, lender: &str) -> serde_json::Value {
    let mut rollout = world::rollout(name, "demo:1");
    rollout["spec"].as_object_mut().unwrap().retain(|member, _| member != "selector" && member != "template");
    rollout["spec"]["workloadRef"] = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": lender});
    rollout
}

#[tokio::test(start_paused = true)]
async fn a_lender_is_read_once_and_followed() {
    let world = World::new();
    let running = world.start(world.config());
    world.server.create("user", "deployments", "default", lender("lender")).unwrap();
    world.server.create("user", "rollouts.argoproj.io", "default", borrower("x", "lender")).unwrap();
    pass(10.0).await;
    assert_eq!((requests(&world, "get"), world.server.open_watches()), (1, 4));
    let plans = running.handle.metrics().plans;
    let touch = |patch: &serde_json::Value, subresource| {
        let resource = ("deployments.apps", subresource);
        world.server.merge_patch("user", resource, ("default", "lender"), patch).unwrap();
    };
    touch(&json!({"status": {"collisionCount": 7}}), "status");
    pass(1.0).await;
    assert_eq!(running.handle.metrics().plans, plans);
    touch(&json!({"spec": {"minReadySeconds": 1}}), "");
    pass(1.0).await;
    assert!(running.handle.metrics().plans > plans);
    world.server.delete("user", "deployments", ("default", "lender"), &json!(null)).unwrap();
    pass(1.0).await;
    let message = world.rollout("x")["status"]["message"].to_string();
    assert!(message.contains("deployments.apps \\\"default/lender\\\" not found"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_kind_of_lenders_that_may_not_be_watched_harms_nobody() {
    let world = World::new();
    world.faults.refuse("/deployments?");
    let running = world.start(world.config());
    world.server.create("user", "deployments", "default", lender("lender")).unwrap();
    world.server.create("user", "rollouts.argoproj.io", "default", borrower("x", "lender")).unwrap();
    world.create_rollout("y");
    pass(10.0).await;
    assert_eq!(world.phase("y"), "Healthy");
    let message = world.rollout("x")["status"]["message"].to_string();
    assert!(!message.contains("not found") && requests(&world, "get") > 0, "{message}");
    assert!(running.handle.watches().iter().all(|it| it.is_listed && it.failing.is_none()));
    assert_eq!(running.handle.watches().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lender_is_scaled_down_once_its_rollout_runs() {
    let world = World::new();
    let running = world.start(world.config());
    let template = world::rollout("x", "demo:1")["spec"].clone();
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "lender", "namespace": "default"},
        "spec": {"replicas": 3, "selector": template["selector"], "template": template["template"]},
    });
    world.server.create("user", "deployments", "default", deployment).unwrap();
    pass(5.0).await;
    let mut rollout = world::rollout("x", "demo:1");
    rollout["spec"].as_object_mut().unwrap().remove("template");
    rollout["spec"].as_object_mut().unwrap().remove("selector");
    rollout["spec"]["workloadRef"] =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "lender", "scaleDown": "onsuccess"});
    world.server.create("user", "rollouts.argoproj.io", "default", rollout).unwrap();
    pass(60.0).await;
    let deployment = world.server.get("deployments", "default", "lender").unwrap();
    assert_eq!((&deployment["spec"]["replicas"], world.phase("x").as_str()), (&json!(0), "Healthy"));
    let patches = requests(&world, "patch");
    let plans = running.handle.metrics().plans;
    pass(3600.0).await;
    assert_eq!((patches, requests(&world, "patch")), (1, 1));
    assert_eq!(running.handle.metrics().plans, plans);
}
