use super::*;
use crate::Subresource;

/// A canary with two steps in the middle of an update; `changes` is merged into it.
fn canary(changes: &Value) -> Rollout {
    let steps = json!([{"setWeight": 20}, {"pause": {}}]);
    rollout(&json!({"canary": {"steps": steps}}), changes)
}

fn rollout(strategy: &Value, changes: &Value) -> Rollout {
    let mut rollout = json!({
        "metadata": {"name": "guestbook", "generation": 2, "resourceVersion": "77"},
        "spec": {"strategy": strategy},
        "status": {"currentPodHash": "b", "stableRS": "a", "observedGeneration": "2", "currentStepIndex": 0},
    });
    for (section, members) in changes.as_object().unwrap() {
        for (key, value) in members.as_object().unwrap() {
            rollout[section][key] = value.clone();
        }
    }
    serde_json::from_value(rollout).unwrap()
}

fn paused_by_controller() -> Value {
    json!([{"reason": "CanaryPauseStep", "startTime": "2026-11-23T05:27:35Z"}])
}

fn locked(status: &Value) -> Value {
    json!({"metadata": {"resourceVersion": "77"}, "status": status})
}

const PLAIN: PromoteOptions = PromoteOptions { full: false, skip_current_step: false, skip_all_steps: false };
const FULL: PromoteOptions = PromoteOptions { full: true, ..PLAIN };
const SKIP: PromoteOptions = PromoteOptions { skip_current_step: true, ..PLAIN };
const SKIP_ALL: PromoteOptions = PromoteOptions { skip_all_steps: true, ..PLAIN };

#[track_caller]
fn check(rollout: &Rollout, options: PromoteOptions, bodies: &[Value], message: &str) {
    let operation = promote(rollout, options).unwrap();
    let found: Vec<&Value> = operation.patches.iter().map(|patch| &patch.body).collect();
    assert_eq!(found, bodies.iter().collect::<Vec<_>>());
    assert_eq!(operation.message, message);
    for patch in &operation.patches {
        let of_status = patch.body.get("status").is_some();
        assert_eq!(patch.subresource, of_status.then_some(Subresource::Status));
        assert_eq!(patch.fallback_to_main, of_status);
    }
}

#[test]
fn a_pause_is_ended() {
    let unpause = json!({"spec": {"paused": false}});
    let mut changes = json!({"status": {"pauseConditions": paused_by_controller(), "controllerPause": true}});
    let ended = locked(&json!({"pauseConditions": null}));
    check(&canary(&changes), PLAIN, std::slice::from_ref(&ended), "rollout 'guestbook' promoted");
    changes["spec"] = json!({"paused": true});
    check(&canary(&changes), PLAIN, &[ended, unpause], "rollout 'guestbook' promoted");
}

#[test]
fn a_users_pause_alone_is_taken_back_without_a_skipped_step() {
    let changes = json!({"spec": {"paused": true}});
    let unpause = json!({"spec": {"paused": false}});
    check(&canary(&changes), PLAIN, std::slice::from_ref(&unpause), "rollout 'guestbook' promoted");
    let blue_green = rollout(&json!({"blueGreen": {"activeService": "a"}}), &changes);
    check(&blue_green, PLAIN, &[unpause], "rollout 'guestbook' promoted");
}

#[test]
fn another_step_is_skipped() {
    let skipped = locked(&json!({"pauseConditions": null, "currentStepIndex": 1}));
    check(&canary(&json!({})), PLAIN, &[skipped], "rollout 'guestbook' promoted");
}

