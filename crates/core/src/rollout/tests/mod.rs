//! Decisions over a paper cluster: writes are applied to the snapshot as an API server would, pods become available when
//! the test says so.

mod blue_green;
mod held;
mod paper;
mod pods;
mod renamed;
mod routed;
mod services;

use std::collections::BTreeSet;

use paper::Paper;
use serde_json::json;
use tidegate_api::meta::Time;
use tidegate_api::rollout::CompletionStatus;

use crate::snapshot::Evidence;

fn guide() -> Paper {
    let mut paper = Paper::new(json!({
        "replicas": 5,
        "revisionHistoryLimit": 2,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": template("blue"),
        "strategy": {"canary": {"steps": [
            {"setWeight": 20}, {"pause": {}}, {"setWeight": 40}, {"pause": {"duration": 10}},
        ]}},
    }));
    paper.settle();
    paper
}

fn template(image: &str) -> serde_json::Value {
    json!({
        "metadata": {"labels": {"app": "demo"}},
        "spec": {"containers": [{"name": "demo", "image": image}]},
    })
}

fn update(paper: &mut Paper, image: &str) {
    paper.edit(json!({"spec": {"template": template(image)}}));
    paper.settle();
}

fn resume(paper: &mut Paper) {
    paper.status(json!({"pauseConditions": null}));
    paper.settle();
}

fn updated(image: &str) -> Paper {
    let mut paper = guide();
    update(&mut paper, image);
    paper
}

#[test]
fn first_deployment_runs_no_steps() {
    let paper = guide();
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 5/5 r1");
    assert_eq!(
        paper.events(),
        "NewReplicaSetCreated ScalingReplicaSet RolloutUpdated RolloutNotCompleted RolloutCompleted"
    );
}

#[test]
fn an_update_stops_at_the_indefinite_pause() {
    let paper = updated("yellow");
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 4/4 r1 | yellow 1/1 r2");
    assert_eq!(paper.wake_at(), None);
    assert_eq!(
        paper.report(),
        "Rollout/demo status.pauseConditions: paused at a step (CanaryPauseStep); until it is promoted"
    );
}

#[test]
fn an_update_tells_when_it_began_and_how_long_it_waited_for_people() {
    let mut paper = guide();
    paper.pass_seconds(7);
    let began = Time::truncated(paper.now());
    update(&mut paper, "yellow");
    paper.pass_seconds(40);
    resume(&mut paper);
    paper.pass_seconds(10);
    paper.settle();
    let duration = paper.rollout().status.duration.unwrap();
    assert_eq!(duration.rollout_started_at, Some(began));
    assert_eq!(duration.total_manual_pause_duration_seconds, Some(40), "the timed pause needs nobody");
    let took = duration.finished_at.unwrap().timestamp().duration_since(began.timestamp());
    assert_eq!((took.as_secs(), duration.completion_status), (50, Some(CompletionStatus::Promoted)));
}

#[test]
fn pods_go_where_those_that_stay_were_read_live() {
    let mut paper = updated("yellow");
    paper.asked.clear();
    resume(&mut paper);
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 3/4 | blue 3/3 r1 | yellow 2/2 r2");
    let yellow = Evidence::ReplicaSet(format!("demo-{}", paper.rollout().status.current_pod_hash));
    assert_eq!(paper.asked, BTreeSet::from([yellow]));
}

