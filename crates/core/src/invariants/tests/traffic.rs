//! I2, I3, and what I4 and I7 say of traffic that goes by hash.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_api::labels;
use tidegate_api::rollout::TrafficWeights;

use super::{check_write, rules, updating, world_of};
use crate::invariants::{
    Knowledge, Observation, abort_has_ended, keeps_pinned_pods, stable_moves_after_every_gate,
};
use crate::snapshot::Service;

pub(super) type Pods = [(i32, i32); 2];

/// Services by the version that they select; their endpoints are its ready pods.
fn with_services(mut world: Observation, services: &[(&str, &str)]) -> Observation {
    for (name, hash) in services {
        let object = json!({"metadata": {"name": name},
            "spec": {"selector": {"app": "demo", "rollouts-pod-template-hash": hash}}});
        world.services.insert((*name).to_owned(), Service::parse(&object).unwrap());
        let ready = world.ready.get(&format!("demo-{hash}")).copied().unwrap_or(0);
        world.endpoints.insert((*name).to_owned(), ready);
    }
    world
}

/// A blue-green Rollout of five that lets one be unavailable; `active` is the version that gets the traffic.
fn blue_green(pods: Pods, active: &str, status: Value) -> Observation {
    let strategy = json!({"blueGreen": {"activeService": "active", "previewService": "preview",
        "autoPromotionEnabled": false, "maxUnavailable": 1}});
    with_services(world_of(strategy, pods, status), &[("active", active), ("preview", "v2")])
}

pub(super) fn weights(canary: i32, stable: i32) -> Value {
    json!({"canary": {"weight": canary, "serviceName": "canary", "podTemplateHash": "v2"},
        "stable": {"weight": stable, "serviceName": "stable", "podTemplateHash": "v1"}})
}

/// A routed canary of five that lets one be unavailable, with these weights routed.
pub(super) fn routed(pods: Pods, (canary, stable): (i32, i32), status: Value) -> Observation {
    let strategy = json!({"canary": {"canaryService": "canary", "stableService": "stable", "maxUnavailable": 1,
        "trafficRouting": {"nginx": {"stableIngress": "x"}}, "steps": [{"setWeight": 20}, {"pause": {}}]}});
    let mut world = with_services(world_of(strategy, pods, status), &[("canary", "v2"), ("stable", "v1")]);
    world.routed = Some(weights_of(&weights(canary, stable)));
    world
}

