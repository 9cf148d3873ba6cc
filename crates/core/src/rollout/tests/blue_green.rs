//! Blue-green over the paper cluster.

#![allow(clippy::needless_pass_by_value, reason = "literals are handed over")]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::paper::Paper;
use super::{resume, template, update};
use crate::snapshot::Evidence;

fn blue_green(strategy: Value) -> Paper {
    let mut members = json!({"activeService": "active", "previewService": "preview"});
    members.as_object_mut().unwrap().extend(strategy.as_object().unwrap().clone());
    let mut paper = Paper::new(json!({
        "replicas": 3,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": template("blue"),
        "strategy": {"blueGreen": members},
    }));
    paper.service("active");
    paper.service("preview");
    paper.settle();
    paper
}

#[test]
fn a_first_version_becomes_active_once_it_is_available() {
    let mut paper = Paper::new(json!({
        "replicas": 3, "selector": {"matchLabels": {"app": "demo"}}, "template": template("blue"),
        "strategy": {"blueGreen": {"activeService": "active"}},
    }));
    paper.service("active");
    paper.settle_without_pods();
    assert_eq!(paper.traffic(), "active: any");
    assert_eq!(paper.rollout().status.stable_rs, "");
    paper.settle();
    assert_eq!((paper.summary(), paper.traffic()), ("Healthy - | blue 3/3 r1".into(), "active: blue".into()));
}

#[test]
fn an_update_waits_for_a_user() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false}));
    update(&mut paper, "green");
    assert_eq!(paper.summary(), "Paused BlueGreenPause - | blue 3/3 r1 | green 3/3 r2");
    assert_eq!(paper.traffic(), "active: blue | preview: green");
    assert_eq!(
        paper.report(),
        "Rollout/demo status.pauseConditions: paused before the switch (BlueGreenPause); until it is promoted"
    );
    resume(&mut paper);
    assert_eq!(paper.summary(), "Healthy - | blue 3/3 r1 | green 3/3 r2");
    assert_eq!(paper.traffic(), "active: green | preview: green");
    assert!(!paper.rollout().status.controller_pause);
    paper.pass_seconds(29);
    paper.settle();
    assert_eq!(paper.summary(), "Healthy - | blue 3/3 r1 | green 3/3 r2");
    paper.pass_seconds(1);
    paper.settle();
    assert_eq!(paper.summary(), "Healthy - | blue 0/0 r1 | green 3/3 r2");
}

#[test]
fn what_traffic_and_stable_rest_on_is_read_live() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false}));
    paper.asked.clear();
    update(&mut paper, "green");
    assert!(paper.asked.is_empty(), "the preview Service carries no production traffic: {:?}", paper.asked);
    paper.status(json!({"pauseConditions": null}));
    while paper.traffic() != "active: green | preview: green" {
        assert!(paper.step(), "{}", paper.summary());
    }
    let green = Evidence::ReplicaSet(format!("demo-{}", paper.rollout().status.current_pod_hash));
    assert_eq!(paper.asked, BTreeSet::from([green.clone()]), "for the switch");
    paper.asked.clear();
    paper.settle();
    let active = Evidence::Service("active".to_owned());
    assert_eq!(paper.asked, BTreeSet::from([green, active.clone()]), "for stable");
    paper.asked.clear();
    paper.pass_seconds(30);
    paper.settle();
    assert_eq!(paper.summary(), "Healthy - | blue 0/0 r1 | green 3/3 r2");
    assert_eq!(paper.asked, BTreeSet::from([active]), "nothing may send traffic to what goes");
    paper.asked.clear();
    // Its revision is raised.
    update(&mut paper, "blue");
    assert!(paper.asked.contains(&Evidence::Rollout), "{:?}", paper.asked);
}

#[test]
fn a_promotion_ends_a_timed_pause_at_once() {
    let mut paper = blue_green(json!({"autoPromotionSeconds": 60}));
    update(&mut paper, "green");
    paper.pass_seconds(5);
    resume(&mut paper);
    assert_eq!(paper.traffic(), "active: green | preview: green");
    let mut waits = blue_green(json!({"autoPromotionSeconds": 60}));
    update(&mut waits, "green");
    waits.pass_seconds(59);
    waits.settle();
    assert_eq!(waits.traffic(), "active: blue | preview: green");
    waits.pass_seconds(1);
    waits.settle();
    assert_eq!(waits.summary(), "Healthy - | blue 3/3 r1 | green 3/3 r2");
}

