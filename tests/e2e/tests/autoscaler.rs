//! A real HorizontalPodAutoscaler on a Rollout. There are no metrics; its limits alone move the size, through the scale
//! subresource, whatever the Rollout is doing.

use serde_json::{Value, json};
use tidegate_e2e::{Place, Start, Traffic, shared};

use crate::demo::{NAME, blue_green, is_paused_at, rollout, service, set_image, size};

#[test]
fn a_canary_follows_in_mid_update_at_a_pause_and_aborted() {
    let plane = shared();
    let place = Place::new(plane, "hpa-canary");
    let _controller = Start::new(plane, &place, "only").ready();
    place.apply(&[service("all", NAME), rollout(NAME, "demo:blue", 1)]);
    place.until_phase(NAME, "Healthy");
    let traffic = Traffic::of(&place, "all", 5);
    place.kubectl("autoscale rollout rollouts-demo --min=6 --max=6");
    place.until(NAME, "six pods are available", |rollout| rollout["status"]["availableReplicas"] == 6);

    // A version that never becomes ready.
    place.plugin(&set_image(NAME, "demo:bad"));
    place.until(NAME, "the canary has its pod", |rollout| rollout["status"]["updatedReplicas"] == 1);
    limit(&place, 10);
    sizes_become(&place, ["demo:blue", "demo:bad"], [8, 2]);

    place.plugin(&set_image(NAME, "demo:yellow"));
    place.until(NAME, "it is paused", |rollout| is_paused_at(rollout, 1));
    sizes_become(&place, ["demo:blue", "demo:yellow"], [8, 2]);
    limit(&place, 5);
    sizes_become(&place, ["demo:blue", "demo:yellow"], [4, 1]);
    place.until(NAME, "the pause goes on", |rollout| {
        is_paused_at(rollout, 1) && rollout["status"]["HPAReplicas"] == 5
    });
    assert_eq!(scale(&place)["status"], json!({"replicas": 5, "selector": "app=rollouts-demo"}));

    place.plugin("abort rollouts-demo");
    place.until_phase(NAME, "Degraded");
    limit(&place, 8);
    sizes_become(&place, ["demo:blue", "demo:yellow"], [8, 0]);
    place.until(NAME, "all are available", |rollout| rollout["status"]["availableReplicas"] == 8);
    is_read(&place, 8);
    // Of five a quarter may be missing, rounded down.
    traffic.assert_never_below(4);
}

#[test]
fn blue_green_follows_with_both_versions_and_shows_the_active_one() {
    let plane = shared();
    let place = Place::new(plane, "hpa-blue-green");
    let _controller = Start::new(plane, &place, "only").ready();
    place.apply(&blue_green("demo:blue", 3));
    place.until_phase(NAME, "Healthy");
    let traffic = Traffic::of(&place, "active", 3);
    place.kubectl("autoscale rollout rollouts-demo --min=3 --max=3");
    place.plugin(&set_image(NAME, "demo:yellow"));
    place.until_phase(NAME, "Paused");
    limit(&place, 5);
    sizes_become(&place, ["demo:blue", "demo:yellow"], [5, 5]);
    let active = |place: &Place| {
        format!("app=rollouts-demo,rollouts-pod-template-hash={}", place.selected_by("active"))
    };
    place.wait("the autoscaler is shown the five active pods", || {
        scale(&place)["status"] == json!({"replicas": 5, "selector": active(&place)})
    });
    is_read(&place, 5);

    place.plugin("promote rollouts-demo");
    place.until_phase(NAME, "Healthy");
    let new = place.rollout(NAME)["status"]["currentPodHash"].as_str().unwrap().to_owned();
    assert_eq!(place.selected_by("active"), new);
    place.wait("the autoscaler is shown the new version", || {
        scale(&place)["status"] == json!({"replicas": 5, "selector": active(&place)})
    });
    // Also while the version before is in its delay.
    limit(&place, 4);
    place.wait("the new version has four pods", || size(&place.replica_sets(), "demo:yellow") == Some(4));
    is_read(&place, 4);
    traffic.assert_never_below(3);
}

/// Both limits: the autoscaler needs no metrics to get there.
fn limit(place: &Place, replicas: i64) {
    let patch = json!({"spec": {"minReplicas": replicas, "maxReplicas": replicas}});
    place.kubectl(&format!("patch hpa rollouts-demo --type=merge -p {patch}"));
}

#[track_caller]
fn sizes_become(place: &Place, images: [&str; 2], sizes: [i64; 2]) {
    let mut last = [0, 0];
    place.wait(&format!("{images:?} have {sizes:?} pods"), || {
        let replica_sets = place.replica_sets();
        last = images.map(|image| size(&replica_sets, image).unwrap_or_default());
        last == sizes
    });
}

fn scale(place: &Place) -> Value {
    place.get("apis/argoproj.io/v1alpha1", "rollouts", &format!("{NAME}/scale")).unwrap()
}

/// Waits until the autoscaler has read this size. What it cannot get are metrics only: the selector is one that it understands.
#[track_caller]
fn is_read(place: &Place, replicas: i64) {
    place.wait(&format!("the autoscaler sees {replicas} pods"), || {
        let autoscaler = place.get("apis/autoscaling/v2", "horizontalpodautoscalers", NAME).unwrap();
        let conditions = autoscaler["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let is_known = |kind: &str, reason: &str| {
            conditions.iter().any(|it| it["type"] == kind && it["reason"] == reason)
        };
        autoscaler["status"]["currentReplicas"] == replicas
            && is_known("AbleToScale", "SucceededGetScale")
            && is_known("ScalingActive", "FailedGetResourceMetric")
    });
}
