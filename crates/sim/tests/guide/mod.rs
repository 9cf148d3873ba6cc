//! The guide as a run that survives crashes of the controller, for tests that disturb it.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::time::Duration;

use serde_json::Value;
use tidegate_core::invariants::{Essence, abort_has_ended, essence, is_at_rest};
use tidegate_ops::operations::{ContainerImage, PromoteOptions};
use tidegate_sim::World;

pub(crate) const MANIFEST: &str = include_str!("../../../../examples/rollouts-demo.yaml");
pub(crate) const NAME: &str = "rollouts-demo";
pub(crate) const AT: (&str, &str) = ("default", NAME);

/// Starts a new controller where the last one has crashed.
pub(crate) fn revive(world: &mut World) {
    if world.gate().is_none_or(|gate| gate.is_closed()) {
        world.start_controller();
    }
}

/// Waits, reviving the controller, until `reached` holds.
pub(crate) async fn until(world: &mut World, what: &str, mut reached: impl FnMut(&Value) -> bool) {
    for _ in 0..1200 {
        world.pass(Duration::from_millis(100)).await;
        revive(world);
        let rollout = world.server.get("rollouts.argoproj.io", AT.0, AT.1);
        if rollout.is_some_and(|rollout| reached(&rollout)) {
            return;
        }
    }
    panic!("never {what}: {}", world.summary(AT.0, AT.1));
}

pub(crate) async fn rest(world: &mut World) {
    for _ in 0..3 {
        assert!(world.settle(Duration::from_secs(600)).await, "never at rest: {}", world.summary(AT.0, AT.1));
        assert!(!world.controller_has_ended(), "the controller has ended by itself");
        revive(world);
    }
}

fn phase(rollout: &Value) -> &str {
    let generation = rollout["metadata"]["generation"].to_string();
    if rollout["status"]["observedGeneration"] != generation.as_str() {
        return "not observed";
    }
    rollout["status"]["phase"].as_str().unwrap_or_default()
}

pub(crate) async fn healthy(world: &mut World) {
    until(world, "healthy", |rollout| phase(rollout) == "Healthy").await;
}

pub(crate) async fn paused_at(world: &mut World, index: i64) {
    until(world, "paused", |rollout| {
        phase(rollout) == "Paused" && rollout["status"]["currentStepIndex"] == index
    })
    .await;
}

pub(crate) async fn image(world: &World, colour: &str) {
    let image = format!("argoproj/rollouts-demo:{colour}");
    world.set_image(AT.0, AT.1, &[ContainerImage { container: NAME, image: &image }]).await.unwrap();
}

pub(crate) async fn promote(world: &World) {
    world.promote(AT.0, AT.1, PromoteOptions::default()).await.unwrap();
}

/// Steps 1 to 7.
pub(crate) async fn play(world: &mut World) {
    world.apply("default", MANIFEST).await.unwrap();
    healthy(world).await;
    image(world, "yellow").await;
    paused_at(world, 1).await;
    promote(world).await;
    healthy(world).await;
    image(world, "red").await;
    paused_at(world, 1).await;
    world.abort(AT.0, AT.1).await.unwrap();
    until(world, "aborted", |rollout| phase(rollout) == "Degraded").await;
    rest(world).await;
    let aborted = world.inspector.observation(AT.0, AT.1).unwrap();
    assert_eq!(abort_has_ended(&aborted), None);
    image(world, "yellow").await;
    healthy(world).await;
    rest(world).await;
}

/// What the world has come to, after making sure that nothing was broken on the way and that it stays so for a day.
pub(crate) async fn judge(world: &mut World) -> Essence {
    // Watches that were silent speak again.
    world.pass(Duration::from_secs(30)).await;
    rest(world).await;
    let violations = world.inspector.violations();
    assert!(violations.is_empty(), "{violations:?}");
    let (ready, promised) = world.inspector.low_water(AT.0, AT.1).expect("it was complete once");
    assert!(ready >= promised, "{ready} ready pods, {promised} promised");
    let plan = world.second_plan(AT.0, AT.1).await.expect("the controller knows it");
    assert_eq!(is_at_rest(&plan, &world.inspector.observation(AT.0, AT.1).unwrap()), None);
    let before = world.controller_writes();
    world.pass(Duration::from_secs(86_400)).await;
    assert_eq!(world.controller_writes(), before, "writes in a day at rest");
    assert!(!world.controller_has_ended());
    essence(&world.inspector.observation(AT.0, AT.1).unwrap())
}
