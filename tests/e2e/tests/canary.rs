//! A canary in mid-update, seen from the Service over both versions: aborted, tried again, aborted for good, undone.

use serde_json::Value;
use tidegate_e2e::{Place, Start, Traffic, shared};

use crate::demo::{NAME, is_paused_at, rollout, service, set_image, size};

#[test]
fn what_a_service_needs_stays_through_abort_retry_and_undo() {
    let plane = shared();
    let place = Place::new(plane, "canary");
    let _controller = Start::new(plane, &place, "only").ready();
    place.apply(&[service("all", NAME), rollout(NAME, "demo:blue", 1)]);
    place.until_phase(NAME, "Healthy");
    let traffic = Traffic::of(&place, "all", 5);

    // Aborted while a pod never becomes ready.
    place.plugin(&set_image(NAME, "demo:bad"));
    place.until(NAME, "the canary has its pod", |rollout| rollout["status"]["updatedReplicas"] == 1);
    place.plugin("abort rollouts-demo");
    place.until_phase(NAME, "Degraded");
    place.wait("all pods are stable", || sizes(&place, ["demo:blue", "demo:bad"]) == [5, 0]);

    // Another version begins anew; aborted in the middle of its steps, it can be tried again from the first.
    place.plugin(&set_image(NAME, "demo:yellow"));
    place.until(NAME, "it is paused", |rollout| is_paused_at(rollout, 1));
    place.plugin("promote rollouts-demo");
    place.until(NAME, "40 percent are reached", |rollout| {
        rollout["status"]["currentStepIndex"].as_i64() >= Some(3)
    });
    place.plugin("abort rollouts-demo");
    place.until_phase(NAME, "Degraded");
    place.plugin("retry rollout rollouts-demo");
    place.until(NAME, "it is paused again", |rollout| is_paused_at(rollout, 1));
    place.plugin("promote rollouts-demo --full");
    place.until_phase(NAME, "Healthy");
    assert_eq!(sizes(&place, ["demo:blue", "demo:yellow"]), [0, 5]);

    // Back to what ran before all of them, with all steps.
    place.plugin("undo rollouts-demo --to-revision=1");
    place.until(NAME, "the way back is paused", |rollout| is_paused_at(rollout, 1));
    assert_eq!(sizes(&place, ["demo:blue", "demo:yellow"]), [1, 4]);
    // And back again by the manifest: nothing is left to do.
    place.plugin(&set_image(NAME, "demo:yellow"));
    let healthy = place.until_phase(NAME, "Healthy");
    assert_eq!(healthy["status"]["pauseConditions"], Value::Null);
    place.wait("all pods are stable", || sizes(&place, ["demo:blue", "demo:yellow"]) == [0, 5]);
    place.until(NAME, "all are available", |rollout| rollout["status"]["availableReplicas"] == 5);
    // maxUnavailable is a quarter, rounded down.
    traffic.assert_never_below(4);
}

fn sizes(place: &Place, images: [&str; 2]) -> [i64; 2] {
    let replica_sets = place.replica_sets();
    images.map(|image| size(&replica_sets, image).unwrap_or_default())
}