#[test]
fn a_preview_has_fewer_pods_until_the_switch() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false, "previewReplicaCount": 1}));
    update(&mut paper, "green");
    assert_eq!(paper.summary(), "Paused BlueGreenPause - | blue 3/3 r1 | green 1/1 r2");
    paper.edit(json!({"spec": {"replicas": 4}}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused BlueGreenPause - | blue 4/4 r1 | green 1/1 r2");
    paper.status(json!({"pauseConditions": null}));
    paper.settle_without_pods();
    assert_eq!(paper.traffic(), "active: blue | preview: green");
    paper.settle();
    assert_eq!(paper.summary(), "Healthy - | blue 4/4 r1 | green 4/4 r2");
}

#[test]
fn an_abort_leaves_the_preview_up_for_its_delay() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false, "abortScaleDownDelaySeconds": 25}));
    update(&mut paper, "green");
    paper.status(json!({"abort": true}));
    paper.settle();
    let aborted = "Degraded RolloutAborted: Rollout aborted update to revision 2 -";
    assert_eq!(paper.summary(), format!("{aborted} | blue 3/3 r1 | green 3/3 r2"));
    paper.pass_seconds(25);
    paper.settle();
    assert_eq!(paper.summary(), format!("{aborted} | blue 3/3 r1 | green 0/0 r2"));
    assert_eq!(paper.traffic(), "active: blue | preview: green");
    paper.status(json!({"abort": false}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused BlueGreenPause - | blue 3/3 r1 | green 3/3 r2");
    assert_eq!(paper.wake_at(), None);
}

#[test]
fn an_abort_after_the_switch_needs_no_new_pods() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false}));
    update(&mut paper, "green");
    paper.status(json!({"pauseConditions": null}));
    paper.step();
    assert_eq!(paper.traffic(), "active: green | preview: green");
    // The new pods crash before the promotion is noted.
    paper.leave_pods("green", 0);
    paper.status(json!({"abort": true}));
    paper.step();
    assert_eq!(paper.traffic(), "active: blue | preview: green");
}

#[test]
fn without_delay_the_old_version_goes_at_once() {
    let mut paper = blue_green(json!({"scaleDownDelaySeconds": 0}));
    update(&mut paper, "green");
    assert_eq!(paper.summary(), "Healthy - | blue 0/0 r1 | green 3/3 r2");
    assert_eq!(paper.wake_at(), None);
}

#[test]
fn so_many_old_versions_may_wait() {
    let mut paper = blue_green(json!({"scaleDownDelayRevisionLimit": 1}));
    update(&mut paper, "green");
    update(&mut paper, "red");
    assert_eq!(paper.summary(), "Healthy - | blue 0/0 r1 | green 3/3 r2 | red 3/3 r3");
}

#[test]
fn back_to_a_version_that_is_still_up_is_fast() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false}));
    update(&mut paper, "green");
    resume(&mut paper);
    update(&mut paper, "blue");
    assert_eq!(paper.summary(), "Healthy - | blue 3/3 r3 | green 3/3 r2");
    assert_eq!(paper.traffic(), "active: blue | preview: blue");
    paper.pass_seconds(31);
    paper.settle();
    update(&mut paper, "green");
    assert_eq!(paper.summary(), "Paused BlueGreenPause - | blue 3/3 r3 | green 3/3 r4");
}

#[test]
fn a_third_version_leaves_the_active_one_alone() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false}));
    update(&mut paper, "green");
    update(&mut paper, "red");
    assert_eq!(paper.summary(), "Paused BlueGreenPause - | blue 3/3 r1 | green 3/3 r2 | red 3/3 r3");
    paper.pass_seconds(31);
    paper.settle();
    assert_eq!(paper.summary(), "Paused BlueGreenPause - | blue 3/3 r1 | green 0/0 r2 | red 3/3 r3");
}

