//! Services that a Rollout has let go.

use serde_json::{Value, json};

use crate::world::{self, CONTROLLER, World, pass};

const HASH: &str = "rollouts-pod-template-hash";
const MARK: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";

fn service(world: &World, name: &str, manager: &Value) {
    let mut object = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": "default", "annotations": {MARK: manager, "other": "kept"}},
        "spec": {"selector": {"app": "x", HASH: "abc"}, "ports": [{"port": 80}]},
    });
    if object["metadata"]["annotations"][MARK].is_null() {
        object["metadata"]["annotations"].as_object_mut().unwrap().remove(MARK);
    }
    world.server.create("user", "services", "default", object).unwrap();
}

/// `[manager, hash]` of a Service.
fn hold(world: &World, name: &str) -> [Value; 2] {
    let service = world.server.get("services", "default", name).unwrap();
    assert_eq!(
        (&service["metadata"]["annotations"]["other"], &service["spec"]["selector"]["app"]),
        (&json!("kept"), &json!("x"))
    );
    [service["metadata"]["annotations"][MARK].clone(), service["spec"]["selector"][HASH].clone()]
}

const FREE: [Value; 2] = [Value::Null, Value::Null];

fn held() -> [Value; 2] {
    [json!("x"), json!("abc")]
}

/// A Rollout that names the Service `s`, twice, so that its spec is invalid and it leaves the Service as it is.
fn naming(world: &World, name: &str) {
    let mut rollout = world::rollout(name, "demo:1");
    rollout["spec"]["strategy"] = json!({"canary": {"stableService": "s", "canaryService": "s"}});
    world.server.create("user", "rollouts.argoproj.io", "default", rollout).unwrap();
}

/// Requests of the controller about one Rollout or Service.
fn requests(world: &World) -> u64 {
    let tallies = world.server.tallies();
    let ours = tallies.iter().filter(|(key, _)| key.actor == CONTROLLER);
    let ours = ours.filter(|(key, _)| matches!(key.verb, "get" | "patch") && key.resource != "events");
    ours.map(|(_, tally)| tally.requests).sum()
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_rollout_is_gone_selects_by_its_own_labels_again() {
    let world = World::new();
    service(&world, "s", &json!("x"));
    service(&world, "pinned", &Value::Null);
    let running = world.start(world.config());
    pass(1.0).await;
    assert_eq!(hold(&world, "s"), FREE);
    assert_eq!(hold(&world, "pinned"), [Value::Null, json!("abc")]);
    // One that comes later.
    service(&world, "late", &json!("x"));
    pass(1.0).await;
    assert_eq!(hold(&world, "late"), FREE);
    assert_eq!((running.handle.metrics().failed_writes, running.handle.is_idle()), (0, true));
    assert_eq!(requests(&world), 4);
    pass(3600.0).await;
    assert_eq!(requests(&world), 4);
}

#[tokio::test(start_paused = true)]
async fn a_service_is_held_as_long_as_its_rollout_names_it() {
    let world = World::new();
    naming(&world, "x");
    service(&world, "s", &json!("x"));
    let _running = world.start(world.config());
    pass(60.0).await;
    assert_eq!(hold(&world, "s"), held());
    let rollout_reads = |world: &World| {
        let tallies = world.server.tallies();
        let gets = tallies.iter().filter(|(key, _)| key.actor == CONTROLLER && key.verb == "get");
        gets.filter(|(key, _)| key.resource.starts_with("rollouts"))
            .map(|(_, tally)| tally.requests)
            .sum::<u64>()
    };
    assert_eq!(rollout_reads(&world), 0, "the store shows that it is held");
    world.patch(
        "x",
        &json!({"spec": {"strategy": {"canary": {"stableService": null, "canaryService": null}}}}),
    );
    pass(1.0).await;
    assert_eq!(hold(&world, "s"), FREE);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_being_deleted_holds_its_services_until_it_is_gone() {
    let world = World::new();
    naming(&world, "x");
    world.patch("x", &json!({"metadata": {"finalizers": ["example.com/wait"]}}));
    service(&world, "s", &json!("x"));
    let _running = world.start(world.config());
    pass(1.0).await;
    world.server.delete("user", "rollouts.argoproj.io", ("default", "x"), &Value::Null).unwrap();
    pass(60.0).await;
    assert_eq!(hold(&world, "s"), held());
    world.patch("x", &json!({"metadata": {"finalizers": null}}));
    pass(1.0).await;
    assert_eq!(hold(&world, "s"), FREE);
}

#[tokio::test(start_paused = true)]
async fn a_failed_read_proves_nothing() {
    let world = World::new();
    world.faults.refuse("/rollouts/x");
    service(&world, "s", &json!("x"));
    let running = world.start(world.config());
    pass(60.0).await;
    assert_eq!(hold(&world, "s"), held());
    let failed = running.handle.metrics().failed_reads;
    assert!((10..25).contains(&failed), "{failed} reads failed in a minute");
    world.faults.heal();
    pass(11.0).await;
    assert_eq!(hold(&world, "s"), FREE);
}

#[tokio::test(start_paused = true)]
async fn another_controllers_rollout_holds_its_service_too() {
    let world = World::new();
    naming(&world, "x");
    world.patch(
        "x",
        &json!({"metadata": {"labels": {"argo-rollouts.argoproj.io/controller-instance-id": "blue"}}}),
    );
    service(&world, "s", &json!("x"));
    let running = world.start(world.config());
    pass(60.0).await;
    assert_eq!((running.handle.rollouts().len(), hold(&world, "s")), (0, held()));
    assert_eq!(requests(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_names_the_service_now_goes_on_after_the_release() {
    let world = World::new();
    world.faults.refuse("/rollouts/x");
    service(&world, "s", &json!("x"));
    let mut heir = world::rollout("y", "demo:1");
    heir["spec"]["strategy"] = json!({"canary": {"canaryService": "s"}});
    heir["spec"]["selector"]["matchLabels"]["app"] = json!("x");
    heir["spec"]["template"]["metadata"]["labels"]["app"] = json!("x");
    world.server.create("user", "rollouts.argoproj.io", "default", heir).unwrap();
    let _running = world.start(world.config());
    pass(5.0).await;
    let message = || world.rollout("y")["status"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(message().contains("managed by another Rollout"), "{}", message());
    world.faults.heal();
    pass(11.0).await;
    assert!(!message().contains("managed by another Rollout"), "{}", message());
    let heir = json!("y");
    assert!([Value::Null, heir].contains(&hold(&world, "s")[0]));
}
