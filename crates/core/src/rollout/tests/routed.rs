//! A canary with Services and a router over the paper cluster.

#![allow(clippy::needless_pass_by_value, reason = "literals are handed over")]

use serde_json::{Value, json};

use super::paper::Paper;
use super::{resume, template, update};
use crate::snapshot::Evidence;

fn routed(replicas: i32, strategy: Value) -> Paper {
    let mut members = json!({"stableService": "stable", "canaryService": "canary",
        "trafficRouting": {"nginx": {"stableIngress": "web"}},
        "steps": [{"setWeight": 30}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}]});
    members.as_object_mut().unwrap().extend(strategy.as_object().unwrap().clone());
    let mut paper = Paper::new(json!({
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": template("blue"),
        "strategy": {"canary": members},
    }));
    paper.service("stable");
    paper.service("canary");
    paper.route();
    paper.settle();
    paper
}

#[test]
fn traffic_follows_pods_and_pods_stay_until_it_is_gone() {
    let mut paper = routed(4, json!({}));
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 4/4 r1");
    assert_eq!(paper.traffic(), "canary: blue | stable: blue | blue 0");
    update(&mut paper, "green");
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 4/4 r1 | green 2/2 r2");
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 30");
    resume(&mut paper);
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 60");
    resume(&mut paper);
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 4/4 r1 | green 4/4 r2");
    assert_eq!(paper.traffic(), "canary: green | stable: green | green 0");
    paper.pass_seconds(30);
    paper.settle();
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 0/0 r1 | green 4/4 r2");
}

#[test]
fn more_traffic_goes_only_by_a_service_that_was_read_live() {
    let mut paper = routed(4, json!({}));
    update(&mut paper, "green");
    let [canary, stable] = ["canary", "stable"].map(|name| Evidence::Service(name.to_owned()));
    paper.asked.clear();
    resume(&mut paper);
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 60");
    assert!(paper.asked.contains(&canary) && !paper.asked.contains(&stable), "{:?}", paper.asked);
    paper.asked.clear();
    paper.status(json!({"abort": true}));
    paper.step();
    assert!(paper.asked.contains(&stable), "{:?}", paper.asked);
}

#[test]
fn an_abort_moves_the_traffic_at_once_and_the_pods_later() {
    let mut paper = routed(4, json!({"abortScaleDownDelaySeconds": 1000}));
    update(&mut paper, "green");
    paper.status(json!({"abort": true}));
    paper.settle();
    let aborted = "Degraded RolloutAborted: Rollout aborted update to revision 2 0/4";
    assert_eq!(paper.traffic(), "canary: blue | stable: blue | green 0");
    assert_eq!(paper.summary(), format!("{aborted} | blue 4/4 r1 | green 2/2 r2"));
    paper.pass_seconds(999);
    paper.settle();
    assert_eq!(paper.summary(), format!("{aborted} | blue 4/4 r1 | green 2/2 r2"));
    paper.pass_seconds(1);
    paper.settle();
    assert_eq!(paper.summary(), format!("{aborted} | blue 4/4 r1 | green 0/0 r2"));
    paper.status(json!({"abort": false}));
    paper.settle();
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 30");
}

#[test]
fn the_delay_of_an_abort_begins_when_the_router_has_confirmed() {
    let mut paper = routed(4, json!({}));
    update(&mut paper, "green");
    paper.status(json!({"abort": true}));
    paper.step();
    paper.verify(false);
    paper.settle();
    let in_seconds = |paper: &Paper| paper.wake_at().map(|at| at.duration_since(paper.now()).as_secs());
    assert_eq!(in_seconds(&paper), Some(10), "the router is asked again");
    assert!(paper.report().contains("not confirmed"), "{}", paper.report());
    paper.verify(true);
    paper.settle();
    assert_eq!(in_seconds(&paper), Some(29));
}

