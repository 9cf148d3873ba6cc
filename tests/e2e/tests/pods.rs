//! Restarts through real evictions: as many pods at a time as may be missing, as a disruption budget allows; one alone gets its
//! successor first.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_e2e::{Place, Start, Traffic, shared};

use crate::captured::Row;
use crate::demo::{NAME, service, set_image, until_older, with_strategy};
use crate::play::Play;

#[test]
fn a_restart_is_as_captured() {
    let plane = shared();
    let play = Play::start_with(plane, "restart", "restarting");
    play.deploy(("restart", "01-done"), "demo:blue");
    let before = play.place.pods("app=restarting");
    until_older(&play.place);
    play.place.plugin("restart restarting");
    play.place.wait("all pods are others", || before.is_disjoint(&play.place.pods("app=restarting")));
    let rows: [Row; 0] = [];
    play.is_as_captured("01-done", &rows);
}

#[test]
fn a_restart_keeps_to_max_unavailable_and_to_a_disruption_budget() {
    let plane = shared();
    let place = Place::new(plane, "budget");
    let _controller = Start::new(plane, &place, "only").ready();
    let strategy = json!({"canary": {"maxUnavailable": 1}});
    place.apply(&[service("all", NAME), with_strategy(NAME, "demo:blue", 4, &strategy)]);
    place.until_phase(NAME, "Healthy");
    place.kubectl("create poddisruptionbudget demo --selector=app=rollouts-demo --min-available=4");
    place.wait("the budget allows nothing", || {
        let status = &place.get("apis/policy/v1", "poddisruptionbudgets", "demo").unwrap()["status"];
        status["expectedPods"] == 4 && status["disruptionsAllowed"] == 0
    });
    let traffic = Traffic::of(&place, "all", 4);
    let before = place.pods("app=rollouts-demo");
    until_older(&place);
    place.plugin("restart rollouts-demo");
    place.until(NAME, "it is restarting", |rollout| {
        rollout["status"]["phase"] == "Progressing" && rollout["status"]["message"] == "rollout is restarting"
    });
    place.wait("an eviction is refused", || evictions(plane, "budget").contains(&429));
    assert_eq!(place.pods("app=rollouts-demo"), before, "not one was evicted");
    assert_eq!(traffic.lowest().0, 4);

    // One eviction in between: at most one pod may be missing.
    place.kubectl(r#"patch pdb demo --type=merge -p {"spec":{"minAvailable":2}}"#);
    place.wait("all pods are others", || before.is_disjoint(&place.pods("app=rollouts-demo")));
    let healthy = place.until_phase(NAME, "Healthy");
    assert_eq!(healthy["status"]["restartedAt"], healthy["spec"]["restartAt"]);
    assert!(evictions(plane, "budget").contains(&201));
    traffic.assert_never_below(3);
}

#[test]
fn one_pod_gets_its_successor_first() {
    let plane = shared();
    let place = Place::new(plane, "one-pod");
    let _controller = Start::new(plane, &place, "only").ready();
    place.apply(&[service("all", NAME), with_strategy(NAME, "demo:blue", 1, &json!({"canary": {}}))]);
    place.until_phase(NAME, "Healthy");
    let traffic = Traffic::of(&place, "all", 1);
    let before = place.pods("app=rollouts-demo");
    until_older(&place);
    place.plugin("restart rollouts-demo");
    place.wait("another pod is alone", || {
        let pods = place.pods("app=rollouts-demo");
        pods.len() == 1 && pods.is_disjoint(&before)
    });
    let healthy = place.until_phase(NAME, "Healthy");
    assert_eq!(healthy["status"]["restartedAt"], healthy["spec"]["restartAt"]);
    traffic.assert_never_below(1);
}

#[test]
fn pods_are_labelled_by_their_role() {
    let plane = shared();
    let place = Place::new(plane, "roles");
    let _controller = Start::new(plane, &place, "only").ready();
    let strategy = json!({"canary": {
        "canaryMetadata": {"labels": {"role": "canary"}}, "stableMetadata": {"labels": {"role": "stable"}},
        "steps": [{"setWeight": 50}, {"pause": {}}],
    }});
    place.apply(&[with_strategy(NAME, "demo:blue", 4, &strategy)]);
    place.until_phase(NAME, "Healthy");
    place.wait("all are stable", || place.pods("role=stable").len() == 4);
    place.plugin(&set_image(NAME, "demo:yellow"));
    let paused = place.until_phase(NAME, "Paused");
    let hash = |field: &str| paused["status"][field].as_str().unwrap().to_owned();
    let of = |hash: &str| place.pods(&format!("rollouts-pod-template-hash={hash}"));
    let (new, old) = (of(&hash("currentPodHash")), of(&hash("stableRS")));
    assert_eq!((place.pods("role=canary"), place.pods("role=stable")), (new.clone(), old));
    place.plugin("promote rollouts-demo");
    place.until_phase(NAME, "Healthy");
    place.wait("all are stable, and none is anything else", || {
        place.pods("role=stable").len() == 4 && place.pods("role=canary").is_empty()
    });
    assert!(place.pods("role=stable").is_superset(&new), "pods of the canary were kept");
}

/// Codes with which evictions by our controller were answered.
fn evictions(plane: &tidegate_e2e::ControlPlane, namespace: &str) -> BTreeSet<i64> {
    let log = std::fs::read_to_string(plane.audit_log()).unwrap();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours = lines.filter(|line| {
        line["objectRef"]["namespace"] == namespace && line["objectRef"]["subresource"] == "eviction"
    });
    ours.filter_map(|line| line["responseStatus"]["code"].as_i64()).collect()
}
