use serde_json::{Value, json};

use super::*;

#[track_caller]
fn check(rollout: &Value, phase: &str, message: &str) {
    let mut object = json!({"metadata": {"name": "x", "generation": 2}, "spec": {}, "status": {}});
    for (section, members) in rollout.as_object().unwrap() {
        for (key, value) in members.as_object().unwrap() {
            object[section][key] = value.clone();
        }
    }
    let status = client_status(&serde_json::from_value(object).unwrap());
    assert_eq!((status.phase.as_str(), status.message.as_str()), (phase, message), "{rollout}");
}

#[test]
fn an_old_status_is_not_trusted() {
    let waiting = "waiting for rollout spec update to be observed";
    let stored = |observed: &str| json!({"status": {"observedGeneration": observed, "phase": "Healthy"}});
    check(&stored("1"), "Progressing", waiting);
    for observed in ["", "2", "3", "f4c9"] {
        check(&stored(observed), "Healthy", "");
    }
    let resumed =
        json!({"status": {"controllerPause": true, "phase": "Paused", "message": "CanaryPauseStep"}});
    check(&resumed, "Progressing", "waiting for rollout to unpause");
}

#[test]
fn the_stored_phase_counts() {
    check(&json!({"status": {"phase": "Paused", "message": "x"}}), "Paused", "x");
    check(&json!({"status": {"phase": "Waiting", "message": "for Godot"}}), "Waiting", "for Godot");
}

fn condition(type_: &str, reason: &str) -> Value {
    let time = "2026-11-23T05:27:31Z";
    json!({
        "type": type_, "reason": reason, "status": "False", "message": "m",
        "lastUpdateTime": time, "lastTransitionTime": time,
    })
}

#[test]
fn without_a_phase_it_is_computed() {
    let with = |conditions: Value| json!({"spec": {"paused": true}, "status": {"conditions": conditions}});
    check(&with(json!([condition("InvalidSpec", "InvalidSpec")])), "Degraded", "InvalidSpec: m");
    check(&with(json!([condition("Progressing", "RolloutAborted")])), "Degraded", "RolloutAborted: m");
    let late = condition("Progressing", "ProgressDeadlineExceeded");
    check(&with(json!([late])), "Degraded", "ProgressDeadlineExceeded: m");
    check(&with(json!([condition("Available", "AvailableReason")])), "Paused", "manually paused");
    let pause = json!([{"reason": "BlueGreenPause", "startTime": "2026-11-23T05:27:31Z"}]);
    check(&json!({"status": {"pauseConditions": pause}}), "Paused", "BlueGreenPause");
    let restart = json!({"spec": {"restartAt": "2026-11-23T05:27:31Z"}});
    check(&restart, "Progressing", "rollout is restarting");
    check(&json!({}), "Progressing", "more replicas need to be updated");
    let few = json!({"status": {"updatedReplicas": 1}});
    check(&few, "Progressing", "updated replicas are still becoming available");
}

#[test]
fn without_a_phase_the_strategy_has_its_say() {
    let of = |strategy: &Value, status: Value| {
        let mut all =
            json!({"updatedReplicas": 1, "availableReplicas": 1, "replicas": 1, "currentPodHash": "b"});
        all.as_object_mut().unwrap().extend(status.as_object().unwrap().clone());
        json!({"spec": {"strategy": strategy}, "status": all})
    };
    let canary = json!({"canary": {}});
    check(&of(&canary, json!({"replicas": 2})), "Progressing", "old replicas are pending termination");
    check(&of(&canary, json!({"stableRS": "a"})), "Progressing", "waiting for all steps to complete");
    check(&of(&canary, json!({"stableRS": "b"})), "Healthy", "");
    let routed = json!({"canary": {"trafficRouting": {}}});
    check(&of(&routed, json!({"replicas": 2, "stableRS": "b"})), "Healthy", "");

    let mut blue_green = json!({"blueGreen": {"activeService": "a"}});
    let active = json!({"activeSelector": "b"});
    check(&of(&blue_green, json!({})), "Progressing", "active service cutover pending");
    let unverified = "waiting for post-promotion verification to complete";
    check(&of(&blue_green, json!({"blueGreen": active})), "Progressing", unverified);
    check(&of(&blue_green, json!({"blueGreen": active, "stableRS": "b"})), "Healthy", "");
    blue_green["blueGreen"]["postPromotionAnalysis"] = json!({"templates": []});
    check(&of(&blue_green, json!({"blueGreen": active})), "Progressing", "waiting for analysis to complete");
}