#[test]
fn a_delay_of_zero_keeps_an_aborted_canary() {
    let mut paper = routed(4, json!({"abortScaleDownDelaySeconds": 0}));
    update(&mut paper, "green");
    paper.status(json!({"abort": true}));
    paper.settle();
    paper.pass_seconds(1000);
    paper.edit(json!({"spec": {"replicas": 8}}));
    paper.settle();
    let aborted = "Degraded RolloutAborted: Rollout aborted update to revision 2 0/4";
    assert_eq!(paper.summary(), format!("{aborted} | blue 8/8 r1 | green 2/2 r2"));
}

#[test]
fn a_superseded_canary_stays_for_the_delay() {
    let mut paper = routed(5, json!({}));
    update(&mut paper, "green");
    paper.edit(json!({"spec": {"template": template("red")}}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 5/5 r1 | green 2/2 r2 | red 2/2 r3");
    assert_eq!(paper.traffic(), "canary: red | stable: blue | red 30");
    paper.pass_seconds(31);
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 5/5 r1 | green 0/0 r2 | red 2/2 r3");
}

#[test]
fn a_step_waits_for_the_router() {
    let mut paper = routed(4, json!({"steps": [{"setWeight": 30}, {"setWeight": 60}, {"pause": {}}]}));
    paper.edit(json!({"spec": {"template": template("green")}}));
    for _ in 0..20 {
        paper.step_with_pods();
        if paper.traffic().ends_with("green 30") {
            break;
        }
    }
    paper.verify(false);
    paper.settle();
    assert_eq!(
        paper.summary(),
        "Progressing more replicas need to be updated 0/3 | blue 4/4 r1 | green 2/2 r2"
    );
    assert!(paper.report().contains("weight 30 is not confirmed"), "{}", paper.report());
    paper.pass_seconds(1000);
    paper.settle();
    assert!(
        paper.summary().starts_with("Progressing"),
        "waiting for a router is no lack of pods: {}",
        paper.summary()
    );
    paper.verify(true);
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 2/3 | blue 4/4 r1 | green 3/3 r2");
}

#[test]
fn a_smaller_weight_comes_before_fewer_pods() {
    let steps = json!([{"setWeight": 80}, {"pause": {}}, {"setWeight": 20}, {"pause": {}}]);
    let mut paper = routed(10, json!({"steps": steps}));
    update(&mut paper, "green");
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 10/10 r1 | green 8/8 r2");
    paper.status(json!({"pauseConditions": null}));
    paper.step();
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 20");
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 3/4 | blue 10/10 r1 | green 2/2 r2");
}

#[test]
fn sizes_by_set_canary_scale() {
    let steps = json!([
        {"pause": {}}, {"setCanaryScale": {"weight": 25}}, {"pause": {}}, {"setWeight": 50}, {"pause": {}},
        {"setCanaryScale": {"replicas": 3}}, {"pause": {}}, {"setCanaryScale": {"matchTrafficWeight": true}}, {"pause": {}},
    ]);
    let mut paper = routed(4, json!({"steps": steps}));
    update(&mut paper, "green");
    let mut sizes = Vec::new();
    for _ in 0..5 {
        sizes.push(paper.summary());
        resume(&mut paper);
    }
    assert_eq!(
        sizes,
        [
            "Paused CanaryPauseStep 0/9 | blue 4/4 r1 | green 0/0 r2",
            "Paused CanaryPauseStep 2/9 | blue 4/4 r1 | green 1/1 r2",
            "Paused CanaryPauseStep 4/9 | blue 4/4 r1 | green 1/1 r2",
            "Paused CanaryPauseStep 6/9 | blue 4/4 r1 | green 3/3 r2",
            "Paused CanaryPauseStep 8/9 | blue 4/4 r1 | green 2/2 r2",
        ]
    );
    assert_eq!(paper.summary(), "Healthy 9/9 | blue 4/4 r1 | green 4/4 r2");
}

fn dynamic() -> Paper {
    let steps = json!([{"setWeight": 25}, {"pause": {}}, {"setWeight": 75}, {"pause": {}}]);
    routed(4, json!({"dynamicStableScale": true, "steps": steps}))
}

#[test]
fn stable_shrinks_as_traffic_leaves_it_and_grows_before_it_comes_back() {
    let mut paper = dynamic();
    update(&mut paper, "green");
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 3/3 r1 | green 1/1 r2");
    resume(&mut paper);
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 3/4 | blue 1/1 r1 | green 3/3 r2");
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 75");
    paper.status(json!({"abort": true}));
    paper.settle_without_pods();
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 75");
    paper.settle();
    let aborted = "Degraded RolloutAborted: Rollout aborted update to revision 2 0/4";
    assert_eq!(paper.summary(), format!("{aborted} | blue 4/4 r1 | green 0/0 r2"));
    assert_eq!(paper.traffic(), "canary: blue | stable: blue | green 0");
}

#[test]
fn a_second_release_gives_stable_no_more_than_it_can_bear() {
    let mut paper = dynamic();
    update(&mut paper, "green");
    resume(&mut paper);
    paper.edit(json!({"spec": {"template": template("red")}}));
    paper.settle_without_pods();
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 75");
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 3/3 r1 | green 0/0 r2 | red 1/1 r3");
}

#[test]
fn back_to_stable_in_the_middle_waits_for_its_pods() {
    let mut paper = dynamic();
    update(&mut paper, "green");
    resume(&mut paper);
    paper.edit(json!({"spec": {"template": template("blue")}}));
    paper.settle_without_pods();
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 75");
    paper.settle();
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 4/4 r3 | green 0/0 r2");
    assert_eq!(paper.traffic(), "canary: blue | stable: blue | blue 0");
}

#[test]
fn a_full_promotion_moves_the_traffic_with_the_promotion() {
    let mut paper = routed(4, json!({}));
    update(&mut paper, "green");
    paper.status(json!({"promoteFull": true}));
    paper.settle();
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 4/4 r1 | green 4/4 r2");
    assert_eq!(paper.traffic(), "canary: green | stable: green | green 0");
    let mut dynamic = dynamic();
    update(&mut dynamic, "green");
    dynamic.status(json!({"promoteFull": true}));
    dynamic.settle();
    assert_eq!(dynamic.summary(), "Healthy 4/4 | blue 0/0 r1 | green 4/4 r2");
}

#[test]
fn services_of_a_canary_without_a_router() {
    let mut paper = Paper::new(json!({
        "replicas": 4, "selector": {"matchLabels": {"app": "demo"}}, "template": template("blue"),
        "strategy": {"canary": {"stableService": "stable", "canaryService": "canary",
            "steps": [{"setWeight": 25}, {"pause": {}}]}},
    }));
    paper.service("stable");
    paper.service("canary");
    paper.settle();
    update(&mut paper, "green");
    assert_eq!(paper.traffic(), "canary: green | stable: blue");
    paper.status(json!({"abort": true}));
    paper.settle();
    assert_eq!(paper.traffic(), "canary: blue | stable: blue");
    paper.status(json!({"abort": false}));
    paper.settle();
    resume(&mut paper);
    assert_eq!(paper.traffic(), "canary: green | stable: green");
    assert_eq!(paper.summary(), "Healthy 2/2 | blue 0/0 r1 | green 4/4 r2");
}

#[test]
fn a_canary_that_was_just_resized_is_not_taken_for_dead() {
    let mut paper = routed(10, json!({"dynamicStableScale": true}));
    update(&mut paper, "green");
    resume(&mut paper);
    paper.unobserve("green");
    paper.settle();
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 60");
}

#[test]
fn skipped_steps_wait_for_their_pods() {
    let mut paper = routed(10, json!({}));
    update(&mut paper, "green");
    paper.status(json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": 3}));
    paper.settle_without_pods();
    // Three of ten pods.
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 30");
    paper.settle();
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 60");
}

#[test]
fn pods_stay_until_the_router_has_confirmed() {
    let steps = json!([{"setWeight": 50}, {"pause": {}}, {"setWeight": 100}, {"pause": {}}]);
    let mut paper = routed(4, json!({"dynamicStableScale": true, "steps": steps}));
    update(&mut paper, "green");
    paper.status(json!({"pauseConditions": null}));
    for _ in 0..20 {
        paper.step_with_pods();
        if paper.traffic().ends_with("green 100") {
            break;
        }
    }
    paper.verify(false);
    paper.settle();
    let sizes = |paper: &Paper| paper.summary().split_once(" | ").unwrap().1.to_owned();
    assert_eq!(sizes(&paper), "blue 2/2 r1 | green 4/4 r2");
    paper.verify(true);
    paper.settle();
    assert_eq!(sizes(&paper), "blue 0/0 r1 | green 4/4 r2");
}

#[test]
fn a_superseded_canary_is_not_kept_up_by_its_service() {
    let mut paper = Paper::new(json!({
        "replicas": 4, "selector": {"matchLabels": {"app": "demo"}}, "template": template("blue"),
        "strategy": {"canary": {"stableService": "stable", "canaryService": "canary",
            "steps": [{"setWeight": 20}, {"pause": {}}]}},
    }));
    paper.service("stable");
    paper.service("canary");
    paper.settle();
    update(&mut paper, "green");
    update(&mut paper, "red");
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/2 | blue 4/4 r1 | green 0/0 r2 | red 1/1 r3");
    assert_eq!(paper.traffic(), "canary: red | stable: blue");
}

#[test]
fn an_abort_comes_to_its_end_whatever_keeps_the_canary_up() {
    let steps = json!([{"setWeight": 10}, {"setWeight": 60}, {"pause": {}}]);
    for more in [
        json!({"abortScaleDownDelaySeconds": 0}),
        json!({"minPodsPerReplicaSet": 3}),
        json!({"abortScaleDownDelaySeconds": 30}),
    ] {
        let mut strategy = json!({"dynamicStableScale": true, "steps": steps});
        strategy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut paper = routed(10, strategy);
        update(&mut paper, "green");
        paper.status(json!({"abort": true}));
        paper.settle();
        assert_eq!(paper.traffic(), "canary: blue | stable: blue | green 0", "{more}");
        assert!(paper.summary().contains("blue 10/10"), "{more}: {}", paper.summary());
    }
}

#[test]
fn a_canary_that_fails_for_a_moment_leaves_its_traffic_where_pods_may_come() {
    let steps = json!([{"setWeight": 100}, {"pause": {}}]);
    let mut paper = routed(2, json!({"dynamicStableScale": true, "steps": steps}));
    update(&mut paper, "green");
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/2 | blue 0/0 r1 | green 2/2 r2");
    paper.leave_pods("green", 0);
    paper.step();
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 100");
}

#[test]
fn the_weight_leaves_a_service_that_is_gone() {
    let mut paper = routed(4, json!({}));
    update(&mut paper, "green");
    paper.remove_service("canary");
    paper.settle();
    assert_eq!(paper.traffic(), "stable: blue | green 0");
}

#[test]
fn a_paused_stable_that_had_no_pods_gets_them_back() {
    let mut paper = dynamic();
    update(&mut paper, "green");
    paper.edit(json!({"spec": {"paused": true, "replicas": 0}}));
    paper.settle();
    paper.edit(json!({"spec": {"replicas": 4}}));
    paper.settle();
    assert!(paper.summary().ends_with("| blue 3/3 r1 | green 1/1 r2"), "{}", paper.summary());
}

#[test]
fn an_aborted_canary_that_stays_up_shrinks_with_the_rollout() {
    let mut paper = routed(10, json!({"abortScaleDownDelaySeconds": 0}));
    update(&mut paper, "green");
    paper.status(json!({"abort": true}));
    paper.settle();
    paper.edit(json!({"spec": {"replicas": 0}}));
    paper.settle();
    assert!(paper.summary().ends_with("| blue 0/0 r1 | green 0/0 r2"), "{}", paper.summary());
}

#[test]
fn a_router_that_refuses_does_not_hold_up_an_abort() {
    let mut paper = routed(4, json!({}));
    update(&mut paper, "green");
    paper.is_refusing = true;
    paper.status(json!({"abort": true}));
    paper.edit(json!({"spec": {"replicas": 8}}));
    for _ in 0..5 {
        paper.step_with_pods();
    }
    assert!(paper.summary().contains("RolloutAborted"), "{}", paper.summary());
    assert!(paper.summary().contains("| blue 8/8 r1 |"), "stable grows all the same: {}", paper.summary());
    assert!(paper.traffic().ends_with("green 30"), "{}", paper.traffic());
}

#[test]
fn a_larger_weight_waits_for_the_one_before_to_be_confirmed() {
    let mut paper = routed(4, json!({}));
    update(&mut paper, "green");
    paper.verify(false);
    paper.status(json!({"pauseConditions": null}));
    paper.settle();
    assert!(paper.traffic().ends_with("green 30"), "{}", paper.traffic());
    paper.verify(true);
    paper.settle();
    assert!(paper.traffic().ends_with("green 60"), "{}", paper.traffic());
}

#[test]
fn stable_s_service_never_selects_a_version_without_pods() {
    let mut paper = Paper::new(json!({
        "replicas": 4, "selector": {"matchLabels": {"app": "demo"}}, "template": template("blue"),
        "strategy": {"canary": {"stableService": "stable", "maxSurge": 0, "maxUnavailable": 1}},
    }));
    paper.service("stable");
    paper.settle();
    paper.edit(json!({"spec": {"template": template("green")}}));
    for _ in 0..30 {
        paper.step_with_pods();
        let selected = paper.traffic().replace("stable: ", "");
        let has_pods = paper.replica_sets().iter().any(|rs| rs.images[0] == selected && rs.replicas > 0);
        assert!(has_pods, "{selected}: {}", paper.summary());
    }
    assert_eq!(paper.summary(), "Healthy - | blue 0/0 r1 | green 4/4 r2");
}

#[test]
fn without_steps_the_traffic_moves_with_the_promotion() {
    let mut paper = routed(4, json!({"steps": null}));
    paper.edit(json!({"spec": {"template": template("green")}}));
    for _ in 0..20 {
        paper.step_with_pods();
        assert!(paper.traffic().ends_with(" 0"), "{}", paper.traffic());
    }
    assert_eq!(paper.traffic(), "canary: green | stable: green | green 0");
}

#[test]
fn an_abort_does_not_wait_for_all_pods_behind_a_service_that_was_applied_anew() {
    let mut paper = routed(10, json!({}));
    update(&mut paper, "green");
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 30");
    // It selects a version again when all of stable's pods are there, and one of them is not.
    paper.service("stable");
    paper.leave_pods("blue", 9);
    paper.status(json!({"abort": true}));
    paper.step();
    paper.step();
    assert!(paper.traffic().ends_with("| green 0"), "{}", paper.traffic());
}

#[test]
fn a_service_that_was_applied_anew_sends_no_more_than_stable_bears() {
    let steps = |weight: i32| json!([{"setWeight": weight}, {"pause": {}}]);
    let mut paper = routed(10, json!({"dynamicStableScale": true, "steps": steps(90)}));
    update(&mut paper, "green");
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/2 | blue 1/1 r1 | green 9/9 r2");
    paper.service("canary");
    paper.edit(json!({"spec": {"strategy": {"canary": {"steps": steps(10)}}}}));
    paper.step();
    assert!(paper.traffic().ends_with("| green 90"), "{}", paper.traffic());
}