pub(super) fn weights_of(value: &Value) -> TrafficWeights {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn i2_the_active_version_keeps_its_pods() {
    let from = blue_green([(5, 5), (5, 5)], "v1", updating(json!({})));
    let to = |stable, canary| blue_green([stable, canary], "v1", updating(json!({})));
    assert!(check_write(&from, &to((4, 5), (5, 5))).is_empty());
    assert!(check_write(&from, &to((5, 5), (0, 5))).is_empty(), "nobody depends on the preview");
    assert_eq!(rules(&check_write(&from, &to((3, 5), (5, 5)))), ["I2"]);
    assert_eq!(rules(&check_write(&from, &to((0, 5), (5, 5)))), ["I2"]);
}

#[test]
fn i2_what_was_not_there_need_not_be_kept() {
    let from = blue_green([(5, 2), (5, 5)], "v1", updating(json!({})));
    let to = |stable| blue_green([stable, (5, 5)], "v1", updating(json!({})));
    assert!(check_write(&from, &to((2, 2))).is_empty());
    assert_eq!(rules(&check_write(&from, &to((1, 2)))), ["I2"]);
}

#[test]
fn i2_each_version_keeps_what_its_weight_needs() {
    let from = routed([(5, 5), (3, 3)], (60, 40), updating(json!({})));
    let to = |stable, canary| routed([stable, canary], (60, 40), updating(json!({})));
    assert!(check_write(&from, &to((1, 5), (3, 3))).is_empty(), "two of five, less one");
    assert_eq!(rules(&check_write(&from, &to((0, 5), (3, 3)))), ["I2"]);
    assert!(check_write(&from, &to((5, 5), (2, 3))).is_empty());
    assert_eq!(rules(&check_write(&from, &to((5, 5), (1, 3)))), ["I2"]);
    let little = |canary| routed([(5, 5), canary], (1, 99), updating(json!({})));
    assert_eq!(rules(&check_write(&little((1, 1)), &little((0, 1)))), ["I2"], "one percent is not nothing");
    let nothing = |canary| routed([(5, 5), canary], (0, 100), updating(json!({})));
    assert!(check_write(&nothing((1, 1)), &nothing((0, 1))).is_empty());
}

#[test]
fn i2_a_route_goes_where_its_service_selects() {
    let world = |pods| {
        let world = routed(pods, (100, 0), updating(json!({})));
        with_services(world, &[("canary", "v1"), ("stable", "v1")])
    };
    assert!(check_write(&world([(5, 5), (5, 5)]), &world([(5, 5), (0, 5)])).is_empty());
    assert_eq!(rules(&check_write(&world([(5, 5), (5, 5)]), &world([(0, 5), (5, 5)]))), ["I2"]);
}

#[test]
fn i2_before_the_first_route_stable_has_all_traffic() {
    let world = |stable| {
        let mut world = routed([stable, (5, 5)], (0, 100), updating(json!({})));
        world.routed = None;
        world
    };
    assert_eq!(rules(&check_write(&world((5, 5)), &world((2, 5)))), ["I2"]);
}

#[test]
fn i2_what_nobody_could_know_is_no_blame_where_publishing_lags() {
    let lost = |stable, ready: i32| {
        let mut world = blue_green([stable, (5, 5)], "v1", updating(json!({})));
        world.ready.insert("demo-v1".into(), ready);
        world
    };
    // A pod is lost between the look and the write, with which four would have stayed.
    let (before, after) = (lost((5, 5), 5), lost((4, 5), 3));
    assert!(keeps_pinned_pods(&before, &after, Knowledge::Exact).is_some());
    assert_eq!(keeps_pinned_pods(&before, &after, Knowledge::Published), None);
    let after = lost((3, 5), 3);
    assert!(keeps_pinned_pods(&before, &after, Knowledge::Published).is_some());
}

#[test]
fn i2_a_service_is_not_moved_to_pods_that_are_not_ready() {
    let switch = |stable, canary| {
        let world = |active| blue_green([stable, canary], active, updating(json!({})));
        rules(&check_write(&world("v1"), &world("v2"))).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(switch((5, 5), (5, 5)).is_empty());
    assert!(switch((5, 5), (5, 4)).is_empty(), "one may be unavailable");
    assert_eq!(switch((5, 5), (5, 3)), ["I2"]);
    assert_eq!(switch((5, 1), (5, 0)), ["I2"]);
    assert!(switch((5, 3), (5, 2)).is_empty(), "there were not enough before");
    assert!(switch((5, 0), (5, 0)).is_empty());
}

#[test]
fn i2_the_services_of_a_canary_are_judged_by_their_share() {
    let moved = |world: Observation, service: &str, hash: &str| {
        let after = with_services(world.clone(), &[(service, hash)]);
        !rules(&check_write(&world, &after)).is_empty()
    };
    let routed = |weights| routed([(5, 5), (2, 0)], weights, updating(json!({})));
    assert!(moved(routed((20, 80)), "stable", "v2"));
    assert!(!moved(routed((100, 0)), "stable", "v2"), "nothing is sent there");
    let with_canary_on_stable = |weights| with_services(routed(weights), &[("canary", "v1")]);
    assert!(moved(with_canary_on_stable((20, 80)), "canary", "v2"));
    assert!(!moved(with_canary_on_stable((0, 100)), "canary", "v2"));
    let basic = json!({"canary": {"canaryService": "canary", "stableService": "stable"}});
    let basic = |canary| {
        let world = world_of(basic.clone(), [(5, 5), canary], updating(json!({})));
        with_services(world, &[("canary", "v1"), ("stable", "v1")])
    };
    assert!(moved(basic((2, 0)), "canary", "v2"));
    assert!(!moved(basic((2, 1)), "canary", "v2"), "one pod answers");
}

#[test]
fn i2_the_first_selection_of_a_version_leaves_pods_behind_the_service() {
    let strategy = json!({"blueGreen": {"activeService": "active"}});
    let world = |ready| world_of(strategy.clone(), [(5, ready), (0, 0)], updating(json!({})));
    let adopt = |ready| {
        let mut before = with_services(world(ready), &[("active", "v1")]);
        before.services.get_mut("active").unwrap().selector.remove("rollouts-pod-template-hash");
        // Pods of a Deployment, and ours.
        before.endpoints.insert("active".into(), 5 + ready);
        let after = with_services(world(ready), &[("active", "v1")]);
        rules(&check_write(&before, &after)).len()
    };
    assert_eq!(adopt(5), 0);
    assert_eq!(adopt(0), 1);
    assert_eq!(adopt(2), 1);
}

#[test]
fn i2_no_weight_is_moved_to_a_version_without_ready_pods() {
    let moved = |pods, from, to| {
        let world = |weights| routed(pods, weights, updating(json!({})));
        !rules(&check_write(&world(from), &world(to))).is_empty()
    };
    assert!(!moved([(5, 5), (1, 1)], (0, 100), (20, 80)));
    assert!(moved([(5, 5), (1, 0)], (0, 100), (20, 80)));
    assert!(moved([(5, 0), (5, 5)], (100, 0), (0, 100)));
    assert!(!moved([(5, 0), (5, 0)], (100, 0), (0, 100)), "nobody answers anyway");
}

#[test]
fn i2_where_publishing_lags_a_move_is_judged_by_what_was_published() {
    use crate::invariants::{selects_ready_pods, weighs_ready_pods};
    let lost = |mut world: Observation| {
        world.ready.insert("demo-v2".into(), 0);
        world
    };
    let world = |weights| lost(routed([(5, 5), (5, 5)], weights, updating(json!({}))));
    let by = |knowledge| weighs_ready_pods(&world((0, 100)), &world((20, 80)), knowledge).is_none();
    assert!(!by(Knowledge::Exact));
    assert!(by(Knowledge::Published));
    let world = |active| {
        let mut world = lost(blue_green([(5, 5), (5, 5)], active, updating(json!({}))));
        world.endpoints.insert("active".into(), if active == "v1" { 5 } else { 0 });
        world
    };
    let by = |knowledge| selects_ready_pods(&world("v1"), &world("v2"), knowledge).is_none();
    assert!(!by(Knowledge::Exact));
    assert!(by(Knowledge::Published));
}

#[test]
fn i2_stable_gets_back_what_its_pods_bear() {
    use crate::invariants::stable_bears_what_comes_back;
    let back = |pods: Pods, by| {
        let world = |weights| routed(pods, weights, updating(json!({})));
        stable_bears_what_comes_back(&world((80, 20)), &world((20, 80)), by).map(|it| it.to_string())
    };
    assert_eq!(back([(3, 3), (5, 5)], Knowledge::Exact), None, "one may be missing of four");
    let overloaded = "I2: the weight of stable v1 rises from 20 to 80 of 100, and of 3 ready pods that this needs it has 2";
    assert_eq!(back([(5, 2), (5, 5)], Knowledge::Exact).as_deref(), Some(overloaded));
    assert_eq!(back([(5, 2), (5, 5)], Knowledge::Published).as_deref(), Some(overloaded));
    assert_eq!(back([(5, 2), (5, 0)], Knowledge::Exact), None, "nobody else answers");
    let away = |weights| routed([(1, 1), (5, 5)], weights, updating(json!({})));
    assert_eq!(stable_bears_what_comes_back(&away((20, 80)), &away((80, 20)), Knowledge::Exact), None);
}

#[test]
fn i2_pods_of_any_version_bear_what_comes_back_to_a_service_that_selects_none() {
    use crate::invariants::stable_bears_what_comes_back;
    let open = |weights: (i32, i32), hash: &str, endpoints| {
        let mut world = routed([(5, 1), (5, 5)], weights, updating(json!({})));
        world.services.get_mut("stable").unwrap().selector.remove(labels::POD_TEMPLATE_HASH);
        world.endpoints.insert("stable".to_owned(), endpoints);
        world.routed.as_mut().unwrap().stable.pod_template_hash = hash.to_owned();
        world
    };
    let back = |from, to| stable_bears_what_comes_back(&from, &to, Knowledge::Exact).map(|it| it.to_string());
    assert_eq!(back(open((20, 80), "v2", 1), open((20, 80), "v1", 1)), None, "another name, the same pods");
    assert_eq!(back(open((80, 20), "v1", 3), open((20, 80), "v1", 3)), None);
    let overloaded = "I2: the weight of Service stable rises from 20 to 80 of 100, and of 3 ready pods that this needs it has 2";
    assert_eq!(back(open((80, 20), "v1", 2), open((20, 80), "v1", 2)).as_deref(), Some(overloaded));
    let alone = |weights| {
        let mut world = open(weights, "v1", 2);
        world.endpoints.insert("canary".to_owned(), 0);
        world
    };
    assert_eq!(back(alone((80, 20)), alone((20, 80))), None, "nobody else answers");
}

#[test]
fn i3_weights_are_in_range_and_sum_up() {
    let before = routed([(5, 5), (5, 5)], (0, 100), updating(json!({})));
    let route = |canary, stable| {
        let after = routed([(5, 5), (5, 5)], (canary, stable), updating(json!({})));
        rules(&check_write(&before, &after)).len()
    };
    assert_eq!(route(20, 80), 0);
    assert_eq!(route(20, 70), 1);
    assert_eq!(route(120, -20), 1);
    let status = |canary, stable| {
        let status = updating(json!({"canary": {"weights": weights(canary, stable)}}));
        let after = routed([(5, 5), (5, 5)], (0, 100), status);
        rules(&check_write(&before, &after)).len()
    };
    assert_eq!(status(20, 80), 0);
    assert_eq!(status(20, 90), 1);
}

#[test]
fn i3_what_was_wrong_before_is_not_our_doing() {
    let wrong = routed([(5, 5), (5, 5)], (20, 70), updating(json!({})));
    assert!(check_write(&wrong, &wrong).is_empty());
}

fn promoted() -> Value {
    json!({"stableRS": "v2", "currentPodHash": "v2", "currentStepIndex": 2})
}

#[test]
fn i4_blue_green_is_promoted_behind_its_active_service() {
    let move_from = |pods: Pods, active: &str, more: Value| {
        let mut status = json!({"stableRS": "v1", "currentPodHash": "v2"});
        status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let before = blue_green(pods, active, status);
        let after = blue_green(pods, active, json!({"stableRS": "v2", "currentPodHash": "v2"}));
        stable_moves_after_every_gate(&before, &after).map(|it| it.text)
    };
    let ready = [(5, 5), (5, 5)];
    assert_eq!(move_from(ready, "v2", json!({})), None);
    assert!(move_from(ready, "v1", json!({})).unwrap().contains("active Service"));
    assert!(move_from([(5, 5), (5, 4)], "v2", json!({})).unwrap().contains("available"));
    assert!(move_from(ready, "v2", json!({"abort": true})).unwrap().contains("aborted"));
    let paused =
        json!({"pauseConditions": [{"reason": "BlueGreenPause", "startTime": "2026-11-23T05:00:00Z"}]});
    assert!(move_from(ready, "v2", paused).unwrap().contains("pauses"));
}

#[test]
fn i4_a_routed_canary_is_promoted_with_its_weight_confirmed() {
    let move_with = |verified: Value| {
        let mut sent = weights(100, 0);
        sent["verified"] = verified;
        let (mut status, pods) = (promoted(), [(5, 5), (5, 5)]);
        status["canary"] = json!({"weights": sent});
        let before = routed(pods, (100, 0), updating(json!({"currentStepIndex": 2})));
        stable_moves_after_every_gate(&before, &routed(pods, (100, 0), status))
    };
    assert_eq!(move_with(json!(true)), None);
    assert_eq!(move_with(Value::Null), None);
    assert!(move_with(json!(false)).is_some());
}

#[test]
fn i4_a_rollback_within_the_window_skips_steps_and_pauses() {
    // The older version v1 is the new one.
    let back = |revisions: i32| {
        let mut before = super::world(
            (5, 5),
            (5, 5),
            json!({"stableRS": "v2", "currentPodHash": "v1", "currentStepIndex": 0}),
        );
        before.rollout.spec.rollback_window =
            serde_json::from_value(json!({"revisions": revisions})).unwrap();
        let after = super::world(
            (5, 5),
            (5, 5),
            json!({"stableRS": "v1", "currentPodHash": "v1", "currentStepIndex": 0}),
        );
        stable_moves_after_every_gate(&before, &after)
    };
    assert_eq!(back(1), None);
    assert!(back(0).is_some());
}

#[test]
fn i7_an_abort_ends_with_traffic_on_stable() {
    let aborted = |more: Value| {
        let mut status = updating(json!({"abort": true}));
        status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        status
    };
    let pods = [(5, 5), (0, 0)];
    assert_eq!(abort_has_ended(&blue_green(pods, "v1", aborted(json!({})))), None);
    assert!(abort_has_ended(&blue_green(pods, "v2", aborted(json!({})))).is_some());
    assert_eq!(abort_has_ended(&routed(pods, (0, 100), aborted(json!({})))), None);
    assert!(abort_has_ended(&routed(pods, (20, 80), aborted(json!({})))).is_some());
    assert!(abort_has_ended(&routed([(5, 5), (1, 1)], (0, 100), aborted(json!({})))).is_some());
    let mut kept = routed([(5, 5), (1, 1)], (0, 100), aborted(json!({})));
    let canary = kept.rollout.spec.strategy.as_mut().unwrap().canary.as_mut().unwrap();
    canary.abort_scale_down_delay_seconds = Some(0);
    assert_eq!(abort_has_ended(&kept), None);
    assert_eq!(
        abort_has_ended(&routed([(5, 3), (1, 1)], (20, 80), aborted(json!({})))),
        None,
        "four bear it"
    );
    let mut one_less = routed([(5, 4), (1, 1)], (20, 80), aborted(json!({})));
    assert!(abort_has_ended(&one_less).is_some());
    one_less.rollout.spec.strategy.as_mut().unwrap().canary.as_mut().unwrap().dynamic_stable_scale = true;
    assert_eq!(abort_has_ended(&one_less), None, "exactly by what is there");
    let mut nowhere = routed([(5, 5), (1, 1)], (20, 80), aborted(json!({})));
    nowhere.services.remove("stable");
    assert_eq!(abort_has_ended(&nowhere), None, "its Service is not there");
}

#[test]
fn i10_services_and_weights_are_of_the_essence() {
    let essence = crate::invariants::essence;
    let pods = [(5, 5), (5, 5)];
    let one = routed(pods, (20, 80), updating(json!({})));
    assert_eq!(essence(&one), essence(&one.clone()));
    assert_ne!(essence(&one), essence(&routed(pods, (30, 70), updating(json!({})))));
    let moved = with_services(one.clone(), &[("canary", "v1")]);
    assert_ne!(essence(&one), essence(&moved));
    let mut unobserved = one.clone();
    unobserved.services = BTreeMap::new();
    assert_ne!(essence(&one), essence(&unobserved));
}

#[test]
fn i2_shares_are_of_what_is_routed_not_of_an_edited_maximum() {
    let with_maximum = |stable| {
        let mut world = routed([stable, (5, 5)], (20, 80), updating(json!({})));
        let canary = world.rollout.spec.strategy.as_mut().and_then(|strategy| strategy.canary.as_mut());
        let routing = canary.and_then(|canary| canary.traffic_routing.as_mut());
        routing.unwrap().max_traffic_weight = Some(20);
        world
    };
    let from = with_maximum((5, 5));
    assert_eq!(keeps_pinned_pods(&from, &with_maximum((3, 5)), Knowledge::Exact), None);
    assert!(keeps_pinned_pods(&from, &with_maximum((2, 5)), Knowledge::Exact).is_some());
}

#[test]
fn i3_the_status_may_tell_what_is_still_routed() {
    let from = routed([(5, 5), (5, 5)], (40, 20), updating(json!({})));
    let tells = |canary, stable| {
        let status = updating(json!({"canary": {"weights": weights(canary, stable)}}));
        routed([(5, 5), (5, 5)], (40, 20), status)
    };
    assert!(check_write(&from, &tells(40, 20)).is_empty());
    assert_eq!(rules(&check_write(&from, &tells(40, 30))), ["I3"]);
}

#[test]
fn requests_are_lost_by_the_share_of_what_selects_no_ready_pod() {
    use crate::invariants::WHOLE;
    let with_endpoints = |mut world: Observation, endpoints: &[(&str, i32)]| {
        let endpoints = endpoints.iter().map(|(name, count)| ((*name).to_owned(), *count));
        world.endpoints = endpoints.collect();
        world.unanswered()
    };
    let pods = [(5, 5), (5, 0)];
    let split = || routed(pods, (20, 80), updating(json!({})));
    assert_eq!(with_endpoints(split(), &[("canary", 1), ("stable", 1)]), 0);
    assert_eq!(with_endpoints(split(), &[("canary", 0), ("stable", 5)]), WHOLE / 5);
    assert_eq!(with_endpoints(split(), &[("canary", 5), ("stable", 0)]), WHOLE / 5 * 4);
    assert_eq!(with_endpoints(split(), &[]), WHOLE);
    let mut unrouted = split();
    unrouted.routed = None;
    assert_eq!(with_endpoints(unrouted.clone(), &[("canary", 0), ("stable", 1)]), 0);
    assert_eq!(with_endpoints(unrouted, &[("canary", 1)]), WHOLE);
    let green = || blue_green(pods, "v1", updating(json!({})));
    assert_eq!(with_endpoints(green(), &[("active", 1)]), 0);
    assert_eq!(with_endpoints(green(), &[("preview", 1)]), WHOLE);
    let mut foreign = green();
    let active = foreign.services.get_mut("active").unwrap();
    active.metadata.annotations.insert(tidegate_api::labels::MANAGED_BY_ROLLOUTS.into(), "other".into());
    assert_eq!(foreign.unanswered_by_anyone(), 0);
    foreign.endpoints.clear();
    assert_eq!(foreign.unanswered_by_anyone(), WHOLE);
    assert_eq!(with_endpoints(foreign, &[]), 0, "it carries another Rollout's traffic");
    let mut none_wanted = green();
    none_wanted.rollout.spec.replicas = Some(0);
    assert_eq!(with_endpoints(none_wanted, &[]), 0);
    let mut basic = super::world((5, 0), (1, 1), updating(json!({})));
    assert_eq!(basic.unanswered(), 0);
    basic.ready.insert("demo-v2".into(), 0);
    assert_eq!(basic.unanswered(), WHOLE);
}

#[test]
fn i2_what_was_replaced_stays_for_its_delay() {
    use crate::invariants::waits_for_the_delay;
    let now = "2026-11-23T05:00:00Z".parse().unwrap();
    // v1 was replaced by v2.
    let finished = json!({"stableRS": "v2", "currentPodHash": "v2"});
    let gone = |strategy: Value, status: &Value, deadline: Option<&str>| {
        let world = |old| {
            let mut world = world_of(strategy.clone(), [old, (5, 5)], status.clone());
            for rs in world.replica_sets.iter_mut().filter(|rs| rs.hash() == "v1") {
                let deadline = deadline.map(|at| (labels::SCALE_DOWN_DEADLINE.to_owned(), at.to_owned()));
                rs.metadata.annotations.extend(deadline);
            }
            world
        };
        waits_for_the_delay(&world((5, 5)), &world((0, 5)), now).map(|it| it.text)
    };
    let blue_green = |more: Value| {
        let mut members = json!({"activeService": "active"});
        members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"blueGreen": members})
    };
    let early = Some("demo-v1 goes before its delay is over: no delay has begun".to_owned());
    assert_eq!(gone(blue_green(json!({})), &finished, None), early);
    assert_eq!(gone(blue_green(json!({})), &finished, Some("2026-11-23T04:59:59Z")), None);
    let late = gone(blue_green(json!({})), &finished, Some("2026-11-23T05:00:20Z"));
    assert!(late.is_some_and(|text| text.ends_with("2026-11-23T05:00:20Z")));
    for without in [json!({"scaleDownDelaySeconds": 0}), json!({"scaleDownDelayRevisionLimit": 1})] {
        assert_eq!(gone(blue_green(without), &finished, None), None);
    }
    let routed = |more: Value| {
        let mut members = json!({"trafficRouting": {"nginx": {"stableIngress": "x"}}});
        members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"canary": members})
    };
    assert_eq!(gone(routed(json!({})), &finished, None), early);
    assert_eq!(gone(routed(json!({"dynamicStableScale": true})), &finished, None), None);
    assert_eq!(gone(json!({"canary": {}}), &finished, None), None);
    // v1 is the update: a step may want none of it, an abort takes it away after its own delay.
    let updating = json!({"stableRS": "v2", "currentPodHash": "v1"});
    let aborted = json!({"stableRS": "v2", "currentPodHash": "v1", "abort": true});
    assert_eq!(gone(routed(json!({})), &updating, None), None);
    assert_eq!(gone(routed(json!({"scaleDownDelaySeconds": 0})), &aborted, None), early);
    assert_eq!(gone(routed(json!({"abortScaleDownDelaySeconds": 0})), &aborted, None), None);
}

#[test]
fn i2_a_service_of_a_plain_canary_keeps_a_pod() {
    let plain = |old: (i32, i32), endpoints: i32| {
        let strategy = json!({"canary": {"stableService": "stable", "maxUnavailable": 1}});
        let mut world =
            with_services(world_of(strategy, [old, (5, 5)], updating(json!({}))), &[("stable", "v1")]);
        world.endpoints.insert("stable".to_owned(), endpoints);
        world
    };
    assert_eq!(rules(&check_write(&plain((2, 2), 2), &plain((0, 2), 2))), ["I2"]);
    assert!(check_write(&plain((2, 2), 2), &plain((1, 2), 2)).is_empty());
    assert_eq!((plain((2, 2), 2).unanswered(), plain((0, 0), 0).unanswered()), (0, crate::invariants::WHOLE));
}