#[test]
fn a_pause_keeps_a_new_version_from_starting() {
    let mut paper = blue_green(json!({}));
    paper.edit(json!({"spec": {"paused": true, "template": template("green"), "replicas": 5}}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused manually paused - | blue 5/5 r1 | green 0/0 r2");
    assert_eq!(paper.traffic(), "active: blue | preview: blue");
    paper.edit(json!({"spec": {"paused": false}}));
    paper.settle();
    assert_eq!(paper.traffic(), "active: green | preview: green");
}

#[test]
fn the_strategy_may_change_at_any_time() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false}));
    update(&mut paper, "green");
    let canary = json!({"steps": [{"setWeight": 34}, {"pause": {}}]});
    paper.edit(json!({"spec": {"strategy": {"blueGreen": null, "canary": canary}}}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/2 | blue 2/2 r1 | green 1/1 r2");
    let strategy = json!({"activeService": "active", "autoPromotionEnabled": false});
    paper.edit(json!({"spec": {"strategy": {"canary": null, "blueGreen": strategy}}}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused BlueGreenPause - | blue 3/3 r1 | green 3/3 r2");
    assert_eq!(paper.traffic(), "active: blue | preview: green");
}

#[test]
fn a_stable_version_that_never_ran_does_not_bar_the_way() {
    let mut paper = blue_green(json!({}));
    // As upstream leaves a first version that crashes: stable, and not active.
    paper.service("active");
    paper.leave_pods("blue", 0);
    paper.edit(json!({"spec": {"template": template("green")}}));
    for _ in 0..30 {
        paper.step();
        paper.start_pods_of("green");
    }
    assert_eq!(paper.traffic(), "active: green | preview: green");
}

#[test]
fn an_active_service_without_a_version_goes_to_stable() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false}));
    update(&mut paper, "green");
    paper.point("active", "gone");
    paper.settle();
    assert_eq!(paper.traffic(), "active: blue | preview: green");
}

#[test]
fn a_retry_begins_with_the_pause() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false, "previewReplicaCount": 1}));
    update(&mut paper, "green");
    paper.status(json!({"pauseConditions": null}));
    paper.step();
    assert!(paper.rollout().status.blue_green.scale_up_preview_check_point);
    paper.status(json!({"abort": true}));
    paper.settle();
    paper.status(json!({"abort": false}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused BlueGreenPause - | blue 3/3 r1 | green 1/1 r2");
    // Back to an older version, aborted and retried within the abort's delay.
    resume(&mut paper);
    paper.pass_seconds(60);
    paper.settle();
    update(&mut paper, "blue");
    paper.status(json!({"abort": true}));
    paper.settle();
    paper.pass_seconds(5);
    let aborted = paper.clone();
    paper.status(json!({"abort": false}));
    paper.settle();
    assert!(paper.summary().starts_with("Paused BlueGreenPause"), "{}", paper.summary());
    // A crash behind the status: the abort's deadline is there still.
    let pause = json!([{"reason": "BlueGreenPause", "startTime": paper.now().to_string()}]);
    let mut crashed = aborted.clone();
    let retried =
        json!({"abort": false, "abortedAt": null, "pauseConditions": pause, "controllerPause": true});
    crashed.status(retried);
    crashed.settle();
    assert!(crashed.summary().starts_with("Paused BlueGreenPause"), "{}", crashed.summary());
    // Retried while a user's pause holds all.
    let mut held = aborted;
    held.edit(json!({"spec": {"paused": true}}));
    held.status(json!({"abort": false}));
    held.settle();
    held.edit(json!({"spec": {"paused": false}}));
    held.settle();
    assert!(held.summary().starts_with("Paused BlueGreenPause"), "{}", held.summary());
}

#[test]
fn a_pause_of_the_user_holds_the_switch() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false}));
    update(&mut paper, "green");
    paper.edit(json!({"spec": {"paused": true}}));
    resume(&mut paper);
    assert_eq!(paper.traffic(), "active: blue | preview: green");
    paper.edit(json!({"spec": {"paused": false}}));
    paper.settle();
    assert_eq!(paper.traffic(), "active: green | preview: green");
}

#[test]
fn an_aborted_version_that_is_made_anew_gets_no_pods() {
    let mut paper = blue_green(json!({"autoPromotionEnabled": false, "abortScaleDownDelaySeconds": 0}));
    update(&mut paper, "green");
    paper.status(json!({"abort": true}));
    paper.settle();
    paper.delete("green");
    paper.settle();
    assert!(paper.summary().ends_with("| blue 3/3 r1 | green 0/0 r2"), "{}", paper.summary());
}
