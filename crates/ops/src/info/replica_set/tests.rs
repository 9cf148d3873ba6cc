use serde_json::json;

use super::*;

fn object(hash: &str, replicas: i64, available: i64) -> Value {
    json!({
        "metadata": {"labels": {"rollouts-pod-template-hash": hash}},
        "spec": {"replicas": replicas},
        "status": {"availableReplicas": available},
    })
}

#[test]
fn a_status_is_only_trusted_when_it_is_of_this_generation() {
    assert_eq!(status(&object("a", 2, 1)), "Progressing");
    assert_eq!(status(&object("a", 2, 2)), "Healthy");
    assert_eq!(status(&object("a", 2, 3)), "Healthy");
    assert_eq!(status(&object("a", 0, 0)), "ScaledDown");
    let mut failed = object("a", 2, 2);
    failed["status"]["conditions"] = json!([{"type": "ReplicaFailure", "status": "True"}]);
    assert_eq!(status(&failed), "ReplicaFailure");
    failed["metadata"]["generation"] = json!(2);
    failed["status"]["observedGeneration"] = json!(1);
    assert_eq!(status(&failed), "Progressing");
}

#[track_caller]
fn check(strategy: &Value, of_status: &Value, hash: &str, expected: &[&str]) {
    let mut status = json!({"stableRS": "a", "currentPodHash": "b"});
    status.as_object_mut().unwrap().extend(of_status.as_object().unwrap().clone());
    let rollout = json!({"spec": {"strategy": strategy}, "status": status});
    let tags = tags(hash, &serde_json::from_value(rollout).unwrap());
    assert_eq!(tags.into_iter().map(Tag::as_str).collect::<Vec<_>>(), expected, "{hash} {of_status}");
}

#[test]
fn tags_tell_the_role() {
    let canary = json!({"canary": {}});
    check(&canary, &json!({}), "a", &["stable"]);
    check(&canary, &json!({}), "b", &["canary"]);
    check(&canary, &json!({}), "c", &[]);
    check(&canary, &json!({"stableRS": "b"}), "b", &["stable"]);
    check(&canary, &json!({"stableRS": "", "currentPodHash": ""}), "", &[]);

    let ping_pong = json!({"canary": {"pingPong": {"pingService": "x", "pongService": "y"}}});
    check(&ping_pong, &json!({}), "a", &["stable", "pong"]);
    check(&ping_pong, &json!({}), "b", &["canary", "ping"]);
    let toggled = json!({"canary": {"stablePingPong": "ping"}});
    check(&ping_pong, &toggled, "a", &["stable", "ping"]);
    check(&ping_pong, &toggled, "b", &["canary", "pong"]);

    let blue_green = json!({"blueGreen": {"activeService": "x"}});
    let selectors = json!({"blueGreen": {"activeSelector": "a", "previewSelector": "b"}});
    check(&blue_green, &selectors, "a", &["stable", "active"]);
    check(&blue_green, &selectors, "b", &["preview"]);
    let switched = json!({"blueGreen": {"activeSelector": "b", "previewSelector": "b"}});
    check(&blue_green, &switched, "a", &["stable"]);
    check(&blue_green, &switched, "b", &["active"]);
}
