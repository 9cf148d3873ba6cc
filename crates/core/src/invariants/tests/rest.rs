//! What must hold at rest, broken on purpose once and kept once.

use jiff::Timestamp;

use super::*;
use crate::Timer;

fn text(violation: Option<Violation>) -> String {
    violation.map(|it| it.to_string()).unwrap_or_default()
}

fn counted(replicas: i32, updated: i32, available: i32) -> Observation {
    let counters = json!({"replicas": replicas, "updatedReplicas": updated, "readyReplicas": available,
        "availableReplicas": available, "observedGeneration": "0"});
    world((4, 4), (1, 0), updating(counters))
}

#[test]
fn i6_counters_are_those_of_the_replica_sets() {
    assert_eq!(counters_agree(&counted(5, 1, 4)), None);
    assert_eq!(text(counters_agree(&counted(6, 1, 4))), "I6: replicas is 6, and there are 5");
    assert_eq!(text(counters_agree(&counted(5, 0, 4))), "I6: updatedReplicas is 0, and there are 1");
    assert_eq!(text(counters_agree(&counted(5, 1, 5))), "I6: readyReplicas is 5, and there are 4");
}

#[test]
fn i6_the_latest_spec_has_been_looked_at() {
    let mut rest = counted(5, 1, 4);
    rest.rollout.metadata.generation = 3;
    assert_eq!(text(counters_agree(&rest)), "I6: generation 3 is there, 0 was looked at");
}

#[test]
fn i6_no_timer_is_over() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let plan = Plan { timers: vec![Timer::PauseEnds(at(7))], ..Plan::default() };
    assert_eq!(nothing_is_overdue(&plan, at(6)), None);
    let broken = text(nothing_is_overdue(&plan, at(7)));
    assert_eq!(broken, "I6: a pause ends was due at 1970-01-01T00:00:07Z, and nothing comes of it");
}

#[test]
fn i6_marks_go_with_the_rollout() {
    let service = |mark: &str| {
        let annotations = json!({"argo-rollouts.argoproj.io/managed-by-rollouts": mark});
        let metadata = json!({"name": "front", "namespace": "default", "annotations": annotations});
        Service::parse(&json!({"metadata": metadata, "spec": {"selector": {}}})).unwrap()
    };
    let strategy = json!({"blueGreen": {"activeService": "front"}});
    let rollouts = [world_of(strategy, [(5, 5), (0, 0)], updating(json!({}))).rollout];
    assert_eq!(marks_are_kept([&service("demo")], &rollouts), None);
    let broken = text(marks_are_kept([&service("gone")], &rollouts));
    assert_eq!(broken, "I6: Service front is marked by gone, which does not name it");
    let basic = [world((5, 5), (0, 0), updating(json!({}))).rollout];
    assert!(marks_are_kept([&service("demo")], &basic).is_some());
    // A Service that the spec names no more, and traffic still comes by.
    let routed = |phase: &str| {
        let strategy = json!({"canary": {"trafficRouting": {"nginx": {"stableIngress": "x"}}}});
        let to = |service: &str, weight: i32| json!({"serviceName": service, "weight": weight});
        let weights = json!({"canary": to("next", 0), "stable": to("front", 100)});
        let status = updating(json!({"phase": phase, "canary": {"weights": weights}}));
        [world_of(strategy, [(5, 5), (0, 0)], status).rollout]
    };
    assert_eq!(marks_are_kept([&service("demo")], &routed("Paused")), None);
    assert!(marks_are_kept([&service("demo")], &routed("Healthy")).is_some(), "nothing is waited for");
}

#[test]
fn i7_pods_stay_where_stable_is_not_up() {
    let aborted = updating(json!({"abort": true}));
    assert_eq!(abort_has_ended(&world((5, 3), (1, 1), aborted.clone())), None);
    assert!(abort_has_ended(&world((5, 5), (1, 1), aborted)).is_some());
}

#[test]
fn i7_a_restart_that_is_held_back_keeps_one_pod_more() {
    let at = "2026-11-23T05:00:00Z";
    let rest = |pods: i32, restarted: Option<&str>| {
        let status = updating(json!({"abort": true, "restartedAt": restarted}));
        let mut rest = world((pods, pods), (0, 0), status);
        rest.rollout.spec.restart_at = serde_json::from_value(json!(at)).unwrap();
        abort_has_ended(&rest)
    };
    assert_eq!(rest(6, None), None);
    assert_eq!(text(rest(7, None)), "I7: aborted, yet demo-v1 has 7 pods, not 5");
    assert_eq!(text(rest(6, Some(at))), "I7: aborted, yet demo-v1 has 6 pods, not 5");
}

#[test]
fn i7_a_service_of_another_rollout_is_not_moved() {
    let strategy = json!({"blueGreen": {"activeService": "front"}});
    let managed_by = |name: &str| {
        let mut rest = world_of(strategy.clone(), [(5, 5), (0, 0)], updating(json!({"abort": true})));
        let annotations = json!({"argo-rollouts.argoproj.io/managed-by-rollouts": name});
        let service = json!({"metadata": {"name": "front", "annotations": annotations},
            "spec": {"selector": {"rollouts-pod-template-hash": "v9"}}});
        rest.services.insert("front".into(), Service::parse(&service).unwrap());
        abort_has_ended(&rest)
    };
    assert_eq!(managed_by("other"), None);
    assert_eq!(text(managed_by("demo")), "I7: aborted, yet Service front sends to v9");
}