#[test]
fn an_inconclusive_analysis_step_is_skipped() {
    let changes = json!({"status": {
        "pauseConditions": [{"reason": "InconclusiveAnalysisRun", "startTime": "2026-11-23T05:27:35Z"}],
        "controllerPause": true,
        "canary": {"currentStepAnalysisRunStatus": {"name": "run", "status": "Inconclusive"}},
    }});
    let skipped = locked(&json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": 1}));
    check(&canary(&changes), PLAIN, &[skipped], "rollout 'guestbook' promoted");
}

#[test]
fn where_nothing_waits_there_is_nothing_to_promote() {
    for (status, because) in [
        (json!({"stableRS": "b", "currentStepIndex": 2}), "is fully promoted"),
        (json!({"stableRS": "b", "observedGeneration": "1"}), "has a spec update that is not yet observed"),
        (json!({"currentStepIndex": 2}), "has finished all steps"),
        (json!({"controllerPause": true}), "is already resuming"),
        (json!({"abort": true}), "is aborted, retry it first"),
    ] {
        let message = format!("nothing to promote: rollout 'guestbook' {because}");
        check(&canary(&json!({ "status": status })), PLAIN, &[], &message);
    }
    let blue_green = rollout(&json!({"blueGreen": {"activeService": "a"}}), &json!({}));
    check(&blue_green, PLAIN, &[], "nothing to promote: rollout 'guestbook' is not paused");
}

#[test]
fn full_promotes_all_the_way() {
    let full = json!({"status": {"promoteFull": true}});
    let unpause = json!({"spec": {"paused": false}});
    let done = "rollout 'guestbook' fully promoted";
    check(&canary(&json!({})), FULL, std::slice::from_ref(&full), done);
    check(&canary(&json!({"spec": {"paused": true}})), FULL, &[full, unpause.clone()], done);
    let stable = json!({"spec": {"paused": true}, "status": {"stableRS": "b"}});
    check(&canary(&stable), FULL, &[unpause], done);
    let stable = json!({"status": {"stableRS": "b"}});
    check(&canary(&stable), FULL, &[], "nothing to promote: rollout 'guestbook' is fully promoted");
}

#[test]
fn skips_move_the_index_only() {
    let changes = json!({"status": {"pauseConditions": paused_by_controller(), "currentStepIndex": 1}});
    let to_two = locked(&json!({"currentStepIndex": 2}));
    check(&canary(&changes), SKIP, std::slice::from_ref(&to_two), "rollout 'guestbook' promoted");
    check(&canary(&json!({})), SKIP_ALL, &[to_two], "rollout 'guestbook' promoted");
    let finished = canary(&json!({"status": {"currentStepIndex": 2}}));
    check(&finished, SKIP, &[], "nothing to promote: rollout 'guestbook' has finished all steps");
}

#[track_caller]
fn refuses(strategy: &Value, options: PromoteOptions, error: &str) {
    let refused = promote(&rollout(strategy, &json!({})), options).unwrap_err();
    assert_eq!(refused.to_string(), error);
    assert!(refused.hint().is_some());
}

#[test]
fn skips_need_steps() {
    let both = PromoteOptions { skip_current_step: true, ..SKIP_ALL };
    let blue_green = json!({"blueGreen": {"activeService": "a"}});
    refuses(&blue_green, both, "Cannot use skip-current-step and skip-all-steps flags at the same time");
    refuses(&blue_green, SKIP, "Cannot skip steps of a bluegreen rollout. Run without a flags");
    refuses(&json!({"canary": {}}), SKIP_ALL, "Cannot skip steps of a rollout without steps");
}

#[test]
fn the_same_position_is_told_from_counting_pods() {
    let before = canary(&json!({}));
    let counted = canary(&json!({"metadata": {"resourceVersion": "78"}, "status": {"availableReplicas": 3}}));
    assert!(is_same_position(&before, &counted));
    for moved in [
        json!({"currentStepIndex": 1}),
        json!({"currentPodHash": "c"}),
        json!({"pauseConditions": paused_by_controller()}),
        json!({"controllerPause": true}),
        json!({"abort": true}),
    ] {
        assert!(!is_same_position(&before, &canary(&json!({ "status": moved }))), "{moved}");
    }
}
