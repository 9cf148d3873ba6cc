//! What goes on while something is in the way: pauses, invalid specs, refusals, odd indices, late commands.

use serde_json::{Value, json};

use super::{Paper, guide, template, updated};

fn ends_with(paper: &Paper, end: &str) {
    assert!(paper.summary().ends_with(end), "{}", paper.summary());
}

fn canary(members: &Value) -> Value {
    json!({"spec": {"strategy": {"canary": members}}})
}

#[test]
fn a_paused_rollout_follows_its_replicas_through_zero() {
    let mut paper = guide();
    paper.edit(json!({"spec": {"paused": true, "replicas": 0}}));
    paper.settle();
    ends_with(&paper, "| blue 0/0 r1");
    paper.edit(json!({"spec": {"replicas": 5}}));
    paper.settle();
    ends_with(&paper, "| blue 5/5 r1");
    paper.delete("blue");
    paper.settle();
    ends_with(&paper, "| blue 5/5 r1");

    let mut paper = updated("yellow");
    paper.edit(json!({"spec": {"paused": true, "replicas": 0}}));
    paper.settle();
    ends_with(&paper, "| blue 0/0 r1 | yellow 0/0 r2");
    paper.edit(json!({"spec": {"replicas": 5}}));
    paper.settle();
    ends_with(&paper, "| blue 4/4 r1 | yellow 1/1 r2");
}

#[test]
fn a_first_deployment_that_is_paused_waits() {
    let mut paper = Paper::new(json!({
        "replicas": 2, "paused": true,
        "selector": {"matchLabels": {"app": "demo"}}, "template": template("blue"), "strategy": {"canary": {}},
    }));
    paper.settle();
    assert_eq!(paper.summary(), "Paused manually paused - | blue 0/0 r1");
    assert!(paper.report().starts_with("Rollout/demo spec.paused: paused by a user"), "{}", paper.report());
}

#[test]
fn scaling_while_paused_never_costs_a_side_its_last_pod() {
    let cases = [
        (1, 50, "blue 1/1 r1 | yellow 1/1 r2", 2, "blue 1/1 r1 | yellow 1/1 r2"),
        (4, 90, "blue 1/1 r1 | yellow 4/4 r2", 8, "blue 2/2 r1 | yellow 6/6 r2"),
        (10, 90, "blue 1/1 r1 | yellow 9/9 r2", 2, "blue 1/1 r1 | yellow 1/1 r2"),
    ];
    for (before, weight, sizes, after, expected) in cases {
        let mut paper = guide();
        paper.edit(json!({"spec": {"replicas": before, "template": template("yellow"),
            "strategy": {"canary": {"steps": [{"setWeight": weight}, {"pause": {}}]}}}}));
        paper.settle();
        ends_with(&paper, sizes);
        paper.edit(json!({"spec": {"paused": true, "replicas": after}}));
        paper.settle();
        ends_with(&paper, expected);
    }
}

#[test]
fn scaling_while_paused_starts_no_canary() {
    let mut paper = guide();
    paper.edit(json!({"spec": {"paused": true, "template": template("yellow")}}));
    paper.settle();
    paper.edit(json!({"spec": {"replicas": 10}}));
    paper.settle();
    ends_with(&paper, "| blue 10/10 r1 | yellow 0/0 r2");
}

#[test]
fn what_routes_or_gates_by_unknown_rules_freezes_everything_but_a_lone_version() {
    let mut paper = updated("yellow");
    let before = paper.summary();
    paper.edit(canary(&json!({"analysis": {"templates": []}})));
    paper.status(json!({"pauseConditions": null}));
    paper.edit(json!({"spec": {"replicas": 20}}));
    paper.settle();
    let sizes = before.split_once(" | ").unwrap().1;
    ends_with(&paper, sizes);
    assert_eq!(paper.rollout().status.current_step_index, Some(1));

    let mut paper = guide();
    paper.edit(canary(&json!({"trafficRouting": {"plugins": {"x": {}}}})));
    paper.edit(json!({"spec": {"replicas": 7}}));
    paper.settle();
    ends_with(&paper, "| blue 7/7 r1");
    assert_eq!(paper.rollout().status.available_replicas, 7);
}

