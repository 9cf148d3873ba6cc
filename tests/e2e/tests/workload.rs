//! Templates lent by a Deployment that the real Deployment controller runs: taken over, updated, deleted in mid-update.

use serde_json::json;
use tidegate_e2e::{Place, Start, Traffic, shared};

use crate::captured::Row;
use crate::demo::{NAME, borrower, is_paused_at, service, size};
use crate::play::Play;

#[test]
fn a_deployment_that_becomes_a_rollout_is_as_captured() {
    let plane = shared();
    let play = Play::start_with(plane, "workload-ref", "ref");
    play.deploy(("workload-ref", "00-adopted"), "demo:blue");
    play.is_as_captured("00-adopted", &[Row::FirstOfWorkload]);
    assert_eq!(deployed(&play.place, "ref"), 0, "it is scaled down on success");
    play.image("demo:yellow");
    play.place.until("ref", "it is paused", |rollout| is_paused_at(rollout, 1));
    play.is_as_captured("01-updated-paused", &[Row::FirstOfWorkload]);
    play.place.plugin("promote ref");
    play.place.until_phase("ref", "Healthy");
    let rows = [Row::FirstOfWorkload, Row::ResumeIsAnEvent, Row::SizesOnTheWay];
    play.is_as_captured("02-promoted", &rows);
}

#[test]
fn on_success_means_not_before() {
    let plane = shared();
    let place = Place::new(plane, "onsuccess");
    let _controller = Start::new(plane, &place, "only").ready();
    let [deployment, borrower] = borrower("onsuccess", 4);
    place.apply(&[deployment.clone(), service("all", NAME)]);
    let traffic = Traffic::of(&place, "all", 4);
    place.apply(&[borrower]);
    // The first version is one that never becomes ready.
    place.kubectl("set image deployment/base rollouts-demo=demo:bad");
    place.until(NAME, "it has its pods, and they are not available", |rollout| {
        rollout["status"]["phase"] == "Progressing" && rollout["status"]["replicas"] == 4
    });
    assert_eq!(deployed(&place, "base"), 4);
    place.kubectl("set image deployment/base rollouts-demo=demo:yellow");
    place.until_phase(NAME, "Healthy");
    place.wait("the Deployment is scaled down", || deployed(&place, "base") == 0);
    // It was the real Deployment controller that rolled out and kept three quarters meanwhile.
    traffic.assert_never_below(3);
}

#[test]
fn a_deployment_goes_progressively_and_may_be_deleted_in_mid_update() {
    let plane = shared();
    let place = Place::new(plane, "progressively");
    let _controller = Start::new(plane, &place, "only").ready();
    let [deployment, borrower] = borrower("progressively", 4);
    place.apply(&[deployment.clone(), service("all", NAME)]);
    let traffic = Traffic::of(&place, "all", 4);
    place.apply(&[borrower]);
    place.until_phase(NAME, "Healthy");
    place.wait("the Deployment is scaled down", || deployed(&place, "base") == 0);
    assert_eq!(place.rollout(NAME)["status"]["availableReplicas"], 4);
    traffic.assert_never_below(4);

    place.kubectl("set image deployment/base rollouts-demo=demo:yellow");
    place.until(NAME, "it is paused", |rollout| is_paused_at(rollout, 1));
    let halves = [Some(2), Some(2)];
    assert_eq!(sizes(&place), halves);
    place.kubectl("delete deployment base");
    let invalid = place.until_phase(NAME, "Degraded");
    let text = invalid["status"]["message"].as_str().unwrap();
    assert!(text.contains("deployments.apps \"progressively/base\" not found"), "{text}");
    assert_eq!(sizes(&place), halves);
    // Pods can be scaled all the same.
    place.kubectl("scale rollout rollouts-demo --replicas=6");
    place.wait("both versions have grown", || sizes(&place) == [Some(3), Some(3)]);

    let mut again = deployment;
    again["spec"]["replicas"] = json!(0);
    again["spec"]["template"]["spec"]["containers"][0]["image"] = json!("demo:yellow");
    place.apply(&[again]);
    place.until(NAME, "the pause goes on", |rollout| is_paused_at(rollout, 1));
    place.plugin("promote rollouts-demo");
    place.until_phase(NAME, "Healthy");
    assert_eq!(sizes(&place), [Some(0), Some(6)]);
    // maxUnavailable of four is one.
    traffic.assert_never_below(3);
}

fn deployed(place: &Place, deployment: &str) -> i64 {
    place.get("apis/apps/v1", "deployments", deployment).unwrap()["spec"]["replicas"].as_i64().unwrap()
}

/// Of blue and yellow, in ReplicaSets of the Rollout.
fn sizes(place: &Place) -> [Option<i64>; 2] {
    let mut replica_sets = place.replica_sets();
    replica_sets.retain(|it| it["metadata"]["ownerReferences"][0]["kind"] == "Rollout");
    ["demo:blue", "demo:yellow"].map(|image| size(&replica_sets, image))
}
