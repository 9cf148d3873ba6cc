use serde_json::{Value, json};

use super::*;

fn canary(json: Value) -> CanaryStrategy {
    serde_json::from_value(json).unwrap()
}

#[test]
fn surge_and_unavailable() {
    let check = |json: Value, replicas: i32, surge: i32, unavailable: i32| {
        let canary = canary(json.clone());
        let actual = (canary.max_surge(replicas), canary.max_unavailable(replicas));
        assert_eq!(actual, (surge, unavailable), "{json} of {replicas}");
    };
    check(json!({}), 5, 2, 1);
    check(json!({}), 1, 1, 0);
    check(json!({}), 0, 0, 0);
    check(json!({"maxSurge": 1, "maxUnavailable": 0}), 10, 1, 0);
    check(json!({"maxSurge": 0}), 1, 0, 1);
    check(json!({"maxSurge": "0%", "maxUnavailable": "what"}), 4, 0, 1);
    check(json!({"maxSurge": "50", "maxUnavailable": "50"}), 3, 2, 1);
    check(json!({"maxUnavailable": 9}), 4, 1, 4);

    let blue_green = |json: Value| serde_json::from_value::<BlueGreenStrategy>(json).unwrap();
    assert_eq!(blue_green(json!({})).max_unavailable(5), 1);
    assert_eq!(blue_green(json!({"maxUnavailable": 0})).max_unavailable(5), 0);
}

#[test]
fn pause_seconds() {
    let check = |json: Value, expected: Option<i64>| {
        let pause: Pause = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(pause.seconds(), expected, "{json}");
    };
    check(json!({}), None);
    check(json!({"duration": 0}), Some(0));
    check(json!({"duration": 10}), Some(10));
    check(json!({"duration": "10"}), Some(10));
    check(json!({"duration": "1m30s"}), Some(90));
    check(json!({"duration": "1d"}), Some(-1));
    check(json!({"duration": ""}), Some(-1));
}

#[test]
fn steps_in_words() {
    let check = |json: Value, expected: &str| {
        let step: CanaryStep = serde_json::from_value(json).unwrap();
        assert_eq!(step.describe(), expected);
    };
    check(json!({"setWeight": 20}), "setWeight: 20");
    check(json!({"pause": {}}), "pause");
    check(json!({"pause": {"duration": 10}}), "pause: 10");
    check(json!({"pause": {"duration": "10s"}}), "pause: 10s");
    check(json!({"experiment": {"templates": []}}), "experiment");
    check(json!({"analysis": {}}), "analysis");
    check(json!({"setCanaryScale": {"weight": 25}}), "setCanaryScale{weight: 25}");
    check(json!({"setCanaryScale": {"replicas": 3}}), "setCanaryScale{replicas: 3}");
    check(
        json!({"setCanaryScale": {"matchTrafficWeight": true}}),
        "setCanaryScale{matchTrafficWeight: true}",
    );
    check(json!({"setCanaryScale": {}}), "invalid");
    check(json!({"plugin": {"name": "org/step"}}), "plugin: org/step");
    check(json!({"setHeaderRoute": {"name": "a"}}), "setHeaderRoute: a");
    check(json!({"setMirrorRoute": {"name": "b"}}), "setMirrorRoute: b");
    check(json!({}), "invalid");
    check(json!({"pause": null}), "invalid");
}

#[test]
fn defaults() {
    let spec = RolloutSpec::default();
    assert_eq!(spec.replicas_or_default(), 1);
    assert_eq!(spec.revision_history_limit_or_default(), 10);
    assert_eq!(spec.progress_deadline_seconds_or_default(), 600);
    let zero: RolloutSpec =
        serde_json::from_value(json!({"replicas": 0, "revisionHistoryLimit": 0})).unwrap();
    assert_eq!((zero.replicas_or_default(), zero.revision_history_limit_or_default()), (0, 0));
}

#[test]
fn unknown_texts_are_kept() {
    let status: RolloutStatus = serde_json::from_value(json!({
        "phase": "Sleeping",
        "conditions": [{
            "type": "Healthy", "status": "Maybe", "reason": "", "message": "",
            "lastUpdateTime": "2026-11-23T05:27:31Z", "lastTransitionTime": "2026-11-23T05:27:31Z",
        }],
    }))
    .unwrap();
    assert_eq!(status.phase, Some(Phase::Other("Sleeping".to_owned())));
    assert_eq!(status.condition(condition_type::HEALTHY).unwrap().status, ConditionStatus::Unknown);
    assert!(!status.condition_is_true(condition_type::HEALTHY));
    assert_eq!(serde_json::to_value(status).unwrap()["phase"], "Sleeping");
}