#[test]
fn a_frozen_rollout_does_not_grow_stable_for_what_is_gone() {
    let mut paper = updated("yellow");
    paper.edit(canary(&json!({"analysis": {"templates": []}})));
    paper.settle();
    paper.delete("yellow");
    paper.edit(json!({"spec": {"replicas": 20}}));
    paper.settle();
    ends_with(&paper, "| blue 4/4 r1");
}

#[test]
fn an_index_that_nobody_could_mean_is_the_nearest_end() {
    for (index, expected) in [
        (json!(-1), "Paused CanaryPauseStep 1/4 | blue 4/4 r1 | yellow 1/1 r2"),
        (Value::Null, "Paused CanaryPauseStep 1/4 | blue 4/4 r1 | yellow 1/1 r2"),
        (json!(99), "Healthy 4/4 | blue 0/0 r1 | yellow 5/5 r2"),
    ] {
        let mut paper = updated("yellow");
        paper.status(json!({"currentStepIndex": index}));
        paper.settle();
        assert_eq!(paper.summary(), expected, "{index}");
    }
}

#[test]
fn a_strategy_that_comes_back_after_an_abort_goes_on_from_its_first_step() {
    let mut paper = updated("yellow");
    let strategy = json!(paper.rollout().spec.strategy);
    paper.edit(json!({"spec": {"strategy": null}}));
    paper.settle();
    paper.status(json!({"abort": true}));
    paper.settle();
    ends_with(&paper, "| blue 5/5 r1 | yellow 0/0 r2");
    paper.status(json!({"abort": false}));
    paper.settle();
    paper.edit(json!({"spec": {"strategy": strategy}}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 4/4 r1 | yellow 1/1 r2");
}

#[test]
fn the_later_word_counts_between_abort_and_full_promotion() {
    let mut paper = updated("yellow");
    paper.status(json!({"abort": true}));
    paper.settle();
    assert!(paper.report().contains("status.abort: the update is aborted"), "{}", paper.report());
    paper.status(json!({"promoteFull": true}));
    paper.settle();
    assert_eq!(paper.summary(), "Healthy 4/4 | blue 0/0 r1 | yellow 5/5 r2");

    let mut paper = updated("yellow");
    paper.status(json!({"promoteFull": true}));
    paper.step();
    paper.status(json!({"abort": true}));
    paper.settle();
    ends_with(&paper, "| blue 5/5 r1 | yellow 0/0 r2");
}

#[test]
fn an_abort_right_after_an_edit_is_not_lost() {
    let mut paper = guide();
    paper.edit(json!({"spec": {"template": template("yellow")}}));
    paper.status(json!({"abort": true}));
    paper.settle();
    ends_with(&paper, "| blue 5/5 r1 | yellow 0/0 r2");
    assert!(paper.rollout().status.abort);
}

#[test]
fn a_refused_creation_stops_neither_scaling_nor_abort_and_says_so() {
    let mut paper = updated("yellow");
    paper.refuse_creates("quota exceeded");
    paper.edit(json!({"spec": {"replicas": 10, "template": template("red")}}));
    for _ in 0..9 {
        paper.step_with_pods();
    }
    ends_with(&paper, "| blue 8/8 r1 | yellow 2/2 r2");
    let condition = paper.rollout().status.condition("Progressing").cloned().unwrap();
    assert_eq!(condition.reason, "ReplicaSetCreateError");
    assert!(condition.message.ends_with(": quota exceeded"), "{}", condition.message);
    paper.status(json!({"abort": true}));
    for _ in 0..9 {
        paper.step_with_pods();
    }
    ends_with(&paper, "| blue 10/10 r1 | yellow 0/0 r2");
    for _ in 0..4 {
        assert!(!paper.step(), "a refusal that repeats itself is not written again: {}", paper.summary());
    }
    paper.allow_creates();
    paper.settle();
    ends_with(&paper, "| blue 8/8 r1 | yellow 0/0 r2 | red 2/2 r3");
}

#[test]
fn while_a_creation_is_refused_what_runs_keeps_its_own_template() {
    let mut paper = updated("yellow");
    paper.delete("blue");
    paper.refuse_creates("quota exceeded");
    // What is noted for blue is none of yellow's.
    let affinity = json!({"preferredDuringSchedulingIgnoredDuringExecution": {"weight": 7}});
    paper.edit(json!({"spec": {
        "template": template("blue"), "minReadySeconds": 3,
        "strategy": {"canary": {"antiAffinity": affinity}},
    }}));
    for _ in 0..9 {
        paper.step_with_pods();
    }
    assert_eq!(paper.replica_sets()[0].min_ready_seconds, 0);
    for _ in 0..4 {
        assert!(!paper.step(), "it is written again and again: {}", paper.summary());
    }
    paper.allow_creates();
    paper.settle();
    let min_ready_seconds: Vec<i32> = paper.replica_sets().iter().map(|rs| rs.min_ready_seconds).collect();
    assert_eq!(min_ready_seconds, [3, 0], "blue and yellow; {}", paper.summary());
}

#[test]
fn a_refusal_is_not_taken_for_a_verdict_on_the_template() {
    let mut paper = guide();
    paper.edit(json!({"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}}));
    paper.settle();
    paper.refuse_creates("try later");
    paper.edit(json!({"spec": {"template": template("yellow")}}));
    paper.step_with_pods();
    paper.step_with_pods();
    paper.allow_creates();
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/4 | blue 4/4 r1 | yellow 1/1 r2");
}

#[test]
fn a_verdict_about_labels_is_one_about_the_template() {
    let mut paper = guide();
    paper.reject_creates("metadata.labels", "Invalid value: \"bad value!\"");
    paper.edit(json!({"spec": {"template": template("yellow")}}));
    paper.settle();
    let text = "InvalidSpec: The Rollout \"demo\" is invalid: spec.template.metadata.labels: Invalid value: \"bad value!\"";
    assert!(paper.summary().contains(text), "{}", paper.summary());
    paper.edit(json!({"spec": {"replicas": 7}}));
    paper.settle();
    ends_with(&paper, "| blue 7/7 r1");
}

#[test]
fn stable_carries_everything_when_the_rest_is_gone_and_the_spec_invalid() {
    let mut paper = updated("yellow");
    paper.edit(json!({"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}}));
    paper.settle();
    paper.delete("yellow");
    paper.edit(json!({"spec": {"replicas": 10}}));
    paper.settle();
    ends_with(&paper, "| blue 10/10 r1");
}

#[test]
fn undoing_an_aborted_update_while_paused_is_no_alarm() {
    let mut paper = updated("yellow");
    paper.status(json!({"abort": true}));
    paper.settle();
    paper.edit(json!({"spec": {"paused": true, "template": template("blue")}}));
    paper.settle();
    assert_eq!(paper.summary(), "Paused manually paused 4/4 | blue 5/5 r3 | yellow 0/0 r2");
}

#[test]
fn an_invalid_deadline_raises_no_second_alarm() {
    let mut paper = updated("yellow");
    paper.status(json!({"pauseConditions": null}));
    paper.settle_without_pods();
    paper.edit(json!({"spec": {"progressDeadlineSeconds": -1}}));
    paper.settle_without_pods();
    assert!(paper.summary().starts_with("Degraded InvalidSpec"), "{}", paper.summary());
    assert!(!paper.rollout().status.conditions.iter().any(|c| c.reason == "ProgressDeadlineExceeded"));
}

#[test]
fn absurd_limits_do_not_overflow() {
    for (surge, unavailable) in
        [(json!(i32::MAX), json!(0)), (json!(-1), json!(0)), (json!("9999999999%"), json!(1))]
    {
        let mut paper = guide();
        let limits = json!({"maxSurge": surge, "maxUnavailable": unavailable});
        paper.edit(canary(&limits));
        paper.edit(json!({"spec": {"template": template("yellow")}}));
        paper.settle();
        ends_with(&paper, "| blue 4/4 r1 | yellow 1/1 r2");
    }
}

#[test]
fn a_version_that_somebody_deletes_comes_back_with_no_more_pods_than_it_should_have() {
    let mut paper = updated("yellow");
    paper.status(json!({"abort": true}));
    paper.settle();
    paper.delete("yellow");
    assert!(paper.step());
    assert!(paper.summary().contains("yellow 0/0"), "{}", paper.summary());
    paper.settle();
    assert!(paper.summary().contains("blue 5/5"), "{}", paper.summary());
}