#[test]
fn a_promoted_update_ends_stable() {
    let mut paper = updated("yellow");
    paper.status(json!({"pauseConditions": null}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 3/4 | blue 3/3 r1 | yellow 2/2 r2");
    paper.pass_seconds(9);
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 3/4 | blue 3/3 r1 | yellow 2/2 r2");
    paper.pass_seconds(1);
    paper.settle();
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 0/0 r1 | yellow 5/5 r2");
}

#[test]
fn an_abort_returns_to_stable_in_every_phase() {
    for seconds_after_promotion in [None, Some(0), Some(10)] {
        let mut paper = updated("yellow");
        if let Some(seconds) = seconds_after_promotion {
            paper.status(json!({"pauseConditions": null}));
            paper.step();
            paper.pass_seconds(seconds);
            paper.step();
        }
        paper.status(json!({"abort": true}));
        paper.settle();
        assert_eq!(
            paper.summary(),
            "Degraded RolloutAborted: Rollout aborted update to revision 2 0/4 | blue 5/5 r1 | yellow 0/0 r2"
        );
    }
}

#[test]
fn the_stable_template_again_is_healthy_at_once() {
    let mut paper = updated("yellow");
    paper.status(json!({"abort": true}));
    paper.settle();
    paper.edit(json!({"spec": {"template": template("blue")}}));
    paper.settle();
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 5/5 r3 | yellow 0/0 r2");
    assert!(paper.events().ends_with("RolloutUpdated SkipSteps"), "{}", paper.events());
}

#[test]
fn retry_begins_again() {
    let mut paper = updated("yellow");
    paper.status(json!({"abort": true}));
    paper.settle();
    paper.status(json!({"abort": false}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 4/4 r1 | yellow 1/1 r2");
}

#[test]
fn full_promotion_skips_the_steps() {
    let mut paper = updated("yellow");
    paper.status(json!({"promoteFull": true}));
    paper.settle();
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 0/0 r1 | yellow 5/5 r2");
    assert!(!paper.rollout().status.promote_full);
}

#[test]
fn aborting_a_finished_rollout_changes_nothing() {
    let mut paper = guide();
    let before = paper.summary();
    paper.status(json!({"abort": true}));
    paper.settle();
    assert_eq!(paper.summary(), before);
    assert!(!paper.rollout().status.abort);
}

#[test]
fn a_third_version_supersedes_the_second() {
    let mut paper = updated("yellow");
    paper.edit(json!({"spec": {"template": template("red")}}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 4/4 r1 | yellow 0/0 r2 | red 1/1 r3");
}

#[test]
fn scaling_goes_on_in_every_state() {
    let mut paper = updated("yellow");
    paper.edit(json!({"spec": {"replicas": 10}}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 8/8 r1 | yellow 2/2 r2");
    paper.edit(json!({"spec": {"paused": true, "replicas": 5}}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused manually paused 1/4 | blue 4/4 r1 | yellow 1/1 r2");
    paper.status(json!({"abort": true}));
    paper.edit(json!({"spec": {"replicas": 0}}));
    paper.settle();
    assert!(paper.summary().ends_with("| blue 0/0 r1 | yellow 0/0 r2"), "{}", paper.summary());
}

#[test]
fn a_users_pause_stops_the_steps_and_the_sizes() {
    let mut paper = updated("yellow");
    paper.edit(json!({"spec": {"paused": true}}));
    paper.status(json!({"pauseConditions": null}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused manually paused 1/4 | blue 4/4 r1 | yellow 1/1 r2");
    paper.edit(json!({"spec": {"paused": false}}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 3/4 | blue 3/3 r1 | yellow 2/2 r2");
}

#[test]
fn an_invalid_edit_changes_nothing_but_the_message() {
    let mut paper = updated("yellow");
    paper.edit(json!({"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}}));
    paper.settle();
    assert!(
        paper.summary().starts_with(
            "Degraded InvalidSpec: The Rollout \"demo\" is invalid: spec.template.metadata.labels"
        )
    );
    assert!(paper.summary().ends_with("1/4 | blue 4/4 r1 | yellow 1/1 r2"), "{}", paper.summary());
    // Scaling, promotion and the pending pause go on with the last valid template.
    paper.edit(json!({"spec": {"replicas": 10}}));
    paper.settle();
    assert!(paper.summary().ends_with("1/4 | blue 8/8 r1 | yellow 2/2 r2"), "{}", paper.summary());
    paper.status(json!({"pauseConditions": null}));
    paper.settle();
    paper.pass_seconds(11);
    paper.settle();
    assert!(paper.summary().ends_with("4/4 | blue 0/0 r1 | yellow 10/10 r2"), "{}", paper.summary());
}

#[test]
fn invalid_steps_hold_the_proportion() {
    let mut paper = updated("yellow");
    let steps = json!([{"setWeight": 101}]);
    paper.edit(json!({"spec": {"replicas": 10, "strategy": {"canary": {"steps": steps}}}}));
    paper.settle();
    assert!(paper.summary().ends_with("1/1 | blue 8/8 r1 | yellow 2/2 r2"), "{}", paper.summary());
    paper.status(json!({"abort": true}));
    paper.settle();
    assert!(paper.summary().ends_with("| blue 10/10 r1 | yellow 0/0 r2"), "{}", paper.summary());
}

#[test]
fn history_is_kept_to_its_limit() {
    let mut paper = guide();
    for image in ["a", "b", "c", "d"] {
        paper.pass_seconds(1);
        paper.edit(json!({"spec": {"template": template(image)}}));
        paper.settle();
        paper.status(json!({"promoteFull": true}));
        paper.settle();
    }
    assert_eq!(paper.summary(), "Healthy 4/4 | b 0/0 r3 | c 0/0 r4 | d 5/5 r5");
}

#[test]
fn new_steps_on_a_finished_rollout_restart_nothing() {
    let mut paper = guide();
    paper.edit(json!({"spec": {"strategy": {"canary": {"steps": [{"setWeight": 50}]}}}}));
    paper.settle();
    assert_eq!(paper.summary(), "Healthy 1/1 | blue 5/5 r1");
    assert!(!paper.events().contains("SkipSteps"));
}

#[test]
fn a_canary_that_never_starts_exceeds_the_deadline_and_recovers() {
    let mut paper = guide();
    paper.edit(json!({"spec": {"template": template("yellow")}}));
    paper.settle_without_pods();
    let waits_until = paper.wake_at().expect("the deadline is a timer");
    paper.pass_seconds(601);
    assert!(waits_until <= paper.now());
    paper.settle_without_pods();
    let text = "Degraded ProgressDeadlineExceeded: ReplicaSet \"demo-";
    assert!(paper.summary().starts_with(text), "{}", paper.summary());
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 4/4 r1 | yellow 1/1 r2");
}

#[test]
fn what_changed_meanwhile_is_not_shrunk() {
    let mut paper = updated("yellow");
    paper.status(json!({"promoteFull": true}));
    assert_eq!(paper.step_on_stale(), Some(crate::WriteError::Conflict));
    assert!(paper.summary().ends_with("| blue 4/4 r1 | yellow 1/1 r2"), "{}", paper.summary());
    paper.settle();
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 0/0 r1 | yellow 5/5 r2");
}

#[test]
fn a_taken_name_counts_as_a_collision() {
    let mut paper = guide();
    paper.occupy(&template("yellow"));
    paper.edit(json!({"spec": {"template": template("yellow")}}));
    paper.settle();
    assert_eq!(paper.rollout().status.collision_count, Some(1));
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 4/4 r1 | yellow 1/1 r2");
}

#[test]
fn a_template_that_the_server_rejects_is_an_invalid_spec() {
    let mut paper = guide();
    paper.reject_creates("spec.template.spec.containers[0].image", "Required value");
    paper.edit(json!({"spec": {"template": template("")}}));
    paper.settle();
    let text = "Degraded InvalidSpec: The Rollout \"demo\" is invalid: spec.template.spec.containers[0].image: Required value";
    assert_eq!(paper.summary(), format!("{text} 4/4 | blue 5/5 r1"));
    let tries = paper.rejected();
    paper.settle();
    assert_eq!(paper.rejected(), tries, "an answer that cannot change is not asked for again");
    paper.edit(json!({"spec": {"template": template("blue")}}));
    paper.settle();
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 5/5 r1");
}

#[test]
fn nothing_is_made_again_for_a_rollout_that_is_gone() {
    let mut paper = guide();
    paper.edit(json!({"spec": {"template": template("yellow")}}));
    paper.succeed_silently(&template("yellow"));
    assert!(!paper.step());
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 5/5 r1");
    assert!(paper.report().contains("original Rollout default/demo is gone"), "{}", paper.report());
}

#[test]
fn orphans_are_adopted_only_by_a_living_rollout() {
    let mut paper = guide();
    paper.orphan_all();
    paper.recreate();
    paper.settle();
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 5/5 r1");
    assert!(paper.replica_sets().iter().all(|rs| rs.metadata.controller_uid() == Some("uid-2")));
}
